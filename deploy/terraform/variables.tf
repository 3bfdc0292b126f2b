variable "project" {
  description = "Id of the Google Cloud project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 small letters, digits and hyphens."
  }
}

variable "billing_account" {
  description = "Id of the billing account (XXXXXX-XXXXXX-XXXXXX), for the budget."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "It looks like 0123AB-4567CD-89EF01."
  }
}

variable "region" {
  description = "Where Cloud Run, Redis and the images are."
  type        = string
  default     = "europe-west1"
}

variable "firestore_location" {
  description = "Where Firestore keeps the documents; it cannot be changed later."
  type        = string
  default     = "eur3"
}

variable "host" {
  description = "The name under which people reach the site, without https://."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+\\.[a-z]{2,}$", var.host))
    error_message = "Give a host name such as bell.example.com."
  }
}

variable "image_tag" {
  description = "Which image of the registry runs; the first time push one before the rest (see the docs)."
  type        = string
}

variable "mail_from" {
  description = "Sender of all mails, as the mail provider allows."
  type        = string
}

variable "smtp_url" {
  description = "smtp://user:password@host:587 or smtps://user:password@host:465"
  type        = string
  sensitive   = true
}

variable "vapid_private_key" {
  description = "Signs push messages: flask --app app push-key prints one."
  type        = string
  sensitive   = true
}

variable "operator_email" {
  description = "Who is told of costs."
  type        = string
}

variable "budget_units" {
  description = "Monthly budget in whole units of the billing account's currency."
  type        = number
  default     = 60
}

variable "web_instances" {
  description = "At least and at most so many instances of the web."
  type        = object({ min = number, max = number })
  default     = { min = 1, max = 5 }
}

variable "workers" {
  description = "How many workers there are for checks and prices, and for sending."
  type        = object({ worker = number, sender = number })
  default     = { worker = 1, sender = 1 }
}

variable "redis_tier" {
  description = "BASIC (one node) or STANDARD_HA (a second one takes over)."
  type        = string
  default     = "BASIC"

  validation {
    condition     = contains(["BASIC", "STANDARD_HA"], var.redis_tier)
    error_message = "It is BASIC or STANDARD_HA."
  }
}

terraform {
  required_version = ">= 1.6"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.6"
    }
  }

  # The state holds the secrets that are drawn here: keep it where only operators read.
  backend "gcs" {
    prefix = "bellwether"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # Budgets are billed to somebody.
  billing_project       = var.project
  user_project_override = true
}

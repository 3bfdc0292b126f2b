resource "google_monitoring_notification_channel" "operator" {
  display_name = "Bellwether's operator"
  type         = "email"
  labels       = { email_address = var.operator_email }
  depends_on   = [google_project_service.needed]
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_billing_budget" "month" {
  billing_account = var.billing_account
  display_name    = "Bellwether"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget_units)
    }
  }

  threshold_rules {
    threshold_percent = 0.5
  }

  threshold_rules {
    threshold_percent = 0.9
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = [google_monitoring_notification_channel.operator.id]
  }
}

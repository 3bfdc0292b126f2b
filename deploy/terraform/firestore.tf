resource "google_firestore_database" "documents" {
  name                              = "(default)" # only this one is free of charge
  location_id                       = var.firestore_location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON"
  depends_on                        = [google_project_service.needed]
}

# Beside Bellwether's own nightly backups, which can be read without Google.
resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.documents.name
  retention = "604800s" # 7 days

  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  database  = google_firestore_database.documents.name
  retention = "8467200s" # 14 weeks, the longest there is

  weekly_recurrence {
    day = "SUNDAY"
  }
}

# Only the server reads and writes. Indexes: firebase deploy --only firestore:indexes
resource "google_firebaserules_ruleset" "nobody" {
  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/../../firestore.rules")
    }
  }
  depends_on = [google_firestore_database.documents]
}

resource "google_firebaserules_release" "nobody" {
  name         = "cloud.firestore"
  ruleset_name = "projects/${var.project}/rulesets/${google_firebaserules_ruleset.nobody.name}"
}

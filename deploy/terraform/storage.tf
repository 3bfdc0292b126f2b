resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's own keys are enough for a public program
  repository_id = "bellwether"
  format        = "DOCKER"
  location      = var.region

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep the last ten"
    action = "KEEP"

    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "delete what is older than a quarter"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }
  depends_on = [google_project_service.needed]
}

# Bellwether keeps 7 daily, 4 weekly and 12 monthly backups and deletes the others itself; what was
# deleted by mistake can be brought back for two weeks.
resource "google_storage_bucket" "backups" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs tell who reads it, where they are switched on
  name                        = "${var.project}-bellwether-backups"
  location                    = "EU"
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 1209600
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 14
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

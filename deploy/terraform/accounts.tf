# Who the processes are. They read and write documents, their own secrets, and backups.
resource "google_service_account" "bellwether" {
  account_id   = "bellwether"
  display_name = "Bellwether's processes"
}

resource "google_project_iam_member" "documents" {
  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.bellwether.member

  condition {
    title      = "one database"
    expression = "resource.name == 'projects/${var.project}/databases/${google_firestore_database.documents.name}'"
  }
}

resource "google_secret_manager_secret_iam_member" "setting" {
  for_each  = local.secret_names
  secret_id = google_secret_manager_secret.setting[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.bellwether.member
}

resource "google_storage_bucket_iam_member" "backups" {
  bucket = google_storage_bucket.backups.name
  role   = "roles/storage.objectUser"
  member = google_service_account.bellwether.member
}

resource "google_artifact_registry_repository_iam_member" "images" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.bellwether.member
}

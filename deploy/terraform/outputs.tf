output "address" {
  description = "Where Cloud Run serves the site; map the host to it."
  value       = google_cloud_run_v2_service.web.uri
}

output "image" {
  description = "The image that runs."
  value       = local.image
}

output "backups" {
  description = "Where backups go."
  value       = local.settings.BACKUP_TO
}

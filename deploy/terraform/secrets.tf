resource "random_password" "secret_key" {
  length  = 64
  special = false
}

resource "random_password" "metrics_token" {
  length  = 40
  special = false
}

locals {
  redis_url = join("", [
    "rediss://:${google_redis_instance.shared.auth_string}@${google_redis_instance.shared.host}",
    ":${google_redis_instance.shared.port}/0",
    # Memorystore signs its certificate itself; the connection stays in our own network.
    "?ssl_cert_reqs=none",
  ])
  secrets = {
    secret-key        = random_password.secret_key.result
    metrics-token     = random_password.metrics_token.result
    redis-url         = local.redis_url
    smtp-url          = var.smtp_url
    vapid-private-key = var.vapid_private_key
  }
  # for_each shows its keys, and these are no secret.
  secret_names = toset(["secret-key", "metrics-token", "redis-url", "smtp-url", "vapid-private-key"])
}

resource "google_secret_manager_secret" "setting" {
  for_each  = local.secret_names
  secret_id = "bellwether-${each.key}"

  replication {
    auto {}
  }
  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_version" "setting" {
  for_each    = local.secret_names
  secret      = google_secret_manager_secret.setting[each.key].id
  secret_data = local.secrets[each.key]
}

# Redis has a private address; Cloud Run reaches it through this network.
resource "google_compute_network" "bellwether" {
  name                    = "bellwether"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.needed]
}

resource "google_compute_subnetwork" "bellwether" {
  name                     = "bellwether"
  network                  = google_compute_network.bellwether.id
  ip_cidr_range            = "10.20.0.0/24"
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

# Nothing in this network serves anybody else; Redis is reached over a peering, which is not asked.
resource "google_compute_firewall" "nobody" {
  name          = "bellwether-nobody"
  network       = google_compute_network.bellwether.id
  direction     = "INGRESS"
  priority      = 65000
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}

resource "google_redis_instance" "shared" {
  name                    = "bellwether"
  tier                    = var.redis_tier
  memory_size_gb          = 1
  redis_version           = "REDIS_7_2"
  authorized_network      = google_compute_network.bellwether.id
  connect_mode            = "DIRECT_PEERING"
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"

  # Queues and sessions share it with quotes, and must not be thrown out for them.
  redis_configs = {
    maxmemory-policy = "noeviction"
  }

  persistence_config {
    persistence_mode    = "RDB"
    rdb_snapshot_period = "ONE_HOUR"
  }

  lifecycle {
    prevent_destroy = true
  }
}

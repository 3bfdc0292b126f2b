locals {
  image = join("/", [
    "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.name}",
    "bellwether:${var.image_tag}",
  ])
  settings = {
    PUBLIC_URL          = "https://${var.host}"
    PROXY_HOPS          = "1"
    FIREBASE_PROJECT_ID = var.project
    MAIL_FROM           = var.mail_from
    BACKUP_TO           = "gs://${google_storage_bucket.backups.name}/bellwether"
  }
  secret_settings = {
    for name in local.secret_names : upper(replace(name, "-", "_")) => name
  }
  pools = {
    worker = { queues = ["fast", "push", "checks"], memory = "768Mi", instances = var.workers.worker }
    sender = { queues = ["hooks", "mail", "digests", "upkeep"], memory = "512Mi", instances = var.workers.sender }
  }
}

resource "google_cloud_run_v2_service" "web" {
  name                = "bellwether"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = true

  scaling {
    min_instance_count = var.web_instances.min
  }

  template {
    service_account                  = google_service_account.bellwether.email
    timeout                          = "3600s" # open pages hold an answer that goes on
    max_instance_request_concurrency = 250

    scaling {
      max_instance_count = var.web_instances.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = google_compute_network.bellwether.id
        subnetwork = google_compute_subnetwork.bellwether.id
      }
    }

    containers {
      image = local.image

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = "512Mi" }
        cpu_idle          = false # streams are written between requests, too
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 5
        timeout_seconds   = 5
        failure_threshold = 24

        http_get {
          path = "/ready"

          http_headers {
            name  = "X-Forwarded-Proto"
            value = "https"
          }
        }
      }

      liveness_probe {
        period_seconds    = 15
        timeout_seconds   = 10
        failure_threshold = 4

        http_get {
          path = "/health"

          http_headers {
            name  = "X-Forwarded-Proto"
            value = "https"
          }
        }
      }

      dynamic "env" {
        for_each = merge(local.settings, { WEB_CONCURRENCY = "2" })

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_settings

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.setting[env.value].secret_id
              version = "latest"
            }
          }
        }
      }
    }
  }

  depends_on = [
    google_secret_manager_secret_iam_member.setting,
    google_secret_manager_secret_version.setting,
  ]
}

# The site is for everybody; Bellwether asks for names and passwords itself.
resource "google_cloud_run_v2_service_iam_member" "everybody" {
  #checkov:skip=CKV_GCP_102:a public site
  name     = google_cloud_run_v2_service.web.name
  location = google_cloud_run_v2_service.web.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_cloud_run_v2_worker_pool" "pool" {
  for_each = merge(
    { for name, pool in local.pools : name => merge(pool, { command = concat(["python", "-m", "workers"], pool.queues) }) },
    { clock = { command = ["python", "-m", "workers.clock"], memory = "512Mi", instances = 1 } },
  )
  name                = "bellwether-${each.key}"
  location            = var.region
  deletion_protection = true

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = each.value.instances
  }

  template {
    service_account = google_service_account.bellwether.email

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = google_compute_network.bellwether.id
        subnetwork = google_compute_subnetwork.bellwether.id
      }
    }

    containers {
      image   = local.image
      command = each.value.command

      resources {
        limits = { cpu = "1", memory = each.value.memory }
      }

      dynamic "env" {
        for_each = local.settings

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_settings

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.setting[env.value].secret_id
              version = "latest"
            }
          }
        }
      }
    }
  }

  depends_on = [
    google_secret_manager_secret_iam_member.setting,
    google_secret_manager_secret_version.setting,
  ]
}

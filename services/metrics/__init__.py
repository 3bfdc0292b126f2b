"""What Bellwether counts of its own running, in Prometheus' terms: every metric of a process is
declared here, what is of the whole site in `site`.

Each has a label at least: a metric without one begins when this module is imported, before its
process shares its numbers with the others (`services.metrics.shared`). Labels take few values
however many people, symbols and addresses there are.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

# Processes that add up have no common beginning.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()

STORE_DOCUMENTS = Counter(
    "bellwether_store_documents",
    "Documents that Firestore bills, by operation (read, write, delete) and calling function.",
    ("operation", "caller"),
    registry=REGISTRY,
)
REQUESTS = Histogram(
    "bellwether_request_seconds",
    "Time to answer a request, by method, route (a rule, not an address) and status.",
    ("method", "route", "status"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
JOBS = Histogram(
    "bellwether_job_seconds",
    "Time that a job took, by its name and outcome (done, failed).",
    ("job", "outcome"),
    buckets=(0.05, 0.25, 1, 5, 20, 60, 300),
    registry=REGISTRY,
)
CHECKS = Histogram(
    "bellwether_check_seconds",
    "Time that a check took, by outcome (completed, or blind: it could see nothing).",
    ("outcome",),
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 150, 300),
    registry=REGISTRY,
)
TRIGGERS = Counter(
    "bellwether_triggers", "Triggers recorded, by kind of condition.", ("kind",), registry=REGISTRY
)
SOURCE_REQUESTS = Histogram(
    "bellwether_source_request_seconds",
    "Time of a request to the source of prices, by outcome (answered, limited, failed).",
    ("source", "outcome"),
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
QUOTE_AGE = Histogram(
    "bellwether_quote_age_seconds",
    "Age of the oldest quote that somebody was shown.",
    ("source",),
    buckets=(30, 60, 120, 300, 600, 1_200, 3_600, 86_400),
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "bellwether_deliveries",
    "Messages attempted, by kind of channel and outcome (sent, retry, failed, held_back).",
    ("channel", "outcome"),
    registry=REGISTRY,
)
DELIVERY_SECONDS = Histogram(
    "bellwether_delivery_seconds",
    "From when a message was due, quiet hours over, to when the channel had it.",
    ("channel",),
    buckets=(1, 5, 15, 30, 60, 120, 300, 900, 3_600, 21_600),
    registry=REGISTRY,
)
LIVE_STREAMS = Gauge(
    "bellwether_live_streams",
    "Pages that are told of prices as they come.",
    ("part",),
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
MEMORY = Gauge(
    "bellwether_process_memory_bytes",
    "Resident memory of a process, by its part (web, worker, clock); pid is its place.",
    ("part",),
    multiprocess_mode="liveall",
    registry=REGISTRY,
)

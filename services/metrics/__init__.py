"""What Bellwether counts of its own running, in Prometheus' terms: every metric is declared here.

Each has a label at least: a metric without one begins when this module is imported, before its
process shares its numbers with the others (`services.metrics.shared`).
"""

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics

# Processes that add up have no common beginning.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()

STORE_DOCUMENTS = Counter(
    "bellwether_store_documents",
    "Documents that Firestore bills, by operation (read, write, delete) and calling function.",
    ("operation", "caller"),
    registry=REGISTRY,
)

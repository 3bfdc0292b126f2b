"""Fixtures for all tests; each real part that tests start has a module in tests/support."""

pytest_plugins = [
    "tests.support.redis_server",
    "tests.support.stores",
    "tests.support.disks",
    "tests.support.market",
    "tests.support.bell",
    "tests.support.smtp",
    "tests.support.web",
    "tests.support.http_peer",
    "tests.support.push_service",
]

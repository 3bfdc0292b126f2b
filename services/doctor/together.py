"""Several checks at once, none of which can hold the others up."""

from collections.abc import Mapping
from threading import Thread
from time import monotonic

from services.doctor.finding import Check, Finding, bad


def together(checks: Mapping[str, Check], seconds: float) -> list[Finding]:
    """What each check finds, in their order; one that is not through after `seconds` is bad."""
    found: dict[str, Finding] = {}

    def run(about: str, check: Check) -> None:
        found[about] = check()

    threads = [Thread(target=run, args=pair, daemon=True) for pair in checks.items()]
    for thread in threads:
        thread.start()
    ends = monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, ends - monotonic()))
    late = f"did not answer within {seconds:g} s."
    return [
        found.get(about) or bad(about, late, "See that it is up and can be reached from here.")
        for about in checks
    ]

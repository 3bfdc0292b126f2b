"""`make deploy-check`: run every check side by side; 1 if any finds a fault.

A tool that is not on this machine is told, and its files count as not checked, not as right.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from deploy.checks.tools import CHECKS, Check, Result


def main() -> int:
    begun = time.monotonic()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as side_by_side:
        results = list(side_by_side.map(Check.run, CHECKS))
    for result in results:
        tell(result)
    faulty = sum(result.verdict == "FAULT" for result in results)
    missing = sum(result.verdict == "not here" for result in results)
    seconds = time.monotonic() - begun
    print(
        f"{len(results) - faulty - missing} right, {faulty} faulty, {missing} not checked here",
        end="",
    )
    print(f" ({seconds:.0f} s)")
    return 1 if faulty else 0


def tell(result: Result) -> None:
    print(f"{result.verdict:<9} {result.check.files:<44} {result.check.tool}")
    if result.verdict == "FAULT":
        print("\n".join(f"          {line}" for line in result.said.splitlines()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (subprocess.SubprocessError, KeyboardInterrupt) as error:
        sys.exit(f"The check was broken off: {error!r}")

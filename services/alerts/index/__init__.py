"""The armed alerts in Redis, by level, so that a check reads none from the store.

For each symbol S and metric M, `armed:S:M:rise` and `...:fall` are ladders (ladder.lua) of alerts
by level, `waiting:S:M:rise` and `...:fall` those that wait for the metric to be on the other
side. Trailing alerts stand in cohorts, those of one peak together: `armed:S:M@7:rise`, the peak
being the score of 7 in `peaks:S:M`. `fresh:S` is a hash of alerts set since the last check, each
with its own baseline, `armed:fresh` the symbols that have some, `armed:watched` what is in use.

The index may hold an alert that is armed no more: whoever claims it finds that out from the
store and drops it. It must never lack one. So a writer marks the alert before it writes the
store and unmarks it after the index has followed; a check lets the index follow what was left
marked, and rebuilds all of it after Redis was emptied or restarted.
"""

from services.alerts.index.armed import ArmedIndex
from services.alerts.index.entries import (
    DIRECTIONS,
    QUIET,
    Fresh,
    Held,
    Member,
    Probe,
    Role,
    Standing,
    Verdict,
)
from services.alerts.index.filling import Filling
from services.alerts.index.keys import FIRED

__all__ = [
    "DIRECTIONS",
    "FIRED",
    "QUIET",
    "ArmedIndex",
    "Filling",
    "Fresh",
    "Held",
    "Member",
    "Probe",
    "Role",
    "Standing",
    "Verdict",
]

"""What bars of the past cannot tell about a metric, in words for people. Pure."""

from itertools import takewhile

from services.alerts.course import Course
from services.alerts.history import sessions_to_settle
from services.alerts.units import count_text, family, metric_text, window_text

_SEEDED = ("ema", "rsi")
_UNGAUGED = ("move-up", "move-down", "move", "drawdown", "run-up", "earnings", "price")


def notes_on(metric: str, course: Course) -> tuple[str, ...]:
    """One sentence for each thing that the bars of `course` leave open."""
    if not course.bars:
        return ("There are no prices of that time.",)
    notes = [_unknown(metric), _too_coarse(metric, course), _too_short(metric, course)]
    return tuple(note for note in notes if note)


def _unknown(metric: str) -> str:
    if metric == "earnings":
        return "Past earnings dates are not known here, so nothing can be said about them."
    if metric == "price+extended":
        return "The bars hold regular hours only; pre- and post-market prices are not among them."
    return ""


def _too_coarse(metric: str, course: Course) -> str:
    if not family(metric).startswith("move") or metric.endswith("d") or course.interval == "1m":
        return ""
    window = window_text(metric.partition(":")[2])
    return f"A window of {window} needs 1-minute bars, which there are of the past 7 days only."


def _too_short(metric: str, course: Course) -> str:
    if family(metric) in _UNGAUGED or metric == "price+extended":
        return ""
    sessions = sorted({bar.session for bar in course.bars})
    mute = len(list(takewhile(lambda day: course.gauge(metric, day) is None, sessions)))
    label = metric_text(metric)
    if mute == len(sessions):
        return f"{label}: none of the {count_text(mute, 'session')} has enough history before it."
    if mute:
        first = "first session" if mute == 1 else f"first {mute} sessions"
        return f"{label}: the {first} had too little history."
    known = len(course.history.before(sessions[0]))
    unsettled = sessions_to_settle(metric) - known if family(metric) in _SEEDED else 0
    if unsettled > 0:
        return f"{label}: the first values still depend on where the history begins."
    return ""

"""What bars of the past cannot tell about a metric, in words for people. Pure."""

from itertools import takewhile

from services.alerts.course import Course
from services.alerts.history import sessions_to_settle
from services.alerts.units import family, metric_text, window_text
from services.texts import gettext as _
from services.texts import ngettext

_SEEDED = ("ema", "rsi")
_UNGAUGED = ("move-up", "move-down", "move", "drawdown", "run-up", "earnings", "price")


def notes_on(metric: str, course: Course) -> tuple[str, ...]:
    """One sentence for each thing that the bars of `course` leave open."""
    if not course.bars:
        return (_("There are no prices of that time."),)
    notes = [_unknown(metric), _too_coarse(metric, course), _too_short(metric, course)]
    return tuple(note for note in notes if note)


def _unknown(metric: str) -> str:
    if metric == "earnings":
        return _("Past earnings dates are not known here, so nothing can be said about them.")
    if metric == "price+extended":
        return _(
            "The bars hold regular hours only; pre- and post-market prices are not among them."
        )
    return ""


def _too_coarse(metric: str, course: Course) -> str:
    if not family(metric).startswith("move") or metric.endswith("d") or course.interval == "1m":
        return ""
    window = window_text(metric.partition(":")[2])
    return _(
        "A window of %(window)s needs 1-minute bars, which there are of the past 7 days only.",
        window=window,
    )


def _too_short(metric: str, course: Course) -> str:
    if family(metric) in _UNGAUGED or metric == "price+extended":
        return ""
    sessions = sorted({bar.session for bar in course.bars})
    mute = len(list(takewhile(lambda day: course.gauge(metric, day) is None, sessions)))
    label = metric_text(metric)
    if mute == len(sessions):
        return ngettext(
            "%(label)s: the only session has not enough history before it.",
            "%(label)s: none of the %(num)s sessions has enough history before it.",
            mute,
            label=label,
        )
    if mute:
        return ngettext(
            "%(label)s: the first session had too little history.",
            "%(label)s: the first %(num)s sessions had too little history.",
            mute,
            label=label,
        )
    known = len(course.history.before(sessions[0]))
    unsettled = sessions_to_settle(metric) - known if family(metric) in _SEEDED else 0
    if unsettled > 0:
        return _(
            "%(label)s: the first values still depend on where the history begins.", label=label
        )
    return ""

"""Why an alert does, or does not, ring at the next check, in words for people. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime

from services.alerts import trailing
from services.alerts.history import sessions_needed
from services.alerts.intervals import Reading, Span, hidden, possible
from services.alerts.paths import from_readings
from services.alerts.scene import TRAILING, Scene, Spans
from services.alerts.units import family, sessions_text, value_text
from services.store.alerts import Alert


@dataclass(frozen=True, slots=True)
class Sight:
    """What a check sees of a symbol. `peaks` are those of the settled trailing alerts, by metric.
    Which one an alert counts from only the index knows where there are several."""

    scene: Scene
    previous: Reading | None
    fault: str | None
    asleep: bool
    peaks: dict[str, list[float]]


def why(alert: Alert, sight: Sight, *, fresh: bool, now: datetime) -> str:
    """One sentence; `fresh` alerts were set since the last check and count from their own
    baseline. Splits since the last check are not looked at."""
    if reason := _not_watched(alert, sight, now):
        return reason
    start = alert.baseline if fresh else sight.previous
    if start is None:
        return "the last check's reading is not known: the next one reads bars since then"
    if fresh and start.as_of >= sight.scene.present.as_of:
        return "no price was made since it was set"
    if alert.condition.target.metric in TRAILING:
        return _trailing(alert, sight, start, fresh)
    spans = sight.scene.spans(alert.condition.target.metric, start, alert.rests_after)
    if spans is None:
        return _no_value(alert, sight)
    if alert.state == "waiting":
        return _waiting(alert, spans, sight)
    return _armed(alert, spans, sight)


def _not_watched(alert: Alert, sight: Sight, now: datetime) -> str:
    present = sight.scene.present
    if alert.state == "paused":
        return f"paused: {alert.paused_because or 'by its owner'}"
    if alert.expires_at is not None and alert.expires_at <= now:
        return f"expired at {alert.expires_at:%Y-%m-%d %H:%M} UTC"
    if sight.fault is not None:
        return f"nothing rings on this quote: {sight.fault}"
    if sight.asleep:
        return "asleep: the exchange was closed since the last check"
    baseline = alert.baseline
    if baseline and (baseline.currency, baseline.source) != (present.currency, present.source):
        return f"set on prices in {baseline.currency} from {baseline.source}; these are others"
    if alert.rests_after is not None and present.session <= alert.rests_after:
        return f"rang in the session of {alert.rests_after}: rests until the next one"
    return ""


def _no_value(alert: Alert, sight: Sight) -> str:
    metric, history = alert.condition.target.metric, sight.scene.history
    needed = sessions_needed(metric)
    known = len(history.before(sight.scene.present.session)) if history else 0
    if known < needed:
        return f"too little history: {known} of {sessions_text(needed)}"
    return "no next earnings date is known" if metric == "earnings" else "it has no value now"


def _waiting(alert: Alert, spans: Spans, sight: Sight) -> str:
    rise, level = alert.condition.target.direction == "rise", alert.watched_level
    side = f"{'below' if rise else 'above'} {_text(alert, level, sight)}"
    if spans.seen.low < level if rise else spans.seen.high > level:
        return f"has been {side} since the last check: arms"
    if spans.possible.low < level if rise else spans.possible.high > level:
        return f"may have been {side} since the last check: bars tell"
    return f"waits to be {side}"


def _armed(alert: Alert, spans: Spans, sight: Sight) -> str:
    target = alert.condition.target
    rise, level = target.direction == "rise", target.level
    furthest = spans.seen.high if rise else spans.seen.low
    name = "high" if rise else "low"
    said = f"{name} since the last check {_text(alert, furthest, sight)}"
    if target.reached_by(furthest):
        return f"{said} {'≥' if rise else '≤'} {_text(alert, level, sight)}: rings"
    if hidden(level, _ordered(spans.seen), spans.possible):
        return f"may have been reached{_range(alert, spans.possible, sight)}: bars tell"
    return f"{said} {'<' if rise else '>'} {_text(alert, level, sight)}"


def _trailing(alert: Alert, sight: Sight, start: Reading, fresh: bool) -> str:
    metric, level = alert.condition.target.metric, alert.condition.target.level
    name = "high" if metric == "drawdown" else "low"
    peaks = [start.price] if fresh else sight.peaks.get(metric, [])
    if not peaks:
        return f"its {name} is not known: the next check reads it from bars"
    present, best = sight.scene.present, max(peaks) if metric == "drawdown" else min(peaks)
    walk = trailing.walk(from_readings(start, present).walk(), best, metric)
    value = walk.steps[-1].value if walk.steps else 0.0
    said = f"{_text(alert, value, sight)} from its {name} of {walk.extreme:,g}"
    if len(peaks) > 1:
        said += f" (or another of {len(peaks)}, by when it was set)"
    if value >= level:
        return f"{said} ≥ {_text(alert, level, sight)}: rings"
    unseen = trailing.possible(walk.extreme, possible(start, present), metric)
    if unseen.new_extreme or unseen.most >= level:
        return f"{said}; it may have been further: bars tell"
    return f"{said} < {_text(alert, level, sight)}"


def _ordered(seen: Span) -> Span:
    """A span that is the wrong way round says nothing between its ends."""
    return seen if seen.low <= seen.high else Span(low=seen.high, high=seen.high)


def _range(alert: Alert, span: Span, sight: Sight) -> str:
    if not (math.isfinite(span.low) and math.isfinite(span.high)):
        return ""
    return f" between {_text(alert, span.low, sight)} and {_text(alert, span.high, sight)}"


def _text(alert: Alert, value: float, sight: Sight) -> str:
    metric = alert.condition.target.metric
    if not math.isfinite(value):
        return "anything"
    if family(metric) in ("high", "low", "sma", "ema", "cross"):
        return f"{value:.4f}"
    return value_text(metric, value, sight.scene.present.currency)

"""`flask check`: run a check by hand, or say what one would do to a symbol.

Exit codes: 0 done, 2 it could not be done.
"""

from collections.abc import Sequence
from itertools import starmap

import click
from flask.cli import with_appcontext

from services.alerts.checker import Report
from services.alerts.explain import AlertSeen, Explanation, MetricSeen
from services.alerts.intervals import Reading, Span
from services.alerts.units import metric_text
from services.alerts.words.sentence import condition_words
from services.market.models import normal_symbol
from web.commands.alerts import explained
from web.commands.engine import engine
from web.context import now


@click.command("check")
@click.option("--now", "at_once", is_flag=True, help="Run a whole check.")
@click.option("--explain", "symbol", metavar="SYMBOL", help="Say why its alerts ring or do not.")
@click.option("--json", "as_json", is_flag=True, help="Print what is explained as JSON.")
@with_appcontext
def check(at_once: bool, symbol: str | None, as_json: bool) -> None:
    """Run a check, or explain one. Without --now nothing is changed."""
    if not at_once and symbol is None:
        raise click.UsageError("Say what to do: --now, --explain SYMBOL, or both.")
    with explained():
        told = engine().explainer().explain(_normal(symbol), now()) if symbol else None
        if at_once:
            reports = engine().check(now())
            told = engine().explainer().after(told) if told else None
            click.echo(_report(reports), err=as_json)
        if told:
            click.echo(told.model_dump_json(indent=2) if as_json else _text(told))


def _normal(symbol: str) -> str:
    try:
        return normal_symbol(symbol)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--explain") from None


def _report(reports: Sequence[Report]) -> str:
    unseen = {symbol: why for report in reports for symbol, why in report.unchecked.items()}
    counts = [
        f"{sum(report.symbols for report in reports)} symbols",
        f"{sum(report.asleep for report in reports)} asleep",
        f"{sum(report.claimed for report in reports)} alerts came true",
        f"{sum(report.recorded for report in reports)} recorded",
        f"{len(unseen)} symbols unseen",
    ]
    return "\n".join(["Checked: " + ", ".join(counts), *starmap("  {}: {}".format, unseen.items())])


def _text(told: Explanation) -> str:
    lines = [
        f"{told.symbol} at {told.at:%Y-%m-%d %H:%M:%S} UTC",
        f"  last check  {_time_of(told)}",
        f"  previous    {_reading(told.previous)}",
        f"  present     {_reading(told.present)}",
    ]
    if told.fault:
        lines.append(f"  fault       {told.fault}: nothing may ring on it")
    if told.asleep:
        lines.append("  asleep      its exchange was closed since the last check")
    for metric in told.metrics:
        lines += ["", *_metric(metric)]
        lines += [row for a in told.alerts if a.metric == metric.metric for row in _alert(a)]
    return "\n".join(lines if told.metrics else [*lines, "  no alert waits on it"])


def _time_of(told: Explanation) -> str:
    until = told.checked_until
    return f"{until:%Y-%m-%d %H:%M:%S} UTC, market time" if until else "none is known"


def _reading(reading: Reading | None) -> str:
    if reading is None:
        return "none is known"
    day = f"day {reading.day_low:,g} to {reading.day_high:,g}"
    return f"{reading.price:,g} {reading.currency} at {reading.as_of:%Y-%m-%d %H:%M:%S}, {day}"


def _metric(seen: MetricSeen) -> list[str]:
    stands = "no value" if seen.value is None else f"{seen.value:,g}"
    bars = f", bars ({seen.bars}) are asked for" if seen.bars else ""
    spans = f"seen {_span(seen.seen)}, possible {_span(seen.possible)}{bars}"
    label = f"{metric_text(seen.metric)} ({seen.metric}): {stands}; {_counted(seen.alerts)}"
    return [label, f"  {spans}" if seen.seen else "  nothing is seen of it yet"]


def _span(span: Span | None) -> str:
    return f"{span.low:,g} to {span.high:,g}" if span else "nothing"


def _alert(alert: AlertSeen) -> list[str]:
    outcome = f" -> {alert.outcome}" if alert.outcome else ""
    about = f"{alert.id}  {alert.state:8}  {condition_words(alert.condition)}"
    return [f"  {about}", f"      {alert.stands}: {alert.why}{outcome}"]


def _counted(alerts: int) -> str:
    return "1 alert" if alerts == 1 else f"{alerts} alerts"

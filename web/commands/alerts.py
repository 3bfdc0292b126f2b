"""`flask alerts ...`: setting, looking at and trying out alerts in a terminal.

Exit codes: 0 done, 1 refused because the condition is true already, 2 it could not be done.
"""

import json as jsons
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from flask import g
from flask.cli import AppGroup
from redis import RedisError

from services.accounts import Profile
from services.alerts.backtest import Ring, Rings
from services.alerts.finder import Finder
from services.alerts.preview import DeskPast, over_minutes, over_years
from services.alerts.ringing import IfTrue
from services.alerts.units import value_text
from services.errors import AlreadyTrue, BellwetherError, WordsError
from services.market.models import Quote
from services.store.alerts import Alert, Frequency
from services.store.users import User
from web.commands.engine import Engine, engine
from web.context import me, now, services
from web.setting import Wish, said, sentence_of, understood

TRUE_ALREADY, FAILED = 1, 2
ALL = 1_000
SHOWN = 50
F = TypeVar("F", bound=Callable[..., Any])

alerts = AppGroup("alerts", help="Set, show and try out alerts.")


def _as_user(command: F) -> F:
    return click.option("--user", "email", required=True, metavar="EMAIL", help="Whose alerts.")(
        command
    )


def _if_true(command: F) -> F:
    fire = click.option("--fire-now", "if_true", flag_value="fire_now", help="Ring if it is true.")
    wait = click.option("--wait", "if_true", flag_value="wait", help="Wait for the other side.")
    return fire(wait(command))


@alerts.command("list")
@_as_user
def list_(email: str) -> None:
    """Show somebody's alerts, newest first."""
    with explained():
        _be(email)
        found, _ = services().alerts.page(me().uid, limit=ALL)
    for alert in found:
        click.echo(_line(alert))
    click.echo(f"{len(found)} alerts")


@alerts.command("add")
@click.argument("text")
@_as_user
@_if_true
@click.option("--note", default="", help="Words of your own, kept with it.")
def add(text: str, email: str, if_true: IfTrue | None, note: str) -> None:
    """Set an alert in words: "AAPL above 200 once a day"."""
    with explained(text):
        _be(email)
        click.echo(_line(_set(understood(text, note), if_true)))


@alerts.command("preview")
@click.argument("symbol")
@click.argument("text")
@click.option("--years", type=click.IntRange(1, 10), default=3, show_default=True)
@click.option("--minutes", is_flag=True, help="Over the 1-minute bars of up to 7 days instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def preview(symbol: str, text: str, years: int, minutes: bool, as_json: bool) -> None:
    """Say when an alert would have rung: AAPL "falls 5% today" --years 3."""
    words = f"{symbol} {text}"
    with explained(words):
        g.profile = _nobody()
        wish = understood(words)
        source = engine().services
        frequency: Frequency = "daily" if wish.frequency == "daily" else "every"
        quote = source.lookup.find(wish.symbol, now())
        past = DeskPast(source.desk, now())
        if minutes:
            found = over_minutes(past, quote, wish.condition, frequency)
        else:
            found = over_years(past, quote, wish.condition, years, frequency)
        show = _as_json if as_json else _as_table
        click.echo(show(said(quote.symbol, wish.condition, frequency, None), quote, wish, found))


@alerts.command("pause")
@click.argument("alert_id")
@_as_user
def pause(alert_id: str, email: str) -> None:
    """Let an alert watch no more."""
    with explained():
        _be(email)
        click.echo(_line(services().arming.pause(me().uid, alert_id, now())))


@alerts.command("resume")
@click.argument("alert_id")
@_as_user
@_if_true
def resume(alert_id: str, email: str, if_true: IfTrue | None) -> None:
    """Arm an alert again, one that has rung too."""
    with explained():
        _be(email)
        alert = services().alerts.get(me().uid, alert_id)
        source = engine()
        facts = _finder(source).to_arm(alert.symbol, alert.condition, now())
        after = services().arming.rearm(me().uid, alert_id, facts, now(), if_true=if_true)
        click.echo(_line(after))


@alerts.command("delete")
@click.argument("alert_id")
@_as_user
def delete(alert_id: str, email: str) -> None:
    """Delete an alert; what it rang stays."""
    with explained():
        _be(email)
        services().arming.delete(me().uid, alert_id, now())
    click.echo(f"Deleted {alert_id}.")


@contextmanager
def explained(text: str = "") -> Iterator[None]:
    """Ends the command with one sentence where it cannot be done, and points at the word of
    `text` that is not understood."""
    try:
        yield
    except WordsError as error:
        click.echo(f"  {text}\n  {' ' * error.column}^", err=True)
        click.echo(f"Error: {error.message}", err=True)
        raise SystemExit(FAILED) from error
    except AlreadyTrue as error:
        click.echo(f"{error} Give --fire-now or --wait.", err=True)
        raise SystemExit(TRUE_ALREADY) from error
    except (BellwetherError, RedisError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(FAILED) from error


def _be(email: str) -> None:
    """Act for a person for the rest of the command."""
    user = services().users.by_email(email)
    if user is None:
        raise click.BadParameter(f"nobody has the address {email}", param_hint="--user")
    g.profile = Profile.of(user)


def _nobody() -> Profile:
    """Who looks back without an account: in UTC."""
    return Profile.of(User(uid="", email="", password_hash="", created_at=now()))


def _set(wish: Wish, if_true: IfTrue | None) -> Alert:
    facts = _finder(engine()).to_arm(wish.symbol, wish.condition, now())
    return services().arming.create(
        me().uid,
        facts,
        wish.condition,
        now(),
        frequency=wish.frequency,
        note=wish.note,
        if_true=if_true,
        expires_at=wish.expires_at,
        rearm_margin=wish.rearm_margin,
        urgent=wish.urgent,
    )


def _finder(source: Engine) -> Finder:
    return Finder(source.services.lookup, source.services.desk)


def _line(alert: Alert) -> str:
    because = f" ({alert.paused_because})" if alert.paused_because else ""
    urgent = ", in quiet hours, too" if alert.urgent else ""
    return f"{alert.id}  {alert.state:9}  {sentence_of(alert)}{urgent}{because}"


def _as_table(sentence: str, quote: Quote, wish: Wish, found: Rings) -> str:
    """The most recent rings, the oldest of them first."""
    metric, shown = wish.condition.target.metric, found.rings[-SHOWN:]
    lines = [sentence, *(_row(ring, metric, quote) for ring in shown)]
    if len(shown) < len(found.rings):
        lines.insert(1, f"... and {len(found.rings) - len(shown)} before")
    between = f" from {found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}" if found.since else ""
    count = len(found.rings)
    lines.append(f"{count} {'ring' if count == 1 else 'rings'}{between}, source {quote.source}")
    return "\n".join([*lines, *(f"Note: {note}" for note in found.notes)])


def _row(ring: Ring, metric: str, quote: Quote) -> str:
    value = value_text(metric, ring.value, quote.currency)
    return f"{ring.at:%Y-%m-%d %H:%M}  {value:>16}  at {value_text('price', ring.price, '')}"


def _as_json(sentence: str, quote: Quote, _wish: Wish, found: Rings) -> str:
    answer = {
        "symbol": quote.symbol,
        "sentence": sentence,
        "currency": quote.currency,
        "times": [ring.at.isoformat() for ring in found.rings],
        "sessions": [ring.session.isoformat() for ring in found.rings],
        "values": [ring.value for ring in found.rings],
        "prices": [ring.price for ring in found.rings],
        "count": len(found.rings),
        "from": found.since.isoformat() if found.since else None,
        "until": found.until.isoformat() if found.until else None,
        "notes": list(found.notes),
        "source": quote.source,
    }
    return jsons.dumps(answer, indent=2)

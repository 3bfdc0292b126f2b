"""What the API takes and gives; the OpenAPI document is made of these models.

Times are UTC in ISO 8601 with `Z`. Requests refuse fields that are not named here.
"""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    StringConstraints,
    Tag,
    model_validator,
)

from services.accounts.preferences import MAX_FALLBACK
from services.alerts.arming import IfTrue
from services.alerts.conditions import Condition
from services.alerts.intervals import IsoDate
from services.alerts.words import MAX_TEXT
from services.market.models import MarketState
from services.market.ranges import USUAL, Interval, RangeName
from services.notify.quiet import QuietHours
from services.notify.snoozing import HOURS
from services.store.alerts import MAX_NOTE, MAX_REARM_MARGIN, Frequency, State
from services.store.devices import MAX_ENDPOINT, Kind
from services.store.devices import MAX_NAME as MAX_DEVICE_NAME
from services.store.triggers import DeliveryState, Trouble
from services.store.users import MAX_DESTINATIONS, DestinationKind, DigestEvery
from services.store.watchlists import MAX_NAME, MAX_SYMBOLS

MAX_QUOTES = 100
MAX_PAGE = 100
PAGE = 50

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Name: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME, pattern=_ONE_LINE),
]
DeviceName: TypeAlias = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=MAX_DEVICE_NAME, pattern=_ONE_LINE
    ),
]
Note: TypeAlias = Annotated[str, StringConstraints(max_length=MAX_NOTE, pattern=_TEXT)]
SymbolText: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=60, pattern=_ONE_LINE)
]
Instant: TypeAlias = AwareDatetime


Margin: TypeAlias = Annotated[
    float, Field(strict=True, ge=0, le=MAX_REARM_MARGIN, allow_inf_nan=False)
]
Urgent: TypeAlias = Annotated[bool, Field(strict=True)]
ChannelName: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=60)]
MAX_CHANNELS = MAX_DESTINATIONS + 2
SomeChannels: TypeAlias = Annotated[list[ChannelName], Field(min_length=1, max_length=MAX_CHANNELS)]
Text: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=_ONE_LINE)
]


class Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


# Problems


class FieldError(Answer):
    """What is wrong with one field, named as in the request (`condition.level`).

    Where a sentence is not understood: at `word`, which begins at `column` (from 0), `expected`
    says what may stand there and `suggestion` what was perhaps meant.
    """

    field: str
    message: str
    column: int | None = None
    word: str | None = None
    expected: str | None = None
    suggestion: str | None = None


class Suggestion(Answer):
    """A symbol that may have been meant."""

    symbol: str
    name: str


class Problem(Answer):
    """Why a request was refused or failed (RFC 9457).

    Where an alert's condition is true already, `value` is where its metric stands, in its unit,
    and `choices` are what `if_true` may say.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    suggestions: list[Suggestion] | None = None
    value: float | None = None
    choices: list[IfTrue] | None = None


# Tokens


class Credentials(Request):
    email: Annotated[str, Field(max_length=320)]
    password: Annotated[str, Field(max_length=1_000)]


class Token(Answer):
    """Shown this once; send it as `Authorization: Bearer <token>`."""

    token: str


# Pages of lists


class PageQuery(Request):
    cursor: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="The `next` of the page before"
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = PAGE


# Market


class QuotesQuery(Request):
    symbols: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_QUOTES * 61,
            description=f"Up to {MAX_QUOTES} symbols with commas between",
        ),
    ]


class Quote(Answer):
    """One reading of a symbol. Prices are in `currency` (GBp is pence).

    `as_of` is the exchange's time, `fetched_at` ours; `stale` means that it should be newer.
    """

    symbol: str
    name: str
    price: float
    previous_close: float | None
    change_percent: float | None
    day_high: float | None
    day_low: float | None
    volume: int | None
    currency: str
    exchange: str
    market_state: MarketState
    as_of: Instant
    fetched_at: Instant
    source: str
    stale: bool
    age_seconds: float


class Quotes(Answer):
    """`missing`: the source has no quote of these. `pending`: no answer yet, ask again."""

    items: list[Quote]
    missing: list[str]
    pending: list[str]
    next: None = None


class BarsQuery(Request):
    range: RangeName = Field(USUAL, description="How far back, such as 1d, 6mo or 10y")


class Average(Answer):
    """The simple average of `days` daily closes, at the end of each bar; null where there are
    too few."""

    days: int
    values: list[float | None]


class Bars(Answer):
    """The bars of a range in columns, oldest first, the running one included, all in shares of
    the last one. Prices are in `currency` (GBp is pence).

    `times` are the first moments of the bars' spans of `interval`, `sessions` their first trading
    days in the exchange's `timezone`. `averages` are of ranges of days and weeks only.
    `pending`: no answer yet, ask again after `Retry-After`.
    """

    symbol: str
    range: RangeName
    interval: Interval
    currency: str
    timezone: str
    source: str
    pending: bool
    times: list[Instant]
    sessions: list[IsoDate]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[int]
    averages: list[Average]


class SearchQuery(Request):
    q: Annotated[str, Field(max_length=200, description="A symbol or a company's name")]


class Match(Answer):
    symbol: str
    name: str
    exchange: str
    kind: str


class Matches(Answer):
    """Best first. `pending`: no answer yet, ask again."""

    items: list[Match]
    pending: bool
    next: None = None


# Watchlists


class Entry(Answer):
    """A symbol on a list."""

    symbol: str
    added_at: Instant
    note: str


class Watchlist(Answer):
    id: str
    name: str
    position: int
    created_at: Instant
    symbols: list[Entry]


class Watchlists(Answer):
    items: list[Watchlist]
    next: str | None


class NewWatchlist(Request):
    name: Name


class WatchlistChange(Request):
    """What is left out, or null, stays. `symbols` is the new order of those on the list."""

    name: Name | None = None
    position: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    symbols: Annotated[list[SymbolText], Field(max_length=MAX_SYMBOLS)] | None = None


class NewEntry(Request):
    symbol: SymbolText
    note: Note = ""


class EntryChange(Request):
    note: Note


# Alerts


class Adjustment(Answer):
    """A split that moved the level: `ratio` new shares for each old one from `session` on."""

    session: IsoDate
    ratio: float
    level_before: float
    level_after: float


class Alert(Answer):
    """armed: waits for its condition. waiting: was true when set or has just rung, arms once the
    metric has been on the other side of its level, or of `rearm_at`. paused: by its owner, or
    for `paused_because`. triggered and expired: done. `sentence` says the alert in words.

    Until `rests_after`, that session included, a daily alert that rang counts nothing. An
    `urgent` alert is delivered in your quiet hours, too. It rings by its own `channels`, or by
    yours (see the settings) where they are null.
    """

    id: str
    symbol: str
    condition: Condition
    frequency: Frequency
    expires_at: Instant | None
    rearm_margin: float
    urgent: bool
    channels: list[str] | None
    sentence: str
    note: str
    state: State
    epoch: int
    armed_at: Instant | None
    rearm_at: float | None
    rests_after: IsoDate | None
    created_at: Instant
    updated_at: Instant
    paused_because: str | None
    last_trigger: str | None
    adjustments: list[Adjustment]


class Alerts(Answer):
    items: list[Alert]
    next: str | None


class NewAlert(Request):
    """`if_true` says what to do when the condition is true already.

    Nothing that happens after `expires_at` counts. With the frequency `every` it arms again once
    the metric has gone back by `rearm_margin`, in per cent of the level. Quiet hours do not hold
    what is `urgent`.
    """

    symbol: SymbolText
    condition: Condition
    frequency: Frequency = "once"
    expires_at: Instant | None = None
    rearm_margin: Margin = 0.5
    urgent: Urgent = False
    channels: SomeChannels | None = None
    note: Note = ""
    if_true: IfTrue | None = None


class Sentence(Request):
    """An alert in words, such as `aapl falls 5% today`; days are those of your time zone."""

    text: Text


class NewAlertInWords(Sentence):
    """The sentence says symbol, condition, frequency and expiry."""

    rearm_margin: Margin = 0.5
    urgent: Urgent = False
    channels: SomeChannels | None = None
    note: Note = ""
    if_true: IfTrue | None = None


def _form_of(body: object) -> str:
    return "NewAlertInWords" if isinstance(body, dict) and "text" in body else "NewAlert"


class AnyNewAlert(
    RootModel[
        Annotated[
            Annotated[NewAlert, Tag("NewAlert")]
            | Annotated[NewAlertInWords, Tag("NewAlertInWords")],
            Discriminator(_form_of),
        ]
    ]
):
    """With `symbol` and `condition`, or in words as `text`."""


class Understood(Answer):
    """What a sentence asks for; `sentence` says it in words that are understood again, `told` in
    the language of the page whose script asks."""

    symbol: str
    condition: Condition
    frequency: Frequency
    expires_at: Instant | None
    sentence: str
    told: str


class AlertChange(Request):
    """What is left out, or null, stays; only `expires_at` as null takes the expiry away, and
    `channels` as null has the alert ring by yours.

    A condition, or the state `armed`, arms the alert anew with its next epoch.
    """

    condition: Condition | None = None
    frequency: Frequency | None = None
    expires_at: Instant | None = None
    rearm_margin: Margin | None = None
    urgent: Urgent | None = None
    channels: SomeChannels | None = None
    note: Note | None = None
    state: Literal["armed", "paused"] | None = None
    if_true: IfTrue | None = None


# Triggers


class TriggersQuery(PageQuery):
    """One of the filters at most."""

    alert_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    symbol: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    unread: Literal["true"] | None = None
    trouble: Trouble | None = None


class TriggerChange(Request):
    """Whether its owner has seen it."""

    read: Annotated[bool, Field(strict=True)]


class ReadUntil(Request):
    """All that was noticed then or before is marked as read."""

    until: AwareDatetime


class Marked(Answer):
    """How many were marked; 5,000 at most, then ask again."""

    marked: int


class Snooze(Request):
    """In how many hours to be told once more, or `until` the `morning`: 8:00 of your time zone."""

    hours: Annotated[int, Field(strict=True, json_schema_extra={"enum": [*HOURS]})] = HOURS[0]
    until: Literal["morning"] | None = None


class Delivery(Answer):
    """The sending of a trigger through one channel."""

    state: DeliveryState
    attempts: int
    due_at: Instant | None
    sent_at: Instant | None
    error: str | None


class Trigger(Answer):
    """That an alert's condition came true, with the evidence.

    `level`, `value` (the furthest that the metric went), `low` and `high` (of the interval since
    the last check) are in the unit of the condition's metric; `price` and `peak`, from which a
    trailing condition counts, in `currency`. `occurred_at` is the exchange's time,
    `noticed_at` ours. `read` is the same on every device. Deliveries are named by their channel;
    `trouble` is `failed` where one did not arrive, `late` where one is held or tried again.
    """

    id: str
    alert_id: str
    epoch: int
    symbol: str
    condition: Condition
    level: float
    value: float
    price: float
    low: float
    high: float
    peak: float | None
    currency: str
    occurred_at: Instant
    noticed_at: Instant
    source: str
    note: str
    urgent: bool
    read: bool
    trouble: Trouble | None
    deliveries: dict[str, Delivery]


class Triggers(Answer):
    items: list[Trigger]
    next: str | None


# Settings


class Destination(Answer):
    """A chat or webhook of yours; `id` names it as a channel. `shown` is its address without what
    is secret in it. Since `off_at`, if that is given, nothing is sent there."""

    id: str
    kind: DestinationKind
    name: str
    shown: str
    off_at: Instant | None
    off_because: str | None


class Settings(Answer):
    """Alerts ring by `channels`: `email`, `push` (all your devices) and ids of `destinations`.
    Where none of these takes a message, those of `fallback` are tried, one after the other.

    Quiet hours are in `time_zone`.
    """

    channels: list[str]
    fallback: list[str]
    destinations: list[Destination]
    quiet_hours: QuietHours | None
    digest: DigestEvery
    time_zone: str
    language: str | None


class SettingsChange(Request):
    """What is left out, or null, stays; only `quiet_hours` as null turns them off, and `language`
    as null writes in English and shows pages as the browser asks."""

    channels: SomeChannels | None = None
    fallback: Annotated[list[ChannelName], Field(max_length=MAX_FALLBACK)] | None = None
    quiet_hours: QuietHours | None = None
    digest: DigestEvery | None = None
    language: Annotated[str, StringConstraints(max_length=8)] | None = None


# Previews


class PreviewWish(Request):
    """Either `symbol` and `condition`, or both in words as `text`.

    Over the completed days of `years`, or with `minutes` over the 1-minute bars of up to 7 days.
    Without `frequency`, each time that it came true anew counts, or once a day where `text` says.
    """

    symbol: SymbolText | None = None
    condition: Condition | None = None
    text: Text | None = None
    frequency: Frequency | None = None
    years: Annotated[int, Field(strict=True, ge=1, le=10)] = 3
    minutes: Annotated[bool, Field(strict=True)] = False
    rearm_margin: Margin = 0.5

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.text is None) == (self.symbol is None or self.condition is None):
            raise ValueError("Send either symbol and condition, or text.")
        if self.text is not None and (self.symbol, self.condition) != (None, None):
            raise ValueError("Send either symbol and condition, or text.")
        return self


class Preview(Answer):
    """When it would have rung: the most recent 1,000 rings, oldest first, and `count` of all.

    `times` are the first moments of the bars in which it rang, `sessions` their trading days;
    `values` are in the unit of the condition's metric, `prices` in `currency` and today's shares.
    The bars looked at begin at `from` and end at `until`; `notes` say what they could not tell.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    symbol: str
    condition: Condition
    frequency: Frequency
    sentence: str
    currency: str
    times: list[Instant]
    sessions: list[IsoDate]
    values: list[float]
    prices: list[float]
    count: int
    since: Instant | None = Field(serialization_alias="from")
    until: Instant | None
    notes: list[str]
    source: str


# Devices


class Device(Answer):
    """A browser (`webpush`) or an app (`fcm`) that is pushed to."""

    id: str
    kind: Kind
    name: str
    created_at: Instant
    last_seen_at: Instant


class Devices(Answer):
    items: list[Device]
    next: None = None


class PushKeys(Request):
    """Of a browser's subscription, both base64url."""

    p256dh: Annotated[str, Field(max_length=100)]
    auth: Annotated[str, Field(max_length=40)]


class NewDevice(Request):
    """A browser's `endpoint` and `keys`, or an app's `token` of Firebase Cloud Messaging.

    Without `name` a browser is called as it calls itself. `replaces` is the endpoint that it had
    before: its name goes on, and it is forgotten.
    """

    endpoint: Annotated[str, Field(max_length=MAX_ENDPOINT)] | None = None
    keys: PushKeys | None = None
    token: Annotated[str, Field(max_length=MAX_ENDPOINT)] | None = None
    name: DeviceName | None = None
    replaces: Annotated[str, Field(max_length=MAX_ENDPOINT)] | None = None


class DeviceChange(Request):
    name: DeviceName

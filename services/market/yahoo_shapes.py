"""The shapes of Yahoo's answers. What is missing or nonsense in a field becomes None, empty or
is left out, so that one odd field or item spoils nothing else."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

_LONGEST_TEXT = 80
_LAST_TIME = 4_102_444_800  # the year 2100


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -1e15 < value < 1e15:  # false for NaN and infinities
        return None
    return float(value) or None


def _count(value: object) -> int | None:
    if value == 0:
        return 0
    number = _number(value)
    return int(number) if number and number > 0 else None


def _moment(value: object) -> datetime | None:
    number = _number(value)
    if number is None or not 0 < number < _LAST_TIME:
        return None
    return datetime.fromtimestamp(number, UTC)


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in value[:1000])
    return " ".join(visible.split())[:_LONGEST_TEXT].strip()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _records(value: object) -> list[Any]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


Number = Annotated[float | None, BeforeValidator(_number)]
Count = Annotated[int | None, BeforeValidator(_count)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Numbers = Annotated[list[Number], BeforeValidator(_list)]
Text = Annotated[str, BeforeValidator(_text)]


class RawQuote(BaseModel):
    symbol: Text = ""
    long_name: Text = Field("", alias="longName")
    short_name: Text = Field("", alias="shortName")
    price: Number = Field(None, alias="regularMarketPrice")
    previous_close: Number = Field(None, alias="regularMarketPreviousClose")
    day_high: Number = Field(None, alias="regularMarketDayHigh")
    day_low: Number = Field(None, alias="regularMarketDayLow")
    volume: Count = Field(None, alias="regularMarketVolume")
    traded: Moment = Field(None, alias="regularMarketTime")
    currency: Text = ""
    exchange: Text = Field("", alias="fullExchangeName")
    timezone: Text = Field("", alias="exchangeTimezoneName")
    state: Text = Field("", alias="marketState")
    kind: Text = Field("", alias="quoteType")
    before_open: Number = Field(None, alias="preMarketPrice")
    before_open_at: Moment = Field(None, alias="preMarketTime")
    after_close: Number = Field(None, alias="postMarketPrice")
    after_close_at: Moment = Field(None, alias="postMarketTime")
    earnings_at: Moment = Field(None, alias="earningsTimestamp")
    earnings_from: Moment = Field(None, alias="earningsTimestampStart")
    earnings_until: Moment = Field(None, alias="earningsTimestampEnd")


class QuoteResponse(BaseModel):
    result: Annotated[list[RawQuote], BeforeValidator(_records)]


class QuoteAnswer(BaseModel):
    response: QuoteResponse = Field(alias="quoteResponse")


class Meta(BaseModel):
    symbol: Text = ""
    currency: Text = ""
    exchange: Text = Field("", alias="fullExchangeName")
    timezone: Text = Field("", alias="exchangeTimezoneName")


class Series(BaseModel):
    open: Numbers = []
    high: Numbers = []
    low: Numbers = []
    close: Numbers = []
    volume: Annotated[list[Count], BeforeValidator(_list)] = []


class Indicators(BaseModel):
    quote: Annotated[list[Series], BeforeValidator(_records)] = []


class SplitEvent(BaseModel):
    date: Moment = None
    numerator: Number = None
    denominator: Number = None


class Events(BaseModel):
    splits: Annotated[dict[str, SplitEvent], BeforeValidator(_dict)] = {}


class RawChart(BaseModel):
    meta: Meta = Meta()
    timestamp: Annotated[list[Moment], BeforeValidator(_list)] = []
    events: Annotated[Events, BeforeValidator(_dict)] = Events()
    indicators: Annotated[Indicators, BeforeValidator(_dict)] = Indicators()


class ChartHead(BaseModel):
    meta: Meta = Meta()


class HeadsResponse(BaseModel):
    result: Annotated[list[ChartHead], BeforeValidator(_records)]


class ChartHeads(BaseModel):
    """A chart answer without its bars."""

    chart: HeadsResponse


class ChartResponse(BaseModel):
    result: Annotated[list[RawChart], BeforeValidator(_records)]


class ChartAnswer(BaseModel):
    chart: ChartResponse


class RawSpark(BaseModel):
    symbol: Text = ""
    response: Annotated[list[RawChart], BeforeValidator(_records)] = []


class SparkResponse(BaseModel):
    result: Annotated[list[RawSpark], BeforeValidator(_records)]


class SparkAnswer(BaseModel):
    spark: SparkResponse


class RawMatch(BaseModel):
    symbol: Text = ""
    long_name: Text = Field("", alias="longname")
    short_name: Text = Field("", alias="shortname")
    exchange: Text = Field("", alias="exchDisp")
    kind: Text = Field("", alias="typeDisp")


class SearchAnswer(BaseModel):
    quotes: Annotated[list[RawMatch], BeforeValidator(_records)]

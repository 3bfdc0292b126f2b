"""The picture in a mail: what it shows, and that no mail waits for it or fails over it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO
from threading import Event

import pytest
from PIL import Image as Picture
from redis import Redis

from config import Settings
from services.alerts.conditions import Condition, PriceCondition, RsiCondition
from services.errors import MarketError, SourceUnavailable
from services.market.cache import QuoteCache
from services.market.histories import Histories
from services.market.models import Bar
from services.market.recent import Recent, RecentBars
from services.notify import chart
from services.notify.channels.email.channel import EmailChannel
from services.notify.channels.email.charts import MOST, Charts
from services.notify.channels.email.transport import SmtpTransport
from services.notify.chart import Course
from services.notify.compose import Composer
from services.store.contract import Store
from services.store.triggers import Trigger
from tests.notify.conftest import LINKS, SENDER, Post
from tests.support.bell import make_bell
from tests.support.market import MONDAY, FixedProvider
from tests.support.smtp import SmtpPeer, text_of

GOLD = (138, 84, 0)
RISES = PriceCondition(kind="price_rises_to", level=110.0)


def bars(closes: Sequence[float]) -> list[Bar]:
    """Daily bars, the last of them of the day before MONDAY."""
    last = MONDAY.date() - timedelta(days=1)
    days = [last - timedelta(days=ago) for ago in range(len(closes) - 1, -1, -1)]
    return [
        Bar(
            start=datetime(day.year, day.month, day.day, tzinfo=MONDAY.tzinfo),
            session=day,
            open=close,
            high=close,
            low=close,
            close=close,
            volume=1,
        )
        for day, close in zip(days, closes, strict=True)
    ]


def course(
    closes: Sequence[float] = (100, 104, 102), price: float = 111, level: float | None = 110
) -> Course:
    return Course(bars(closes), price, MONDAY.date(), level)


def drawn(what: Course) -> Picture.Image:
    return Picture.open(BytesIO(chart.draw(what))).convert("RGB")


def has(picture: Picture.Image, colour: tuple[int, int, int]) -> bool:
    return any(found == colour for _, found in picture.getcolors(1_000) or [])


def ring(number: int = 1, condition: Condition = RISES, **fields: object) -> Trigger:
    return Trigger.model_validate(
        {
            "uid": "u",
            "id": f"a{number}-1",
            "alert_id": f"a{number}",
            "epoch": 1,
            "symbol": "AAPL",
            "condition": condition,
            "note": "",
            "value": 112,
            "price": 111,
            "low": 100,
            "high": 112,
            "currency": "USD",
            "occurred_at": MONDAY,
            "noticed_at": MONDAY,
            "source": "fixed",
            "open": True,
            "due_at": MONDAY,
            **fields,
        }
    )


class KnownPast:
    """A past that is known at once, fails with `error`, or hangs until `free`."""

    def __init__(self, error: Exception | None = None, free: Event | None = None) -> None:
        self.asked: list[str] = []
        self._error = error
        self._free = free

    def before(self, symbol: str, moment: datetime, currency: str, now: datetime) -> Recent | None:
        self.asked.append(symbol)
        if self._free:
            self._free.wait(30)
        if self._error:
            raise self._error
        return Recent(moment.date(), tuple(bars([100, 104, 102])))


def test_a_picture_is_small_and_has_the_pixels_for_fine_screens() -> None:
    wild = [100 + (i * 7919 % 97) * 1.37 for i in range(400)]
    png = chart.draw(course(wild))
    assert Picture.open(BytesIO(png)).size == (1_040, 320)
    assert len(png) < 15_000


def test_the_level_is_drawn_where_it_is_a_price() -> None:
    assert has(drawn(course()), GOLD)
    assert not has(drawn(course(level=None)), GOLD)


@pytest.mark.parametrize(
    ("closes", "price", "level"),
    [
        ([5, 5], 5, 5),
        ([5, 5], 5, None),
        ([-3, -40.5], -37.63, -37.5),
        ([1e-8, 2e-8], 3e-8, 2.5e-8),
        ([9e11, 1e12], 1e12, 1e12),
        ([0.01, 1e12], 1, None),
    ],
)
def test_flat_negative_tiny_and_huge_prices_are_drawn(
    closes: list[float], price: float, level: float | None
) -> None:
    assert drawn(course(closes, price, level)).size == (1_040, 320)


def test_one_bar_is_no_course() -> None:
    with pytest.raises(ValueError, match="no course"):
        chart.draw(course([100]))


def test_what_the_picture_shows_is_told_in_words() -> None:
    what = course([*[1.0] * 5, 98, *[100.0] * 28, 120], price=111)
    assert chart.described("AAPL", what) == (
        "AAPL, 30 closes since 31 Jan: from 98.00 to 111.00 at the ring,"
        " low 98.00, high 120.00, the level at 110.00."
    )


def test_a_mail_about_a_level_has_its_chart_and_one_about_an_rsi_has_only_prices() -> None:
    rsi = RsiCondition(kind="rsi_rises_to", level=70.0)
    charts = Charts(KnownPast()).of([ring(1), ring(2, condition=rsi)], MONDAY)
    assert "the level at 110.00" in charts["a1-1"].alt
    assert "level" not in charts["a2-1"].alt


@pytest.mark.parametrize("error", [SourceUnavailable("away"), MarketError("odd")])
def test_without_bars_a_mail_has_no_chart(error: Exception) -> None:
    assert Charts(KnownPast(error)).of([ring()], MONDAY) == {}


def test_a_past_that_hangs_keeps_no_mail_waiting() -> None:
    free = Event()
    past = KnownPast(free=free)
    charts = Charts(past, patience=0.01)
    for _ in range(10):
        assert charts.of([ring(1), ring(2, symbol="MSFT")], MONDAY) == {}
    assert past.asked == ["AAPL", "AAPL"], "no more are asked while two hang"
    free.set()


def test_alerts_of_one_symbol_that_ring_together_ask_once() -> None:
    past = KnownPast()
    charts = Charts(past)
    assert len(charts.of([ring(1), ring(2)], MONDAY)) == 2
    charts.of([ring(3)], MONDAY)
    assert past.asked == ["AAPL"]
    charts.of([ring(4, occurred_at=MONDAY + timedelta(minutes=5))], MONDAY)
    assert past.asked == ["AAPL", "AAPL"]


def test_a_mail_about_many_has_no_charts() -> None:
    past = KnownPast()
    assert Charts(past).of([ring(n) for n in range(MOST + 1)], MONDAY) == {}
    assert past.asked == []


def test_the_chart_is_part_of_the_mail_and_shown_by_its_html(post: Post) -> None:
    composer = Composer("https://bell.example", SENDER, LINKS)
    transport = SmtpTransport(post.smtp.url, SENDER)
    post.outbox._channels = type(post.outbox._channels)(
        EmailChannel(composer, transport, Charts(KnownPast()))
    )
    assert post.deliver().state == "sent"
    (mail,) = post.smtp.accepted
    assert mail.get_content_type() == "multipart/alternative"
    plain, related = mail.iter_parts()
    html, image = related.iter_parts()
    assert [part.get_content_type() for part in (plain, related, html, image)] == [
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    cid = str(image["Content-ID"]).strip("<>")
    assert f'src="cid:{cid}"' in text_of(mail, "html")
    assert 'alt="AAPL, 3 closes since' in text_of(mail, "html")
    assert image.get_content().startswith(b"\x89PNG")
    assert len(post.smtp.raw[0]) < 40_000


@pytest.fixture
def market() -> FixedProvider:
    market = FixedProvider()
    market.set("AAPL", 111.0, MONDAY)
    market.bars_of["AAPL", "1d"] = bars([100, 104, 102])
    return market


def recent_of(market: FixedProvider, redis: Redis) -> RecentBars:
    cache = QuoteCache(redis)
    cache.put(market.quotes_of, [], timedelta(minutes=5), MONDAY)
    return RecentBars(lambda: Histories(market, redis), redis, a_minute=1)


def test_the_sessions_before_a_moment_are_asked_for_once(
    market: FixedProvider, redis: Redis
) -> None:
    recent = recent_of(market, redis)
    for _ in range(2):
        found = recent.before("AAPL", MONDAY, "USD", MONDAY)
        assert found is not None
        assert found.session == MONDAY.date()
        assert [bar.close for bar in found.bars] == [100, 104, 102]
    assert [kind for kind, _ in market.asked] == ["chart"]


def test_a_moment_belongs_to_the_session_where_the_symbol_is_traded(
    market: FixedProvider, redis: Redis
) -> None:
    market.set("AAPL", 111.0, MONDAY, timezone="Australia/Sydney")
    evening = MONDAY.replace(hour=0) - timedelta(minutes=30)
    found = recent_of(market, redis).before("AAPL", evening, "USD", MONDAY)
    assert found is not None
    assert found.session == MONDAY.date()


def test_no_session_that_has_not_begun_is_asked_for(market: FixedProvider, redis: Redis) -> None:
    later = MONDAY + timedelta(days=3)
    found = recent_of(market, redis).before("AAPL", later, "USD", MONDAY)
    assert found is not None
    assert found.session == MONDAY.date()


def test_a_symbol_without_a_quote_has_no_session(market: FixedProvider, redis: Redis) -> None:
    recent = recent_of(market, redis)
    assert recent.before("MSFT", MONDAY, "USD", MONDAY) is None
    assert market.asked == []


def test_the_source_is_asked_for_so_many_a_minute_only(market: FixedProvider, redis: Redis) -> None:
    market.set("MSFT", 50.0, MONDAY)
    recent = recent_of(market, redis)
    assert recent.before("AAPL", MONDAY, "USD", MONDAY) is not None
    assert recent.before("MSFT", MONDAY, "USD", MONDAY) is None
    assert recent.before("AAPL", MONDAY, "USD", MONDAY) is not None, "known by now"
    assert recent.before("MSFT", MONDAY, "USD", MONDAY + timedelta(minutes=1)) is not None
    assert market.asked == [("chart", "AAPL"), ("chart", "MSFT")]


def test_a_worker_draws_charts(chosen_store: Store, redis: Redis, smtp: SmtpPeer) -> None:
    bell = make_bell(chosen_store, redis, settings=Settings(_env_file=None, smtp_url=smtp.url))
    bell.price(100.0)
    bell.market.bars_of["AAPL", "1d"] = bars([90, 95, 100])
    bell.alert("price_rises_to", 110)
    bell.check_at(111)
    bell.sweep()
    (mail,) = smtp.accepted
    assert 'alt="AAPL, 3 closes since 27 Feb: from 90.00 to 111.00 at the ring' in text_of(
        mail, "html"
    )

"""What a digest tells, and that it is sent once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.intervals import Reading
from services.alerts.units import THIN
from services.errors import BadDocument, DeliveryError
from services.ids import new_id
from services.market.cache import QuoteCache
from services.notify.channels.email.channel import Transport
from services.notify.channels.email.transport import SmtpTransport
from services.notify.compose import Composer
from services.notify.digest import set_digest
from services.notify.digest_mail import DigestWriter
from services.notify.digest_news import Newsroom
from services.notify.digests import LEASE, Digests
from services.notify.message import Message
from services.notify.pace import Pace, Rest, Unpaced
from services.notify.quiet import QuietHours
from services.store.contract import Delete, Query, Update
from services.store.users import User
from services.store.watchlists import Entry, Watchlist
from tests.notify.conftest import LINKS, SENDER
from tests.support.bell import Bell
from tests.support.market import make_quote
from tests.support.smtp import SmtpPeer, text_of

DAY = timedelta(days=1)
DUE = datetime(2026, 3, 3, 7, tzinfo=UTC)
"""The morning after the bell's Monday."""


@dataclass
class Paper:
    """A person who wants a daily digest, in UTC, and the server that takes it."""

    bell: Bell
    smtp: SmtpPeer
    transport: Transport
    pace: Pace = field(default_factory=Unpaced)

    @property
    def digests(self) -> Digests:
        """Those of a worker that has just started."""
        s = self.bell.services
        newsroom = Newsroom(s.store, QuoteCache(s.redis), s.readings)
        writer = DigestWriter(Composer("https://bell.example", SENDER, LINKS))
        jobs = self.bell.jobs
        return Digests(s.users, newsroom, writer, self.transport, jobs, pace=self.pace)

    def send(self, now: datetime = DUE) -> bool:
        self.bell.at = now
        return self.digests.send(self.bell.uid, now)

    @property
    def user(self) -> User:
        user = self.bell.services.users.get(self.bell.uid)
        assert user is not None
        return user

    def change(self, **fields: object) -> None:
        self.bell.services.users.update(self.bell.uid, **fields)

    def watch(self, *symbols: str) -> None:
        entries = tuple(Entry(symbol=s, added_at=self.bell.at) for s in symbols)
        list_ = Watchlist(
            uid=self.bell.uid,
            id=new_id(self.bell.at),
            name="Mine",
            position=0,
            entries=entries,
            created_at=self.bell.at,
        )
        self.bell.services.watchlists.create(list_)

    def quote(self, symbol: str, price: float, now: datetime = DUE, **fields: Any) -> None:
        """Have a quote in the cache, read an hour ago."""
        read = now - timedelta(hours=1)
        known = make_quote(symbol, price, as_of=read, fetched_at=read, **fields)
        cache = QuoteCache(self.bell.services.redis)
        cache.put({symbol: known}, [symbol], timedelta(minutes=5), read)

    def ring(self, count: int = 1) -> None:
        for _ in range(count):
            self.bell.alert("price_rises_to", 90, if_true="fire_now")

    @property
    def text(self) -> str:
        return text_of(self.smtp.accepted[-1]).replace("\r\n", "\n").replace(THIN, " ")

    @property
    def html(self) -> str:
        return text_of(self.smtp.accepted[-1], "html")


@pytest.fixture
def paper(bell: Bell, smtp: SmtpPeer) -> Paper:
    set_digest(bell.services.users, bell.uid, "day", bell.at)
    return Paper(bell, smtp, SmtpTransport(smtp.url, SENDER))


# What it tells


def test_it_tells_the_biggest_moves_of_all_lists_with_price_and_time(paper: Paper) -> None:
    paper.watch("AAPL", "MSFT")
    paper.watch("MSFT", "IBM", "FLAT", "NEVER")
    paper.quote("AAPL", 101.5)
    paper.quote("MSFT", 93)
    paper.quote("IBM", 103, currency="EUR")
    paper.quote("FLAT", 100)
    assert paper.send()
    lines = [line.strip() for line in paper.text.splitlines()]
    heads = [line for line in lines if line.startswith(("AAPL ", "MSFT ", "IBM "))]
    assert heads == ["MSFT −7 %", "IBM +3 %", "AAPL +1.5 %"]
    assert "103.00 EUR · IBM Inc. · 3 March 2026, 06:00 UTC" in lines
    assert "FLAT" not in paper.text
    assert "NEVER" not in paper.text
    assert paper.smtp.accepted[0]["Subject"] == f"Digest: MSFT −7{THIN}% · Bellwether"


def test_it_names_ten_movers_at_most_and_asks_the_source_for_nothing(paper: Paper) -> None:
    symbols = [f"S{number}" for number in range(30)]
    paper.watch(*symbols)
    for number, symbol in enumerate(symbols):
        paper.quote(symbol, 101 + number)
    asked = len(paper.bell.market.asked)
    paper.send()
    assert [f"S{n} +" in paper.text for n in (29, 20, 19)] == [True, True, False]
    assert len(paper.bell.market.asked) == asked
    assert paper.bell.jobs.fetched == []


def test_after_a_weekend_the_last_check_knows_what_the_cache_has_forgotten(paper: Paper) -> None:
    paper.watch("AAPL", "MSFT")
    for symbol in ("AAPL", "MSFT"):
        known = make_quote(symbol, 105, as_of=DUE - timedelta(hours=9))
        paper.bell.services.readings.put(symbol, Reading.of(known))
    paper.quote("MSFT", 110)
    paper.send()
    assert paper.text.count("AAPL +5 %\n    105.00 USD · 2 March 2026, 22:00 UTC") == 1
    assert paper.text.count("MSFT +") == 1


def test_a_session_is_told_once(paper: Paper) -> None:
    """On Sunday Friday's moves are known from Saturday."""
    paper.watch("AAPL")
    paper.quote("AAPL", 110)
    assert paper.send()
    assert not paper.send(DUE + timedelta(hours=24))


def test_the_replayed_market_says_so(paper: Paper) -> None:
    paper.watch("AAPL")
    paper.quote("AAPL", 110, source="replay")
    paper.send()
    assert "the replayed market, not live" in paper.text


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 100.001])
def test_a_quote_that_says_nothing_is_no_move(paper: Paper, price: float) -> None:
    paper.watch("AAPL")
    paper.quote("AAPL", price)
    assert not paper.send()
    assert paper.smtp.read == []


def test_it_tells_what_rang_since_the_last_one_and_no_more(paper: Paper) -> None:
    paper.ring()
    paper.send()
    assert "AAPL rose to 90.00 USD" in paper.text
    paper.bell.later()
    paper.bell.price(100, "MSFT")
    paper.bell.alert("price_rises_to", 80, "MSFT", if_true="fire_now")
    paper.send(DUE + DAY)
    assert "MSFT rose to 80.00 USD" in paper.text
    assert "AAPL" not in paper.text


def test_it_names_twenty_that_rang_and_counts_the_others(paper: Paper) -> None:
    paper.ring(23)
    paper.send()
    for body in (paper.text, paper.html):
        assert body.count("AAPL rose to 90.00") == 20
        assert "and 3 more" in body
    assert paper.smtp.accepted[0]["Subject"] == "Digest: 23 alerts rang · Bellwether"


def test_it_tells_what_ends_before_the_next_one_and_what_has_ended(paper: Paper) -> None:
    for hours in (2, 20, 30, 80):
        ends = paper.bell.at + timedelta(hours=hours)
        paper.bell.alert("price_rises_to", 110 + hours, expires_at=ends)
    paper.bell.later(60)
    rang = paper.bell.alert("price_rises_to", 90, expires_at=DUE, if_true="fire_now")
    paper.send()
    before, _, after = paper.text.partition("\nEnded\n")
    assert "AAPL rises to 140.00 USD\n    3 March 2026, 21:00 UTC" in before
    assert "AAPL rises to 130.00 USD\n    3 March 2026, 11:00 UTC" in before
    assert "AAPL rises to 112.00 USD\n    2 March 2026, 17:00 UTC" in after
    assert "190.00" not in paper.text
    assert rang.id not in after


def test_each_end_is_told_before_and_after_it_once(paper: Paper) -> None:
    alert = paper.bell.alert("price_rises_to", 110, expires_at=DUE + timedelta(hours=15))
    told = []
    for days in range(4):
        sent = paper.send(DUE + days * DAY)
        if sent:
            told.append("\nEnded\n" in paper.text)
            assert alert.id in paper.text
        paper.bell.services.arming.expire(paper.bell.uid, alert.id, paper.bell.at)
    assert told == [False, True]


def test_it_tells_which_alerts_are_not_checked_since_when_and_why(paper: Paper) -> None:
    paper.bell.alert("price_rises_to", 110)
    paper.bell.price(10, "NEW")
    paper.bell.alert("price_rises_to", 11, "NEW")
    s = paper.bell.services
    old, new = DUE - timedelta(hours=9), DUE - timedelta(minutes=10)
    s.readings.note_unchecked({"AAPL": "no price", "OTHER": "no price"}, old, lambda _: False)
    s.readings.note_unchecked({"NEW": "no answer"}, new, lambda _: False)
    paper.send()
    assert "since 2 March 2026, 22:00 UTC: no price" in paper.text
    assert "NEW" not in paper.text
    assert paper.smtp.accepted[0]["Subject"] == "Digest: 1 not checked · Bellwether"


def test_very_many_blind_symbols_cost_one_look_at_the_alerts(paper: Paper) -> None:
    paper.bell.alert("price_rises_to", 110)
    reasons = dict.fromkeys([f"S{n}" for n in range(100)] + ["AAPL"], "Yahoo is away")
    paper.bell.services.readings.note_unchecked(reasons, DUE - DAY, lambda _: False)
    paper.send()
    assert paper.text.count("Yahoo is away") == 1


def test_nothing_to_tell_is_no_mail_and_the_next_one_is_set(paper: Paper) -> None:
    assert not paper.send()
    assert paper.smtp.read == []
    assert paper.user.digest_due_at == DUE + DAY
    assert paper.user.digest_sent_at == DUE


def test_names_and_reasons_stand_on_one_line_and_mark_up_nothing(paper: Paper) -> None:
    paper.watch("AAPL")
    name = "<img src=x onerror=alert(1)>\r\nBcc: eve@example.com\u202e\x00{{ 7*7 }}" + "x" * 500
    paper.quote("AAPL", 110, name=name, currency="<b>\n")
    paper.bell.alert("price_rises_to", 120)
    reason = "Too Many Requests\r\n\r\n<script>\u2028"
    paper.bell.services.readings.note_unchecked({"AAPL": reason}, DUE - DAY, lambda _: False)
    paper.send()
    mail = paper.smtp.accepted[0]
    assert mail["Bcc"] is None
    assert "<img" not in paper.html
    assert "<script" not in paper.html
    assert "\u202e" not in paper.html + paper.text
    assert "\nBcc" not in paper.text
    assert "AAPL Inc" not in paper.text
    assert "eve@example.com {{ 7" in paper.text
    assert len(paper.html) < 20_000


def test_a_full_one_is_far_below_a_hundred_kilobytes(paper: Paper) -> None:
    symbols = [f"S{number}" for number in range(50)]
    paper.watch(*symbols)
    for number, symbol in enumerate(symbols):
        paper.quote(symbol, 101 + number, name="W" * 300)
    paper.ring(25)
    for number in range(25):
        for hours in (2, 25):
            ends = paper.bell.at + timedelta(hours=hours)
            paper.bell.alert("price_rises_to", 110 + number, expires_at=ends)
    paper.bell.services.readings.note_unchecked({"AAPL": "y" * 999}, DUE - DAY, lambda _: False)
    paper.send()
    assert len(paper.smtp.raw[0]) < 80_000
    assert paper.text.count("and 5 more") == 4


def test_it_can_be_changed_and_stopped_from_the_mail(paper: Paper) -> None:
    paper.ring()
    paper.send()
    mail = paper.smtp.accepted[0]
    stop = str(mail["List-Unsubscribe"]).strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = stop.rpartition("/")[2]
    assert LINKS.stopped(token, DUE) == paper.bell.uid
    for body in (paper.text, paper.html):
        assert "https://bell.example/account/notifications" in body
        assert stop in body


def test_times_are_those_of_its_reader(paper: Paper) -> None:
    paper.change(time_zone="Asia/Tokyo")
    paper.ring()
    paper.send()
    assert "3 March 2026, 00:00 JST" in paper.text


# When it may be sent


def test_it_is_not_sent_before_it_is_due(paper: Paper) -> None:
    paper.ring()
    assert not paper.send(DUE - timedelta(seconds=1))
    assert paper.send(DUE)


@pytest.mark.parametrize(
    "fields",
    [
        {"confirmed_at": None},
        {"mail_stopped_at": DUE - DAY},
        {"mail_refused_at": DUE - DAY},
        {"digest": "never", "digest_due_at": None},
    ],
)
def test_it_goes_only_where_mail_is_wanted_and_what_passed_is_not_told_later(
    paper: Paper, fields: dict[str, object]
) -> None:
    paper.ring()
    paper.change(**fields)
    assert not paper.send()
    assert paper.smtp.read == []
    paper.change(confirmed_at=DUE, mail_stopped_at=None, mail_refused_at=None)
    assert not paper.send(DUE + DAY)


def test_quiet_hours_that_were_set_meanwhile_hold_it_until_their_end(paper: Paper) -> None:
    paper.ring()
    paper.change(quiet_hours=QuietHours(start="22:00", end="09:30"))
    assert not paper.send()
    assert paper.user.digest_due_at == DUE + timedelta(hours=2.5)
    assert paper.send(DUE + timedelta(hours=2.5))
    assert paper.user.digest_due_at == DUE + timedelta(hours=26.5)


def test_after_an_outage_of_days_one_digest_comes(paper: Paper) -> None:
    paper.ring()
    assert paper.send(DUE + 3.5 * DAY)
    assert paper.user.digest_due_at == DUE + 4 * DAY
    assert not paper.send(DUE + 3.6 * DAY)


# Once


def test_two_workers_at_once_send_one(paper: Paper) -> None:
    paper.ring()
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _: paper.send(), range(4)))
    assert sorted(sent) == [False, False, False, True]
    assert len(paper.smtp.accepted) == 1


def test_a_worker_that_died_between_acceptance_and_record_sends_the_same_mail_again(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper.ring()
    with monkeypatch.context() as patch:
        patch.setattr(Digests, "_settle", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            paper.send()
    assert not paper.send(DUE + timedelta(minutes=5)), "its lease holds"
    assert paper.send(DUE + LEASE)
    first, second = paper.smtp.accepted
    assert first["Message-ID"] == second["Message-ID"]
    assert not paper.send(DUE + 2 * LEASE)


def test_a_worker_whose_lease_ended_changes_nothing_any_more(paper: Paper) -> None:
    """It hangs in SMTP for longer than its lease; another has sent it meanwhile."""
    paper.ring()
    slow = paper.transport

    class Hanging:
        def send(self, message: Message, now: datetime) -> None:
            paper.transport = slow
            assert paper.send(DUE + LEASE)
            raise DeliveryError("hung up")

    paper.transport = Hanging()
    assert not paper.send()
    assert paper.user.digest_due_at == DUE + DAY
    assert paper.user.digest_attempts == 0


def test_each_day_has_its_own_message_id(paper: Paper) -> None:
    for days in range(2):
        paper.ring()
        paper.send(DUE + days * DAY)
        paper.bell.later()
    first, second = (mail["Message-ID"] for mail in paper.smtp.accepted)
    assert first != second


def test_a_refusal_for_now_is_tried_again_with_the_same_message_id(paper: Paper) -> None:
    paper.ring()
    paper.smtp.answer = "451 try later"
    assert not paper.send()
    assert paper.user.digest_due_at == DUE + timedelta(seconds=30)
    assert not paper.send(DUE + timedelta(seconds=29))
    paper.smtp.answer = "250 OK"
    assert paper.send(DUE + timedelta(minutes=15))
    refused, accepted = paper.smtp.read
    assert refused["Message-ID"] == accepted["Message-ID"]
    assert paper.user.digest_due_at == DUE + DAY


def test_one_that_was_never_taken_is_given_up_and_the_next_one_tells_of_it(paper: Paper) -> None:
    paper.ring()
    paper.smtp.answer = "451 try later"
    now = DUE
    while paper.user.digest_due_at != DUE + DAY:
        assert not paper.send(now)
        now = paper.user.digest_due_at or now
    assert len(paper.smtp.read) == 6
    paper.smtp.answer = "250 OK"
    assert paper.send(DUE + DAY)
    assert "AAPL rose to 90.00 USD" in paper.text


def test_a_full_mailbox_is_not_tried_again_today(paper: Paper) -> None:
    paper.ring()
    paper.smtp.recipient = "552 5.2.2 full"
    assert not paper.send()
    assert paper.user.digest_due_at is not None
    assert paper.user.mail_refused_at is None


def test_a_mailbox_that_does_not_exist_is_switched_off_and_its_owner_told(paper: Paper) -> None:
    paper.ring()
    paper.smtp.recipient = "550 5.1.1 unknown"
    assert not paper.send()
    assert paper.user.mail_refused_at == DUE
    ((uid, channel, reason),) = paper.bell.jobs.channel_notices
    assert (uid, channel) == (paper.bell.uid, "email")
    assert "5.1.1" in reason


def test_a_server_that_is_away_loses_nothing(paper: Paper) -> None:
    paper.ring()
    paper.transport = SmtpTransport("smtp://127.0.0.1:1", SENDER)
    assert not paper.send()
    paper.transport = SmtpTransport(paper.smtp.url, SENDER)
    assert paper.send(DUE + timedelta(minutes=15))


def test_one_that_cannot_be_collected_is_given_up_for_the_day_and_holds_up_no_later_one(
    paper: Paper,
) -> None:
    paper.watch("AAPL")
    paper.ring()
    (broken,) = paper.bell.services.watchlists.of(paper.bell.uid)
    path = f"users/{paper.bell.uid}/watchlist/{broken.id}"
    paper.bell.services.store.write(Update(path, {"from_the_future": 1}))
    now = DUE
    for _ in range(6):
        with pytest.raises(BadDocument):
            paper.send(now)
        now += LEASE
    assert not paper.send(now)
    assert paper.user.digest_due_at == DUE + DAY
    paper.bell.services.store.write(Delete(path))
    assert paper.send(DUE + DAY)
    assert "AAPL rose to 90.00 USD" in paper.text


@pytest.mark.slow
def test_workers_that_die_anywhere_lose_no_digest_and_repeat_none_under_another_name(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty days on which a worker dies before sending, between acceptance and record, or not."""
    luck = Random(5)

    def dying(of: type, name: str) -> None:
        whole = getattr(of, name)

        def part(*given: Any) -> Any:
            if luck.random() < 0.3:
                raise MemoryError("killed")
            return whole(*given)

        monkeypatch.setattr(of, name, part)

    dying(Newsroom, "collect")
    dying(Digests, "_settle")
    for days in range(40):
        paper.bell.at = now = DUE + days * DAY - timedelta(hours=1)
        paper.ring()
        while (due := paper.user.digest_due_at) and due < DUE + (days + 1) * DAY:
            now = max(now, due)
            with suppress(MemoryError):
                paper.send(now)
    names = [mail["Message-ID"] for mail in paper.smtp.accepted]
    assert len(set(names)) == 40
    assert len(names) > 40, "some were repeated"


class Busy:
    """A pace at which nothing may leave for a minute."""

    def __init__(self, known: bool) -> None:
        self.known = known

    def rest(self, name: str, now: datetime) -> Rest | None:
        return Rest(now + timedelta(minutes=1), "busy") if self.known else None

    @contextmanager
    def turn(self, name: str, now: datetime) -> Iterator[Rest | None]:
        yield Rest(now + timedelta(minutes=1), "busy")


@pytest.mark.parametrize("known", [True, False])
def test_one_whose_turn_does_not_come_waits_and_counts_no_attempt(
    paper: Paper, known: bool
) -> None:
    paper.ring()
    paper.pace = Busy(known)
    for minutes in range(20):
        assert not paper.send(DUE + timedelta(minutes=minutes))
    assert paper.smtp.read == []
    assert paper.user.digest_attempts == 0
    paper.pace = Unpaced()
    assert paper.send(DUE + timedelta(minutes=20))


# Many people


def add_people(bell: Bell, count: int, due: datetime) -> list[str]:
    ids = []
    for number in range(count):
        user = User(
            uid=new_id(bell.at),
            email=f"p{number}@example.com",
            password_hash="-",
            created_at=bell.at,
            confirmed_at=bell.at,
            digest="day",
            digest_due_at=due,
        )
        bell.services.users.create(user)
        ids.append(user.uid)
    return ids


def test_a_thousand_who_are_due_at_once_are_found_in_three_queries(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add_people(paper.bell, 1_000, DUE)
    add_people(paper.bell, 0, DUE + DAY)
    store, asked = paper.bell.services.store, []
    query = store.query

    def counted(wanted: Query) -> Any:
        asked.append(wanted)
        return query(wanted)

    monkeypatch.setattr(store, "query", counted)
    assert paper.digests.enqueue_due(DUE) == 1_001
    assert sorted(paper.bell.jobs.digests) == sorted([*ids, paper.bell.uid])
    assert len(asked) == 3
    assert all(one.limit == 500 for one in asked)


def test_who_is_not_due_or_wants_none_is_not_asked_for(paper: Paper) -> None:
    assert paper.digests.enqueue_due(DUE - timedelta(seconds=1)) == 0
    set_digest(paper.bell.services.users, paper.bell.uid, "never", paper.bell.at)
    assert paper.digests.enqueue_due(DUE + DAY) == 0
    assert paper.bell.jobs.digests == []


def test_people_in_many_zones_get_theirs_at_their_own_seven(paper: Paper) -> None:
    bell, zones = paper.bell, ("Asia/Tokyo", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
    people = {}
    for zone, uid in zip(zones, add_people(bell, 4, DUE), strict=True):
        bell.services.users.update(uid, time_zone=zone, digest="never", digest_due_at=None)
        set_digest(bell.services.users, uid, "day", bell.at)
        people[uid] = zone
    order = []
    now = bell.at
    for _ in range(96):
        now += timedelta(minutes=15)
        bell.jobs.digests.clear()
        paper.digests.enqueue_due(now)
        for uid in bell.jobs.digests:
            order.append((people.get(uid, "UTC"), now))
            paper.digests.send(uid, now)
    assert [zone for zone, _ in order] == [
        "Asia/Tokyo",
        "Asia/Kolkata",
        "Europe/Berlin",
        "UTC",
        "America/New_York",
    ]
    assert order[1][1] == datetime(2026, 3, 3, 1, 30, tzinfo=UTC)

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.backup.retention import kept

LAST = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
moments = st.sets(
    st.integers(0, 4 * 366 * 86_400).map(lambda seconds: LAST - timedelta(seconds=seconds)),
    max_size=60,
)


def nightly(days: int) -> list[datetime]:
    return [LAST - timedelta(days=number) for number in range(days)]


def test_of_two_years_of_nights_seven_days_four_weeks_and_twelve_months_stay() -> None:
    left = sorted(kept(nightly(730)), reverse=True)
    assert left[:7] == nightly(7)
    weeks = {moment.isocalendar()[:2] for moment in left}
    assert {moment.isocalendar()[:2] for moment in nightly(22)} <= weeks
    months = {(moment.year, moment.month) for moment in left}
    assert len(months) == 12
    assert len(left) <= 7 + 4 + 12


def test_of_several_on_one_day_the_newest_stays() -> None:
    day = [LAST + timedelta(hours=hour) for hour in range(5)]
    assert kept(day) == {day[-1]}


def test_a_gap_takes_nothing_away() -> None:
    old = [moment - timedelta(days=400) for moment in nightly(3)]
    assert set(old) <= kept([LAST, *old])


@given(moments, st.data())
def test_the_newest_and_the_newest_verified_are_never_let_go(
    made: set[datetime], data: st.DataObject
) -> None:
    verified = data.draw(st.sampled_from(sorted(made))) if made else None
    left = kept(made, verified)
    assert left <= made
    assert not made or max(made) in left
    assert verified is None or verified in left
    assert len(left) <= 7 + 4 + 12 + 1


@given(moments)
def test_letting_go_twice_lets_nothing_more_go(made: set[datetime]) -> None:
    left = kept(made)
    assert kept(left) == left


@given(moments, st.integers(1, 400))
def test_one_a_night_never_loses_the_last_seven_days(made: set[datetime], nights: int) -> None:
    left = kept({*nightly(nights), *made})
    assert {m.date() for m in nightly(min(nights, 7))} <= {m.date() for m in left}

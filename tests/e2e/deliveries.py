"""People whose alerts have rung and wait to be told, and the settings of their workers."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from config import Settings
from services.alerts.conditions import PriceCondition
from services.container import Services, open_services
from services.ids import new_id
from services.store.contract import MAX_BATCH, Create
from services.store.triggers import Trigger, trigger_path
from services.store.users import User
from workers.queues import RqJobs


@contextmanager
def open_with(folder: Path, redis_url: str, smtp_url: str, **chosen: object) -> Iterator[Services]:
    """A Bellwether on SQLite whose mails go to that server. Prices would come from Yahoo, which
    nobody asks: mails of so many triggers have no charts. The replay takes a second to load."""
    fields = {
        "bellwether_data": folder / "var",
        "secret_key": "for tests",
        "redis_url": redis_url,
        "smtp_url": smtp_url,
        "quotes": "yahoo",
        **chosen,
    }
    services = open_services(Settings(_env_file=None, **fields), RqJobs)  # type: ignore[arg-type]
    with closing(services.store):
        services.store.ping()
        yield services


def environment_of(services: Services) -> dict[str, str]:
    """For processes that are to be workers of these services."""
    chosen = services.settings.model_dump(exclude_defaults=True)
    return {name.upper(): str(value) for name, value in chosen.items()}


def people(services: Services, count: int, now: datetime, **fields: object) -> list[str]:
    """Make confirmed people; returns their uids."""
    users = [
        User(
            uid=new_id(now),
            email=f"{number}.{new_id(now).lower()}@people.example",
            password_hash="-",
            created_at=now,
            confirmed_at=now,
            **fields,  # type: ignore[arg-type]
        )
        for number in range(count)
    ]
    for user in users:
        services.users.create(user)
    return [user.uid for user in users]


def ring(services: Services, uids: Sequence[str], each: int, now: datetime) -> None:
    """Record so many triggers of each person, due now, as the recorder leaves them."""
    rung = [_trigger(uid, new_id(now), now) for uid in uids for _ in range(each)]
    for start in range(0, len(rung), MAX_BATCH):
        services.store.write(
            *(
                Create(trigger_path(trigger.uid, trigger.id), trigger.fields())
                for trigger in rung[start : start + MAX_BATCH]
            )
        )


def _trigger(uid: str, alert_id: str, now: datetime) -> Trigger:
    return Trigger(
        uid=uid, id=f"{alert_id}-1", alert_id=alert_id, epoch=1, symbol="AAPL",
        condition=PriceCondition(kind="price_rises_to", level=110), note="", value=111, price=111,
        low=109, high=111, currency="USD", occurred_at=now.astimezone(UTC), noticed_at=now,
        source="test", open=True, due_at=now,
    )  # fmt: skip

"""How this site stands: clocks, index, checks, backups, queues, disk, quota."""

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from config import Settings
from services.alerts.index import ArmedIndex
from services.backup.state import read_state
from services.doctor.finding import Finding, bad, doubtful, good
from services.errors import PushOff
from services.metrics import STORE_DOCUMENTS
from services.metrics.shared import metrics_text
from services.notify.push_keys import push_key
from services.notify.resealing import first_seals
from services.notify.sealing import Seal
from services.store.alerts import Alerts
from services.store.clock import REFUSE_FROM, WARN_FROM, clock_skew
from services.store.contract import Store
from services.store.keeping import Keeping
from services.store.queries_of_indexes import missing_indexes
from services.store.system import Shard, System

INDEXES = Path(__file__).parents[2] / "firestore.indexes.json"
LATE_CHECK = timedelta(minutes=15)
LATE_BACKUP = timedelta(hours=26)
FREE_A_DAY = {"read": 50_000, "write": 20_000, "delete": 20_000}
_SET_CLOCK = "Set this machine's clock: sudo timedatectl set-ntp true"
_LITTLE_ROOM, _NO_ROOM = 1 << 30, 128 << 20
Clock = Callable[[], datetime]


def redis_clock(redis: Redis, clock: Clock) -> Finding:
    before = clock()
    seconds, micros = redis.time()
    at = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)
    skew = max(before - at, timedelta(0)) or min(clock() - at, timedelta(0))
    return _of_skew("Clock and Redis", skew)


def store_clock(store: Store, clock: Clock) -> Finding:
    return _of_skew("Clock and store", clock_skew(store, clock))


def _of_skew(about: str, skew: timedelta) -> Finding:
    says = f"are {abs(skew).total_seconds():.0f} s apart."
    if abs(skew) >= REFUSE_FROM:
        return bad(about, says, _SET_CLOCK)
    return doubtful(about, says, _SET_CLOCK) if abs(skew) >= WARN_FROM else good(about, "agree.")


def index_coverage(alerts: Alerts, redis: Redis) -> Finding:
    """Whether the armed index holds as many alerts as the store. It may hold more for a moment,
    and lacks those of another source of prices."""
    about = "Armed index"
    settled, fresh = ArmedIndex(redis).sizes()
    held, stored = settled.total() + fresh.total(), alerts.count_to_index()
    says = f"holds {held:,} of the {stored:,} alerts that the store says are armed or wait."
    if held < stored:
        remedy = "A check rebuilds it after Redis was emptied: flask --app app check --now"
        return doubtful(about, says, remedy)
    return good(about, says)


def seals(keeping: Keeping, seal: Seal) -> Finding:
    """Of some people's channels: all of a large site would cost a read for each person."""
    about = "Channels"
    found = first_seals(keeping, seal)
    if found.lost:
        says = f"{found.lost:,} of those looked at were sealed with a key that SECRET_KEY lacks."
        remedy = "Set SECRET_KEY=NEW,OLD and give: flask --app app seal. Or people add them again."
        return bad(about, says, remedy)
    if found.to_renew:
        says = f"{found.to_renew:,} of those looked at are in plain text or under an old key."
        return doubtful(about, says, "Run: flask --app app seal")
    return good(about, "are sealed with the present key.")


def indexes_deployed(store: Store) -> Finding:
    about = "Firestore indexes"
    if missing := missing_indexes(store, INDEXES):
        says = f"lack {len(missing)}: {'; '.join(missing)}."
        return bad(about, says, "firebase deploy --only firestore:indexes, then wait for them.")
    return good(about, "answer every query.")


def push(settings: Settings) -> Finding:
    try:
        push_key(settings)
    except PushOff as error:
        return doubtful("VAPID_PRIVATE_KEY", str(error))
    given = settings.vapid_private_key.get_secret_value()
    return good("VAPID_PRIVATE_KEY", "is valid." if given else "is made by Bellwether.")


def last_check(system: System, settings: Settings, now: datetime) -> Finding:
    about, market = "Last check", "replay" if settings.quotes == "replay" else "yahoo"
    shards = [Shard(n, settings.check_shards) for n in range(settings.check_shards)]
    times = [system.checker(market, shard).completed_at for shard in shards]
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        return doubtful(about, "was never completed.", "See that a worker and the clock run.")
    ended = min(known)
    late = max(LATE_CHECK, 3 * timedelta(seconds=settings.check_interval_seconds))
    says = f"was completed {_ago(now - ended)}."
    if now - ended > late:
        return bad(about, says, "See that a worker and the clock run, and what their logs say.")
    return good(about, says)


def last_backup(settings: Settings, redis: Redis, store: Store, now: datetime) -> Finding:
    about, state = "Last backup", read_state(redis, store)
    if not settings.backup_nightly:
        return good(about, "none is made at night (BACKUP_NIGHTLY).")
    remedy = "Make and prove one: flask --app app backup create --verify"
    if state.failed_at and (state.succeeded_at is None or state.failed_at > state.succeeded_at):
        return bad(about, f"failed {_ago(now - state.failed_at)}: {state.error}", remedy)
    if state.succeeded_at is None:
        return doubtful(about, "there is none.", remedy)
    says = f"{state.name} was proved {_ago(now - state.succeeded_at)}."
    late = now - state.succeeded_at > LATE_BACKUP
    return doubtful(about, says, remedy) if late else good(about, says)


def queues(unattended: Callable[[], Sequence[str]]) -> Finding:
    if names := unattended():
        says = f"nobody works on {', '.join(names)}."
        return bad("Queues", says, "Start a worker for them: python -m workers " + " ".join(names))
    return good("Queues", "each has a worker.")


def disk(folder: Path) -> Finding:
    about, free = "Disk", shutil.disk_usage(_existing(folder)).free
    says = f"{free / (1 << 30):.1f} GiB are free in {folder}."
    remedy = "Make room, or set BELLWETHER_DATA to a folder on a larger disk."
    if free < _NO_ROOM:
        return bad(about, says, remedy)
    return doubtful(about, says, remedy) if free < _LITTLE_ROOM else good(about, says)


def quota(folder: Path, now: datetime) -> Finding:
    """What the processes of this machine have asked of Firestore, for a day at their pace."""
    about, counted = "Firestore quota", _counted()
    days = max((now - _begun(folder, now)) / timedelta(days=1), 1 / 24)
    pace = {kind: counted.get(kind, 0.0) / days for kind in FREE_A_DAY}
    says = "this machine is on its way to " + ", ".join(
        f"{pace[kind]:,.0f} {kind}s" for kind in FREE_A_DAY
    )
    if over := [kind for kind, most in FREE_A_DAY.items() if pace[kind] > most]:
        remedy = "See in /metrics what asks most: bellwether_store_documents. Or enable billing."
        return doubtful(about, f"{says} a day, more {over[0]}s than are free.", remedy)
    return good(about, f"{says} a day; free are 50,000, 20,000 and 20,000.")


def _counted() -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics_text().decode()):
        for sample in family.samples:
            if sample.name == f"{STORE_DOCUMENTS._name}_total":
                kind = sample.labels.get("operation", "")
                found[kind] = found.get(kind, 0.0) + sample.value
    return found


def _begun(folder: Path, now: datetime) -> datetime:
    """Since when this machine counts: since its first process."""
    times = [file.stat().st_ctime for file in folder.glob("*.lock")]
    return datetime.fromtimestamp(min(times), UTC) if times else now


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


def _ago(span: timedelta) -> str:
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 2 * 1_440 else f"{minutes // 1_440} days ago"

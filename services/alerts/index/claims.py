"""How alerts that rang move out of the index into the stream, each of them once."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import nan
from struct import Struct
from typing import Any, Final

from pydantic import TypeAdapter
from redis import WatchError

from services.alerts.ahead import answers
from services.alerts.evidence import Evidence
from services.alerts.index.keys import FIRED, base_of
from services.alerts.index.scripts import Scripted
from services.redis_client import text_of

CLAIM_BATCH = 2_000
CLAIMS_A_CALL = 100
_JSON: Final = TypeAdapter(Evidence)
_RECORD: Final = Struct("<dddI")


class Claims(Scripted):
    """What a check takes out of the index, for the recorder."""

    def claim(self, evidence: Evidence, peak: float | None = None, building: bytes = b"") -> int:
        """Move every alert that the interval reaches into the stream; returns how many.

        With `building`, of that building of the index only: what was read of one says nothing
        of the alerts and peaks of another. Raises WatchError where it is gone.
        """
        if peak is not None:
            evidence = evidence.model_copy(update={"peak": peak})
        return self._claim_rest([evidence], building)

    def claim_all(self, evidences: Iterable[Evidence], building: bytes = b"") -> int:
        """Move every alert that these intervals reach into the stream; returns how many.

        While Redis moves some, the next evidences are taken. `building` as above.
        """
        script, total, sent = self._script("claim"), 0, deque[list[Evidence]]()

        def steps() -> Iterator[tuple[Any, ...]]:
            yield "SCRIPT", "LOAD", script.script
            coming = iter(evidences)
            while batch := list(islice(coming, CLAIMS_A_CALL)):
                sent.append(batch)
                yield "EVALSHA", script.sha, 0, *_arguments(batch, building)

        for answer in islice(answers(self._redis, steps()), 1, None):
            moved, done = _still_there(answer)
            total += moved + self._claim_rest(sent.popleft()[done:], building)
        return total

    def _claim_rest(self, evidences: list[Evidence], building: bytes) -> int:
        """Claim for each of these, a full step at a time."""
        total = 0
        while evidences:
            moved, done = _still_there(self._run("claim", *_arguments(evidences, building)))
            total, evidences = total + moved, evidences[done:]
        return total

    def claim_fresh(self, member: str, evidence: Evidence) -> bool:
        """Move a fresh alert into the stream, unless somebody else did."""
        text = evidence.model_dump_json()
        return bool(self._run("claim_fresh", evidence.symbol, evidence.metric, member, text))

    def claimed(self) -> set[str]:
        """Members that are in the stream still."""
        entries: Any = self._redis.xrange(FIRED)
        return {name for _, raw in entries for name in text_of(raw.get(b"alerts", b"")).split()}


def _still_there(answer: list[int] | None) -> list[int]:
    if answer is None:
        raise WatchError("The index was built anew meanwhile")
    return answer


def _arguments(evidences: Sequence[Evidence], building: bytes) -> tuple[str | int | bytes, ...]:
    """Claims as claim.lua reads them; JSON has no line breaks of its own."""
    lines = [b"%b\n" % _JSON.dump_json(evidence) for evidence in evidences]
    records = b"".join(map(_record, evidences, map(len, lines)))
    bases = [base_of(evidence.symbol, evidence.metric) for evidence in evidences]
    return CLAIM_BATCH, building, records, b"".join(lines), *bases


def _record(evidence: Evidence, length: int) -> bytes:
    interval, peak = evidence.interval, evidence.peak
    return _RECORD.pack(interval.low, interval.high, nan if peak is None else peak, length)

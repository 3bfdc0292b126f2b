"""How alerts that rang move out of the index into the stream, each of them once."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from redis import WatchError

from services.alerts.ahead import answers
from services.alerts.evidence import Evidence
from services.alerts.index.keys import FIRED
from services.alerts.index.levels import peak_text
from services.alerts.index.scripts import Scripted
from services.redis_client import text_of

CLAIM_BATCH = 2_000
CLAIMS_A_CALL = 100


class Claims(Scripted):
    """What a check takes out of the index, for the recorder."""

    def claim(self, evidence: Evidence, peak: float | None = None, building: bytes = b"") -> int:
        """Move every alert that the interval reaches into the stream; returns how many.

        With `building`, of that building of the index only: what was read of one says nothing
        of the alerts and peaks of another. Raises WatchError where it is gone.
        """
        text = _claim_text(evidence if peak is None else evidence.model_copy(update={"peak": peak}))
        return self._claim_rest(text, 1, 0, building)

    def claim_all(self, evidences: Sequence[Evidence]) -> int:
        """Move every alert that these intervals reach into the stream; returns how many."""
        starts = range(0, len(evidences), CLAIMS_A_CALL)
        batches = [evidences[start : start + CLAIMS_A_CALL] for start in starts]
        texts = ["" for _ in batches]
        script, total = self._script("claim"), 0

        def steps() -> Iterator[tuple[Any, ...]]:
            yield "SCRIPT", "LOAD", script.script
            for place, batch in enumerate(batches):
                texts[place] = "".join(map(_claim_text, batch))
                yield "EVALSHA", script.sha, 0, CLAIM_BATCH, texts[place], 0, ""

        for place, (moved, done) in enumerate(islice(answers(self._redis, steps()), 1, None)):
            text, texts[place] = texts[place], ""
            total += moved + self._claim_rest(text, len(batches[place]), done)
        return total

    def _claim_rest(self, claims: str, count: int, done: int, building: bytes = b"") -> int:
        """Make those of the claims that are not done, a full step at a time."""
        total = 0
        while done < count:
            answer = self._run("claim", CLAIM_BATCH, claims, done, building)
            if answer is None:
                raise WatchError("The index was built anew meanwhile")
            moved, done = answer
            total += moved
        return total

    def claim_fresh(self, member: str, evidence: Evidence) -> bool:
        """Move a fresh alert into the stream, unless somebody else did."""
        text = evidence.model_dump_json()
        return bool(self._run("claim_fresh", evidence.symbol, evidence.metric, member, text))

    def claimed(self) -> set[str]:
        """Members that are in the stream still."""
        entries: Any = self._redis.xrange(FIRED)
        return {name for _, raw in entries for name in text_of(raw.get(b"alerts", b"")).split()}


def _claim_text(evidence: Evidence) -> str:
    """One claim in five lines; JSON has none of its own."""
    interval = evidence.interval
    return (
        f"{evidence.symbol}:{evidence.metric}\n{peak_text(evidence.peak)}\n"
        f"{interval.low!r}\n{interval.high!r}\n{evidence.model_dump_json()}\n"
    )

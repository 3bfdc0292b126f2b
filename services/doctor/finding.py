"""What was looked at, and what came of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["good", "doubtful", "bad"]
MARKS: dict[State, str] = {"good": "✓", "doubtful": "!", "bad": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is a setting or a part; `remedy` is what to do about one that is not good."""

    about: str
    state: State
    says: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


Check: TypeAlias = Callable[[], Finding]


def good(about: str, says: str) -> Finding:
    return Finding(about, "good", says)


def doubtful(about: str, says: str, remedy: str = "") -> Finding:
    return Finding(about, "doubtful", says, remedy)


def bad(about: str, says: str, remedy: str) -> Finding:
    return Finding(about, "bad", says, remedy)


def faults(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.state == "bad"]


def table(findings: Sequence[Finding]) -> str:
    """A line for each finding, its remedy beneath it."""
    width = max((len(finding.about) for finding in findings), default=0)
    lines = []
    for one in findings:
        lines.append(f"{MARKS[one.state]} {one.about:<{width}}  {one.says}")
        lines += [f"  {'':<{width}}  {one.remedy}"] if one.remedy else []
    return "\n".join(lines)

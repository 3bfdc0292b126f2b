"""What stops the start of web, worker and clock in production: all problems at once."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection

from config import InvalidSettings, Settings, SettingsError
from services.doctor.demands import look_at
from services.doctor.finding import MARKS, Finding, bad, faults
from services.doctor.reach import DOCUMENTS, MAIL_SERVER, REDIS, reach

_LEADS_TO = {
    "REDIS_URL": REDIS,
    "SMTP_URL": MAIL_SERVER,
    "FIRESTORE_EMULATOR_HOST": DOCUMENTS,
}


class NotReady(SettingsError):
    """This process must not start; the message lists every problem with its remedy."""


def require_ready(settings: Settings) -> None:
    """Raises NotReady in production. Elsewhere nothing is asked.

    A child of this process asks, so that none of the connections and libraries stays here:
    a connection to Firestore does not survive the forks of a web server.
    """
    if not settings.in_production:
        return
    found = _asked_in_a_child(settings)
    if found:
        raise NotReady(sentence_of(found))


def everything_wrong(error: Exception) -> str:
    """The message; where values cannot be, also what else stops the start in production."""
    if not isinstance(error, InvalidSettings):
        return str(error)
    try:
        require_ready(error.rest)
    except NotReady as more:
        return f"{error}\n{more}"
    return str(error)


def _asked_in_a_child(settings: Settings) -> list[Finding]:
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_tell, args=(sender, settings), daemon=True)
    child.start()
    sender.close()
    try:
        found: list[Finding] = receiver.recv()
    except EOFError:
        return [bad("The checks", "ended before they were through.", "See what is logged above.")]
    finally:
        child.join()
    return found


def _tell(sender: Connection, settings: Settings) -> None:
    sender.send(problems(settings))


def problems(settings: Settings) -> list[Finding]:
    """What is bad about the settings, and about what they lead to where they can be right."""
    of_settings = faults(look_at(settings))
    told = {finding.about for finding in of_settings}
    return of_settings + faults(
        reach(settings, {_LEADS_TO[name] for name in told & _LEADS_TO.keys()})
    )


def sentence_of(found: Sequence[Finding]) -> str:
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    lines = [f"Bellwether does not start in production: {count}."]
    for one in found:
        lines += [f"  {MARKS[one.state]} {one.about}: {one.says}", f"    {one.remedy}"]
    lines.append("On a machine of your own, for a trial: BELLWETHER_ENV=development")
    return "\n".join(lines)

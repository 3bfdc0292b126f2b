"""Why Bellwether cannot run on this machine, in a sentence that carries the remedy."""


class CannotStart(Exception):
    """The message is for people: what is wrong, and what to do."""


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or a closed terminal came while something was waited for."""

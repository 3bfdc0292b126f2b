"""What is said in a chat: bounded, and nothing in it calls people or hides where a link leads.
Pure."""

import re

from services.notify.brief import Brief

MAX_TITLE = 200
MAX_BODY = 1_500
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BREAK = "\N{ZERO WIDTH SPACE}"


def harmless(text: str) -> str:
    """The text as people read it, with no meaning to a chat: no `@everyone`, no `<!channel>`, no
    `[words](link)`, nothing that turns the direction of writing."""
    text = _CONTROL.sub(" ", text)
    text = re.sub(r"@(?=\S)", f"@{_BREAK}", text)
    text = re.sub(r"\](?=[(\[])", f"]{_BREAK}", text)
    return text.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}").replace(
        ">", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
    )


def title_of(brief: Brief) -> str:
    return harmless(brief.title)[:MAX_TITLE]


def body_of(brief: Brief) -> str:
    """What rang, and the link last, always whole."""
    return f"{harmless(brief.body)[:MAX_BODY].rstrip()}\n{brief.link}"

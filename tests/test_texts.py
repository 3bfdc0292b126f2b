"""The catalog, and speaking from it."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from jinja2 import Environment

from services import figures, texts
from services.alerts import words
from services.reasons import gone_since, told
from services.texts import speaking

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "translations" / "de" / "LC_MESSAGES"
KEYWORDS = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "form_for": (1, 2),
    "pgettext": ((1, "c"), 2),
}
_PLACE = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")


def german() -> list[Message]:
    with (FOLDER / "messages.po").open("rb") as file:
        return [message for message in read_po(file, locale="de") if message.id]


def _forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)  # type: ignore[arg-type]


def _context(message: Message) -> str:
    """Babel reads it as bytes from a compiled catalog."""
    context = message.context or ""
    return context.decode() if isinstance(context, bytes) else context


def _said_in_code() -> Iterator[tuple[str, str]]:
    """Every message of the code and the templates, as `make texts` collects them."""
    methods = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
    for folder in ("web", "services", "templates"):
        for *_, message, _comments, context in extract_from_dir(
            str(ROOT / folder), methods, keywords=KEYWORDS
        ):
            yield context or "", _forms(message)[0]


@pytest.mark.slow
def test_all_that_is_said_is_in_the_catalog() -> None:
    known = {(_context(message), _forms(message.id)[0]) for message in german()}
    assert sorted(set(_said_in_code()) - known) == []


def test_nothing_of_the_german_catalog_is_missing_or_doubtful() -> None:
    assert [m.id for m in german() if m.fuzzy or not all(_forms(m.string))] == []


def test_the_catalog_compiles_without_errors() -> None:
    """To Babel “10 % off” holds the place `% o`, which a translation would have to hold, too."""
    assert [(m.id, str(error)) for m in german() for error in m.check()] == []


def test_the_compiled_catalog_is_that_of_the_source() -> None:
    with (FOLDER / "messages.mo").open("rb") as file:
        compiled = {(_context(m), *_forms(m.id)): _forms(m.string) for m in read_mo(file) if m.id}
    assert compiled == {(_context(m), *_forms(m.id)): _forms(m.string) for m in german()}


@pytest.mark.parametrize("message", german(), ids=lambda message: str(message.id)[:40])
def test_a_german_text_has_the_places_of_the_english_one(message: Message) -> None:
    wanted = set(_PLACE.findall(_forms(message.id)[-1]))
    forms = _forms(message.string)
    assert set(_PLACE.findall(forms[-1])) == wanted
    assert all(set(_PLACE.findall(form)) <= wanted for form in forms)


def test_german_stands_in_german_quotation_marks() -> None:
    english = [m.string for m in german() if "“" in str(m.string) and "„" not in str(m.string)]
    assert english == []


def test_nobody_speaks_for_longer_than_asked() -> None:
    with speaking("de"):
        assert texts.gettext("Alerts") == "Alarme"
        with speaking("en"):
            assert texts.gettext("Alerts") == "Alerts"
        assert texts.language() == "de"
    assert texts.language() == "en"


def test_an_unknown_language_is_english() -> None:
    with speaking("tlh"):
        assert texts.language() == "en"


def test_counts_have_their_forms() -> None:
    with speaking("de"):
        assert texts.ngettext("%(num)s day", "%(num)s days", 1) == "1 Tag"
        assert texts.ngettext("%(num)s day", "%(num)s days", 2) == "2 Tage"


def test_days_are_written_as_in_the_language() -> None:
    day = date(2026, 11, 21)
    with speaking("de"):
        assert (figures.day(day), figures.short_day(day)) == ("21. November 2026", "21. Nov. 2026")
        assert figures.day_of_year(day) == "21. Nov."
    assert (figures.day(day), figures.short_day(day)) == ("21 November 2026", "21 Nov 2026")


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("180", "180"),
        ("180,5", "180.5"),
        ("180.5", "180.5"),
        ("1.000", "1000"),
        ("1.000,50", "1000.50"),
        ("-1.000.000", "-1000000"),
        ("1,000", "1.000"),
        ("0.123", "0.123"),
        ("1234.567", "1234.567"),
        ("1,000.50", None),
        ("1.00,5", None),
        ("1 000", None),
        ("", None),
    ],
)
def test_a_german_number_means_what_germans_mean(typed: str, plain: str | None) -> None:
    with speaking("de"):
        assert figures.plain_number(typed) == plain


@pytest.mark.parametrize(("typed", "plain"), [("1.000", "1.000"), ("180,5", None), ("1,000", None)])
def test_an_english_number_has_a_point_and_nothing_else(typed: str, plain: str | None) -> None:
    assert figures.plain_number(typed) == plain


@pytest.mark.parametrize(("typed", "two_ways"), [("1.000", True), ("1,000", True), ("10.5", False)])
def test_a_number_that_others_read_otherwise_is_known(typed: str, two_ways: bool) -> None:
    assert figures.reads_two_ways(typed) is two_ways


def test_a_reason_that_was_kept_in_english_is_told_in_german() -> None:
    kept = gone_since("ACME", date(2026, 3, 2))
    with speaking("de"):
        assert told(kept).startswith("Keine Kurse von ACME seit 2. März 2026.")
        assert told("stale") == "veraltet"
        assert told("Yahoo did not answer (Timeout).") == "Yahoo hat nicht geantwortet (Timeout)."
        assert told("What nobody wrote down.") == "What nobody wrote down."
        assert told(None) == ""
    assert told(kept) == kept


_ATTRIBUTES = re.compile(r"""\b(?:aria-label|title|placeholder|alt)=["']([^"'{]*)""")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CLASSES = re.compile(r"{% block (?:look|width) %}.*?{% endblock %}")
_NAMES = {"Bellwether", "AAPL", "RSI", "SMA", "EMA", "UTC", "CSV", "nbsp", "Alt", "Esc", "Enter"}
_ELSEWHERE = {
    "local/design.html": None,
    "macros.html": {"aria", "invalid", "describedby", "true", "fault"},
    "watchlists/words.html": {"data", "market", "now", "grip", "moved", "unmoved"},
}
"""By template, words of attributes that a macro writes; None for the page of components, which is
for developers and stays English."""


def _bare_words(template: Path) -> set[str]:
    """Words of a template that people read and that are not said through the catalog."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    parts, depth = [], 0
    source = _CLASSES.sub("", template.read_text())
    for _line, kind, text in environment.lex(source):
        if kind == "name" and text in ("trans", "endtrans"):
            depth += 1 if text == "trans" else -1
        parts.append(text if kind == "data" and not depth else "\0" if kind == "data" else "")
    html = re.sub(r"<(script|style|code|svg)\b.*?</\1>|<!--.*?-->", "", "".join(parts), flags=re.S)
    shown = " ".join(_ATTRIBUTES.findall(html))
    if template.suffix == ".html":
        shown += " " + re.sub(r"<[^<>]*>", " ", html, flags=re.S)
    return set(_WORD.findall(shown)) - _NAMES


@pytest.mark.parametrize(
    "template",
    sorted((ROOT / "templates").rglob("*.html")),
    ids=lambda path: str(path.relative_to(ROOT / "templates")),
)
def test_a_template_says_nothing_past_the_catalog(template: Path) -> None:
    allowed = _ELSEWHERE.get(str(template.relative_to(ROOT / "templates")), set())
    assert allowed is None or _bare_words(template) - allowed == set()


def test_what_was_understood_is_told_in_german() -> None:
    draft = words.parse("aapl above 1234.5 once a day", datetime(2026, 3, 2, tzinfo=UTC), "UTC")
    assert words.told(draft) == words.sentence(draft)
    with speaking("de"):
        assert words.told(draft) == "AAPL steigt auf 1.234,50, einmal am Tag"

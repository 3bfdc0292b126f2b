"""The design system: colours that can be read by everybody, and one page that shows all of it."""

import re
from pathlib import Path

import pytest

from tests.web.conftest import Reader, words

ROOT = Path(__file__).parents[2]
STYLES = ROOT / "static" / "css"
TOKENS = (STYLES / "tokens.css").read_text()
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", TOKENS
    )
}
INKS = ("ink", "muted", "accent", "brass", "gain", "loss", "second", "fault")
GROUNDS = (
    "ground",
    "surface",
    "sunken",
    "accent-soft",
    "brass-soft",
    "good-soft",
    "loss-soft",
    "fault-soft",
    "flash",
)
PAIRS = (("accent-ink", "accent"), ("fault-ink", "fault"), ("ground", "ink"), ("ground", "brass"))
BRAND = {"#1f2a37", "#f2b84b"}


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, scheme: str) -> float:
    """The contrast ratio of two tokens, 1 to 21."""
    darker, lighter = sorted(luminance(COLOURS[name][scheme]) for name in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ink", INKS)
def test_every_ink_reads_on_every_ground(ink: str, scheme: str) -> None:
    worst = min(GROUNDS, key=lambda ground: contrast(ink, ground, scheme))
    assert contrast(ink, worst, scheme) >= 4.5, worst


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_words_on_full_colours_can_be_read(ink: str, ground: str, scheme: str) -> None:
    assert contrast(ink, ground, scheme) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "surface", "sunken"])
def test_edges_of_fields_can_be_seen(ground: str, scheme: str) -> None:
    assert contrast("line-strong", ground, scheme) >= 3


def seen_without_red_cones(colour: str) -> tuple[float, float, float]:
    """A colour as protanopes see it (Viénot, Brettel and Mollon 1999), linear RGB."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = red**2.2, green**2.2, blue**2.2
    mixed = 0.11238 * red + 0.88762 * green
    return mixed, mixed, 0.00401 * (red - green) + blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_gain_and_loss_differ_for_the_red_blind(scheme: str) -> None:
    gain = seen_without_red_cones(COLOURS["gain"][scheme])
    loss = seen_without_red_cones(COLOURS["loss"][scheme])
    assert gain[2] / gain[0] > 1.5 * loss[2] / loss[0]


def sheets() -> list[Path]:
    return sorted(STYLES.rglob("*.css"))


@pytest.mark.parametrize("sheet", sheets(), ids=lambda sheet: sheet.name)
def test_a_sheet_uses_only_tokens_that_there_are(sheet: Path) -> None:
    text = sheet.read_text()
    declared = set(re.findall(r"(--[\w-]+):", TOKENS + text))
    assert set(re.findall(r"var\((--[\w-]+)", text)) <= declared


@pytest.mark.parametrize("sheet", sheets(), ids=lambda sheet: sheet.name)
def test_only_the_tokens_name_colours(sheet: Path) -> None:
    if sheet.name != "tokens.css":
        named = re.findall(r"#[0-9a-f]{3,8}\b(?=[^{}]*;)|\b(?:rgb|hsl|oklch)\(", sheet.read_text())
        assert set(named) <= BRAND


def test_the_browser_s_own_bars_have_the_colour_of_the_ground(anybody: Reader) -> None:
    found = re.findall(
        r'name="theme-color" content="(#\w+)" data-scheme="(\w+)"', anybody.get("/").text
    )
    assert {scheme: colour for colour, scheme in found} == COLOURS["ground"]


def test_the_page_of_components_is_shown_to_this_machine_only(anybody: Reader) -> None:
    assert anybody.get("/local/design").status_code == 404
    local(anybody)
    assert anybody.get("/local/design").status_code == 200
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert anybody.get("/local/design", headers=forwarded).status_code == 404


def test_the_page_of_components_shows_each_class_of_their_sheet(anybody: Reader) -> None:
    local(anybody)
    page = anybody.get("/local/design").text
    for name in (
        *("plain", "quiet", "danger", "field", "hint", "fault", "tick", "segments", "card"),
        *("table", "rows", "tabs", "chip", "state", "badge", "banner", "notice", "empty", "bone"),
        *("failed", "offline", "stale", "toast", "menu", "tip", "pager", "spark", "range", "ask"),
    ):
        assert re.search(rf'class="[^"]*\b{name}\b', page), name
    assert "<dialog" in page


def test_help_explains_words_and_keys_to_everybody(anybody: Reader) -> None:
    text = words(anybody.get("/help"))
    assert "Armed" in text
    assert "RSI" in text
    assert "Next row, row before" in text


def test_every_page_leads_to_help_without_scripts(anybody: Reader) -> None:
    for path in ("/", "/sign-in", "/nope"):
        assert 'href="/help"' in anybody.get(path).text


def test_the_navigation_tells_how_much_is_unread(ada: Reader) -> None:
    processors = ada.site.app.template_context_processors[None]
    processors.append(lambda: {"unread": lambda: 3})
    assert "Inbox 3 unread" in words(ada.get("/help"))


def local(reader: Reader) -> None:
    settings = reader.site.services.settings.model_copy(update={"bellwether_local": True})
    reader.site.services.__dict__["settings"] = settings


def test_colours_of_charts_are_pairs_as_their_script_reads_them() -> None:
    script = (ROOT / "static" / "js" / "chart.js").read_text()
    (inks,) = re.findall(r"const INKS = \[([^\]]+)\];", script)
    assert set(re.findall(r'"([\w-]+)"', inks)) <= COLOURS.keys()

"""Numbers that scripts write read as those of the server, in English and in German."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from services.alerts import units
from services.texts import LANGUAGES, speaking
from web import filters, words

pytest_plugins = ["tests.support.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCRIPT = Path(__file__).parents[2] / "static" / "js" / "numbers.js"
PRICES = (0.0, 0.00000123, 0.5, 1.085, 9.99, 12.34567, 180.5, 1234.5, 715930.0, -37.63, 1e12)
PERCENTS = (0.0, -0.004, -0.006, 1.234, -5.2, 1234.5)
COUNTS = (0, 999, 1_000, 999_600, 12_345_678, 2_411_000_000, 5_000_000_000_000)
SECONDS = (0, 59, 60, 7_300, 200_000)


def on_the_server() -> dict[str, list[str]]:
    return {
        "price": [units.number(value) for value in PRICES],
        "glance": [filters.glance(value) for value in PRICES],
        "percent": [words.percent(value) for value in PERCENTS],
        "volume": [words.compact(count) for count in COUNTS],
        "span": [words.span(timedelta(seconds=seconds)) for seconds in SECONDS],
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_write_numbers_as_the_server_does(chromium: Browser, language: str) -> None:
    with speaking(language):
        wanted, unit_words = on_the_server(), words.unit_words()
    asked = {"price": PRICES, "glance": PRICES, "percent": PERCENTS}
    asked |= {"volume": COUNTS, "span": SECONDS}
    calls = ", ".join(f"{name}: {json.dumps(v)}.map({name})" for name, v in asked.items())
    page = chromium.new_page()
    page.set_content(f'<html lang="{language}" data-units="{unit_words}"></html>')
    script = SCRIPT.read_text().replace("export ", "")
    assert page.evaluate(f"() => {{ {script}; return {{ {calls} }}; }}") == wanted
    page.close()

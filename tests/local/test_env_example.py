import re

from config import Settings
from local.part import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
SHOWN = dict(re.findall(r"^#?([A-Z_0-9]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_the_example_names_exactly_the_settings() -> None:
    assert set(SHOWN) == {name.upper() for name in Settings.model_fields}


def test_the_example_shows_the_defaults() -> None:
    shown = Settings.model_validate({name.lower(): value for name, value in SHOWN.items()})
    assert shown == Settings.model_construct()


def test_each_variable_is_explained_in_the_line_above_it() -> None:
    for name in SHOWN:
        assert re.search(rf"^# \S.*\n#{name}=", EXAMPLE, re.MULTILINE), name


def test_a_copy_of_the_example_changes_nothing() -> None:
    assert all(line.startswith("#") for line in EXAMPLE.splitlines() if line)

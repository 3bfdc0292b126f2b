"""Static files."""

import re
from pathlib import Path

from tests.web.conftest import Reader
from web.assets import version_of

STATIC = Path(__file__).parents[2] / "static"


def test_browsers_may_keep_static_files_for_good(anybody: Reader) -> None:
    found = re.search(r'src="(/assets/[^"]+/js/app\.js)"', anybody.get("/").text)
    assert found
    answer = anybody.get(found[1])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


def test_the_sheets_of_every_page_come_as_one_kept_for_good(anybody: Reader) -> None:
    (address,) = re.findall(r'rel="stylesheet" href="([^"]+)"', anybody.get("/nope").text)
    answer = anybody.get(address)
    assert answer.mimetype == "text/css"
    assert "immutable" in answer.headers["Cache-Control"]
    for name in ("tokens", "base", "components"):
        assert (STATIC / "css" / f"{name}.css").read_text() in answer.text


def test_a_changed_file_has_another_name(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    before = version_of(tmp_path)
    (tmp_path / "a.css").write_text("b")
    assert version_of(tmp_path) != before


def test_nothing_outside_the_static_folder_is_served(anybody: Reader) -> None:
    for path in ("/assets/x/../app.py", "/assets/x/%2e%2e/app.py", "/assets/x/..%2fapp.py"):
        assert anybody.get(path).status_code == 404


def test_there_is_a_favicon(anybody: Reader) -> None:
    assert anybody.get("/favicon.ico").content_type.startswith("image/svg+xml")


def test_our_own_scripts_stay_small() -> None:
    sizes = {file.name: file.stat().st_size for file in (STATIC / "js").glob("*.js")}
    loaded_by_pages = sum(size for name, size in sizes.items() if not name.endswith("-worker.js"))
    assert loaded_by_pages < 84_000
    assert max(sizes.values()) < 16_000


def test_no_page_has_inline_styles_or_scripts() -> None:
    templates = STATIC.parent / "templates"
    for file in templates.rglob("*.html"):
        if file.parent.name != "mail":
            assert not re.search(r"\sstyle=|<style|\son\w+=[\"']|<script>", file.read_text()), file

"""What is sent compressed, to whom, and what is not."""

import gzip
import json

import pytest
from werkzeug.test import TestResponse

from tests.web.conftest import Reader
from web.compression import MOST_PADDING, packed_page

TAKES_GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def asset(reader: Reader, name: str) -> str:
    with reader.site.app.test_request_context():
        return str(reader.site.app.jinja_env.globals["asset"](name))  # type: ignore[operator]


def ask(reader: Reader, path: str, **headers: str) -> TestResponse:
    return reader.client.get(path, headers=TAKES_GZIP | headers)


def test_a_page_is_compressed_for_browsers_that_take_it(ada: Reader) -> None:
    answer = ask(ada, "/watchlists/default")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert b"</html>" in gzip.decompress(answer.data)


@pytest.mark.parametrize("taken", ["identity", "gzip;q=0", "br"])
def test_others_get_it_as_it_is(ada: Reader, taken: str) -> None:
    answer = ask(ada, "/watchlists/default", **{"Accept-Encoding": taken})
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "</html>" in answer.text


@pytest.mark.parametrize("name", ["js/app.js", "css/site.css", "img/bell.svg"])
def test_a_file_is_the_same_compressed_and_not(anybody: Reader, name: str) -> None:
    path = asset(anybody, name)
    plain = anybody.client.get(path)
    for _ in range(2):
        packed = ask(anybody, path)
        if len(plain.data) > 500:
            assert packed.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(packed.data) == plain.data
        assert "immutable" in packed.headers["Cache-Control"]
        assert "Accept-Encoding" in packed.headers["Vary"]


def test_a_file_that_a_browser_has_is_not_sent_again(anybody: Reader) -> None:
    path = asset(anybody, "js/app.js")
    tag = ask(anybody, path).headers["ETag"]
    assert tag.startswith("W/")
    again = ask(anybody, path, **{"If-None-Match": tag})
    assert again.status_code == 304
    assert again.data == b""


def test_answers_of_the_api_are_compressed(ada: Reader) -> None:
    answer = ask(ada, "/api/v1/openapi.json")
    assert json.loads(gzip.decompress(answer.data))["openapi"]


def test_pictures_and_head_requests_are_left_alone(anybody: Reader) -> None:
    picture = ask(anybody, asset(anybody, "img/icon-192.png"))
    assert "Content-Encoding" not in picture.headers
    assert "Content-Encoding" not in anybody.client.head("/", headers=TAKES_GZIP).headers


def test_the_length_of_a_page_does_not_tell_what_is_in_it() -> None:
    lengths = {len(packed_page(b"the same page " * 100)) for _ in range(60)}
    assert len(lengths) > 10
    assert max(lengths) - min(lengths) < MOST_PADDING

"""What search engines are asked to leave alone."""

from urllib.robotparser import RobotFileParser

from tests.web.conftest import Reader


def test_links_of_one_person_are_not_followed_and_the_front_page_is(anybody: Reader) -> None:
    answer = anybody.get("/robots.txt")
    assert answer.mimetype == "text/plain"
    assert "Set-Cookie" not in answer.headers
    rules = RobotFileParser()
    rules.parse(answer.text.splitlines())
    for path in ("/", "/sign-in", "/sign-up", "/help", "/assets/1/css/site.css"):
        assert rules.can_fetch("any", path), path
    for path in ("/mail/stop/a-token", "/confirm/a-token", "/reset/a-token", "/api/v1/alerts"):
        assert not rules.can_fetch("any", path), path

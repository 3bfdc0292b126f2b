"""Alerts in words over the API, and terms beside the condition."""

import pytest

from tests.support.web import Person, Site


def test_a_sentence_sets_an_alert(person: Person):
    answer = person.post("/alerts", {"text": "aapl falls 5% today every time", "note": "buy"})
    assert answer.status_code == 201
    assert answer.json["symbol"] == "AAPL"
    assert answer.json["condition"] == {"kind": "day_change_falls_to", "level": -5.0}
    assert answer.json["frequency"] == "every"
    assert answer.json["note"] == "buy"
    assert answer.json["sentence"] == "AAPL is down by 5% today, every time"


def test_what_is_not_understood_names_the_word_and_where_it_begins(person: Person):
    refused = person.post("/alerts", {"text": "aapl abofe 200"})
    assert refused.status_code == 422
    assert refused.json["type"] == "tag:bellwether,2026:not-understood"
    (fault,) = refused.json["errors"]
    assert (fault["field"], fault["word"], fault["column"]) == ("text", "abofe", 5)
    assert person.get("/alerts").json["items"] == []


def test_parsing_sets_nothing(person: Person):
    answer = person.post("/alerts/parse", {"text": "btc-usd crosses below its 200 day average"})
    assert answer.status_code == 200
    assert answer.json == {
        "symbol": "BTC-USD",
        "condition": {
            "kind": "crosses_average",
            "average": "sma",
            "days": 200,
            "direction": "down",
        },
        "frequency": "once",
        "expires_at": None,
        "sentence": "BTC-USD crosses below its 200 day average, once",
        "told": "BTC-USD crosses below its 200 day average, once",
    }
    assert person.get("/alerts").json["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 201}, "text"),
        ({"text": 5}, "text"),
        ({"text": "aapl above 200", "symbol": "AAPL"}, "symbol"),
        ({"text": "aapl above 200", "condition": {}}, "condition"),
        ({"text": "aapl above 200", "frequency": "daily"}, "frequency"),
        ({"text": "aapl above 200", "rearm_margin": 51}, "rearm_margin"),
    ],
)
def test_a_body_in_words_that_cannot_be_names_its_field(person: Person, body: dict, field: str):
    refused = person.post("/alerts", body)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"kind": "moves_by", "percent": 5, "window": "7m"}, "condition.window"),
        ({"kind": "falls_from_peak", "percent": 100}, "condition.percent"),
        ({"kind": "new_high", "span": "x"}, "condition.span"),
        ({"kind": "averages_cross", "fast": 50, "slow": 50, "direction": "up"}, "condition.fast"),
        ({"kind": "rsi_falls_to", "level": 101}, "condition.level"),
        ({"kind": "crosses_average", "days": 4, "direction": "up"}, "condition.days"),
        ({"kind": "volume_reaches", "ratio": 0}, "condition.ratio"),
        ({"kind": "earnings_within", "days": 91}, "condition.days"),
    ],
)
def test_each_kind_names_its_faulty_field(person: Person, condition: dict, field: str):
    refused = person.post("/alerts", {"symbol": "AAPL", "condition": condition})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field
    assert "Value error" not in refused.text


def test_a_kind_that_there_is_not_is_told_which_there_are(person: Person):
    refused = person.post("/alerts", {"symbol": "AAPL", "condition": {"kind": "no"}})
    assert refused.json["errors"][0]["message"].startswith("The kind must be one of averages_cross")


def test_frequency_and_expiry_change_without_arming_anew(site: Site, person: Person):
    condition = {"kind": "price_falls_to", "level": 40}
    path = (
        "/alerts/" + person.post("/alerts", {"symbol": "AAPL", "condition": condition}).json["id"]
    )
    ends = "2026-04-01T00:00:00Z"
    changed = person.patch(path, {"frequency": "every", "expires_at": ends}).json
    assert (changed["frequency"], changed["expires_at"], changed["epoch"]) == ("every", ends, 1)
    assert person.patch(path, {"note": "x"}).json["expires_at"] == ends
    assert person.patch(path, {"expires_at": None}).json["expires_at"] is None


def test_an_expiry_that_is_past_is_refused(person: Person):
    body = {
        "symbol": "AAPL",
        "condition": {"kind": "price_falls_to", "level": 40},
        "expires_at": "2020-01-01T00:00:00Z",
    }
    refused = person.post("/alerts", body)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "expires_at"


def test_the_document_tells_kinds_apart_and_names_the_header(site: Site):
    document = site.app.test_client().get("/api/v1/openapi.json").json
    condition = document["components"]["schemas"]["NewAlert"]["properties"]["condition"]
    assert condition["discriminator"]["propertyName"] == "kind"
    assert len(condition["discriminator"]["mapping"]) == 15
    create = document["paths"]["/api/v1/alerts"]["post"]
    assert [p["name"] for p in create["parameters"] if p["in"] == "header"] == ["Idempotency-Key"]

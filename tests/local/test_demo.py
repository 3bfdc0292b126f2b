from local.demo import DISTANCE, alerts_around


def test_the_demo_sets_one_alert_above_and_one_below_the_price() -> None:
    above, below = alerts_around("AAPL", 100.0)
    assert above["condition"] == {"kind": "price_rises_to", "level": 100.3}
    assert below["condition"] == {"kind": "price_falls_to", "level": 99.7}
    assert DISTANCE < 0.01


def test_the_demo_waits_where_the_price_is_there_already() -> None:
    assert {alert["if_true"] for alert in alerts_around("AAPL", 0.01)} == {"wait"}

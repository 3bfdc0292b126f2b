from local.demo import alerts_around


def test_the_demo_sets_alerts_near_and_far_above_and_below_the_price() -> None:
    conditions = [alert["condition"] for alert in alerts_around("AAPL", 100.0)]
    assert conditions == [
        {"kind": "price_rises_to", "level": 100.3},
        {"kind": "price_falls_to", "level": 99.7},
        {"kind": "price_rises_to", "level": 103.0},
        {"kind": "price_falls_to", "level": 97.0},
    ]


def test_the_demo_waits_where_the_price_is_there_already() -> None:
    assert {alert["if_true"] for alert in alerts_around("AAPL", 0.01)} == {"wait"}

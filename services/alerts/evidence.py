"""What the market did, as it is kept with each alert that it made true (rule 15). Pure."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.alerts.intervals import Interval, Reading


class Evidence(BaseModel):
    """That a symbol's `metric` covered `interval`, in the metric's unit.

    `present` is the reading of the check, in whose shares prices are; `noticed_at` is our time,
    UTC. `peak` is the highest (lowest) price since armed from which a drawdown (run-up) counts.
    """

    model_config = ConfigDict(frozen=True)

    symbol: str
    metric: str
    interval: Interval
    present: Reading
    noticed_at: datetime
    peak: float | None = None

    @classmethod
    def of(
        cls,
        symbol: str,
        metric: str,
        interval: Interval,
        present: Reading,
        noticed_at: datetime,
        peak: float | None = None,
    ) -> "Evidence":
        """What a check whose reading is `present` keeps."""
        return cls(
            symbol=symbol,
            metric=metric,
            interval=interval,
            present=present.extended() if metric == "price+extended" else present,
            noticed_at=noticed_at,
            peak=peak,
        )

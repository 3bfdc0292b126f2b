"""The armed index as its users see it, put together from its parts."""

from services.alerts.index.building import Building
from services.alerts.index.by_level import ByLevel
from services.alerts.index.claims import Claims
from services.alerts.index.contents import Contents
from services.alerts.index.following import Following
from services.alerts.index.marks import Marks
from services.alerts.index.peaks import Peaks
from services.alerts.index.probing import Probing


class ArmedIndex(Marks, Following, Building, Probing, Claims, ByLevel, Peaks, Contents):
    """Alerts by level. All methods may raise redis.RedisError; each change is one atomic step."""

"""A person's settings: how, when and how often they are told."""

from services.accounts.preferences import Wishes
from services.accounts.profiles import Profile
from services.errors import InvalidInput
from web.api import schemas
from web.api.blueprint import api
from web.api.openapi import BODY_PROBLEMS, operation
from web.context import me, now, services


@api.get("/settings")
@operation("settings", 200, schemas.Settings)
def read_settings() -> schemas.Settings:
    """Read by which channels alerts ring, your quiet hours, and how often a digest comes."""
    return _shown(me())


@api.patch("/settings")
@operation("settings", 200, schemas.Settings, *BODY_PROBLEMS)
def change_settings(json: schemas.SettingsChange) -> schemas.Settings:
    """Change your settings: all that is sent, or nothing."""
    return _shown(services().preferences.change(me().uid, _wishes(json), now()))


def _wishes(json: schemas.SettingsChange) -> Wishes:
    wishes = Wishes()
    if json.channels is not None:
        wishes["channels"] = json.channels
    if json.fallback is not None:
        wishes["fallback"] = json.fallback
    if "quiet_hours" in json.model_fields_set:
        hours = json.quiet_hours
        if hours and hours.start == hours.end:
            raise InvalidInput("quiet_hours.end", "They end when they begin. Send null for none.")
        wishes["quiet_hours"] = hours
    if "language" in json.model_fields_set:
        wishes["language"] = json.language
    if json.digest is not None:
        wishes["digest"] = json.digest
    return wishes


def _shown(person: Profile) -> schemas.Settings:
    return schemas.Settings.model_validate(person)

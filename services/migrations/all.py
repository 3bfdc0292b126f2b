"""Every migration, in order."""

from services.migrations.m0001_trouble_of_triggers import MIGRATION as M0001
from services.migrations.migration import Migration

MIGRATIONS: tuple[Migration, ...] = (M0001,)
LATEST = MIGRATIONS[-1].number
"""The schema that this version of Bellwether reads and writes."""

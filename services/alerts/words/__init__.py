"""Alerts in words: `AAPL above 200 once a day`. Pure: text and the time in, a draft out."""

from services.alerts.words.draft import Draft
from services.alerts.words.parser import MAX_TEXT, parse
from services.alerts.words.sentence import sentence
from services.alerts.words.telling import told
from services.errors import WordsError

__all__ = ["MAX_TEXT", "Draft", "WordsError", "parse", "sentence", "told"]

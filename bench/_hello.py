"""The least that Flask can answer under gunicorn.conf.py: what bench.web is compared to."""

from types import SimpleNamespace

from flask import Flask

from config import load_settings
from services.redis_client import open_redis
from services.store import open_store

settings = load_settings()
app = Flask(__name__)
app.extensions["bellwether"] = SimpleNamespace(
    store=open_store(settings), redis=open_redis(settings.redis_url)
)
"""What gunicorn.conf.py looks at before the first request."""


@app.get("/")
def hello() -> str:
    return "Hello"

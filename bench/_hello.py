"""The least that Flask can answer under gunicorn.conf.py: what bench.web is compared to."""

from types import SimpleNamespace

from flask import Flask


class Answering:
    """The store that gunicorn.conf.py looks at before the first request."""

    def ping(self) -> None:
        pass


app = Flask(__name__)
app.extensions["bellwether"] = SimpleNamespace(store=Answering())


@app.get("/")
def hello() -> str:
    return "Hello"

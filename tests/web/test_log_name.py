"""`flask log-name` tells what an id is called in the log."""

from flask import Flask

from services.logs.redaction import redaction_of
from tests.support.web import Site


def test_an_id_has_the_name_that_stands_in_the_log(web_app: Flask, site: Site) -> None:
    id_ = "01JA2B3C4D5E6F7G8H9JAKBMCN"
    told = web_app.test_cli_runner().invoke(args=["log-name", id_])
    assert told.exit_code == 0
    assert told.output == f"{redaction_of(site.services.settings).text(id_)} {id_}\n"

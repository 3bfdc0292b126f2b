"""Whether the parts of this machine answer yet."""

import http.client
import smtplib
from datetime import datetime

import redis
import rq


def web_is_ready(port: int) -> bool:
    """Whether the web server says that it, the store and Redis answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_is_ready(url: str, since: datetime) -> bool:
    """Whether a worker has registered since `since`; one that was killed stays registered."""
    with redis.Redis.from_url(url, socket_timeout=2) as client:
        try:
            births = [worker.birth_date for worker in rq.Worker.all(connection=client)]
        except redis.RedisError:
            return False
    return any(birth is not None and birth >= since for birth in births)


def mailbox_is_ready(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=2) as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False

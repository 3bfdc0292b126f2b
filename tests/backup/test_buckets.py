"""Backups in a bucket, through s3fs, on moto's server; left out where these are not installed."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from services.backup.backups import Backups, unseen
from services.backup.folder import Folder
from services.backup.restoring import restore
from services.errors import BackupError
from services.store import store_in_file
from services.store.contract import Store
from tests.backup.conftest import NOW, fill

s3fs = pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an empty bucket."""
    moto = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    for name in [name for name in os.environ if name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "known")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "to tests only")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"b{uuid4().hex}"
    s3fs.S3FileSystem().mkdir(name)
    yield name
    moto.stop()


def test_a_bucket_holds_backups_as_a_folder_does(
    bucket: str, sqlite_store: Store, redis: Redis, tmp_path: Path
) -> None:
    fill(sqlite_store)
    folder = Folder(f"s3://{bucket}/backups")
    backups = Backups(sqlite_store, "the store", folder, tmp_path, redis)
    assert backups.listed() == []
    state = backups.nightly(NOW)
    assert [(one.name, one.verified) for one in backups.listed()] == [(state.name, True)]
    target = store_in_file(tmp_path / "target.db")
    assert restore(backups.open("latest"), target, "the target", unseen).equal
    target.close()
    part = f"{state.name}/part-00001.jsonl.gz"
    content = folder.get(part)
    assert content is not None
    folder.put(part, content[:-1] + b"?")
    (fault,) = backups.verify(backups.open("latest"), NOW)
    assert part in fault
    folder.remove(state.name)
    assert backups.listed() == []


def test_a_bucket_that_is_not_there_is_told_with_its_remedy(bucket: str) -> None:
    with pytest.raises(BackupError, match="cannot be written"):
        Folder(f"s3://not-{bucket}/backups").put("x/y", b"z")

"""The folder that holds all backups: on a disk, or wherever fsspec reaches."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.errors import BackupError, BellwetherError

_EXTRAS = {"gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "s3a": "s3fs"}


class Folder:
    """The folder at `url`: a path, or gs://bucket/path, s3://bucket/path and others of fsspec.

    Files on a disk can be read by this user only. Raises BackupError with the remedy.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, self._root = _reached(url)
        self._is_local = "file" in self._fs.protocol

    def names(self) -> list[str]:
        """What lies in the folder, in order; nothing where it was not made yet."""
        with self._explained("read"):
            self._fs.invalidate_cache()
            if not self._fs.isdir(self._root):
                return []
            found = self._fs.ls(self._root, detail=False)
        return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found)

    def put(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""
        with self._explained("written"):
            if self._is_local:
                _put_on_disk(Path(self._at(name)), content)
            else:
                self._fs.pipe_file(self._at(name), content)

    def get(self, name: str) -> bytes | None:
        """A file's content, None where there is no such file."""
        with self._explained("read"):
            try:
                return bytes(self._fs.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Remove what lies under that name, with all that is in it."""
        with self._explained("removed"):
            self._fs.rm(self._at(name), recursive=True)
            self._fs.invalidate_cache()

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except BellwetherError:
            raise
        except Exception as error:  # each of fsspec's file systems has errors of its own
            raise BackupError(
                f"Backups at {self.url} cannot be {done} ({_reason(error)}). See that the place"
                " exists, that this user or account may read and write there, and that it has room."
            ) from error


def _reached(url: str) -> tuple[Any, str]:
    scheme = url.partition("://")[0] if "://" in url else ""
    import fsspec  # only where backups are made or looked at

    try:
        fs, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = _EXTRAS.get(scheme, "the package that fsspec names")
        raise BackupError(
            f"For backups at {scheme}:// {package} is needed, which is not installed:"
            f" pip install {package}. ({error})"
        ) from error
    except ValueError as error:
        raise BackupError(
            f"BACKUP_TO is {url!r}, which is no folder and no address that is known ({error})."
            " It is a path, gs://BUCKET/FOLDER or s3://BUCKET/FOLDER."
        ) from error
    return fs, str(root).rstrip("/")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:300] or type(error).__name__


def _put_on_disk(path: Path, content: bytes) -> None:
    _make_folder(path.parent)
    draft = path.with_name(f".{path.name}.draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """A power cut must not lose the new file's name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """With its parents, each for this user only where it is made here."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)

"""Which paths a document or collection can have: Firestore's rules, on both engines."""

import re

from services.errors import InvalidPath

MAX_ID_BYTES = 1_500
MAX_PATH_BYTES = 6_144
_RESERVED = re.compile(r"\.|\.\.|__.*__", re.DOTALL)


def check_document_path(path: str) -> str:
    """`path`, if a document can be there (collection and id alternate), else InvalidPath."""
    if len(_segments(path)) % 2:
        raise InvalidPath(f"{_shown(path)} is the path of a collection, not of a document.")
    return path


def check_collection_path(path: str) -> str:
    """`path`, if a collection can be there, else InvalidPath."""
    if len(_segments(path)) % 2 == 0:
        raise InvalidPath(f"{_shown(path)} is the path of a document, not of a collection.")
    return path


def check_group(name: str) -> str:
    """`name`, if it can be the last part of a collection's path, else InvalidPath."""
    if len(_segments(name)) != 1:
        raise InvalidPath(f"{_shown(name)} is not the name of a collection group: it has a slash.")
    return name


def key_of(path: str) -> bytes:
    """Bytes that sort as both engines sort paths: part by part, each as UTF-8."""
    return path.replace("/", "\0").encode()


def path_of(key: bytes) -> str:
    """The path of a key."""
    return key.decode().replace("\0", "/")


def _segments(path: str) -> list[str]:
    if _bytes(path, path) > MAX_PATH_BYTES:
        raise InvalidPath(f"{_shown(path)} is longer than {MAX_PATH_BYTES} bytes.")
    segments = path.split("/")
    for segment in segments:
        _check_segment(segment, path)
    return segments


def _check_segment(segment: str, path: str) -> None:
    if not segment:
        raise InvalidPath(f"{_shown(path)} has an empty part.")
    if "\0" in segment:
        raise InvalidPath(f"{_shown(path)} has a null character.")
    if _RESERVED.fullmatch(segment):
        raise InvalidPath(f"{_shown(path)} has a part that is reserved: {_shown(segment)}.")
    if _bytes(segment, path) > MAX_ID_BYTES:
        raise InvalidPath(f"{_shown(path)} has a part longer than {MAX_ID_BYTES} bytes.")


def _bytes(text: str, path: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidPath(f"{_shown(path)} is not valid Unicode.") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")

"""Files of documents: what is refused, and what is left of an interrupted one."""

import gzip
import json
import os
import resource
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from services.errors import StoreUnavailable
from services.store import store_in_file
from services.store.contract import Set, Store, Update
from services.store.transfer import draft as drafts
from services.store.transfer.archive import HEAD, Archive
from services.store.transfer.compare import Comparison
from services.store.transfer.draft import Draft, draft_of
from services.store.transfer.export import export
from services.store.transfer.plan import Consent, Names
from tests.store.test_copy import AWKWARD, Interrupted, many, paths, put, quiet

pytestmark = pytest.mark.slow

NAMES = Names("sqlite:a", "file:documents.gz")
ASKING, OVERWRITE = Consent(), Consent(overwrite=True)


@pytest.fixture
def source(tmp_path: Path):
    store = store_in_file(tmp_path / "a.db")
    put(store, many(1_200))
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files" / "documents.gz"


@pytest.fixture
def written(source: Store, target: Path) -> Path:
    assert exported(source, target).equal
    return target


def exported(source: Store, target: Path, consent: Consent = ASKING) -> Comparison:
    return export(source, target, NAMES, consent, quiet)


def left(target: Path) -> list[str]:
    return sorted(file.name for file in target.parent.iterdir())


def lines(file: Path) -> list[bytes]:
    return gzip.decompress(file.read_bytes()).splitlines(keepends=True)


# The file


def test_a_file_has_a_head_a_line_for_each_document_and_a_tail(source: Store, target: Path) -> None:
    result = exported(source, target)
    found = [json.loads(line) for line in lines(target)]
    assert found[0] == {"bellwether": "documents", "format": 1, "schema": 1}
    assert [line["path"] for line in found[1:-1]] == list(many(1_200))
    assert found[-1] == {"documents": 1_200, "sha256": result.a.digest}


def test_only_the_owner_may_read_the_file_and_nothing_is_beside_it(written: Path) -> None:
    assert written.stat().st_mode & 0o777 == 0o600
    assert left(written) == ["documents.gz"]


def test_a_file_can_be_read_from_behind_a_path(written: Path) -> None:
    archive = Archive(written)
    assert archive.size() == 1_200
    assert [d.path for d in archive.all("things/01197")] == ["things/01198", "things/01199"]


def test_a_file_that_was_packed_anew_is_the_same(written: Path) -> None:
    written.write_bytes(gzip.compress(gzip.decompress(written.read_bytes())))
    assert Archive(written).size() == 1_200


def test_awkward_documents_survive_a_file(tmp_path: Path, target: Path) -> None:
    store = store_in_file(tmp_path / "awkward.db")
    put(store, AWKWARD)
    assert exported(store, target).equal
    assert [d.path for d in Archive(target).all()] == paths(store)


# Damage


@pytest.mark.parametrize("keep", [0, 1, 10, 50, 0.3, 0.9, -1, -20])
def test_a_file_that_was_cut_off_is_refused(written: Path, keep: float) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(StoreUnavailable, match="damaged, incomplete"):
        Archive(written)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found[:-1],
        lambda found: [*found[:5], *found[6:]],
        lambda found: [found[0], found[2], found[1], *found[3:]],
        lambda found: [*found[:-2], found[-2].replace(b":1199", b":1198"), found[-1]],
        lambda found: [*found, found[-1]],
        lambda found: [*found, b"x"],
        lambda found: [*found[:3], b"\n", *found[3:]],
        lambda found: [*found[:3], b"\xff\xfe\n", *found[3:]],
        lambda found: found[1:],
        lambda found: [b'{"bellwether": "documents"}\n', *found[1:]],
        lambda found: [b"[" * 100_000 + b"\n", *found[1:]],
        lambda found: [b"[]\n", *found[1:]],
        lambda found: [b"null\n", *found[1:]],
        lambda found: [],
    ],
)  # fmt: skip
def test_a_file_with_other_lines_is_refused(
    written: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    written.write_bytes(gzip.compress(b"".join(change(lines(written)))))
    with pytest.raises(StoreUnavailable, match="damaged, incomplete"):
        Archive(written)


@pytest.mark.parametrize("at", [0, 3, 12, 40, 0.2, 0.5, 0.95, -3])
def test_a_file_with_a_wrong_byte_is_refused(written: Path, at: float) -> None:
    whole = bytearray(written.read_bytes())
    whole[int(at * len(whole)) if isinstance(at, float) else at] ^= 0xFF
    written.write_bytes(whole)
    with pytest.raises(StoreUnavailable, match="damaged"):
        Archive(written)


@pytest.mark.parametrize("field", ["format", "schema"])
def test_a_file_of_a_newer_bellwether_is_refused_with_the_remedy(written: Path, field: str) -> None:
    head = json.loads(HEAD) | {field: 2}
    text = b"".join([json.dumps(head).encode() + b"\n", *lines(written)[1:]])
    written.write_bytes(gzip.compress(text))
    with pytest.raises(StoreUnavailable, match=r"newer Bellwether .*Install"):
        Archive(written)


def test_a_file_that_is_missing_or_a_folder_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gz", tmp_path):
        with pytest.raises(StoreUnavailable, match="cannot be read"):
            Archive(path)


# What is there already


def test_an_equal_file_is_left_alone(source: Store, written: Path) -> None:
    before = written.stat().st_mtime_ns
    assert exported(source, written).equal
    assert written.stat().st_mtime_ns == before


def test_another_file_is_replaced_only_with_consent(source: Store, written: Path) -> None:
    source.write(Set("things/new", {}))
    whole = written.read_bytes()
    with pytest.raises(StoreUnavailable, match="--into-existing"):
        exported(source, written)
    assert written.read_bytes() == whole
    assert exported(source, written, OVERWRITE).equal
    assert Archive(written).size() == 1_201


def test_a_strangers_file_is_not_overwritten_unasked(source: Store, target: Path) -> None:
    target.write_text("my diary")
    with pytest.raises(StoreUnavailable, match="not a Bellwether's"):
        exported(source, target)
    assert target.read_text() == "my diary"


# Interruptions


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    add, added = Draft.add, []

    def count(self: Draft, document: object) -> None:
        if len(added) == after:
            raise Interrupted
        added.append(document)
        add(self, document)

    monkeypatch.setattr(Draft, "add", count)


@pytest.mark.parametrize("after", [0, 400, 500, 1_100])
def test_an_interrupted_file_is_continued_and_never_seen_half(
    source: Store, target: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, after)
        with pytest.raises(Interrupted):
            exported(source, target)
    assert not target.exists()
    with draft_of(target, NAMES.source) as draft:
        assert draft.tally.documents == after // 500 * 500
    assert exported(source, target).equal
    assert left(target) == ["documents.gz"]


@pytest.mark.parametrize("cut", [1, 5, 300, 2_000, 5_000])
def test_a_draft_with_a_torn_end_is_continued_before_it(
    source: Store, target: Path, cut: int
) -> None:
    with draft_of(target, NAMES.source) as draft:
        for document in source.all():
            draft.add(document)
        draft.finish()
    os.truncate(draft.path, max(0, draft.path.stat().st_size - cut))
    with draft.path.open("ab") as file:
        file.write(bytes(100))
    assert exported(source, target).equal
    assert Archive(target).size() == 1_200


def test_a_draft_of_another_source_is_not_continued(source: Store, target: Path) -> None:
    with draft_of(target, "sqlite:other") as draft:
        draft.add(next(source.all()))
        draft._flush()
    assert exported(source, target).equal
    assert Archive(target).size() == 1_200


def test_a_source_that_changes_meanwhile_makes_no_file(
    source: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Draft.finish

    def change(self: Draft) -> None:
        source.write(Update("things/00007", {"number": -1}))
        finish(self)

    monkeypatch.setattr(Draft, "finish", change)
    assert exported(source, target).first == [("differs", "things/00007")]
    assert left(target) == []


def test_two_copies_into_one_file_do_not_mix(target: Path) -> None:
    with (
        draft_of(target, "a"),
        pytest.raises(StoreUnavailable, match="under way"),
        draft_of(target, "a"),
    ):
        pass


# The disk


def fill(folder: str, target: str) -> None:
    store = store_in_file(Path(folder) / "a.db")
    store.ping()
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))
    try:
        exported(store, Path(target))
    except StoreUnavailable as error:
        os._exit(7 if "disk has space" in str(error) else 8)


def test_a_full_disk_is_told_and_leaves_no_file(
    source: Store, target: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk."""
    source.close()
    process = get_context("spawn").Process(target=fill, args=(str(tmp_path), str(target)))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert not target.exists()
    assert exported(source, target).equal


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(source: Store, target: Path) -> None:
    target.parent.chmod(0o500)
    with pytest.raises(StoreUnavailable, match="may write there"):
        exported(source, target)


def test_a_draft_is_written_in_whole_members(source: Store, target: Path) -> None:
    with draft_of(target, "a") as draft:
        for document in source.all():
            draft.add(document)
        draft.finish()
    with draft.path.open("rb") as file:
        counts = [text.count(b"\n") for text, _ in drafts._members(file)]
    assert counts == [1, 500, 500, 200, 1]

"""Copying every document of a source into a file."""

from pathlib import Path

from services.store.transfer.archive import Archive
from services.store.transfer.bookmark import without_bookmark
from services.store.transfer.compare import Comparison, Source, compare
from services.store.transfer.draft import draft_of
from services.store.transfer.plan import Consent, Names, Progress, compare_unasked


def export(
    source: Source, target: Path, names: Names, consent: Consent, progress: Progress
) -> Comparison:
    """Make the file at `target` hold what `source` holds, and compare the two.

    The file appears once it is complete and equal; until then a draft beside it tells where an
    interrupted copy goes on. Raises StoreUnavailable where it cannot be written, or where
    another file is there that may not be replaced.
    """
    if target.exists() and not consent.overwrite:
        return compare_unasked(source, Archive(target), names, progress)
    with draft_of(target, names.source) as draft:
        with progress("Copying", [source], draft.tally.documents) as passed:
            for document in without_bookmark(source.all(draft.last)):
                draft.add(document)
                passed(1)
        draft.finish()
        written = Archive(draft.path)
        with progress("Comparing", [source, written]) as passed:
            result = compare(source, written, passed)
        if result.equal:
            draft.put_at(target)
        else:  # the source was changed meanwhile: what is written is of no time
            draft.discard()
    return result

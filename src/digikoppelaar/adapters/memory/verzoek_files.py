"""A version with its files in the in-memory twin of VerzoekStore, and what becomes of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from digikoppelaar.flows.intake_states import VerzoekEvent, verzoek_after
from digikoppelaar.flows.ports import Blob, File, FileKind, NewFile, NewVerzoek, Verzoek

Make = Callable[[NewFile], File]
"""Gives a file its id."""


def of_new(files: Sequence[NewFile], make: Make, here: Sequence[File] = ()) -> tuple[File, ...]:
    """The files that are announced, in order; of those that are `here` already the one that is."""
    known = {(file.kind, file.document_id): file for file in here}
    in_order = sorted(files, key=lambda file: file.position)
    return tuple(known.get((each.kind, each.document_id)) or make(each) for each in in_order)


def renewed(stored: Verzoek, new: NewVerzoek, files: Sequence[NewFile], make: Make) -> Verzoek:
    """As DSO-LV has it now, with the bijlagen that are here."""
    here = [file for file in stored.files if file.kind is FileKind.BIJLAGE and stored.purged_at is None]
    return replace(
        stored,
        type=new.type,
        doel=new.doel,
        naam=new.naam,
        test=new.test,
        state=verzoek_after(stored.state, VerzoekEvent.TAKEN_UP),
        files=of_new(files, make, here),
        purged_at=None,
    )


def with_blob(verzoek: Verzoek, file_id: int, gone: str | None, blob: Blob) -> Verzoek | None:
    """The version with another blob in the place of `gone`; None when the file is not its own, or has not that."""
    for at, file in enumerate(verzoek.files):
        if (file.id, file.blob) == (file_id, gone):
            new = replace(file, blob=blob.name, size=blob.size, sha256=blob.sha256)
            return replace(verzoek, files=(*verzoek.files[:at], new, *verzoek.files[at + 1 :]))
    return None

"""Large documents: in parts, whatever happens to their lock, and in constant memory (zgw.md 1.3)."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.doubles.traffic import Pace
from tests.doubles.zgw.world import Quirks
from tests.unit.adapters.casesystems.zgw.sample import FILES, World, sha256, world

from digikoppelaar.adapters.blobs import PIECE, FolderBlobs
from digikoppelaar.adapters.casesystems.zgw.uploads import _inline, _range
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, StorageError
from digikoppelaar.flows.ports import File, FileKind, Streamed

LARGE = bytes(range(256)) * 20
ONE = ((FileKind.BIJLAGE, "d1", "groot.bin", LARGE),)
PARTS = {"parts_above_mb": "0.001"}
PUT = "PUT documenten/bestandsdelen/*"


def small_parts(**quirks: bool) -> Quirks:
    """Five full parts and a bit."""
    return Quirks(part_size=1000, **quirks)  # type: ignore[arg-type]


def check_one(here: World) -> None:
    """The document is linked, whole and unlocked."""
    (document,) = here.double.zaken[0].documenten
    assert (document.sha256, document.locked) == (sha256(LARGE), False)


async def test_a_document_above_the_limit_goes_in_the_parts_of_the_server(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=small_parts(), **PARTS) as here:
        await here.deliver(await here.handover(files=ONE))
        check_one(here)
        assert len(here.double.called(PUT)) == 6
        assert len(here.double.documenten) == 1


@pytest.mark.parametrize("parts", range(7))
async def test_after_a_fault_only_the_parts_that_are_missing_go_again(tmp_path: Path, parts: int) -> None:
    async with world(tmp_path, quirks=small_parts(), checked=False, **PARTS) as here:
        handover = await here.handover(files=ONE)
        here.double.fail(PUT, status=500, skip=parts)
        if parts < 6:
            with pytest.raises(CaseSystemError):
                await here.deliver(handover)
        await here.deliver(handover)
        check_one(here)
        assert len([call for call in here.double.called(PUT) if call.status == 200]) == 6


async def test_with_all_rights_nothing_is_unlocked_before_every_part_is_there(tmp_path: Path) -> None:
    """Such a server takes an unlock with parts missing, so what is there is what we recorded."""
    async with world(tmp_path, quirks=small_parts(all_rights=True), checked=False, **PARTS) as here:
        handover = await here.handover(files=ONE)
        here.double.fail(PUT, status=500, skip=3)
        with pytest.raises(CaseSystemError):
            await here.deliver(handover)
        assert not here.double.called("POST documenten/*/unlock")
        assert not here.double.zaken[0].links
        await here.deliver(handover)
        check_one(here)


@pytest.mark.parametrize("forced", ["unlocked", "locked again"])
async def test_a_lock_that_somebody_took_means_another_document(tmp_path: Path, forced: str) -> None:
    async with world(tmp_path, quirks=small_parts(), checked=False, **PARTS) as here:
        handover = await here.handover(files=ONE)
        here.double.fail(PUT, status=500, skip=3)
        with pytest.raises(CaseSystemError):
            await here.deliver(handover)
        (file,) = here.double.world.files.values()
        file.lock = "" if forced == "unlocked" else "of somebody else"
        with capture_logs() as told:
            await here.deliver(handover)
        check_one(here)
        (unfinished,) = [line["unfinished"] for line in told if line["event"] == "document_begun_again"]
        first, _ = here.double.world.documenten.values()
        assert unfinished == first["identificatie"]
        assert sorted(bool(each.sha256) for each in here.double.documenten) == [False, True]


async def test_a_server_that_lost_a_part_gets_it_again(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=small_parts(), checked=False, **PARTS) as here:
        handover = await here.handover(files=ONE)
        here.double.fail(PUT, status=500, skip=4)
        with pytest.raises(CaseSystemError):
            await here.deliver(handover)
        (file,) = here.double.world.files.values()
        file.parts[1].complete = False
        await here.deliver(handover)
        check_one(here)


async def test_an_aanvulling_does_not_send_a_large_document_again(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=small_parts(), **PARTS) as here:
        await here.deliver(await here.handover(files=ONE))
        here.records.clear()
        here.double.calls.clear()
        await here.deliver(await here.handover(files=ONE))
        assert not here.double.called(PUT)
        assert len(here.double.documenten) == 1


async def test_a_large_document_that_somebody_works_on_is_not_sent_again_beside_it(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=small_parts(), **PARTS) as here:
        await here.deliver(await here.handover(files=ONE))
        (file,) = here.double.world.files.values()
        file.lock = "of a colleague"
        here.records.clear()
        await here.deliver(await here.handover(files=ONE))
        assert len(here.double.documenten) == 1


async def test_a_large_document_that_is_there_and_not_linked_counts_only_with_the_right_content(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=small_parts(), checked=False, **PARTS) as here:
        handover = await here.handover(files=ONE)
        here.double.fail("POST zaken/zaakinformatieobjecten", status=500)
        with pytest.raises(CaseSystemError):
            await here.deliver(handover)
        (document,) = here.double.documenten
        document.path.write_bytes(b"damaged")
        here.records.clear()
        await here.deliver(handover)
        check_one(here)
        assert len(here.double.documenten) == 2


async def test_a_server_without_bestandsdelen_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=Quirks(part_size=10**9), checked=False, **PARTS) as here:
        here.double.world.quirks = Quirks(part_size=10**9)
        empty = ((FileKind.BIJLAGE, "d1", "leeg.bin", b""),)
        await here.deliver(await here.handover(files=empty), parts_above_mb="0")
        assert here.double.zaken[0].documenten[0].sha256 == sha256(b"")


@pytest.mark.parametrize("verify", ["size", "sha256"])
async def test_what_is_stored_is_verified_when_asked(tmp_path: Path, verify: str) -> None:
    async with world(tmp_path, verify=verify) as here:
        await here.deliver(await here.handover())
        assert len(here.double.zaken[0].documenten) == len(FILES)
        downloads = here.double.called("GET documenten/enkelvoudiginformatieobjecten/*/download")
        assert len(downloads) == (len(FILES) if verify == "sha256" else 0)


async def test_a_document_that_is_stored_wrongly_is_not_linked(tmp_path: Path) -> None:
    async with world(tmp_path, verify="sha256", documents_at_once="1") as here:
        handover = await here.handover(files=ONE)
        here.double.fail("GET documenten/enkelvoudiginformatieobjecten/*/download", status=500)
        with pytest.raises(CaseSystemError):
            await here.deliver(handover)
        (document,) = here.double.documenten
        document.path.write_bytes(b"damaged")
        with pytest.raises(CaseSystemError, match="not what was sent") as told:
            await here.deliver(handover)
        assert "verwijder" in told.value.advice
        assert not here.double.zaken[0].links


async def test_a_few_documents_go_at_once_and_no_more(tmp_path: Path) -> None:
    files = tuple((FileKind.BIJLAGE, f"d{number}", f"{number}.bin", b"x" * number) for number in range(12))
    async with world(tmp_path, checked=False, documents_at_once="3") as here:
        here.double.traffic.pace = Pace(latency=0.005)
        await here.preview(await here.handover(files=files))  # the catalogus is asked for at once
        here.double.traffic.pace.restart()
        await here.deliver(await here.handover(files=files))
        assert here.double.traffic.pace.most_at_once == 3
        assert len(here.double.zaken[0].documenten) == 12


async def test_a_blob_that_is_not_what_was_fetched_reaches_no_zaak(tmp_path: Path) -> None:
    async with world(tmp_path, checked=False) as here:
        handover = await here.handover(files=ONE)

        async def other() -> AsyncIterator[bytes]:
            yield LARGE[:-1] + b"?"

        await here.blobs.put(str(handover.verzoek.files[0].blob), other())
        with pytest.raises(StorageError, match="not what was fetched"):
            await here.deliver(handover)
        assert not here.double.documenten


async def stored(folder: Path, content: bytes) -> tuple[FolderBlobs, File]:
    """A file in a real blob store."""

    async def once() -> AsyncIterator[bytes]:
        yield content

    blobs = FolderBlobs(folder)
    blob = await blobs.put("a", once())
    return blobs, File(1, FileKind.BIJLAGE, "d", "n", "", "", blob.name, blob.size, blob.sha256)


async def pieces(body: Streamed) -> list[bytes]:
    found = [piece async for piece in body.pieces()]
    assert sum(map(len, found)) == body.size
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 3, PIECE, 3 * PIECE + 1])
async def test_base64_streams_piece_by_piece(tmp_path: Path, size: int) -> None:
    content = bytes(size)
    blobs, file = await stored(tmp_path, content)
    found = await pieces(_inline({"titel": "é"}, file, blobs))
    assert base64.b64decode(json.loads(b"".join(found))["inhoud"]) == content
    assert max(map(len, found)) <= 2 * PIECE


async def test_a_part_streams_from_where_it_begins(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    blobs, file = await stored(tmp_path, content)
    found = [piece async for piece in _range(blobs, file, PIECE + 7, PIECE + 1)]
    assert b"".join(found) == content[PIECE + 7 : 2 * PIECE + 8]
    assert max(map(len, found)) <= PIECE
    with pytest.raises(StorageError, match="shorter"):
        [_ async for _ in _range(blobs, file, len(content) - 5, 10)]


async def test_a_lock_that_is_lost_over_and_over_waits_for_a_person(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=small_parts(), checked=False, **PARTS) as here:
        handover = await here.handover(files=ONE)
        for _ in range(5):
            here.double.cut("POST documenten/enkelvoudiginformatieobjecten")
            with pytest.raises(CaseSystemError):
                await here.deliver(handover)
        with pytest.raises(CaseSystemRefused, match="no attempt"):
            await here.deliver(handover)
        assert not here.double.zaken[0].links

"""Reading a message as it streams in: what stays in memory, what goes to the blob store, and what is left behind."""

import hashlib
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.unit.flows.ebms_world import in_pieces

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import Part
from digikoppelaar.ebms.mime import MimeLimits
from digikoppelaar.errors import MimeError, StorageError, TooLarge
from digikoppelaar.flows.ports import Blob, StoredPayload
from digikoppelaar.flows.spool import Spool, SpoolLimits

MULTIPART = 'multipart/related; boundary="b"; type="text/xml"; start="<soap>"'
SOAP = b"<soap/>"
LIMITS = SpoolLimits(soap=100, in_memory=1000)
PIECE = 64 * 1024


class Numbered:
    """Names for blobs."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self) -> str:
        self._given += 1
        return f"n{self._given}"


def part(content_id: str, data: bytes) -> bytes:
    """A part with the boundary before it."""
    return b"\r\n--b\r\nContent-ID: <%s>\r\nContent-Type: application/xml\r\n\r\n%s" % (content_id.encode(), data)


def body(*payloads: bytes, soap: bytes = SOAP) -> bytes:
    """A whole message: the SOAP part and payloads p0, p1 and so on."""
    parts = [part(f"p{number}", data) for number, data in enumerate(payloads)]
    return b"".join([part("soap", soap), *parts, b"\r\n--b--\r\n"])


@dataclass(frozen=True, slots=True)
class Whole:
    """A message that was read to its end."""

    soap: bytes
    soap_type: str
    parts: tuple[Part, ...]
    stored: Mapping[str, StoredPayload]


async def read(spool: Spool, content_type: str, chunks: AsyncIterator[bytes]) -> Whole:
    """Read a message to its end."""
    soap = await spool.read_soap(content_type, chunks)
    spooled = await spool.read_payloads()
    return Whole(soap.document, soap.content_type, spooled.parts, spooled.stored)


def files(folder: Path) -> list[str]:
    """Every file below, temporary ones too."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def make(tmp_path: Path) -> "Make":
    """A spool over a real folder."""
    return lambda limits=LIMITS: Spool(FolderBlobs(tmp_path), Numbered(), "sandbox-pre", limits)


Make = Callable[..., Spool]


async def test_small_payloads_are_kept_as_they_are(make: Make, tmp_path: Path) -> None:
    async with make() as spool:
        spooled = await read(spool, MULTIPART, in_pieces(body(b"one", b"")))
        assert (spooled.soap, spooled.soap_type) == (SOAP, "application/xml")
        assert [(part.content_id, part.size) for part in spooled.parts] == [("p0", 3), ("p1", 0)]
        assert {key: stored.data for key, stored in spooled.stored.items()} == {"p0": b"one", "p1": b""}
        assert spooled.stored["p0"].sha256 == hashlib.sha256(b"one").digest()
        assert files(tmp_path) == []


@pytest.mark.parametrize(("size", "in_memory"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("piece", [1, 300, PIECE])
async def test_a_payload_over_the_limit_goes_to_the_blob_store_whole(
    make: Make, tmp_path: Path, size: int, in_memory: bool, piece: int
) -> None:
    content = bytes(range(256)) * 4
    async with make() as spool:
        spooled = await read(spool, MULTIPART, in_pieces(body(content[:size]), piece))
        [part], stored = spooled.parts, spooled.stored["p0"]
        assert (stored.size, part.size) == (size, size)
        assert stored.sha256 == part.digests[names.SHA256] == hashlib.sha256(content[:size]).digest()
        assert (stored.data is not None) is in_memory
        assert files(tmp_path) == ([] if in_memory else ["ebms/sandbox-pre/n1"])
        assert await spool.content("p0", 10_000) == content[:size]
        assert await spool.content("p0", 10) == content[:10]


async def test_payloads_that_are_small_one_by_one_are_not_all_kept_in_memory(make: Make) -> None:
    async with make() as spool:
        spooled = await read(spool, MULTIPART, in_pieces(body(*[b"x" * 400] * 6)))
        kept = [stored for stored in spooled.stored.values() if stored.data is not None]
        assert sum(stored.size for stored in kept) == 800
        assert [await spool.content(f"p{number}", 1000) for number in range(6)] == [b"x" * 400] * 6


async def test_a_body_without_parts_is_the_soap_part(make: Make) -> None:
    async with make() as spool:
        spooled = await read(spool, "text/xml; charset=UTF-8", in_pieces(SOAP, 2))
        assert (spooled.soap, spooled.soap_type, spooled.parts) == (SOAP, "text/xml; charset=UTF-8", ())


async def test_other_digests_are_made_of_what_was_spooled(make: Make) -> None:
    small, large = b"s" * 10, b"l" * 5000
    async with make() as spool:
        spooled = await read(spool, MULTIPART, in_pieces(body(small, large)))
        await spool.add_digests(
            [("p0", names.SHA384), ("p1", names.SHA512), ("p1", names.SHA256), ("p9", names.SHA512), ("p0", "md5")]
        )
        assert spooled.parts[0].digests == {
            names.SHA256: hashlib.sha256(small).digest(),
            names.SHA384: hashlib.sha384(small).digest(),
        }
        assert spooled.parts[1].digests == {
            names.SHA256: hashlib.sha256(large).digest(),
            names.SHA512: hashlib.sha512(large).digest(),
        }


# --- Limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (LIMITS, body(soap=b"x" * 101)),
        (replace(LIMITS, mime=MimeLimits(parts=3)), body(b"x" * 2000, b"1", b"2")),
        (replace(LIMITS, mime=MimeLimits(body_bytes=3000)), body(b"x" * 3000)),
        (
            replace(LIMITS, mime=MimeLimits(header_bytes=100)),
            body(b"x" * 2000, b"").replace(b"<p1>", b"<%s>" % (b"p" * 100)),
        ),
    ],
    ids=["soap", "parts", "body", "headers"],
)
async def test_a_message_over_a_limit_leaves_nothing(
    make: Make, tmp_path: Path, limits: SpoolLimits, message: bytes
) -> None:
    with pytest.raises((TooLarge, MimeError)):
        async with make(limits) as spool:
            await read(spool, MULTIPART, in_pieces(message, 100))
    assert files(tmp_path) == []


def chunks_of(count: int, chunk: bytes) -> Iterable[bytes]:
    """A long body of which only one chunk exists at a time."""
    yield part("soap", SOAP) + part("p0", b"")
    yield from (bytes(chunk) for _ in range(count))
    yield b"\r\n--b--\r\n"


def small_parts(count: int, chunk: bytes) -> Iterable[bytes]:
    """As many parts, each below the limit."""
    yield part("soap", SOAP)
    for number in range(count):
        yield part(f"p{number}", b"")
        yield from (bytes(chunk) for _ in range(3))
    yield b"\r\n--b--\r\n"


async def streamed(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """As a body."""
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    "chunks", [chunks_of(512, b"x" * PIECE), small_parts(99, b"x" * PIECE)], ids=["one-of-32-MiB", "99-of-192-KiB"]
)
async def test_memory_does_not_grow_with_the_message(make: Make, chunks: Iterable[bytes]) -> None:
    async with make(SpoolLimits()) as spool:
        tracemalloc.start()
        try:
            spooled = await read(spool, MULTIPART, streamed(chunks))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        size = sum(part.size for part in spooled.parts)
        print(f"{size / 1024**2:.0f} MiB in, at most {peak / 1024**2:.1f} MiB held")
        assert size > 18 * 1024**2
        assert peak < 5 * 1024**2


# --- What is left behind -------------------------------------------------------------------------------------


async def test_what_is_not_kept_is_gone_and_what_is_kept_stays(make: Make, tmp_path: Path) -> None:
    async with make() as spool:
        await read(spool, MULTIPART, in_pieces(body(*[b"x" * 2000] * 3)))
        assert [payload.blob for payload in spool.keep(["p1"])] == ["ebms/sandbox-pre/n2"]
        assert len(files(tmp_path)) == 3
    assert files(tmp_path) == ["ebms/sandbox-pre/n2"]


async def test_what_is_given_up_after_all_is_gone(make: Make, tmp_path: Path) -> None:
    async with make() as spool:
        await read(spool, MULTIPART, in_pieces(body(b"x" * 2000)))
        spool.keep(["p0"])
        spool.give_up()
    assert files(tmp_path) == []


async def test_an_error_while_deciding_leaves_nothing(make: Make, tmp_path: Path) -> None:
    async def decide() -> None:
        async with make() as spool:
            await read(spool, MULTIPART, in_pieces(body(b"x" * 2000)))
            raise StorageError("the database failed")

    with pytest.raises(StorageError):
        await decide()
    assert files(tmp_path) == []


async def interrupted(message: bytes) -> AsyncIterator[bytes]:
    """A body whose sender goes away."""
    yield message
    raise MimeError("the connection ended within the body")


@pytest.mark.parametrize("cut", [3, 60, 200, 2500, 4180], ids=lambda cut: f"after-{cut}")
async def test_an_interrupted_body_leaves_nothing(make: Make, tmp_path: Path, cut: int) -> None:
    message = body(b"x" * 2000, b"y" * 2000)
    assert cut < len(message)
    with pytest.raises(MimeError, match="the connection ended"):
        async with make() as spool:
            await read(spool, MULTIPART, interrupted(message[:cut]))
    assert files(tmp_path) == []


class Full(FolderBlobs):
    """A disk that is full after the first blob."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """See flows.ports.BlobStore."""
        if name.endswith("n1"):
            return await super().put(name, chunks)
        raise StorageError("blob store: No space left on device")


async def test_a_full_disk_is_told_and_the_first_payload_is_removed(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No space"):
        async with Spool(Full(tmp_path), Numbered(), "sandbox-pre", LIMITS) as spool:
            await read(spool, MULTIPART, in_pieces(body(b"x" * 2000, b"y" * 2000)))
    assert files(tmp_path) == []

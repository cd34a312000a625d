"""The case folder in an object store, over a socket that speaks S3: complete once the done-marker is there."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore, MemoryStore
from tests.doubles.s3 import S3
from tests.servers import serving
from tests.unit.adapters.casesystems.handovers import FILES, NUMMER, OIN, Countdown, Crash, handed, remembering

from digikoppelaar.adapters.casesystems import objectstore
from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.casesystems.objectstore import ObjectStoreCaseSystem, open_store
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError, StorageError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import FileKind, Handover

CASE = f"pre/{OIN}/{NUMMER}-0"
BUCKET = "zaken/dso/"


@asynccontextmanager
async def connected(s3: S3, **options: str) -> AsyncIterator[ObjectStoreCaseSystem]:
    async with serving(s3) as port:
        settings = {
            "path": "s3://zaken/dso",
            "options.endpoint": f"http://127.0.0.1:{port}",
            "options.access_key_id": "sleutel",
            "options.secret_access_key": "geheim",
            **options,
        }
        yield ObjectStoreCaseSystem(open_store(settings))


def check_whole(s3: S3) -> None:
    """Marker, manifest and files agree."""
    case = {key.removeprefix(f"{BUCKET}{CASE}/"): content for key, content in s3.objects.items()}
    assert case.pop("gereed").decode().strip() == hashlib.sha256(case["manifest.json"]).hexdigest()
    listed = json.loads(case.pop("manifest.json"))["bestanden"]
    del case["verzoek.json"]
    assert {entry["pad"]: entry["sha256"] for entry in listed} == {
        path: hashlib.sha256(content).hexdigest() for path, content in case.items()
    }
    assert sorted(case.values()) == sorted(content for *_, content in FILES)


async def test_a_case_folder_is_what_it_is_on_a_disk(tmp_path: Path) -> None:
    s3, blobs = S3(), MemoryBlobs()
    handover = await handed(blobs)
    await FolderCaseSystem(tmp_path).deliver(handover, blobs, DeliverySteps())
    on_disk = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    async with connected(s3) as system:
        assert await system.deliver(handover, blobs, DeliverySteps()) == CASE
    assert {key.removeprefix(BUCKET): content for key, content in s3.objects.items()} == on_disk
    assert s3.requests[-1] == f"PUT {BUCKET}{CASE}/gereed"
    assert s3.uploads == {}


async def test_delivering_again_writes_nothing() -> None:
    s3, blobs = S3(), MemoryBlobs()
    handover = await handed(blobs)
    async with connected(s3) as system:
        await system.deliver(handover, blobs, DeliverySteps())
        s3.requests.clear()
        assert await system.deliver(handover, blobs, DeliverySteps()) == CASE
    assert {request.partition(" ")[0] for request in s3.requests} <= {"GET", "HEAD"}


async def test_a_large_file_goes_in_parts() -> None:
    s3, blobs = S3(), MemoryBlobs()
    content = bytes(range(256)) * 50_000  # 12.8 MB
    async with connected(s3) as system:
        await system.deliver(
            await handed(blobs, files=((FileKind.BIJLAGE, "g.bin", "", content),)), blobs, DeliverySteps()
        )
    assert s3.objects[f"{BUCKET}{CASE}/bijlagen/g.bin"] == content
    assert s3.requests.count(f"PUT {BUCKET}{CASE}/bijlagen/g.bin") == 2


class Dying(ObjectStoreCaseSystem):
    """Dies before or after a call to the store."""

    countdown = Countdown(0)

    async def _put(self, key: str, content: bytes) -> None:
        self.countdown.tick()
        await super()._put(key, content)
        self.countdown.tick()

    async def _upload(self, key: str, *rest: Any) -> None:
        self.countdown.tick()
        await super()._upload(key, *rest)
        self.countdown.tick()


async def test_a_crash_at_any_point_leaves_no_marker_before_all_is_there_and_a_rerun_mends_it() -> None:
    blobs = MemoryBlobs()
    handover = await handed(blobs)
    for point in range(1, 100):
        store = MemoryStore()
        system, record = Dying(store), {}
        system.countdown = Countdown(point)
        try:
            await system.deliver(handover, blobs, remembering(record, system.countdown.tick))
            break
        except Crash:
            there = {entry["path"] for batch in store.list() for entry in batch}
            assert f"{CASE}/gereed" not in there or len(there) == 8
        assert await ObjectStoreCaseSystem(store).deliver(handover, blobs, remembering(record)) == CASE
        assert len([entry for batch in store.list() for entry in batch]) == 8
    assert point == 4 * 5 + 2 * 3 + 1


async def test_a_file_that_an_earlier_attempt_wrote_is_not_sent_again_unless_it_is_gone() -> None:
    s3, blobs = S3(), MemoryBlobs()
    handover = await handed(blobs)
    record: dict[str, Mapping[str, str]] = {}
    pdf, xml = f"{BUCKET}{CASE}/verzoek.pdf", f"{BUCKET}{CASE}/verzoek.xml"
    async with connected(s3) as system:
        await system.deliver(handover, blobs, remembering(record))
        del s3.objects[f"{BUCKET}{CASE}/gereed"], s3.objects[pdf]
        s3.requests.clear()
        await system.deliver(handover, blobs, remembering(record))
    check_whole(s3)
    assert f"PUT {xml}" not in s3.requests


async def test_what_an_attempt_that_broke_off_left_is_replaced() -> None:
    s3, blobs = S3(), MemoryBlobs()
    s3.objects[f"{BUCKET}{CASE}/verzoek.xml"] = b"half"
    s3.objects[f"{BUCKET}{CASE}/manifest.json"] = b"{"
    async with connected(s3) as system:
        await system.deliver(await handed(blobs), blobs, DeliverySteps())
    check_whole(s3)


@pytest.mark.parametrize("harm", [b"", b"{", None])
async def test_a_complete_case_with_other_content_is_told_and_left_alone(harm: bytes | None) -> None:
    s3, blobs = S3(), MemoryBlobs()
    handover = await handed(blobs)
    async with connected(s3) as system:
        await system.deliver(handover, blobs, DeliverySteps())
        if harm is None:
            handover = Handover(replace(handover.verzoek, files=handover.verzoek.files[:-1]), handover.read)
        else:
            s3.objects[f"{BUCKET}{CASE}/manifest.json"] = harm
        before = dict(s3.objects)
        with pytest.raises(CaseSystemError, match="other content"):
            await system.deliver(handover, blobs, DeliverySteps())
    assert s3.objects == before


async def test_a_blob_that_is_not_what_was_fetched_is_never_written() -> None:
    s3, blobs = S3(), MemoryBlobs()
    handover = await handed(blobs, files=FILES[:1])
    async with connected(s3) as system:
        with pytest.raises(StorageError, match="not what was fetched"):
            await system.deliver(handover, _Rotten(), DeliverySteps())
    assert s3.objects == {}


class _Rotten(MemoryBlobs):
    async def get(self, name: str) -> AsyncIterator[bytes]:
        yield b"<verzoek?>"


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, CaseSystemRefused), (401, CaseSystemRefused), (404, CaseSystemError), (400, CaseSystemError)],
)
async def test_a_store_that_refuses_is_told_without_a_name_of_a_file(status: int, error: type[Exception]) -> None:
    s3, blobs = S3(refuse=status), MemoryBlobs()
    async with connected(s3) as system:
        with pytest.raises(error, match="object store: ") as refused:
            await system.deliver(await handed(blobs), blobs, DeliverySteps())
    assert NUMMER not in str(refused.value)


async def test_a_store_that_is_not_there_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objectstore, "_RETRIES", {"max_retries": 0})
    blobs = MemoryBlobs()
    async with connected(S3()) as system:
        pass
    with pytest.raises(CaseSystemError, match="object store: "):
        await system.deliver(await handed(blobs), blobs, DeliverySteps())


async def test_file_names_of_strangers_stay_below_the_case(tmp_path: Path) -> None:
    names = ("../../x", "a\r\nb", "%2e%2e", "e" * 300, "\u202egnp.exe", "#~{}?[]`", "/etc/passwd")
    blobs = MemoryBlobs()
    files = tuple((FileKind.BIJLAGE, naam, "", naam.encode()) for naam in names)
    s3 = S3()
    async with connected(s3) as system:
        await system.deliver(await handed(blobs, files=files), blobs, DeliverySteps())
    paths = [entry["pad"] for entry in json.loads(s3.objects[f"{BUCKET}{CASE}/manifest.json"])["bestanden"]]
    assert [s3.objects[f"{BUCKET}{CASE}/{path}"] for path in paths] == [naam.encode() for naam in names]
    await ObjectStoreCaseSystem(LocalStore(tmp_path)).deliver(await handed(blobs, files=files), blobs, DeliverySteps())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pre"]


async def test_a_preview_tells_the_files_and_the_marker_and_writes_nothing() -> None:
    s3, blobs = S3(), MemoryBlobs()
    handover = await handed(blobs)
    async with connected(s3) as system:
        before = await system.preview(handover, DeliverySteps({"bestand-1": {}}))
        assert s3.objects == {}
        await system.deliver(handover, blobs, DeliverySteps())
        after = await system.preview(handover, DeliverySteps())
    assert [each.done for each in before] == [True, False, False, False, False, False]
    assert all(each.done for each in after)
    assert before[-1].name == "gereed"
    assert not any("gevel" in each.what for each in before)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"path": "file:///srv"}, "setting path must be a folder, or s3://"),
        ({"path": "s3://"}, "setting path must be"),
        ({"path": "s3://zaken/../x"}, "setting path must be"),
        ({"path": "s3://zaken?x=1"}, "setting path must be"),
        ({"options.onzin": "1"}, "S3 knows options such as endpoint"),
        ({"options.endpoint": "http://opslag.example.org"}, "must use https"),
        ({"options.endpoint_url": "http://opslag.example.org"}, "must use https"),
        ({"options.allow_http": "true"}, "options.allow_http cannot be chosen"),
        ({"options.AWS_ALLOW_INVALID_CERTIFICATES": "true"}, "cannot be chosen"),
        ({"options.proxy_url": "https://proxy.example.org"}, "cannot be chosen"),
        ({"options.secret_access_key_file": "/nergens"}, "cannot be read"),
        ({"ca_file": "/nergens"}, "ca_file /nergens"),
        ({"region": "eu"}, "there is no setting region"),
        ({"path": "az://zaken"}, "Azure needs the option account_name"),
    ],
)
def test_settings_that_are_wrong_are_told_by_name(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        open_store({"path": "s3://zaken", **changes})


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "gs://zaken/dso"},
        {"path": "az://zaken/dso", "options.account_name": "opslag", "options.endpoint": "https://opslag.example.org"},
        {"path": "s3://zaken", "options.region": "eu-west-1"},
    ],
)
def test_every_store_can_be_opened(settings: dict[str, str]) -> None:
    open_store(settings)

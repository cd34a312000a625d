"""The case folder in an object store (S3, Google Cloud Storage, Azure): the done-marker is written last.

There is no renaming here, so a reader may see a case grow: `gereed` is the only sign that it is complete. What an
attempt that broke off left behind is harmless: the next one writes the same keys again. Each file is a step, so that a
delivery goes on where it was.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from digikoppelaar.adapters.casesystems import publication
from digikoppelaar.adapters.casesystems.casefolder import (
    DOCUMENT,
    DONE,
    MANIFEST,
    case_path,
    is_same,
    json_bytes,
    manifest_of,
    marker_of,
    other_content,
    paths_in,
    publication_path,
)
from digikoppelaar.adapters.casesystems.files import checked_content, fetched
from digikoppelaar.adapters.casesystems.http import checked_url
from digikoppelaar.adapters.casesystems.settings import Settings
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.ports import BlobStore, File, Handover, News, PlannedStep, Steps
from digikoppelaar.stam.verzoek import as_json

PART: Final = 8 * 1024 * 1024
"""Bytes of one part of an upload; the store's own limit of 10,000 parts makes that 80 GB a file."""
_PARTS_AT_ONCE: Final = 2
_MARKER_LIMIT: Final = 1024
_RETRIES: Final = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
"""For a hiccup. Trying again is up to whoever delivers."""
_STORES: Final[Mapping[str, Callable[..., ObjectStore]]] = {
    "s3": S3Store.from_url,
    "gs": GCSStore.from_url,
    "az": AzureStore.from_url,
}
_KNOWN: Final[Mapping[str, str]] = {
    "s3": "S3 knows options such as endpoint, region, access_key_id and secret_access_key_file",
    "gs": "Google Cloud Storage knows options such as service_account",
    "az": "Azure needs the option account_name, and knows account_key_file",
}
_OF_THE_CONNECTION: Final = re.compile(
    r"(?:aws_|google_|azure_)?(?:allow_.*|.*timeout|proxy_.*|user_agent|default_content_type|pool_.*|http[12]_.*"
    r"|randomize_addresses)"
)
"""Options about HTTP. They are ours to choose: one of them would let personal data go without TLS."""
_ADVICE_REFUSED: Final = (
    "De objectopslag staat dit niet toe: controleer sleutel en rechten (lezen en schrijven) voor deze bucket, "
    "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
)


class ObjectStoreCaseSystem:
    """flows.ports.CaseSystem in a store; its prefix, if it has one, is the folder of this case system."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """Write the case folder and return its key below the prefix; see flows.ports.CaseSystem.

        Raises CaseSystemError when a complete case with other content is there, StorageError when a blob is not what
        was recorded.
        """
        verzoek = handover.verzoek
        case, manifest = case_path(verzoek), manifest_of(verzoek)
        if await self._is_delivered(case, manifest):
            return case
        document = json_bytes(await aside(lambda: as_json(handover.read)))
        for file, path in zip(verzoek.files, paths_in(manifest), strict=True):
            await self._upload(f"{case}/{path}", file, blobs, steps)
        listed = json_bytes(manifest)
        for name, content in ((DOCUMENT, document), (MANIFEST, listed), (DONE, marker_of(listed))):
            await self._put(f"{case}/{name}", content)
        return case

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """See flows.ports.CaseSystem: every file is a step, and the marker is the last one."""
        verzoek = handover.verzoek
        case, manifest = case_path(verzoek), manifest_of(verzoek)
        done = await self._is_delivered(case, manifest)
        uploads = [
            PlannedStep(
                _step(file),
                f"Bestand {number} ({file.kind.value}, {file.size} bytes) schrijven.",
                done or steps.done(_step(file)) is not None,
            )
            for number, file in enumerate(verzoek.files, start=1)
        ]
        return (*uploads, PlannedStep(DONE, f"Zaakmap {case} als compleet markeren.", done))

    async def tell(self, news: News) -> str:
        """See flows.ports.CaseSystem: an object beside the case folders."""
        await self._put(publication_path(news), json_bytes(publication.document(news)))
        return ""

    async def _is_delivered(self, case: str, manifest: Mapping[str, object]) -> bool:
        """Whether exactly this is there, complete. Raises CaseSystemError when something else is complete there."""
        marker = await self._get(f"{case}/{DONE}", _MARKER_LIMIT)
        if marker is None:
            return False
        found = await self._get(f"{case}/{MANIFEST}", 2 * len(json_bytes(manifest)))
        if found is None or not is_same(marker, found, manifest):
            raise other_content(case)
        return True

    async def _upload(self, key: str, file: File, blobs: BlobStore, steps: Steps) -> None:
        """Stream one file, unless an earlier attempt did and it is still there."""
        _, size, sha256 = fetched(file)
        outcome = {"sha256": sha256.hex()}
        if steps.done(_step(file)) == outcome and await self._size(key) == size:
            return
        async with _errors():
            content = checked_content(blobs, file)
            await obstore.put_async(self._store, key, content, chunk_size=PART, max_concurrency=_PARTS_AT_ONCE)
        await steps.record(_step(file), outcome)

    async def _put(self, key: str, content: bytes) -> None:
        async with _errors():
            await obstore.put_async(self._store, key, content, use_multipart=False)

    async def _get(self, key: str, limit: int) -> bytes | None:
        """The content, None when there is none; cut off after `limit` bytes, for it need not be ours."""
        if not await self._size(key):
            return None
        async with _errors():
            return bytes(await obstore.get_range_async(self._store, key, start=0, length=limit))

    async def _size(self, key: str) -> int | None:
        """Bytes, None when there is no such key."""
        async with _errors():
            try:
                return (await obstore.head_async(self._store, key))["size"]
            except FileNotFoundError:
                return None


def open_store(values: Mapping[str, str]) -> ObjectStore:
    """The store in the settings of a target: `path` its URL, `options` what obstore calls its configuration.

    An option whose name ends in `_file` is read from that file, and what is not set comes from the environment of the
    process, as the tools of that store have it. Raises ConfigError.
    """
    settings = Settings(values)
    url = settings.text("path")
    scheme, _, place = url.partition("://")
    if scheme not in _STORES or not re.fullmatch(r"[0-9A-Za-z._-]+(/[0-9A-Za-z._-]+)*/?", place) or ".." in place:
        raise ConfigError(f"setting path must be a folder, or s3://, gs:// or az:// with a bucket and a prefix: {url}")
    options = dict(_option(name, text) for name, text in settings.table("options").items())
    client = _client(options, settings.file("ca_file"))
    settings.done()
    try:
        return _STORES[scheme](url, config=options, client_options=client, retry_config=_RETRIES)
    except (BaseError, ValueError) as error:
        raise ConfigError(f"settings path and options: {type(error).__name__}; {_KNOWN[scheme]}") from None


def _client(options: Mapping[str, str], ca_file: Path | None) -> dict[str, object]:
    """Settings of the connection; plain http only to this machine, as `checked_url` has it."""
    addresses = [checked_url(text) for name, text in options.items() if re.search(r"endpoint|url$", name.lower())]
    client: dict[str, object] = {
        "allow_http": any(address.scheme == "http" for address in addresses),
        "connect_timeout": timedelta(seconds=10),
        "timeout": timedelta(minutes=5),
    }
    if ca_file is not None:
        client["root_certificate"] = _certificate(ca_file)
    return client


def _certificate(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"ca_file {file}: {error.strerror}") from error


def _option(name: str, text: str) -> tuple[str, str]:
    if _OF_THE_CONNECTION.fullmatch(name.lower()):
        raise ConfigError(f"setting options.{name} cannot be chosen")
    if name.endswith("_file"):
        return name.removesuffix("_file"), secret_line(Path(text), name.removesuffix("_file"))
    return name, text


def _step(file: File) -> str:
    return f"bestand-{file.id}"


@asynccontextmanager
async def _errors() -> AsyncIterator[None]:
    """An error of the store becomes ours, without its text, which holds keys: file names can be personal data."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        raise CaseSystemRefused(f"object store: {type(error).__name__}", advice=_ADVICE_REFUSED) from None
    except (BaseError, OSError) as error:
        raise CaseSystemError(
            f"object store: {type(error).__name__}",
            advice="De objectopslag is niet bereikbaar of weigert: controleer adres, bucket en netwerk.",
        ) from None

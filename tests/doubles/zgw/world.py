"""What the double holds. Resources are dicts, as they stand in the JSON, by their UUID."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from tests.doubles.answers import Problem, Resource, invalid

Resources = dict[str, Resource]
RSIN: Final = "000000000"
"""Passes the eleven-test and belongs to nobody."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """How servers differ (zgw.md 1.2 and 1.3). The defaults are Open Zaak, for an application with few rights."""

    all_rights: bool = False
    """heeftAlleAutorisaties: also on a closed zaak, and an unlock with parts missing."""
    unique_eigenschap: bool = False
    """Refuse the same eigenschap a second time; Open Zaak does not."""
    unique_status_moment: bool = True
    """Refuse two statussen of a zaak at the same moment."""
    part_size: int = 1024 * 1024
    """Bytes of a bestandsdeel; the server decides (zgw.md 1.3)."""
    page_size: int = 100
    token_expiry: int = 3600
    """Seconds after `iat` that a JWT is taken, and that an OAuth2 token lives."""
    only_oauth2: bool = False
    """Refuse a JWT that the client made itself, as OneGround does."""
    warn_eigenschap: bool = False
    """X-Warning for a waarde that breaks its specificatie, as in Zaken 1.7."""
    refuse_geometry: bool = False
    """Take no zaakgeometrie, as for a drawing that crosses itself."""


@dataclass(slots=True)
class World:
    """The state of the double. `base` is its address without a slash at the end, known once it listens."""

    version: str
    quirks: Quirks
    now: Callable[[], datetime]
    folder: Path
    """For contents of documents, one file each."""
    base: str = ""
    zaken: Resources = field(default_factory=dict)
    eigenschappen: Resources = field(default_factory=dict)
    rollen: Resources = field(default_factory=dict)
    zaakobjecten: Resources = field(default_factory=dict)
    statussen: Resources = field(default_factory=dict)
    links: Resources = field(default_factory=dict)
    """zaakinformatieobjecten."""
    documenten: Resources = field(default_factory=dict)
    besluiten: Resources = field(default_factory=dict)
    files: dict[str, "File"] = field(default_factory=dict)
    """By the UUID of the document."""
    catalogus: dict[str, Resources] = field(default_factory=dict)
    """By the name of the list: zaaktypen, roltypen, ..."""
    reserved: int = 0
    by_key: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """UUID by (kind, bronorganisatie, identificatie)."""
    of_zaak: dict[tuple[str, str], list[Resource]] = field(default_factory=dict)
    """What belongs to a zaak, by the name of the list and the URL of the zaak."""

    def url(self, api: str, path: str, identity: str) -> str:
        """The address of a resource."""
        return f"{self.base}/{api}/api/v1/{path}/{identity}"

    def today(self) -> str:
        """As a date in the standards."""
        return self.now().date().isoformat()

    def moment(self) -> str:
        """As a date-time in the standards."""
        return self.now().astimezone(UTC).isoformat().replace("+00:00", "Z")

    def next_number(self) -> str:
        """A zaaknummer that was never given out."""
        self.reserved += 1
        return f"ZAAK-{date.fromisoformat(self.today()).year}-{self.reserved:010}"

    def candidates(self, kind: str, query: Mapping[str, str]) -> list[Resource]:
        """Where a list has to look: at the only one, if it has both keys that are asked for, else at all."""
        resources = self.zaken if kind == "zaak" else self.documenten
        bron, number = query.get("bronorganisatie", ""), query.get("identificatie", "")
        found = resources.get(self.by_key.get((kind, bron, number), ""))
        return [found] if found and found["identificatie"] == number else list(resources.values())

    def linked(self, name: str, zaak: str) -> list[Resource]:
        """What belongs to a zaak: `rollen`, `eigenschappen`, `zaakobjecten`, `statussen`, `links`."""
        return self.of_zaak.setdefault((name, zaak), [])

    def add_linked(self, name: str, identity: str, resource: Resource) -> None:
        """Keep a resource that belongs to a zaak."""
        getattr(self, name)[identity] = resource
        self.linked(name, resource["zaak"]).append(resource)

    def drop_linked(self, name: str, identity: str) -> None:
        """Forget it."""
        resource = getattr(self, name).pop(identity)
        self.linked(name, resource["zaak"]).remove(resource)

    def typed(self, name: str, url: str, field_name: str) -> Resource:
        """A resource of the catalogus by its URL. Raises Problem when there is none."""
        found = self.catalogus[name].get(url.rsplit("/", 1)[-1])
        if found is None or found["url"] != url:
            raise invalid(field_name, "bad-url", "The URL did not respond with the resource.")
        return found

    def zaak_at(self, url: str) -> Resource:
        """A zaak by its URL. Raises Problem when there is none."""
        found = self.zaken.get(url.rsplit("/", 1)[-1])
        if found is None or found["url"] != url:
            raise invalid("zaak", "does_not_exist")
        return found

    def open_zaak_at(self, url: str) -> Resource:
        """A zaak that may be changed with these rights. Raises Problem (403) when it is closed."""
        zaak = self.zaak_at(url)
        self.check_open(zaak)
        return zaak

    def check_open(self, zaak: Resource) -> None:
        """Raises Problem (403) when the zaak is closed and we have no right to force a change."""
        if zaak["einddatum"] is not None and not self.quirks.all_rights:
            raise Problem(403, "permission_denied", "Modifying a closed case with current scope is forbidden")


@dataclass(slots=True)
class File:
    """The content of a document."""

    path: Path
    size: int
    sha256: str = ""
    """Of the content; empty while it is not complete."""
    parts: list["Part"] = field(default_factory=list)
    lock: str = ""

    @property
    def complete(self) -> bool:
        """Whether every byte is there."""
        return bool(self.sha256)

    def fill(self, content: bytes) -> None:
        """The whole content at once."""
        self.path.write_bytes(content)
        self.sha256 = hashlib.sha256(content).hexdigest()

    def put(self, part: "Part", content: bytes) -> None:
        """One part, in any order; the last one makes the content complete."""
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.seek(part.offset)
            file.write(content)
            part.complete = True
            if all(each.complete for each in self.parts):
                file.seek(0)
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(slots=True)
class Part:
    """One bestandsdeel."""

    identity: str
    number: int
    offset: int
    size: int
    complete: bool = False


def eleven_test(number: str) -> bool:
    """Whether a BSN or RSIN can exist."""
    if len(number) != 9 or not number.isdigit():
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True)) % 11 == 0


def check_rsin(resource: Resource, *names: str) -> None:
    """Raises Problem when one is no RSIN."""
    for name in names:
        if not eleven_test(resource[name]):
            raise invalid(name, "invalid", "Onjuist RSIN nummer.")


def replaced(quirks: Quirks, **changes: Any) -> Quirks:
    """Other quirks while the double runs."""
    return dataclasses.replace(quirks, **changes)

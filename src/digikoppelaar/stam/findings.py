"""What an administrator should know of a verzoek: one list, computed when somebody asks. Pure.

A finding never stops a verzoek (the schema is not public, so the fault may be ours), and its sentence has no value of
the document but ids. Findings about the XML against official schemas are in `stam.schema`.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import Final

from digikoppelaar.stam import codes
from digikoppelaar.stam.model import Adres, Document, Finding, Instantie, Persoon, Projectlocatie, Specificatie, Verzoek
from digikoppelaar.stam.persons import is_bsn
from digikoppelaar.stam.shapes import SENTENCES, are_apart, shape_codes

KNOWN_VERSIONS: Final = range(2, 5)
"""STAM namespaces that are known (stam.md 1.1)."""

LONGEST_NAAM: Final = 200
"""Of a verzoek and of a project (stam.md 1.6, GGM)."""

LONGEST_FILE_NAME: Final = 255
"""Bytes; more than that no file system takes."""

MAX_UNKNOWN: Final = 20
"""Unknown elements that are told one by one."""


def findings(verzoek: Verzoek) -> tuple[Finding, ...]:
    """Everything that is worth knowing of `verzoek`, in the order of its elements."""
    return tuple(finding for check in CHECKS for finding in check(verzoek))


def _namespace(verzoek: Verzoek) -> Iterator[Finding]:
    if verzoek.stam_versie is None:
        yield Finding("namespace-unknown", "", "Het bericht heeft geen STAM-namespace; het is op namen gelezen.")
    elif verzoek.stam_versie not in KNOWN_VERSIONS:
        sentence = f"STAM-namespace {verzoek.stam_versie} is nieuw voor digikoppelaar; controleer wat er gelezen is."
        yield Finding("namespace-new", "", sentence)


def _doel_and_type(verzoek: Verzoek) -> Iterator[Finding]:
    if verzoek.doel not in codes.DOELEN:
        yield Finding("doel-unknown", "doel", "Dit doel kent digikoppelaar niet; het verzoek is als nieuw behandeld.")
    if not verzoek.type:
        yield Finding("type-missing", "type", "Het verzoek heeft geen type.")
    elif verzoek.type not in codes.TYPES:
        sentence = "Dit type kent digikoppelaar niet; controleer of het bij het goede zaaktype terechtkomt."
        yield Finding("type-unknown", "type", sentence)


def _titles(verzoek: Verzoek) -> Iterator[Finding]:
    named = (("naam", verzoek.naam), ("project/naam", verzoek.project.naam if verzoek.project else None))
    for path, naam in named:
        if naam and len(naam) > LONGEST_NAAM:
            sentence = f"De naam heeft {len(naam)} tekens, meer dan {LONGEST_NAAM}; een zaaksysteem krijgt het begin."
            yield Finding("naam-too-long", path, sentence)
    if verzoek.naam is None:
        yield Finding("naam-missing", "naam", "Het verzoek heeft geen naam.")


def _moment(verzoek: Verzoek) -> Iterator[Finding]:
    if verzoek.indien_datum is None:
        yield Finding("indiendatum-missing", "indienDatum", "De indiendatum ontbreekt of is geen datum.")


def _authorities(verzoek: Verzoek) -> Iterator[Finding]:
    if verzoek.bevoegd_gezag is None:
        yield Finding("bevoegd-gezag-missing", "bevoegdGezag", "Het verzoek noemt geen bevoegd gezag.")
    named: tuple[tuple[str, Instantie | None], ...] = (
        ("bevoegdGezag", verzoek.bevoegd_gezag),
        ("uitvoerendeInstantie", verzoek.uitvoerende_instantie),
    )
    for path, instantie in named:
        if instantie and not _digits(instantie.oin, 20):
            yield Finding("oin-invalid", f"{path}/oin", "Het OIN ontbreekt of heeft geen twintig cijfers.")


def _persons(verzoek: Verzoek) -> Iterator[Finding]:
    if verzoek.initiatiefnemer is None and verzoek.doel != codes.INTREKKEN:
        yield Finding("initiatiefnemer-missing", "initiatiefnemer", "Het verzoek noemt geen initiatiefnemer.")
    for path in ("initiatiefnemer", "gemachtigde", "contactpersoon"):
        persoon: Persoon | None = getattr(verzoek, path)
        if persoon:
            yield from _numbers(path, persoon)
            yield from _addresses(path, persoon)


def _numbers(path: str, persoon: Persoon) -> Iterator[Finding]:
    if persoon.bsn and not is_bsn(persoon.bsn):
        sentence = "Het BSN klopt niet (negen cijfers en de elfproef); een zaaksysteem kan het weigeren."
        yield Finding("bsn-invalid", f"{path}/bsn", sentence)
    if persoon.kvk_nummer and not _digits(persoon.kvk_nummer, 8):
        yield Finding("kvk-invalid", f"{path}/kvkNummer", "Het KvK-nummer heeft geen acht cijfers.")
    if persoon.vestigingsnummer and not _digits(persoon.vestigingsnummer, 12):
        sentence = "Het vestigingsnummer heeft geen twaalf cijfers."
        yield Finding("vestigingsnummer-invalid", f"{path}/vestigingsnummer", sentence)


def _addresses(path: str, persoon: Persoon) -> Iterator[Finding]:
    for adres in persoon.adressen:
        if not _has_fields(adres):
            sentence = "Van dit adres is geen onderdeel herkend; de teksten zijn wel bewaard."
            yield Finding("address-unreadable", f"{path}/{adres.soort}", sentence)


def _locations(verzoek: Verzoek) -> Iterator[Finding]:
    if not verzoek.projectlocaties and verzoek.doel != codes.INTREKKEN:
        yield Finding("locatie-missing", "projectlocaties", "Het verzoek heeft geen projectlocatie.")
    for number, locatie in enumerate(verzoek.projectlocaties, start=1):
        path = f"projectlocaties/projectlocatie[{number}]"
        for finding in locatie.findings:
            yield Finding(finding.code, f"{path}/{finding.path}", finding.sentence)
        yield from _location(path, locatie)


def _location(path: str, locatie: Projectlocatie) -> Iterator[Finding]:
    if not (locatie.adres or locatie.percelen or locatie.coordinaten_opgegeven or locatie.coordinaten_etrs):
        yield Finding("locatie-empty", path, "De projectlocatie heeft geen adres, perceel of coördinaten.")
    for name, geometrie in (("coordinatenOpgegeven", locatie.opgegeven), ("coordinatenEtrs", locatie.etrs)):
        for code in shape_codes(geometrie) if geometrie else ():
            yield Finding(code, f"{path}/{name}", SENTENCES[code])
    if are_apart(locatie):
        yield Finding("coordinates-differ", path, SENTENCES["coordinates-differ"])


def _activities(verzoek: Verzoek) -> Iterator[Finding]:
    if not verzoek.projectactiviteiten and verzoek.doel != codes.INTREKKEN:
        yield Finding("activiteit-missing", "projectactiviteiten", "Het verzoek noemt geen activiteit.")
    for number, activiteit in enumerate(verzoek.projectactiviteiten, start=1):
        if not activiteit.naam:
            path = f"projectactiviteiten/projectactiviteit[{number}]"
            yield Finding("activiteit-without-name", path, "De activiteit heeft geen naam.")


def _document_names(verzoek: Verzoek) -> Iterator[Finding]:
    for path, document in _documents(verzoek):
        if not document.document_id and not document.bestandsnaam:
            yield Finding("document-unnamed", path, "Een document heeft geen documentId en geen bestandsnaam.")
        if document.bestandsnaam and _is_odd(document.bestandsnaam):
            sentence = f"{_called(document)} heeft een bestandsnaam die geen systeem zo aankan; hij wordt aangepast."
            yield Finding("bestandsnaam-odd", path, sentence)


def _unknown(verzoek: Verzoek) -> Iterator[Finding]:
    paths = list(dict.fromkeys(each.pad for each in verzoek.onbekend))
    for path in paths[:MAX_UNKNOWN]:
        sentence = "Dit onderdeel kent digikoppelaar niet of kon niet gelezen worden; het is bewaard zoals het kwam."
        yield Finding("element-unknown", path, sentence)
    if len(paths) > MAX_UNKNOWN:
        sentence = f"Er zijn nog {len(paths) - MAX_UNKNOWN} soorten onderdelen die digikoppelaar niet kent."
        yield Finding("element-unknown", "", sentence)


CHECKS: Final[tuple[Callable[[Verzoek], Iterator[Finding]], ...]] = (
    _namespace,
    _doel_and_type,
    _titles,
    _moment,
    _authorities,
    _persons,
    _locations,
    _activities,
    _document_names,
    _unknown,
)
"""In the order of the elements."""


def _documents(verzoek: Verzoek) -> Iterator[tuple[str, Document]]:
    """Every document with its path; one that answers two questions stands twice in a verzoek, and comes once here."""
    seen: set[Document] = set()
    for path, document in _places(verzoek):
        if document not in seen:
            seen.add(document)
            yield path, document


def _places(verzoek: Verzoek) -> Iterator[tuple[str, Document]]:
    for number, activiteit in enumerate(verzoek.projectactiviteiten, start=1):
        yield from _in_answers(f"projectactiviteiten/projectactiviteit[{number}]/", activiteit.specificaties)
    yield from _in_answers("", verzoek.specificaties)
    for number, document in enumerate(verzoek.verzoekbijlagen, start=1):
        yield f"verzoekbijlages/document[{number}]", document


def _in_answers(path: str, specificaties: Collection[Specificatie]) -> Iterator[tuple[str, Document]]:
    for number, specificatie in enumerate(specificaties, start=1):
        asked = specificatie.gevraagde_bijlage
        for each, document in enumerate(asked.documenten if asked else (), start=1):
            yield f"{path}specificaties/specificatie[{number}]/gevraagdeBijlage/documenten/document[{each}]", document


def _called(document: Document) -> str:
    return f"Document {document.document_id[:80]}" if document.document_id else "Een document zonder documentId"


def _is_odd(name: str) -> bool:
    """A path, a control or direction character, or too long for a file system."""
    hidden = any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in name)
    return hidden or "/" in name or "\\" in name or len(name.encode()) > LONGEST_FILE_NAME


def _has_fields(adres: Adres) -> bool:
    return bool(adres.regels or any(getattr(adres, name) for name in ("straatnaam", "postcode", "adrestype", "land")))


def _digits(text: str | None, length: int) -> bool:
    return bool(text and text.isascii() and text.isdigit() and len(text) == length)

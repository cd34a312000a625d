"""The files of a verzoek as documents: their metadata, and which informatieobjecttype they get. Pure."""

from typing import Final

from digikoppelaar.adapters.casesystems.filenames import safe_name
from digikoppelaar.adapters.casesystems.files import fetched
from digikoppelaar.adapters.casesystems.zgw.mapping import Body, Source, document_identificatie
from digikoppelaar.adapters.casesystems.zgw.rollen import missing
from digikoppelaar.adapters.casesystems.zgw.texts import cut, one_line
from digikoppelaar.adapters.casesystems.zgw.typen import Zaaktype
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import File, FileKind
from digikoppelaar.stam.model import Document

LAPSED: Final = "VERVALLEN"
_TITEL: Final = 200
_KINDS: Final = {FileKind.XML: "Verzoek (STAM XML)", FileKind.PDF: "Verzoek (PDF)", FileKind.BIJLAGE: "Bijlage"}


def identificatie(source: Source, file: File, attempt: int) -> str:
    """Ours, always the same for the same document with the same content: also when a later version brings it again."""
    _, _, sha256 = fetched(file)
    version = "" if file.kind is FileKind.BIJLAGE else str(source.verzoek.volgnummer)
    verzoek = source.verzoek
    what = (verzoek.verzoeknummer, file.kind.value, version, file.document_id or file.naam, sha256.hex())
    return document_identificatie(verzoek.aansluiting, source.target, "/".join(what), attempt)


def document(source: Source, file: File, informatieobjecttype: str, attempt: int) -> Body:
    """The body that makes the document, without inhoud."""
    _, size, sha256 = fetched(file)
    body: Body = {
        "identificatie": identificatie(source, file, attempt),
        "bronorganisatie": source.bronorganisatie,
        "creatiedatum": source.day.isoformat(),
        "ontvangstdatum": source.day.isoformat(),
        "titel": titel(source, file),
        "auteur": cut(source.settings.auteur, 200),
        "taal": source.settings.taal,
        "formaat": file.media_type[:255],
        "bestandsnaam": safe_name(file.naam) or f"document-{file.id}",
        "bestandsomvang": size,
        "beschrijving": _beschrijving(source, file),
        "indicatieGebruiksrecht": False,
        "informatieobjecttype": informatieobjecttype,
        "integriteit": {"algoritme": "sha_256", "waarde": sha256.hex(), "datum": source.day.isoformat()},
    }
    named = _named(source, file)
    if named and named.vertrouwelijk:
        body["vertrouwelijkheidaanduiding"] = source.settings.vertrouwelijk
    return body


def link(source: Source, file: File) -> Body:
    """The body that ties a document to a zaak, without both. Its beschrijving says which document of DSO-LV it is."""
    return {"titel": titel(source, file), "beschrijving": _beschrijving(source, file)}


def titel(source: Source, file: File) -> str:
    """The name of a bijlage; XML and PDF are named after the version."""
    if file.kind is FileKind.BIJLAGE:
        return cut(safe_name(file.naam) or f"Bijlage {file.id}", _TITEL)
    return cut(f"{_KINDS[file.kind]} {source.verzoek.verzoeknummer}, {source.version}", _TITEL)


def _beschrijving(source: Source, file: File) -> str:
    text = f"{_KINDS[file.kind]} bij DSO-verzoek {source.verzoek.verzoeknummer}, {source.version}"
    return f"{text}. {_id_words(file.document_id)}" if file.document_id else f"{text}."


def _id_words(document_id: str) -> str:
    return f"DSO-document {cut(one_line(document_id), 200)}."


def is_document(beschrijving: str, document_id: str) -> bool:
    """Whether a link that we made is of this document of DSO-LV."""
    return beschrijving.endswith(_id_words(document_id))


def lapsed(source: Source, before: str) -> str:
    """The beschrijving of what a later version no longer has (stam.md 1.3)."""
    return cut(f"{LAPSED} bij {source.version} van het DSO-verzoek. {before}".rstrip(), 1000)


def without_mark(text: str) -> str:
    """The beschrijving as it was before it lapsed."""
    return text.partition(". ")[2]


def _named(source: Source, file: File) -> Document | None:
    """What the verzoek says of this file: it is named by its id, or by its file name where one of both has no id."""
    documents = source.read.documenten
    by_id = (each for each in documents if file.document_id and each.document_id == file.document_id)
    by_name = (
        each
        for each in documents
        if file.naam and each.bestandsnaam == file.naam and not (file.document_id and each.document_id)
    )
    return next(by_id, None) or next(by_name, None) if file.kind is FileKind.BIJLAGE else None


def _documentsoort(source: Source, file: File) -> str:
    named = _named(source, file)
    asked = (each.gevraagde_bijlage for each in source.read.alle_specificaties if each.gevraagde_bijlage)
    return next((each.documentsoort or "" for each in asked if named in each.documenten), "")


def informatieobjecttype(source: Source, file: File, zaaktype: Zaaktype) -> str:
    """The URL of the type: by documentsoort, else by kind of file, else the fallback. Raises as `type_named` does."""
    settings = source.settings
    wanted = (
        settings.documentsoorten.get(_documentsoort(source, file).casefold())
        or settings.informatieobjecttypen.get(file.kind.value)
        or settings.informatieobjecttype
    )
    return type_named(wanted, file.kind.value, zaaktype)


def type_named(wanted: str, what: str, zaaktype: Zaaktype) -> str:
    """The URL of the informatieobjecttype `wanted` for `what`; the only one of the zaaktype when none is set.

    Raises ConfigError when none is set, or the zaaktype does not have it.
    """
    if wanted.startswith(("https://", "http://")):
        return wanted
    types = {each.omschrijving.casefold(): each.url for each in zaaktype.informatieobjecttypen}
    if not wanted and len(types) == 1:
        return next(iter(types.values()))
    if not wanted:
        raise ConfigError(
            f"no informatieobjecttype is set for {what}",
            advice="Stel met `informatieobjecttype` in als wat de documenten van een verzoek in het zaaksysteem komen, "
            "en geef het verzoek vrij met `digikoppelaar verzoek release`.",
        )
    if wanted.casefold() not in types:
        known = [each.omschrijving for each in zaaktype.informatieobjecttypen]
        raise missing("informatieobjecttype", wanted, zaaktype, known)
    return types[wanted.casefold()]

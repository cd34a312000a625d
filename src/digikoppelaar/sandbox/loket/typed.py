"""Between what a person typed and what DSO-LV takes in, both ways. Pure.

What was typed has been checked (`loket.form`). What the form has no field for stays as it was: a second place, an
activity or a question that is in no list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.loket.form import ADRES, BEDRIJF, GEEN, INITIEREN, PERSOON, Form
from digikoppelaar.sandbox.model import NO_BSN, Activiteit, Adres, Bedrijf, Inhoud, Locatie, Persoon
from digikoppelaar.sandbox.verzoek_document import CONCEPT

Typed = dict[str, list[str]]

_PERSON: Final = (
    ("voorletters", "voorletters"),
    ("achternaam", "achternaam"),
    ("email", "emailadres"),
    ("telefoon", "telefoonnummer"),
)
"""Field of the form, field of Persoon."""


def inhoud_of(form: Form, before: Inhoud | None = None) -> Inhoud:
    """What the form says; `before` is the version of which it is an aanvulling."""
    verzoektype = form.one("type")
    chosen = tuple(form.chosen())
    activiteiten = tuple(
        keuze.filled_in(verzoektype, _other_answers(keuze.naam, before) | _answers(form, keuze.naam))
        for keuze in chosen
    )
    initiatiefnemer = _party(form, "i")
    assert initiatiefnemer is not None, "the form was checked"
    return Inhoud(
        type=verzoektype,
        doel=form.one("doel"),
        naam=form.one("naam"),
        omschrijving=form.one("omschrijving"),
        toelichting=form.one("toelichting"),
        activiteiten=(*activiteiten, *_other_activities(form, before)),
        locaties=(_place(form), *(before.locaties[1:] if before else ())),
        initiatiefnemer=initiatiefnemer,
        gemachtigde=_party(form, "g"),
        bijlagen=tuple(dict.fromkeys(chain.from_iterable(keuze.bijlagen for keuze in chosen))),
        soort=before.soort if before else None,
    )


def typed_of(inhoud: Inhoud) -> Typed:
    """The fields as if a person had typed them."""
    fields = {
        "type": inhoud.type,
        "doel": CONCEPT if inhoud.doel == CONCEPT else INITIEREN,
        "naam": inhoud.naam,
        "omschrijving": inhoud.omschrijving,
        "toelichting": inhoud.toelichting,
        **_typed_place(inhoud.locaties[0]),
        **_typed_party("i", inhoud.initiatiefnemer),
        **_typed_party("g", inhoud.gemachtigde),
    }
    numbers = {(keuze.naam, vraag.tekst): vraag.nummer for keuze in catalogue().values() for vraag in keuze.vragen}
    for activiteit in inhoud.activiteiten:
        for item in activiteit.specificaties:
            if (activiteit.naam, item.vraagtekst) in numbers:
                fields[f"v-{numbers[activiteit.naam, item.vraagtekst]}"] = item.antwoord
    return {name: [text] for name, text in fields.items()} | {
        "activiteit": [activiteit.naam for activiteit in inhoud.activiteiten]
    }


def _answers(form: Form, naam: str) -> dict[str, str]:
    return {vraag.tekst: form.one(f"v-{vraag.nummer}") for vraag in catalogue()[naam].vragen}


def _other_answers(naam: str, before: Inhoud | None) -> dict[str, str]:
    """Answers to questions of an activity that are in no list; those of the list come after them, and win."""
    same = [each for each in (before.activiteiten if before else ()) if each.naam == naam]
    return {item.vraagtekst: item.antwoord for each in same for item in each.specificaties}


def _other_activities(form: Form, before: Inhoud | None) -> Iterator[Activiteit]:
    wanted = form.many("activiteit")
    return (a for a in (before.activiteiten if before else ()) if a.naam in wanted and a.naam not in catalogue())


def _place(form: Form) -> Locatie:
    return Locatie(_address(form, ""), form.one("perceel"), form.point(), form.rings())


def _address(form: Form, prefix: str) -> Adres | None:
    texts = {name: form.one(f"{prefix}{name}") for name in ADRES}
    if not any(texts.values()):
        return None
    return Adres(**texts | {"postcode": texts["postcode"].replace(" ", "").upper()})


def _party(form: Form, prefix: str) -> Persoon | Bedrijf | None:
    match form.one(f"{prefix}-soort"):
        case "persoon":
            return replace(_person(form, f"{prefix}-"), adres=_address(form, f"{prefix}-"))
        case "bedrijf":
            adres = _address(form, f"{prefix}-")
            assert adres is not None, "the form was checked"
            contact = _person(form, f"{prefix}-c-")
            return Bedrijf(
                kvk_nummer=form.one(f"{prefix}-kvk"),
                handelsnaam=form.one(f"{prefix}-handelsnaam"),
                adres=adres,
                vestigingsnummer=form.one(f"{prefix}-vestiging"),
                contactpersoon=replace(contact, bsn="") if contact.achternaam else None,
            )
    return None


def _person(form: Form, prefix: str) -> Persoon:
    texts: dict[str, Any] = {name: form.one(f"{prefix}{typed}") for typed, name in _PERSON}
    return Persoon(bsn=form.one(f"{prefix}bsn") or NO_BSN, **texts)


def _typed_place(locatie: Locatie) -> Mapping[str, str]:
    x, y = (f"{number:.3f}" for number in locatie.punt) if locatie.punt else ("", "")
    rings = "\n".join(" ".join(f"{east:g},{north:g}" for east, north in ring) for ring in locatie.vlak)
    return {**_typed_address("", locatie.adres), "perceel": locatie.kadaster, "x": x, "y": y, "vlak": rings}


def _typed_address(prefix: str, adres: Adres | None) -> Mapping[str, str]:
    return {f"{prefix}{name}": getattr(adres, name) for name in ADRES} if adres else {}


def _typed_party(prefix: str, party: Persoon | Bedrijf | None) -> Mapping[str, str]:
    if party is None:
        return {f"{prefix}-soort": GEEN}
    if isinstance(party, Persoon):
        bsn = "" if party.bsn == NO_BSN else party.bsn
        person = {f"{prefix}-soort": PERSOON, f"{prefix}-bsn": bsn, **_typed_person(f"{prefix}-", party)}
        return {**person, **_typed_address(f"{prefix}-", party.adres)}
    return {
        f"{prefix}-soort": BEDRIJF,
        f"{prefix}-kvk": party.kvk_nummer,
        f"{prefix}-handelsnaam": party.handelsnaam,
        f"{prefix}-vestiging": party.vestigingsnummer,
        **_typed_address(f"{prefix}-", party.adres),
        **(_typed_person(f"{prefix}-c-", party.contactpersoon) if party.contactpersoon else {}),
    }


def _typed_person(prefix: str, person: Persoon) -> Mapping[str, str]:
    return {f"{prefix}{typed}": getattr(person, name) for typed, name in _PERSON}

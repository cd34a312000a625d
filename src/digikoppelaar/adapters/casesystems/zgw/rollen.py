"""The persons of a verzoek as rollen (zgw.md 1.4, stam.md 1.7). Pure.

ZGW allows one initiator for a zaak. A gemachtigde and a contactpersoon get a rol where the zaaktype has a roltype for
them; what is known of a contactpersoon also stands with the company that it speaks for.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digikoppelaar.adapters.casesystems.zgw.mapping import Body, Source
from digikoppelaar.adapters.casesystems.zgw.texts import cut, joined, one_line, wrapped
from digikoppelaar.adapters.casesystems.zgw.typen import Roltype, Zaaktype
from digikoppelaar.errors import ConfigError
from digikoppelaar.stam.model import Adres, Persoon
from digikoppelaar.stam.persons import is_bsn

INITIATOR: Final = "initiator"
BEYOND_STANDARD: Final = frozenset({"kvkNummer", "vestigingsNummer"})
"""Of a niet_natuurlijk_persoon: known to Open Zaak, not to the standard, which may refuse them."""
_UNKNOWN_COUNTRY: Final = "0000"
"""Landelijke tabel 34 (RvIG): unknown. DSO gives a name; a code of four characters is taken as it is."""
_EMAIL: Final = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_NUMBER: Final = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class WantedRol:
    """A rol that the zaak must have. `body` lacks the zaak; `mark` is how its roltoelichting begins, ours only."""

    name: str
    roltype: Roltype
    mark: str
    body: Body

    @property
    def standard(self) -> Body:
        """The body with what Zaken 1.7 knows only; the numbers of a company are in its roltoelichting too."""
        told = self.body["betrokkeneIdentificatie"]
        left = {name: value for name, value in told.items() if name not in BEYOND_STANDARD}
        return {**self.body, "betrokkeneIdentificatie": left}

    def is_in(self, rol: Body) -> bool:
        """Whether `rol`, of the case system, is this one with these data."""
        return self.ours(rol) and contains(rol, self.standard)

    def ours(self, rol: Body) -> bool:
        """Whether we made `rol`, perhaps with other data."""
        return rol.get("roltype") == self.roltype.url and str(rol.get("roltoelichting", "")).startswith(self.mark)


def wanted_rollen(source: Source, zaaktype: Zaaktype) -> list[WantedRol]:
    """The rollen of this version, in order. Raises ConfigError when a roltype that is set does not exist."""
    read = source.read
    found: list[WantedRol] = []
    for name, persoon in (("initiatiefnemer", read.initiatiefnemer), ("gemachtigde", read.gemachtigde)):
        contact = read.contactpersoon if name == _speaks_for(source) else None
        roltype = _roltype(source, zaaktype, name)
        if persoon and roltype and not (name != "initiatiefnemer" and roltype.generiek == INITIATOR):
            found.append(_partij(source, name, roltype, persoon, contact))
    roltype = _roltype(source, zaaktype, "contactpersoon")
    if read.contactpersoon and roltype and roltype.generiek != INITIATOR:
        found.append(_partij(source, "contactpersoon", roltype, read.contactpersoon, None))
    return found


def _speaks_for(source: Source) -> str:
    """A contactpersoon belongs to who submitted: the gemachtigde if there is one (stam.md 1.7)."""
    return "gemachtigde" if source.read.gemachtigde else "initiatiefnemer"


def _roltype(source: Source, zaaktype: Zaaktype, name: str) -> Roltype | None:
    """As set; else the initiator, or a roltype with the name of the rol. None: the zaaktype has no place for it."""
    wanted = source.settings.roltypen.get(name)
    by_name = {each.omschrijving.casefold(): each for each in zaaktype.roltypen}
    if wanted:
        if wanted.casefold() not in by_name:
            raise missing("roltype", wanted, zaaktype, [each.omschrijving for each in zaaktype.roltypen])
        return by_name[wanted.casefold()]
    if name == "initiatiefnemer":
        return next((each for each in zaaktype.roltypen if each.generiek == INITIATOR), by_name.get(name))
    return by_name.get(name)


def missing(what: str, wanted: str, zaaktype: Zaaktype, known: Iterable[str]) -> ConfigError:
    """The error that a setting names something that the catalogus does not have."""
    there = ", ".join(sorted(known)) or "geen"
    return ConfigError(
        f"zaaktype {zaaktype.identificatie} has no {what} {wanted!r}",
        advice=f"Het zaaktype kent geen {what} met de naam {wanted!r} (wel: {there}). Pas de instellingen van de "
        "bestemming of de catalogus aan en geef het verzoek vrij met `digikoppelaar verzoek release`.",
    )


def _partij(source: Source, name: str, roltype: Roltype, persoon: Persoon, contact: Persoon | None) -> WantedRol:
    mark = f"{name.capitalize()} van DSO-verzoek {source.verzoek.verzoeknummer}"
    company = persoon.soort == "nietNatuurlijk"
    body: Body = {
        "betrokkeneType": "niet_natuurlijk_persoon" if company else "natuurlijk_persoon",
        "roltype": roltype.url,
        "roltoelichting": _toelichting(mark, persoon),
        "betrokkeneIdentificatie": _company(persoon) if company else _person(persoon),
    }
    if name == "gemachtigde":
        body["indicatieMachtiging"] = "gemachtigde"
    if reachable := _contact(contact or persoon):
        body["contactpersoonRol"] = reachable
    return WantedRol(name, roltype, mark, body)


def _toelichting(mark: str, persoon: Persoon) -> str:
    """Zaken 1.7 has no field for the numbers of a niet_natuurlijk_persoon, so they are also told here."""
    numbers = (
        persoon.kvk_nummer and f"KvK {persoon.kvk_nummer}",
        persoon.vestigingsnummer and f"vestiging {persoon.vestigingsnummer}",
    )
    told = joined(numbers)
    return cut(f"{mark} ({told})" if told else mark, 1000)


def _person(persoon: Persoon) -> Body:
    """Nine zeros are no BSN, and a wrong one would be refused: then the name identifies (zgw.md 1.4)."""
    bsn = persoon.bsn or ""
    return _filled(
        inpBsn=bsn if is_bsn(bsn) else "",
        geslachtsnaam=cut(one_line(persoon.achternaam), 200),
        voorvoegselGeslachtsnaam=cut(one_line(persoon.voorvoegsel), 80),
        voorletters=cut(one_line(persoon.voorletters), 20),
        **_addresses(persoon),
    )


def _company(persoon: Persoon) -> Body:
    """A vestiging too: betrokkeneType vestiging is on its way out (zgw.md 1.4). No surname comes with a company."""
    adressen = _addresses(persoon)
    domestic = next((each for each in persoon.adressen if not _is_foreign(each)), None)
    return _filled(
        kvkNummer=_fitting(persoon.kvk_nummer, 8),
        vestigingsNummer=_fitting(persoon.vestigingsnummer, 24),
        statutaireNaam=cut(one_line(persoon.handelsnaam), 500),
        bezoekadres=cut(address_line(domestic), 1000) if domestic else "",
        subVerblijfBuitenland=adressen.get("subVerblijfBuitenland"),
    )


def _contact(persoon: Persoon) -> Body | None:
    """How somebody can be reached; the standard wants a name of at most 40 characters with it."""
    email, telefoon = one_line(persoon.emailadres), one_line(persoon.telefoonnummer)
    reach = _filled(
        emailadres=email if _EMAIL.fullmatch(email) and len(email) <= 254 else "",
        telefoonnummer=_fitting(telefoon, 20),
    )
    is_contact = persoon.soort == "contactpersoon"
    if not reach and not is_contact:
        return None
    names = (persoon.voorletters, persoon.voorvoegsel, persoon.achternaam)
    name = " ".join(one_line(each) for each in names if one_line(each)) or one_line(persoon.handelsnaam)
    return {"naam": cut(name or "Contactpersoon", 40), **reach}


def _addresses(persoon: Persoon) -> Body:
    """One address here and one abroad, the first of each that can be told."""
    domestic = (_verblijfsadres(each) for each in persoon.adressen if not _is_foreign(each))
    foreign = (_abroad(each) for each in persoon.adressen if _is_foreign(each))
    return _filled(
        verblijfsadres=next(filter(None, domestic), None), subVerblijfBuitenland=next(filter(None, foreign), None)
    )


def _is_foreign(adres: Adres) -> bool:
    return adres.vorm == "buitenlands"


def _verblijfsadres(adres: Adres) -> Body | None:
    """None when it lacks what the standard asks: street, number and place."""
    number = adres.huisnummer or ""
    if not (adres.woonplaats and adres.straatnaam and _NUMBER.fullmatch(number)):
        return None
    return {
        "aoaIdentificatie": _fitting(adres.nummeraanduiding, 100),
        "wplWoonplaatsNaam": cut(one_line(adres.woonplaats), 80),
        "gorOpenbareRuimteNaam": cut(one_line(adres.straatnaam), 80),
        "aoaHuisnummer": int(number),
        **_filled(
            aoaPostcode=_fitting(postcode(adres), 7),
            aoaHuisletter=_fitting(adres.huisletter, 1),
            aoaHuisnummertoevoeging=_fitting(adres.huisnummertoevoeging, 4),
        ),
    }


def _abroad(adres: Adres) -> Body:
    """A foreign address has no better place (VNG-1664): land, and three lines of 35 characters."""
    land = one_line(adres.land) or "Onbekend"
    lines = wrapped(adres.regels or (address_line(adres),), 35, 3)
    return {
        "lndLandcode": land if len(land) == 4 and land.isdigit() else _UNKNOWN_COUNTRY,
        "lndLandnaam": cut(land, 40),
        **{f"subAdresBuitenland_{number}": line for number, line in enumerate(lines, 1)},
    }


def address_line(adres: Adres) -> str:
    """An address as one line of text."""
    number = f"{adres.huisnummer or ''}{adres.huisletter or ''}{_dashed(adres.huisnummertoevoeging)}"
    street = one_line(f"{adres.straatnaam or adres.adrestype or ''} {number}")
    place = one_line(f"{postcode(adres)} {adres.woonplaats or ''}")
    return joined((street, place, *adres.regels, adres.land))


def _dashed(toevoeging: str | None) -> str:
    return f"-{toevoeging}" if toevoeging else ""


def postcode(adres: Adres) -> str:
    """Without spaces, in capitals."""
    return "".join((adres.postcode or "").split()).upper()


def _fitting(text: str | None, limit: int) -> str:
    """A code is whole or absent: half of it is another one."""
    found = one_line(text)
    return found if len(found) <= limit else ""


def _filled(**values: Any) -> Body:
    return {name: value for name, value in values.items() if value not in (None, "", {})}


def contains(whole: object, part: object) -> bool:
    """Whether everything in `part` stands in `whole` too; a server may add fields and turn absent into empty."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(contains(whole.get(name), value) for name, value in part.items())
    if isinstance(part, Sequence) and not isinstance(part, str):
        if not isinstance(whole, list) or len(whole) != len(part):
            return False
        return all(contains(one, other) for one, other in zip(whole, part, strict=True))
    return whole == part or str(whole) == str(part)

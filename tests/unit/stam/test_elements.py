"""Every element that the notes on STAM name is read, in every known namespace and in one that does not exist yet."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digikoppelaar.stam.model import Adres, Instantie, Persoon, Projectactiviteit, Specificatie, Verzoek
from digikoppelaar.stam.verzoek import as_json, read_verzoek

VERSIONS = (2, 3, 4, 5, 12)
SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.capitalize)

ADDRESS = """<correspondentieAdres><{vorm}><straatnaam>Veldweg</straatnaam><huisnummer>7</huisnummer>
<postcode>1234AB</postcode><woonplaats>Voorbeeldstad</woonplaats><adrestype>Postbus 12</adrestype>
<adresBuitenland1>Regel een</adresBuitenland1><adresBuitenland2>Regel twee</adresBuitenland2><land>Fictië</land>
</{vorm}></correspondentieAdres>"""

DOCUMENT = (
    """<verzoek>
<verzoeknummer>2026060200019</verzoeknummer><volgnummer>2</volgnummer><doel>Aanvullen</doel><type>Melding</type>
<naam>Dakkapel</naam><indienDatum>2026-06-02T10:45:01.933+02:00</indienDatum><ambtshalve>true</ambtshalve>
<project><naam>Wijk</naam><omschrijving>Nieuwe wijk</omschrijving><projectId>P1</projectId></project>
<toelichtingVerzoek>Toelichting</toelichtingVerzoek>
<toelichtingLaterAanTeLeverenInformatie>Later</toelichtingLaterAanTeLeverenInformatie>
<toelichtingNietAanTeLeverenInformatie>Nooit</toelichtingNietAanTeLeverenInformatie>
<participatie>ja</participatie><akkoordverklaring>1</akkoordverklaring><referentieAanvrager>R-1</referentieAanvrager>
<bevoegdGezag><oin>00000099000000001000</oin><naam>Gemeente</naam></bevoegdGezag>
<bevoegdGezagHistorie><bevoegdGezag><oin>00000099000000002000</oin></bevoegdGezag>
<bevoegdGezag><oin>00000099000000003000</oin></bevoegdGezag></bevoegdGezagHistorie>
<uitvoerendeInstantie><oin>00000099000000004000</oin><naam>Dienst</naam></uitvoerendeInstantie>
<uitvoerendeInstantieHistorie><uitvoerendeInstantie><oin>00000099000000005000</oin></uitvoerendeInstantie>
</uitvoerendeInstantieHistorie>
<initiatiefnemer><natuurlijkPersoon><bsn>999990019</bsn><voorletters>F.</voorletters><achternaam>Fictief</achternaam>
<verblijfsadres><straatnaam>Dorpsweg</straatnaam></verblijfsadres>
<verblijfsadresBuitenland><adresBuitenland1>Rue Inventée 1</adresBuitenland1></verblijfsadresBuitenland>
"""
    + ADDRESS.format(vorm="binnenlandsAdres")
    + """</natuurlijkPersoon></initiatiefnemer>
<gemachtigde><nietNatuurlijkPersoon><kvkNummer>99999990</kvkNummer><handelsnaam>Fictief BV</handelsnaam>
<bezoekadres><straatnaam>Bezoekweg</straatnaam></bezoekadres>
<bezoekadresBuitenland><land>Fictië</land></bezoekadresBuitenland>
<postAdres><buitenlandsAdres><adresBuitenland1>Elders</adresBuitenland1></buitenlandsAdres></postAdres>
<vestiging><vestigingsnummer>000099999999</vestigingsnummer>
<postAdres><afwijkendAdres><adrestype>Postbus 3</adrestype></afwijkendAdres></postAdres>
<locatieAdresVestiging><straatnaam>Vestigingsweg</straatnaam></locatieAdresVestiging>
<locatieAdresBuitenland><land>Nergensland</land></locatieAdresBuitenland></vestiging>
</nietNatuurlijkPersoon></gemachtigde>
<contactpersoon><emailadres>v@voorbeeld.example</emailadres><achternaam>Verzonnen</achternaam>
<voorletters>V.</voorletters><binnenlandsAdres><straatnaam>Contactweg</straatnaam></binnenlandsAdres></contactpersoon>
<projectlocaties><projectlocatie>
<adresAanduiding><nummeraanduidingId>0000200000000001</nummeraanduidingId><postcode>1234AB</postcode>
<huisnummer>9</huisnummer><straatnaam>Locatieweg</straatnaam><woonplaats>Voorbeeldstad</woonplaats></adresAanduiding>
<kadastralegegevens><kadastraleGemeente>VBS01</kadastraleGemeente><sectie>A</sectie>
<perceelnummer>123</perceelnummer></kadastralegegevens>
<coordinatenOpgegeven><x>155000</x><y>463000</y></coordinatenOpgegeven>
<coordinatenEtrs><posList>52.1551723 5.3872035</posList></coordinatenEtrs>
</projectlocatie><projectlocatie><kadastralegegevens><perceel><perceelnummer>1</perceelnummer></perceel>
<perceel><perceelnummer>2</perceelnummer></perceel></kadastralegegevens></projectlocatie></projectlocaties>
<projectactiviteiten><projectactiviteit><activiteitNaam>Bouwen</activiteitNaam>
<activiteitId>nl.imow-gm9999.activiteit.1</activiteitId><subactiviteitNaam>Dakkapel</subactiviteitNaam>
<specificaties><specificatie><vraagId>284856</vraagId><vraagtekst>Kosten?</vraagtekst><antwoord>12,50</antwoord>
<oorsprantwoord>10,00</oorsprantwoord><vraagclassificatie>Activiteit</vraagclassificatie><groepering>Geld</groepering>
<vraagreferentie>ref</vraagreferentie><publiceerbaar>false</publiceerbaar>
<gevraagdeBijlage><documentsoortDSO>Tekening</documentsoortDSO><documenten><document><documentId>d1</documentId>
<bestand><bestandsnaam>gevel.pdf</bestandsnaam></bestand><vertrouwelijk>nee</vertrouwelijk></document></documenten>
</gevraagdeBijlage></specificatie></specificaties></projectactiviteit></projectactiviteiten>
<specificaties><specificatie><vraagtekst>Los</vraagtekst></specificatie></specificaties>
<verzoekbijlages><document><documentId>d2</documentId></document></verzoekbijlages>
</verzoek>"""
)


def persoon(found: Persoon | None) -> Persoon:
    assert found is not None
    return found


def ini(verzoek: Verzoek) -> Persoon:
    return persoon(verzoek.initiatiefnemer)


def gem(verzoek: Verzoek) -> Persoon:
    return persoon(verzoek.gemachtigde)


def con(verzoek: Verzoek) -> Persoon:
    return persoon(verzoek.contactpersoon)


def act(verzoek: Verzoek) -> Projectactiviteit:
    return verzoek.projectactiviteiten[0]


def spec(verzoek: Verzoek) -> Specificatie:
    return act(verzoek).specificaties[0]


def forms(who: Persoon) -> list[tuple[str, str]]:
    return [(adres.soort, adres.vorm) for adres in who.adressen]


def correspondence(verzoek: Verzoek) -> Adres:
    return ini(verzoek).adressen[2]


ELEMENTS: dict[str, tuple[Callable[[Verzoek], object], object]] = {
    "verzoeknummer": (lambda v: v.verzoeknummer, "2026060200019"),
    "volgnummer": (lambda v: v.volgnummer, 2),
    "doel": (lambda v: v.doel, "aanvullen"),
    "type": (lambda v: v.type, "Melding"),
    "naam": (lambda v: v.naam, "Dakkapel"),
    "indienDatum": (lambda v: v.indien_datum, datetime(2026, 6, 2, 8, 45, 1, 933000, tzinfo=UTC)),
    "ambtshalve": (lambda v: v.ambtshalve, True),
    "project naam": (lambda v: v.project and v.project.naam, "Wijk"),
    "project omschrijving": (lambda v: v.project and v.project.omschrijving, "Nieuwe wijk"),
    "project projectId": (lambda v: v.project and v.project.project_id, "P1"),
    "toelichting": (lambda v: v.toelichting, "Toelichting"),
    "toelichting later": (lambda v: v.toelichting_later, "Later"),
    "toelichting niet": (lambda v: v.toelichting_niet, "Nooit"),
    "participatie": (lambda v: v.participatie, True),
    "akkoordverklaring": (lambda v: v.akkoordverklaring, True),
    "referentieAanvrager": (lambda v: v.referentie_aanvrager, "R-1"),
    "bevoegdGezag": (lambda v: v.bevoegd_gezag, Instantie("00000099000000001000", "Gemeente")),
    "bevoegdGezagHistorie": (
        lambda v: [each.oin for each in v.bevoegd_gezag_historie],
        ["00000099000000002000", "00000099000000003000"],
    ),
    "uitvoerendeInstantie": (lambda v: v.uitvoerende_instantie, Instantie("00000099000000004000", "Dienst")),
    "uitvoerendeInstantieHistorie": (
        lambda v: v.uitvoerende_instantie_historie,
        (Instantie("00000099000000005000"),),
    ),
    "initiatiefnemer": (lambda v: (ini(v).soort, ini(v).bsn), ("natuurlijk", "999990019")),
    "voorletters and achternaam": (lambda v: (ini(v).voorletters, ini(v).achternaam), ("F.", "Fictief")),
    "addresses of a person": (
        lambda v: forms(ini(v)),
        [("verblijfsadres", ""), ("verblijfsadresBuitenland", "buitenlands"), ("correspondentieAdres", "binnenlands")],
    ),
    "address": (
        lambda v: [
            getattr(correspondence(v), name)
            for name in ("straatnaam", "huisnummer", "postcode", "woonplaats", "adrestype", "land", "regels")
        ],
        ["Veldweg", "7", "1234AB", "Voorbeeldstad", "Postbus 12", "Fictië", ("Regel een", "Regel twee")],
    ),
    "gemachtigde": (
        lambda v: (gem(v).soort, gem(v).kvk_nummer, gem(v).handelsnaam, gem(v).vestigingsnummer),
        ("nietNatuurlijk", "99999990", "Fictief BV", "000099999999"),
    ),
    "addresses of a company": (
        lambda v: forms(gem(v)),
        [
            ("bezoekadres", ""),
            ("bezoekadresBuitenland", "buitenlands"),
            ("postAdres", "buitenlands"),
            ("postAdres", "afwijkend"),
            ("locatieAdresVestiging", ""),
            ("locatieAdresBuitenland", "buitenlands"),
        ],
    ),
    "contactpersoon": (
        lambda v: (con(v).emailadres, con(v).achternaam, con(v).voorletters, con(v).adressen[0].straatnaam),
        ("v@voorbeeld.example", "Verzonnen", "V.", "Contactweg"),
    ),
    "adresAanduiding": (
        lambda v: (
            (a := v.projectlocaties[0].adres)
            and (a.nummeraanduiding, a.postcode, a.huisnummer, a.straatnaam, a.woonplaats)
        ),
        ("0000200000000001", "1234AB", "9", "Locatieweg", "Voorbeeldstad"),
    ),
    "kadastralegegevens": (
        lambda v: [(p.gemeente, p.sectie, p.perceelnummer) for p in v.projectlocaties[0].percelen],
        [("VBS01", "A", "123")],
    ),
    "several percelen": (lambda v: [p.perceelnummer for p in v.projectlocaties[1].percelen], ["1", "2"]),
    "coordinatenOpgegeven": (
        lambda v: (g := v.projectlocaties[0].opgegeven) and (g.stelsel, g.punten),
        ("EPSG:28992", ((155000.0, 463000.0),)),
    ),
    "coordinatenEtrs": (
        lambda v: (g := v.projectlocaties[0].etrs) and (g.stelsel, g.punten),
        ("EPSG:4258", ((5.3872035, 52.1551723),)),
    ),
    "activiteit": (
        lambda v: (act(v).naam, act(v).activiteit_id, act(v).subactiviteit),
        ("Bouwen", "nl.imow-gm9999.activiteit.1", "Dakkapel"),
    ),
    "specificatie": (
        lambda v: (spec(v).vraag_id, spec(v).vraagtekst, spec(v).antwoord, spec(v).oorspronkelijk_antwoord),
        ("284856", "Kosten?", "12,50", "10,00"),
    ),
    "more of specificatie": (
        lambda v: (spec(v).vraagclassificatie, spec(v).groepering, spec(v).vraagreferentie, spec(v).publiceerbaar),
        ("Activiteit", "Geld", "ref", False),
    ),
    "gevraagdeBijlage": (lambda v: (b := spec(v).gevraagde_bijlage) and b.documentsoort, "Tekening"),
    "document": (
        lambda v: [(d.document_id, d.bestandsnaam, d.vertrouwelijk) for d in v.documenten],
        [("d1", "gevel.pdf", False), ("d2", None, None)],
    ),
    "specificatie of the verzoek itself": (lambda v: [s.vraagtekst for s in v.specificaties], ["Los"]),
    "nothing unknown is left": (lambda v: v.onbekend, ()),
    "no faults in locations": (lambda v: [f for each in v.projectlocaties for f in each.findings], []),
}


@cache
def read(version: int, spelling: Callable[[str], str]) -> Verzoek:
    """DOCUMENT in a STAM namespace, its names spelled in another case."""
    pieces = DOCUMENT.split("<")
    spelled = "<".join(_spelled(piece, spelling) for piece in pieces)
    namespace = f'xmlns="http://www.omgevingswet.nl/koppelvlak/stam-v{version}/verzoek"'
    return read_verzoek(spelled.replace(">", f" {namespace}>", 1).encode())


def _spelled(piece: str, spelling: Callable[[str], str]) -> str:
    name, closes, rest = piece.partition(">")
    slash, bare = name[: name.startswith("/")], name.removeprefix("/")
    return f"{slash}{spelling(bare)}{closes}{rest}" if closes else piece


@pytest.mark.parametrize("name", ELEMENTS)
def test_element_is_read_in_every_namespace_and_spelling(name: str) -> None:
    told, expected = ELEMENTS[name]
    for version in VERSIONS:
        for spelling in SPELLINGS:
            found = read(version, spelling)
            assert found.stam_versie == version
            assert told(found) == expected, (version, spelling)


def test_prefixes_of_imam_and_common_do_not_matter() -> None:
    document = DOCUMENT.replace("<verzoek>", '<vx:verzoek xmlns:vx="urn:a" xmlns="urn:b">', 1)
    assert read_verzoek(document.replace("</verzoek>", "</vx:verzoek>").encode()).naam == "Dakkapel"


@pytest.mark.parametrize(
    ("part", "pad", "kept"),
    [
        ("<naam>een</naam><naam>twee</naam>", "naam", "twee"),
        ("<indienDatum>gisteren</indienDatum>", "indienDatum", "gisteren"),
        ("<ambtshalve>misschien</ambtshalve>", "ambtshalve", "misschien"),
        ("<project>los &amp; tekst<naam>P</naam></project>", "project/text()", "los &amp; tekst"),
        ('<project soort="groot"><naam>P</naam></project>', "project/@soort", 'soort="groot"'),
        ("<vergunning><code>V1</code></vergunning>", "vergunning", "<code>V1</code>"),
        ("<projectlocaties><projectlocatie><hoogte>3</hoogte></projectlocatie></projectlocaties>",
         "projectlocaties/projectlocatie/hoogte", "3"),
        ("<initiatiefnemer><natuurlijkPersoon><bsn>1</bsn><geslacht>x</geslacht></natuurlijkPersoon></initiatiefnemer>",
         "initiatiefnemer/natuurlijkPersoon/geslacht", "x"),
    ],
)  # fmt: skip
def test_what_has_no_field_or_cannot_be_read_is_kept(part: str, pad: str, kept: str) -> None:
    verzoek = read_verzoek(f"<verzoek><verzoeknummer>1</verzoeknummer>{part}</verzoek>".encode())
    assert [each.pad for each in verzoek.onbekend] == [pad]
    assert kept in verzoek.onbekend[0].xml


def test_what_stands_around_the_verzoek_is_kept_too() -> None:
    document = b'<bericht soort="a"><kop>k</kop><in><verzoek><verzoeknummer>1</verzoeknummer></verzoek></in></bericht>'
    assert [each.pad for each in read_verzoek(document).onbekend] == ["/bericht/@soort", "/bericht/kop"]


NAMES = (
    *("naam", "type", "indienDatum", "ambtshalve", "project", "omschrijving", "bevoegdGezag", "oin", "document"),
    *("initiatiefnemer", "natuurlijkPersoon", "bsn", "postAdres", "binnenlandsAdres", "straatnaam", "vestiging"),
    *("projectlocaties", "projectlocatie", "adresAanduiding", "kadastralegegevens", "perceelnummer", "posList"),
    *("coordinatenEtrs", "projectactiviteiten", "projectactiviteit", "specificaties", "specificatie", "antwoord"),
    *("gevraagdeBijlage", "documenten", "documentId", "bestandsnaam", "iets", "verzoekbijlages", "participatie"),
)
trees = st.recursive(
    st.tuples(st.sampled_from(NAMES), st.just(())),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, min_size=1, max_size=5).map(tuple)),
    max_leaves=25,
)


def _xml(tree: tuple[str, tuple[object, ...]], words: list[str]) -> str:
    """An element with a word of its own as text and one as attribute; `words` collects them."""
    name, inner = tree
    text, value = f"w{len(words)}w", f"w{len(words) + 1}w"
    words += [text, value]
    children = "".join(_xml(each, words) for each in inner)  # type: ignore[arg-type]
    return f'<{name} merk="{value}">{text}{children}</{name}>'


@given(st.lists(trees, max_size=6))
@settings(max_examples=150)
def test_every_text_and_attribute_of_any_document_comes_back_somewhere(
    found: list[tuple[str, tuple[object, ...]]],
) -> None:
    words: list[str] = []
    inner = "".join(_xml(each, words) for each in found)
    verzoek = read_verzoek(f"<verzoek><verzoeknummer>1</verzoeknummer>{inner}</verzoek>".encode())
    kept = json.dumps(as_json(verzoek))
    assert [word for word in words if word not in kept] == []

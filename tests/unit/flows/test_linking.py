"""What a person asks to link is judged line by line, and taken whole or not at all."""

import pytest
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, OIN

from digikoppelaar.adapters.memory.links import MemoryLinks
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.linking import Asked, Verdict, judged, link_all, read_links
from digikoppelaar.flows.ports import Aansluiting, CaseSystemSettings
from digikoppelaar.flows.ports.repair import CaseLink, KeptLink, Who
from digikoppelaar.flows.targets import flattened

WHO = Who("een beheerder", NOW)
ZAAK = "https://zaken.example/1"
LINK = CaseLink(AANSLUITING.id, NUMBER, "map", ZAAK)
TWO = flattened(
    [{"name": name, "kind": "webhook", "settings": {"url": "https://x.example"}} for name in ("one", "two")]
)
IN_PROD = Aansluiting(
    7, OIN, "Gemeente Voorbeeldstad", "stam", "prod", OIN, None, CaseSystemSettings(TWO.pop("kind"), TWO)
)


@pytest.mark.parametrize(
    "text",
    [
        f"verzoeknummer,zaak\n{NUMBER},{ZAAK}\n",
        f"\ufeffVerzoeknummer;Zaak\r\n {NUMBER} ;{ZAAK}\r\n;\r\n",
        f'zaak;verzoeknummer\n"{ZAAK}";{NUMBER}',
    ],
)
def test_a_file_is_read_with_either_separator_and_with_or_without_a_byte_order_mark(text: str) -> None:
    [line] = read_links(text.encode())
    assert (line.verzoeknummer, line.zaak, line.line) == (NUMBER, ZAAK, 2)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "verzoeknummer, zaak is missing"),
        (b"verzoeknummer;zaak;bsn\n", "unknown column bsn"),
        (b"verzoeknummer;zaak;zaak\n", "twice"),
        (b"verzoeknummer;zaak\n1;2;3\n", "line 2: 3 fields instead of 2"),
        (b'verzoeknummer;zaak\n1;"2\n', "not valid CSV"),
        (b"verzoeknummer;zaak\n1;\xe9\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_with_the_line(content: bytes, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_links(content)


def test_what_is_not_said_follows_when_there_is_one_possibility() -> None:
    [line] = judged([Asked(NUMBER, ZAAK)], [AANSLUITING], [], replace=False)
    assert (line.verdict, line.link) == (Verdict.NEW, LINK)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (Asked("../1", ZAAK), "letters, digits"),
        (Asked("", ZAAK), "verzoeknummer"),
        (Asked(NUMBER, ""), "zaak must be"),
        (Asked(NUMBER, "zaak van Jan"), "zaak must be"),
        (Asked(NUMBER, "z" * 1001), "zaak must be"),
        (Asked(NUMBER, ZAAK), "more aansluitingen"),
        (Asked(NUMBER, ZAAK, oin="00000099000000007000"), "no aansluiting stam"),
        (Asked(NUMBER, ZAAK, omgeving="prod"), "more targets"),
        (Asked(NUMBER, ZAAK, "three", omgeving="prod"), "no target three"),
    ],
)
def test_a_line_that_cannot_be_linked_says_why(asked: Asked, problem: str) -> None:
    [line] = judged([asked], [AANSLUITING, IN_PROD], [], replace=False)
    assert line.verdict is Verdict.REFUSED
    assert problem in line.problem
    assert line.advice


def test_a_line_is_held_against_what_is_on_record_and_against_earlier_lines() -> None:
    kept = [KeptLink(LINK, NOW, "een beheerder")]
    lines = [Asked(NUMBER, ZAAK), Asked(NUMBER, f"{ZAAK}0"), Asked("2", ZAAK), Asked("2", ZAAK), Asked("2", f"{ZAAK}0")]
    assert [each.verdict for each in judged(lines, [AANSLUITING], kept, replace=False)] == [
        Verdict.SAME,
        Verdict.REFUSED,
        Verdict.NEW,
        Verdict.NEW,
        Verdict.REFUSED,
    ]
    [line] = judged(lines[1:2], [AANSLUITING], kept, replace=True)
    assert line.verdict is Verdict.REPLACES


async def test_one_line_that_is_refused_keeps_all_others_out() -> None:
    store = MemoryLinks()
    good, bad = Asked(NUMBER, ZAAK), Asked("", ZAAK)
    assert await link_all(store, judged([good, bad], [AANSLUITING], [], replace=False), WHO, replace=False) == []
    assert await store.links() == []
    assert await link_all(store, judged([good], [AANSLUITING], [], replace=False), WHO, replace=False) == [LINK]

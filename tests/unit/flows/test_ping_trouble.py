"""Why no Pong came: each cause has its own word, advice and party."""

from dataclasses import replace

import pytest
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.flows.administration import PingResult
from digikoppelaar.flows.ping_trouble import trouble
from digikoppelaar.flows.reading import AttemptRow, Direction, MessagePage, MessageRow
from digikoppelaar.onboarding.model import Rol

RESULT = PingResult("a@b", pong=False, seconds=30, state="created", reason=None)
ROW = MessageRow(Direction.OUT, 1, 1, "pre", "", "", "cpa", "a@b", "c", None, "s", "Ping", "created", NOW)
PAGE = MessagePage(ROW, "dso", "https://dso.example/ebms", "text/xml", b"<a/>")


def tried(detail: str, status: int | None = None) -> MessagePage:
    running = AttemptRow(2, NOW, None, None, None, "")
    return replace(PAGE, attempts=(AttemptRow(1, NOW, NOW, "unreachable", status, detail), running))


CAUSES = [
    (PAGE, "not-sent", Rol.DIGIKOPPELAAR),
    (tried("dso.example: no connection: Connection refused"), "no-connection", Rol.DIGIKOPPELAAR),
    (tried("dso.example: no answer in time"), "no-connection", Rol.DIGIKOPPELAAR),
    (tried("dso.example: its certificate is not trusted: expired"), "their-certificate", Rol.DIGIKOPPELAAR),
    (tried("dso.example: TLS failed: TLSV1_ALERT_UNKNOWN_CA"), "our-certificate", Rol.DIGIKOPPELAAR),
    (tried("dso.example: it closed the connection without an answer"), "our-certificate", Rol.DIGIKOPPELAAR),
    (tried("", 403), "our-certificate", Rol.DIGIKOPPELAAR),
    (tried("Client: CPAId 'cpa' is not known here", 500), "cpa-unknown", Rol.AANSLUITTEAM),
    (tried("Server: busy", 500), "refused", Rol.AANSLUITTEAM),
    (tried("", 200), "no-pong", Rol.DIGIKOPPELAAR),
]


@pytest.mark.parametrize(("page", "code", "who"), CAUSES)
def test_each_cause_names_who_must_act(page: MessagePage, code: str, who: Rol) -> None:
    found = trouble(RESULT, page)
    assert (found.code, found.who) == (code, who)
    assert found.says.endswith(".")
    assert found.advice


def test_an_answer_that_is_an_error_says_whether_the_cpa_is_meant() -> None:
    refused = replace(RESULT, state="refused", reason="the answer is MessageError e@dso")
    assert trouble(refused, PAGE).code == "refused"
    about_cpa = replace(PAGE, message=replace(ROW, reason="ValueNotRecognized: CPAId"))
    assert trouble(refused, about_cpa).code == "cpa-unknown"

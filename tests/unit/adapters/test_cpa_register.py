"""The client of the CPA register, and the requests through it, against a register over TLS that knows who asks."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from tests.certificates import GEMEENTE, LEVERANCIER, Authority, Shape, trust_in
from tests.doubles.cpa_register import REGISTER, Register, problem
from tests.servers import server_tls, serving

from digikoppelaar.adapters.cpa_register import RestCpaRegister, register_for, register_sessions
from digikoppelaar.adapters.http_out import MtlsSessions, Timeouts
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.errands import MemoryErrands
from digikoppelaar.adapters.proxies import NO_PROXIES
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.tls import Identity, server_context
from digikoppelaar.errors import (
    ConfigError,
    CpaError,
    DigikoppelaarError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
)
from digikoppelaar.flows.cpa_request import CpaRequests, numbers_for
from digikoppelaar.flows.errand_states import ErrandState
from digikoppelaar.flows.ports import Aansluiting, DsoSettings
from digikoppelaar.onboarding.register import CpaRequest, MachtigingState, RegisterOrder, RequestState
from digikoppelaar.pki.certificate import Use

SANDBOX = Authority(sandbox=True)
ENDPOINT = "https://localhost/ebms"
AANSLUITING = Aansluiting(7, GEMEENTE, "Gemeente Voorbeeldstad", "stam", "sandbox-prod", LEVERANCIER, None, None)


@cache
def leaf(name: str = "localhost") -> bytes:
    return SANDBOX.issue(Shape(oin=LEVERANCIER, organisation="SANDBOX Leverancier", sandbox=True, names=(name,))).der


def order(certificate: bytes, endpoint: str = ENDPOINT) -> RegisterOrder:
    return RegisterOrder("357", "4046", GEMEENTE, endpoint, {Use.TLS_SERVER: (certificate, SANDBOX.tsp.der)})


def said(**other: object) -> dict[str, object]:
    """A request as the register tells of it, but for `other`."""
    numbers = {"id": 30, "specification": 357, "serverParticipant": 4046}
    named = {"oin": GEMEENTE, "endpoint": ENDPOINT, "certificaten": {"tls-server": ["MAA="]}, "status": "gevraagd"}
    return {**numbers, **named, **other}


@dataclass
class Place:
    """The register, and what is asked of it."""

    register: Register
    client: RestCpaRegister
    requests: CpaRequests
    records: MemoryErrands

    async def states(self) -> list[ErrandState]:
        """Of the errands on record."""
        return [each.state for each in await self.records.errands(AANSLUITING.id)]


@asynccontextmanager
async def opened(folder: Path, aansluiting: Aansluiting = AANSLUITING) -> AsyncIterator[Place]:
    shape = Shape(organisation="SANDBOX register", sandbox=True)
    register = Register(SANDBOX)
    client = SANDBOX.issue(replace(shape, oin=LEVERANCIER))
    clock = SystemClock()
    records = client.record(folder, Use.TLS_CLIENT, omgeving=AANSLUITING.omgeving, oin=LEVERANCIER)
    ring = Keyring(records, trust_in(SANDBOX.write_root(folder, "anchor"), clock, AANSLUITING.omgeving), clock)
    context = server_tls(folder, SANDBOX.issue(shape), SANDBOX)
    async with serving(register.app(), context) as port, MtlsSessions(ring, Timeouts(5, 5, 5)) as sessions:
        dso = DsoSettings("https://dso.test", "/api-key", register_url=f"https://localhost:{port}")
        asked_for = replace(aansluiting, dso=dso)
        client_of_it = register_for(sessions, asked_for, clock)
        errands = MemoryErrands()
        yield Place(register, client_of_it, CpaRequests(errands, client_of_it, asked_for, clock), errands)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path) as place:
        yield place


async def test_the_numbers_of_prod_are_those_of_the_procesbeschrijving_and_those_of_pre_are_looked_up(
    place: Place,
) -> None:
    assert await numbers_for(place.client, REGISTER, "sandbox-prod") == ("357", "4046")
    assert await numbers_for(place.client, REGISTER, "sandbox-pre") == ("41", "42")
    place.register.specifications.append(dict(place.register.specifications[0], id="43"))
    with pytest.raises(ConfigError, match=r"2 specifications of STAM in PRE; there are 41 .*43"):
        await numbers_for(place.client, REGISTER, "sandbox-pre")


async def test_who_takes_part_is_found_by_oin(place: Place) -> None:
    [dso] = await place.client.participants("00000099000000009100")
    assert (dso.id, dso.naam) == ("4046", "DSO-LV")
    assert await place.client.participants(GEMEENTE) == []


async def test_a_machtiging_is_asked_once_and_granted_by_another(place: Place) -> None:
    assert await place.requests.machtiging() is None
    for _ in range(2):
        assert (await place.requests.ask_machtiging()).state is MachtigingState.ASKED
    assert place.register.asked == 1
    place.register.grant(LEVERANCIER, GEMEENTE)
    found = await place.requests.machtiging()
    assert found
    assert (found.id, found.state) == ("2", MachtigingState.GRANTED)


async def test_nobody_needs_a_machtiging_for_itself(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(AANSLUITING, organisatie_oin=LEVERANCIER)) as place:
        found = await place.requests.machtiging()
        assert found
        assert found.state is MachtigingState.GRANTED


async def test_without_a_machtiging_no_cpa_is_asked_and_the_bevoegd_gezag_must_act(place: Place) -> None:
    with pytest.raises(ConfigError, match="is not there") as told:
        await place.requests.request(order(leaf()))
    assert f"bevoegd gezag ({GEMEENTE}) moet" in told.value.advice
    await place.requests.ask_machtiging()
    with pytest.raises(ConfigError, match="not granted"):
        await place.requests.request(order(leaf()))
    assert place.register.requests == []


async def test_a_register_that_tells_of_all_grants_nothing_for_another(place: Place) -> None:
    place.register.grant(LEVERANCIER, "00000099000000007777")
    place.register.instead = JSONResponse({"machtigingen": place.register.machtigingen})
    assert await place.requests.machtiging() is None
    with pytest.raises(ConfigError, match="is not there"):
        await place.requests.request(order(leaf()))


async def test_a_request_of_another_organisatie_is_neither_given_nor_made_again_nor_put_on_record(
    place: Place,
) -> None:
    neighbour = replace(order(leaf()), oin="00000099000000007777")
    place.register.grant(LEVERANCIER, neighbour.oin)
    theirs = await place.client.ask(neighbour)
    place.register.make(theirs.id)
    for ask in (place.requests.download, place.requests.follow, place.requests.look_up):
        with pytest.raises(ConfigError, match="is of 00000099000000007777"):
            await ask(theirs.id)
    with pytest.raises(ConfigError, match="is of 00000099000000007777"):
        await place.requests.regenerate(theirs.id, neighbour.certificates)
    assert (place.register.asked, await place.states()) == (1, [])


async def test_what_the_register_says_is_kept_and_shown_as_one_line(place: Place) -> None:
    told = json.dumps({"aanvragen": [said(reden="\x1b[2J\x00fout\n\ud800" + "x" * 999)]})
    place.register.instead = Response(told, media_type="application/json")
    [found] = await place.client.requests(GEMEENTE)
    assert (found.id, found.reason[:10], len(found.reason)) == ("30", "[2Jfout xx", 300)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (order(leaf(), "https://elders.example/ebms"), "elders.example is not in the server certificate"),
        (order(leaf(), "http://localhost/ebms"), "not an https URL"),
        (RegisterOrder("357", "4046", GEMEENTE, ENDPOINT, {}), "no certificate for tls-server"),
    ],
)
async def test_what_can_make_no_good_cpa_is_not_asked(place: Place, wrong: RegisterOrder, says: str) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    with pytest.raises(ConfigError, match=says):
        await place.requests.request(wrong)
    assert place.register.asked == 0


async def test_the_same_order_twice_is_one_request_that_is_followed_until_its_cpa_is_there(place: Place) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    asked = order(leaf())
    first, second = [await place.requests.request(asked) for _ in range(2)]
    assert first == second
    assert (first.state, first.order.certificates) == (RequestState.ASKED, asked.certificates)
    assert place.register.asked == 1
    with pytest.raises(ConfigError, match="is asked: wait"):
        await place.requests.download(first.id)
    made = place.register.make(first.id)
    found, document = await place.requests.download(first.id)
    assert document == made
    assert (found.state, found.cpa_id) == (RequestState.MADE, found.cpa_id)
    assert (await place.requests.request(asked)).cpa_id == found.cpa_id
    [errand] = await place.records.errands(AANSLUITING.id)
    assert errand.outcome == {"id": first.id, "state": "made", "cpa_id": found.cpa_id}


async def test_an_answer_that_was_lost_is_found_by_reading_back(place: Place) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    place.register.dies = True
    with pytest.raises(FacilityUnavailable):
        await place.requests.request(order(leaf()))
    assert await place.states() == [ErrandState.FAILED]
    assert (await place.requests.request(order(leaf()))).id == "30"
    assert (place.register.asked, await place.states()) == (1, [ErrandState.DONE])


async def test_what_was_refused_may_be_asked_again(place: Place) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    first = await place.requests.request(order(leaf()))
    place.register.requests[0] |= {"status": "geweigerd", "reden": "Onbekend OIN"}
    with pytest.raises(ConfigError, match="is refused: Onbekend OIN"):
        await place.requests.download(first.id)
    assert (await place.requests.request(order(leaf()))).id != first.id


async def test_a_request_of_another_organisatie_is_not_followed_fetched_or_made_again(place: Place) -> None:
    """The partij may see both at the register, and may have mistaken the number."""
    place.register.grant(LEVERANCIER, GEMEENTE)
    theirs = await place.requests.request(order(leaf()))
    place.register.make(theirs.id)
    on_record = await place.records.errands(AANSLUITING.id)
    ours = replace(AANSLUITING, id=AANSLUITING.id + 1, organisatie_oin=LEVERANCIER)
    requests = replace(place.requests, aansluiting=ours)
    for doing in (requests.follow(theirs.id), requests.download(theirs.id), requests.regenerate(theirs.id, {})):
        with pytest.raises(ConfigError, match=f"request {theirs.id} is of {GEMEENTE}, not of {LEVERANCIER}"):
            await doing
    assert place.register.asked == 1
    assert await place.records.errands(ours.id) == []
    assert await place.records.errands(AANSLUITING.id) == on_record


async def test_a_cpa_is_made_again_for_a_new_certificate_once(place: Place) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    old = await place.requests.request(order(leaf()))
    renewed = {Use.TLS_SERVER: (SANDBOX.issue(Shape(oin=LEVERANCIER, sandbox=True)).der,)}
    with pytest.raises(ConfigError, match="only a CPA that is in use"):
        await place.requests.regenerate(old.id, renewed)
    place.register.make(old.id)
    first, second = [await place.requests.regenerate(old.id, renewed) for _ in range(2)]
    assert first == second
    assert (first.replaces, first.order.certificates, place.register.asked) == (old.id, renewed, 2)
    place.register.make(first.id)
    assert (await place.requests.download(first.id))[0].state is RequestState.MADE
    assert (await place.requests.follow(old.id)).state is RequestState.REPLACED


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"endpoint": "https://elders.example/ebms"}, "another endpoint"),
        ({"certificaten": {"tls-server": ["MAA="]}}, "another certificates"),
        ({"oin": LEVERANCIER}, "no party"),
    ],
)
async def test_a_cpa_that_is_not_what_was_asked_is_not_given(place: Place, other: dict[str, object], says: str) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    asked = await place.requests.request(order(leaf()))
    place.register.make(asked.id, **other)
    with pytest.raises(CpaError, match=says):
        await place.requests.download(asked.id)


@pytest.mark.parametrize(
    ("answer", "kind", "says", "advice"),
    [
        (problem(403, "OIN is\nniet gemachtigd"), FacilityRefused, "answered 403", "zegt: OIN is niet gemachtigd"),
        (problem(401, ""), FacilityRefused, "certificate", "PKIoverheid-certificaat"),
        (problem(409, "Bestaat al"), FacilityError, "something else", "zegt: Bestaat al"),
        (problem(422, "x" * 1000), FacilityError, "does not accept", "x" * 300),
        (Response(b"{", 409, media_type="application/problem+json"), FacilityError, "409", "bekijk met"),
        (Response(status_code=500), FacilityUnavailable, "answered 500", "storingspagina"),
        (HTMLResponse("<html>Log in"), FacilityAnswerBroken, "with text/html", "inlogpagina"),
        (RedirectResponse("https://login.example"), FacilityAnswerBroken, "redirects", "onvolledig"),
        (JSONResponse([]), FacilityAnswerBroken, "not a JSON object", "--by-hand"),
        (JSONResponse({"anders": []}), FacilityAnswerBroken, "'aanvragen'", "--by-hand"),
        (JSONResponse({"aanvragen": [{"id": 3}]}), FacilityAnswerBroken, "'specification'", "--by-hand"),
        (JSONResponse({"aanvragen": 3}), FacilityAnswerBroken, "TypeError", "--by-hand"),
        (JSONResponse({"aanvragen": [said(certificaten=["MAA="])]}), FacilityAnswerBroken, "Attribute", "--by-hand"),
        (JSONResponse({"aanvragen": [said(certificaten={"sign": []})]}), FacilityAnswerBroken, "Value", "--by-hand"),
        (JSONResponse({"aanvragen": [said(certificaten={"sign": [3]})]}), FacilityAnswerBroken, "Type", "--by-hand"),
        (JSONResponse({"aanvragen": [said(endpoint={"url": 3})]}), FacilityAnswerBroken, "TypeError", "--by-hand"),
        (JSONResponse({"aanvragen": [said(status=["gemaakt"])]}), FacilityAnswerBroken, "TypeError", "--by-hand"),
        (problem(404, ""), FacilityNotFound, "answered 404", "`digikoppelaar cpa status`"),
    ],
)
async def test_an_answer_that_is_none_says_whose_fault_it_is_and_what_to_do(
    place: Place, answer: Response, kind: type[DigikoppelaarError], says: str, advice: str
) -> None:
    place.register.instead = answer
    with pytest.raises(FacilityError, match=says) as told:
        await place.client.requests(GEMEENTE)
    assert type(told.value) is kind
    assert advice in told.value.advice
    assert len(told.value.advice) < 700


async def test_a_state_that_the_profile_does_not_know_is_not_guessed(place: Place) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    place.register.machtigingen[0]["status"] = "opgeschort"
    with pytest.raises(FacilityAnswerBroken, match="opgeschort"):
        await place.requests.machtiging()


async def test_the_number_of_a_request_leads_nowhere_else(place: Place) -> None:
    with pytest.raises(FacilityNotFound):
        await place.client.request("../machtigingen?x=")


async def test_the_real_register_is_trusted_as_browsers_do_and_sees_the_certificate_of_the_partij(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, of_browsers = Authority("Privaat"), Authority("Publiek")
    client = ours.issue(Shape(oin=LEVERANCIER))
    records = client.record(tmp_path, Use.TLS_CLIENT, omgeving="prod", oin=LEVERANCIER)
    clock = SystemClock()
    ring = Keyring(records, trust_in(ours.write_root(tmp_path, "anchor"), clock, "prod"), clock)
    monkeypatch.setenv("SSL_CERT_FILE", str(of_browsers.write_root(tmp_path, "publiek")))
    register = Register(ours)
    for issuer, trusted in ((of_browsers, True), (ours, False)):
        server = Identity(*issuer.issue(Shape()).write(tmp_path, "server"))
        context = server_context(server, [ours.write_root(tmp_path)])
        async with serving(register.app(), context) as port, register_sessions(ring, "prod", NO_PROXIES) as sessions:
            dso = DsoSettings("https://dso.test", "/api-key", register_url=f"https://localhost:{port}")
            client_of_it = register_for(sessions, replace(AANSLUITING, omgeving="prod", dso=dso), clock)
            if trusted:
                assert len(await client_of_it.specifications()) == 2
            else:
                with pytest.raises(FacilityUnavailable, match="not trusted"):
                    await client_of_it.specifications()


def test_a_sandbox_never_asks_the_real_register() -> None:
    with pytest.raises(ConfigError, match="names no CPA register"):
        register_for(MtlsSessions(None), AANSLUITING, SystemClock())  # type: ignore[arg-type]


def test_a_request_that_is_replaced_or_refused_does_not_count() -> None:
    made = CpaRequest("1", order(b"x"), RequestState.MADE)
    assert made.counts
    assert not replace(made, state=RequestState.REPLACED).counts

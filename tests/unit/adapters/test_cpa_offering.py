"""Offering a CPA to DSO-LV over TLS, and reading back what it accepted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse, Response
from tests.certificates import GEMEENTE, LEVERANCIER, Authority, Shape, trust_in
from tests.doubles.cpa_register import OFFERING, Offering, problem
from tests.servers import server_tls, serving
from tests.unit.ebms.cpas import CPA_ID, cpa_document

from digikoppelaar.adapters.cpa_offering import offering_for
from digikoppelaar.adapters.http_out import MtlsSessions, Timeouts
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.errands import MemoryErrands
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import ConfigError, FacilityAnswerBroken, FacilityError, FacilityRefused, FacilityUnavailable
from digikoppelaar.flows.cpa_offer import Offered, offer, offered
from digikoppelaar.flows.errand_states import ErrandState
from digikoppelaar.flows.ports import Aansluiting, DsoSettings
from digikoppelaar.flows.ports.register import CpaOffering
from digikoppelaar.pki.certificate import Use

SANDBOX = Authority(sandbox=True)
CPA = cpa_document().encode()
LONGER = cpa_document().replace("2027-01-01", "2029-01-01").encode()
CLOCK = SystemClock()


@dataclass
class Place:
    """DSO-LV, and how it is spoken to."""

    dso: Offering
    client: CpaOffering
    aansluiting: Aansluiting
    records: MemoryErrands

    async def offer(self, document: bytes = CPA) -> Offered:
        """Offer it."""
        return await offer(self.records, self.client, self.aansluiting, CPA_ID, document, CLOCK)

    async def states(self) -> list[ErrandState]:
        """Of the errands on record."""
        return [each.state for each in await self.records.errands(self.aansluiting.id)]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    shape = Shape(organisation="SANDBOX DSO-LV", sandbox=True)
    client = SANDBOX.issue(replace(shape, oin=LEVERANCIER))
    records = client.record(tmp_path, Use.TLS_CLIENT, omgeving="sandbox-pre", oin=LEVERANCIER)
    ring = Keyring(records, trust_in(SANDBOX.write_root(tmp_path, "anchor"), CLOCK, "sandbox-pre"), CLOCK)
    (tmp_path / "api-key").write_text("geheime-sleutel\n")
    dso = Offering()
    context = server_tls(tmp_path, SANDBOX.issue(shape), SANDBOX)
    async with serving(dso.app(), context) as port, MtlsSessions(ring, Timeouts(5, 5, 5)) as sessions:
        settings = DsoSettings("https://dso.test", str(tmp_path / "api-key"), offering_url=f"https://localhost:{port}/")
        aansluiting = Aansluiting(7, GEMEENTE, "Voorbeeldstad", "stam", "sandbox-pre", LEVERANCIER, settings, None)
        yield Place(dso, await offering_for(sessions, aansluiting, CLOCK), aansluiting, MemoryErrands())


async def test_a_cpa_is_offered_once_octet_for_octet_and_read_back(place: Place) -> None:
    assert (await offered(place.client, CPA_ID, CPA)).sha256 is None
    first, second = [await place.offer() for _ in range(2)]
    assert first == second
    assert first.same
    assert (place.dso.taken, place.dso.asked) == ({CPA_ID: CPA}, 1)
    [errand] = await place.records.errands(7)
    assert (errand.state, errand.outcome) == (
        ErrandState.DONE,
        {"cpa_id": CPA_ID, "accepted_sha256": first.sha256},
    )


async def test_it_goes_with_the_oin_of_the_organisatie_and_the_api_key(place: Place) -> None:
    await place.offer()
    [headers] = place.dso.headers
    assert (headers[OFFERING.oin_header], headers[OFFERING.api_key_header]) == (GEMEENTE, "geheime-sleutel")
    assert headers["content-type"] == "application/xml"


async def test_an_answer_that_was_lost_is_found_by_reading_back(place: Place) -> None:
    place.dso.dies = True
    with pytest.raises(FacilityUnavailable):
        await place.offer()
    assert await place.states() == [ErrandState.FAILED]
    assert (await place.offer()).same
    assert (place.dso.asked, await place.states()) == (1, [ErrandState.DONE])


async def test_another_cpa_under_this_cpa_id_is_told_with_its_differences_and_nothing_is_offered(place: Place) -> None:
    place.dso.taken[CPA_ID] = LONGER
    found = await offered(place.client, CPA_ID, CPA)
    assert not found.same
    assert [(each.what, each.before, each.after) for each in found.differences] == [("end", "2027-01-01", "2029-01-01")]
    with pytest.raises(FacilityError, match=r"has another CPA under .*: end differ") as told:
        await place.offer()
    assert "cpa offered" in told.value.advice
    assert (place.dso.asked, await place.states()) == (0, [ErrandState.FAILED])


async def test_the_same_cpa_written_otherwise_is_the_same(place: Place) -> None:
    place.dso.taken[CPA_ID] = CPA.replace(b"?>", b"?>\n<!-- DSO-LV -->\n", 1)
    assert (await place.offer()).same
    assert place.dso.asked == 0


@pytest.mark.parametrize(
    ("answer", "kind", "says", "advice"),
    [
        (problem(403, "Geen OIN"), FacilityRefused, f"{LEVERANCIER} may not offer", "zegt: Geen OIN"),
        (problem(401, ""), FacilityRefused, "refused", "certificate check"),
        (problem(409, ""), FacilityError, "something else under this name", "eigen CPAId"),
        (problem(422, "Verlopen certificaat"), FacilityError, "does not accept", "zegt: Verlopen certificaat"),
        (Response(status_code=500), FacilityUnavailable, "answered 500", "storingspagina"),
        (HTMLResponse("<html>Log in", 200), FacilityAnswerBroken, "does not have it", "aansluitteam"),
    ],
)
async def test_a_refusal_says_who_must_do_what_and_nothing_is_done(
    place: Place, answer: Response, kind: type[FacilityError], says: str, advice: str
) -> None:
    place.dso.instead = answer
    with pytest.raises(FacilityError, match=says) as told:
        await place.offer()
    assert type(told.value) is kind
    assert advice in told.value.advice
    assert await place.states() == [ErrandState.FAILED]


async def test_a_sandbox_never_offers_to_the_real_dso(place: Place) -> None:
    assert place.aansluiting.dso
    nowhere = replace(place.aansluiting, dso=replace(place.aansluiting.dso, offering_url=""))
    with pytest.raises(ConfigError, match="does not say where"):
        await offering_for(MtlsSessions(None), nowhere, CLOCK)  # type: ignore[arg-type]

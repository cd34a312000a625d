"""From nothing to a notification: machtiging, CPA, mandate, API key, offering, with the gateway's clients."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from tests.certificates import Authority, Shape
from tests.unit.sandbox.gateway import CLOCK, COUNTRY, DIENST, EAST
from tests.unit.sandbox.onboarding.newcomer import Newcomer, chain, newcomer_in

from digikoppelaar.ebms.cpa import cpa_names
from digikoppelaar.errors import (
    ConfigError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
)
from digikoppelaar.onboarding.register import MachtigingState, RequestState
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox import pki
from digikoppelaar.sandbox.folder import GEMEENTE, LEVERANCIER, open_folder
from digikoppelaar.sandbox.onboarding.aansluitteam import AANSLUITACTIVITEIT


def self_signed() -> bytes:
    """A certificate of the leverancier that nobody vouches for."""
    return Authority(sandbox=True).issue(Shape(oin=LEVERANCIER.oin, organisation="SANDBOX", sandbox=True)).der


STRANGER = pki.Holder("vreemde", "Andere leverancier", "00000099000000004000")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One PKI for all tests here: making keys is what takes the time."""
    made = tmp_path_factory.mktemp("keys")
    open_folder(made, CLOCK.now(), "127.0.0.1")
    return made


@pytest.fixture
async def newcomer(keys: Path, tmp_path: Path) -> AsyncIterator[Newcomer]:
    shutil.copytree(keys / "pki", tmp_path / "pki")
    async with newcomer_in(tmp_path) as newcomer:
        yield newcomer


@pytest.fixture
async def in_prod(keys: Path, tmp_path: Path) -> AsyncIterator[Newcomer]:
    shutil.copytree(keys / "pki", tmp_path / "pki")
    async with newcomer_in(tmp_path, "sandbox-prod") as newcomer:
        yield newcomer


async def acknowledged(newcomer: Newcomer, nummer: str) -> None:
    async with asyncio.timeout(60):
        while not (await newcomer.manage("GET", f"/verzoeken/{nummer}?files=false"))[1]["acknowledged"]:
            await asyncio.sleep(0.02)


async def test_who_is_not_connected_is_known_and_told_nothing(newcomer: Newcomer) -> None:
    [known] = (await newcomer.manage("GET", "/organisaties"))[1]
    assert known["oin"] == GEMEENTE.oin
    [verzoek] = await newcomer.done("/verzoeken", {})
    assert (verzoek["bevoegd_gezag"], verzoek["versions"][0]["notifications"]) == (GEMEENTE.oin, [])
    assert not (newcomer.folder / "cpa.xml").exists()
    assert not (newcomer.folder / "api-key").exists()
    assert "[[machtiging]]" not in (newcomer.folder / "organisatie.toml").read_text()


async def test_from_nothing_to_a_notification_without_a_rule_that_is_broken(newcomer: Newcomer) -> None:
    assert (await newcomer.requests.ask_machtiging()).state is MachtigingState.ASKED
    [asked] = (await newcomer.manage("GET", "/register/machtigingen"))[1]
    await newcomer.done(f"/register/machtigingen/{asked['id']}/verlenen")
    _, cpa = await newcomer.made()
    await newcomer.mandate()
    await newcomer.key()
    for _ in range(2):
        assert (await newcomer.offer(cpa)).same
    newcomer.imported(cpa)
    [verzoek] = await newcomer.done("/verzoeken", {})
    await acknowledged(newcomer, verzoek["verzoeknummer"])
    assert newcomer.gateway.notified == [verzoek["verzoeknummer"]]
    assert (await newcomer.manage("GET", "/refusals"))[1] == []
    everything = (await newcomer.manage("GET", "/aansluitteam"))[1]
    assert everything["aangesloten"] == {GEMEENTE.oin: [cpa_names(cpa).cpa_id]}


async def test_the_register_makes_nothing_without_a_machtiging_and_shows_a_stranger_nothing(newcomer: Newcomer) -> None:
    order = await newcomer.order()
    with pytest.raises(FacilityRefused) as told:
        await newcomer.register.ask(order)
    assert f"OIN {LEVERANCIER.oin} is niet gemachtigd" in told.value.advice
    request_id, _ = await newcomer.made()
    async with newcomer.as_other(STRANGER) as stranger:
        assert await stranger.register.requests(GEMEENTE.oin) == []
        assert await stranger.register.machtigingen(LEVERANCIER.oin, GEMEENTE.oin) == []
        for asked in (stranger.register.request(request_id), stranger.register.document(request_id)):
            with pytest.raises(FacilityNotFound):
                await asked
        with pytest.raises(FacilityRefused):
            await stranger.register.ask_machtiging(LEVERANCIER.oin, GEMEENTE.oin)
        with pytest.raises(FacilityNotFound):
            await stranger.register.regenerate(request_id, newcomer.certificates())


async def test_a_machtiging_that_is_withdrawn_or_refused_counts_no_more(newcomer: Newcomer) -> None:
    await newcomer.grant()
    await newcomer.grant()
    [granted] = (await newcomer.manage("GET", "/register/machtigingen"))[1]
    await newcomer.done(f"/register/machtigingen/{granted['id']}/intrekken")
    with pytest.raises(FacilityRefused):
        await newcomer.register.ask(await newcomer.order())
    again = await newcomer.register.ask_machtiging(LEVERANCIER.oin, GEMEENTE.oin)
    assert again.id != granted["id"]
    await newcomer.done(f"/register/machtigingen/{again.id}/weigeren")
    assert (await newcomer.manage("POST", f"/register/machtigingen/{again.id}/verlenen"))[0] == 400


async def test_the_same_twice_is_one_request_and_one_cpa(newcomer: Newcomer) -> None:
    await newcomer.grant()
    order = await newcomer.order()
    first, again = [await newcomer.register.ask(order) for _ in range(2)]
    assert first == again
    for _ in range(2):
        await newcomer.done(f"/register/aanvragen/{first.id}/goedkeuren")
    made = (await newcomer.register.ask(order)).cpa_id
    assert made == cpa_names(await newcomer.register.document(first.id)).cpa_id
    status, said = await newcomer.manage("POST", f"/register/aanvragen/{first.id}/weigeren", {"reden": "te laat"})
    assert (status, said["error"]) == (400, "weigeren is not possible when it is made")


async def test_a_new_certificate_replaces_the_cpa_once_the_new_one_is_made(newcomer: Newcomer, keys: Path) -> None:
    old, cpa = await newcomer.made()
    other = replace(LEVERANCIER, file_name="nieuw")
    tls = chain(pki.issue(pki.make_pki(keys / "pki", CLOCK.now()), other, pki.TLS, CLOCK.now()).certificate)
    order = await newcomer.order(tls_server=tls, tls_client=tls)
    asked = await newcomer.requests.regenerate(old, order.certificates)
    assert (await newcomer.register.request(old)).state is RequestState.MADE
    await newcomer.done(f"/register/aanvragen/{asked.id}/goedkeuren")
    assert (await newcomer.register.request(old)).state is RequestState.REPLACED
    assert (await newcomer.requests.download(asked.id))[1] != cpa
    assert (await newcomer.requests.regenerate(old, order.certificates)).id == asked.id


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("other-oin", f"is van OIN {STRANGER.oin}"),
        ("expired", "is verlopen op"),
        ("self-signed", "niet vertrouwd"),
        ("missing-intermediate", "niet vertrouwd"),
        ("endpoint-not-in-san", "host in het certificaat"),
    ],
)
async def test_a_certificate_that_is_not_good_gives_no_cpa(
    newcomer: Newcomer, keys: Path, wrong: str, says: str
) -> None:
    await newcomer.grant()
    authorities = pki.make_pki(keys / "pki", CLOCK.now())
    tls, endpoint = newcomer.certificates()[Use.TLS_SERVER], ""
    match wrong:
        case "other-oin":
            tls = chain(pki.issue(authorities, STRANGER, pki.TLS, CLOCK.now()).certificate)
        case "expired":
            holder = replace(LEVERANCIER, file_name="verlopen")
            tls = chain(pki.issue(authorities, holder, pki.TLS, CLOCK.now() - timedelta(days=1500)).certificate)
        case "self-signed":
            tls = (self_signed(),)
        case "missing-intermediate":
            tls = tls[:1]
        case "endpoint-not-in-san":
            endpoint = "https://elders.example/ebms"
    order = await newcomer.order(endpoint, tls_server=tls)
    with pytest.raises(FacilityError) as told:
        await newcomer.register.ask(order)
    assert says in told.value.advice
    assert (await newcomer.manage("GET", "/register/aanvragen"))[1] == []
    assert (await newcomer.manage("GET", "/refusals"))[1][-1]["channel"] == "register"


async def test_a_caller_with_an_expired_certificate_does_not_even_get_in(newcomer: Newcomer) -> None:
    expired = pki.Holder("oud", "Verlopen", LEVERANCIER.oin)
    async with newcomer.as_other(expired, CLOCK.now() - timedelta(days=1500)) as late:
        with pytest.raises((FacilityUnavailable, ConfigError)):
            await late.register.specifications()


async def test_only_specifications_that_are_there_and_of_this_omgeving_can_be_asked(newcomer: Newcomer) -> None:
    await newcomer.grant()
    order = await newcomer.order()
    for numbers, says in ((("357", "4046"), "van PROD"), (("1", "2"), "is er niet")):
        with pytest.raises(FacilityError) as told:
            await newcomer.register.ask(replace(order, specification=numbers[0], server_participant=numbers[1]))
        assert says in told.value.advice
    [dso, _] = await newcomer.register.participants(newcomer.gateway.ready.dso_oin)
    assert (dso.id, (await newcomer.register.participants(GEMEENTE.oin))[0].naam) == ("94046", GEMEENTE.name)


async def test_dso_takes_no_cpa_without_mandate_or_key(newcomer: Newcomer) -> None:
    _, cpa = await newcomer.made()
    key = await newcomer.key()
    with pytest.raises(FacilityRefused) as told:
        await newcomer.offer(cpa)
    assert "heeft geen mandaat" in told.value.advice
    await newcomer.mandate()
    assert (await newcomer.manage("DELETE", f"/portaal/api-keys/{key}"))[0] == 204
    for refused in ({}, {"omgeving": "PROD"}, {"dagen": -1}, {"oin": STRANGER.oin}):
        if refused:
            await newcomer.key(**refused)
        with pytest.raises(FacilityRefused) as told:
            await newcomer.offer(cpa)
        assert "geldige API-key" in told.value.advice
    await newcomer.key()
    assert (await newcomer.offer(cpa)).same
    assert (await newcomer.manage("DELETE", f"/aansluitteam/mandateringen/{LEVERANCIER.oin}/{GEMEENTE.oin}"))[0] == 204
    with pytest.raises(FacilityRefused):
        await newcomer.offer(cpa)


async def test_dso_takes_only_cpas_of_its_own_omgeving_that_were_not_altered(newcomer: Newcomer) -> None:
    _, cpa = await newcomer.made()
    await newcomer.mandate()
    await newcomer.key()
    dso = await newcomer.dso()
    altered = {
        "andere omgeving": cpa.replace(newcomer.gateway.ready.ebms_url.encode(), b"https://localhost:1/ebms"),
        "niet tussen DSO-LV en OIN": cpa.replace(GEMEENTE.oin.encode(), STRANGER.oin.encode()),
        "host elders.example": cpa.replace(newcomer.gateway.endpoint.encode(), b"https://elders.example/ebms"),
        "": b"<html>",
    }
    for says, document in altered.items():
        with pytest.raises(FacilityError) as told:
            await dso.offer(document)
        assert says in told.value.advice
    assert (await newcomer.manage("GET", "/aansluitteam"))[1]["aangesloten"] == {GEMEENTE.oin: []}
    assert (await newcomer.offer(cpa)).same
    with pytest.raises(FacilityError) as told:
        await dso.offer(cpa.replace(b"<?xml", b"<?xml", 1) + b"\n")
    assert "al een andere CPA" in told.value.advice
    async with newcomer.as_other(STRANGER) as stranger:
        with pytest.raises(FacilityRefused):
            await (await stranger.dso()).accepted(cpa_names(cpa).cpa_id)


async def test_prod_comes_after_pre(in_prod: Newcomer) -> None:
    asked = await in_prod.order()
    assert (asked.specification, asked.server_participant) == ("357", "4046")
    _, cpa = await in_prod.made()
    await in_prod.mandate()
    await in_prod.key()
    with pytest.raises(FacilityRefused) as told:
        await in_prod.offer(cpa)
    assert "PRE is voor OIN" in told.value.advice
    await in_prod.done("/aansluitteam/pre-compleet", {"oin": GEMEENTE.oin, "compleet": True})
    assert (await in_prod.offer(cpa)).same


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "answer", "status": 403}, FacilityRefused),
        ({"kind": "answer", "status": 409}, FacilityError),
        ({"kind": "answer", "status": 500}, FacilityUnavailable),
        ({"kind": "html"}, FacilityAnswerBroken),
        ({"kind": "cut"}, FacilityAnswerBroken),
    ],
)
async def test_faults_strike_the_register_and_the_offering(
    newcomer: Newcomer, fault: dict[str, object], kind: type[FacilityError]
) -> None:
    _, cpa = await newcomer.made()
    await newcomer.mandate()
    await newcomer.key()
    for target in ("register", "offering"):
        await newcomer.done("/faults", {"target": target, **fault})
    with pytest.raises(kind):
        await newcomer.register.requests(GEMEENTE.oin)
    with pytest.raises(kind):
        await newcomer.offer(cpa)
    await newcomer.manage("DELETE", "/faults")
    assert (await newcomer.offer(cpa)).same


async def test_koop_gives_a_user_name_on_request_and_lets_a_partij_publish(newcomer: Newcomer) -> None:
    ready = newcomer.gateway.ready
    address = next(iter(ready.koop_3pas_urls.values()))
    context = ssl.create_default_context(cafile=ready.trust_anchor_file)

    async def status(*login: str) -> int:
        headers = {"authorization": aiohttp.encode_basic_auth(*login)} if login else {}
        async with newcomer.http.post(address, data=b"<x/>", headers=headers, ssl=context) as answer:
            return answer.status

    assert await status("sandbox-leverancier", "") == 401
    given, again = [await newcomer.done("/koop/gebruikersnaam") for _ in range(2)]
    assert given == again
    assert await status() == 401
    assert await status(given["gebruikersnaam"], given["wachtwoord"]) == 500  # it is no message
    pair = {"partij": LEVERANCIER.oin, "organisatie": GEMEENTE.oin}
    assert await newcomer.done("/koop/machtigingen", pair) == pair
    status_of_another, _ = await newcomer.manage("POST", "/koop/machtigingen", {**pair, "organisatie": STRANGER.oin})
    assert status_of_another == 400


async def test_the_aansluitteam_says_what_it_found_and_sends_the_aansluitactiviteit_elsewhere(
    keys: Path, tmp_path: Path
) -> None:
    shutil.copytree(keys / "pki", tmp_path / "pki")
    async with newcomer_in(tmp_path, organisaties=COUNTRY) as here:
        pair = {"partij": LEVERANCIER.oin, "organisatie": EAST}
        said = await here.done("/aansluitteam/mandateringen", {"mandateringen": [pair]})
        assert said["mandateringen"] == [pair]
        said = await here.done("/aansluitteam/routeringen", {"gemeente": EAST, "behandeldienst": DIENST})
        assert {"gemeente": EAST, "behandeldienst": DIENST, "activiteiten": [AANSLUITACTIVITEIT]} in said["routeringen"]
        wish = {"activiteiten": [{"naam": AANSLUITACTIVITEIT}], "oin": EAST, "soort": "informatie"}
        [verzoek] = await here.done("/verzoeken", wish)
        assert (verzoek["bevoegd_gezag"], verzoek["behandeldienst"]) == (EAST, DIENST)
        verdict = {"oin": EAST, "stap": "3.7", "goedgekeurd": False, "door": "Jo"}
        assert (await here.manage("POST", "/aansluitteam/oordelen", verdict))[0] == 400, "a refusal has a reason"
        await here.done("/aansluitteam/oordelen", {**verdict, "reden": "Het bewijs ontbreekt."})
        [told] = (await here.manage("GET", "/aansluitteam"))[1]["oordelen"]
        assert (told["goedgekeurd"], told["reden"]) == (False, "Het bewijs ontbreekt.")
        unknown = {"mandateringen": [pair, {**pair, "organisatie": STRANGER.oin}]}
        assert (await here.manage("POST", "/aansluitteam/mandateringen", unknown))[0] == 400

"""What servers do that a delivery must know: tokens, coordinates, refusals, busy times (zgw.md 1.1 to 1.3)."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from tests.doubles.zgw.access import SECRET
from tests.doubles.zgw.world import Quirks
from tests.servers import serving
from tests.unit.adapters.casesystems.zgw.sample import BSN, NOW, World, settings, world

from digikoppelaar.adapters.casesystems.http import Answer, CaseSystemHttp
from digikoppelaar.adapters.casesystems.http import Call as Sent
from digikoppelaar.adapters.casesystems.zgw.auth import Tokens, _token_call, signed
from digikoppelaar.adapters.casesystems.zgw.client import CRS, Zgw, id_of, name_of
from digikoppelaar.adapters.casesystems.zgw.problems import refused
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.intake_states import Park, Retry, retry_plan
from digikoppelaar.stam.model import Persoon

OAUTH2 = {"auth": "oauth2"}


class Listening(CaseSystemHttp):
    """Keeps the headers of what goes out."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []

    async def send(self, call: Sent, take: object = None) -> Answer:
        """See CaseSystemHttp."""
        self.sent.append(call)
        return await super().send(call, take)  # type: ignore[arg-type]


async def listened(here: World) -> list[Sent]:
    """Every call of one delivery."""
    async with Listening() as http:
        here.http = http
        await here.deliver(await here.handover())
        return http.sent


async def test_a_list_that_never_ends_is_left(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = {"results": [{}] * 2500, "next": "https://zgw.example.org/x"}
        await JSONResponse(body)(scope, receive, send)

    async with serving(app) as port, CaseSystemHttp() as http:
        url = f"http://127.0.0.1:{port}/zaken"
        zgw = Zgw(settings(secret_file=str(tmp_path / "secret")), http, Tokens(), SystemClock())
        with pytest.raises(CaseSystemError, match="more than 10000"):
            await zgw.list(url, {})


async def test_a_document_that_is_read_back_gets_the_time_that_its_size_needs(tmp_path: Path) -> None:
    async with world(tmp_path, verify="sha256") as here:
        sent = await listened(here)
    asked = [call for call in sent if call.method == "GET"]
    downloads = {call.timeout for call in asked if call.url.endswith("/download")}
    others = {call.timeout for call in asked if not call.url.endswith("/download")}
    assert max(downloads) > max(others)


async def test_secrets_are_in_no_text_that_python_makes(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        sent = await listened(here)
    assert "Bearer" not in repr(sent)
    assert repr(Tokens({("x",): ("geheim", NOW)})) == "Tokens(_making={})"


# --- who we are


async def test_every_call_has_a_token_and_those_to_zaken_the_crs(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        sent = await listened(here)
    assert all(call.headers["Authorization"].startswith("Bearer ") for call in sent)
    to_zaken = [call for call in sent if "/zaken/api/" in call.url]
    assert {(call.headers.get("Accept-Crs"), call.headers.get("Content-Crs")) for call in to_zaken} == {(CRS, CRS)}
    changes = [call for call in sent if call.method != "GET"]
    assert {call.headers["X-Audit-Toelichting"] for call in changes} == {"DSO-verzoek 2026060200019-0"}


def test_the_jwt_says_who_we_are_and_when() -> None:
    found = jwt.decode(
        signed(settings(user_id="u", user_representation="U"), SECRET, NOW), options={"verify_signature": False}
    )
    assert found == {
        "iss": "x",
        "iat": int(NOW.timestamp()),
        "client_id": "x",
        "user_id": "u",
        "user_representation": "U",
    }


def test_a_short_secret_of_the_case_system_is_used_as_it_is() -> None:
    assert signed(settings(), "short", NOW).count(".") == 2


async def test_a_token_is_never_older_than_an_hour(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        url = await here.deliver(await here.handover())
        here.clock.moment += timedelta(minutes=61)
        here.records.clear()
        assert await here.deliver(await here.handover()) == url
        assert not [call for call in here.double.calls if call.status == 403]


async def test_a_secret_that_is_replaced_counts_at_once_when_the_old_one_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.preview(await here.handover())
        here.double.access.secret = "another secret of the tests, just as long"
        Path(here.values["secret_file"]).write_text(here.double.access.secret)
        await here.deliver(await here.handover())
        assert len(here.double.zaken) == 1


async def test_a_wrong_secret_waits_for_a_person_and_is_not_told(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        Path(here.values["secret_file"]).write_text("wrong but long enough to be one, this secret")
        with pytest.raises(CaseSystemRefused, match="403") as told:
            await here.deliver(await here.handover())
        assert "secret_file" in told.value.advice
        assert "wrong but" not in str(told.value)
        assert retry_plan(told.value, 1) == Park()


async def test_an_absent_secret_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, secret_file=str(tmp_path / "no-such")) as here:
        with pytest.raises(ConfigError, match="no-such"):
            await here.deliver(await here.handover())


@pytest.mark.parametrize("way", ["basic", "post"])
async def test_oauth2_asks_for_a_token_once_and_again_when_it_ends(tmp_path: Path, way: str) -> None:
    async with world(tmp_path, quirks=Quirks(only_oauth2=True)) as here:
        here.values = {**here.values, **OAUTH2, "token_url": here.double.addresses["token"], "token_auth": way}
        url = await here.deliver(await here.handover())
        assert len(here.double.called("POST token")) == 1
        here.double.access.end_tokens()
        here.records.clear()
        assert await here.deliver(await here.handover()) == url
        assert len(here.double.called("POST token")) == 2
        here.clock.moment += timedelta(minutes=61)
        here.records.clear()
        before = len([call for call in here.double.calls if call.status == 401])
        assert await here.deliver(await here.handover()) == url
        assert len([call for call in here.double.calls if call.status == 401]) == before


async def test_a_token_server_that_refuses_waits_for_a_person_and_one_that_is_away_does_not(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=Quirks(only_oauth2=True)) as here:
        here.values = {**here.values, **OAUTH2, "token_url": here.double.addresses["token"]}
        here.double.access.secret = "no longer ours"
        with pytest.raises(CaseSystemRefused, match="token server answered 401") as told:
            await here.deliver(await here.handover())
        assert "token_url" in told.value.advice
        here.double.fail("POST token", status=503, retry_after=7)
        with pytest.raises(CaseSystemError, match="503") as later:
            await here.deliver(await here.handover())
        assert later.value.retry_after == 7


def test_credentials_for_the_token_server_are_encoded_each() -> None:
    call = _token_call(settings(auth="oauth2", token_url="https://t", client_id="a:b", scope="z"), "s p:€")
    assert base64.b64decode(call.headers["Authorization"].removeprefix("Basic ")) == b"a%3Ab:s+p%3A%E2%82%AC"
    assert call.body == b"grant_type=client_credentials&scope=z"


# --- refusals


async def test_a_server_that_is_busy_says_when_to_come_back(tmp_path: Path) -> None:
    for status in (429, 503):
        async with world(tmp_path) as here:
            here.double.fail("POST zaken/rollen", status=status, retry_after=120)
            with pytest.raises(CaseSystemError) as later:
                await here.deliver(await here.handover())
            assert retry_plan(later.value, 1) == Retry(120)
            await here.deliver(await here.handover())
            assert len(here.double.zaken) == 1


@pytest.mark.parametrize("status", [500, 502, 504, 409])
async def test_a_fault_of_the_server_is_tried_again(tmp_path: Path, status: int) -> None:
    async with world(tmp_path, checked=False) as here:
        here.double.fail("POST documenten/*", status=status)
        with pytest.raises(CaseSystemError):
            await here.deliver(await here.handover())
        await here.deliver(await here.handover())
        assert len(here.double.zaken[0].documenten) == 5


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "keurt de gegevens af"),
        (401, "herkent ons niet"),
        (403, "scopes"),
        (404, "adres bestaat niet"),
        (406, "EPSG:4326"),
        (412, "Accept-Crs"),
        (413, "parts_above_mb"),
    ],
)
async def test_a_refusal_waits_for_a_person_with_what_to_do(tmp_path: Path, status: int, advice: str) -> None:
    async with world(tmp_path, checked=False) as here:
        here.double.fail("POST zaken/zaken", status=status, times=None)
        with pytest.raises(CaseSystemRefused, match=f"POST zaken: the case system answered {status}") as told:
            await here.deliver(await here.handover())
        assert advice in told.value.advice


def test_a_wrong_field_is_named_and_its_value_is_not() -> None:
    wrong = {"code": "invalid", "invalidParams": [
        {"name": "betrokkeneIdentificatie.inpBsn", "code": "invalid", "reason": f"{BSN} is onjuist"},
        {"name": f"Meneer {BSN}", "code": "Jansen is te lang"},
    ]}  # fmt: skip
    told = refused("POST rollen", 400, json.dumps(wrong).encode())
    assert str(told) == "POST rollen: the case system answered 400 (betrokkeneIdentificatie.inpBsn: invalid, ?: ?)"
    assert told.about("betrokkeneIdentificatie")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"invalidParams": 3}', b'{"invalidParams": ["x"]}', b"\xff"])
def test_a_refusal_that_is_no_problem_json_says_nothing(body: bytes) -> None:
    assert str(refused("POST zaken", 400, body)) == "POST zaken: the case system answered 400 (?)"


async def test_nine_zeros_never_reach_a_server_that_would_take_them(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        nobody = Persoon("natuurlijk", bsn="000000000", achternaam="Voorbeeld")
        await here.deliver(await here.handover(initiatiefnemer=nobody, gemachtigde=None, contactpersoon=None))
        (rol,) = here.double.zaken[0].rollen
        assert rol["betrokkeneIdentificatie"] == {"geslachtsnaam": "Voorbeeld"}


async def test_a_server_that_refuses_a_second_eigenschap_gets_none(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=Quirks(unique_eigenschap=True, warn_eigenschap=True)) as here:
        await here.deliver(await here.handover())
        here.records.clear()
        await here.deliver(await here.handover(naam="Een andere naam"))
        assert here.double.zaken[0].eigenschappen["projectnaam"] == ["Een andere naam"]


async def test_a_text_is_cut_to_a_length_that_the_server_does_not_check(tmp_path: Path) -> None:
    async with world(tmp_path, **{"veld.toelichting": "activiteit", "veld.titel": "bouwkosten"}) as here:
        await here.deliver(await here.handover(toelichting="woord " * 200))
        eigenschappen = here.double.zaken[0].eigenschappen
        assert len(eigenschappen["activiteit"][0]) <= 255
        assert len(eigenschappen["bouwkosten"][0]) <= 20


async def test_an_answer_that_makes_no_sense_is_tried_again(tmp_path: Path) -> None:
    async with world(tmp_path, zaken_url="https://zgw.example.org") as here:
        here.values = {**here.values, "zaken_url": f"{here.double.base}/_double/figures?"}
        with pytest.raises(CaseSystemError, match="is not a list"):
            await here.deliver(await here.handover(case="Z", volgnummer=1))


def test_ids_and_names_come_out_of_addresses() -> None:
    assert id_of("https://h/zaken/api/v1/zaken/ab-1/") == "ab-1"
    assert name_of("https://h/zaken/api/v1/zaken/6a0e/zaakeigenschappen?x=secret") == "zaakeigenschappen"
    for broken in ("", None, "https://h/", "https://h/a b"):
        with pytest.raises(CaseSystemError):
            id_of(broken)

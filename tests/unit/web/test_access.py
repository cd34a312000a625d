"""Who gets in, how, and what each sees: over the pages as they are, with real hashes and the in-memory stores."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.asgi import AsgiResponse, request
from tests.unit.flows.test_login import PASSWORD, World
from tests.unit.flows.test_worklist import PLACE
from tests.unit.web import examples
from tests.unit.web.archive import Archive
from tests.unit.web.gates import OPEN

from digikoppelaar.adapters.memory.views import MemoryViews
from digikoppelaar.flows.access import AccountRole, Grant, Permission
from digikoppelaar.flows.login import LONGEST, MOST_HERE
from digikoppelaar.flows.views import ViewerKind, ViewFilter
from digikoppelaar.flows.worklist_rows import Item, Sort, WorklistFilter
from digikoppelaar.web.access import ByLogin, NoLogin, page
from digikoppelaar.web.app import make_app
from digikoppelaar.web.forms import LONGEST as LONGEST_FORM
from digikoppelaar.web.forms import local_address, read_form

ELSEWHERE = "00000099000000008000"
SECRET = "Geheim Elders"


THEIRS = {"organisatie_oin": ELSEWHERE, "organisatie_naam": SECRET}
THEIR_PAGES = (
    f"/verzoeken/2/{examples.NUMBER}",
    "/berichten/in/99",
    f"/aansluitingen/stam/pre/{ELSEWHERE}",
)
OPEN_TO_ALL = {"/inloggen", "/inloggen/code", "/uitloggen"}


async def work(wanted: WorklistFilter) -> list[Item]:
    del wanted
    there = replace(PLACE, organisatie_oin=ELSEWHERE, organisatie_naam=SECRET)
    return [
        Item("silent:1", Sort.SILENT, PLACE, examples.NOW, "Er kwam niets binnen.", "Bel."),
        Item("silent:2", Sort.SILENT, there, examples.NOW, f"Er kwam niets binnen van {SECRET}.", "Bel."),
    ]


class Browser:
    """Keeps the cookie as a browser does, and follows nothing by itself."""

    def __init__(self, app: Any, **headers: str) -> None:
        self.app = app
        self.cookie = ""
        self.headers = headers

    async def get(self, target: str, **headers: str) -> AsgiResponse:
        return await self._ask(target, "GET", headers)

    async def post(self, target: str, form: dict[str, str], **headers: str) -> AsgiResponse:
        about = {"content-type": "application/x-www-form-urlencoded", "origin": "http://localhost"}
        return await self._ask(target, "POST", about | headers, urlencode(form).encode())

    async def log_in(self, name: str = "Anna", password: str = PASSWORD, to: str = "/") -> AsgiResponse:
        return await self.post("/inloggen", {"naam": name, "wachtwoord": password, "naar": to})

    async def token(self, target: str) -> str:
        """What the form on this page carries."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', (await self.get(target)).text)
        assert found
        return found[1]

    async def _ask(self, target: str, method: str, headers: dict[str, str], body: bytes = b"") -> AsgiResponse:
        sent = self.headers | headers | ({"cookie": self.cookie} if self.cookie else {})
        response = await request(self.app, target, method=method, headers=sent, body=body)
        if kept := response.headers.get("set-cookie"):
            self.cookie = "" if "Max-Age=0" in kept else kept.partition(";")[0]
        return response


class FixedClock:
    def now(self) -> datetime:
        return examples.NOW


def pages_over(gate: Any, views: MemoryViews | None = None, **more: Any) -> Any:
    """Pages of two gemeenten, of which one is not Anna's."""
    their_row = replace(examples.verzoek_row(), **THEIRS)
    their_message = replace(examples.message_row(), id=99, **THEIRS)
    verzoeken = [
        examples.verzoek_page(examples.verzoek_row(), messages=(examples.message_row(),)),
        replace(examples.verzoek_page(their_row), aansluiting_id=2, **THEIRS),
    ]
    messages = [examples.message_page(examples.message_row()), examples.message_page(their_message)]
    statuses = examples.onboarding().statuses
    archive = Archive(verzoeken, messages)
    return make_app(archive, views or MemoryViews(), FixedClock(), gate, worklist=work, statuses=statuses, **more)


class Login:
    """Pages behind a login, over the accounts of World."""

    def __init__(self, folder: Path, *, second_factor: bool = False, **gate: Any) -> None:
        self.world = World(folder, second_factor=second_factor)
        self.views = MemoryViews()
        self.gate = ByLogin(self.world.login, **{"secure": False, **gate})
        self.app = pages_over(self.gate, self.views)
        self.browser = Browser(self.app)

    async def grant(self, *grants: Grant) -> None:
        await self.world.accounts.set_grants("Anna", grants)


@pytest.fixture
async def login(tmp_path: Path) -> Login:
    made = Login(tmp_path)
    await made.world.anna()
    made.world.accounts.oins.add(examples.OIN)
    await made.grant(Grant(AccountRole.LEZER, examples.OIN))
    return made


def routes(app: Any) -> list[str]:
    """An address of every page there is, of the own gemeente; the login and what anybody may have left out."""
    filled = {
        "/verzoeken/{aansluiting_id:int}/{verzoeknummer:path}": f"/verzoeken/1/{examples.NUMBER}",
        "/aansluitingen/{kind}/{omgeving}/{oin}": f"/aansluitingen/stam/pre/{examples.OIN}",
        "/berichten/{direction}/{row_id:int}": "/berichten/in/7",
    }
    paths = [each.path for each in app.routes if isinstance(each, Route) and each.path not in OPEN_TO_ALL]
    return [filled.get(path, path) for path in paths]


# --- Nobody ----------------------------------------------------------------------------------------------------------


async def test_nobody_gets_anything_but_the_way_to_the_login(login: Login) -> None:
    for target in routes(login.app):
        response = await login.browser.get(target)
        assert (response.status, response.headers["location"]) == (303, f"/inloggen?{urlencode({'naar': target})}")
        assert response.body == b""
        for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            response = await request(login.app, target, method=method)
            assert response.status in (303, 405)
            assert examples.NUMBER not in response.text
    assert login.views.rows == []


async def test_what_anybody_may_have_tells_nothing_of_anybody(login: Login) -> None:
    for target in ("/inloggen", "/static/style.css", "/nergens", "/inloggen/code"):
        text = (await login.browser.get(target)).text
        assert examples.NUMBER not in text
        assert "Werkvoorraad" not in text, "nor which pages there are"


@pytest.mark.parametrize(
    "cookie", ["digikoppelaar=", "digikoppelaar=x", f"digikoppelaar={'A' * 43}", "digikoppelaar=\xff"]
)
async def test_a_cookie_that_nobody_gave_is_nobody(login: Login, cookie: str) -> None:
    login.browser.cookie = cookie
    assert (await login.browser.get("/")).status == 303


# --- Logging in and out ----------------------------------------------------------------------------------------------


async def test_who_logs_in_comes_where_he_was_going_and_is_in_until_he_goes(login: Login) -> None:
    response = await login.browser.log_in(to="/verzoeken?staat=parked")
    assert (response.status, response.headers["location"]) == (303, "/verzoeken?staat=parked")
    assert "HttpOnly" in response.headers["set-cookie"]
    assert "SameSite=lax" in response.headers["set-cookie"]
    assert "Anna" in (await login.browser.get("/")).text
    kept = login.browser.cookie
    out = await login.browser.post("/uitloggen", {"csrf": await login.browser.token("/")})
    assert out.headers["location"] == "/inloggen"
    assert login.browser.cookie == ""
    login.browser.cookie = kept
    assert (await login.browser.get("/")).status == 303, "the session ended here too"


async def test_a_wrong_name_and_a_wrong_password_look_the_same_and_too_many_are_told(login: Login) -> None:
    wrong = [await login.browser.log_in("Anna", "wrong"), await login.browser.log_in("Nobody", PASSWORD)]
    assert [each.status for each in wrong] == [403, 403]
    assert wrong[0].text == wrong[1].text
    assert "set-cookie" not in wrong[0].headers
    assert "wrong" not in wrong[0].text
    assert PASSWORD not in wrong[1].text
    for _ in range(MOST_HERE):
        last = await login.browser.log_in("Anna", "wrong")
    assert last.status == 429
    assert "Wacht 15 minuten" in last.text


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "evil",
        "",
        "/\n/evil",
        "javascript:x",
        "/\t",
    ],
)
async def test_nobody_is_led_elsewhere_by_logging_in(login: Login, back: str) -> None:
    form = await login.browser.get(f"/inloggen?{urlencode({'naar': back})}")
    assert 'name="naar" value="/"' in form.text
    assert (await login.browser.log_in(to=back)).headers["location"] == "/"
    assert local_address(back) == "/"


async def test_a_token_that_was_there_before_the_login_is_worth_nothing_after_it(login: Login) -> None:
    login.browser.cookie = "digikoppelaar=" + "A" * 43
    await login.browser.log_in()
    assert login.browser.cookie != "digikoppelaar=" + "A" * 43
    login.browser.cookie = "digikoppelaar=" + "A" * 43
    assert (await login.browser.get("/")).status == 303


async def test_over_https_the_cookie_is_of_this_host_and_never_sent_in_the_clear(tmp_path: Path) -> None:
    login = Login(tmp_path, secure=True)
    await login.world.anna()
    kept = (await login.browser.log_in()).headers["set-cookie"]
    assert kept.startswith("__Host-digikoppelaar=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(kept.split("; "))
    assert "Domain" not in kept


async def test_a_second_factor_is_set_up_with_a_picture_and_asked_for_from_then_on(tmp_path: Path) -> None:
    login = Login(tmp_path, second_factor=True)
    await login.world.anna()
    onward = (await login.browser.log_in(to="/verzoeken")).headers["location"]
    assert onward == "/inloggen/code?naar=%2Fverzoeken"
    assert (await login.browser.get("/verzoeken")).status == 303, "the password alone opens nothing"
    text = (await login.browser.get(onward)).text
    assert "<svg" in text
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", text)
    assert secret
    app, half = pyotp.TOTP(secret[1].replace(" ", "")), login.browser.cookie
    token = await login.browser.token(onward)
    wrong = await login.browser.post("/inloggen/code", {"csrf": token, "code": "000000", "naar": "/verzoeken"})
    assert wrong.status == 403
    code = {"csrf": token, "code": login.world.code(app), "naar": "/verzoeken"}
    assert (await login.browser.post("/inloggen/code", code | {"csrf": ""})).status == 403
    opened = await login.browser.post("/inloggen/code", code)
    assert opened.headers["location"] == "/verzoeken"
    assert login.browser.cookie != half
    assert (await login.browser.get("/verzoeken")).status == 200
    assert (await login.browser.get("/inloggen/code")).headers["location"] == "/inloggen"
    again = Browser(login.app)
    await again.log_in()
    assert "<svg" not in (await again.get("/inloggen/code")).text


async def test_behind_a_proxy_the_visitor_counts_and_nobody_else_can_say_who_he_is(tmp_path: Path) -> None:
    login = Login(tmp_path, proxies=(ip_network("127.0.0.1/32"),))
    await login.world.anna()
    for number in range(MOST_HERE + 1):
        await login.browser.post(
            "/inloggen", {"naam": "Anna", "wachtwoord": "x"}, **{"x-forwarded-for": f"198.51.100.{number}, 192.0.2.9"}
        )
    assert {each.address for each in login.world.sessions.attempts} == {"192.0.2.9"}
    open_one = Login(tmp_path)
    await open_one.browser.post("/inloggen", {"naam": "Anna", "wachtwoord": "x"}, **{"x-forwarded-for": "192.0.2.9"})
    assert {each.address for each in open_one.world.sessions.attempts} == {"127.0.0.1"}


# --- Forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "form", "status"),
    [
        ({"origin": "https://evil.example"}, {}, 403),
        ({"origin": "null"}, {}, 403),
        ({"content-type": "text/plain"}, {}, 400),
        ({"content-type": "multipart/form-data; boundary=x"}, {}, 400),
        ({}, {"csrf": ""}, 403),
        ({}, {"csrf": "0" * 64}, 403),
        ({}, {"csrf": "½"}, 403),
        ({}, {"much": "x" * LONGEST_FORM}, 413),
        ({}, {str(each): "" for each in range(300)}, 400),
    ],
)
async def test_a_form_that_is_not_of_this_session_is_refused(
    login: Login, headers: dict[str, str], form: dict[str, str], status: int
) -> None:
    await login.browser.log_in()
    token = await login.browser.token("/")
    kept = login.browser.cookie
    assert (await login.browser.post("/uitloggen", {"csrf": token, **form}, **headers)).status == status
    login.browser.cookie = kept
    assert (await login.browser.get("/")).status == 200, "nothing was done"


async def test_a_form_that_does_not_end_is_given_up() -> None:
    pieces = [{"type": "http.request", "body": b"naam=Anna", "more_body": True}]

    async def receive() -> Any:
        return pieces.pop() if pieces else await asyncio.Event().wait()

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    with pytest.raises(HTTPException) as refused:
        await read_form(Request({"type": "http", "method": "POST", "headers": headers}, receive), within=0.01)
    assert refused.value.status_code == 408


async def test_the_token_of_another_session_does_not_fit(login: Login) -> None:
    await login.browser.log_in()
    other = Browser(login.app)
    await other.log_in()
    assert (await other.post("/uitloggen", {"csrf": await login.browser.token("/")})).status == 403


async def test_what_a_form_does_is_behind_the_gate_and_its_token() -> None:
    did: list[str] = []

    async def shown(request: Any) -> Any:
        del request
        return PlainTextResponse("form")

    async def done(request: Any) -> Any:
        did.append(request.state.form["what"])
        return PlainTextResponse("done")

    app = Starlette(routes=[page(OPEN, "/do", Permission.HANDLE, shown, post=done)])
    browser = Browser(app)
    assert (await browser.post("/do", {"what": "a"})).status == 403
    assert (await browser.post("/do", {"what": "b", "csrf": OPEN.form_token})).text == "done"
    assert (await browser.get("/do")).text == "form"
    assert did == ["b"]


# --- What each sees --------------------------------------------------------------------------------------------------


async def test_of_another_organisatie_nothing_is_seen_anywhere(login: Login) -> None:
    await login.browser.log_in()
    for target in routes(login.app):
        response = await login.browser.get(target)
        assert response.status == 200, target
        assert ELSEWHERE not in response.text, target
        assert SECRET not in response.text, target
    for target in THEIR_PAGES:
        theirs, nothing = await login.browser.get(target), await login.browser.get("/verzoeken/77/1")
        assert theirs.status == nothing.status == 404
        assert theirs.text == nothing.text
    assert {row.organisatie_oin for row in login.views.rows} == {examples.OIN}


async def test_who_is_for_all_sees_all(login: Login) -> None:
    await login.grant(Grant(AccountRole.LEZER))
    await login.browser.log_in()
    for target in ("/", "/verzoeken", "/werkvoorraad", "/berichten"):
        assert SECRET in (await login.browser.get(target)).text
    for target in THEIR_PAGES[:2]:
        assert (await login.browser.get(target)).status == 200


async def test_a_filter_does_not_widen_what_is_seen(login: Login) -> None:
    await login.browser.log_in()
    for target in ("/verzoeken", "/berichten", "/werkvoorraad", "/aansluitingen"):
        response = await login.browser.get(f"{target}?oin={ELSEWHERE}")
        assert response.status == 200
        assert SECRET not in response.text


async def test_without_a_rol_there_is_nothing_to_see_and_it_is_said(login: Login) -> None:
    await login.browser.log_in()
    await login.grant()
    for target in routes(login.app):
        response = await login.browser.get(target)
        assert response.status == 403
        assert "heeft hiervoor geen rol" in response.text


async def test_a_view_is_on_record_with_the_name_of_the_account(login: Login) -> None:
    await login.browser.log_in()
    await login.browser.get(f"/verzoeken/1/{examples.NUMBER}")
    [row] = await login.views.views(ViewFilter())
    assert (row.viewer_kind, row.viewer) == (ViewerKind.ACCOUNT, "Anna")


async def test_a_session_that_ended_shows_nothing_any_more(login: Login) -> None:
    await login.browser.log_in()
    login.world.clock.time += LONGEST
    assert (await login.browser.get("/verzoeken")).status == 303


# --- Without a login -------------------------------------------------------------------------------------------------


async def test_without_a_login_everything_is_open_until_there_is_more_than_a_sandbox() -> None:
    real = False

    async def is_real() -> bool:
        return real

    browser = Browser(pages_over(NoLogin(is_real, "token")))
    assert SECRET in (await browser.get("/verzoeken")).text
    assert (await browser.get("/inloggen")).status == 404
    real = True
    for target in routes(browser.app):
        response = await browser.get(target)
        assert response.status == 403
        assert "account create" in response.text


# --- Behind a name of its own ----------------------------------------------------------------------------------------


async def test_behind_a_proxy_its_name_and_its_origin_are_ours(tmp_path: Path) -> None:
    login = Login(tmp_path, secure=True)
    await login.world.anna()
    app = pages_over(login.gate, hosts=["koppelaar.example"], public="https://koppelaar.example")
    form = urlencode({"naam": "Anna", "wachtwoord": PASSWORD}).encode()
    for host, origin, status in (
        ("koppelaar.example", "https://koppelaar.example", 303),
        ("koppelaar.example", "http://koppelaar.example", 403),
        ("evil.example", "https://koppelaar.example", 400),
    ):
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
        response = await request(app, "/inloggen", method="POST", host=host, headers=headers, body=form)
        assert response.status == status

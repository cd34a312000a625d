"""Whatever is wrong with a kennisgeving, with KOOP or on the way: a Dutch sentence with what to do, and nothing lost.

Each case asserts the state, what `kennisgeving show` prints, that the text is as it was, and what KOOP made of it. The
last test says that of all this nothing was delivered twice.
"""

import re
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send
from tests.journeys import steps
from tests.journeys.notices import PUBLISHING, TEMPLATES, Notices, Printed, koop
from tests.journeys.steps import eventually
from tests.journeys.test_certificates import of_sandbox
from tests.servers import serving

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop.receiving import accepted_body
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving
from digikoppelaar.wiring import open_stores

PARTIJ, SERVER = "00000099000000006000", "00000099000000007000"
ENVELOPE = load_drop_profile("koop-3pas-2020-01").envelope
MEBIBYTE = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_notices(trial_folders: list[Path]) -> AsyncIterator[Notices]:
    """One installation for all cases. Ask for `notices`."""
    trial = steps.new_trial(trial_folders)
    trial.publishes, trial.publishing = True, PUBLISHING
    (trial.folder / TEMPLATES).mkdir()
    async with trial:
        await trial.start()
        async with open_stores(trial.config) as stores:
            [publisher] = [each for each in await stores.registry.aansluitingen() if each.publishing]
            notices = Notices(trial, stores, publisher)
            await notices.hold_publications()
            yield notices


@pytest_asyncio.fixture(loop_scope="session")
async def notices(shared_notices: Notices) -> AsyncIterator[Notices]:
    """With all faults switched off before and after."""
    await shared_notices.trial.no_faults()
    yield shared_notices
    await shared_notices.trial.no_faults()


async def assert_kept(notices: Notices, row: StoredKennisgeving, state: str, reason: str, advice: str) -> None:
    """It comes into this state, is shown with a reason that begins so and this advice, and its text is as it was."""
    await notices.in_state(row.id, state)

    def is_it(shown: Printed) -> bool:
        told = (shown.field("state"), shown.field("advice"), bool(shown.field("reason")))
        return told == (state, advice, bool(advice)) and shown.field("reason").startswith(reason)

    # What waits for its next attempt is being sent now and then.
    await eventually(lambda: notices.command("show", str(row.id)), is_it, f"{state}: {reason}")
    assert (await notices.row(row.id)).document == row.document


# --- What KOOP answers -----------------------------------------------------------------------------------------------

LOOK = (
    "Het is niet bekend of KOOP de kennisgeving heeft aangenomen. Zoek haar op in DROP: staat ze er, meld dat met "
    "`kennisgeving arrived`; verstuur haar pas opnieuw, met `kennisgeving again`, als zeker is dat ze er niet is. "
    "Digikoppelaar zoekt haar vanzelf in wat KOOP publiceert."
)
BUSY = (
    "KOOP kan de kennisgeving nu niet aannemen; er is niets gepubliceerd. Digikoppelaar probeert het vanzelf opnieuw. "
    "Blijft dit zo, bekijk dan de storingspagina van KOOP."
)
REFUSED = (
    "KOOP weigert deze kennisgeving. Verbeter wat de foutmelding noemt met `kennisgeving edit` en keur haar opnieuw "
    "goed. Ligt het aan certificaat of machtiging, herstel die dan en geef haar vrij met `kennisgeving resume`."
)
RESUME = "De kennisgeving is niet aangenomen; geef haar vrij met `kennisgeving resume` als de oorzaak weg is."
ACCESS = (
    "KOOP laat deze aansluiting niet toe: controleer certificaat of gebruikersnaam, en of KOOP die voor dit adres "
    f"kent. {RESUME}"
)
ADDRESS = f"Controleer het adres van 3PAS in de aansluiting. {RESUME}"
NO_SOAP = "3PAS answered 200 with a body that is not one SOAP 1.1 message"
NO_NUMBER = "3PAS answered 200 with SOAP: neither a dossiernummer nor a fault"
FAULT = "er staat een storing van de sandbox aan"


def say(text: str = "", content_type: str = "text/xml; charset=utf-8", **more: Any) -> dict[str, Any]:
    """The fault by which KOOP answers this, with status 200, after it took what came in."""
    return {"kind": "say", "status": 200, "text": text, "headers": {"content-type": content_type}, **more}


def numbered(dossiernummer: str) -> dict[str, Any]:
    """An answer with this dossiernummer."""
    return say(accepted_body(dossiernummer, ENVELOPE).decode())


XXE = '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;&b;&b;&b;&b;&b;</x>'
HALF = numbered("20260000001")["text"][:-40]
TWO_NUMBERS = re.sub(r"(<\w*:?Dossiernummer>.*</\w*:?Dossiernummer>)", r"\1\1", numbered("1")["text"])

ANSWERS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a SOAP fault": (
        {"kind": "soap-fault", "code": "KOOP-42"},
        "refused",
        f"3PAS answered fault KOOP-42 {FAULT}",
        REFUSED,
    ),
    "a fault of its server": (
        {"kind": "soap-fault", "code": "Server"},
        "unknown",
        f"3PAS answered fault Server {FAULT}",
        f"{LOOK} Vraag de KOOP Servicedesk wat de foutcode betekent.",
    ),
    "busy": ({"kind": "answer", "status": 503}, "planned", "3PAS answered 503 with an empty body", BUSY),
    "too many": ({"kind": "answer", "status": 429}, "planned", "3PAS answered 429 with an empty body", BUSY),
    "no access": (
        {"kind": "answer", "status": 403},
        "refused",
        "3PAS answered 403 with an empty body: certificate or user name refused",
        ACCESS,
    ),
    "nothing there": (
        {"kind": "answer", "status": 404},
        "refused",
        "3PAS answered 404 with an empty body: the request did not come as far as 3PAS",
        ADDRESS,
    ),
    "a server error": ({"kind": "answer", "status": 500}, "unknown", "3PAS answered 500 with an empty body", LOOK),
    "an HTML error page with 200": ({"kind": "html"}, "unknown", "3PAS answered 200 with an HTML page", LOOK),
    "an empty answer": ({"kind": "empty"}, "unknown", "3PAS answered 200 with an empty body", LOOK),
    "no answer in time": ({"kind": "silence"}, "unknown", "KOOP, 3PAS: not done within 1.5 s", LOOK),
    "a connection cut in the answer": (
        {"kind": "cut"},
        "unknown",
        "KOOP, 3PAS: 127.0.0.1: its answer broke off",
        LOOK,
    ),
    "half a message": (say(HALF), "unknown", NO_SOAP, LOOK),
    "50 MiB": (say("x" * 1024, times=50 * 1024), "unknown", f"KOOP, 3PAS: an answer is over {MEBIBYTE} bytes", LOOK),
    "JSON": (say('{"dossiernummer": "1"}', "application/json"), "unknown", NO_SOAP, LOOK),
    "an external entity": (say(XXE), "unknown", NO_SOAP, LOOK),
    "a billion laughs": (say(LAUGHS), "unknown", NO_SOAP, LOOK),
    "no dossiernummer": (numbered(""), "unknown", NO_NUMBER, LOOK),
    "two dossiernummers": (say(TWO_NUMBERS), "unknown", NO_NUMBER, LOOK),
    "a dossiernummer without end": (numbered("9" * 10_000), "unknown", NO_NUMBER, LOOK),
    "a dossiernummer that turns around": (numbered("1\u202e2"), "unknown", NO_NUMBER, LOOK),
}
NOT_TAKEN = ("soap-fault", "answer")
"""Kinds by which KOOP takes nothing."""


@pytest.mark.parametrize("case", ANSWERS)
async def test_an_answer_that_is_wrong_is_told_with_what_to_do(notices: Notices, case: str) -> None:
    fault, state, reason, advice = ANSWERS[case]
    await notices.trial.fault(target="3pas", **fault)
    row = await notices.planned()
    await assert_kept(notices, row, state, reason, advice)
    assert await notices.taken(row) == (0 if fault["kind"] in NOT_TAKEN else 1)
    if state == "planned":
        await notices.trial.no_faults()
        await notices.in_state(row.id, "accepted")
        assert await notices.taken(row) == 1


@pytest.mark.parametrize("dossiernummer", ["2026 0000001", "<b>2026</b>&"])
@pytest.mark.parametrize("content_type", ["text/xml", "text/html", ""])
async def test_a_dossiernummer_is_taken_as_it_is_whatever_the_answer_calls_itself(
    notices: Notices, dossiernummer: str, content_type: str
) -> None:
    await notices.trial.fault(target="3pas", **say(numbered(dossiernummer)["text"], content_type))
    row = await notices.planned()
    await assert_kept(notices, row, "accepted", "", "")
    assert (await notices.command("show", str(row.id))).field("dossiernummer") == dossiernummer


SERVER_EXPIRED = (
    "Het certificaat van de server van KOOP is verlopen of wordt niet vertrouwd; er is niets verzonden. Meld dit bij "
    "de KOOP Servicedesk, of vertrouw haar nieuwe stamcertificaat. Digikoppelaar probeert het vanzelf opnieuw."
)


class Counting:
    """A server that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1


@pytest.mark.parametrize(
    ("status", "state", "reason", "advice"),
    [
        (302, "unknown", "3PAS answered 302 with an empty body: what came of the request is told elsewhere", LOOK),
        (307, "refused", "3PAS answered 307 with an empty body: the request did not come as far as 3PAS", ADDRESS),
    ],
)
async def test_a_redirect_is_not_followed(notices: Notices, status: int, state: str, reason: str, advice: str) -> None:
    elsewhere = Counting()
    async with serving(elsewhere) as port:
        headers = {"location": f"http://127.0.0.1:{port}/"}
        await notices.trial.fault(target="3pas", kind="say", status=status, headers=headers)
        await assert_kept(notices, await notices.planned(), state, reason, advice)
    assert elsewhere.calls == 0


# --- Certificates ----------------------------------------------------------------------------------------------------


async def test_with_an_expired_certificate_of_ours_nothing_is_sent_until_it_is_renewed(notices: Notices) -> None:
    await notices.add_partij(PARTIJ, *of_sandbox(notices.trial, PARTIJ, expired=True))
    async with notices.connected({}, PARTIJ):
        row = await notices.planned()

        async def reason() -> str:
            """A gateway may still have to hear of the certificate."""
            now = await notices.in_state(row.id, "refused")
            if "has no certificate" in (now.reason or ""):
                await notices.command("resume", str(row.id), "--override", "proef")
            return now.reason or ""

        expired = await eventually(reason, lambda said: "expired" in said, "it knows the certificate")
        advice = (
            "Het certificaat is verlopen: vraag een nieuw aan bij de certificaatverlener en stel het in. Er is niets "
            "verzonden: geef haar vrij met `kennisgeving resume` als de oorzaak weg is."
        )
        await assert_kept(notices, row, "refused", expired, advice)
        assert PARTIJ in expired
    assert await notices.taken(row) == 0
    await notices.command("resume", str(row.id), "--override", "proef")
    await notices.in_state(row.id, "accepted")
    assert await notices.taken(row) == 1


async def test_to_a_server_with_an_expired_certificate_nothing_is_sent(notices: Notices) -> None:
    context, server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Counting()
    context.load_cert_chain(*of_sandbox(notices.trial, SERVER, expired=True))
    async with serving(server, context) as port, notices.connected({"address": f"https://127.0.0.1:{port}/3pas"}):
        row = await notices.planned()
        await assert_kept(
            notices,
            row,
            "planned",
            "KOOP, 3PAS: 127.0.0.1: its certificate is not trusted: certificate has expired",
            SERVER_EXPIRED,
        )
    assert server.calls == 0
    await notices.in_state(row.id, "accepted")
    assert await notices.taken(row) == 1


# --- What is in it ---------------------------------------------------------------------------------------------------

HIDDEN = "Hier staat een onzichtbaar teken ({}); haal het weg."
NO_TITLE = "a kennisgeving without title or text cannot be sent\nGeef de kennisgeving een titel en een tekst."
ESCAPE = (
    "a kennisgeving holds U+001B, which cannot be published\nVerwijder het onzichtbare teken U+001B op positie 4 van "
    "de titel (vaak meegekomen bij kopiëren uit een pdf) en bied de kennisgeving opnieuw aan."
)
NO_RUBRIEK = (
    "a kennisgeving without rubriek cannot be sent\nVul het gegeven 'rubriek' van de kennisgeving in: KOOP neemt haar "
    "zonder niet aan."
)

TEXTS: dict[str, tuple[dict[str, str], str, str]] = {
    "no rubriek": ({"rubriek": ""}, "De rubriek ontbreekt.", NO_RUBRIEK),
    "a control character": ({"titel": "kap\x1b[2J"}, HIDDEN.format("U+001B"), ESCAPE),
    "a title of blanks": ({"titel": " \t\u00a0 "}, "De kennisgeving heeft geen titel.", NO_TITLE),
    "a title without width": ({"titel": "\u200b\u2060"}, "De kennisgeving heeft geen titel.", NO_TITLE),
    "a title of 5,000 characters": (
        {"titel": "Kap " * 1249 + "boom"},
        "De titel heeft 5000 tekens; maak hem korter, met hoogstens 250.",
        "",
    ),
    "a title that turns around": ({"titel": "Kap \u202eneb mooB"}, HIDDEN.format("U+202E"), ""),
    "a joined emoji": ({"titel": "Kap \U0001f468\u200d\U0001f33e"}, HIDDEN.format("U+200D"), ""),
}
"""What is changed, what `check` says of it, and `publish` to who wants it sent all the same; nothing: it is sent."""


@pytest.mark.parametrize("case", TEXTS)
async def test_a_text_that_is_wrong_is_found_before_it_is_sent(notices: Notices, case: str) -> None:
    changed, sentence, refusal = TEXTS[case]
    draft = await notices.drafted(**changed)
    assert sentence in (await notices.command("check", str(draft.id))).text
    assert (await notices.command("publish", str(draft.id))).status == 1
    published = await notices.command("publish", str(draft.id), "--override", "proef")
    assert published.text == refusal or (published.status, refusal) == (0, "")
    await assert_kept(notices, draft, "draft" if refusal else "accepted", "", "")
    for shown in ("show", "preview"):
        assert not re.search("[\x1b\u200b\u202e]", (await notices.command(shown, str(draft.id))).text)


async def test_an_unknown_rubriek_is_warned_of_and_kept_when_koop_refuses_it(notices: Notices) -> None:
    draft = await notices.planned(rubriek="raket")
    assert "nog niet eerder bij KOOP gezien" in (await notices.command("check", str(draft.id))).text
    reason = "3PAS answered fault SBX-RUBRIEK the rubriek is not one of OVERHEIDop.Rubriek"
    await assert_kept(notices, draft, "refused", reason, REFUSED)
    assert await notices.taken(draft) == 0


async def test_what_is_blocked_is_not_sent_without_a_reason(notices: Notices) -> None:
    draft = await notices.drafted(titel="")
    refused = await notices.command("publish", str(draft.id))
    assert refused.text.endswith("of geef een reden om toch te publiceren (--override).")
    assert await notices.row(draft.id) == draft


async def test_any_letter_that_a_reader_sees_is_published_as_it_is(notices: Notices) -> None:
    row = await notices.planned(titel="Kap \U0001f333 bij ’s-Gravenhage – Ðŵß <b>&amp;</b> {{ titel }} שלום")
    await assert_kept(notices, row, "accepted", "", "")
    await notices.publish()
    found = (await notices.in_state(row.id, "published")).publication
    assert found
    assert found.differences == ()


# --- JSON ------------------------------------------------------------------------------------------------------------

MEND_JSON = "Lever de kennisgeving aan als geldige JSON, met elke naam één keer en zonder NaN of Infinity."
NESTED = (
    "this is no kennisgeving: it nests too deep, or holds half a character",
    r"De JSON is te diep genest, of bevat een half teken (\ud800 tot en met \udfff). Verbeter het bestand.",
)
TOO_LARGE = (
    "this is no kennisgeving: locaties/0/positie/0: number_too_large",
    "`locaties/0/positie/0` is een te groot getal.",
)
FILES: dict[str, tuple[str, str, str, str]] = {
    "nothing": (".+", "", "no JSON that can be read: Expecting value: line 1 column 1 (char 0)", MEND_JSON),
    "a list": (".+", "[]", "no JSON object", "Lever één kennisgeving aan als JSON-object."),
    "endless nesting": (".+", "[" * 100_000, *NESTED),
    "nesting in a field": (r"\[\[?\{.*\}\]\]?", "[" * 500 + "]" * 500, *NESTED),
    "half a character": ("Aanvraag", r"\\ud800", *NESTED),
    "no character": (
        "Aanvraag",
        r"\\u0000",
        "this is no kennisgeving: titel: character",
        "`titel` heeft een teken dat niet kan worden vastgelegd.",
    ),
    "NaN": (r"155000\.0", "NaN", "no JSON that can be read: NaN is no number", MEND_JSON),
    "a number beyond all": (r"155000\.0", "1e999", *TOO_LARGE),
    "a number of 400 digits": (r"155000\.0", "9" * 400, *TOO_LARGE),
    "a name twice": (r"\}$", ', "titel": "b"}', "no JSON that can be read: titel is there twice", MEND_JSON),
    "a case number without end": (
        '"referentienummer": "[^"]+"',
        f'"referentienummer": "{"Z" * 10_000}"',
        "a referentienummer of 10000 characters is over 200",
        "Geef het zaaknummer zonder omschrijving, en bied de kennisgeving opnieuw aan.",
    ),
}
"""What is replaced in a good file and by what, and what is told."""


@pytest.mark.parametrize("case", FILES)
async def test_a_file_that_is_no_kennisgeving_is_refused_and_changes_nothing(notices: Notices, case: str) -> None:
    pattern, replacement, reason, advice = FILES[case]
    text = re.sub(pattern, replacement, notices.document(), count=1, flags=re.DOTALL)
    before = await notices.documents()
    drafted = await notices.command("draft", "--file", notices.file(text))
    assert (drafted.status, drafted.text) == (1, f"{reason}\n{advice}")
    edited = await notices.command("edit", str(max(before)), "--file", notices.file(text))
    assert (edited.status, edited.text) == (1, f"{reason}\n{advice}")
    assert await notices.documents() == before


# --- Templates -------------------------------------------------------------------------------------------------------

BROKEN = {
    "an unknown name": ("titel: {{ naam_aanvrager }}\n\nTekst", "there is no naam_aanvrager; there is bestuursorgaan"),
    "code": ("titel: T\n\n{{ ''.__class__ }}", "line 3: `getattr` is more than a template can do"),
    "an open brace": ("titel: T\n\nTekst {{ plaats", "line 3: unexpected end of template"),
    "no title": ("Tekst", "its first line does not begin with `titel:`"),
    "endless nesting": ("titel: T\n\n" + "{% if plaats %}" * 2000 + "{% endif %}" * 2000, "it nests too deep"),
    "bytes": ("titel: \udcff", "cannot be read"),
}


async def test_while_a_template_is_broken_drafts_wait_and_everything_else_goes_on(notices: Notices) -> None:
    file = notices.template()
    file.write_text(BROKEN["code"][0])
    [verzoek] = await notices.trial.submit(soort="vergunningaanvraag")
    nummer = verzoek["verzoeknummer"]
    await steps.delivered(notices.trial, verzoek)
    for source, reason in BROKEN.values():
        file.write_bytes(source.encode(errors="surrogateescape"))
        what, advice = (await notices.command("draft", nummer)).text.split("\n")
        assert reason in what
        assert str(file) in what
        assert advice == (
            "Verbeter het genoemde sjabloon. Tot dan worden er geen concepten mee gemaakt; wat er al is gaat door."
        )
    await notices.in_state((await notices.planned()).id, "accepted")
    assert (await notices.command("list")).status == 0
    wanted = KennisgevingFilter(verzoeknummer=nummer)
    assert await notices.stores.kennisgevingen.kennisgevingen(wanted) == []
    file.write_text("titel: Aanvraag <b>kapot & {{ plaats }}\n\n<al>Zaak {{ referentienummer }} {{ '{{' }} </inhoud>\n")
    [row] = await eventually(partial(notices.stores.kennisgevingen.kennisgevingen, wanted), what="it is drafted")
    file.unlink()
    preview = (await notices.command("preview", str(row.id), "--html")).text
    assert f"<p>&lt;al&gt;Zaak {nummer} {{{{ &lt;/inhoud&gt;</p>" in preview


# --- What KOOP published ---------------------------------------------------------------------------------------------

BROKEN_ANSWER = "De voorziening gaf een onvolledig antwoord. Meld dit bij haar als het zo blijft."
FOUND = {
    "a search that answers nonsense": ("sru", say("onzin"), "answer of the search: XML document is not well-formed"),
    "a search that answers HTML": ("sru", {"kind": "html"}, "answer of the search: "),
    "a search that answers 50 MiB": ("sru", say("x" * 1024, times=50 * 1024), "an answer is over 8388608 bytes"),
    "a search with an external entity": ("sru", say(XXE), "answer of the search: XML document has a DOCTYPE"),
    "metadata with an external entity": ("metadata", say(XXE), "metadata record: XML document has a DOCTYPE"),
    "metadata with a billion laughs": ("metadata", say(LAUGHS), "metadata record: XML document has a DOCTYPE"),
    "metadata of nothing": ("metadata", say("<metadata_gegevens/>"), "the metadata record has no identifier"),
}


@pytest.mark.parametrize("case", FOUND)
async def test_a_publication_that_cannot_be_read_is_told_and_found_later(notices: Notices, case: str) -> None:
    target, fault, reason = FOUND[case]
    await notices.trial.fault(target=target, **fault)
    row = await notices.planned()
    await notices.in_state(row.id, "accepted")
    await notices.publish()
    what, advice = (await notices.command("verify", str(row.id))).text.split("\n")
    assert reason in what
    assert advice == BROKEN_ANSWER
    await assert_kept(notices, row, "accepted", "", "")
    await notices.trial.no_faults()
    await notices.in_state(row.id, "published")


async def test_of_all_this_nothing_was_delivered_twice(notices: Notices) -> None:
    dossiers = await koop(notices.trial, "dossiers")
    assert dossiers
    assert {each["received"] for each in dossiers} == {1}

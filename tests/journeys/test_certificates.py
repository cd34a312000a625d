"""Who may call: the certificate must be of the right PKI, in time, and of the partner or of who acts for it."""

import asyncio
import re
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from tests.certificates import Authority, Shape
from tests.journeys.bad_input.client import HttpAnswer, exchange
from tests.journeys.bad_input.requests import Target, posted
from tests.journeys.partner import Partner, client_context, dso_context, endpoint_of, pki_of
from tests.journeys.steps import DEADLINE, LOOK_EVERY, Verzoek, delivered, gateway_command

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.trial import Trial
from digikoppelaar.sandbox import pki

OTHER_OIN = "00000099000000004000"
SECOND_OIN = "00000099000000005000"


async def post(trial: Trial, context: ssl.SSLContext, verzoeknummer: str) -> HttpAnswer | None:
    """Post a notification of this verzoek, signed by DSO-LV, over this TLS context."""
    content_type, body = Partner.of(trial).notification(verzoeknummer)
    address = endpoint_of(trial)
    target = Target(re.sub(r"https://|/ebms", "", address).encode(), b"/ebms")
    return await exchange(address, context, posted(target, content_type.encode(), body))


async def refused_before(trial: Trial, reason: str) -> float:
    """How many connections were refused for this reason, by the metrics."""
    async with trial.http.get(f"http://127.0.0.1:{trial.ports['management']}/metrics") as answer:
        text = await answer.text()
    name = re.escape(f'digikoppelaar_refused_total{{omgeving="{trial.omgeving}",reason="{reason}"}}')
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


class Log:
    """What the gateway logs from now on."""

    def __init__(self, trial: Trial) -> None:
        self._file = trial.log_file("gateway")
        self._from = self._file.stat().st_size

    async def line(self, event: str, **fields: str) -> str:
        """The first line of this event with these fields; fails after DEADLINE."""
        async with asyncio.timeout(DEADLINE):
            while True:
                for line in self._lines():
                    if f'"event": "{event}"' in line and all(f'"{k}": "{v}"' in line for k, v in fields.items()):
                        return line
                await asyncio.sleep(LOOK_EVERY)

    def _lines(self) -> list[str]:
        with self._file.open() as opened:
            opened.seek(self._from)
            return opened.read().splitlines()


def foreign(folder: Path) -> tuple[Path, Path]:
    """A fine certificate of somebody else's PKI, with the OIN of DSO-LV."""
    return Authority("Foreign").issue(Shape(oin="00000099000000001000")).write(folder, "foreign")


def of_sandbox(trial: Trial, oin: str, *, expired: bool = False) -> tuple[Path, Path]:
    """A certificate of the sandbox's own PKI with this OIN."""
    now = SystemClock().now() - timedelta(days=2000 if expired else 0)
    holder = pki.Holder(f"journey-{oin}{'-expired' if expired else ''}", "Een ander", oin)
    files = pki.issue(pki.make_pki(pki_of(trial), SystemClock().now()), holder, pki.TLS, now)
    return files.certificate, files.key


Contexts = Callable[[Trial, Path], ssl.SSLContext]
STRANGERS: dict[str, Contexts] = {
    "no-client-certificate": lambda trial, _: client_context(trial),
    "certificate-not-trusted": lambda trial, folder: client_context(trial, *foreign(folder)),
    "certificate-expired": lambda trial, _: client_context(trial, *of_sandbox(trial, OTHER_OIN, expired=True)),
}
"""By the reason that is told of them."""


@pytest_asyncio.fixture(loop_scope="session")
async def verzoek(trial: Trial) -> Verzoek:
    """One that has arrived: a further notification of it changes nothing that others look at."""
    [submitted] = await trial.submit()
    await delivered(trial, submitted)
    return submitted


@pytest.mark.parametrize("reason", STRANGERS)
async def test_a_stranger_is_not_let_in_and_is_counted_and_logged_with_reason_and_address(
    trial: Trial, verzoek: Verzoek, tmp_path: Path, reason: str
) -> None:
    before, log = await refused_before(trial, reason), Log(trial)
    assert await post(trial, STRANGERS[reason](trial, tmp_path), verzoek["verzoeknummer"]) is None
    await log.line("refused", reason=reason, address="127.0.0.1", omgeving=trial.omgeving)
    assert await refused_before(trial, reason) == before + 1


async def test_the_certificate_of_another_oin_is_answered_403_and_logged_with_both_oins(
    trial: Trial, verzoek: Verzoek
) -> None:
    log = Log(trial)
    answer = await post(trial, client_context(trial, *of_sandbox(trial, OTHER_OIN)), verzoek["verzoeknummer"])
    assert answer is not None
    assert (answer.status, answer.fault_code) == (403, "Client")
    line = await log.line("message_refused", address="127.0.0.1")
    assert OTHER_OIN in line
    assert trial.facts["dso_oin"] in line


async def test_who_has_a_machtiging_on_record_may_call_for_the_partner(
    trial: Trial, verzoek: Verzoek, tmp_path: Path
) -> None:
    context = client_context(trial, *of_sandbox(trial, SECOND_OIN))
    refused = await post(trial, context, verzoek["verzoeknummer"])
    assert refused is not None
    assert refused.status == 403
    file = tmp_path / "machtiging.toml"
    file.write_text(
        f"""
        [[machtiging]]
        omgeving = "{trial.omgeving}"
        gemachtigde_oin = "{SECOND_OIN}"
        namens_oin = "{trial.facts["dso_oin"]}"
        since = 2026-01-31
        recorded_by = "journey"
        """
    )
    applied = (await gateway_command(trial, "organisatie", "apply", file, "--json")).document
    assert [change["new"] for change in applied["changes"]] == [True]
    accepted = await post(trial, context, verzoek["verzoeknummer"])
    assert accepted is not None
    assert accepted.status == 204


async def test_the_partner_itself_is_taken_in(trial: Trial, verzoek: Verzoek) -> None:
    answer = await post(trial, dso_context(trial), verzoek["verzoeknummer"])
    assert answer is not None
    assert answer.status == 204

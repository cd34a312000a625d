"""What an administrator does by hand between two gateways: send, follow, resend, ask, and take a message along."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from tests.certificates import GEMEENTE, LEVERANCIER, Authority
from tests.journeys.renewing import Parties, Side, cpa_id, registered, running
from tests.journeys.steps import Output, command
from tests.postgres import fresh_database

from digikoppelaar.adapters.postgres.embedded import Lease
from digikoppelaar.cli.trial import free_ports
from digikoppelaar.ebms.messages import Service

CPA = cpa_id(0, 0)
LARGE = 3 * 1024 * 1024
"""Bytes: over what a command holds in memory."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def parties(tmp_path_factory: pytest.TempPathFactory, migrated: Lease) -> AsyncIterator[Parties]:
    """Two gateways with one CPA between them."""
    folder = tmp_path_factory.mktemp("by-hand")
    authority = Authority(sandbox=True)
    authority.write_root(folder)
    async with AsyncExitStack() as stack:
        sides, chains = [], {}
        for (name, oin, sends), port in zip(
            (("ours", GEMEENTE, "vraag"), ("theirs", LEVERANCIER, "antwoord")), free_ports(2), strict=True
        ):
            side = Side(name, oin, sends, port, folder, stack.enter_context(fresh_database(migrated)), authority)
            _, chains[name] = await stack.enter_async_context(registered(side))
            sides.append(side)
        made = Parties(sides[0], sides[1], (Service("oefening", "urn:osb:services"),), authority.root.der)
        await made.agree(chains)
        await stack.enter_async_context(running(sides))
        yield made


async def by_hand(side: Side, *arguments: str | Path) -> Output:
    """A command of the administrator of one side."""
    return await command("--config", side.folder / f"{side.name}.toml", *arguments, "--json")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sent(parties: Parties, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The MessageId of a message with a small and a large payload that was acknowledged."""
    folder = tmp_path_factory.mktemp("payloads")
    small, large = folder / "vraag.xml", folder / "bijlage.bin"
    small.write_text("<vraag/>")
    large.write_bytes(bytes(range(256)) * (LARGE // 256))
    output = await by_hand(
        parties.ours, "message", "send", CPA, "vraag", "--payload", small, "--payload", f"{large}=application/x-large",
        "--wait", "30",
    )  # fmt: skip
    assert (output.status, output.document["state"]) == (0, "acknowledged"), output.err
    return str(output.document["message_id"])


async def test_what_was_sent_is_on_both_sides(parties: Parties, sent: str) -> None:
    for side, state in ((parties.ours, "acknowledged"), (parties.theirs, "accepted")):
        [page] = (await by_hand(side, "message", "show", sent)).document
        assert (page["message"]["state"], page["message"]["cpa_id"]) == (state, CPA)


async def test_a_received_message_is_exported_with_its_payloads(parties: Parties, sent: str, tmp_path: Path) -> None:
    output = await by_hand(parties.theirs, "message", "export", sent, tmp_path / "out")
    files = {Path(file).name: Path(file) for file in output.document["files"]}
    assert set(files) >= {"message.json", "envelope.xml"}
    assert json.loads(files["message.json"].read_text())["message"]["message_id"] == sent
    contents = {file.read_bytes() for name, file in files.items() if name not in {"message.json", "envelope.xml"}}
    assert contents == {b"<vraag/>", bytes(range(256)) * (LARGE // 256)}


async def test_a_sent_message_is_exported_as_it_went_out(parties: Parties, sent: str, tmp_path: Path) -> None:
    output = await by_hand(parties.ours, "message", "export", sent, tmp_path / "out")
    body = (tmp_path / "out" / "body.mime").read_bytes()
    assert sent.encode() in body
    assert bytes(range(256)) * (LARGE // 256) in body
    again = await by_hand(parties.ours, "message", "export", sent, tmp_path / "out")
    assert (output.status, again.status) == (0, 1)


async def test_a_resent_message_is_a_new_one_with_the_same_content(parties: Parties, sent: str, tmp_path: Path) -> None:
    output = await by_hand(parties.ours, "message", "resend", sent, "--wait", "30")
    assert output.document["state"] == "acknowledged"
    again = output.document["message_id"]
    assert again != sent
    await by_hand(parties.theirs, "message", "export", again, tmp_path / "out")
    assert any(file.stat().st_size == LARGE for file in (tmp_path / "out").iterdir())


async def test_the_partner_tells_that_it_received_it(parties: Parties, sent: str) -> None:
    told = (await by_hand(parties.ours, "status", sent)).document
    assert (told["ref_to_message_id"], told["status"]) == (sent, "Received")
    assert told["timestamp"]


async def test_a_message_id_of_ones_own_is_sent_once(parties: Parties, tmp_path: Path) -> None:
    file = tmp_path / "een.xml"
    file.write_text("<een/>")
    asked = ("message", "send", CPA, "vraag", "--payload", file, "--message-id", "eigen-1@voorbeeld", "--wait", "30")
    assert [(await by_hand(parties.ours, *asked)).document["state"] for _ in range(2)] == ["acknowledged"] * 2
    received = (await by_hand(parties.theirs, "message", "list", "--direction", "in")).document
    assert [row["message_id"] for row in received].count("eigen-1@voorbeeld") == 1


async def test_what_the_cpa_does_not_let_us_send_is_refused_with_what_it_does(parties: Parties) -> None:
    output = await by_hand(parties.ours, "message", "send", CPA, "antwoord")
    assert output.status == 1
    assert "lets us send: oefening vraag" in output.err


async def test_the_doctor_greets_the_partner(parties: Parties) -> None:
    found = {each["subject"]: each for each in (await by_hand(parties.ours, "check")).document}
    [partner] = [each for subject, each in found.items() if subject.startswith("partner ")]
    assert (partner["verdict"], "TLSv1.3" in partner["says"]) == ("good", True)

"""The part of the worker that mails the worklist: from a row in the database to a mail in a real mail server."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.unit.adapters.postgres.world import ENTRIES, NOW, opened_world
from tests.unit.adapters.test_mail import Inbox, listening

from digikoppelaar import gateway, wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import load
from digikoppelaar.flows.registration import difference
from digikoppelaar.worklist_watch import WorklistWatch


async def test_an_item_goes_out_by_mail_once_and_the_worker_goes_on(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url) as world:
        told = replace(ENTRIES[0], worklist_mail=("vth@gemeente.example",))
        await world.registry.apply(difference(await world.registry.entries(), [told]), NOW)
        await world.notify(0, "2026060200019")
    inbox = Inbox()
    async with listening(inbox) as server:
        file = tmp_path / "digikoppelaar.toml"
        file.write_text(
            f'data_folder = "{tmp_path}"\n[database]\nurl = "{database_url}"\n[worklist]\ninterval = 0.01\n'
            f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\nfrom = "{server.sender}"\n'
        )
        config = load(file)
        assert config.mail
        async with wiring.open_stores(config) as stores:
            keyring = await gateway.open_keyring(config, stores)
            watch = WorklistWatch(config, stores, keyring, SystemClock())
            items = await watch.items()
            assert "not-fetched:1" in [item.key for item in items]
            stop = asyncio.Event()
            running = asyncio.create_task(watch.run(config.mail, stop))
            async with asyncio.timeout(30):
                while not inbox.taken:
                    await asyncio.sleep(0.01)
            stop.set()
            await running
        [subject] = [message["Subject"] for _, message in inbox.taken if "nieuw" in message["Subject"]]
    assert subject == f"Werkvoorraad Gemeente Voorbeeldstad: {len(items)} punten nieuw"
    assert all(item.since < SystemClock().now() + timedelta(days=60) for item in items)

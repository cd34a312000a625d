"""What somebody photographs for the last step: the verzoek as it lies in the case system, a folder here."""

import asyncio
import json
from pathlib import Path

from digikoppelaar.adapters.evidence import papers
from digikoppelaar.cli.rehearsal.deeds import Doer
from digikoppelaar.onboarding.evidence import Evidence, Section


async def picture(doer: Doer) -> Path:
    """A PNG of what was delivered: omgeving, authority and verzoeknummer, and nothing of a person."""
    world, subject = doer.world, doer.subject
    case = world.trials[subject.omgeving].case(doer.verzoeknummer, oin=doer.who.oin)
    manifest = json.loads(await asyncio.to_thread((case / "manifest.json").read_bytes))
    rows = (
        ("Omgeving", str(manifest["omgeving"])),
        ("OIN", str(manifest["oin"])),
        ("Verzoeknummer", str(manifest["verzoeknummer"])),
        ("Bestanden", str(len(manifest["bestanden"]))),
    )
    shown = Evidence(
        subject,
        doer.who.naam,
        "7.1",
        "Zaaksysteem: het ingelezen verzoek",
        world.clock.now(),
        doer.who.naam,
        (Section("Verzoek", rows),),
    )
    file = world.secrets / f"scherm-{subject.omgeving}-{doer.who.oin}.png"
    file.write_bytes((await asyncio.to_thread(papers, shown, {}))[1])
    return file

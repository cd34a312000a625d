"""Fictitious rows for the pages."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from digikoppelaar.adapters.memory.onboarding import MemoryOnboarding
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.flows.onboarding import Onboarding, nobody_judges
from digikoppelaar.flows.ports.onboarding import Authority
from digikoppelaar.flows.reading import (
    AttemptRow,
    Direction,
    FileRow,
    KennisgevingRow,
    MessagePage,
    MessageRow,
    PayloadRow,
    StepRow,
    VersionPage,
    VerzoekPage,
    VerzoekRow,
)
from digikoppelaar.onboarding.model import Finding, Kind, Severity, Subject
from digikoppelaar.onboarding.progress import Record
from digikoppelaar.onboarding.states import StepState
from digikoppelaar.stam.model import Finding as VerzoekFinding

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
OIN = "00000099000000001000"
NUMBER = "2026011500001"
PDF = b"%PDF-1.7 an invented floor plan"
PAYLOAD = b"<trigger><verzoeknummer>2026011500001</verzoeknummer></trigger>"


def verzoek_row(**changes: Any) -> VerzoekRow:
    return VerzoekRow(
        **{
            "aansluiting_id": 1,
            "omgeving": "pre",
            "organisatie_oin": OIN,
            "organisatie_naam": "Gemeente Voorbeeldam",
            "verzoeknummer": NUMBER,
            "volgnummer": 0,
            "type": "Aanvraag vergunning",
            "doel": "Initiëren",
            "naam": "Dakkapel van mevrouw De Vries",
            "test": False,
            "state": "delivered",
            "received_at": NOW - timedelta(minutes=5),
            "delivered_at": NOW - timedelta(minutes=4),
            "case_reference": f"pre/{OIN}/{NUMBER}-0",
            **changes,
        }
    )


def files() -> tuple[FileRow, ...]:
    fetched = FileRow(
        "bijlage",
        "d1",
        "plattegrond.pdf",
        "application/pdf",
        len(PDF),
        sha256(PDF).digest(),
        NOW - timedelta(minutes=4),
    )
    return fetched, FileRow("bijlage", "d2", "gevel.png", "image/png")


def findings() -> tuple[VerzoekFinding, ...]:
    return (VerzoekFinding("type-unknown", "type", "Dit type kent digikoppelaar niet.", 7),)


def kennisgevingen() -> tuple[KennisgevingRow, ...]:
    found = ("gmb-2026-1", "https://publicaties.example/gmb-2026-1.html", date(2026, 1, 20))
    published = KennisgevingRow(3, "aanvraag", "gmb", "published", *found)
    return published, KennisgevingRow(4, "besluit", "gmb", "draft", None, None, None)


def verzoek_page(*rows: VerzoekRow, messages: tuple[MessageRow, ...] = ()) -> VerzoekPage:
    first = rows[0]
    return VerzoekPage(
        aansluiting_id=first.aansluiting_id,
        omgeving=first.omgeving,
        organisatie_oin=first.organisatie_oin,
        organisatie_naam=first.organisatie_naam,
        verzoeknummer=first.verzoeknummer,
        versions=tuple(VersionPage(row, files(), (StepRow(row.received_at, "received"),), findings()) for row in rows),
        messages=messages,
        kennisgevingen=kennisgevingen(),
    )


def message_row(**changes: Any) -> MessageRow:
    return MessageRow(
        **{
            "direction": Direction.IN,
            "id": 7,
            "aansluiting_id": 1,
            "omgeving": "pre",
            "organisatie_oin": OIN,
            "organisatie_naam": "Gemeente Voorbeeldam",
            "cpa_id": "CPA_voorbeeld",
            "message_id": "9d1f@dso.example",
            "conversation_id": "c-1",
            "ref_to_message_id": None,
            "service": "stam",
            "action": "notificatie",
            "state": "accepted",
            "at": NOW - timedelta(minutes=5),
            **changes,
        }
    )


def message_page(row: MessageRow, **changes: Any) -> MessagePage:
    return MessagePage(
        **{
            "message": row,
            "partner": "00000099000000002000",
            "endpoint": None,
            "content_type": "text/xml; charset=UTF-8",
            "document": b"<soap:Envelope>" + PAYLOAD + b"</soap:Envelope>",
            "payloads": (PayloadRow("p1@dso.example", "application/xml", len(PAYLOAD), sha256(PAYLOAD).digest()),),
            "verzoeknummer": NUMBER,
            **changes,
        }
    )


def answer_page() -> MessagePage:
    row = message_row(
        direction=Direction.OUT,
        id=3,
        message_id="ack-1@gemeente.example",
        ref_to_message_id="9d1f@dso.example",
        service="urn:oasis:names:tc:ebxml-msg:service",
        action="Acknowledgment",
        state="delivered",
        attempts=2,
    )
    first = AttemptRow(1, NOW - timedelta(seconds=70), NOW - timedelta(seconds=60), "unreachable", 503, "HTTP 503")
    second = AttemptRow(2, NOW - timedelta(seconds=9), None, None, None, "")
    return message_page(row, endpoint="https://dso.example/msh", payloads=(), attempts=(first, second))


def onboarding(naam: str = "Gemeente Voorbeeldam", *omgevingen: str) -> Onboarding:
    """One gemeente in these omgevingen (PRE): a step done with evidence, one wrong, one that waits, the rest open."""
    partijen = {("stam", omgeving): OIN for omgeving in omgevingen or ("pre",)}
    wrong = Finding("expired", Severity.WRONG, f"Het certificaat van {naam} is verlopen.", "", "Vernieuw het.")
    return Onboarding(
        MemoryOnboarding(
            [Authority(OIN, naam, "gemeente", partijen)],
            steps={
                Subject(OIN, Kind.STAM, omgeving): {
                    "0.1": Record(StepState.DONE, evidence=(f"/bewijs/{naam}.pdf",), since=NOW, was_done=True),
                    "0.4": Record(StepState.WAITING, since=NOW),
                    "3.2": Record(StepState.WRONG, (wrong,), since=NOW),
                }
                for _, omgeving in partijen
            },
        ),
        load_process,
        nobody_judges,
    )

"""What evidence of onboarding shows of what is on record, in Dutch lines. Pure; nothing in it is about an applicant."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from digikoppelaar.drop.stages import StageProgress, Wanted
from digikoppelaar.errors import OinError
from digikoppelaar.flows.onboarding_report import state
from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.flows.ports import CpaRecord, FileKind
from digikoppelaar.flows.ports.onboarding import LogLine
from digikoppelaar.flows.reading import MessagePage, VersionPage, VerzoekPage
from digikoppelaar.onboarding.evidence import Attachment, Rows, Section
from digikoppelaar.onboarding.model import Finding, Severity
from digikoppelaar.onboarding.progress import StepProgress
from digikoppelaar.onboarding.states import StepEvent
from digikoppelaar.pki.certificate import Certificate

PROGRAM: Final = "digikoppelaar"
"""Who did what nobody said."""
_EVENTS: Final[Mapping[str, str]] = {
    StepEvent.ASKED: "gevraagd",
    StepEvent.FULFILLED: "gedaan",
    StepEvent.FAILED: "niet goed",
    StepEvent.CLEARED: "weer goed",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A connection to the partner as it is now: what each side shows, and how it is secured.

    `trouble` says in Dutch why nothing could be measured; the rest is None then, and over plain http.
    """

    ours: Certificate | None = None
    theirs: Certificate | None = None
    tls: str | None = None
    cipher: str | None = None
    trouble: str = ""


def moment(at: datetime | None) -> str:
    """A time on paper; nothing when there is none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "-"


def good(findings: Iterable[Finding]) -> Iterator[Section]:
    """What the checks of a step found in order."""
    found = tuple((each.code, each.says) for each in findings if each.severity is Severity.GOOD)
    if found:
        yield Section("Gecontroleerd", found)


def course(lines: Iterable[LogLine]) -> Iterator[Section]:
    """What happened to a step: when, by whom."""
    told = tuple((moment(line.at), _told(line)) for line in lines)
    if told:
        yield Section("Verloop", told)


def _told(line: LogLine) -> str:
    detail = f" ({line.detail})" if line.detail else ""
    return f"{_EVENTS.get(line.event, line.event)} door {line.by or PROGRAM}{detail}"


def overview(status: Status, log: Sequence[LogLine], hashed: Callable[[str], str]) -> tuple[Section, ...]:
    """Every step: how far, by whom and when, and the files that prove it."""
    last = {line.number: line for line in log if line.event == StepEvent.FULFILLED}
    steps = tuple((each.step.number, _how_far(each, last.get(each.step.number))) for each in status.progress.steps)
    files = tuple(
        (each.step.number, f"{file.rpartition('/')[2]}: {hashed(file)}")
        for each in status.progress.steps
        for file in each.record.evidence
    )
    return (Section("Stappen", steps), *([Section("Bewijs per stap (SHA-256)", files)] if files else []))


def _how_far(step: StepProgress, line: LogLine | None) -> str:
    by = f", {moment(step.record.since)}, door {line.by or PROGRAM}" if step.done and line else ""
    return f"{step.step.title}: {state(step)}{by}"


# --- ping-pong -------------------------------------------------------------------------------------------------------


def ping(page: MessagePage) -> Section:
    """Our message, and how it went out."""
    message, last = page.message, page.attempts[-1] if page.attempts else None
    return Section(
        "Ping",
        (
            *_ids(page),
            ("Gemaakt", moment(message.at)),
            ("Verstuurd", moment(last.started_at if last else None)),
            ("Antwoord op HTTP", f"{last.status}, {moment(last.ended_at)}" if last and last.status else "-"),
            ("Naar", page.endpoint or "-"),
        ),
    )


def pong(page: MessagePage) -> Section:
    """Their answer."""
    return Section(
        "Pong",
        (*_ids(page), ("Antwoord op", page.message.ref_to_message_id or "-"), ("Ontvangen", moment(page.message.at))),
    )


def _ids(page: MessagePage) -> Rows:
    message = page.message
    return (
        ("Bericht-id", message.message_id),
        ("Conversatie", message.conversation_id),
        ("CPA", message.cpa_id),
        ("Andere partij", page.partner),
    )


def line(cpa: CpaRecord, measured: Measured) -> Iterator[Section]:
    """The connection and the certificates of both sides, as measured when the evidence was made."""
    secured = f"{measured.tls}, {measured.cipher}" if measured.tls else measured.trouble or "zonder TLS"
    yield Section("Verbinding, gemeten bij het maken van dit bewijs", (("TLS", secured),))
    if measured.ours:
        yield Section(f"Ons certificaat ({cpa.agreement.ours.name})", certificate(measured.ours))
    if measured.theirs:
        yield Section(f"Certificaat van de server ({cpa.agreement.theirs.name})", certificate(measured.theirs))


def certificate(shown: Certificate) -> Rows:
    """What identifies a certificate."""
    try:
        oin = shown.oin
    except OinError:
        oin = "-"
    return (
        ("Onderwerp", shown.subject),
        ("Uitgever", shown.issuer),
        ("OIN", oin),
        ("Serienummer", shown.serial),
        ("SHA-256", shown.sha256),
        ("Geldig", f"{moment(shown.not_before)} tot {moment(shown.not_after)}"),
    )


def as_kept(name: str, page: MessagePage) -> Attachment:
    """The bytes of a message as they are kept: of ours the whole body, of theirs the SOAP part."""
    is_xml = page.document.lstrip().startswith(b"<")
    return Attachment(f"{name}.{'xml' if is_xml else 'mime'}", page.content_type, page.document)


# --- the verzoek, and the stages of 3PAS -----------------------------------------------------------------------------


def verzoek(page: VerzoekPage) -> tuple[Section, ...]:
    """How the verzoek came here: its numbers and times."""
    messages = tuple(("Bericht-id van de notificatie", each.message_id) for each in page.messages)
    return (
        Section("Verzoek", (("Verzoeknummer", page.verzoeknummer), *messages)),
        *(_version(each) for each in page.versions),
    )


def _version(version: VersionPage) -> Section:
    row, files = version.verzoek, version.files
    fetched = [each.fetched_at for each in files if each.fetched_at]
    return Section(
        f"Versie {row.volgnummer}" if row.volgnummer is not None else "Notificatie",
        (
            ("Type", row.type or "-"),
            ("Testverzoek", "ja" if row.test else "nee"),
            ("Ontvangen", moment(row.received_at)),
            ("Opgehaald", moment(max(fetched) if len(fetched) == len(files) else None) if fetched else "-"),
            ("Afgeleverd", moment(row.delivered_at)),
            ("Kenmerk in het zaaksysteem", row.case_reference or "-"),
            ("Bijlagen", str(sum(each.kind == FileKind.BIJLAGE.value for each in files))),
        ),
    )


def stage(progress: StageProgress) -> Section:
    """Each wanted documenttype: what was delivered, and that KOOP found it good."""
    wanted = tuple((each.documenttype.name.capitalize(), _wanted(each)) for each in progress.wanted)
    return Section(f"Stap {progress.stage.order}: {progress.stage.naam}", wanted)


def _wanted(each: Wanted) -> str:
    delivered = [f"{one.dossiernummer or 'aangeleverd'}, {moment(one.at)}" for one in each.deliveries]
    word = each.confirmation
    found_good = f"goed gevonden door KOOP, vastgelegd {moment(word.at)}" if word else "nog niet goed gevonden"
    return "; ".join([*(delivered or ["niet aangeleverd"]), found_good])

"""The defect messages of the Java handler's own test suite, under its synchronous CPA: our answer next to its answer.

Its reactions stand in digikoppeling-ebms2.md, 2.15. The files are templates; they are filled in here with the parties
and the action of the CPA.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from tests.shared import shared_data

from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.decisions import Accept, Caller, Decision, Pinged, Reject, StatusAsked
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.facts import HEADER
from digikoppelaar.ebms.messages import Part
from digikoppelaar.ebms.packaging import Payload, part_of
from digikoppelaar.ebms.receive import decide
from digikoppelaar.errors import EnvelopeError, XmlError

SENDER, RECEIVER = "00000000000000000000", "00000000000000000001"
CPA = "cpaStubEBF.rm.http.unsigned.sync"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CID = "bijlage-1"
VALUES = {
    "partyType": "urn:osb:oin",
    "fromPartyId": SENDER,
    "fromRole": "DIGIPOORT",
    "toPartyId": RECEIVER,
    "toRole": "OVERHEID",
    "cpaId": CPA,
    "serviceType": "urn:osb:services",
    "service": "osb:afleveren:1.1$1.0",
    "action": "afleveren",
    "uuid": "0b1f2a86-2f4e-4ef5-9d7d-3c1f0a9b8e77",
    "refToMessageId": "5f0c",
    "timestamp": "2026-06-01T12:00:00Z",
    "timeToLive": "2026-06-01T12:30:00Z",
    "'cid:' + cid": f"cid:{CID}",
}
REACTIONS = {
    "EbMSMessageInvalidMessageHeaderVersion": ("Inconsistent", f"{HEADER}/@version"),
    "EbMSMessageInvalidToPartyType": ("Inconsistent", f"{HEADER}/To/PartyId"),
    "EbMSMessageMissingFromRole": ("Inconsistent", f"{HEADER}/From/Role"),
    "EbMSMessageInvalidRefToMessageId": ("ValueNotRecognized", f"{HEADER}/MessageData/RefToMessageId"),
    "EbMSMessageMissingDuplicateElimination": ("Inconsistent", f"{HEADER}/DuplicateElimination"),
    "EbMSMessageMissingAckRequested": ("Inconsistent", "//Header/AckRequested"),
    "EbMSMessageInvalidAckRequestedActor": ("Inconsistent", "//Header/AckRequested/@actor"),
    "EbMSMessageInvalidAckRequestedSigned": ("Inconsistent", "//Header/AckRequested/@signed"),
    "EbMSMessageInvalidAckRequestedVersion": ("Inconsistent", "//Header/AckRequested/@version"),
    "EbMSMessageNextMshAckRequested": ("NotSupported", "//Header/AckRequested/@actor"),
    "EbMSMessageMissingSyncReply": ("Inconsistent", "//Header/SyncReply"),
    "EbMSMessageInvalidSyncReplyActor": ("Inconsistent", "//Header/SyncReply"),
    "EbMSMessageInvalidSyncReplyVersion": ("Inconsistent", "//Header/SyncReply"),
    "EbMSMessageMessageOrder": ("NotSupported", "//Header/MessageOrder"),
    "EbMSMessageInvalidManifestVersion": ("Inconsistent", "//Body/Manifest/@version"),
}
ACCEPTED = ["EbMSMessage", "EbMSMessageMissingManifest", "EbMSMessageWithAttachments"]
REFUSED_BEFORE = {
    "EbMSMessageMissingFromPartyId": EnvelopeError,
    "EbMSMessageMissingReference": EnvelopeError,
    "EbMSPingXXE": XmlError,
}


def _filled(name: str) -> bytes:
    text = shared_data("ebms2", "messages", "ebms-core", f"{name}.xml").read_text(encoding="utf-8")
    text = re.sub(r' th:each="[^"]*"', "", text).replace("th:eb:", "eb:").replace("th:xlink:", "xlink:")
    for placeholder, value in VALUES.items():
        text = text.replace(f"[[${{{placeholder}}}]]", value).replace(f"${{{placeholder}}}", value)
    assert "${" not in text
    return text.encode()


def _decided(document: bytes, *, now: datetime = NOW) -> Decision:
    cpa = shared_data("ebms2", "cpa", "ebms-core", f"{CPA}.xml").read_bytes()
    parts: list[Part] = [part_of(Payload(CID, "text/plain", b"hallo"))]
    agreement = read_agreement(cpa, {RECEIVER})
    return decide(read_envelope(document), parts, agreement, Caller(SENDER), seen=None, our_message=None, now=now)


@pytest.mark.parametrize("name", REACTIONS)
def test_a_defect_gets_the_error_that_the_java_handler_gives(name: str) -> None:
    decision = _decided(_filled(name))
    assert isinstance(decision, Reject), decision
    assert (decision.error.code, decision.error.location) == REACTIONS[name]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_message_that_the_java_handler_acknowledges_is_acknowledged(name: str) -> None:
    decision = _decided(_filled(name))
    assert isinstance(decision, Accept), decision
    assert decision.acknowledge
    assert decision.payloads == ((CID,) if name.endswith("Attachments") else ())


@pytest.mark.parametrize("name", REFUSED_BEFORE)
def test_what_breaks_the_schema_is_no_message_at_all(name: str) -> None:
    with pytest.raises(REFUSED_BEFORE[name]):
        read_envelope(_filled(name))


def test_a_ping_and_a_status_request_are_answered() -> None:
    assert _decided(_filled("EbMSPing")) == Pinged()
    assert _decided(_filled("EbMSMessageStatus")) == StatusAsked("5f0c@localhost")


def test_values_that_the_cpa_does_not_know() -> None:
    good = _filled("EbMSMessage").decode()
    unknown = ("ValueNotRecognized", f"{HEADER}/Action")
    defects = {
        ">DIGIPOORT<": (">BALIE<", unknown),
        ">osb:afleveren:1.1$1.0<": (">osb:iets:1.1$1.0<", unknown),
        'eb:type="urn:osb:services"': ('eb:type="urn:osb:diensten"', unknown),
        ">afleveren<": (">opruimen<", unknown),
        f">{SENDER}<": (">00000099000000001000<", ("Inconsistent", f"{HEADER}/From/PartyId")),
        f">{RECEIVER}<": (">00000099000000001000<", ("Inconsistent", f"{HEADER}/To/PartyId")),
        "2026-06-01T12:30:00Z": ("2026-06-01T11:59:59Z", ("TimeToLiveExpired", f"{HEADER}/MessageData/TimeToLive")),
    }
    for old, (new, expected) in defects.items():
        assert old in good
        decision = _decided(good.replace(old, new).encode())
        assert isinstance(decision, Reject), old
        assert (decision.error.code, decision.error.location) == expected, old


def test_the_cpa_must_be_valid_at_the_timestamp() -> None:
    late = _filled("EbMSMessage").replace(b"2026-06-01T12", b"2031-06-01T12")
    decision = _decided(late, now=datetime(2031, 6, 1, 12, tzinfo=UTC) + timedelta(seconds=1))
    assert isinstance(decision, Reject)
    assert (decision.error.code, decision.error.location) == ("Inconsistent", f"{HEADER}/@cpaid")


def test_every_template_of_the_java_handler_is_used() -> None:
    names = {path.stem for path in shared_data("ebms2", "messages", "ebms-core").glob("EbMS*.xml")}
    assert names == {*REACTIONS, *ACCEPTED, *REFUSED_BEFORE, "EbMSPing", "EbMSMessageStatus"}

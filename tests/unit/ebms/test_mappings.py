"""What a mapping changes in an agreement, and what it leaves."""

from dataclasses import replace

from tests.unit.ebms.cpas import GEMEENTE, cpa_document

from digikoppelaar.ebms.agreement import Encryption
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.mappings import Mappings, mapped

AGREEMENT = read_agreement(cpa_document(signed=True).encode(), {GEMEENTE})
THEIRS, OURS = "https://dso.example/ebms", "https://gemeente.example/ebms"
OLD, NEW = b"\x30\x03\x02\x01", b"\x30\x03\x02\x02"


def test_what_we_send_goes_to_the_mapped_address_and_what_we_receive_does_not() -> None:
    found = mapped(AGREEMENT, Mappings({THEIRS: "https://nieuw.example/", OURS: "https://niet.example/"}))
    assert {action.channel.endpoint for action in found.sends} == {"https://nieuw.example/"}
    assert found.our_signals.endpoint == "https://nieuw.example/"
    assert {action.channel.endpoint for action in found.receives} == {OURS}
    assert found.their_signals.endpoint == OURS


def test_a_mapped_certificate_counts_wherever_the_cpa_names_the_old_one() -> None:
    encryption = Encryption("http://www.w3.org/2009/xmlenc11#aes256-gcm", OLD)
    [sends] = AGREEMENT.sends
    agreement = replace(AGREEMENT, sends=(replace(sends, channel=replace(sends.channel, encryption=encryption)),))
    found = mapped(agreement, Mappings(certificates={OLD: NEW}))
    for action in (*found.sends, *found.receives):
        assert action.channel.signing
        assert action.channel.signing.certificate == NEW
    [action] = found.sends
    assert action.channel.encryption
    assert action.channel.encryption.certificate == NEW
    assert set(found.ours.transport_certificates + found.theirs.transport_certificates) == {NEW}
    assert {action.channel.endpoint for action in found.sends} == {THEIRS}


def test_what_is_not_mapped_stays() -> None:
    assert mapped(AGREEMENT, Mappings()) is AGREEMENT
    assert mapped(AGREEMENT, Mappings({"https://elders.example/": "https://x.example/"}, {NEW: OLD})) == AGREEMENT

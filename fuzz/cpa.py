"""The CPA reader, and the findings about what it read."""

import atheris
from harness import MAX_INPUT, fuzz

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.ebms.cpa import read_agreement
    from digikoppelaar.ebms.cpa_findings import findings
    from digikoppelaar.ebms.cpa_subject import Judgement

from tests.unit.ebms import cpas, wire

TOKENS = [
    b"<tp:",
    b"</tp:",
    b' tp:channelId="',
    b' tp:certId="',
    b"PT5M",
    b"P5D",
    b"-P1Y",
    b"T24:00:00Z",
    b"9999",
    b"&#10;",
]


def target(data: bytes) -> None:
    """What there is to say about it, and it as both parties see it."""
    findings(data, Judgement(wire.NOW))
    for party in (cpas.DSO, cpas.GEMEENTE):
        agreement = read_agreement(data, {party})
        assert agreement.ours.party_ids, "a party without a name"


def seeds() -> list[bytes]:
    """Unsigned and signed, and what is heavy."""
    plain = cpas.cpa_document().encode()
    signed = cpas.cpa_document(signed=True, ack_signed=True, certificate=wire.signatory().certificate).encode()
    room = MAX_INPUT - len(signed) - 1024
    transport = b'<tp:Certificate tp:certId="c%d"/>'
    heavy = [
        b"<!-- -->" * (room // 8),
        b"".join(transport % number for number in range(room // 40)),
        b"<tp:PartyInfo/>" * (room // 15),
    ]
    return [plain, signed, *(signed.replace(b"<tp:PartyInfo", one + b"<tp:PartyInfo", 1) for one in heavy)]


if __name__ == "__main__":
    fuzz(target, seeds(), TOKENS)

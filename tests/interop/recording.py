"""Keeping traffic of an interop run as golden files, so that it can be judged again without Java.

    .venv/bin/pytest tests/interop --record tests/golden/interop

For each way of working in RECORDED one file per kind of message and direction, with the CPA; a new recording takes the
place of the old one. Everything in it is fictitious and no key is kept.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.packaging import read_package

RECORDED: Final = ("signed-receipts-http", "synchronous-signed-http")
LARGEST: Final = 16 * 1024
_HEADERS: Final = ("content-type", "soapaction", "user-agent", "upgrade", "connection", "transfer-encoding")


def record(folder: Path, cpas: Mapping[str, bytes], exchanges: Sequence[Mapping[str, Any]]) -> None:
    """Write the first good message of each kind that went under the recorded CPAs, in each direction."""
    kept: dict[tuple[str, str], bytes] = {}
    for exchange in exchanges:
        for sender, headers, body in _messages(exchange):
            cpa_id, action, wanted = _kind(headers, body)
            if wanted and cpa_id in RECORDED:
                kept.setdefault((cpa_id, f"{action}-of-{sender}"), _head(headers) + body)
    for cpa_id in RECORDED:
        own = folder / cpa_id
        own.mkdir(parents=True, exist_ok=True)
        (own / "cpa.xml").write_bytes(cpas[cpa_id])
        for (recorded, name), content in kept.items():
            if recorded == cpa_id:
                (own / f"{name}.http").write_bytes(content)


def _messages(exchange: Mapping[str, Any]) -> list[tuple[str, dict[str, str], bytes]]:
    """Who sent it, headers, body: of the request and, when it has a body, of the response."""
    asked, answered = ("us", "peer") if exchange["direction"] == "in" else ("peer", "us")
    sides = ((asked, "request"), (answered, "response"))
    found = [(sender, _named(exchange[f"{side}Headers"]), exchange[f"{side}Body"]) for sender, side in sides]
    return [(sender, headers, base64.b64decode(body)) for sender, headers, body in found if body]


def _named(headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name.lower(): values[0] for name, values in headers.items() if name.lower() in _HEADERS}


def _kind(headers: Mapping[str, str], body: bytes) -> tuple[str, str, bool]:
    """CPAId and action, and whether it is worth keeping: small, and not made wrong on purpose."""
    if len(body) > LARGEST or b"<soap:Fault>" in body or b"<eb:MessageHeader" not in body:
        return "", "", False
    document, payloads = read_package(headers["content-type"], body)
    header = read_envelope(document).envelope.header
    wrong = header.action.endswith("-unknown") or (header.service.type is not None and not payloads)
    return header.cpa_id, re.sub(r"[^A-Za-z]", "", header.action), not wrong


def _head(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in sorted(headers.items())).encode("ascii") + b"\r\n"

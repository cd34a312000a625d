"""How far somebody is with logging in: one table.

    nobody ──password──▶ in
       │  │     (no second factor wanted)
       │  ├──password, code known──▶ code ───code──▶ in
       │  └──password, code wanted─▶ enrol ──code──▶ in
       └──provider──▶ in

Each move makes a new session with a new token, so that a token known before the login is worth nothing after it
(session fixation). Anything that is not in the table is refused.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """How far a session is; without a session it is `nobody`."""

    NOBODY = "nobody"
    CODE = "code"
    """The password was right; the code of the second factor is asked."""
    ENROL = "enrol"
    """The password was right; the account must get a second factor first."""
    IN = "in"


class Proof(StrEnum):
    """What was shown, and held."""

    PASSWORD = "password"  # noqa: S105  # a word, not a secret
    """And this account needs no more."""
    PASSWORD_CODE_KNOWN = "password, code known"  # noqa: S105
    PASSWORD_CODE_WANTED = "password, code wanted"  # noqa: S105
    CODE = "code"
    PROVIDER = "provider"
    """The identity provider of the organisation says who it is; a second factor is its business."""


NEXT: Final[Mapping[tuple[Stage, Proof], Stage]] = {
    (Stage.NOBODY, Proof.PASSWORD): Stage.IN,
    (Stage.NOBODY, Proof.PASSWORD_CODE_KNOWN): Stage.CODE,
    (Stage.NOBODY, Proof.PASSWORD_CODE_WANTED): Stage.ENROL,
    (Stage.NOBODY, Proof.PROVIDER): Stage.IN,
    (Stage.CODE, Proof.CODE): Stage.IN,
    (Stage.ENROL, Proof.CODE): Stage.IN,
}

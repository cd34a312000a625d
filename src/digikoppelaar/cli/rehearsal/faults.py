"""What can be wrong in a rehearsal, each really made so: in PRE, at the step that finds it.

A fault of a certificate shows at the check of step 3.2, whatever `certificate import` would say of it before: it is put
on record by hand, as somebody would who got key and certificate from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.pki import AS_ASKED, Slip

CERTIFICATE: Final = "3.2"
"""The step at which the certificate is judged."""
OTHER_OIN: Final = "00000099000000009000"
_AGO: Final = timedelta(days=2000)


@dataclass(frozen=True, slots=True)
class RehearsedFault:
    """Something that is wrong. `step` is where it shows: the step that is not done.

    `slip`: how the certificate differs from what was asked. `wrong_key`: it is of another key; `own_key`: it vouches
    for itself. `strike`: what DSO-LV does with an offered CPA, as the sandbox knows faults.
    """

    step: str
    slip: Slip = AS_ASKED
    wrong_key: bool = False
    own_key: bool = False
    other_cpa: bool = False
    key_taken_back: bool = False
    strike: Mapping[str, object] | None = None
    mail_works: bool = True

    @property
    def of_certificate(self) -> bool:
        """Whether the certificate is other than it should be."""
        return self.slip != AS_ASKED or self.wrong_key or self.own_key


def _dso(**strike: object) -> RehearsedFault:
    return RehearsedFault("3.4", strike={"target": "offering", **strike})


FAULTS: Final[Mapping[str, RehearsedFault]] = {
    "wrong-key": RehearsedFault(CERTIFICATE, wrong_key=True),
    "no-oin": RehearsedFault(CERTIFICATE, Slip(oin="")),
    "other-oin": RehearsedFault(CERTIFICATE, Slip(oin=OTHER_OIN)),
    "expired": RehearsedFault(CERTIFICATE, Slip(ago=_AGO)),
    "self-signed": RehearsedFault(CERTIFICATE, own_key=True),
    "missing-intermediate": RehearsedFault(CERTIFICATE, Slip(alone=True)),
    "endpoint-not-in-san": RehearsedFault(CERTIFICATE, Slip(hosts=())),
    "api-key-refused": RehearsedFault("2.2", key_taken_back=True),
    "cpa-other-omgeving": RehearsedFault("3.3", other_cpa=True),
    "dso-403": _dso(kind="answer", status=403),
    "dso-409": _dso(kind="answer", status=409),
    "dso-500": _dso(kind="answer", status=500),
    "dso-html": _dso(kind="html"),
    "mail-down": RehearsedFault("0.4", mail_works=False),
}
NONE: Final = RehearsedFault("")
"""Nothing is wrong."""


def fault_called(name: str | None) -> RehearsedFault:
    """Raises ConfigError when there is none with this name."""
    if name is None:
        return NONE
    if name not in FAULTS:
        raise ConfigError(f"there is no fault {name}", advice=f"Kies een van {', '.join(FAULTS)}.")
    return FAULTS[name]

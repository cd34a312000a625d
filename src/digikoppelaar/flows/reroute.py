"""Sending on a verzoek that should have come to another authority: DSO-LV changes whose it is.

Asked is on record before it is asked, and done after it, so that a crash in between shows. What we hold of the
verzoek stays: a case system may have a case of it, and the verzoek may come back.
"""

import structlog

from digikoppelaar.errors import ConfigError, OinError
from digikoppelaar.flows.ports import Aansluiting, Clock
from digikoppelaar.flows.ports.reroute import Reroute, RerouteRecord, Rerouting, Role
from digikoppelaar.pki.oin import check_oin

log = structlog.get_logger()

NOBODY = "none"
"""What a person writes for no behandeldienst."""


def wanted(bevoegd_gezag: str | None, behandeldienst: str | None) -> Reroute:
    """The one change that a person asks for. Raises ConfigError for none, for two, and for what is no OIN."""
    if (bevoegd_gezag is None) == (behandeldienst is None):
        raise ConfigError(
            "a verzoek goes either to another bevoegd gezag or to another behandeldienst",
            advice="Kies één van --bevoegd-gezag en --behandeldienst; voor beide geeft u de opdracht twee keer.",
        )
    if behandeldienst is not None and behandeldienst.casefold() == NOBODY:
        return Reroute(Role.BEHANDELDIENST, None)
    try:
        oin = check_oin(bevoegd_gezag or behandeldienst or "")
    except OinError as error:
        raise ConfigError(str(error), advice="Geef een OIN van twintig cijfers.") from error
    return Reroute(Role.BEVOEGD_GEZAG if bevoegd_gezag else Role.BEHANDELDIENST, oin)


async def send_on(
    record: RerouteRecord, dso: Rerouting, aansluiting: Aansluiting, verzoeknummer: str, to: Reroute, clock: Clock
) -> None:
    """Ask DSO-LV for this change. Asking again is harmless, but DSO-LV may refuse it to who no longer has the verzoek.

    Raises a FacilityError, ConfigError or StorageError.
    """
    detail = f"{to.role.value} {to.oin or NOBODY}"
    await record.noted(aansluiting.id, verzoeknummer, "reroute_asked", detail, clock.now())
    await dso.reroute(verzoeknummer, to)
    await record.noted(aansluiting.id, verzoeknummer, "rerouted", detail, clock.now())
    log.info("verzoek_rerouted", aansluiting=aansluiting.id, verzoeknummer=verzoeknummer, to=detail)

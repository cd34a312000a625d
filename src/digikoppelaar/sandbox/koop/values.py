"""What the management port tells of KOOP, as JSON values."""

from digikoppelaar.drop.stages import StageProgress
from digikoppelaar.sandbox.koop.dossiers import Dossier, key_of
from digikoppelaar.sandbox.koop.koop import Koop, Receipt


def dossier_values(dossier: Dossier, koop: Koop) -> dict[str, object]:
    """A dossier; `received` is how often the same was delivered, taken or not."""
    kennisgeving = dossier.kennisgeving
    return {
        "dossiernummer": dossier.dossiernummer,
        "identifier": dossier.identifier,
        "status": dossier.status.value,
        "stage": dossier.stage,
        "certificate_oin": dossier.oin,
        "oin": kennisgeving.publicist.oin,
        "naam": kennisgeving.publicist.naam,
        "blad": kennisgeving.blad.value,
        "documenttype": kennisgeving.documenttype.value,
        "referentienummer": kennisgeving.referentienummer,
        "titel": kennisgeving.titel,
        "received_at": dossier.received_at.isoformat(),
        "received": koop.received(key_of(kennisgeving)),
        "planned": dossier.planned.isoformat() if dossier.planned else None,
        "published_on": dossier.published_on.isoformat() if dossier.published_on else None,
        "offered_by": dossier.offered_by,
        "approved_by": dossier.approved_by,
        "confirmed_by": dossier.confirmed_by,
        "confirmed_at": dossier.confirmed_at.isoformat() if dossier.confirmed_at else None,
    }


def stage_values(oin: str, progress: StageProgress) -> dict[str, object]:
    """How far an organisatie is in one stage."""
    return {
        "oin": oin,
        "stage": progress.stage.name,
        "done": progress.done,
        "undelivered": [each.name.lower() for each in progress.undelivered],
        "unconfirmed": [each.name.lower() for each in progress.unconfirmed],
        "findings": [each.says for each in progress.findings],
    }


def receipt_values(receipt: Receipt) -> dict[str, object]:
    """A request that came in."""
    oin, referentienummer, documenttype, blad = receipt.key or ("", "", "", "")
    return {
        "at": receipt.at.isoformat(),
        "stage": receipt.stage,
        "certificate_oin": receipt.oin,
        "sha256": receipt.sha256.hex(),
        "oin": oin,
        "referentienummer": referentienummer,
        "documenttype": documenttype,
        "blad": blad,
        "dossiernummer": receipt.dossiernummer or None,
        "code": receipt.code or None,
        "reason": receipt.reason or None,
    }

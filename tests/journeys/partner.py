"""DSO-LV's message service without a sandbox around it: any certificate, and messages that are not sent yet."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import aiohttp

from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.adapters.trust import TrustBase
from digikoppelaar.cli.trial import Trial
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.answers import business_message
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.packaging import Payload, package
from digikoppelaar.flows.ports import Clock, Ids, Signer
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox.cpa_document import ACTION, SERVICE
from digikoppelaar.sandbox.verzoek_document import notification_xml
from digikoppelaar.wiring import Stores

DOMAIN: Final = "dso-lv.sandbox"
NUMMER: Final = "2020010100001"
"""A verzoek that the sandbox does not have."""

COUNTS = """
    SELECT
        (SELECT count(*) FROM inbound_message) AS inbound, (SELECT count(*) FROM outbound_message) AS outbound,
        (SELECT count(*) FROM notification) AS notifications, (SELECT count(*) FROM verzoek) AS verzoeken,
        (SELECT count(*) FROM procrastinate_jobs) AS jobs
"""
ERROR_CODE = "SELECT error_code FROM inbound_message WHERE message_id = %s AND error_code IS NOT NULL"


def endpoint_of(trial: Trial) -> str:
    """The gateway's ebMS endpoint."""
    return f"https://127.0.0.1:{trial.ports['endpoint']}/ebms"


def pki_of(trial: Trial) -> Path:
    """The folder with the sandbox's certificates and keys."""
    return Path(trial.facts["trust_anchor_file"]).parent


def client_context(trial: Trial, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """TLS towards the gateway, with this client certificate or none."""
    context = ssl.create_default_context(cafile=trial.facts["trust_anchor_file"])
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def dso_context(trial: Trial) -> ssl.SSLContext:
    """TLS towards the gateway as DSO-LV."""
    return client_context(trial, pki_of(trial) / "dso-lv-tls.pem", pki_of(trial) / "dso-lv-tls.key")


@dataclass(frozen=True, slots=True)
class Partner:
    """Writes messages as DSO-LV does, with its key; sends nothing."""

    agreement: Agreement
    signer: Signer
    ids: Ids = field(default_factory=RandomIds)
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """DSO-LV in the sandbox of this trial."""
        omgeving, oin, pki = trial.omgeving, trial.facts["dso_oin"], pki_of(trial)
        record = CertificateRecord(oin, omgeving, Use.SIGN, pki / "dso-lv-sign.pem", pki / "dso-lv-sign.key")
        agreement = read_agreement(Path(trial.facts["cpa_file"]).read_bytes(), [oin])
        signing = agreement.our_signals.signing
        assert signing is not None
        ring = Keyring([record], TrustBase({}, SystemClock()), SystemClock())
        return cls(agreement, ring.signer(omgeving, oin, signing.certificate))

    def notification(self, verzoeknummer: str = NUMMER) -> tuple[str, bytes]:
        """Content-Type and body of a signed notification with a new MessageId."""
        action = self.agreement.sending(SERVICE, ACTION)
        assert action is not None
        payload = Payload(self.ids.message_id(DOMAIN), "application/xml", notification_xml(verzoeknummer))
        envelope = business_message(
            self.agreement,
            action,
            message_id=self.ids.message_id(DOMAIN),
            conversation_id=self.ids.conversation_id(),
            now=self.clock.now(),
            hrefs=(f"cid:{payload.content_id}",),
        )
        packaged = package(
            envelope,
            [payload],
            signing=action.channel.signing,
            sign=self.signer.sign,
            boundary=self.ids.unique(),
            soap_content_id=envelope.header.message_id,
        )
        return packaged.content_type, packaged.body


@dataclass(frozen=True, slots=True)
class GatewayUnderAttack:
    """tests.journeys.bad_input.gateway.Gateway over a trial that nobody else uses."""

    trial: Trial
    stores: Stores
    partner: Partner
    client_ssl_context: ssl.SSLContext
    """See Gateway."""

    @property
    def endpoint_url(self) -> str:
        """See Gateway."""
        return endpoint_of(self.trial)

    async def valid_notification(self) -> tuple[str, bytes]:
        """See Gateway."""
        return self.partner.notification()

    async def stored_counts(self) -> Mapping[str, int]:
        """See Gateway."""
        async with transaction(self.stores.pool) as connection:
            counts = await (await connection.execute(COUNTS)).fetchone()
        assert counts is not None
        blobs = self.trial.config.data_folder / "blobs"
        return {**counts, "blobs": sum(path.is_file() for path in blobs.rglob("*"))}

    async def error_code(self, message_id: str) -> str | None:
        """See Gateway."""
        async with transaction(self.stores.pool) as connection:
            found = await (await connection.execute(ERROR_CODE, [message_id])).fetchone()
        return found["error_code"] if found else None

    async def is_up(self) -> bool:
        """See Gateway."""
        process = self.trial.gateway
        url = f"http://127.0.0.1:{self.trial.ports['management']}/health/live"
        try:
            async with self.trial.http.get(url) as answer:
                return answer.status == 200 and process is not None and process.returncode is None
        except aiohttp.ClientError:
            return False

"""Mails of onboarding: drafted out of a template with the evidence of a step, and sent because a person says so.

    draft ──▶ the mail server took it ──▶ the step waits for who was asked

A crash before the last leaves the step as it was; the mail then goes again, with the same Message-ID. What is of a
sandbox goes to its own mailbox, and says so.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from digikoppelaar.errors import ConfigError, MailNotSent
from digikoppelaar.flows.onboarding import Onboarding, refuse_held_up
from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.flows.ports import Clock, is_sandbox
from digikoppelaar.flows.proof import Proofs
from digikoppelaar.flows.worklist_mail import Mail, Mailer
from digikoppelaar.onboarding.evidence import MARK, Attachment, omgeving_in_words
from digikoppelaar.onboarding.mail import Addressee, MailTemplate
from digikoppelaar.onboarding.model import Subject
from digikoppelaar.onboarding.progress import StepProgress, Told
from digikoppelaar.onboarding.states import StepEvent, after

SANDBOX_ADDRESS: Final = "postbus@sandbox.invalid"
"""To which the mails of a sandbox go: no mail server in the world delivers there."""
NOT_SENT: Final = (
    "De mail is niet verstuurd en er is niets vastgelegd. Laat uw beheerder de mailserver nakijken en geef de opdracht "
    "opnieuw, of bewaar de mail met --save en stuur hem zelf."
)

Proof = tuple[Mapping[str, Any], tuple[Attachment, ...]]
"""What the JSON of evidence says, and its PDF, PNG and JSON."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """To whom mails go in real omgevingen; `cc` gets those to the aansluitteam too."""

    to: Mapping[Addressee, tuple[str, ...]]
    cc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OnboardingMails:
    """Over these parts; `read` reads evidence by the name of its JSON, and raises ConfigError."""

    onboarding: Onboarding
    proofs: Proofs
    templates: Callable[[], Mapping[str, MailTemplate]]
    addresses: Addresses
    read: Callable[[str], Proof]
    clock: Clock

    async def draft(self, subject: Subject, number: str, by: str) -> Mail:
        """The mail that goes with a step, with the evidence of it and of what came first.

        Raises ConfigError when the step has none, evidence that belongs to it is missing, or the address is not
        configured; and StorageError.
        """
        status = await self.onboarding.status(subject)
        step = status.step(number)
        template = self.templates().get(step.step.mail)
        if template is None:
            raise ConfigError(f"no mail goes with step {number}", advice="Kies een stap waarbij een mail hoort.")
        heading, text = template.filled(await self._words(status, step, by))
        attached = tuple(self._evidence(status, step))
        draft = Mail(
            to=(SANDBOX_ADDRESS,),
            subject=heading,
            text=text.lstrip(),
            name=_name(status, step, attached),
            at=self.clock.now(),
            attachments=attached,
            by_hand=True,
        )
        if is_sandbox(subject.omgeving):
            return replace(draft, subject=f"SANDBOX: {heading}", text=f"{MARK}\n\n{draft.text}")
        to = self.addresses.to[template.to]
        if not to:
            raise ConfigError(
                f"there is no address for {template.to}",
                advice=f"Zet in de configuratie onder [onboarding.mail] een adres bij {template.to}.",
            )
        return replace(draft, to=to, cc=self.addresses.cc if template.to is Addressee.AANSLUITTEAM else ())

    async def send(self, subject: Subject, number: str, mailer: Mailer, by: str) -> tuple[Mail, Status]:
        """Send it; a step that asks somebody then waits for him.

        Raises ConfigError as `draft` does, and when it is not the turn of the step; MailNotSent, and then nothing is
        on record; and StorageError.
        """
        status = await self.onboarding.status(subject)
        step = status.step(number)
        refuse_held_up(step)
        if step.step.asks and after(step.record.state, StepEvent.ASKED) is None:
            raise ConfigError(
                f"step {number} is {step.record.state}: nobody is to be asked", advice="De stap is gedaan."
            )
        mail = await self.draft(subject, number, by)
        try:
            await mailer.send(mail)
        except MailNotSent as error:
            raise MailNotSent(str(error), advice=NOT_SENT) from error
        if not step.step.asks:
            return mail, status
        told = Told(self.clock.now(), by, f"mail {mail.name}")
        return mail, await self.onboarding.asked(subject, number, told)

    async def _words(self, status: Status, step: StepProgress, by: str) -> Mapping[str, str]:
        return {
            "naam": status.authority.naam,
            "oin": status.subject.oin,
            "omgeving": omgeving_in_words(status.subject.omgeving),
            "partij": await self.proofs.connections.partij(status.partij) or status.partij,
            "partij_oin": status.partij,
            "stap": step.step.number,
            "titel": step.step.title,
            "verzoeknummer": await self.proofs.verzoeknummer(status) or "(nog onbekend)",
            "aangeleverd": await self.proofs.delivered(status, step),
            "door": by,
        }

    def _evidence(self, status: Status, step: StepProgress) -> Iterator[Attachment]:
        """That of the steps that come first must be there; its own when it is."""
        for each in [*map(status.step, step.step.first), step]:
            if not each.step.evidence or (each is step and not each.record.evidence):
                continue
            seal = next((file for file in reversed(each.record.evidence) if file.endswith(".json")), None)
            if seal is None:
                raise ConfigError(
                    f"step {each.step.number} has no evidence to send",
                    advice=f"Maak het met `digikoppelaar aansluiting evidence --step {each.step.number}`."
                    if each.lacks_evidence
                    else f"Stap {each.step.number} moet eerst gedaan zijn: zie `digikoppelaar aansluiting show`.",
                )
            said, files = self.read(seal)
            whose = status.of(each.step)
            if (said["oin"], said["kind"], said["omgeving"], said["step"]) != (
                whose.oin,
                whose.kind,
                whose.omgeving,
                each.step.number,
            ):
                raise ConfigError(
                    f"{seal} is evidence of something else", advice="Maak het bewijs van deze stap opnieuw."
                )
            yield from files


def _name(status: Status, step: StepProgress, attached: tuple[Attachment, ...]) -> str:
    """The same until the step comes to another state, so that what went before a crash is known as the same."""
    subject, since = status.subject, step.record.since
    parts = [subject.oin, subject.kind, subject.omgeving, step.step.number, since.isoformat() if since else ""]
    digest = hashlib.sha256("\n".join(parts).encode())
    for each in attached:
        digest.update(hashlib.sha256(each.content).digest())
    return digest.hexdigest()[:32]

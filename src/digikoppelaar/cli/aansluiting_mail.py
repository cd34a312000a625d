"""`digikoppelaar aansluiting mail`: the mail that goes with a step, with its evidence, as a draft or sent."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar.adapters.addresses import is_loopback
from digikoppelaar.adapters.evidence import as_attachments
from digikoppelaar.adapters.mail import MailServer, SmtpMailer, as_draft
from digikoppelaar.adapters.mail_templates import load_templates
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.aansluiting import By, OfKind, Oin, There, subject_of, told_by
from digikoppelaar.cli.context import DryRun, Json, configuration
from digikoppelaar.cli.sandbox_load import facts_of
from digikoppelaar.config import Config
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.onboarding_mail import Addresses, OnboardingMails
from digikoppelaar.flows.ports import is_sandbox
from digikoppelaar.flows.worklist_mail import Mail
from digikoppelaar.onboarding.mail import Addressee
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.proving import Proving, open_proving
from digikoppelaar.worklist_watch import server_of

SandboxFolder = Annotated[
    Path | None, typer.Option("--sandbox", help="State folder of the running sandbox, for its omgevingen.")
]
_NOBODY: Final = "koppelaar@sandbox.invalid"
"""Who sends while no `[mail]` is configured."""


def mail(
    oin: Oin,
    omgeving: There,
    step: Annotated[str, typer.Option(help="The step, such as 3.7.")],
    kind: OfKind = Kind.STAM,
    save: Annotated[Path | None, typer.Option(help="Write it as a draft (.eml) that is not there yet.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it; the step then waits for the answer.")] = False,
    sandbox: SandboxFolder = None,
    by: By = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Draft the mail that goes with a step, with its evidence; show it, save it or send it.

    That of a sandbox goes to the mailbox of the sandbox, never to an address of the configuration.
    """
    subject, config, told = subject_of(oin, kind, omgeving), configuration(), told_by(by)
    sending = send and not dry_run

    async def made() -> Mail:
        async with open_proving(config) as proving:
            mails = mails_of(config, proving)
            if not sending:
                return await mails.draft(subject, step, told.by or "")
            mailer = SmtpMailer(mail_server(config, subject, sandbox))
            return (await mails.send(subject, step, mailer, told.by or ""))[0]

    drafted = asyncio.run(made())
    if save and not dry_run:
        _save(save, as_draft(drafted, config.mail.sender if config.mail else _NOBODY))
    _tell(drafted, sent=sending, saved=None if dry_run else save, json=json)


def mails_of(config: Config, proving: Proving) -> OnboardingMails:
    """The mails of onboarding, to the addresses of the configuration."""
    configured = config.onboarding.mail
    to = {each: getattr(configured, each) for each in Addressee}
    addresses = Addresses(to, configured.cc)
    return OnboardingMails(proving.onboarding, proving.proofs, load_templates, addresses, as_attachments, SystemClock())


def mail_server(config: Config, subject: Subject, folder: Path | None) -> MailServer:
    """The one that is configured; for a sandbox its own, and never another. Raises ConfigError."""
    if not is_sandbox(subject.omgeving):
        if config.mail is None:
            raise ConfigError(
                "there is no [mail] in the configuration",
                advice="Zet de mailserver onder [mail] in de configuratie, of bewaar de mail met --save.",
            )
        return server_of(config.mail)
    if folder is None:
        raise ConfigError("which sandbox: --sandbox", advice="Noem met --sandbox de map van de sandbox die draait.")
    facts = facts_of(folder)
    if not is_loopback(str(facts.get("mail_host", ""))):
        raise ConfigError(
            "this sandbox has no mailbox on this machine", advice="Start een sandbox van deze versie op deze machine."
        )
    return MailServer(facts["mail_host"], facts["mail_port"], _NOBODY, "none")


def _save(file: Path, content: bytes) -> None:
    try:
        with file.open("xb") as writing:
            writing.write(content)
    except OSError as error:
        raise ConfigError(
            f"{file}: {error.strerror}", advice="Kies met --save een bestand dat er nog niet is."
        ) from error


def _tell(drafted: Mail, *, sent: bool, saved: Path | None, json: bool) -> None:
    fields = {
        "to": drafted.to,
        "cc": drafted.cc,
        "subject": drafted.subject,
        "attachments": tuple(each.name for each in drafted.attachments),
    }
    if json:
        output.print_json({**fields, "text": drafted.text, "name": drafted.name, "sent": sent, "saved": saved})
        return
    output.print_fields(fields)
    output.console.print(f"\n{drafted.text}", markup=False)
    output.console.print(f"Saved in {saved}." if saved else "", markup=False)
    output.console.print("Sent." if sent else "Not sent.")

"""The command tree, and the one place where errors become a line and an exit status."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import __version__
from digikoppelaar.adapters import logs
from digikoppelaar.cli import (
    aansluiting,
    aansluiting_check,
    aansluiting_copy,
    aansluiting_follow,
    aansluiting_mail,
    aansluiting_proof,
    aansluiting_word,
    account,
    application,
    area,
    case_event,
    casesystem,
    catch_up,
    certificate,
    certificate_request,
    check,
    context,
    cpa,
    cpa_build,
    cpa_offering,
    cpa_register,
    demo,
    kennisgeving,
    kennisgeving_by_hand,
    kennisgeving_export,
    kennisgeving_stage,
    link,
    message,
    organisatie,
    organisatie_import,
    partner,
    profile,
    rehearse,
    repair,
    reroute,
    retention,
    sandbox,
    sending,
    serve,
    verzoek,
    views,
    worklist,
)
from digikoppelaar.cli.output import errors
from digikoppelaar.errors import DigikoppelaarError

app = typer.Typer(
    name="digikoppelaar",
    help="Exchange Digikoppeling ebMS2 messages, and bring permit requests from DSO-LV into the case folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
organisatie.app.command("import")(organisatie_import.import_list)
app.add_typer(organisatie.app, name="organisatie")
aansluiting.app.command("ask")(aansluiting_word.ask)
aansluiting.app.command("confirm")(aansluiting_word.confirm)
aansluiting.app.command("copy")(aansluiting_copy.copy)
aansluiting.app.command("evidence")(aansluiting_proof.evidence)
aansluiting.app.command("ping")(aansluiting_proof.ping)
aansluiting.app.command("check")(aansluiting_check.check)
aansluiting.app.command("mail")(aansluiting_mail.mail)
aansluiting.app.command("follow")(aansluiting_follow.follow)
aansluiting.app.command("rehearse")(rehearse.rehearse)
app.add_typer(aansluiting.app, name="aansluiting")
cpa.app.command("build")(cpa_build.build_cpa)
cpa.app.command("machtiging")(cpa_register.machtiging)
cpa.app.command("request")(cpa_register.request)
cpa.app.command("status")(cpa_register.status)
cpa.app.command("download")(cpa_register.download)
cpa.app.command("regenerate")(cpa_register.regenerate)
cpa.app.command("offer")(cpa_offering.offer)
cpa.app.command("offered")(cpa_offering.offered)
certificate.app.command("request")(certificate_request.request)
certificate.app.command("import")(certificate_request.import_certificate)
app.add_typer(certificate.app, name="certificate")
app.add_typer(cpa.app, name="cpa")
verzoek.app.command("release")(repair.release)
verzoek.app.command("redeliver")(repair.redeliver)
verzoek.app.command("refetch")(repair.refetch)
verzoek.app.command("park")(repair.park)
verzoek.app.command("link")(link.link)
verzoek.app.command("unlink")(link.unlink)
app.add_typer(casesystem.app, name="casesystem")
app.add_typer(verzoek.app, name="verzoek")
app.add_typer(worklist.app, name="worklist")
verzoek.app.command("catch-up")(catch_up.catch_up)
verzoek.app.command("report")(catch_up.report)
verzoek.app.command("reroute")(reroute.reroute)
verzoek.app.add_typer(area.app, name="area")
kennisgeving.app.command("hold")(kennisgeving_by_hand.hold)
kennisgeving.app.command("resume")(kennisgeving_by_hand.resume)
kennisgeving.app.command("cancel")(kennisgeving_by_hand.cancel)
kennisgeving.app.command("again")(kennisgeving_by_hand.again)
kennisgeving.app.command("arrived")(kennisgeving_by_hand.arrived)
kennisgeving.app.command("tell")(kennisgeving_by_hand.tell)
kennisgeving.app.command("refused")(kennisgeving_by_hand.refused)
kennisgeving.app.command("none")(kennisgeving_by_hand.none)
kennisgeving.app.command("export")(kennisgeving_export.export)
kennisgeving.app.add_typer(kennisgeving_stage.app, name="stage")
app.add_typer(kennisgeving.app, name="kennisgeving")
app.add_typer(case_event.app, name="case-event")
app.add_typer(message.app, name="message")
app.add_typer(views.app, name="views")
app.add_typer(retention.app, name="retention")
app.add_typer(partner.app, name="partner")
app.add_typer(profile.app, name="profile")
app.add_typer(account.app, name="account")
app.add_typer(application.api_key, name="api-key")
app.add_typer(application.webhook, name="webhook")
app.add_typer(sandbox.app, name="sandbox")
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("migrate")(serve.migrate)
app.command("check")(check.check)
app.command("ping")(cpa.ping)
app.command("status")(sending.status)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[
        Path | None,
        typer.Option(help="The configuration file.", envvar="DIGIKOPPELAAR_CONFIG", show_default="digikoppelaar.toml"),
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""
    del version
    context.use(config=config, debug=debug)


def main() -> None:
    """The program: a command tells by itself what it did, so only errors are logged; `serve` asks for more."""
    logs.configure("error")
    execute()


def execute() -> None:
    """Run the command. An error is one clear line and exit status 1, with a traceback only under --debug."""
    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if context.debug():
            raise
        what, advice = told(error)
        errors.print(f"error: {what}", markup=False, style="red")
        errors.print(f"wat te doen: {advice}", markup=False)
        sys.exit(1)


def told(error: Exception) -> tuple[str, str]:
    """What went wrong, and what to do about it. The text of an error that is not ours could hold anything."""
    if isinstance(error, DigikoppelaarError):
        return str(error), error.advice
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}", "Controleer het pad, de rechten en de schijfruimte."
    what = f"unexpected {type(error).__name__}; with --debug before the command it tells where"
    return what, DigikoppelaarError.default_advice

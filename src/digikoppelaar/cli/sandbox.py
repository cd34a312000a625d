"""`digikoppelaar sandbox`: DSO-LV on this machine."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from digikoppelaar.adapters import profile_files
from digikoppelaar.adapters.logs import configure
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json
from digikoppelaar.cli.files import MEBIBYTE, in_file, read_file, read_toml
from digikoppelaar.cli.serve import UntilStdinEnds, stop_on_signal
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.authorities import read_authorities

if TYPE_CHECKING:
    from digikoppelaar.sandbox.folder import SandboxReady
    from digikoppelaar.sandbox.routing import Organisatie
    from digikoppelaar.sandbox.settings import SandboxSettings

Organisaties = Annotated[
    list[str] | None,
    typer.Option(help="Connect this authority, as OIN=naam=bestuurslaag; once for each. Default: one gemeente."),
]
Country = Annotated[
    Path | None,
    typer.Option(help="TOML with [[organisatie]] tables: areas and behandeldiensten too; or a list in CSV."),
]
PublishAtOnce = Annotated[bool, typer.Option("--publish-at-once", help="KOOP publishes at once what it takes.")]
Unconnected = Annotated[bool, typer.Option("--unconnected", help="Connect nobody: each authority is to be onboarded.")]
OtherAddresses = Annotated[
    bool, typer.Option("--allow-other-addresses", help="Listen on, or send to, another machine.")
]
Profiles = Annotated[Path | None, typer.Option(help="Folder of profiles that stand in the place of ours.")]

app = typer.Typer(no_args_is_help=True, help="The national side on this machine. Never production.")
_LARGEST_LIST: Final = 16 * MEBIBYTE
of_country = typer.Typer(no_args_is_help=True, help="An invented country, to try many authorities with.")
app.add_typer(of_country, name="country")


@app.callback()
def group() -> None:
    """The national side on this machine. Never production."""


@app.command()
def serve(
    folder: Annotated[Path, typer.Option(help="State folder: certificates, CPA, and the files to set up a gateway.")],
    gateway_endpoint: Annotated[str, typer.Option(help="https URL of the gateway's ebMS endpoint; goes into the CPA.")],
    case_folder: Annotated[Path, typer.Option(help="Folder for verzoeken; goes into organisatie.toml.")],
    omgeving: Annotated[str, typer.Option(help="Which omgeving to play: sandbox-pre or sandbox-prod.")] = "sandbox-pre",
    host: Annotated[str, typer.Option(help="Address to listen on; loopback, unless allowed otherwise.")] = "127.0.0.1",
    rest_port: Annotated[int, typer.Option(help="Port of Verzoek afhandelen; 0 takes a free one.")] = 0,
    ebms_port: Annotated[int, typer.Option(help="Port of DSO-LV's ebMS endpoint.")] = 0,
    management_port: Annotated[int, typer.Option(help="Port on which to submit, look and switch faults on.")] = 0,
    loket_port: Annotated[int, typer.Option(help="Port of the Omgevingsloket, for a browser.")] = 0,
    koop_3pas_port: Annotated[int, typer.Option(help="Port of 3PAS, where KOOP takes kennisgevingen.")] = 0,
    koop_pages_port: Annotated[int, typer.Option(help="Port of KOOP's search, publications and DROP.")] = 0,
    register_port: Annotated[int, typer.Option(help="Port of the CPA register's REST API.")] = 0,
    onboarding_port: Annotated[int, typer.Option(help="Port of the pages of register, portal and aansluitteam.")] = 0,
    mail_port: Annotated[int, typer.Option(help="Port of the mailbox (SMTP).")] = 0,
    profile: Annotated[str, typer.Option(help="ebMS profile of the CPA: osb-rm or osb-rm-s.")] = "osb-rm-s",
    retries: Annotated[int, typer.Option(help="Retries in the CPA.")] = 8,
    retry_interval: Annotated[float, typer.Option(help="RetryInterval in the CPA, in seconds.")] = 10.0,
    seed: Annotated[int | None, typer.Option(help="Invent the same content at every run.")] = None,
    organisatie: Organisaties = None,
    country: Country = None,
    unconnected: Unconnected = False,
    publish_at_once: PublishAtOnce = False,
    allow_other_addresses: OtherAddresses = False,
    profiles: Profiles = None,
    json: Json = False,
    until_stdin_ends: UntilStdinEnds = False,
) -> None:
    """Run DSO-LV until Ctrl-C, with fresh certificates for a new folder. It forgets every verzoek when it stops."""
    from digikoppelaar.sandbox.settings import ONE_COUNTRY, SandboxSettings  # heavy, and only this command needs it

    settings = SandboxSettings(
        folder=folder,
        gateway_endpoint=gateway_endpoint,
        case_folder=case_folder,
        omgeving=omgeving,
        host=host,
        rest_port=rest_port,
        ebms_port=ebms_port,
        management_port=management_port,
        loket_port=loket_port,
        koop_3pas_port=koop_3pas_port,
        koop_pages_port=koop_pages_port,
        register_port=register_port,
        onboarding_port=onboarding_port,
        mail_port=mail_port,
        profile=profile,
        retries=retries,
        retry_interval=timedelta(seconds=retry_interval),
        seed=seed,
        organisaties=organisaties_of(organisatie, country) or ONE_COUNTRY,
        unconnected=unconnected,
        publish_at_once=publish_at_once,
        allow_other_addresses=allow_other_addresses,
    )
    profile_files.use(profiles)
    configure("info")
    asyncio.run(_serve(settings, json=json, until_stdin_ends=until_stdin_ends))


async def _serve(settings: "SandboxSettings", *, json: bool, until_stdin_ends: bool) -> None:
    from digikoppelaar.sandbox.serve import serve  # heavy

    ready = output.print_json if json else partial(_tell, settings.folder / "sandbox.json")
    await serve(settings, ready, stop_on_signal(until_stdin_ends=until_stdin_ends))


def _tell(file: Path, at: "SandboxReady") -> None:
    output.console.print(f"SANDBOX ready: submit in a browser at {at.loket_url}", markup=False)
    output.console.print(f"or by JSON at {at.management_url}; what KOOP gets is at {at.koop_drop_url}", markup=False)
    output.console.print("and everything else in", markup=False)
    output.console.print(str(file), markup=False)


@app.command()
def load(
    verzoeken: Annotated[int, typer.Option(min=1, max=50_000, help="How many to submit.")],
    folder: Annotated[Path | None, typer.Option(help="State folder of the running sandbox.")] = None,
    management: Annotated[str | None, typer.Option(help="Address of its management port, instead of --folder.")] = None,
    aanvullingen: Annotated[float, typer.Option(min=0, max=1, help="Share that gets an aanvulling, or two.")] = 0.2,
    intrekkingen: Annotated[float, typer.Option(min=0, max=1, help="Share that is withdrawn.")] = 0.05,
    bijlagen: Annotated[int, typer.Option(min=0, max=100, help="Bijlagen of a verzoek, at most.")] = 3,
    seed: Annotated[int, typer.Option(help="The same one submits the same again.")] = 1,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the fetching of a version before the next one comes.")
    ] = 30.0,
    json: Json = False,
) -> None:
    """Submit a large generated set, spread over the authorities, types and places of a running sandbox."""
    from digikoppelaar.cli import sandbox_load
    from digikoppelaar.sandbox.loading import Shares

    shares = Shares(aanvullingen, intrekkingen, bijlagen)
    address = management or sandbox_load.management_url(folder)
    summary = asyncio.run(sandbox_load.load(address, verzoeken, seed, shares, patience))
    if json:
        output.print_json(summary)
    else:
        sandbox_load.tell(summary)


@of_country.callback()
def country_group() -> None:
    """An invented country, to try many authorities with."""


@of_country.command()
def generate(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; without a name it is printed.")] = None,
    seed: Annotated[int, typer.Option(help="The same one gives the same names again.")] = 1,
    gemeente: Annotated[int, typer.Option(min=0, help="How many.")] = 342,
    waterschap: Annotated[int, typer.Option(min=0, help="How many.")] = 21,
    provincie: Annotated[int, typer.Option(min=0, help="How many.")] = 12,
    omgevingsdienst: Annotated[int, typer.Option(min=0, help="How many.")] = 28,
) -> None:
    """Make a list of invented authorities, for `organisatie import` and `sandbox serve --country`.

    Without options there are as many as the Netherlands have about. A file that is there is written anew.
    """
    from digikoppelaar.sandbox.invented import invented_list

    counts = {
        "gemeente": gemeente,
        "waterschap": waterschap,
        "provincie": provincie,
        "omgevingsdienst": omgevingsdienst,
    }
    text = invented_list(seed, counts)
    if file is None:
        output.console.out(text, end="", highlight=False)
    else:
        file.write_text(text, encoding="utf-8")


def organisaties_of(options: Sequence[str] | None, country: Path | None) -> "tuple[Organisatie, ...]":
    """The authorities that were asked for; none when nothing was. Raises ConfigError."""
    from digikoppelaar.sandbox.country import connected, of_list, read_country, read_option

    if options and country:
        raise ConfigError("--organisatie and --country exclude each other")
    if country and country.suffix.lower() == ".csv":
        with in_file(country):
            return of_list(read_authorities(read_file(country, _LARGEST_LIST, "a list")))
    if country:
        return connected(read_country(read_toml(country)))
    return connected([read_option(option) for option in options]) if options else ()

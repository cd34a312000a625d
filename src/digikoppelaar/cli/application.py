"""`digikoppelaar api-key` and `digikoppelaar webhook`: how the systems of leveranciers get in, and are told."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.secret_files import SecretFiles
from digikoppelaar.adapters.system import RandomSecrets, SystemClock
from digikoppelaar.adapters.webhook_client import WebhookClient, checked_url
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.errors import ConfigError, PartnerUnreachable
from digikoppelaar.flows import api_keys
from digikoppelaar.flows.application import Right
from digikoppelaar.flows.ports import OMGEVINGEN, CpaRecord
from digikoppelaar.flows.webhooks import Told, Webhook, WebhookRow, is_taken, post

api_key = typer.Typer(no_args_is_help=True, help="API keys: which application may act for which organisatie.")
webhook = typer.Typer(no_args_is_help=True, help="Webhooks: where the events of a CPA are posted.")

_OIN: Final = re.compile(r"[0-9]{20}", re.ASCII)

OmgevingOption = Annotated[str, typer.Option(help="The omgeving.")]
CpaOmgeving = Annotated[str | None, typer.Option(help="The omgeving, when the CPAId is in more than one.")]
CpaId = Annotated[str, typer.Argument(help="The CPAId.")]


@api_key.command("create")
def create_key(
    oin: Annotated[str, typer.Option("--organisatie", help="OIN of the organisatie for which it acts.")],
    omgeving: OmgevingOption,
    name: Annotated[str, typer.Option(help="Which application it is for.")],
    rights: Annotated[
        list[Right] | None, typer.Option("--right", help="What it opens; messages when none is given. Repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """Make an API key. It is shown now and never again: only its SHA-256 is kept."""
    if not _OIN.fullmatch(oin) or omgeving not in OMGEVINGEN:
        raise ConfigError(
            f"an OIN has 20 digits, and an omgeving is one of {', '.join(OMGEVINGEN)}",
            advice="Geef --organisatie een OIN van 20 cijfers, en --omgeving een bestaande omgeving.",
        )

    async def made() -> str:
        async with wiring.open_stores(configuration()) as stores:
            return await api_keys.create(
                stores.applications,
                RandomSecrets(),
                omgeving=omgeving,
                organisatie_oin=oin,
                name=name,
                now=SystemClock().now(),
                rights=rights or [Right.MESSAGES],
            )

    key = asyncio.run(made())
    if json:
        output.print_json({"key": key, "prefix": api_keys.prefix_of(key)})
    else:
        output.console.out(key, highlight=False)
        output.console.print("Bewaar deze sleutel nu: hij wordt niet opnieuw getoond.")


@api_key.command("list")
def list_keys(json: Json = False) -> None:
    """List the API keys by their prefix, revoked ones too."""

    async def rows() -> list[api_keys.ApiKeyRow]:
        async with wiring.open_stores(configuration()) as stores:
            return await stores.applications.api_keys()

    found = asyncio.run(rows())
    if json:
        output.print_json(found)
        return
    columns = {
        "Prefix": "prefix",
        "Name": "name",
        "Organisatie": "organisatie_oin",
        "Omgeving": "omgeving",
        "Rights": "rights",
        "Created": "created_at",
        "Revoked": "revoked_at",
    }
    output.print_table(columns, found, "No API keys.")


@api_key.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="The prefix, as `api-key list` shows it.")], json: Json = False
) -> None:
    """Let an API key be nobody's, at once. Again is fine."""

    async def revoked() -> None:
        async with wiring.open_stores(configuration()) as stores:
            await api_keys.revoke(stores.applications, prefix, SystemClock().now())

    asyncio.run(revoked())
    if json:
        output.print_json({"revoked": prefix})
    else:
        output.console.print(f"Revoked {prefix}.", markup=False)


@webhook.command("set")
def set_webhook(
    cpa_id: CpaId,
    url: Annotated[str, typer.Option(help="Where to post: https, or http on this machine.")],
    secret_file: Annotated[Path, typer.Option(help="A file with the secret that signs the posts, 16 bytes or more.")],
    omgeving: CpaOmgeving = None,
    json: Json = False,
) -> None:
    """Post the events of a CPA to a URL, from now on; what waits is posted too."""
    config = configuration()
    checked_url(url, plain_http=config.webhooks.plain_http)
    file = str(secret_file.resolve())
    SecretFiles().secret(file)

    async def done() -> Webhook:
        async with wiring.open_stores(config) as stores:
            cpa = _one(await stores.registry.cpas(omgeving), cpa_id)
            chosen = Webhook(cpa_id, cpa.aansluiting.omgeving, url, file)
            if not await stores.webhooks.set_webhook(chosen, SystemClock().now()):
                raise ConfigError(
                    f"the messages of CPA {cpa_id} are taken by the intake",
                    advice="Geef de CPA eerst een andere afnemer met `digikoppelaar cpa set CPAID --consumer webhook`.",
                )
            return chosen

    chosen = asyncio.run(done())
    if json:
        output.print_json(chosen)
    else:
        output.console.print(f"Events of {cpa_id} go to {url}.", markup=False)


@webhook.command("list")
def list_webhooks(json: Json = False) -> None:
    """List the webhooks, how many events wait for each, and which are parked."""

    async def rows() -> Sequence[WebhookRow]:
        async with wiring.open_stores(configuration()) as stores:
            return await stores.webhooks.webhooks()

    found = asyncio.run(rows())
    if json:
        output.print_json(found)
        return
    columns = {
        "CPA": "cpa_id",
        "Omgeving": "omgeving",
        "URL": "url",
        "Waiting": "waiting",
        "Parked events": "parked",
        "Last problem": "last_reason",
    }
    output.print_table(columns, found, "No webhooks.")


@webhook.command("remove")
def remove_webhook(cpa_id: CpaId, omgeving: CpaOmgeving = None, json: Json = False) -> None:
    """Post no more: what waits can be read by REST. Again is fine."""

    async def removed() -> bool:
        async with wiring.open_stores(configuration()) as stores:
            cpa = _one(await stores.registry.cpas(omgeving), cpa_id)
            return await stores.webhooks.remove_webhook(cpa.aansluiting.omgeving, cpa_id)

    changed = asyncio.run(removed())
    if json:
        output.print_json({"changed": changed})
    else:
        output.console.print(f"{'Removed' if changed else 'There was no'} webhook of {cpa_id}.", markup=False)


@webhook.command("release")
def release_event(
    event: Annotated[int, typer.Argument(help="The number of a parked event, as `webhook list` shows it.")],
    json: Json = False,
) -> None:
    """Let a parked event go on, from a first attempt; what waited behind it follows."""

    async def released() -> bool:
        async with wiring.open_stores(configuration()) as stores:
            return await stores.webhooks.release(event, SystemClock().now())

    if not asyncio.run(released()):
        raise ConfigError(f"event {event} is not parked", advice="Zie `digikoppelaar webhook list`.")
    if json:
        output.print_json({"released": event})
    else:
        output.console.print(f"Released event {event}.")


@webhook.command("test")
def try_webhook(cpa_id: CpaId, omgeving: CpaOmgeving = None, json: Json = False) -> None:
    """Post an event of type TEST to the webhook of a CPA, once, and tell what came back."""

    async def posted() -> int:
        config = configuration()
        async with wiring.open_stores(config) as stores:
            found = [
                row
                for row in await stores.webhooks.webhooks()
                if row.cpa_id == cpa_id and omgeving in {None, row.omgeving}
            ]
        if not found:
            raise ConfigError(f"CPA {cpa_id} has no webhook", advice="Zet er een met `digikoppelaar webhook set`.")
        if len(found) > 1:
            raise ConfigError(f"CPA {cpa_id} has a webhook in more than one omgeving", advice="Kies met --omgeving.")
        chosen = Webhook(found[0].cpa_id, found[0].omgeving, found[0].url, found[0].secret_file)
        settings = config.webhooks
        async with WebhookClient(
            timeout=settings.timeout, plain_http=settings.plain_http, anchors=settings.trust_anchors
        ) as client:
            now = SystemClock().now()
            test = Told(0, 1, "TEST", now, chosen, "test", None, "test", "test", "test")
            return await post(client, SecretFiles(), test, now)

    status = asyncio.run(posted())
    if json:
        output.print_json({"status": status, "taken": is_taken(status)})
    elif is_taken(status):
        output.console.print(f"Taken: HTTP status {status}.")
    if not is_taken(status):
        raise PartnerUnreachable(
            f"the webhook answered with HTTP status {status}",
            advice="De applicatie moet met een status van 200 tot en met 299 antwoorden.",
        )


def _one(cpas: Sequence[CpaRecord], cpa_id: str) -> CpaRecord:
    found = [cpa for cpa in cpas if cpa.agreement.cpa_id == cpa_id]
    if not found:
        raise ConfigError(f"there is no CPA {cpa_id}", advice="Zie `digikoppelaar cpa show`.")
    if len(found) > 1:
        raise ConfigError(f"CPA {cpa_id} is in more than one omgeving", advice="Kies met --omgeving.")
    return found[0]

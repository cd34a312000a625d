"""What people of the national side do, at the management port of a sandbox: portal, register, aansluitteam and KOOP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digikoppelaar.adapters.onboarding_profiles import load_portal_profile
from digikoppelaar.cli.trial import Trial, checked
from digikoppelaar.onboarding.model import plays

TEAM: Final = "A. Aansluitteam"
KOOP: Final = "F. Beheer"
"""Invented people."""


@dataclass(frozen=True, slots=True)
class National:
    """The national side of one omgeving. Every method raises TrialError when the sandbox refuses."""

    trial: Trial

    async def api_key(self, oin: str, naam: str) -> tuple[str, str]:
        """The portal gives a key: its id and the key itself."""
        profile = load_portal_profile()
        omgeving = profile.omgeving_prod if plays(self.trial.omgeving) == "prod" else profile.omgeving_pre
        names = profile.key
        given = await self._post(
            f"portaal/{profile.keys_path}", {names.oin: oin, names.omgeving: omgeving, names.naam: naam}
        )
        return given[names.id], given[names.secret]

    async def take_back(self, key_id: str) -> None:
        """The portal takes a key back."""
        url = f"{self.trial.facts['management_url']}/portaal/{load_portal_profile().key_path.format(key=key_id)}"
        async with self.trial.http.delete(url) as answer:
            answer.raise_for_status()

    async def grant(self, machtiging_id: str) -> None:
        """The bevoegd gezag grants a machtiging at the register."""
        await self._post(f"register/machtigingen/{machtiging_id}/verlenen")

    async def approve_request(self, request_id: str) -> None:
        """The register makes a CPA."""
        await self._post(f"register/aanvragen/{request_id}/goedkeuren")

    async def mandate(self, partij: str, organisatie: str) -> None:
        """The aansluitteam lets the partij act for the organisatie."""
        await self._post(
            "aansluitteam/mandateringen", {"mandateringen": [{"partij": partij, "organisatie": organisatie}]}
        )

    async def route(self, gemeente: str, dienst: str) -> None:
        """The aansluitteam lets the aansluitactiviteit of a gemeente go to a dienst."""
        await self._post("aansluitteam/routeringen", {"gemeente": gemeente, "behandeldienst": dienst})

    async def pre_complete(self, oin: str) -> None:
        """The aansluitteam finds PRE complete."""
        await self._post("aansluitteam/pre-compleet", {"oin": oin, "compleet": True})

    async def approve_step(self, oin: str, step: str) -> None:
        """The aansluitteam finds a step good."""
        await self._post("aansluitteam/oordelen", {"oin": oin, "stap": step, "goedgekeurd": True, "door": TEAM})

    async def submit(self, activiteit: str, oin: str | None) -> str:
        """Somebody submits a verzoek in the Omgevingsloket; its number. `oin`: by "Ergens anders indienen"."""
        kind = activiteit.rpartition(" ")[2]
        wish = {"activiteiten": [activiteit], "type": kind, "soort": kind.lower()}
        [submitted] = await self._post("verzoeken", wish | ({"oin": oin} if oin else {}))
        return str(submitted["verzoeknummer"])

    async def apply_for_permit(self, oin: str) -> str:
        """Somebody applies for a vergunning at this authority; the number of the verzoek."""
        [submitted] = await self._post("verzoeken", {"oin": oin})
        return str(submitted["verzoeknummer"])

    async def koop_user_name(self) -> str:
        """Functioneel beheer gives a user name and password, with a colon between them."""
        given = await self._post("koop/gebruikersnaam")
        return f"{given['gebruikersnaam']}:{given['wachtwoord']}"

    async def may_publish(self, partij: str, organisatie: str) -> None:
        """KOOP lets the certificate of the partij publish for the organisatie."""
        await self._post("koop/machtigingen", {"partij": partij, "organisatie": organisatie})

    async def find_good(self, dossiernummers: Sequence[str]) -> None:
        """KOOP looks at what came in, and finds it good."""
        for each in dossiernummers:
            await self._post(f"koop/dossiers/{each}/confirm", {"by": KOOP})

    async def _post(self, path: str, wish: Mapping[str, object] | None = None) -> Any:
        async with self.trial.http.post(f"{self.trial.facts['management_url']}/{path}", json=wish or {}) as answer:
            return await checked(answer)

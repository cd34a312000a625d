"""The portal at which API keys are asked for: a key works at once, in one omgeving, until its last day."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from digikoppelaar.adapters.onboarding_profiles import PortalProfile
from digikoppelaar.errors import ConfigError, OinError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.pki.oin import check_oin
from digikoppelaar.sandbox.onboarding.api_keys import ApiKey, ApiKeys


@dataclass(frozen=True, slots=True)
class Portal:
    """Over the keys that DSO-LV accepts."""

    keys: ApiKeys
    profile: PortalProfile
    clock: Clock

    def ask(self, oin: str, omgeving: str, naam: str, days: int | None = None) -> tuple[ApiKey, str]:
        """A key for the holder of `oin`, and the key itself, which is told once. Raises ConfigError.

        `days`: how long it is good, at most as long as the portal gives; less, to see what happens after it.
        """
        if omgeving not in (self.profile.omgeving_pre, self.profile.omgeving_prod):
            raise ConfigError(f"no omgeving {omgeving[:20]!r}", advice="Kies een omgeving: PRE of PROD.")
        if days is None:
            days = self.profile.validity_days
        if not -1 <= days <= self.profile.validity_days:
            raise ConfigError(f"{days} days", advice=f"Een key geldt hoogstens {self.profile.validity_days} dagen.")
        try:
            check_oin(oin)
        except OinError as error:
            raise ConfigError(str(error), advice=error.advice) from error
        secret = secrets.token_urlsafe(24)
        return self._give(secret, oin, omgeving, naam, days), secret

    def give(self, secret: str, oin: str, omgeving: str) -> None:
        """Let `secret` be a key of the holder of `oin`, as when he asked for it before; `omgeving` is a sandbox."""
        self._give(secret, oin, self.profile.omgeving(omgeving), "sandbox", self.profile.validity_days)

    def _give(self, secret: str, oin: str, omgeving: str, naam: str, days: int) -> ApiKey:
        return self.keys.give(secret, oin, omgeving, naam, (self.clock.now() + timedelta(days=days)).date())

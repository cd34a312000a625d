"""What an address says about who can reach it, and the addresses that an administrator may set."""

import ipaddress
from typing import Final

from yarl import URL

from digikoppelaar.errors import ConfigError

_WHOLE: Final = "Zet een heel adres, zoals https://zaken.example.org/pad, en gegevens om in te loggen in een bestand."


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_url(text: str, whose: str, *, plain_http: bool = False, advice: str = "") -> URL:
    """The URL of `whose` in `text`: https, or http on this machine; elsewhere too with `plain_http`.

    Raises ConfigError when it is none of these, with `advice` when it only lacks https. Never repeats a password.
    """
    try:
        url = URL(text)
    except ValueError as error:
        raise ConfigError(f"the address of {whose} is not a URL", advice=_WHOLE) from error
    if not url.host or url.scheme not in {"http", "https"} or url.user is not None:
        what = "must be an http or https URL without user and password"
        raise ConfigError(f"the address of {whose} {what}", advice=_WHOLE)
    if url.scheme == "http" and not (plain_http or is_loopback(url.host)):
        raise ConfigError(f"{whose} at {url.host} must use https", advice=advice)
    return url

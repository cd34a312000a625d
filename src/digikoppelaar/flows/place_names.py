"""Names of companies that are names of places: what a notice says of where it is gives nobody away. Pure."""

from digikoppelaar.drop import personal_data
from digikoppelaar.drop.model import AlsAdres, Kennisgeving
from digikoppelaar.drop.personal_data import PrivacyChecked
from digikoppelaar.flows.privacy import Checked
from digikoppelaar.stam.fingerprints import Kind


def place_names(kennisgeving: Kennisgeving) -> frozenset[str]:
    """Words of where it is, and of who publishes."""
    places = [locatie.gemeente for locatie in kennisgeving.locaties]
    for each in kennisgeving.locaties:
        if isinstance(each, AlsAdres):
            places += [each.straatnaam, each.woonplaats]
    return frozenset(" ".join(filter(None, [kennisgeving.publicist.naam, *places])).casefold().split())


def without_place_names(compared: Checked, text: str, names: frozenset[str]) -> PrivacyChecked:
    """A company is often called after its town or street, which the notice has to name: that gives nobody away."""
    places = tuple(
        match.start
        for match in compared.matches
        if match.kind is not Kind.HANDELSNAAM or text[match.start : match.end].casefold() not in names
    )
    outcome = personal_data.Outcome(compared.outcome.value)
    if outcome is personal_data.Outcome.FOUND and compared.matches and not places:
        outcome = personal_data.Outcome.CLEAN
    return PrivacyChecked(outcome, places, compared.reason)

"""The templates that come with the program, out of `drop/templates`: `PROCEDURE-MOMENT.txt`, in our own words."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from digikoppelaar.drop.texts import COMBINATIONS, For, TextTemplate, read_template


@cache
def default_templates() -> Mapping[For, TextTemplate]:
    """One for every combination of procedure and moment, for any organisatie and zaaktype."""
    folder = resources.files("digikoppelaar.drop") / "templates"
    named = {For(*combination): f"{'-'.join(combination)}.txt" for combination in COMBINATIONS}
    return {key: read_template(name, (folder / name).read_text(encoding="utf-8")) for key, name in named.items()}

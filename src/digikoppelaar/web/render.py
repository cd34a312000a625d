"""Templates to HTML: one Jinja environment with autoescape on, and the Dutch words as filters.

Templates pick what they show, field by field; nothing here dumps a whole value.
"""

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digikoppelaar.flows.ports import is_sandbox
from digikoppelaar.web import words

STATIC: Final = Path(__file__).parent / "static"
_TEMPLATES: Final = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """The environment in which every page is rendered; a name that a page misses is an error, not a blank.

    One for the process: it holds the compiled templates and nothing of a request.
    """
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "about": words.about,
        "clock_time": words.clock_time,
        "direction": words.direction,
        "event": words.event,
        "file_kind": words.file_kind,
        "grouped": words.grouped,
        "hex": bytes.hex,
        "kennisgeving_state": words.kennisgeving_state,
        "machine_time": words.machine_time,
        "message_state": words.message_state,
        "onboarding_state": words.onboarding_state,
        "step": words.step,
        "verzoek_state": words.verzoek_state,
        "version": words.version,
    }
    made.tests["sandbox"] = is_sandbox
    made.globals |= {
        "list_address": words.list_address,
        "message_address": words.message_address,
        "onboarding_address": words.onboarding_address,
        "verzoek_address": words.verzoek_address,
    }
    return made

"""Templates of administrators for URLs, headers and bodies: small, and every value encoded for its place.

A template is sandboxed Jinja2 without globals, includes and loaders. Every name that it uses must be known beforehand,
every value must be there, and a value never changes the form of what is around it: it is percent-encoded in a URL, a
JSON value in JSON, escaped in XML, and refused in a header when it holds control characters.
"""

import json
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlsplit

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, meta, nodes
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from digikoppelaar import xml
from digikoppelaar.errors import ConfigError, DigikoppelaarError

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_LIMIT: Final = 64 * 1024 * 1024
_OTHERS: Final[tuple[type[nodes.Node], ...]] = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
"""What would bring in another template."""
_ADVICE: Final = (
    "Een sjabloon van de bestemming past niet bij dit verzoek. Pas het sjabloon aan, probeer het met "
    "`digikoppelaar casesystem test` en geef het verzoek vrij met `digikoppelaar verzoek release`."
)


class Place(Enum):
    """Where a template ends up, which says how its values are encoded."""

    URL = "url"
    HEADER = "header"
    JSON = "json"
    XML = "xml"
    FORM = "form"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read; `name` is the setting that holds it."""

    name: str
    place: Place
    source: str = field(repr=False)
    _compiled: Compiled = field(repr=False)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for these values. Raises ConfigError when one is missing or does not fit; no value is in it."""
        try:
            text = self._compiled.render(values)
        except _Unfit as error:
            raise self._error(str(error), error) from None
        except UndefinedError as error:
            raise self._error(f"{self._missing(error)} is not there", error) from None
        except Exception as error:  # a filter on a value that it was not made for: anything can come out
            raise self._error(f"it cannot be filled in ({type(error).__name__})", error) from None
        try:
            _CHECKS[self.place](text)
        except (ValueError, DigikoppelaarError):
            raise self._error(f"the result is no {self.place.value}", None) from None
        return text

    def _missing(self, error: UndefinedError) -> str:
        """What was missing, when the template itself names it: a name that was computed could be personal data."""
        names = [name for name in re.findall(r"'([^']*)'", error.message or "") if name in self.source]
        return names[-1] if names else "a value"

    def _error(self, what: str, error: Exception | None) -> ConfigError:
        frames = traceback.extract_tb(error.__traceback__) if error else []
        lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
        where = f", line {lines[-1]}" if lines else ""
        return ConfigError(f"template {self.name}{where}: {what}", advice=_ADVICE)


def read_template(name: str, source: str, place: Place, known: frozenset[str]) -> Template:
    """The template in a setting called `name`, which may use the names in `known`. Raises ConfigError."""
    environment = _environment(place)
    try:
        tree = environment.parse(source)
        unknown = meta.find_undeclared_variables(tree) - known
        compiled = environment.from_string(source)
    except TemplateSyntaxError as error:
        raise ConfigError(f"template {name}, line {error.lineno}: {error.message}") from None
    except TemplateError as error:
        raise ConfigError(f"template {name}: {error.message}") from None
    if any(tree.find(kind) for kind in _OTHERS):
        raise ConfigError(f"template {name}: it cannot use another template")
    if unknown:
        raise ConfigError(
            f"template {name}: there is no {', '.join(sorted(unknown))}; there is {', '.join(sorted(known))}"
        )
    return Template(name, place, source, compiled)


def template_source(file: Path) -> str:
    """The text of a template in a file. Raises ConfigError when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"template {file}: cannot be read ({type(error).__name__})") from None


def place_of(media_type: str) -> Place:
    """How values are encoded in a body of this media type."""
    subtype = media_type.partition(";")[0].strip().lower().partition("/")[2]
    if subtype == "x-www-form-urlencoded":
        return Place.FORM
    for place in (Place.JSON, Place.XML):
        if subtype == place.value or subtype.endswith(f"+{place.value}"):
            return place
    return Place.TEXT


def origin_of(url: str) -> str | None:
    """Scheme, host and port of a URL, or of the fixed beginning of a template of one; None when it has none."""
    found = re.match(r"(https?://[^/?#{}\s]+)(?:[/?#]|$)", url)
    return found.group(1).lower() if found else None


class _Unfit(Exception):
    """A value that cannot stand in this place. The message holds no value."""


def _environment(place: Place) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=place is Place.XML,
        finalize=partial(_encoded, _ENCODERS[place]),
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    return environment


def _encoded(encode: Callable[[Any], str], value: Any) -> str:
    """What is not there says so by itself when it is made a text."""
    return str(value) if isinstance(value, Undefined) else encode(value)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    raise _Unfit("a list or a table cannot stand here")


def _in_url(value: Any) -> str:
    text = _text(value)
    if not text:
        raise _Unfit("a value is empty, which a URL cannot have")
    return quote(text, safe="")


def _in_header(value: Any) -> str:
    text = _text(value)
    if _CONTROL.search(text):
        raise _Unfit("a value holds control characters, which a header cannot have")
    return text


def _in_json(value: Any) -> str:
    """A JSON value, also of text; what the filter `tojson` made is one already."""
    return value if isinstance(value, Markup) else json.dumps(value, ensure_ascii=False)


def _in_xml(value: Any) -> str:
    """Escaping follows by itself, of all but Markup."""
    return value if isinstance(value, Markup) else _NOT_XML.sub("", _text(value))


_ENCODERS: Final[Mapping[Place, Callable[[Any], str]]] = {
    Place.URL: _in_url,
    Place.HEADER: _in_header,
    Place.JSON: _in_json,
    Place.XML: _in_xml,
    Place.FORM: lambda value: quote_plus(_text(value)),
    Place.TEXT: _text,
}


def _check_url(text: str) -> None:
    """A segment of dots would lead elsewhere on the same server."""
    if _CONTROL.search(text) or " " in text or any(part in (".", "..") for part in urlsplit(text).path.split("/")):
        raise ValueError


def _check_header(text: str) -> None:
    if _CONTROL.search(text):
        raise ValueError


_CHECKS: Final[Mapping[Place, Callable[[str], object]]] = {
    Place.URL: _check_url,
    Place.HEADER: _check_header,
    Place.JSON: json.loads,
    Place.XML: lambda text: xml.parse(text.encode(), limit=_XML_LIMIT),
    Place.FORM: lambda _: None,
    Place.TEXT: lambda _: None,
}

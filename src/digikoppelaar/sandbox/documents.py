"""Renders the XML templates of the sandbox; every value is escaped, and a value that is missing is an error."""

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES: Final = Environment(
    loader=PackageLoader("digikoppelaar.sandbox", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> bytes:
    """The document that `template` (a file name in templates/) gives with these values, in UTF-8."""
    return _TEMPLATES.get_template(template).render(**values).encode()

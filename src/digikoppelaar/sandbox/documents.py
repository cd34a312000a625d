"""Renders the XML templates of the sandbox; every value is escaped, and a value that is missing is an error."""

import re
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES: Final = Environment(
    loader=PackageLoader("digikoppelaar.sandbox", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(template: str, **values: object) -> bytes:
    """The document that `template` (a file name in templates/) gives with these values, in UTF-8.

    A character that XML cannot hold, such as NUL in a file name, becomes U+FFFD.
    """
    return _NOT_IN_XML.sub("\ufffd", _TEMPLATES.get_template(template).render(**values)).encode()

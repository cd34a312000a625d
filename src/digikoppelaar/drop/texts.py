"""The title and text of a notice out of a template and values. Pure: where templates lie, others know.

A template is text in the form of `opmaak`, below a first line `titel: ...`. It knows `{{ name }}` and
`{% if ... %}`, nothing more. Names are checked when it is read, and it is tried with examples; whether a value is there
when it is filled in. A value never changes the form of what is around it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any, Final, TypeVar

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError, Undefined, UndefinedError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digikoppelaar.drop.dates import dutch_date
from digikoppelaar.drop.model import Blok, Data, Moment, Procedure, Uitkomst
from digikoppelaar.drop.opmaak import escape, one_line, parse
from digikoppelaar.drop.variables import SETTINGS, VARIABLES
from digikoppelaar.errors import ConfigError, SubmissionError, TemplateBroken

Kind = TypeVar("Kind", bound=nodes.Node)
Value = str | date | bool | None
Values = Mapping[str, Value]

COMBINATIONS: Final = frozenset(
    {
        *((Procedure.REGULIER, moment) for moment in Moment if moment is not Moment.ONTWERPBESLUIT),
        *((Procedure.UITGEBREID, moment) for moment in Moment if moment is not Moment.MELDING),
    }
)
"""Only the uitgebreide procedure has a draft; a melding has no decision. An intrekking is the applicant's."""

_NOWHERE: Final = "https://vul-in.invalid/"
"""A link that leads nowhere (RFC 2606), in the place of one that a person has to fill in."""
_GAP: Final = re.compile(rf"\[\[[^\[\]]*\]\]|{re.escape(_NOWHERE)}")
_TITLE: Final = "titel:"
_KNOWN_FORMS: Final = (
    *(nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const),
    *(nodes.If, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
)
"""What a template may hold."""


@dataclass(frozen=True, slots=True)
class For:
    """For which notices a template is. Without organisatie (its OIN) for those of any, and so for the zaaktype."""

    procedure: Procedure
    moment: Moment
    organisatie: str | None = None
    zaaktype: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What a template gave: the title, and the text in the form of `opmaak`, in which a person can go on writing."""

    titel: str
    opmaak: str

    @property
    def blokken(self) -> tuple[Blok, ...]:
        """The text as blocks. Raises SubmissionError when its form is wrong."""
        return parse(self.opmaak)


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A template that was read."""

    name: str
    _title: Compiled = field(repr=False)
    _text: Compiled = field(repr=False)

    def render(self, values: Values) -> Text:
        """Title and text for these values. Raises SubmissionError, which names every value that is not there."""
        usable, missing = _usable(values), self.missing(values)
        if missing:
            wanted = ", ".join(f"{name} ({VARIABLES[name].meaning})" for name in missing)
            settings = ", ".join(name for name in missing if name in SETTINGS)
            where = f" Zet {settings} in [aansluiting.publishing]." if settings else ""
            raise SubmissionError(
                f"template {self.name}: {', '.join(missing)} not there", advice=f"Vul in: {wanted}.{where}"
            )
        text = Text(one_line(self._title.render(usable)), self._text.render(usable).strip())
        if not text.titel or not text.blokken:
            raise SubmissionError(f"template {self.name} gives no title or no text", advice="Pas het sjabloon aan.")
        return text

    def render_with_gaps(self, values: Values) -> Text:
        """As `render`, with a mark in the place of every value that is not there: `has_gaps` finds it again."""
        return self.render({**values, **{name: _gap(name) for name in self.missing(values)}})

    def missing(self, values: Values) -> tuple[str, ...]:
        """The names that these values lack. One by one: with an example for the first, the next shows."""
        names: list[str] = []
        while True:
            tried = {**_usable(values), **{name: VARIABLES[name].example for name in names}}
            try:
                for part in (self._title, self._text):
                    part.render(tried)
            except UndefinedError as error:
                names.append(str(error))
            else:
                return tuple(names)


def read_template(name: str, source: str) -> TextTemplate:
    """The template called `name`. Raises TemplateBroken, which names it and what is wrong in it."""
    first, _, rest = source.replace("\r\n", "\n").partition("\n")
    if not first.startswith(_TITLE):
        raise broken(name, f"its first line does not begin with `{_TITLE}`")
    title = _compiled(name, first.removeprefix(_TITLE), _plain)
    template = TextTemplate(name, title, _compiled(name, f"\n{rest}", _in_opmaak))
    for values in _trials(source):
        _try(template, values)
    return template


def broken(name: str, why: str) -> TemplateBroken:
    """What to raise when the template called `name` cannot be used."""
    return TemplateBroken(f"template {name}: {why}")


def chosen(templates: Mapping[For, TextTemplate], wanted: For) -> TextTemplate:
    """The most specific one: for organisatie and zaaktype, the organisatie, the zaaktype, or anything."""
    for organisatie, zaaktype in product((wanted.organisatie, None), (wanted.zaaktype, None)):
        found = templates.get(For(wanted.procedure, wanted.moment, organisatie, zaaktype))
        if found:
            return found
    raise ConfigError(f"there is no template for {wanted.procedure} and {wanted.moment}")


def has_gaps(text: str) -> bool:
    """Whether somebody still has to fill something in."""
    return _GAP.search(text) is not None


def _gap(name: str) -> str:
    variable = VARIABLES[name]
    is_link = str(variable.example).startswith("https://")
    return f"{_NOWHERE}{name}" if is_link else f"[[{variable.meaning}]]"


def values_of(data: Data) -> dict[str, Value]:
    """The days of a notice under the names that templates have for them."""
    inzage, reactie = data.inzage, data.reactie
    return {
        "ontvangst": data.ontvangst,
        "besluitdatum": data.besluit,
        "verzenddatum": data.verzending,
        "inzage_eerste": inzage.eerste if inzage else None,
        "inzage_laatste": inzage.laatste if inzage else None,
        "reactie_eerste": reactie.eerste if reactie else None,
        "reactie_laatste": reactie.laatste if reactie else None,
    }


class _NotThere(Undefined):
    """False in a condition; everything else says its name, as the whole message."""

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> Any:
        raise UndefinedError(str(self._undefined_name))

    __str__ = __eq__ = __ne__ = _fail_with_undefined_error
    __hash__ = Undefined.__hash__


def _compiled(name: str, source: str, encode: Any) -> Compiled:
    environment = _environment(encode)
    try:
        tree = environment.parse(source)
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _KNOWN_FORMS) or (isinstance(node, nodes.Const) and not _is_word(node.value)):
                what = type(node).__name__.lower()
                raise broken(f"{name}, line {node.lineno}", f"`{what}` is more than a template can do")
        unknown = meta.find_undeclared_variables(tree) - VARIABLES.keys()
        if unknown:
            raise broken(name, f"there is no {', '.join(sorted(unknown))}; there is {', '.join(VARIABLES)}")
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise broken(f"{name}, line {error.lineno}", f"{error.message}") from None
    except (RecursionError, SyntaxError, ValueError):  # of the compiler below the template
        raise broken(name, "it nests too deep, or holds a number that is too large") from None


def _is_word(value: object) -> bool:
    """A number has no use in a template, and an endless one breaks the compiler."""
    return isinstance(value, str | bool)


def _environment(encode: Any) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=_NotThere, finalize=encode, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    return environment


def _try(template: TextTemplate, values: Values) -> None:
    try:
        examples = {name: VARIABLES[name].example for name in template.missing(values)}
        template.render({**values, **examples})
    except SubmissionError as error:
        raise ConfigError(f"template {template.name}: {error}", advice=error.advice) from error


def _trials(source: str) -> Iterator[Values]:
    """Examples for each outcome: with everything, and with and without each name that a condition asks for."""
    examples = {name: variable.example for name, variable in VARIABLES.items()}
    optional = sorted(_asked_for(source))
    without = {name: value for name, value in examples.items() if name not in optional}
    for uitkomst in Uitkomst:
        given = {"uitkomst": uitkomst}
        yield from ({**examples, **given}, {**without, **given})
        for name in optional:
            yield {**examples, **given, name: None}
            yield {**without, **given, name: examples[name]}


def _asked_for(source: str) -> set[str]:
    """The names in conditions, but for those that are compared: they must be there."""
    tests = [node.test for node in _environment(_plain).parse(source).find_all(nodes.If)]
    compared = {
        name.name for test in tests for each in _with(test, nodes.Compare) for name in each.find_all(nodes.Name)
    }
    return {name.name for test in tests for name in _with(test, nodes.Name)} - compared


def _with(node: nodes.Node, kind: type[Kind]) -> Iterator[Kind]:
    """All nodes of a kind in `node`, which may be one itself."""
    if isinstance(node, kind):
        yield node
    yield from node.find_all(kind)


def _usable(values: Values) -> dict[str, Value]:
    """Without what says nothing: no value, or a blank one."""
    blank = {name for name, value in values.items() if isinstance(value, str) and not one_line(value)}
    return {name: value for name, value in values.items() if value is not None and name not in blank}


def _plain(value: object) -> str:
    match value:
        case Undefined():
            return str(value)
        case str():
            return one_line(value)
        case date():
            return dutch_date(value)
    raise SubmissionError("yes or no cannot stand in a text", advice="Gebruik ja of nee alleen in een voorwaarde.")


def _in_opmaak(value: object) -> str:
    return escape(_plain(value))

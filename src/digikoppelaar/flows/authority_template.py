"""What is the same for all authorities of a list: tables of an apply file with fields such as `{oin}`, filled in. Pure.

The result is the content of an apply file, so that whatever holds for one holds for the other.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_file import read_registration, with_absolute_files
from digikoppelaar.flows.authorities import NEEDED, OPTIONAL, Authority, koop_layer, refuse
from digikoppelaar.flows.ports import OMGEVINGEN
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.flows.toml import tables
from digikoppelaar.onboarding.model import plays

BaseUrlOf = Callable[[str, str], str | None]
"""The address of DSO-LV that a profile has for an omgeving; None when it has none."""

STAGE_OF: Final = {"pre": "tst-organisatie", "prod": "productie"}
"""The stage of 3PAS at which an organisatie itself delivers, unless the template names another."""
_FIELD: Final = re.compile(r"(?<!\{)\{([a-z_]+)\}(?!\})")
"""Not the `{{ field }}` of a template for a case system."""
_LISTS: Final = ("partij", "machtiging", "aansluiting")


def expanded(
    template: Mapping[str, Any],
    authorities: Sequence[Authority],
    base: str,
    base_url_of: BaseUrlOf,
    omgevingen: Sequence[str] = (),
) -> dict[str, list[dict[str, Any]]]:
    """The content of an apply file for these authorities, in these omgevingen (none: all of the template).

    `base` is the folder of the template: every name of a file becomes absolute. Raises ConfigError that names each line
    of the list for which the template does not work, or what is wrong with the template.
    """
    _check_shape(template)
    _check_columns(template, authorities)
    content: dict[str, list[dict[str, Any]]] = {name: [] for name in ("organisatie", *_LISTS)}
    troubles: list[tuple[int, str]] = []
    for authority in authorities:
        try:
            own = with_absolute_files(_content(template, authority, base_url_of, omgevingen), base)
            read_registration(own, base)
        except ConfigError as error:
            troubles.append((authority.line, str(error)))
            continue
        for name, found in own.items():
            content[name] += [each for each in found if name != "partij" or each not in content[name]]
    refuse(troubles)
    return content


def apply_file(content: Mapping[str, Sequence[Mapping[str, object]]]) -> str:
    """The text of an apply file with this content."""
    return tables((f"[[{name}]]", table) for name, found in content.items() for table in found)


def _check_shape(template: Mapping[str, Any]) -> None:
    if unknown := sorted(set(template) - {"organisatie", *_LISTS}):
        advice = f"Een sjabloon heeft [organisatie] en {', '.join(f'[[{each}]]' for each in _LISTS)}."
        raise ConfigError(f"unknown table {', '.join(unknown)}", advice=advice)
    lists_of_tables = [template.get(name, []) for name in _LISTS]
    if not all(isinstance(each, list) and all(isinstance(table, dict) for table in each) for each in lists_of_tables):
        raise ConfigError("its tables are not lists", advice="Begin elke tabel met dubbele haken, als [[aansluiting]].")
    if not isinstance(template.get("organisatie", {}), dict):
        raise ConfigError("organisatie is no table", advice="Schrijf [organisatie], met enkele haken.")
    for table in (table for tables_of_kind in lists_of_tables for table in tables_of_kind):
        _among(table.get("omgevingen", []), OMGEVINGEN, "omgevingen")
        _among(table.get("bestuurslagen", []), BESTUURSLAGEN, "bestuurslagen")


def _among(chosen: Any, choices: Sequence[str], key: str) -> None:
    if not isinstance(chosen, list) or not all(each in choices for each in chosen):
        options = ", ".join(choices)
        raise ConfigError(f"{key} must be a list out of {options}", advice=f"Kies voor {key} uit {options}.")


def _check_columns(template: Mapping[str, Any], authorities: Sequence[Authority]) -> None:
    """A column that nothing uses is a slip of the pen; so is a field that no column has."""
    used = set(_FIELD.findall(str(template)))
    columns = {name for authority in authorities for name in authority.values}
    known = {"omgeving", *(name for authority in authorities for name in authority.fields)}
    if unknown := sorted(used - known):
        advice = f"De velden zijn {', '.join(sorted(known))}; maak voor een ander een kolom in de lijst."
        raise ConfigError(f"the template has an unknown field {', '.join(unknown)}", advice=advice)
    if unused := sorted(columns - {*NEEDED, *OPTIONAL} - used):
        advice = "Gebruik de kolom in het sjabloon als veld {naam_van_de_kolom}, of laat haar weg."
        raise ConfigError(f"nothing uses column {', '.join(unused)}", advice=advice)


def _content(
    template: Mapping[str, Any], authority: Authority, base_url_of: BaseUrlOf, omgevingen: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    fields = authority.fields
    named = {name: authority.values[name] for name in NEEDED}
    machtigingen = [
        {"namens_oin": authority.oin, **table}
        for table in _of_omgevingen(template.get("machtiging", []), authority, omgevingen)
    ]
    return {
        "organisatie": [{**_filled(template.get("organisatie", {}), fields), **named}],
        "partij": [_filled(table, fields) for table in template.get("partij", [])],
        "machtiging": [each for each in machtigingen if each.get("gemachtigde_oin") != each["namens_oin"]],
        "aansluiting": [
            _aansluiting(table, authority, base_url_of)
            for table in _of_omgevingen(template.get("aansluiting", []), authority, omgevingen)
            if not (table.get("kind") == "drop" and authority.bestuurslaag == "rijk")  # which has no DROP
        ],
    }


def _of_omgevingen(
    found: Sequence[Mapping[str, Any]], authority: Authority, omgevingen: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Each table once for each of its omgevingen, filled in, when it is for this kind of body."""
    for table in found:
        if authority.bestuurslaag not in table.get("bestuurslagen", BESTUURSLAGEN):
            continue
        rest = {name: value for name, value in table.items() if name not in ("omgevingen", "bestuurslagen")}
        for omgeving in table.get("omgevingen", [rest.get("omgeving", "")]):
            if not omgevingen or omgeving in omgevingen:
                yield _filled({**rest, "omgeving": omgeving}, {**authority.fields, "omgeving": omgeving})


def _aansluiting(table: dict[str, Any], authority: Authority, base_url_of: BaseUrlOf) -> dict[str, Any]:
    """With what follows from who it is and where, unless the template says otherwise."""
    whole = {"organisatie_oin": authority.oin, **table}
    if "dso" in whole and isinstance(whole["dso"], dict):
        base_url = base_url_of(str(whole["dso"].get("profile", "dso-lv")), whole["omgeving"])
        whole["dso"] = {**({"base_url": base_url} if base_url else {}), **whole["dso"]}
    if whole.get("kind") == "drop" and isinstance(whole.get("publishing", {}), dict):
        whole["publishing"] = {**_publicist(authority, whole["omgeving"]), **whole.get("publishing", {})}
    return whole


def _publicist(authority: Authority, omgeving: str) -> dict[str, str]:
    creator = authority.values.get("creator")
    return {
        "stage": STAGE_OF.get(plays(omgeving), ""),
        "naam": authority.fields["kort"],
        "bestuurslaag": koop_layer(authority.bestuurslaag).value,
        "blad": authority.fields["blad"],
        **({"creator": creator} if creator else {}),
    }


def _filled(value: Any, fields: Mapping[str, str]) -> Any:
    """The same with its fields filled in, at any depth. Raises ConfigError for one that is empty."""
    match value:
        case str():
            return _FIELD.sub(lambda found: _of(found[1], fields), value)
        case dict():
            return {name: _filled(each, fields) for name, each in value.items()}
        case list():
            return [_filled(each, fields) for each in value]
    return value


def _of(name: str, fields: Mapping[str, str]) -> str:
    if not fields.get(name):
        raise ConfigError(f"the template needs {name}, which is empty")
    return fields[name]

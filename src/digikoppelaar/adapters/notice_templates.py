"""Where the templates of notices lie: those that come with the program, and those of an administrator.

`drop/templates` has one for every combination, `PROCEDURE-MOMENT.txt`, in our own words. A folder of an administrator
has files of the same names: at the top for everybody, in a folder OIN for one organisatie, in a folder ZAAKTYPE for one
zaaktype, and in OIN/ZAAKTYPE for both.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from digikoppelaar.drop.model import Moment, Procedure
from digikoppelaar.drop.texts import COMBINATIONS, For, TextTemplate, broken, read_template
from digikoppelaar.errors import ConfigError, OinError
from digikoppelaar.pki.oin import check_oin

_NAMES: Final = {f"{'-'.join(combination)}.txt": combination for combination in sorted(COMBINATIONS)}


@cache
def default_templates() -> Mapping[For, TextTemplate]:
    """One for every combination of procedure and moment, for any organisatie and zaaktype."""
    folder = resources.files("digikoppelaar.drop") / "templates"
    return {
        For(*combination): read_template(name, (folder / name).read_text(encoding="utf-8"))
        for name, combination in _NAMES.items()
    }


def every_template(folder: Path) -> Mapping[For, TextTemplate]:
    """Those that come with the program, with those in `folder` in their place or beside them.

    Raises ConfigError without a folder, and TemplateBroken for the first one that cannot be used.
    """
    return _with(folder, _files(folder))


def templates_in(folder: Path, organisatie: str | None) -> Mapping[For, TextTemplate]:
    """As `every_template`, but nothing in the folder of an organisatie with another OIN: it holds up no other."""
    files = _files(folder)
    return _with(
        folder,
        [
            each
            for each in files
            if each.relative_to(folder).parts[0] == organisatie or not _is_oin(each.relative_to(folder).parts[0])
        ],
    )


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder with templates")
    return sorted(folder.rglob("*.txt"))


def _with(folder: Path, files: Iterable[Path]) -> Mapping[For, TextTemplate]:
    return {
        **default_templates(),
        **{_key(file.relative_to(folder)): read_template(str(file), _text(file)) for file in files},
    }


def _key(path: Path) -> For:
    combination = _NAMES.get(path.name)
    if combination is None:
        raise broken(str(path), f"its name is not one of {', '.join(sorted(_NAMES))}")
    return _for(combination, path.parts[:-1], path)


def _for(combination: tuple[Procedure, Moment], folders: tuple[str, ...], path: Path) -> For:
    match folders:
        case ():
            return For(*combination)
        case (name,) if _is_oin(name):
            return For(*combination, organisatie=name)
        case (name,):
            return For(*combination, zaaktype=name)
        case (oin, zaaktype) if _is_oin(oin):
            return For(*combination, organisatie=oin, zaaktype=zaaktype)
    raise broken(str(path), "it lies in no folder OIN, ZAAKTYPE or OIN/ZAAKTYPE")


def _is_oin(name: str) -> bool:
    try:
        check_oin(name)
    except OinError:
        return False
    return True


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise broken(str(file), f"cannot be read ({type(error).__name__})") from None

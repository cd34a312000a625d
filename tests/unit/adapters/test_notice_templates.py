"""Templates of an administrator take the place of ours, for everybody, an organisatie or a zaaktype."""

from pathlib import Path

import pytest

from digikoppelaar.adapters.notice_templates import default_templates, every_template, templates_in
from digikoppelaar.drop.model import Moment, Procedure
from digikoppelaar.drop.texts import For, chosen
from digikoppelaar.errors import ConfigError, TemplateBroken

OIN = "00000099000000001000"
BESLUIT = (Procedure.REGULIER, Moment.BESLUIT)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"titel: {text}\n\nTekst\n")


def test_the_place_in_the_folder_says_for_whom_a_template_is(tmp_path: Path) -> None:
    for place in ("", OIN, "kap", f"{OIN}/kap"):
        write(tmp_path / place / "regulier-besluit.txt", f"van {place}")
    templates = every_template(tmp_path)

    def title(organisatie: str | None, zaaktype: str | None) -> str:
        return chosen(templates, For(*BESLUIT, organisatie, zaaktype)).render({}).titel

    assert title(OIN, "kap") == f"van {OIN}/kap"
    assert title(OIN, "sloop") == f"van {OIN}"
    assert title("00000099000000002000", "kap") == "van kap"
    assert title(None, None) == "van"


def test_what_is_not_in_the_folder_is_ours(tmp_path: Path) -> None:
    write(tmp_path / OIN / "regulier-besluit.txt", "van ons")
    templates = every_template(tmp_path)
    assert {key: templates[key] for key in default_templates()} == dict(default_templates())
    assert len(templates) == len(default_templates()) + 1


@pytest.mark.parametrize(
    "name",
    ["regulier-ontwerpbesluit.txt", "besluit.txt", "kap/sloop/regulier-besluit.txt", f"{OIN}/a/b/regulier-besluit.txt"],
)
def test_a_file_that_would_never_be_used_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "titel")
    with pytest.raises(ConfigError, match=r"template .*\.txt: "):
        every_template(tmp_path)


def test_a_file_that_is_no_template_is_named(tmp_path: Path) -> None:
    (tmp_path / "regulier-besluit.txt").write_bytes(b"titel: \xff")
    with pytest.raises(ConfigError, match=r"regulier-besluit\.txt: cannot be read"):
        every_template(tmp_path)
    (tmp_path / "regulier-besluit.txt").write_text("titel: T\n\n{{ bsn }}")
    with pytest.raises(ConfigError, match=r"regulier-besluit\.txt: there is no bsn"):
        every_template(tmp_path)


@pytest.mark.parametrize("name", ["regulier-besluit.txt", "kap/regulier-besluit.txt", "besluit.txt"])
def test_a_broken_template_of_one_organisatie_is_nothing_to_another(tmp_path: Path, name: str) -> None:
    write(tmp_path / OIN / name, "{{ bsn }}")
    assert templates_in(tmp_path, "00000099000000002000") == templates_in(tmp_path, None) == default_templates()
    with pytest.raises(TemplateBroken, match=OIN):
        templates_in(tmp_path, OIN)


@pytest.mark.parametrize("place", ["", "kap"])
def test_a_broken_template_of_everybody_holds_up_everybody(tmp_path: Path, place: str) -> None:
    write(tmp_path / place / "regulier-besluit.txt", "{{ bsn }}")
    for organisatie in (OIN, None):
        with pytest.raises(TemplateBroken):
            templates_in(tmp_path, organisatie)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        every_template(tmp_path / "geen")


def test_a_file_that_notepad_saved_is_read(tmp_path: Path) -> None:
    (tmp_path / "regulier-besluit.txt").write_text("titel: T\r\n\r\nTekst\r\n", encoding="utf-8-sig")
    assert every_template(tmp_path)[For(*BESLUIT)].render({}).titel == "T"

"""Reading an apply file: a case system that could not be made is refused before it is on record."""

from pathlib import Path

import pytest

from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.errors import ConfigError

OIN = "00000099000000101000"
START = f"""
[[aansluiting]]
organisatie_oin = "{OIN}"
kind = "stam"
omgeving = "pre"
partij_oin = "{OIN}"
dso = {{base_url = "https://dso.example.org", api_key_file = "key"}}
"""
WEBHOOK = """
[[aansluiting.target]]
name = "leverancier"
kind = "webhook"
settings.url = "https://zaken.example.org/{{ %s }}"
settings.headers = {X-Oin = "{{ oin }}"}
settings.already_there = [409]
settings.body_file = "body.json"
settings.upload.url = "https://zaken.example.org/{{ referentie }}"
settings.upload.files = ["xml", "bijlage"]
"""


def read(folder: Path, case_system: str) -> None:
    file = folder / "aansluitingen.toml"
    file.write_text(START + case_system)
    read_file(file)


def test_templates_and_files_are_read_from_the_folder_of_the_apply_file(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text("{{ verzoek }}")
    read(tmp_path, WEBHOOK % "verzoeknummer")


@pytest.mark.parametrize(
    ("case_system", "complaint"),
    [
        (WEBHOOK % "zaaknummer", "there is no zaaknummer"),
        (WEBHOOK % "oin", "body.json: cannot be read"),
        ('case_system = {kind = "webhook", url = "https://zaken.example.org"}', "upload.url is missing"),
        ('case_system = {kind = "webhook", url = "ftp://zaken.example.org"}', "setting url must begin"),
    ],
)
def test_a_case_system_that_cannot_be_made_is_told_with_its_aansluiting(
    tmp_path: Path, case_system: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=f"aansluitingen.toml: aansluiting pre/{OIN}, target .*{complaint}"):
        read(tmp_path, case_system)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (START.replace("https://dso.example.org", "dso.example.org"), f"the address of dso.base_url of {OIN} must be"),
        (
            f'{START}intake = {{mode = "pass_on", pass_on_url = "https://a:b@c.example", pass_on_secret_file = "s"}}',
            f"the address of pass_on_url of {OIN} must be an http or https URL without user and password",
        ),
    ],
)
def test_an_address_that_is_none_is_told_before_it_is_on_record(tmp_path: Path, written: str, complaint: str) -> None:
    file = tmp_path / "aansluitingen.toml"
    folder = "" if "pass_on" in written else 'case_system = {kind = "folder", path = "zaken"}'
    file.write_text(f"{written}\n{folder}")
    with pytest.raises(ConfigError, match=complaint):
        read_file(file)

"""The configuration file."""

from pathlib import Path

import pytest

from digikoppelaar import config
from digikoppelaar.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "digikoppelaar.toml"
    file.write_text(text)
    return file


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = 'data_folder = "data"\n[endpoint.pre]\npartij = "x"\ntrust_anchors = ["root.pem"]\n'
    loaded = config.load(write(tmp_path, text))
    assert loaded.data_folder == tmp_path / "data"
    assert loaded.endpoint["pre"].trust_anchors == (tmp_path / "root.pem",)


def test_an_empty_file_is_an_installation_with_embedded_postgresql(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, ""))
    assert loaded.embedded
    assert loaded.data_folder.is_absolute()
    assert not loaded.endpoint


ENDPOINT = '[endpoint.pre]\npartij = "x"\ntrust_anchors = ["root.pem"]\n'
PROXY = ENDPOINT + 'mode = "proxy"\n'
PLAIN = '[endpoint.{}]\npartij = "x"\ntrust_anchors = []\nmode = "plain"\nhost = "{}"\n'


def test_an_endpoint_behind_a_proxy_names_addresses_or_networks_and_a_header(tmp_path: Path) -> None:
    text = PROXY + 'trusted_proxies = ["10.0.0.1", "fd00::/64"]\ncertificate_header = "X-Cert"\n'
    endpoint = config.load(write(tmp_path, text)).endpoint["pre"]
    assert [str(network) for network in endpoint.trusted_proxies] == ["10.0.0.1/32", "fd00::/64"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[web]\nporrt = 1", r"web\.porrt: unknown key"),
        ("[web]\nport = 99999", r"web\.port"),
        ('[web]\nhost = "0.0.0.0"', "web: must be a loopback address without certificate_file"),
        ('[web]\ncertificate_file = "cert.pem"', "certificate_file and key_file belong together"),
        (
            '[web]\nlogin = "none"\npublic_url = "https://koppelaar.example"',
            "for a loopback address without public_url",
        ),
        ('[web]\npublic_url = "http://koppelaar.example"', r"web\.public_url"),
        ('[web]\npublic_url = "https://koppelaar.example/pad"', r"web\.public_url"),
        ('[endpoint.productie]\npartij = "x"\ntrust_anchors = []', r"endpoint\.productie"),
        ("[endpoint.pre]\ntrust_anchors = []", r"endpoint\.pre\.partij"),
        (PLAIN.format("pre", "127.0.0.1"), "mode plain is for the sandbox, not for pre"),
        (PLAIN.format("prod", "127.0.0.1"), "mode plain is for the sandbox, not for prod"),
        (PLAIN.format("sandbox-pre", "0.0.0.0"), "mode plain must listen on a loopback address"),
        (PROXY, r"endpoint\.pre: trusted_proxies and certificate_header belong to mode proxy"),
        (PROXY + 'trusted_proxies = ["10.0.0.1"]', "which needs both"),
        (PROXY + 'certificate_header = "X-Cert"', "which needs both"),
        (PROXY + 'trusted_proxies = ["elders"]\ncertificate_header = "X-Cert"', r"pre\.trusted_proxies"),
        (PROXY + 'trusted_proxies = ["10.0.0.1"]\ncertificate_header = "X_Cert"', r"pre\.certificate_header"),
        (ENDPOINT + 'trusted_proxies = ["10.0.0.1"]\ncertificate_header = "X-Cert"', "belong to mode proxy"),
        (ENDPOINT + 'trusted_proxies = ["10.0.0.1"]', "belong to mode proxy"),
        (ENDPOINT + 'certificate_header = "X-Cert"', "belong to mode proxy"),
        ("= = =", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        config.load(write(tmp_path, text))


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        config.load(tmp_path / "elders.toml")


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIKOPPELAAR_WEB__PORT", "1234")
    assert config.load(write(tmp_path, "[web]\nport = 80")).web.port == 1234


def test_the_home_of_root_is_no_place_for_data() -> None:
    assert config.default_data_folder(Path("/root"), root=True) == Path("/var/lib/digikoppelaar")
    assert config.default_data_folder(Path("/home/a"), root=False) == Path("/home/a/.local/share/digikoppelaar")


def test_applications_are_served_only_when_asked_with_files_relative_to_the_configuration(tmp_path: Path) -> None:
    assert config.load(write(tmp_path, "")).application is None
    text = (
        '[application]\nhost = "0.0.0.0"\ncertificate_file = "a.pem"\nkey_file = "a.key"\n'
        '[webhooks]\ntrust_anchors = ["root.pem"]\n'
    )
    loaded = config.load(write(tmp_path, text))
    assert loaded.application
    assert (loaded.application.certificate_file, loaded.application.key_file) == (
        tmp_path / "a.pem",
        tmp_path / "a.key",
    )
    assert loaded.webhooks.trust_anchors == (tmp_path / "root.pem",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[application]\nhost = "0.0.0.0"\n', "must be a loopback address"),
        ('[application]\ncertificate_file = "a.pem"\n', "belong together"),
    ],
)
def test_api_keys_never_travel_in_the_clear(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        config.load(write(tmp_path, text))


def test_nobody_counts_as_gone_while_he_may_be_sending(tmp_path: Path) -> None:
    assert config.load(write(tmp_path, "[publishing]\ntimeout = 30\nforsaken = 31\n")).publishing.timeout == 30
    with pytest.raises(ConfigError, match="longer than timeout"):
        config.load(write(tmp_path, "[publishing]\nforsaken = 180\n"))


def test_mail_has_files_relative_to_the_configuration_and_no_password_in_the_clear(tmp_path: Path) -> None:
    told = '[mail]\nhost = "mail.voorbeeld.nl"\nfrom = "koppelaar@voorbeeld.nl"\ncredentials_file = "mail"\n'
    mail = config.load(write(tmp_path, told)).mail
    assert mail
    assert (mail.sender, mail.port, mail.tls, mail.credentials_file) == (
        "koppelaar@voorbeeld.nl",
        587,
        "starttls",
        tmp_path / "mail",
    )
    with pytest.raises(ConfigError, match="needs tls"):
        config.load(write(tmp_path, told + 'tls = "none"\n'))
    with pytest.raises(ConfigError, match="from"):
        config.load(write(tmp_path, '[mail]\nhost = "h"\nfrom = "geen adres"\n'))

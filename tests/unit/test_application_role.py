"""The listener of applications over TLS: the certificate is shown, none is asked, and a wrong file is told."""

import ssl
from pathlib import Path

import httpx
import pytest
from tests.certificates import Authority
from tests.servers import echo, serving

from digikoppelaar.application_role import listener
from digikoppelaar.config.listeners import Application
from digikoppelaar.errors import TrustError


async def test_an_application_needs_no_certificate_but_gets_one(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue().write(tmp_path)
    context = listener(Application(host="0.0.0.0", certificate_file=certificate, key_file=key)).ssl_context
    trusting = ssl.create_default_context(cafile=str(authority.write_root(tmp_path)))
    async with serving(echo, context) as port, httpx.AsyncClient(verify=trusting) as http:
        answer = await http.post(f"https://localhost:{port}/", content=b"hallo")
    assert answer.content == b"hallo"


def test_without_files_it_is_plain_http_on_this_machine() -> None:
    found = listener(Application())
    assert (found.host, found.ssl_context) == ("127.0.0.1", None)


def test_a_certificate_file_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.write_text("geen certificaat")
    with pytest.raises(TrustError, match=r"a\.pem"):
        listener(Application(certificate_file=file, key_file=file))

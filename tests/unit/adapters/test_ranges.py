"""Asking the rest of a download: of a version that can be told from others, and believed when it is the rest."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.adapters.dso_server import PROFILE, Script, answer, calling

from digikoppelaar.adapters.dso_client import DsoRestClient
from digikoppelaar.adapters.ranges import asking, goes_on, validator, whole_length
from digikoppelaar.errors import FacilityAnswerBroken
from digikoppelaar.flows.ports import Have

HAVE = Have(4, '"v1"')
NOON, BEFORE = "Tue, 02 Jun 2026 12:00:00 GMT", "Tue, 02 Jun 2026 11:59:59 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"v1"'}, '"v1"'),
        ({"etag": '"v1"', "last-modified": BEFORE, "date": NOON}, '"v1"'),
        ({"etag": 'W/"v1"', "last-modified": BEFORE, "date": NOON}, ""),
        ({"etag": "v1"}, ""),
        ({"etag": '"a\r\nx"'}, ""),
        ({"last-modified": BEFORE, "date": NOON}, BEFORE),
        ({"last-modified": NOON, "date": NOON}, ""),
        ({"last-modified": BEFORE}, ""),
        ({"last-modified": "gisteren", "date": NOON}, ""),
        ({}, ""),
    ],
)
def test_a_version_is_told_by_a_strong_tag_or_a_date_that_is_old_enough(headers: dict[str, str], expected: str) -> None:
    assert validator(headers) == expected


def test_the_rest_is_asked_when_something_is_there_and_its_version_known() -> None:
    assert asking(HAVE) == {"Range": "bytes=4-", "If-Range": '"v1"'}
    assert asking(None) == asking(Have(0, '"v1"')) == asking(Have(4, "")) == {}


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, True),
        (416, {}, False),
        (206, {"content-range": "bytes 4-9/10"}, True),
        (206, {"content-range": "bytes 4-9/10", "etag": '"v1"'}, True),
        (206, {"content-range": "bytes 4-9/*"}, True),
        (206, {"content-range": "bytes 4-9/10", "etag": '"v2"'}, False),
        (206, {"content-range": "bytes 4-8/10"}, False),
        (206, {"content-range": "bytes 3-9/10"}, False),
        (206, {"content-range": "bytes 4-3/4"}, False),
        (206, {"content-range": "items 4-9/10"}, False),
        (206, {}, False),
    ],
)
def test_an_answer_is_used_when_it_is_the_whole_or_just_the_rest(
    status: int, headers: dict[str, str], expected: bool
) -> None:
    assert goes_on(status, headers, HAVE) is expected


def test_the_length_of_the_whole_is_what_the_range_says_or_what_is_there_and_the_rest() -> None:
    assert whole_length({"content-range": "bytes 4-9/10"}, 6, 4) == 10
    assert whole_length({"content-range": "bytes 4-9/*"}, 6, 4) == 10
    assert whole_length({"content-range": "bytes 4-9/*"}, None, 4) is None


REST = answer(206, b"456789", "image/png", content_range="bytes 4-9/10", etag='"v1"')
WHOLE = answer(200, b"abcdefghijkl", "image/png", etag='"v2"')
ANSWERS: dict[str, tuple[list[bytes], tuple[int, int, str, bytes]]] = {
    "the rest": ([REST], (4, 10, '"v1"', b"456789")),
    "another version": ([WHOLE], (0, 12, '"v2"', b"abcdefghijkl")),
    "there is no rest": ([answer(416), WHOLE], (0, 12, '"v2"', b"abcdefghijkl")),
    "the rest of something else": (
        [answer(206, b"456789", "image/png", content_range="bytes 4-9/10", etag='"v3"'), WHOLE],
        (0, 12, '"v2"', b"abcdefghijkl"),
    ),
    "several ranges": ([answer(206, b"x", "multipart/byteranges"), WHOLE], (0, 12, '"v2"', b"abcdefghijkl")),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_download_begins_where_the_answer_does(tmp_path: Path, case: str) -> None:
    answers, expected = ANSWERS[case]
    asked = []

    def script(_: str, headers: dict[str, str]) -> bytes:
        asked.append((headers.get("range"), headers.get("if-range")))
        return answers[len(asked) - 1]

    async with calling(script, tmp_path) as calls:
        href = f"{calls.settings.base_url}/d"
        async with DsoRestClient(calls).download(href, HAVE) as download:
            content = b"".join([chunk async for chunk in download.chunks])
            assert (download.start, download.length, download.tag, content) == expected
    assert asked == [("bytes=4-", '"v1"'), (None, None)][: len(answers)]


async def test_no_rest_is_asked_when_the_profile_says_so(tmp_path: Path) -> None:
    asked = []

    def script(_: str, headers: dict[str, str]) -> bytes:
        asked.append(headers.get("range"))
        return WHOLE

    async with calling(script, tmp_path) as calls:
        calls.profile = replace(PROFILE, use_ranges=False)
        async with DsoRestClient(calls).download(f"{calls.settings.base_url}/d", HAVE) as download:
            assert download.start == 0
    assert asked == [None]


async def test_a_rest_that_nobody_asked_for_is_broken(tmp_path: Path) -> None:
    script: Script = lambda *_: REST  # noqa: E731
    async with calling(script, tmp_path) as calls:
        with pytest.raises(FacilityAnswerBroken, match="206"):
            async with DsoRestClient(calls).download(f"{calls.settings.base_url}/d"):
                pass

"""The stylesheet keeps its promises: contrast (WCAG 2.2, 1.4.3 and 1.4.11), a focus ring, nothing from elsewhere."""

import re

import pytest

from digikoppelaar.web.render import STATIC

CSS = (STATIC / "style.css").read_text()
COLOURS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", CSS))


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("text", ["ink", "ink-soft", "link", "link-visited"])
@pytest.mark.parametrize("paper", ["paper", "paper-soft", "busy-paper", "wait-paper", "bad-paper"])
def test_text_is_readable_on_every_paper(text: str, paper: str) -> None:
    assert contrast(COLOURS[text], COLOURS[paper]) >= 4.5


@pytest.mark.parametrize("tone", ["good", "busy", "wait", "bad"])
def test_a_state_is_readable_on_its_own_paper(tone: str) -> None:
    assert contrast(COLOURS[tone], COLOURS[f"{tone}-paper"]) >= 4.5


def test_white_is_readable_on_the_head_and_on_buttons() -> None:
    assert contrast("#fff", COLOURS["head"]) >= 4.5
    assert contrast("#fff", COLOURS["link"]) >= 4.5


def test_borders_of_fields_can_be_seen() -> None:
    assert contrast(COLOURS["line-strong"], "#fff") >= 3


def test_focus_is_shown_by_two_colours_of_which_one_stands_out_everywhere() -> None:
    ring = re.search(r":focus-visible \{([^}]*)\}", CSS)
    assert ring is not None
    one, other = re.findall(r"#[0-9a-f]{3,6}", ring[1])
    for background in (COLOURS["paper"], COLOURS["paper-soft"], COLOURS["head"], COLOURS["sandbox"]):
        assert max(contrast(one, background), contrast(other, background)) >= 3
    assert "outline: none" not in CSS


def test_nothing_is_fetched_from_elsewhere() -> None:
    assert not re.search(r"@import|url\(|https?:|@font-face", CSS)

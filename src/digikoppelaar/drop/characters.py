"""Which characters may be in what is published: a broken document never leaves, what cannot be written is an error."""

import re
import unicodedata
from typing import Final

from digikoppelaar.errors import SubmissionError

_REFUSED: Final = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""Control characters, halves of surrogate pairs, and what Unicode has for no character at all."""


_LAYOUT: Final = "\t\n\r"


def is_hidden(letter: str) -> bool:
    """Whether it shows nothing to a reader, or turns the text around it: no blank, and no line end."""
    return letter not in _LAYOUT and (unicodedata.category(letter) in ("Cc", "Cf", "Cs") or letter in "\ufffe\uffff")


def shown(text: str) -> str:
    """The text with what is hidden in it in the open, such as U+202E: for where a text must not play tricks."""
    return "".join(code_of(letter) if is_hidden(letter) else letter for letter in text)


def code_of(letter: str) -> str:
    """Its number in Unicode, such as U+202E."""
    return f"U+{ord(letter):04X}"


def checked(text: str, where: str) -> str:
    """The text, with line ends as XML has them. `where` is Dutch, for the advice: `de titel`.

    Raises SubmissionError for a character that XML cannot hold, or that no reader can see.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _REFUSED.search(text):
        code = code_of(found.group())
        raise SubmissionError(
            f"a kennisgeving holds {code}, which cannot be published",
            advice=f"Verwijder het onzichtbare teken {code} op positie {found.start() + 1} van {where} "
            "(vaak meegekomen bij kopiëren uit een pdf) en bied de kennisgeving opnieuw aan.",
        )
    return text

"""Which characters may be in what is published: a broken document never leaves, what cannot be written is an error."""

import re
from typing import Final

from digikoppelaar.errors import SubmissionError

_REFUSED: Final = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""Control characters, halves of surrogate pairs, and what Unicode has for no character at all."""


def checked(text: str, where: str) -> str:
    """The text, with line ends as XML has them. `where` is Dutch, for the advice: `de titel`.

    Raises SubmissionError for a character that XML cannot hold, or that no reader can see.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _REFUSED.search(text):
        code = f"U+{ord(found.group()):04X}"
        raise SubmissionError(
            f"a kennisgeving holds {code}, which cannot be published",
            advice=f"Verwijder het onzichtbare teken {code} op positie {found.start() + 1} van {where} "
            "(vaak meegekomen bij kopiëren uit een pdf) en bied de kennisgeving opnieuw aan.",
        )
    return text

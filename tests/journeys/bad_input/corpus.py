"""Hostile requests, with what must come of each: literal tables, joined.

The bytes are written by hand, or are a valid message with one thing changed by hand; nothing is built with the code
under test. The numbers in `why` are statements and sections of the facts on Digikoppeling ebMS2.

What stands in no row, for it is not a request: no client certificate, a foreign one, and one of another OIN.
"""

from tests.journeys.bad_input.agreement_rows import AGREEMENT, SIGNATURE
from tests.journeys.bad_input.http_rows import HTTP, MIME
from tests.journeys.bad_input.rows import BadInput
from tests.journeys.bad_input.xml_rows import STRUCTURE, XML

CORPUS: tuple[BadInput, ...] = (*HTTP, *MIME, *XML, *STRUCTURE, *AGREEMENT, *SIGNATURE)

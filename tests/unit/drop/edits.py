"""Made-up damage to a document."""

from hypothesis import strategies as st

edits = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 20), st.binary(max_size=8)), max_size=3)


def edited(body: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """With stretches of it replaced by others."""
    for place, length, instead in changes:
        at = place % (len(body) + 1)
        body = body[:at] + instead + body[at + length :]
    return body

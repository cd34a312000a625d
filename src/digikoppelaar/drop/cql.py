"""CQL, the language in which SRU is asked: text put into a query so that it stays text, and a query read into values.

As CQL 1.2 has it: a term in double quotes, in which `\\` takes the meaning off `"`, `\\` and the wildcards `*`, `?` and
`^`. Read is what clients of KOOP are seen to send (drop-3pas.md 7): clauses, AND, OR, NOT and parentheses.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from digikoppelaar.errors import SubmissionError

MAX_QUERY: Final = 4000
"""Characters. No query of ours comes near it; a limit on what the sandbox reads."""
_MAX_DEPTH: Final = 20

_SPECIAL: Final = re.compile(r'[\\"*?^]')
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<operator>==|<>|<=|>=|=|<|>)|(?P<paren>[()])|(?P<word>[^\s"()=<>]+))',
    re.DOTALL,
)
_PIECE: Final = re.compile(r"\\.|.", re.DOTALL)
"""One character of a term, with what takes its meaning off."""
_MOST_WILD: Final = 3
"""In one term: the time that a pattern takes grows with the length of a text to the power of this."""
_RELATIONS: Final = frozenset({"=", "==", "<>", "<", "<=", ">", ">=", "any", "all"})


def quoted(text: str) -> str:
    """`text` as one term: nothing in it ends the term or stands for other characters."""
    plain = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())
    return '"' + _SPECIAL.sub(lambda found: "\\" + found.group(), plain) + '"'


def clause(index: str, relation: str, text: str) -> str:
    """One condition; `index` and `relation` come from a profile."""
    return f"{index}{relation}{quoted(text)}" if relation[0] in "=<>" else f"{index} {relation} {quoted(text)}"


# --- Reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. `raw` is its term as it was written, without the quotes around it."""

    index: str
    relation: str
    raw: str

    @property
    def text(self) -> str:
        """The term as plain text."""
        return re.sub(r"\\(.)", r"\1", self.raw, flags=re.DOTALL)

    def is_all_of(self, value: str) -> bool:
        """Whether the term stands for the whole of `value`."""
        return _pattern(self.raw).fullmatch(value) is not None

    def words_in(self, values: Iterable[str]) -> list[bool]:
        """Of each word of the term, whether it stands for one of `values`."""
        return [any(_pattern(word).fullmatch(value) for value in values) for word in self.raw.split()]


@dataclass(frozen=True, slots=True)
class Both:
    """Two conditions and what holds them together: `and`, `or` or `not`."""

    boolean: str
    left: "Query"
    right: "Query"


Query = Clause | Both


def clauses(query: Query) -> Iterator[Clause]:
    """Every condition in it."""
    if isinstance(query, Clause):
        yield query
    else:
        yield from clauses(query.left)
        yield from clauses(query.right)


def holds(query: Query, fits: Callable[[Clause], bool]) -> bool:
    """Whether the query holds, when `fits` tells it of each condition."""
    if isinstance(query, Clause):
        return fits(query)
    left, right = holds(query.left, fits), holds(query.right, fits)
    return {"and": left and right, "or": left or right, "not": left and not right}[query.boolean]


def read_query(text: str) -> Query:
    """The query in `text`. Raises SubmissionError when it is not CQL as it is read here."""
    if len(text) > MAX_QUERY:
        raise SubmissionError("the query is too long")
    reader = _Reader(_tokens(text))
    query = reader.query(_MAX_DEPTH)
    reader.expect_end()
    return query


def _tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token; a quoted one keeps its quotes."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise SubmissionError(f"the query cannot be read at position {at}")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class _Reader:
    """Reads tokens from left to right; booleans have no precedence (CQL 1.2)."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self, depth: int) -> Query:
        """Conditions held together by booleans."""
        found = self._one(depth)
        while (boolean := self._peek("word").lower()) in {"and", "or", "not"}:
            self._at += 1
            found = Both(boolean, found, self._one(depth))
        return found

    def expect_end(self) -> None:
        """Raises SubmissionError when something is left."""
        if self._at < len(self._tokens):
            raise SubmissionError("the query goes on where it should end")

    def _one(self, depth: int) -> Query:
        if depth and self._peek("paren") == "(":
            self._at += 1
            inner = self.query(depth - 1)
            self._take("paren", ")")
            return inner
        return self._clause()

    def _clause(self) -> Clause:
        index = self._take("word")
        relation = (self._peek("operator") or self._peek("word")).lower()
        if relation not in _RELATIONS:
            raise SubmissionError("the query has a condition without a relation")
        self._at += 1
        raw = self._take("quoted")[1:-1] if self._peek("quoted") else self._take("word")
        if _PIECE.findall(raw).count("*") > _MOST_WILD:
            raise SubmissionError("the query has too many wildcards in a term")
        return Clause(index, relation, raw)

    def _peek(self, kind: str) -> str:
        found, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return text if found == kind else ""

    def _take(self, kind: str, wanted: str = "") -> str:
        text = self._peek(kind)
        if not text or (wanted and text != wanted):
            raise SubmissionError(f"the query lacks a {kind}")
        self._at += 1
        return text


def _pattern(raw: str) -> re.Pattern[str]:
    """`*` is any characters, `?` one, `^` the begin or the end of the text, which a whole match has anyway."""
    wild = {"*": ".*", "?": ".", "^": ""}
    fits = "".join(wild.get(piece, re.escape(piece[-1])) for piece in _PIECE.findall(raw))
    return re.compile(fits, re.IGNORECASE | re.DOTALL)

"""What is to be done with a verzoek version: one function per rule, and the tuple that orders them. Pure.

A rule sees a verzoek, what is on record about its verzoeknummer in one aansluiting, and the settings of that
aansluiting; it never sees a store. The first rule that applies decides. docs/intake-rules.md is made of `RULES` and
`MARKS`. How a ruling is carried out is in flows/intake.py; which state follows is in flows/intake_states.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from digikoppelaar.stam import codes
from digikoppelaar.stam.model import Verzoek
from digikoppelaar.stam.notification import WITHDRAWN


class Action(StrEnum):
    """What happens to a verzoek version."""

    DELIVER_NEW = "deliver_new"
    """To the case system, as a verzoek that it does not know yet."""
    DELIVER_AANVULLING = "deliver_aanvulling"
    """To the case system, as the complete new version of what it has."""
    DELIVER_INTREKKING = "deliver_intrekking"
    """To the case system, as the withdrawal of what it has."""
    KEEP_APART = "keep_apart"
    """Fetched and kept, not delivered."""
    IGNORE = "ignore"
    """Recorded, not delivered."""
    PARK = "park"
    """Fetched and kept; a person decides."""

    @property
    def delivers(self) -> bool:
        """Whether the case system gets it."""
        return self in (Action.DELIVER_NEW, Action.DELIVER_AANVULLING, Action.DELIVER_INTREKKING)


SET_ASIDE: Final = frozenset({Action.IGNORE, Action.KEEP_APART})
"""Nobody is asked or told about it."""


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version on record. `state` as in flows/intake_states.py; `document_ids` are those of its bijlagen."""

    volgnummer: int
    action: Action
    state: str
    withdrawal: bool = False
    document_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record about one verzoeknummer in one aansluiting; `own_oins` are those it receives for."""

    own_oins: frozenset[str]
    versions: tuple[KnownVersion, ...] = ()
    case_linked: bool = False
    """Somebody tied the verzoeknummer to a case that was made elsewhere."""


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The choices that an aansluiting has."""

    kopiebericht: Action = Action.IGNORE
    """IGNORE or KEEP_APART."""
    aanvulling_without_first: Action = Action.DELIVER_NEW
    """DELIVER_NEW or PARK."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is done and why. `reason` is English with ids only, `advice` Dutch; `rule` is the name of its function.

    `lapsed` are the ids of documents that an earlier version had and this one no longer names; `test` marks what was
    only made to try out a connection.
    """

    action: Action
    rule: str
    reason: str
    advice: str
    test: bool = False
    lapsed: tuple[str, ...] = ()


Decision = tuple[Action, str, str]
"""What, the reason in English, and the sentence in Dutch."""


def kopiebericht(verzoek: Verzoek, known: Known, settings: RuleSettings) -> Decision | None:
    """A copy for who only cooperates: no case yet, and a behandeldienst that is not ours (stam.md 1.10, OW-STAM).

    Where bevoegd gezag and behandeldienst are both ours it is no copy: each aansluiting gets a version of its own.
    """
    oin = verzoek.uitvoerende_instantie.oin if verzoek.uitvoerende_instantie else None
    if not oin or oin in known.own_oins or _continues(verzoek, known):
        return None
    return (
        settings.kopiebericht,
        f"verzoek {verzoek.verzoeknummer} is handled by {oin}, so this is a copy",
        "Dit is een kopiebericht: een andere instantie behandelt het verzoek.",
    )


def withdrawal_of_what_was_set_aside(verzoek: Verzoek, known: Known, _: RuleSettings) -> Decision | None:
    """A withdrawal goes where the versions went that it withdraws (inferred from stam.md 1.2 and 1.10)."""
    aside = [version for version in _others(verzoek, known) if version.action in SET_ASIDE]
    if not is_withdrawal(verzoek) or not aside or _continues(verzoek, known):
        return None
    return (
        aside[-1].action,
        f"withdrawal of verzoek {verzoek.verzoeknummer}, of which nothing was delivered",
        "Intrekking van een verzoek dat niet aan het zaaksysteem is gegeven.",
    )


def withdrawal(verzoek: Verzoek, known: Known, _: RuleSettings) -> Decision | None:
    """Doel intrekken, or volgnummer 999, of a verzoek that the case system gets (stam.md 1.3, 1.4, 8; CIM-AM)."""
    if not is_withdrawal(verzoek) or not _continues(verzoek, known):
        return None
    return Action.DELIVER_INTREKKING, "withdrawn by the applicant", "De aanvrager trekt het verzoek in."


def withdrawal_of_the_unknown(verzoek: Verzoek, _: Known, __: RuleSettings) -> Decision | None:
    """A withdrawal of what never came: a person must look for the case (inferred from stam.md 1.2)."""
    if not is_withdrawal(verzoek):
        return None
    return (
        Action.PARK,
        f"withdrawal of verzoek {verzoek.verzoeknummer}, of which no version is known",
        "Intrekking van een onbekend verzoek; zoek de zaak, koppel die en geef het verzoek vrij.",
    )


def after_withdrawal(verzoek: Verzoek, known: Known, _: RuleSettings) -> Decision | None:
    """A version that comes when its withdrawal is in the case system: a person decides (inferred from stam.md 1.3)."""
    if not any(version.withdrawal and version.state == "delivered" for version in _others(verzoek, known)):
        return None
    return (
        Action.PARK,
        f"volgnummer {verzoek.volgnummer} of verzoek {verzoek.verzoeknummer} came after its withdrawal",
        "Deze versie kwam na de intrekking; overleg met de aanvrager en geef het verzoek vrij of laat het liggen.",
    )


def older_than_known(verzoek: Verzoek, known: Known, _: RuleSettings) -> Decision | None:
    """A newer version is on record, and that is complete: the older one has lapsed (stam.md 1.3, CIM-AM)."""
    newer = [version for version in _delivered_versions(verzoek, known) if version.volgnummer > verzoek.volgnummer]
    if not newer:
        return None
    return (
        Action.KEEP_APART,
        f"volgnummer {verzoek.volgnummer} came after volgnummer {newer[-1].volgnummer}, which replaces it",
        "Deze versie kwam na een nieuwere en is daardoor vervallen; zij is alleen bewaard.",
    )


def aanvulling(verzoek: Verzoek, known: Known, _: RuleSettings) -> Decision | None:
    """A complete new version of what the case system gets, whatever its doel says (stam.md 1.3, CIM-AM)."""
    if not _continues(verzoek, known):
        return None
    return (
        Action.DELIVER_AANVULLING,
        f"volgnummer {verzoek.volgnummer} replaces the versions before it",
        "Aanvulling: een volledige nieuwe versie van het verzoek.",
    )


def rerouted_aanvulling(verzoek: Verzoek, _: Known, settings: RuleSettings) -> Decision | None:
    """An aanvulling without a first version: another authority had it before (stam.md 1.10, OW-STAM, OW-CFG)."""
    if verzoek.doel != codes.AANVULLEN:
        return None
    return (
        settings.aanvulling_without_first,
        f"aanvulling {verzoek.volgnummer} of verzoek {verzoek.verzoeknummer} without a first version",
        "Aanvulling zonder eerste versie: waarschijnlijk had eerst een ander bevoegd gezag dit verzoek.",
    )


def conceptverzoek(verzoek: Verzoek, _: Known, __: RuleSettings) -> Decision | None:
    """A concept, called vooroverleg before STAM 4, is a verzoek with a case of its own (stam.md 1.4, OW-STAM)."""
    if verzoek.doel != codes.CONCEPTVERZOEK:
        return None
    return Action.DELIVER_NEW, "first version of a conceptverzoek", "Conceptverzoek (vooroverleg)."


def first_version(_: Verzoek, __: Known, ___: RuleSettings) -> Decision:
    """Whatever no other rule takes; a doel that nobody knows must not stop a verzoek (stam.md 1.3 and 8)."""
    return Action.DELIVER_NEW, "first version", "Eerste versie van het verzoek."


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: `function` decides or says None; `does` and `source` are for the page in the docs."""

    name: str
    function: Callable[[Verzoek, Known, RuleSettings], Decision | None]
    does: str
    source: str


RULES: Final = (
    Rule(
        "kopiebericht",
        kopiebericht,
        "ignore, or keep apart by setting, when another behandeldienst handles it and no case exists",
        "stam.md 1.10 (OW-STAM)",
    ),
    Rule(
        "withdrawal_of_what_was_set_aside",
        withdrawal_of_what_was_set_aside,
        "ignore or keep apart, as the versions that it withdraws",
        "inferred from stam.md 1.2, 1.10",
    ),
    Rule("withdrawal", withdrawal, "deliver as intrekking", "stam.md 1.3, 1.4, 8 (CIM-AM)"),
    Rule(
        "withdrawal_of_the_unknown",
        withdrawal_of_the_unknown,
        "park: nothing is known that it withdraws",
        "inferred from stam.md 1.2",
    ),
    Rule("after_withdrawal", after_withdrawal, "park: its withdrawal was delivered", "inferred from stam.md 1.3"),
    Rule(
        "older_than_known",
        older_than_known,
        "keep apart: a newer version replaced it before it came",
        "stam.md 1.3 (CIM-AM)",
    ),
    Rule(
        "aanvulling",
        aanvulling,
        "deliver as aanvulling: an earlier version goes to the case system, or a case is linked",
        "stam.md 1.3 (CIM-AM)",
    ),
    Rule(
        "rerouted_aanvulling",
        rerouted_aanvulling,
        "deliver as new, or park by setting: no earlier version is known",
        "stam.md 1.10 (OW-STAM, OW-CFG)",
    ),
    Rule("conceptverzoek", conceptverzoek, "deliver as new", "stam.md 1.4 (OW-STAM)"),
    Rule("first_version", first_version, "deliver as new", "stam.md 1.3, 8"),
)
"""In this order; the last one always decides."""


def marked_test(verzoek: Verzoek) -> bool:
    """An aansluitactiviteit is TEST wherever it is shown or delivered (stam.md 5.1, step 4)."""
    return verzoek.aansluitactiviteit


def lapsed_documents(verzoek: Verzoek, known: Known) -> tuple[str, ...]:
    """Ids of documents of earlier versions that this one no longer names (stam.md 1.3; OW-BIJL, OW-STAM)."""
    earlier = [version for version in _delivered_versions(verzoek, known) if version.volgnummer < verzoek.volgnummer]
    had = frozenset[str]().union(*(version.document_ids for version in earlier))
    return tuple(sorted(had - {document.document_id for document in verzoek.documenten}))


MARKS: Final = (
    ("marked_test", "TEST: every activity is an aansluitactiviteit", "stam.md 5.1, step 4"),
    (
        "lapsed_documents",
        "lapsed: documents of earlier versions that an aanvulling no longer names",
        "stam.md 1.3 (OW-BIJL, OW-STAM)",
    ),
)
"""What a ruling says besides its action."""


def judge(verzoek: Verzoek, known: Known, settings: RuleSettings) -> Ruling:
    """The ruling of the first rule that applies. The version itself does not count when it is in `known`."""
    for rule in RULES:
        decision = rule.function(verzoek, known, settings)
        if decision is not None:
            ruling = Ruling(decision[0], rule.name, decision[1], decision[2], test=marked_test(verzoek))
            return _with_lapsed(ruling, verzoek, known)
    raise AssertionError("the last rule always decides")


def withdraws(doel: str, volgnummer: int) -> bool:
    """Whether the applicant withdraws: by the doel, or by the volgnummer that only a withdrawal has."""
    return doel == codes.INTREKKEN or volgnummer == WITHDRAWN


def when_released(action: Action, *, withdrawal: bool, continues: bool) -> Action:
    """What is done with a version that a person let go on; `continues`: an earlier version was delivered."""
    if action is not Action.PARK:
        return action
    if withdrawal:
        return Action.DELIVER_INTREKKING
    return Action.DELIVER_AANVULLING if continues else Action.DELIVER_NEW


def with_case(action: Action, case: str | None) -> Action:
    """What is done at one target that has `case`: a verzoek for which a person linked one continues it."""
    return Action.DELIVER_AANVULLING if action is Action.DELIVER_NEW and case is not None else action


def taken_as_new(_: Known) -> Ruling:
    """The ruling of who asks no rules."""
    return Ruling(Action.DELIVER_NEW, "", "", "")


def is_withdrawal(verzoek: Verzoek) -> bool:
    """Whether this version is a withdrawal."""
    return withdraws(verzoek.doel, verzoek.volgnummer)


def _with_lapsed(ruling: Ruling, verzoek: Verzoek, known: Known) -> Ruling:
    """Only a new version makes documents lapse: a withdrawal need not name them again."""
    if ruling.action is not Action.DELIVER_AANVULLING:
        return ruling
    return replace(ruling, lapsed=lapsed_documents(verzoek, known))


def _others(verzoek: Verzoek, known: Known) -> Sequence[KnownVersion]:
    return [version for version in known.versions if version.volgnummer != verzoek.volgnummer]


def _delivered_versions(verzoek: Verzoek, known: Known) -> Sequence[KnownVersion]:
    """The other versions that the case system has or gets, without withdrawals."""
    return [v for v in _others(verzoek, known) if not v.withdrawal and (v.action.delivers or v.state == "delivered")]


def _continues(verzoek: Verzoek, known: Known) -> bool:
    """Whether the case system has something, or gets it first, that this version is about."""
    return known.case_linked or bool(_delivered_versions(verzoek, known))

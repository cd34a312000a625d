"""What happens to a machtiging and to a request for a CPA at the register, as two tables. Pure.

    machtiging   asked ──grant──▶ granted ──withdraw──▶ refused        asked ──refuse──▶ refused

    request      asked ──approve──▶ made ──replace──▶ replaced         asked ──refuse──▶ refused

What was refused may be asked again, as something new.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.register import MachtigingState, RequestState

State = TypeVar("State", MachtigingState, RequestState)


class Step(StrEnum):
    """What is done; the value is the word in an address."""

    GRANT = "verlenen"
    WITHDRAW = "intrekken"
    APPROVE = "goedkeuren"
    REFUSE = "weigeren"
    REPLACE = "vervangen"


MACHTIGING: Final[Mapping[tuple[MachtigingState, Step], MachtigingState]] = {
    (MachtigingState.ASKED, Step.GRANT): MachtigingState.GRANTED,
    (MachtigingState.ASKED, Step.REFUSE): MachtigingState.REFUSED,
    (MachtigingState.GRANTED, Step.WITHDRAW): MachtigingState.REFUSED,
}
REQUEST: Final[Mapping[tuple[RequestState, Step], RequestState]] = {
    (RequestState.ASKED, Step.APPROVE): RequestState.MADE,
    (RequestState.ASKED, Step.REFUSE): RequestState.REFUSED,
    (RequestState.MADE, Step.REPLACE): RequestState.REPLACED,
}


def after(table: Mapping[tuple[State, Step], State], state: State, step: Step) -> State:
    """The state after the step, also when it was made before. Raises ConfigError when it cannot be made."""
    if (state, step) in table:
        return table[state, step]
    if state in {to for (_, by), to in table.items() if by is step}:
        return state
    raise ConfigError(
        f"{step.value} is not possible when it is {state}", advice="Dat kan niet meer: kijk hoe ver het nu is."
    )

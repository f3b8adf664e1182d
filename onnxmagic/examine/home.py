"""The first sizes and values at which a file runs: home, from which other sizes are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from onnxmagic.check.wording import sentence
from onnxmagic.examine.inputs import Feeds, Kind, Places, Sizes
from onnxmagic.examine.resizing import Attempt, OutOfTime, Trier, candidates

__all__ = ["Home", "Unsuited", "find_home", "home_of"]

KINDS: Final[tuple[Kind, ...]] = ("normal", "ones")


class Unsuited(Exception):
    """The file runs on none of the inputs that were tried; the message is the runtime's reason, a clause."""


@dataclass(frozen=True, slots=True)
class Home:
    """Sizes at which the file runs, what it gave, and what makes inputs of this kind at other sizes."""

    sizes: Sizes
    attempt: Attempt
    trier: Trier

    @property
    def feeds(self) -> Feeds:
        """The inputs."""
        return self.trier.feeds(self.sizes)


def find_home(made: Callable[[Kind], Trier], where: Places) -> Home:
    """Try made-up inputs until the file runs, and gives outputs as large as it declares.

    Raises
    ------
    Unsuited
    """
    reason, second_best = "", None
    try:
        for kind in KINDS:
            trier = made(kind)
            for sizes in candidates(where):
                attempt = trier.at(sizes)
                home = Home(sizes, attempt, trier)
                if attempt.outputs is not None and not attempt.untrue:
                    return home
                second_best = second_best or (home if attempt.outputs is not None else None)
                reason = reason or attempt.reason
            if second_best is not None:
                return second_best
    except OutOfTime as error:
        reason = reason or str(error)
    if second_best is not None:
        return second_best
    raise Unsuited(_clause(reason))


def home_of(trier: Trier, sizes: Sizes) -> Home:
    """Return the home at the sizes of the user's own inputs.

    Raises
    ------
    Unsuited
    """
    attempt = trier.at(sizes)
    if attempt.outputs is None:
        raise Unsuited(_clause(attempt.reason))
    return Home(sizes, attempt, trier)


def _clause(reason: str) -> str:
    return sentence(reason, 200).rstrip(".")

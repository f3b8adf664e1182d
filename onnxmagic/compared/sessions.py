"""Both models loaded so that each gives away the values that are compared.

A runtime may refuse to give one value away, and does not always say which; halving finds those it does give.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnxmagic.check.wording import sentence
from onnxmagic.compared.ready import CannotRun, Feeds, Ready
from onnxmagic.diff.twins import Twin
from onnxmagic.runtime.protocol import NotLoadable, Session

__all__ = ["Both", "loaded"]


@dataclass(frozen=True)
class Both:
    """The two, loaded; ``twins`` are the values that they give besides their outputs."""

    runners: tuple[Ready, Ready]
    sessions: tuple[Session, Session]
    names: Mapping[str, str]
    twins: tuple[Twin, ...]

    def run(self, feeds: Feeds) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run both on `feeds`, which go by the names of the first.

        Raises
        ------
        CannotRun
        """
        theirs = {its: feeds[name] for name, its in self.names.items()}
        return self.runners[0].run(self.sessions[0], feeds), self.runners[1].run(self.sessions[1], theirs)


@contextlib.contextmanager
def loaded(
    runners: tuple[Ready, Ready],
    names: Mapping[str, str],
    twins: Sequence[Twin],
    outputs: tuple[Collection[str], Collection[str]],
) -> Generator[Both]:
    """Yield both, loaded to give `twins`, or those of them that the runtimes give away.

    Parameters
    ----------
    names : mapping
        Inputs of the second by those of the first.
    outputs : pair of collections of str
        What they give as they are.

    Raises
    ------
    CannotRun
    """
    with contextlib.ExitStack() as stack:
        wanted = tuple(twins)
        first, wanted = _session(runners[0], wanted, 0, outputs[0])
        stack.callback(_drop, first)
        second, given = _session(runners[1], wanted, 1, outputs[1])
        stack.callback(_drop, second)
        yield Both(runners, (first, second), names, given)


def _session(
    runner: Ready, twins: tuple[Twin, ...], place: int, outputs: Collection[str]
) -> tuple[Session, tuple[Twin, ...]]:
    """Return the model loaded, and the twins that it gives."""
    try:
        return _giving(runner, twins, place, outputs), twins
    except NotLoadable as error:
        if not twins:
            reason = sentence(str(error), 200).rstrip(".")
            raise CannotRun(f"the runtime does not load {runner.name}: {reason}") from error
    _drop(_session(runner, (), place, outputs)[0])  # as it is, it can be loaded
    willing = tuple(_willing(runner, twins, place, outputs))
    return _giving(runner, willing, place, outputs), willing


def _willing(runner: Ready, twins: Sequence[Twin], place: int, outputs: Collection[str]) -> list[Twin]:
    """Return the twins that the runtime gives away."""
    if not twins:
        return []
    try:
        _drop(_giving(runner, twins, place, outputs))
        return list(twins)
    except NotLoadable:
        half = len(twins) // 2
        parts = (twins[:half], twins[half:]) if half else ()
        return [twin for part in parts for twin in _willing(runner, part, place, outputs)]


def _giving(runner: Ready, twins: Sequence[Twin], place: int, outputs: Collection[str]) -> Session:
    wanted = dict.fromkeys((twin.a, twin.b)[place] for twin in twins)
    return runner.giving(name for name in wanted if name not in outputs)


def _drop(session: Session) -> None:
    """Give the memory of a session in another process back; one in this process goes with its last name."""
    close = getattr(session, "close", None)
    if close is not None:
        with contextlib.suppress(Exception):  # the process is gone, and its memory with it
            close()

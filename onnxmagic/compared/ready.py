"""One of the two models, ready to be run: on the disk, with a runtime that suits where it comes from.

A file that was made in this session runs here, where it was proved. Any other may be a stranger's, so it runs in a
process of its own, and not at all where its weights are not there or lie outside its folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from onnxmagic.check.finding import Where
from onnxmagic.check.wording import code, sentence
from onnxmagic.diff.side import Side
from onnxmagic.examine.alone import feeds_for
from onnxmagic.examine.ground import memory_for, on_disk
from onnxmagic.examine.sidecars import sidecars
from onnxmagic.examine.subject import Subject
from onnxmagic.graph.external import external
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, skeleton
from onnxmagic.inside.exposed import Elsewhere, giving
from onnxmagic.runtime.apart import Apart, Died
from onnxmagic.runtime.frames import TooLarge
from onnxmagic.runtime.isolated import Isolated, Refused
from onnxmagic.runtime.ort import OnnxRuntime, plain_reason
from onnxmagic.runtime.protocol import Session

__all__ = ["CannotRun", "Feeds", "GivenUp", "Ready", "Runnable", "ready"]

Feeds = Mapping[str, Any]


class CannotRun(Exception):
    """It does not run, or not on these inputs; the message is a clause that says why."""


class GivenUp(CannotRun):
    """It asked for more than it may have, or brought its process down; with fewer values given away it may run."""


class Runnable(Protocol):
    """What is to be known of a model to run it."""

    @property
    def side(self) -> Side:
        """Where it is, and its facts."""
        ...

    @property
    def own(self) -> bool:
        """It was made in this session."""
        ...

    @property
    def example(self) -> Feeds:
        """Inputs it was made with; empty where there are none."""
        ...

    @property
    def places(self) -> Mapping[str, Where]:
        """The user's lines behind nodes, where an export told."""
        ...


@dataclass(frozen=True)
class Ready:
    """A model on the disk; ``name`` is what a reason calls it, ``beside`` whether its weights are in another file."""

    name: str
    path: Path
    runtime: Elsewhere
    beside: bool
    memory: int

    def giving(self, names: Iterable[str]) -> Session:
        """Load it, unoptimised, so that it gives the values called `names` besides its outputs.

        Raises
        ------
        NotLoadable
            The runtime does not load it, or does not give one of these values away.
        CannotRun
        """
        try:
            return giving(self.runtime, self.path, names, external=self.beside)
        except (Died, OSError) as error:
            raise GivenUp(f"{self.name} was given up: {_clause(error)}") from error

    def run(self, session: Session, feeds: Feeds) -> dict[str, Any]:
        """Return what `session` gives, by name.

        Raises
        ------
        CannotRun
        """
        try:
            return dict(zip(session.outputs, session.run(feeds), strict=True))
        except (Died, TooLarge, MemoryError) as error:
            raise GivenUp(f"{self.name} was given up: {_clause(error)}") from error
        except Refused as error:
            raise CannotRun(f"{self.name} does not run on them: {_clause(error)}") from error
        except Exception as error:  # whatever a runtime in this process raises is its refusal to run
            reason = sentence(plain_reason(error), 200).rstrip(".")
            raise CannotRun(f"{self.name} does not run on them: {reason}") from error

    def made_up(self, graph: Graph) -> Feeds:
        """Return inputs that are made up for the signature in `graph`, and on which it runs.

        Raises
        ------
        CannotRun
        """
        with contextlib.ExitStack() as stack:
            runtime = self.runtime
            if not isinstance(runtime, Isolated):
                runtime = Isolated(stack.enter_context(Apart(memory=self.memory)))
            found, reason = feeds_for(runtime, self.path, graph)
        if not found:
            raise CannotRun(f"{self.name} was not run: {reason}")
        return found[0]


@contextlib.contextmanager
def ready(model: Runnable, *, apart: Apart | None = None) -> Generator[Ready]:
    """Yield `model` on the disk, with the runtime for it.

    Parameters
    ----------
    apart : Apart, optional
        A process that has it run there, wherever it comes from, and gets the memory for it.

    Raises
    ------
    CannotRun
        It is not there, or must not be run.
    """
    name = code(model.side.name)
    with contextlib.ExitStack() as stack:
        try:
            path = stack.enter_context(on_disk(_subject(model.side)))
            beside, memory = _weights(model.side, path)
        except (NotAModel, OSError, Died) as error:
            raise CannotRun(f"{name} cannot be read: {_clause(error)}") from error
        if apart is not None:
            apart.memory += memory
        elif not model.own:
            apart = stack.enter_context(Apart(memory=memory))
            apart.start()  # while the other is looked at
        runtime = OnnxRuntime() if apart is None else Isolated(apart)
        if missing := runtime.missing():
            raise CannotRun(missing)
        yield Ready(name, path, runtime, beside, memory)


def _subject(side: Side) -> Subject:
    source = side.source
    if source is None:
        raise CannotRun(f"there is no file of {code(side.name)} any more")
    return Subject(side.name, data=source) if isinstance(source, bytes) else Subject(side.name, Path(source))


def _weights(side: Side, path: Path) -> tuple[bool, int]:
    """Return whether weights are in other files, all of them there, and the memory that running it may take."""
    places = external(skeleton(path))
    if places and isinstance(side.source, bytes):
        raise CannotRun(f"the weights of {code(side.name)} are not in its bytes")
    beside = sidecars(path, places)
    for each in beside:
        if each.escapes:
            raise CannotRun(f"weights of {code(side.name)} lie outside its folder")
        if each.size is None or each.size < each.needed:
            raise CannotRun(f"the weights of {code(side.name)} are not all there")
    return bool(places), memory_for(path, beside)


def _clause(error: Exception) -> str:
    return sentence(str(error) or type(error).__name__, 200).rstrip(".")

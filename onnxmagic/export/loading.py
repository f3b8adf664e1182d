"""The file goes into the runtime and runs on the example twice: a file that draws random numbers proves nothing.

A graph with an operator that can draw is tried in a session without optimisation, because optimising folds a random
node into a constant; so is one with operators of a stranger's domain, of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from onnxmagic.runtime.protocol import Runtime, Session

__all__ = ["Loaded", "load", "may_draw"]

DRAWING = frozenset(
    ("Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
)
"""The operators of the standard domain that can draw random numbers; Dropout does with ``training_mode``."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The session to prove, its answer on the example, and the outputs that differed between two runs."""

    session: Session
    answer: Sequence[Any]
    unstable: tuple[str, ...]


def may_draw(model: onnx.ModelProto) -> bool:
    """Tell whether any node of `model`, its bodies and functions included, can draw random numbers."""
    own = {(function.domain, function.name) for function in model.functions}
    bodies = [model.graph.node, *(function.node for function in model.functions)]
    return any(
        node.op_type in DRAWING or (node.domain not in ("", "ai.onnx") and (node.domain, node.op_type) not in own)
        for body in bodies
        for node in _nodes(body)
    )


def load(runtime: Runtime, path: Path, feeds: Mapping[str, Any], *, plainly: bool) -> Loaded:
    """Load the file at `path` and run it on `feeds` twice, first without optimisation where `plainly` is asked for.

    Raises
    ------
    NotLoadable
        The runtime refuses the file.
    Exception
        It refuses to run it.
    """
    unstable = _two_runs(runtime.load(path, optimize=False), feeds)[1] if plainly else ()
    session = runtime.load(path)
    answer, folded = _two_runs(session, feeds)
    return Loaded(session, answer, unstable or folded)


def _two_runs(session: Session, feeds: Mapping[str, Any]) -> tuple[list[Any], tuple[str, ...]]:
    first, second = (session.run(feeds) for _ in range(2))
    pairs = zip(session.outputs, first, second, strict=True)
    return first, tuple(name for name, a, b in pairs if not _identical(a, b))


def _identical(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray) or a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    return bool(np.array_equal(a, b, equal_nan=True))


def _nodes(nodes: Iterable[onnx.NodeProto]) -> Iterable[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _nodes(body.node)

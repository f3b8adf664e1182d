"""One of the two models that are compared: its facts, its outline, and what its weights hash to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from onnxmagic.graph.facts import Graph, Initializer, Node
from onnxmagic.graph.outline import Outline

__all__ = ["Side"]


@dataclass(frozen=True)
class Side:
    """A model, as the diff looks at it.

    Attributes
    ----------
    name : str
        What the diff calls it: a file's name, or the model as the user wrote it.
    graph : Graph
    outline : Outline
        Its ``nodes`` are those of the main graph, of bodies and of called functions; all indices mean them.
    source : path, bytes or None
        Where values of weights can be read; None where nothing can.
    hashes : mapping of str to bytes
        For each initializer of the main graph whose values could be read: a hash of them, independent of its name.
    inner : mapping of int to bytes
        The same for weights of bodies, by their index in ``stored``.
    constants : mapping of int to bytes
        By node, a hash of a tensor among its attributes that the facts have only a description of.
    sketches : mapping of int to bytes
        By index in ``stored``, some values of a weight, always from the same places of it; see ``diff.sketch``.
    folded : mapping of str to str
        By name, the parameter that a weight was computed from before the file was written, where the file tells.
    """

    name: str
    graph: Graph
    outline: Outline
    source: str | os.PathLike[str] | bytes | None = None
    hashes: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    inner: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    constants: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    sketches: Mapping[int, bytes] = field(default_factory=dict[int, bytes], repr=False)
    folded: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes."""
        return self.outline.nodes

    @cached_property
    def stored(self) -> Sequence[Initializer]:
        """The weights by their index in the outline: those of the main graph, then those of bodies."""
        return (*self.graph.initializers, *self.outline.inner)

    def hash_of(self, weight: int) -> bytes | None:
        """Return the hash of the weight of this index in ``stored``; None where its values could not be read."""
        main = self.graph.initializers
        return self.hashes.get(main[weight].name) if weight < len(main) else self.inner.get(weight)

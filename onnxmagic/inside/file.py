"""One file, asked for the values in it: weights as they are stored, and what a run makes of an input.

Where the inputs come from and where the file may run differs: an export is the user's own and has an example, a file
from elsewhere is run apart, on made-up inputs. Those two know that; what is asked, and how it is answered, is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from onnxmagic.check.wording import code, listed
from onnxmagic.errors import UsageMistake, ValueUnavailable
from onnxmagic.graph.facts import Graph, Initializer, Node
from onnxmagic.inside import arrays
from onnxmagic.inside.near import did_you_mean
from onnxmagic.inside.selection import On, Seen, Selection

if TYPE_CHECKING:
    from onnxmagic.graph.read import Source

__all__ = ["Inside"]

Feeds = dict[str, Any]


class Inside(ABC):
    """The file behind `graph`; what it computes is kept in `selection`."""

    def __init__(self, graph: Graph, selection: Selection) -> None:
        self.graph = graph
        self.selection = selection

    @abstractmethod
    def source(self) -> Source:
        """Return what to read.

        Raises
        ------
        UsageMistake
            There is no file, or it has changed since.
        """

    @abstractmethod
    def run(self, name: str, given: Feeds | None) -> tuple[Mapping[str, Any], On]:
        """Run the file with the value called `name` among its outputs, and say on which inputs.

        Raises
        ------
        UsageMistake
            There are no inputs to run it on, or the file has changed since.
        ValueUnavailable
            It does not run.
        """

    def weight(self, name: str) -> Any:
        """Return the values of the initializer called `name`."""
        return arrays.whole(self.source(), self.initializer(name))

    def blocks(self, name: str) -> Iterator[Any]:
        """Yield the values of the initializer called `name` in flat pieces."""
        return arrays.blocks(self.source(), self.initializer(name))

    def initializer(self, name: str) -> Initializer:
        """Return the initializer called `name`.

        Raises
        ------
        UsageMistake
            There is none.
        ValueUnavailable
            It is stored in the body of a node, which is not read here.
        """
        found = next((each for each in self.graph.initializers if each.name == name), None)
        if found is None:
            bodies = (body for node in self.graph.walk() for body in node.body)
            if any(each.name == name for body in bodies for each in body.initializers):
                raise ValueUnavailable(
                    f"{code(name)} is stored in the body of a branch or a loop, where values are not read."
                )
            known = (each.name for each in self.graph.initializers)
            near = did_you_mean(name, known, "result.graph.initializers has them all.")
            raise UsageMistake(f"There is no weight {code(name)} in the graph. {near}")
        return found

    def value(self, name: str, inputs: Mapping[str, Any] | None = None) -> Seen:
        """Return the value called `name`, on `inputs` or on those that the file has; see ``Looked.value``."""
        kind = self._kind(name)
        if kind == "weight":
            return Seen(self.weight(name))
        given = self._feeds(inputs) if inputs is not None else None
        kept = self.selection.kept(name) if given is None else None
        if kept is not None:
            return kept
        values, on = self.run(name, given)
        seen = Seen(values[name], on)
        if given is None:
            self.selection.keep(name, seen)
        return seen

    def exposed(self, name: str) -> tuple[str, ...]:
        """Return what has to be declared an output so that a run gives `name`: nothing for an output or an input."""
        known = {value.name for value in (*self.graph.outputs, *self.graph.inputs)}
        return () if name in known else (name,)

    def _kind(self, name: str) -> str:
        if any(name == each.name for each in self.graph.initializers):
            return "weight"
        if name and (any(name == v.name for v in self.graph.inputs) or any(name in n.outputs for n in self._own())):
            return "computed"
        if owner := next((node for node in self._own() if any(name in n.outputs for n in _within(node))), None):
            raise UsageMistake(
                f"{code(name)} is computed inside {code(owner.name or owner.op_type)} ({owner.op_type}), and a run "
                "gives away only values of the main graph."
            )
        known = (output for node in self._own() for output in node.outputs)
        near = did_you_mean(name, known, "The outputs of result.graph.nodes are its values.")
        raise UsageMistake(f"There is no value {code(name)} in the graph. {near}")

    def _own(self) -> tuple[Node, ...]:
        return self.graph.nodes

    def _feeds(self, inputs: Mapping[str, Any]) -> Feeds:
        wanted = {value.name: value.dtype for value in self.graph.inputs}
        missing, unknown = [n for n in wanted if n not in inputs], [n for n in inputs if n not in wanted]
        if missing or unknown:
            wrong = f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
            wrong = wrong if missing else f"there is no input {code(unknown[0])}"
            raise UsageMistake(f"inputs are the arrays of {listed(wanted, most=8)}, by name; {wrong}.")
        return {name: _array(name, inputs[name], dtype) for name, dtype in wanted.items()}


def _within(node: Node) -> Iterator[Node]:
    for body in node.body:
        yield from body.walk()


def _array(name: str, value: Any, dtype: str) -> Any:
    """Return a tensor, an array or a list as the array that the file takes."""
    plain = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    try:
        return plain.astype(np.dtype(dtype), casting="same_kind", copy=False)
    except TypeError as error:
        if dtype and hasattr(np, dtype):
            raise UsageMistake(f"{code(name)} is {dtype} in the file, and what was given is {plain.dtype}.") from error
        return plain  # a type that numpy lacks: the runtime says what it makes of it

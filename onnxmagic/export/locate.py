"""Where a file that computes something else begins to do so: one value, its node, its module, the user's line.

Asked only when a proof failed. One run of the file gives all its values, one pass over the program that PyTorch
captured says which of them is the first wrong one (``replay``). Then whose fault it is:

- Without its optimiser the runtime agrees: the runtime's optimiser, and the optimised file is searched instead.
- No value is wrong for the captured program: the capture, and modules are compared (``strayed``).
- The program, exported again without torch's optimiser, agrees: that optimiser. Otherwise the translation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from onnxmagic.check.evidence import Located
from onnxmagic.check.finding import Where
from onnxmagic.check.places import Cells, where_from_trace
from onnxmagic.disk.write import write_model
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.eager import Outputs, one_line
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.quiet import quiet
from onnxmagic.export.replay import Difference, Replay, arguments_of
from onnxmagic.export.strayed import module_of, strayed
from onnxmagic.export.strip import content_of
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import read
from onnxmagic.inside.exposed import values_of
from onnxmagic.runtime.ort import OnnxRuntime

__all__ = ["Failing", "Locator"]

MOST_BYTES = 4 * 1024**3
"""Bytes of all values together up to which they are held at once."""

LEVELS = ("ORT_ENABLE_EXTENDED", "ORT_ENABLE_BASIC")
"""ONNX Runtime's optimisation levels below the default one, as it spells them."""

LAYOUT = frozenset(("view", "_unsafe_view", "clone", "expand", "permute", "squeeze", "transpose", "unsqueeze", "alias"))
"""Operators that compute nothing; an optimiser takes them away all the time."""

Blame = Literal["translation", "exporter-optimiser"]


@dataclass(frozen=True, slots=True)
class Failing:
    """A case of the proof that failed: the example, PyTorch's answer, and whether another answer would have passed."""

    example: Example
    outputs: Outputs
    agrees: Callable[[Sequence[Any]], bool]


@dataclass(frozen=True)
class Locator:
    """A file and the program that it was made from.

    Attributes
    ----------
    program : torch.onnx.ONNXProgram
        Only its ``exported_program`` is looked at.
    path : Path
        The file, in a folder that takes copies of it for a while.
    graph : Graph
        The file's facts.
    places : mapping
        Node names to the user's lines.
    opset : int or None
        As asked for at the export.
    """

    program: Any
    path: Path
    graph: Graph
    places: Mapping[str, Where]
    opset: int | None
    guard: Guard
    runtime: OnnxRuntime
    cells: Cells | None = None

    def locate(self, failing: Failing) -> Located:
        """Return where the file and PyTorch part on `failing`; with the reason where no place is found."""
        try:
            with quiet():
                return self._locate(failing)
        except Exception as error:  # noqa: BLE001  # the finding stands without its place
            return Located(detail=one_line(error))

    @property
    def _exported(self) -> Any:
        return self.program.exported_program

    def _locate(self, failing: Failing) -> Located:
        size = _size_of_values(self._exported)
        if size > MOST_BYTES:
            return Located(detail=f"its values take {size / 1e9:.1f} GB together, too much to be held at once")
        values = self._values(self.path, self.graph, failing)
        if failing.agrees([values[output.name] for output in self.graph.outputs]):
            return self._in_optimised_file(failing)
        replay = self._replay(self.graph, values, failing)
        first = replay.first()
        if first is None:
            return self._in_capture(failing)
        guilty, blame = self._in_plain_file(first, failing)
        return replace(self._described(first, self.graph, guilty), blame=blame, others=len(replay.serious()) - 1)

    def _values(self, path: Path, graph: Graph, failing: Failing) -> dict[str, Any]:
        return self._exposed(path, graph, _feeds(failing.example))

    def _exposed(self, path: Path, graph: Graph, feeds: Mapping[str, Any]) -> dict[str, Any]:
        external = any(weight.external for weight in graph.initializers)
        wanted = self._wanted(graph)
        return values_of(self.runtime, path, wanted, feeds, external=external, folder=path.parent)

    def _wanted(self, graph: Graph) -> list[str]:
        """Return the values that have a node of the program to be held against, and are not given away as it is."""
        return sorted(set(_names(self._exported, graph).values()) - {output.name for output in graph.outputs})

    def _replay(self, graph: Graph, values: Mapping[str, Any], failing: Failing) -> Replay:
        return self._replayed(failing, _names(self._exported, graph), values)

    def _replayed(self, failing: Failing, names: Mapping[str, str], values: Mapping[str, Any]) -> Replay:
        # Not watched, which would take several times as long: a decomposed program is functional, it writes nowhere.
        replay = Replay(self._exported, names, values)
        replay.compare(arguments_of(self._exported, [leaf.value for leaf in failing.example.leaves]))
        return replay

    def _described(self, first: Difference, graph: Graph, guilty: torch.fx.Node) -> Located:
        """Describe the value as the file knows it, and `guilty`, which stands behind it, as the user wrote it."""
        node = next((node for node in graph.nodes if first.value in node.outputs), None)
        place = where_from_trace(guilty.meta.get("stack_trace") or "", self.cells)
        if place == Where() and node:
            place = self.places.get(node.name, place)
        module = module_of(guilty)
        if module is None and node:
            module = node.module
        where = replace(place, node=node.name if node else None, module=module)
        return Located(first.value, node.op_type if node else "", str(guilty.target), where, detail=first.detail)

    def _in_optimised_file(self, failing: Failing) -> Located:
        """Search the file as the runtime's optimiser leaves it: giving all values away keeps it from fusing."""
        optimised = self.path.with_name(f"{self.path.name}.optimised")
        located = Located()
        try:
            self.runtime.write_optimised(self.path, optimised)
            graph = read(optimised)
            first = self._replay(graph, self._values(optimised, graph, failing), failing).first()
            located = self._described(first, graph, first.node) if first else located
        except Exception:  # noqa: BLE001  # above 2 GB it cannot be written, for one; whose fault it is, is known
            located = Located()
        finally:
            optimised.unlink(missing_ok=True)
        level = next((level for level in LEVELS if self._agrees_at(level, failing)), "ORT_DISABLE_ALL")
        return replace(located, blame="optimiser", detail=level)

    def _agrees_at(self, level: str, failing: Failing) -> bool:
        session = self.runtime.load(self.path, level=level)
        return failing.agrees(session.run(_feeds(failing.example)))

    def _in_capture(self, failing: Failing) -> Located:
        replay = self._replayed(failing, {}, {})
        results = [replay.env[node] for node in _outputs(self._exported)]
        if failing.agrees([to_numpy(value) for value in results if isinstance(value, torch.Tensor)]):
            return Located(detail="every operator agrees; only their rounding adds up")
        with self.guard.watching():
            module = strayed(failing.example, replay.env)
        return Located(where=Where(module=module), blame="capture")

    def _in_plain_file(self, first: Difference, failing: Failing) -> tuple[torch.fx.Node, Blame]:
        """Export the captured program again, without torch's optimiser: every node of it has its value there.

        Return the node that is wrong there; where nothing is, the optimiser did it, to a node that it took away.
        """
        path = self.path.with_name(f"{self.path.name}.plain")
        written: list[Path] = []
        try:
            program = torch.onnx.export(
                self._exported, (), dynamo=True, verbose=False, opset_version=self.opset, optimize=False
            )
            content = content_of(program, keep_source=False)
            external = any(weight.external for weight in self.graph.initializers)
            written = write_model(content.model, content.weights, path, external=external)
            graph = read(path)
            session = self.runtime.load(path, optimize=False)
            feeds = dict(zip(session.inputs, _feeds(failing.example).values(), strict=True))
            if failing.agrees(session.run(feeds)):
                return _taken_away(first.stretch), "exporter-optimiser"
            if len(first.stretch) == 1:
                return first.node, "translation"
            values = self._exposed(path, graph, feeds)
            again = self._replay(graph, values, failing).first()
        except Exception:  # noqa: BLE001  # no second file, so nothing speaks for the optimiser's guilt
            return first.node, "translation"
        finally:
            for each in written:
                each.unlink(missing_ok=True)
        return again.node if again and again.node in first.stretch else first.node, "translation"


def _names(exported: Any, graph: Graph) -> dict[str, str]:
    """Return which value of the file belongs to which node of the program; outputs were given names of their own."""
    renamed = {output.name for output in graph.outputs}
    known = {name for node in graph.nodes for name in node.outputs if name} - renamed
    names = {node.name: node.name for node in exported.graph.nodes if node.name in known}
    results = _outputs(exported)
    if len(results) == len(graph.outputs):
        names.update({node.name: output.name for node, output in zip(results, graph.outputs, strict=True)})
    return names


def _taken_away(stretch: Sequence[torch.fx.Node]) -> torch.fx.Node:
    """Return the node of a stretch that an optimiser broke: the last it left no name of, if that computes anything."""
    computed: set[torch.fx.Node] = set()
    inside = set(stretch)
    for node in stretch:  # what depends on nothing outside was folded into a constant, as it should be
        if any(each not in inside or each in computed for each in node.all_input_nodes):
            computed.add(node)
    vanished = [node for node in stretch[:-1] if node in computed and _name(node) not in LAYOUT]
    return vanished[-1] if vanished else stretch[-1]


def _name(node: torch.fx.Node) -> str:
    return str(node.target).removeprefix("aten.").partition(".")[0]


def _outputs(exported: Any) -> list[torch.fx.Node]:
    nodes = {node.name: node for node in exported.graph.nodes}
    specs = exported.graph_signature.output_specs
    names = [getattr(spec.arg, "name", "") for spec in specs if spec.kind.name == "USER_OUTPUT"]
    return [nodes[name] for name in names if name in nodes]


def _feeds(example: Example) -> dict[str, Any]:
    return {leaf.name or "": to_numpy(leaf.value) for leaf in example.tensors}


def _size_of_values(exported: Any) -> int:
    """Return the bytes of all values of the program, at the sizes it was captured with."""
    total = 0
    for node in exported.graph.nodes:
        value = node.meta.get("val")
        if node.op == "call_function" and isinstance(value, torch.Tensor):
            count = 1
            for size in value.shape:  # an unknown size is a symbol, with the one of the example as a hint
                symbol = getattr(size, "node", None)
                count *= int(getattr(symbol, "hint", None) or 1) if symbol else size
            total += count * value.element_size()
    return total

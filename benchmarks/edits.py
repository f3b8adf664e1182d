"""Models that are known to differ, and how: made by editing one, so that what a diff says can be held against it.

Every node carries, in metadata of its own that the package does not read, who it was before the edits (``origins``). It
survives renaming and shuffling. A node of one model and a node of another are the same exactly when that is the same.
All edits keep types and shapes, so that the results are sound models that run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import helper, numpy_helper

__all__ = ["KINDS", "Truth", "edited", "filled", "origins", "renamed", "shuffled", "stripped", "tagged"]

ORIGIN = "benchmark.origin"
KINDS = ("insert", "remove", "operator", "attribute", "weight", "rewire")
_UNARY = ("Tanh", "Neg", "Abs", "Sigmoid")
_SWAPS = {"Add": "Sub", "Mul": "Div", "Gelu": "Relu"}


@dataclass(frozen=True)
class Truth:
    """What was done: the origins of the nodes that came, that went, and that were changed, with the kind of change."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, str] = field(default_factory=dict[str, str])


def tagged(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give each node of the main graph an origin, in place, and return the model."""
    for number, node in enumerate(model.graph.node):
        node.metadata_props.add(key=ORIGIN, value=f"{number}")
    return model


def origins(model: onnx.ModelProto) -> list[str]:
    """Return the origin of each node of the main graph, in file order."""
    return [next(entry.value for entry in node.metadata_props if entry.key == ORIGIN) for node in model.graph.node]


def filled(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Give each float weight values of its own, in place, and return the model."""
    random_numbers = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
            values = random_numbers.standard_normal(tuple(tensor.dims)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def stripped(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without what an exporter says of its nodes: no metadata, no names of nodes, no shapes."""
    copied = _copy(model)
    del copied.graph.value_info[:]
    for node in copied.graph.node:
        node.name = ""
        kept = [entry.value for entry in node.metadata_props if entry.key == ORIGIN]
        del node.metadata_props[:]
        for value in kept:
            node.metadata_props.add(key=ORIGIN, value=value)
    return copied


def renamed(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Return the model with another name for every node, weight and value inside; inputs and outputs keep theirs."""
    copied = _copy(model)
    graph = copied.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    found = {name for node in graph.node for name in (*node.input, *node.output) if name}
    inside = sorted((found | {tensor.name for tensor in graph.initializer}) - kept)
    numbers = random.Random(seed).sample(range(len(inside)), len(inside))  # noqa: S311  # no secret
    names = {name: f"t{number}" for name, number in zip(inside, numbers, strict=True)}
    for number, node in enumerate(graph.node):
        node.name = f"n{number * 7919 % 1_000_003}"
        for some in (node.input, node.output):
            some[:] = [names.get(name, name) for name in some]
    for named in (*graph.initializer, *graph.value_info):
        named.name = names.get(named.name, named.name)
    return copied


def shuffled(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Return the model with its nodes in another order that is sound too, and its weights in another."""
    copied = _copy(model)
    choice = random.Random(seed)  # noqa: S311  # no secret
    nodes = list(copied.graph.node)
    maker = {name: index for index, node in enumerate(nodes) for name in node.output}
    before = [{maker[name] for name in node.input if name in maker} for node in nodes]
    after: list[list[int]] = [[] for _ in nodes]
    for index, makers in enumerate(before):
        for made in makers:
            after[made].append(index)
    missing = [len(makers) for makers in before]
    ready = [index for index, count in enumerate(missing) if not count]
    order: list[int] = []
    while ready:
        position = choice.randrange(len(ready))
        ready[position], ready[-1] = ready[-1], ready[position]
        order.append(ready.pop())
        for index in after[order[-1]]:
            missing[index] -= 1
            if not missing[index]:
                ready.append(index)
    _replace(copied.graph.node, [nodes[index] for index in order])
    weights = list(copied.graph.initializer)
    choice.shuffle(weights)
    _replace(copied.graph.initializer, weights)
    return copied


def edited(
    model: onnx.ModelProto, count: int, seed: int = 0, kinds: Sequence[str] = KINDS
) -> tuple[onnx.ModelProto, Truth]:
    """Return the model with `count` random edits of `kinds`, no two at one node, and what was done."""
    editing = _Editing(_copy(model), random.Random(seed))  # noqa: S311  # no secret
    done = 0
    for attempt in range(100 * count):
        if done == count:
            break
        done += editing.try_one(kinds[attempt % len(kinds)])
    if done < count:
        raise ValueError(f"only {done} of {count} edits fit into this model")
    return editing.finished()


class _Editing:
    """One model while it is edited. Nodes are known by their first output, which never changes."""

    def __init__(self, model: onnx.ModelProto, choice: random.Random) -> None:
        self.model = model
        self.choice = choice
        self.nodes = list(model.graph.node)
        self.stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self.shapes = {value.name: str(value.type) for value in (*model.graph.value_info, *model.graph.input)}
        self.outputs = {value.name for value in model.graph.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.position = {node.output[0]: index for index, node in enumerate(self.nodes)}
        self.origin = dict(zip(self.position, origins(model), strict=True))
        self.inserted: dict[int, list[onnx.NodeProto]] = {}
        self.touched: set[str] = set()
        self.gone: set[str] = set()
        self.added: list[str] = []
        self.removed: list[str] = []
        self.changed: dict[str, str] = {}

    def try_one(self, kind: str) -> bool:
        """Edit a random node in this way where that is possible."""
        node = self.choice.choice(self.nodes)
        edits: Mapping[str, Callable[[onnx.NodeProto], bool]] = {
            "insert": self._insert,
            "remove": self._remove,
            "operator": self._operator,
            "attribute": self._attribute,
            "weight": self._weight,
            "rewire": self._rewire,
        }
        if node.output[0] in self.touched or not edits[kind](node):
            return False
        self.touched.add(node.output[0])
        if kind not in {"insert", "remove"}:
            self.changed[self.origin[node.output[0]]] = kind
        return True

    def finished(self) -> tuple[onnx.ModelProto, Truth]:
        nodes: list[onnx.NodeProto] = []
        for index, node in enumerate(self.nodes):
            if node.output[0] not in self.gone:
                nodes.append(node)
            nodes += self.inserted.get(index, [])
        _replace(self.model.graph.node, nodes)
        shapes = [value for value in self.model.graph.value_info if value.name not in self.gone]
        _replace(self.model.graph.value_info, shapes)
        return self.model, Truth(tuple(self.added), tuple(self.removed), self.changed)

    def _insert(self, node: onnx.NodeProto) -> bool:
        """Put a new node of one input behind `node`."""
        made = node.output[0]
        if "elem_type: 1\n" not in self.shapes.get(made, "") or not self.readers.get(made) or made in self.outputs:
            return False
        name = f"{made}_new"
        new = helper.make_node(self.choice.choice(_UNARY), [made], [name], name=f"new_{name}")
        new.metadata_props.extend(entry for entry in node.metadata_props if entry.key != ORIGIN)
        new.metadata_props.add(key=ORIGIN, value=f"new {len(self.added)}")
        self.added.append(f"new {len(self.added)}")
        for reader in self.readers[made]:
            reader.input[:] = [name if each == made else each for each in reader.input]
        self.readers[name] = self.readers.pop(made)
        self.shapes[name] = self.shapes[made]
        self.inserted.setdefault(self.position[made], []).append(new)
        return True

    def _remove(self, node: onnx.NodeProto) -> bool:
        """Take `node` out, where its first input can take its place."""
        made, given = node.output[0], node.input[0] if node.input else ""
        same = self.shapes.get(made) == self.shapes.get(given, "") and len(node.output) == 1
        if not same or made in self.outputs or given in self.gone:
            return False
        for reader in self.readers.pop(made, []):
            reader.input[:] = [given if each == made else each for each in reader.input]
            self.readers.setdefault(given, []).append(reader)
        self.readers[given] = [reader for reader in self.readers[given] if reader is not node]
        self.gone.add(made)
        self.removed.append(self.origin[made])
        return True

    def _operator(self, node: onnx.NodeProto) -> bool:
        if node.op_type not in _SWAPS or node.domain:
            return False
        node.op_type = _SWAPS[node.op_type]
        del node.attribute[:]
        return True

    def _attribute(self, node: onnx.NodeProto) -> bool:
        if node.op_type == "LayerNormalization":
            node.attribute.append(helper.make_attribute("epsilon", self.choice.uniform(1e-6, 1e-3)))
        elif node.op_type == "Softmax":
            node.attribute[0].i -= 1
        elif node.op_type == "Gelu":
            node.attribute[0].s = b"tanh"
        else:
            return False
        return True

    def _weight(self, node: onnx.NodeProto) -> bool:
        """Give a weight of `node` that nobody else reads other values."""
        own = [name for name in node.input if name in self.stored and len(self.readers[name]) == 1]
        if not own:
            return False
        tensor = self.stored[own[-1]]
        values = numpy_helper.to_array(tensor)
        random_numbers = np.random.default_rng(self.choice.randrange(2**32))
        values = (values + 0.1 * random_numbers.standard_normal(values.shape)).astype(values.dtype)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        return True

    def _rewire(self, node: onnx.NodeProto) -> bool:
        """Let the second input of `node` come from another place before it."""
        if node.op_type != "Add" or len(node.input) != 2 or node.input[1] in self.stored:
            return False
        old = node.input[1]
        first = max(0, self.position[node.output[0]] - 300)
        places = [each.output[0] for each in self.nodes[first : self.position[node.output[0]]]]
        fitting = [
            name
            for name in places
            if name not in self.gone and name not in node.input and self.shapes.get(name) == self.shapes.get(old, "")
        ]
        if not fitting or old not in self.shapes:
            return False
        new = self.choice.choice(fitting)
        node.input[1] = new
        self.readers[old] = [reader for reader in self.readers[old] if reader is not node]
        self.readers.setdefault(new, []).append(node)
        return True


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    return copied


def _replace(repeated: Any, items: Sequence[Message]) -> None:
    """Put copies of `items` into a repeated field: to empty one first would empty those of them that are its own."""
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del repeated[:]
    repeated.extend(copies)

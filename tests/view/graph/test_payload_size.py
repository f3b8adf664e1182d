"""How large the data of a large graph is: measured on a real layer, repeated, and on the export it came from."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
import torch
from torch import nn
from unpacked import unpacked

import onnxmagic
from onnxmagic.graph.drawn import drawn
from onnxmagic.graph.facts import Graph, Initializer, Node
from onnxmagic.view.graph.payload import payload
from onnxmagic.view.graph.section import line_of


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x):
        batch, length, _ = x.shape
        y = self.norm1(x)
        q, k, v = (linear(y).view(batch, length, 4, 4).transpose(1, 2) for linear in (self.q, self.k, self.v))
        attended = (q @ k.transpose(2, 3) / 2).softmax(-1) @ v
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, 16))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(2))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.fixture(scope="module")
def export():
    return onnxmagic.export(Net().eval(), (torch.randn(2, 7, 16),), prove=False)


def repeated(graph: Graph, times: int) -> Graph:
    """Return `graph` as often behind itself, numbered on as torch numbers: every name is another one."""
    entry, last = graph.inputs[0].name, graph.outputs[0].name
    nodes: list[Node] = []
    weights: list[Initializer] = []
    values = {}

    def named(name: str, turn: int) -> str:
        if name == entry:
            return named(last, turn - 1) if turn else name
        stem = name.rstrip("0123456789")
        number = int(name[len(stem) :] or 0)
        scope = name.replace("layers.", f"blocks.{turn}.layers.")
        return scope if name.startswith("layers.") else f"{stem}{number + 997 * turn}" if name else ""

    for turn in range(times):
        weights += [replace(weight, name=named(weight.name, turn)) for weight in graph.initializers]
        values |= {named(v.name, turn): replace(v, name=named(v.name, turn)) for v in graph.values.values()}
        for node in graph.nodes:
            module = f"blocks.{turn}.{node.module}" if node.module else node.module
            classes = ("Net", "ModuleList", "Net", *node.classes[1:]) if node.module else node.classes
            inputs = tuple(named(name, turn) for name in node.inputs)
            outputs = tuple(named(name, turn) for name in node.outputs)
            made = replace(node, name=named(node.name, turn), inputs=inputs, outputs=outputs)
            nodes.append(replace(made, module=module, classes=classes))
    output = replace(graph.outputs[0], name=named(last, times - 1))
    return replace(
        graph, nodes=tuple(nodes), initializers=tuple(weights), values=values, outputs=(output,), modules=None
    )


def test_an_export_is_a_few_kilobytes(export):
    found = drawn(export.graph)
    assert not isinstance(found, int)
    written = payload(found, "net", export.findings, line_of(export.places))
    assert len(written) < 100 * len(export.graph.nodes)
    data = unpacked(written)
    assert data["nodes"]["op"] == [node.op_type for node in export.graph.nodes]
    assert any("return x + self.down" in line for line in data["nodes"]["line"])


def test_20_000_nodes_are_less_than_200_kilobytes(export):
    graph = repeated(export.graph, 20_000 // len(export.graph.nodes) + 1)
    found = drawn(graph)
    assert not isinstance(found, int)
    assert len(found.outline.nodes) >= 20_000
    written = payload(found, "net")
    assert len(base64.b64decode(written)) < 100_000
    assert len(written) < 200_000
    names = unpacked(written)["nodes"]["name"]
    assert names == [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)

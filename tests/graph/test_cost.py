"""What nodes cost: each formula on shapes that can be worked out by hand, and networks against PyTorch's own count."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx.defs
import pytest
import torch
from outlines import of_nodes
from small_graphs import BRANCH, model
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from onnxmagic.graph import Graph, read
from onnxmagic.graph.cost import Cost, costs
from onnxmagic.graph.einsum import einsum
from onnxmagic.graph.facts import Initializer, Node, Value
from onnxmagic.graph.flops import FORMULAS, FREE, MOST, Shapes, flops
from onnxmagic.graph.outline import outline

Shape = tuple[int, ...] | None


def count(op: str, *inputs: Shape, made: Shape = (1,), domain: str = "", **attributes: Any) -> int | None:
    return flops(Shapes(op, attributes, inputs, [made]), domain)


@pytest.mark.parametrize(
    ("expected", "op", "inputs", "made", "attributes"),
    [
        (2 * 64 * 56 * 56 * 3 * 7 * 7, "Conv", [(1, 3, 112, 112), (64, 3, 7, 7)], (1, 64, 56, 56), {}),
        (2 * 32 * 10 * 10 * 9, "Conv", [(1, 32, 10, 10), (32, 1, 3, 3)], (1, 32, 10, 10), {"group": 32}),
        (2 * 8 * 100 * 4 * 3, "Conv", [(1, 4, 102), (8, 4, 3), (8,)], (1, 8, 100), {}),
        (2 * 16 * 5 * 5 * 8 * 4, "ConvTranspose", [(1, 16, 5, 5), (16, 8, 2, 2)], (1, 8, 10, 10), {}),
        (2 * 6 * 4 * 9, "QLinearConv", [(1, 1, 4, 4), (), (), (6, 1, 3, 3)], (1, 6, 2, 2), {}),
        (2 * 2 * 3 * 5 * 4, "MatMul", [(2, 3, 4), (4, 5)], (2, 3, 5), {}),
        (2 * 3 * 4, "MatMul", [(4,), (3, 4, 1)], (3, 1), {}),
        (2 * 4, "MatMul", [(4,), (4,)], (), {}),
        (2 * 3 * 5 * 7, "Gemm", [(3, 7), (7, 5), (5,)], (3, 5), {}),
        (2 * 3 * 5 * 7, "Gemm", [(7, 3), (5, 7)], (3, 5), {"transA": 1, "transB": 1}),
        (2 * 2 * 3 * 4 * 5, "Einsum", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), {"equation": "bij,bjk->bik"}),
        (2 * (2 * 8 * 10 * 12 * 16) * 2, "Attention", [(2, 8, 10, 16), (2, 8, 12, 16), (2, 8, 12, 16)], (1,), {}),
        (
            2 * (2 * 8 * 10 * 12 * 16) * 2,
            "Attention",
            [(2, 10, 128), (2, 12, 32), (2, 12, 32)],
            (1,),
            {"q_num_heads": 8, "kv_num_heads": 2},
        ),
        (
            2 * 2 * 8 * 1 * (1 + 9) * 16,
            "Attention",
            [(1, 8, 1, 16), *[(1, 8, 1, 16)] * 2, None, (1, 8, 9, 16)],
            (1,),
            {},
        ),
        (2 * 7 * 2 * (4 * 5) * (3 + 5), "LSTM", [(7, 2, 3), (1, 20, 3), (1, 20, 5)], (1,), {}),
        (2 * 7 * 2 * 2 * (3 * 5) * (3 + 5), "GRU", [(7, 2, 3), (2, 15, 3), (2, 15, 5)], (1,), {}),
        (2 * 7 * 2 * 5 * (3 + 5), "RNN", [(7, 2, 3), (1, 5, 3), (1, 5, 5)], (1,), {}),
        (2 * 24, "BatchNormalization", [(2, 3, 4)], (2, 3, 4), {}),
        (5 * 24, "LayerNormalization", [(2, 3, 4)], (2, 3, 4), {}),
        (4 * 24, "RMSNormalization", [(2, 3, 4)], (2, 3, 4), {}),
        (5 * 24, "Softmax", [(2, 3, 4)], (2, 3, 4), {}),
        (24, "Add", [(2, 1, 4), (3, 1)], (2, 3, 4), {}),
        (4 * 9, "MaxPool", [(1, 1, 4, 4)], (1, 1, 2, 2), {"kernel_shape": (3, 3)}),
        (16, "GlobalAveragePool", [(1, 1, 4, 4)], (1, 1, 1, 1), {}),
        (24, "ReduceMean", [(2, 3, 4)], (2,), {}),
        (0, "Resize", [(1, 1, 4, 4)], (1, 1, 8, 8), {}),
        (2 * 64 * 4, "Resize", [(1, 1, 4, 4)], (1, 1, 8, 8), {"mode": "linear"}),
        (0, "Reshape", [None, None], None, {}),
        (None, "Add", [(2,), (2,)], None, {}),
        (None, "Conv", [(1, 3, 8, 8), None], (1, 3, 8, 8), {}),
        (None, "NonMaxSuppression", [(1, 2, 4), (1, 2, 2)], (1, 3), {}),
    ],
)
def test_formulas(expected: int | None, op: str, inputs: list[Shape], made: Shape, attributes: dict[str, Any]) -> None:
    assert count(op, *inputs, made=made, **attributes) == expected


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("i,j->ij", [(3,), (4,)]),
        ("ij,jk", [(3, 4), (4, 5)]),
    ],
)
def test_einsum_counts_what_numpy_would_do_naively(equation: str, shapes: list[tuple[int, ...]]) -> None:
    told = np.einsum_path(equation, *(np.zeros(shape) for shape in shapes), optimize=False)[1]
    naive = next(float(line.split(":")[1]) for line in told.splitlines() if "Naive FLOP" in line)
    assert einsum(equation, shapes) == naive


def test_einsum_with_dots() -> None:
    assert einsum("...ij,...jk->...ik", [(7, 1, 3, 4), (2, 4, 5)]) == 2 * 7 * 2 * 3 * 4 * 5
    assert einsum("ii->i", [(3, 3)]) == 0


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("Einsum", [(2, 3)], {"equation": "ijk->i"}),
        ("Einsum", [(2, 3)], {}),
        ("MaxPool", [(1, 1, 4, 4)], {"kernel_shape": "text"}),
        ("MaxPool", [(1, 1, 4, 4)], {"kernel_shape": 3}),
        ("Gemm", [(), ()], {"transA": "x"}),
        ("LSTM", [(1, 2), (1,), (1,)], {}),
        ("LSTM", [(7, 2, 3), (1, 20, 3), (1, 21, 5)], {}),
        ("Attention", [(1, 2, 3, 4), (1,), (1,)], {}),
        ("Attention", [(1, 2, 3), (1, 2, 3), (1, 2, 3)], {"kv_num_heads": 0}),
        ("Resize", [(1, 2)], {"mode": "linear"}),
        ("Add", [], {}),
    ],
)
def test_what_contradicts_the_operator_has_no_count(op: str, inputs: list[Shape], attributes: dict[str, Any]) -> None:
    made = (2**62,) * 9 if op == "Add" else (1,)
    assert count(op, *inputs, made=made, **attributes) is None


def test_what_is_counted_are_operators() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if not schema.domain}
    counted = {name for domain, name in FORMULAS if not domain}
    # Swish and others are younger than the oldest onnx that is supported.
    assert len((FREE | counted) - known) <= 5
    assert not FREE & counted


def exported(net: nn.Module, *args: Any, path: Path, **kwargs: Any) -> Graph:
    torch.onnx.export(net.eval(), args, path, dynamo=True, verbose=False, optimize=True, **kwargs)
    return read(path)


def products(graph: Graph) -> int:
    """FLOPs of what PyTorch counts too: products of matrices and convolutions."""
    found = outline(graph)
    of_each = zip(found.nodes, costs(found, graph), strict=True)
    return sum(cost.flops for node, cost in of_each if node.op_type in {"Conv", "ConvTranspose", "MatMul", "Gemm"})


def counted(net: nn.Module, *args: Any) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(*args)
    return counter.get_total_flops()


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.b = nn.Conv2d(8, 8, 3, groups=8)
        self.c = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.fc = nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.c(torch.relu(self.b(torch.relu(self.a(x)))))
        return self.fc(y.mean((2, 3)))


def test_convolutions_as_pytorch_counts_them(tmp_path: Path) -> None:
    net, x = Convolutions(), torch.rand(2, 3, 17, 17)
    assert products(exported(net, x, path=tmp_path / "net.onnx")) == counted(net, x)


class Layer(nn.Module):
    """A layer of BERT, with its attention written out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (each(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in (self.q, self.k, self.v))
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        x = self.norm(x + self.o((weights @ v).transpose(1, 2).flatten(-2)))
        return self.norm(x + self.down(torch.nn.functional.gelu(self.up(x))))


def test_a_layer_of_bert(tmp_path: Path) -> None:
    net, x, width, length = Layer(32, 4), torch.rand(1, 12, 32), 32, 12
    graph = exported(net, x, path=tmp_path / "net.onnx")
    # Kaplan and others, "Scaling Laws for Neural Language Models", table 1: 24 · n · d² and 4 · n² · d a layer.
    assert products(graph) == 24 * length * width**2 + 4 * length**2 * width == counted(net, x)


def test_a_dynamic_axis_counts_as_one(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    net = nn.Linear(6, 5)
    graph = exported(net, torch.rand(3, 6), path=tmp_path / "net.onnx", dynamic_shapes=({0: batch},))
    (cost,) = costs(outline(graph), graph)
    assert cost == Cost(2 * 6 * 5, 35 * 4, 35, ("batch",))


def _convolution(c_in: int, c_out: int, kernel: int, side: int) -> int:
    return 2 * c_out * side * side * c_in * kernel * kernel


def test_resnet_50_has_8_gflops() -> None:
    """4.09 · 10⁹ multiply-adds, as He and others and torchvision's page of models give them (4.09 GFLOPS there)."""
    nodes: list[Node] = []
    stored: list[Initializer] = []
    values: dict[str, tuple[int, ...]] = {}

    def add(op: str, inputs: list[str], shape: tuple[int, ...], weight: tuple[int, ...] | None = None) -> str:
        if weight:
            stored.append(Initializer(f"w{len(stored)}", "float32", weight, 4 * math.prod(weight)))
            inputs = [*inputs, stored[-1].name]
        nodes.append(Node("", op, "", tuple(inputs), (f"v{len(nodes)}",), {"kernel_shape": (3, 3)}))
        values[nodes[-1].outputs[0]] = shape
        return nodes[-1].outputs[0]

    def convolution(x: str, channels: int, kernel: int, side: int) -> str:
        before = values[x][1] if x in values else 3
        return add("Conv", [x], (1, channels, side, side), (channels, before, kernel, kernel))

    x = add("Relu", [convolution("image", 64, 7, 112)], (1, 64, 112, 112))
    x = add("MaxPool", [x], (1, 64, 56, 56))
    for stage, times in enumerate((3, 4, 6, 3)):
        width, side = 64 * 2**stage, 56 // 2**stage
        for block in range(times):
            first = side * 2 if stage and not block else side
            y = convolution(convolution(convolution(x, width, 1, first), width, 3, side), 4 * width, 1, side)
            x = convolution(x, 4 * width, 1, side) if not block else x
            x = add("Relu", [add("Add", [x, y], values[y])], values[y])
    pooled = add("GlobalAveragePool", [x], (1, 2048, 1, 1))
    last = add("Gemm", [add("Flatten", [pooled], (1, 2048))], (1, 1000), (2048, 1000))
    base = of_nodes(nodes, "image", last, tuple(stored))
    known = {name: Value(name, "float32", shape) for name, shape in values.items()}
    graph = replace(base, values=known, outputs=(known[last],), inputs=(Value("image", "float32", (1, 3, 224, 224)),))
    of_each = costs(outline(graph), graph)
    assert sum(cost.flops for cost in of_each) == pytest.approx(8.2e9, rel=0.01)
    assert products(graph) == pytest.approx(2 * 4.09e9, rel=0.001)
    assert sum(cost.parameters for cost in of_each) == graph.parameters == pytest.approx(25.5e6, rel=0.01)
    assert _convolution(3, 64, 7, 112) == of_each[0].flops


def test_a_weight_that_two_nodes_read_counts_once() -> None:
    weight = Initializer("w", "float32", (4, 4), 64)
    nodes = [Node("", "MatMul", "", ("x", "w"), ("a",)), Node("", "MatMul", "", ("a", "w"), ("y",))]
    graph = of_nodes(nodes, "x", "y", (weight,))
    assert [(cost.parameters, cost.nbytes) for cost in costs(outline(graph), graph)] == [(16, 64), (0, 0)]


def test_what_an_if_costs_is_in_its_branches() -> None:
    graph = read(model(BRANCH).SerializeToString())
    assert [cost.flops for cost in costs(outline(graph), graph)] == [0, 4, 4]


def test_absurd_weights_stay_numbers_that_can_be_written() -> None:
    nodes = [Node("", "Add", "", ("x", "w"), ("y",))]
    graph = of_nodes(nodes, "x", "y", (Initializer("w", "float32", (2**62,) * 1000, 4),))
    (cost,) = costs(outline(graph), graph)
    assert (cost.flops, cost.parameters) == (4, MOST)

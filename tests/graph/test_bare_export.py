"""A real export of which only the structure is left: no module, no name and no shape tells where a layer begins."""

from __future__ import annotations

from collections import Counter

import onnx
import pytest
import torch
import transformers as hf
from outlines import sound
from torch import nn

import onnxmagic
from onnxmagic.graph.drawn import Drawn, drawn
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import read
from onnxmagic.view.graph.folding import first_open, first_scopes
from onnxmagic.view.graph.nest import ROOT, Nest

LAYERS = 4
IDS = torch.arange(7)[None]


def encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
    body = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
    return nn.Sequential(nn.Linear(8, 16), body, nn.Linear(16, 3)), (torch.randn(1, 5, 8),), {}


def bert():
    config = hf.BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=LAYERS, num_attention_heads=2, intermediate_size=32
    )
    return hf.BertModel(config), (), {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}


@pytest.fixture(scope="module", params=[encoder, bert], ids=lambda make: make.__name__)
def bare(request) -> Graph:
    model, args, kwargs = request.param()
    export = onnxmagic.export(model.eval(), args, kwargs, prove=False)
    return read(stripped(export.model_proto()).SerializeToString())


def stripped(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` with nothing that a runtime has no need of, its values called ``v0``, ``v1`` and so on."""
    graph, names = model.graph, {"": ""}
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    model.producer_name = model.doc_string = graph.doc_string = ""
    for stored in (*graph.input, *graph.output, *graph.initializer):
        stored.name, stored.doc_string = names.setdefault(stored.name, f"v{len(names)}"), ""
        del stored.metadata_props[:]
    for node in graph.node:
        node.name = node.doc_string = ""
        del node.metadata_props[:]
        node.input[:] = [names.setdefault(name, f"v{len(names)}") for name in node.input]
        node.output[:] = [names.setdefault(name, f"v{len(names)}") for name in node.output]
    onnx.checker.check_model(model, full_check=True)
    return model


def test_each_layer_is_a_block(bare: Graph) -> None:
    found = sound(bare.outline())
    assert found.source == "blocks"
    outer = [number for number, scope in enumerate(found.scopes) if scope.parent == 0]
    assert [found.scopes[number].name for number in outer] == [f"block {number}" for number in range(1, LAYERS + 1)]
    # An operator that all layers need once, such as that of the mask, stands in the first.
    layers = [operators(found, number) for number in outer]
    assert layers[1] == layers[2] == layers[3]
    assert layers[0] - layers[1] in (Counter(), Counter(["Where"]))
    assert not layers[1] - layers[0]
    assert layers[1]["Softmax"] == 1
    assert layers[1]["LayerNormalization"] == 2


def test_each_block_is_a_layer_and_not_the_end_of_one_and_the_start_of_the_next(bare: Graph) -> None:
    found = bare.outline()
    between = {
        edge.value
        for edge in found.edges
        if min(edge.source, edge.target) >= 0
        and outermost(found, edge.source) + 1 == outermost(found, edge.target)
        and found.scopes[found.of_node[edge.source]].parent >= 0
    }
    # What a layer hands to the next is one value; the first may hand its mask to all others as well.
    assert LAYERS - 1 <= len(between) <= LAYERS


def test_every_node_is_in_one_scope_and_the_first_view_has_few_boxes(bare: Graph) -> None:
    shown = drawn(bare)
    assert isinstance(shown, Drawn)
    found = shown.outline
    held = [sum(operators(found, number).values()) for number, scope in enumerate(found.scopes) if scope.parent == 0]
    assert sum(held) + found.of_node.count(0) == len(bare.nodes) == len(found.nodes)
    nest = Nest(found)
    assert 2 <= len(nest.contents(ROOT)) <= 60
    seen = [box for box in first_open(nest) if box == ROOT or nest.contents(box)]
    assert 2 <= sum(len(nest.contents(box)) for box in seen) <= 60
    inside = [held[number - 1] for number in range(1, len(held) + 1)]
    assert first_scopes(nest, [len(found.nodes), *inside, *[0] * len(found.scopes)]) == []


def outermost(found, node: int) -> int:
    """Return the scope just below the root that `node` is in; 0 where it is in none."""
    scope = found.of_node[node]
    while found.scopes[scope].parent > 0:
        scope = found.scopes[scope].parent
    return scope


def operators(found, scope: int) -> Counter[str]:
    """Count the operators in a scope just below the root, and in all below it."""
    return Counter(node.op_type for number, node in enumerate(found.nodes) if outermost(found, number) == scope)

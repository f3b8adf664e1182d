"""Boxes found by structure: what repeats, cut where it should be, and no box with more in it than can be looked at."""

from __future__ import annotations

import random
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import chain, of_nodes, sound

from onnxmagic.graph.blocks import MANY, Block, blocks, covered, crossing
from onnxmagic.graph.facts import Graph, Initializer, Node
from onnxmagic.graph.order import depth_first
from onnxmagic.graph.outline import Outline, outline


def cut(text: str, links: list[tuple[int, int]] | None = None) -> list[str]:
    """Return the blocks that repeat in a text, each letter an item that feeds the next."""
    found = blocks(*_of(text, links))
    return [text[block.first : block.end] for block in found if block.repeats]


def _of(text: str, links: list[tuple[int, int]] | None = None) -> tuple[np.ndarray, np.ndarray]:
    labels = np.array([ord(letter) for letter in text], dtype=np.int64)
    following = [(i, i + 1) for i in range(len(text) - 1)] if links is None else links
    return labels, crossing(following, [True] * len(text))


def test_what_repeats_is_found_between_what_does_not() -> None:
    assert cut("xyz" + "abcdef" * 5 + "uvw") == ["abcdef"] * 5


def test_the_longest_pieces_come_first_and_hold_the_shorter() -> None:
    stage = "abcd" * 7 + "XYZ"
    found = blocks(*_of(stage * 3))
    assert [(block.first, block.end) for block in found] == [(0, 31), (31, 62), (62, 93)]
    assert [(block.first, block.end) for block in found[0].inside] == [(4 * i, 4 * i + 4) for i in range(7)]


def test_two_kinds_of_blocks_in_a_row() -> None:
    assert cut("abcdef" * 3 + "ghijk" * 4) == ["abcdef"] * 3 + ["ghijk"] * 4


def test_what_stands_once_costs_a_block_neither_its_box_nor_its_place() -> None:
    assert cut("xyz" + "abcMdef" + "abcdef" * 4 + "uvw") == ["abcMdef"] + ["abcdef"] * 4
    assert cut("xyz" + "abcdef" * 4 + "abcdMef" + "uvw") == ["abcdef"] * 4 + ["abcdMef"]


def test_a_piece_with_much_in_it_that_no_other_has_is_no_block() -> None:
    assert cut("abcdef" * 4 + "abcMNOPdef") == ["abcdef"] * 4


@pytest.mark.parametrize("text", ["abcdefghijklmnopqrstuvwxyzABCDEFGH", "abcdef" * 3, "", "a", "ab" * 20])
def test_where_nothing_repeats_and_where_there_is_little(text: str) -> None:
    assert cut(text) == []


def test_a_block_begins_where_fewest_values_cross() -> None:
    # Seen from the letters alone, the piece could begin at any of its items; each adds its input to its output at e.
    text = "cde" + "abcde" * 6 + "ab"
    links = [(i, i + 1) for i in range(len(text) - 1)]
    links += [(i, i + 5) for i, letter in enumerate(text[:-5]) if letter == "e"]
    assert cut(text, links) == ["abcde"] * 6


def test_between_equal_cuts_a_block_begins_with_what_it_likes() -> None:
    text = "cde" + "abcde" * 6 + "a"
    labels, _ = _of(text)
    cost = crossing([(i, i + 1) for i in range(len(text) - 1)], [letter == "d" for letter in text])
    assert [text[block.first : block.end] for block in blocks(labels, cost)] == ["deabc"] * 6


def test_a_level_of_thousands_comes_in_parts() -> None:
    rng = random.Random(0)
    text = "".join(chr(rng.randrange(200, 50_000)) for _ in range(5000))
    _has_few(blocks(*_of(text)), len(text))


def test_many_equal_blocks_come_in_parts() -> None:
    found = blocks(*_of("abcdef" * 500))
    _has_few(found, 3000)
    assert covered(found) == 3000


def _has_few(found: tuple[Block, ...], size: int) -> None:
    """Check that nowhere are more boxes and items together than can be looked at, and that boxes do not overlap."""
    loose = size - sum(block.end - block.first for block in found)
    assert len(found) + loose <= MANY
    at = 0
    for block in found:
        assert at <= block.first < block.end <= size
        at = block.end
        _has_few(block.inside, block.end - block.first)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="abc", max_size=400))
def test_any_sequence_ends_in_boxes_with_little_in_each(text: str) -> None:
    _has_few(blocks(*_of(text)), len(text))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=60))
def test_the_order_of_any_graph_is_whole_and_sources_come_first(edges: list[tuple[int, int]]) -> None:
    forward = [(a, b) for a, b in edges if a < b]
    place = {item: at for at, item in enumerate(depth_first(20, forward))}
    assert sorted(place) == list(range(20))
    assert all(place[a] < place[b] for a, b in forward)
    assert sorted(depth_first(20, edges)) == list(range(20))


def transformer(layers: int, width: int = 8) -> Graph:
    """Return a graph without names or modules, as of an encoder with post-normalised layers."""
    nodes: list[Node] = []
    stored: list[Initializer] = []

    def weight(*shape: int) -> str:
        stored.append(Initializer(f"w{len(stored)}", "float32", shape, 4))
        return stored[-1].name

    def add(op: str, *inputs: str) -> str:
        nodes.append(Node("", op, "", inputs, (f"v{len(nodes)}",)))
        return nodes[-1].outputs[0]

    def linear(x: str, inner: int, outer: int) -> str:
        return add("Add", add("MatMul", x, weight(inner, outer)), weight(outer))

    x = add("LayerNormalization", add("Gather", weight(100, width), "ids"), weight(width), weight(width))
    mask = add("Where", add("Equal", "ids"), weight(1), weight(1))
    for _ in range(layers):
        q, k, v = (linear(x, width, width) for _ in range(3))
        attention = add("MatMul", add("Softmax", add("Add", add("MatMul", q, k), mask)), v)
        x = add("LayerNormalization", add("Add", x, linear(attention, width, width)), weight(width), weight(width))
        fed = linear(add("Gelu", linear(x, width, 4 * width)), 4 * width, width)
        x = add("LayerNormalization", add("Add", x, fed), weight(width), weight(width))
    last = add("Gemm", x, weight(width, 2))
    return of_nodes(nodes, "ids", last, tuple(stored))


def _blocks_of(found: Outline) -> list[list[str]]:
    held: dict[int, list[str]] = {index: [] for index, scope in enumerate(found.scopes) if scope.kind == "block"}
    for node, scope in zip(found.nodes, found.of_node, strict=True):
        if scope in held:
            held[scope].append(node.op_type)
    return list(held.values())


def test_the_layers_of_a_transformer() -> None:
    found = sound(outline(transformer(12)))
    assert found.source == "blocks"
    assert [scope.name for scope in found.scopes[1:]] == [f"block {i}" for i in range(1, 13)]
    layers = _blocks_of(found)
    assert all(layer == layers[0] for layer in layers)
    assert (layers[0][0], layers[0][-1]) == ("MatMul", "LayerNormalization")
    assert found.of_node.count(0) == 5


def test_the_layers_are_found_in_any_order_of_the_file() -> None:
    graph = transformer(12)
    nodes = list(graph.nodes)
    random.Random(3).shuffle(nodes)
    shuffled = sound(outline(of_nodes(nodes, "ids", graph.outputs[0].name, graph.initializers)))
    # The mask is worked out where the first layer needs it, which makes that one different.
    sizes = Counter(len(layer) for layer in _blocks_of(shuffled))
    assert sizes.most_common(1)[0][1] >= 11


def test_constants_go_into_the_block_that_reads_them() -> None:
    graph = transformer(12)
    head = [Node("", "Constant", "", (), (f"c{i}",)) for i in range(13)]
    users = iter(range(12))
    nodes = [
        Node("", "Softmax", "", (*node.inputs, f"c{next(users)}", "c12"), node.outputs)
        if node.op_type == "Softmax"
        else node
        for node in graph.nodes
    ]
    found = sound(outline(of_nodes([*head, *nodes], "ids", graph.outputs[0].name, graph.initializers)))
    assert [found.scopes[scope].name for scope in found.of_node[:13]] == [
        *(f"block {i}" for i in range(1, 13)),
        "model",
    ]


def test_widths_that_grow_are_no_obstacle() -> None:
    ops = ["Conv", "Clip", "Conv", "Clip", "Conv"] * 8
    weights = {at: (8 + at, 8 + at, 3, 3) for at, op in enumerate(ops) if op == "Conv"}
    found = sound(outline(chain(*ops, weights=weights)))
    assert _blocks_of(found) == [["Conv", "Clip", "Conv", "Clip", "Conv"]] * 8


def test_a_module_with_hundreds_of_nodes_is_cut_too() -> None:
    ops = [op for i in range(40) for op in ("MatMul", "Add", "Relu", "Mul", f"Op{i}")]
    plain = chain(*ops)
    nodes = [
        Node("", n.op_type, "", n.inputs, n.outputs, module="net.body", classes=("Net", "", "Body"))
        for n in plain.nodes
    ]
    found = sound(outline(of_nodes(nodes, "v0", "v200")))
    assert found.source == "modules"
    body = next(index for index, scope in enumerate(found.scopes) if scope.path == "net.body")
    inside = [scope for scope in found.scopes if scope.parent == body]
    assert 2 <= len(inside) + found.of_node.count(body) <= MANY
    assert {scope.kind for scope in inside} == {"block"}


@pytest.mark.parametrize("layers", [900])
def test_twenty_thousand_nodes_in_levels_and_in_time(layers: int) -> None:
    graph = transformer(layers)
    start = time.process_time()
    found = sound(outline(graph))
    assert time.process_time() - start < 3  # a third of a second on an idle machine
    assert len(found.nodes) > 18_000
    held = Counter([*found.of_node, *(scope.parent for scope in found.scopes)])
    assert max(held.values()) <= MANY


def test_a_hostile_sequence_takes_no_longer() -> None:
    # Every stretch of Thue and Morse's sequence recurs, and none three times in a row.
    bits = [0]
    while len(bits) < 16_000:
        bits += [1 - bit for bit in bits]
    start = time.process_time()
    sound(outline(chain(*("Relu" if bit else "Abs" for bit in bits))))
    assert time.process_time() - start < 10

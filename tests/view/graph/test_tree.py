"""The tree for a terminal: modules, and what stands for them where a file names none."""

from __future__ import annotations

import re

import onnx.parser
from test_svg import FLOW, flat, network

from onnxmagic.graph.read import read
from onnxmagic.view.graph.tree import origin, tree
from onnxmagic.view.text import paint, part_lines


def shown(graph, columns=88):
    found = tree(graph, "model", "e.graph.modules")
    assert found is not None
    return [paint(line, False) for line in part_lines(found, columns)]


def test_a_row_says_class_shape_parameters_and_operations():
    rows = shown(network(2))
    (row,) = [row for row in rows if "─ 0 " in row]
    assert "batch × 4" in row
    assert " 16 " in row
    assert row.endswith("FLOP")


def test_guides_show_what_is_in_what():
    rows = [re.split(r"(?<=\w)  ", row)[0] for row in shown(network(2))]
    assert rows[:6] == ["model", "└─ net", "   ├─ 0", "   │  ├─ fc", "   │  └─ act", "   └─ 1"]


def test_a_long_tree_is_cut_with_a_count():
    rows = shown(network(60))
    assert len(rows) <= 25
    assert rows[-1].startswith("… ")
    assert rows[-1].endswith("has them all")


def test_it_keeps_to_its_columns():
    graph = network(8, around="a_module_with_a_name_that_nobody_would_want_to_type_by_hand")
    for columns in (60, 72, 88, 100):
        assert max(map(len, shown(graph, columns))) <= columns


def test_a_small_file_without_modules_lists_its_nodes():
    rows = shown(flat(4))
    assert [row.split()[1] for row in rows[1:]] == ["Relu", "Neg", "Abs", "Relu"]
    assert "these are its nodes" in origin(flat(4))


def test_branches_stand_below_their_if():
    rows = shown(read(onnx.parser.parse_model(FLOW).SerializeToString()))
    names = [row.split("─ ")[-1].split("  ")[0].strip() for row in rows]
    assert names.index("If") + 1 == names.index("then_branch")


def test_repeated_blocks_stand_for_modules():
    graph = read(repeating(12))
    assert "blocks found by the structure" in origin(graph)
    assert len(shown(graph)) > 3


def repeating(count: int) -> bytes:
    """A network without a single name, of blocks that are alike."""
    import onnx.helper as oh

    nodes, weights, x = [], [], "x"
    for i in range(count):
        weights.append(oh.make_tensor(f"w{i}", 1, [4, 4], [0.0] * 16))
        nodes += [
            oh.make_node("MatMul", [x, f"w{i}"], [f"a{i}"]),
            oh.make_node("Sigmoid", [f"a{i}"], [f"b{i}"]),
            oh.make_node("Mul", [f"a{i}", f"b{i}"], [f"c{i}"]),
            oh.make_node("Add", [x, f"c{i}"], [f"d{i}"]),
        ]
        x = f"d{i}"
    ends = [oh.make_tensor_value_info(each, 1, ["batch", 4]) for each in ("x", x)]
    return oh.make_model(oh.make_graph(nodes, "blocks", ends[:1], ends[1:], weights)).SerializeToString()

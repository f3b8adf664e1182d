"""Two models as one drawing: what both have stands once, and every edge and node says whose it is."""

from __future__ import annotations

import diffs
import onnx
import pytest

from onnxmagic.diff.matching import Matching, Pair
from onnxmagic.diff.result import Diff
from onnxmagic.graph.outline import Outline
from onnxmagic.view.graph.both import Both, both
from onnxmagic.view.graph.folding import folded
from onnxmagic.view.graph.marks import ADDED, CHANGED, REMOVED, SAME, WORDS, Marked
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.graph.quiet import quiet, revealing

BRANCH = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[4] x, bool c) => (float[4] y)
{{
   [if] h = If (c) <
      then_branch = then () => (float[4] t) {{ [pos] t0 = {then} (x)  [abs] t = Abs (t0) }},
      else_branch = other () => (float[4] e) {{ [neg] e = Neg (x) }}
   >
   [last] y = Exp (h)
}}
"""


def named(union: Both) -> dict[str, str]:
    return {node.name: WORDS[mark] for node, mark in zip(union.outline.nodes, union.marks, strict=True)}


def place(union: Both, name: str) -> str:
    names = [node.name for node in union.outline.nodes]
    return union.outline.scopes[union.outline.of_node[names.index(name)]].path


def lines(union: Both) -> set[tuple[str, str, str]]:
    def name(end: int) -> str:
        return union.outline.nodes[end].name if end >= 0 else "."

    edges = zip(union.outline.edges, union.edges, strict=True)
    return {(name(edge.source), name(edge.target), WORDS[mark]) for edge, mark in edges}


def test_what_both_have_stands_once_and_the_rest_says_whose_it_is() -> None:
    union = both(diffs.small())
    assert named(union) == {
        "up": "same",
        "act": "changed",
        "drop": "removed",
        "down": "changed",
        "norm": "added",
        "sum": "same",
        "one": "same",
        "two": "same",
        "three": "same",
        "prob": "changed",
        "more": "added",
    }
    assert union.inputs == (SAME,)
    assert union.outputs == (SAME, ADDED)


def test_a_changed_operator_is_called_by_both_its_names() -> None:
    union = both(diffs.small())
    assert [node.op_type for node in union.outline.nodes if node.name == "act"] == ["Relu → Gelu"]


def test_edges_of_both_are_the_same_and_an_insertion_takes_one_and_gives_two() -> None:
    found = lines(both(diffs.small()))
    assert ("up", "act", "same") in found
    assert {("act", "drop", "removed"), ("drop", "down", "removed"), ("act", "down", "added")} <= found
    assert {("down", "sum", "removed"), ("down", "norm", "added"), ("norm", "sum", "added")} <= found
    assert {("prob", ".", "same"), ("more", ".", "added")} <= found


def test_each_side_is_the_union_without_what_the_other_added() -> None:
    diff = diffs.small()
    union = both(diff)
    for side, gone in ((diff.a, ADDED), (diff.b, REMOVED)):
        own = {index for index, mark in enumerate(union.marks) if mark != gone}
        edges = [e for e, mark in zip(union.outline.edges, union.edges, strict=True) if mark != gone]
        assert len(own) == len(side.nodes)
        assert len(edges) == len(set(side.outline.edges))
        assert all(end in own for edge in edges for end in (edge.source, edge.target) if end >= 0)


def test_the_diff_the_other_way_round_swaps_added_and_removed() -> None:
    there, back = diffs.compared(_one(), _two()), diffs.compared(_two(), _one())
    swap = {"added": "removed", "removed": "added"}
    assert {name: swap.get(mark, mark) for name, mark in named(both(there)).items()} == named(both(back))
    assert {(a, b, swap.get(mark, mark)) for a, b, mark in lines(both(there))} == lines(both(back))


def _one() -> onnx.ModelProto:
    return diffs.text(diffs.BEFORE)


def _two() -> onnx.ModelProto:
    return diffs.text(diffs.AFTER)


def test_a_new_node_stands_behind_what_it_takes_from() -> None:
    union = both(diffs.small())
    names = [node.name for node in union.outline.nodes]
    assert names.index("down") < names.index("norm") < names.index("sum")


def test_a_new_module_is_a_box_of_its_own() -> None:
    assert place(both(diffs.small()), "norm") == "block.norm"


def test_nodes_of_a_file_without_modules_go_where_those_are_that_they_replace() -> None:
    union = both(diffs.compared(_one(), diffs.text(diffs.AFTER, scopes=False)))
    assert place(union, "norm") == "block"
    assert place(union, "down") == "block.down"
    assert {scope.path for scope in union.outline.scopes} == {s.path for s in diffs.side(_one(), "").outline.scopes}


def test_bodies_are_compared_inside() -> None:
    before, after = (diffs.text(BRANCH.format(then=op), scopes=False) for op in ("Relu", "Tanh"))
    union = both(diffs.compared(before, after))
    assert named(union) == {"if": "same", "last": "same", "pos": "changed", "abs": "same", "neg": "same"}
    owners = [scope.owner for scope in union.outline.scopes if scope.owner >= 0]
    assert [union.outline.nodes[owner].name for owner in owners] == ["if", "if"]


def test_weights_that_changed_mark_the_nodes_that_read_them() -> None:
    weights = diffs.small().weights
    same = diffs.compared(_one(), _one(), weights=weights)
    assert [name for name, mark in named(both(same)).items() if mark != "same"] == ["down"]


def test_two_models_that_share_nothing_are_beside_each_other() -> None:
    diff = diffs.small()
    alone = Diff(**{**vars(diff), "matching": Matching(())})
    assert set(both(alone).marks) == {ADDED, REMOVED, CHANGED}


def test_values_are_one_where_matched_nodes_make_them_whatever_they_are_called() -> None:
    after = diffs.text(diffs.BEFORE)
    for node in after.graph.node:
        node.input[:] = [f"{name}_2" if name in "abcdefgh" else name for name in node.input]
        node.output[:] = [f"{name}_2" if name in "abcdefgh" else name for name in node.output]
    union = both(diffs.compared(_one(), after))
    assert set(union.edges) == {SAME}
    assert len(union.outline.values) == len(diffs.side(_one(), "").outline.values)


def test_a_rewired_input_is_one_edge_less_and_one_more() -> None:
    after = diffs.text(diffs.BEFORE)
    next(node for node in after.graph.node if node.name == "two").input[0] = "e"
    assert {each for each in lines(both(diffs.compared(_one(), after))) if each[2] != "same"} == {
        ("one", "two", "removed"),
        ("sum", "two", "added"),
    }


@pytest.mark.parametrize("count", [42, 420])
def test_hiding_the_unchanged_keeps_every_node_and_what_changed_in_its_place(count: int) -> None:
    union = both(diffs.large(count))
    calm = quiet(union.outline, union.marks)
    assert len(calm.of_node) == len(union.marks)
    assert all(scope.parent < index for index, scope in enumerate(calm.scopes))
    for index, mark in enumerate(union.marks):
        if mark:
            before, after = union.outline.scopes[union.outline.of_node[index]], calm.scopes[calm.of_node[index]]
            assert before.path == after.path


def test_what_is_hidden_says_how_much_it_is_and_nothing_in_it_changed() -> None:
    union = both(diffs.large(420))
    calm = quiet(union.outline, union.marks)
    hidden = [index for index, scope in enumerate(calm.scopes) if scope.name.endswith("unchanged")]
    assert hidden
    for scope in hidden:
        inside = [node for node in range(len(union.marks)) if scope in above(calm, calm.of_node[node])]
        assert calm.scopes[scope].name == f"{len(inside)} nodes unchanged"
        assert {union.marks[node] for node in inside} == {SAME}


def above(outline: Outline, scope: int) -> set[int]:
    found: set[int] = set()
    while scope >= 0:
        found.add(scope)
        scope = outline.scopes[scope].parent
    return found


def test_nothing_flows_out_of_a_hidden_box_and_back_into_it() -> None:
    union = both(diffs.large(420, every=17))
    calm = quiet(union.outline, union.marks)
    hidden = {index for index, scope in enumerate(calm.scopes) if scope.name.endswith("unchanged")}
    goes: dict[str, set[str]] = {}

    def box(node: int) -> str:
        inside = above(calm, calm.of_node[node]) & hidden
        return f"s{min(inside)}" if inside else f"n{node}"

    for edge in calm.edges:
        if edge.source >= 0 and edge.target >= 0 and box(edge.source) != box(edge.target):
            goes.setdefault(box(edge.source), set()).add(box(edge.target))
    for scope in hidden:
        seen: set[str] = set()
        todo = list(goes.get(f"s{scope}", ()))
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += goes.get(one, ())
        assert f"s{scope}" not in seen


def test_a_model_in_which_nothing_changed_hides_nothing() -> None:
    union = both(diffs.compared(_one(), _one()))
    assert quiet(union.outline, union.marks).scopes == union.outline.scopes


def test_what_is_open_at_first_shows_changes_and_stays_small() -> None:
    union = both(diffs.large(1260))
    nest = Nest(quiet(union.outline, union.marks))
    seen = folded(nest, revealing(nest, union.marks, most=60)).contents
    closed = [box for boxes in seen.values() for box in boxes if box not in seen and box[0] not in "io"]
    assert 30 <= len(closed) <= 60
    assert any(box[0] == "n" and union.marks[int(box[1:])] for box in closed)


def test_a_box_says_what_changed_in_it_and_a_new_one_that_it_is_new() -> None:
    union = both(diffs.small())
    marked = Marked(union.outline, union.marks, union.inputs, union.outputs)
    paths = {scope.path: f"s{index}" for index, scope in enumerate(union.outline.scopes)}
    assert marked.told(paths["block"]) == ("", "+1 −1 ~2", "1 added, 1 removed, 2 changed")
    assert marked.told(paths["block.norm"]) == ("+", "", "added")
    assert marked.told(paths["tail"]) == ("", "", "")


def test_pairs_may_cross() -> None:
    diff = diffs.compared(_one(), _one())
    names = {node.name: index for index, node in enumerate(diff.a.nodes)}
    crossed = {names["one"]: names["two"], names["two"]: names["one"]}
    pairs = tuple(Pair(index, crossed.get(index, index), "crossed") for index in range(len(diff.a.nodes)))
    union = both(Diff(**{**vars(diff), "matching": Matching(pairs)}))
    assert set(union.marks) == {SAME}
    assert ("two", "one", "added") in lines(union)

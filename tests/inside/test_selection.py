"""Choosing in a graph: by name, by object, by index and by a click; views follow, and are not kept alive."""

from __future__ import annotations

import gc
import weakref
from dataclasses import FrozenInstanceError, replace

import files
import pytest
import torch

import onnxmagic
from onnxmagic.errors import UsageMistake
from onnxmagic.inside.selected import SelectedNode
from onnxmagic.inside.selection import Selection


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.head = torch.nn.Linear(4, 2)
        self.drop = torch.nn.Dropout()

    def forward(self, x):
        pooled = self.conv(x).mean((2, 3))
        return self.head(self.drop(pooled))


@pytest.fixture(scope="module")
def made():
    return onnxmagic.export(Net(), (torch.randn(1, 3, 8, 8),), prove=False)


@pytest.fixture
def export(made):
    return replace(made, selection=Selection())


@pytest.fixture
def shown(tmp_path):
    return onnxmagic.show(files.saved(tmp_path / "net.onnx"))


def test_a_node_by_its_name_with_all_that_is_known_of_it(export):
    name = next(node.name for node in export.graph.nodes if node.op_type == "Conv")
    export.selected = name
    node = export.selected
    assert isinstance(node, SelectedNode)
    assert (node.name, node.op_type, node.module, node.classes[-1]) == (name, "Conv", "conv", "Conv2d")
    assert node.attributes["pads"] == (1, 1, 1, 1)
    assert [(value.dtype, value.shape) for value in node.inputs] == [
        ("float32", ("batch", 3, 8, 8)),
        ("float32", (4, 3, 3, 3)),
        ("float32", (4,)),
    ]
    assert node.outputs[0].shape == ("batch", 4, 8, 8)
    assert [weight.name for weight in node.weights] == ["conv.weight", "conv.bias"]
    assert export.weight(node.weights[0].name).shape == (4, 3, 3, 3)
    assert (node.where.file, node.where.source) == ("test_selection.py", "pooled = self.conv(x).mean((2, 3))")


def test_modules_findings_nodes_indices_and_nothing(export):
    export.selected = "head"
    assert export.selected is export.graph.modules.children[-1]
    export.selected = module = export.graph.modules.children[0]
    assert (export.selected, export.selection.key) == (module, "m1")
    export.selected = export.graph.nodes[0]
    assert (export.selected.index, export.selection.key) == (0, "n0")
    export.selected = 1
    assert export.selected.name == export.graph.nodes[1].name
    export.selected = export.selected
    assert export.selection.key == "n1"
    export.selected = finding = export.findings[0]
    assert (export.selected, export.selection.key) == (finding, "f0")
    export.selected = None
    assert (export.selected, export.selection.key) == (None, "")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("hed", "There is no node or module `hed`. Did you mean `head`?"),
        ("x", "There is no node or module `x`. result.graph.nodes"),
        (999, "There is no node 999; this graph has the nodes 0 to "),
        (-1, "There is no node -1"),
        (2.5, "A float cannot be chosen; write the name of a node or of a module"),
        (True, "A bool cannot be chosen"),
    ],
)
def test_what_is_not_there(export, wanted, message):
    export.selected = 0
    with pytest.raises(UsageMistake) as caught:
        export.selected = wanted
    assert str(caught.value).startswith(message)
    assert export.selection.key == "n0"


def test_a_node_of_another_graph(export, shown):
    with pytest.raises(UsageMistake, match="This node is of another result"):
        shown.selected = export.graph.nodes[0]


def test_nodes_of_one_name_are_chosen_by_index(tmp_path):
    text = files.LAYER.replace("[add]", "[relu]")
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx", text))
    with pytest.raises(UsageMistake, match=r"2 nodes are called `relu`; choose by index: 1 and 2\."):
        shown.selected = "relu"


def test_a_node_in_a_branch(tmp_path):
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx", files.BRANCH))
    shown.selected = 1
    assert (shown.selected.op_type, shown.selected.inputs[0].name) == ("Neg", "x")
    assert shown.selected.inputs[0].shape == (4,)


def test_nothing_else_can_be_set(export):
    with pytest.raises(FrozenInstanceError):
        export.path = None
    with pytest.raises(FrozenInstanceError):
        export.anything = 1


def test_a_check_and_a_shown_can_be_set_too(tmp_path):
    path = files.saved(tmp_path / "net.onnx")
    for result in (onnxmagic.check(path, run=False), onnxmagic.show(path)):
        result.selected = "relu"
        assert result.selected.op_type == "Relu"


def test_a_check_without_a_graph(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"nothing")
    check = onnxmagic.check(tmp_path / "net.onnx")
    check.selected = check.findings[0]
    assert check.selected.code == "OM311"
    with pytest.raises(UsageMistake, match="There is no node or module `a`"):
        check.selected = "a"


def test_keys_of_a_view(export):
    choices = export.choices
    assert choices.at("n0").name == export.graph.nodes[0].name
    assert choices.at("m0") is export.graph.modules
    assert choices.at("f0") is export.findings[0]
    assert choices.at("s0") is export.graph.modules
    assert [choices.at(key) for key in ("", "n999", "m999", "s999", "f999", "x1", "n-1", "n0\n")] == [None] * 8


class View:
    def __init__(self):
        self.keys = []

    def follow(self, key):
        self.keys.append(key)


def test_views_follow_and_are_not_kept_alive(export):
    view = View()
    export.selection.watch(view.follow)
    export.selected = 0
    export.selected = 0
    export.selected = None
    assert view.keys == ["n0", ""]
    seen = weakref.ref(view)
    del view
    gc.collect()
    assert seen() is None
    export.selected = 1


def test_two_results_of_one_file_are_chosen_in_apart(shown):
    other = onnxmagic.show(shown)
    other.selected = 0
    assert shown.selected is None

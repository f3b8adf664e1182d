"""The module tree."""

from __future__ import annotations

import onnx
from small_graphs import SMALL, model, scoped, with_weight

from onnxmagic.graph.facts import Module
from onnxmagic.graph.read import read


def tree(proto: onnx.ModelProto, **classes: str) -> Module:
    modules = read(proto.SerializeToString(), classes=classes).modules
    assert modules is not None
    return modules


def by_path(proto: onnx.ModelProto, **classes: str) -> dict[str, Module]:
    return {m.path: m for m in tree(proto, **classes).walk()}


def test_parameters_nodes_and_output_of_a_module() -> None:
    modules = by_path(scoped(model(), linear=("fc", "linear.Linear"), relu=("act", "activation.ReLU")))
    fc = modules["fc"]
    assert (fc.name, fc.class_name, fc.parameters, fc.nbytes, fc.nodes) == ("fc", "Linear", 10, 40, 1)
    assert fc.output == modules[""].output == ("batch", 2)
    assert [c.path for c in modules[""].children] == ["fc", "act"]


def test_the_root_counts_everything() -> None:
    proto = with_weight(scoped(model(), linear=("fc", "linear.Linear")), "spare", [3])
    root = tree(proto)
    assert (root.name, root.class_name, root.parameters, root.nodes) == ("Net", "Net", 13, 2)


def test_a_weight_without_a_modules_name_goes_to_its_first_user() -> None:
    proto = model(SMALL.replace("fc__weight", "val_3"))
    modules = by_path(scoped(proto, linear=("head", "linear.Linear")))
    assert (modules["head"].parameters, modules["fc"].parameters) == (8, 2)


def test_a_module_that_vanished_by_fusion_comes_first_with_its_class() -> None:
    proto = model(SMALL.replace("fc__", "conv__"))
    modules = by_path(scoped(proto, linear=("bn", "batchnorm.BatchNorm2d")), conv="Conv2d")
    assert (modules["conv"].class_name, modules["conv"].parameters, modules["conv"].output) == ("Conv2d", 10, None)
    assert [c.path for c in modules[""].children] == ["conv", "bn"]


def test_an_operator_of_torchs_own_passes_makes_no_module() -> None:
    scopes = {"linear": ("fc", "linear.Linear"), "relu": ("_empty_nn_module_stack_from_metadata_hook", "x.Y")}
    assert list(by_path(scoped(model(), **scopes))) == ["", "fc"]


def test_a_weight_used_twice_is_counted_once() -> None:
    proto = model()
    proto.graph.node.append(onnx.helper.make_node("Identity", ["fc.weight"], ["again"]))
    assert tree(proto).parameters == 10


def test_weights_alone_make_a_tree() -> None:
    assert [m.path for m in tree(model()).walk()] == ["", "fc"]


def test_a_file_that_says_nothing_of_modules_has_no_tree() -> None:
    assert read(model(SMALL.replace("fc__", "")).SerializeToString()).modules is None


def test_an_empty_graph_has_no_tree() -> None:
    empty = onnx.ModelProto(ir_version=10, graph=onnx.GraphProto(name="none"))
    assert read(empty.SerializeToString()).modules is None


def test_thousands_of_modules_deep_and_wide() -> None:
    proto = model()
    for index in range(3000):
        proto.graph.initializer.add(name=f"blocks.{index}.weight", data_type=1, dims=[2])
    proto.graph.initializer.add(name=".".join(["a"] * 5000) + ".weight", data_type=1, dims=[3])
    root = tree(proto)
    assert root.parameters == 10 + 6000 + 3
    assert len(list(root.walk())) == 3000 + 3 + 100

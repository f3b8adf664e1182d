"""The shortcut to the exporter's library: the same registry and graph, and nothing left behind."""

from __future__ import annotations

import contextlib
import sys

import pytest
import torch
from onnxscript import opset18 as op
from onnxscript._internal.values import TracedOnnxFunction
from onnxscript.function_libs.torch_lib import registration
from torch import nn
from torch.onnx._internal.exporter._registration import ONNXRegistry

import onnxmagic
from onnxmagic.export import torchlib


def told(registry):
    """Return what the exporter reads from a registry."""
    return {
        str(target): [(way.onnx_function, way.is_complex, way.is_custom, signature(way.signature)) for way in ways]
        for target, ways in registry.functions.items()
    }


def signature(of):
    """Return a signature in a form in which the order of its types does not matter."""
    if of is None:
        return None
    takes = [
        (p.name, p.required, p.variadic, p.type_constraint.name, frozenset(map(str, p.type_constraint.allowed_types)))
        if hasattr(p, "type_constraint")
        else str(p)
        for p in (*of.params, *of.outputs)
    ]
    return of.domain, of.name, of.overload, takes


@pytest.mark.parametrize("opset", [18, 23])
def test_the_registry_is_what_torch_builds(opset):
    slow = ONNXRegistry.from_torchlib(opset_version=opset)
    with torchlib.quick_registry():
        first, second = (ONNXRegistry.from_torchlib(opset_version=opset) for _ in range(2))
    assert told(first) == told(second) == told(slow)
    assert first.opset_version == slow.opset_version == opset


def test_what_is_more_than_the_domain_is_parsed():
    with torchlib.quick_registry():
        known = registration.default_registry["aten::cumsum"].overloads[0].function_ir
        assert known.domain == "pkg.onnxscript.torch_lib"
        assert len(known.inputs) >= 1


def test_torch_is_given_back():
    before = vars(ONNXRegistry)["from_torchlib"], vars(TracedOnnxFunction)["function_ir"]
    with contextlib.suppress(KeyboardInterrupt), torchlib.quick_registry():
        assert vars(ONNXRegistry)["from_torchlib"] is not before[0]
        raise KeyboardInterrupt
    assert (vars(ONNXRegistry)["from_torchlib"], vars(TracedOnnxFunction)["function_ir"]) == before


def test_a_translation_of_one_export_is_not_the_next_one_s():
    def with_a_twist(x):
        return op.Neg(x)

    with torchlib.quick_registry():
        ONNXRegistry.from_torchlib().register_op(torch.ops.aten.relu.default, with_a_twist)
        ways = ONNXRegistry.from_torchlib().get_decomps(torch.ops.aten.relu.default)
    assert with_a_twist not in [way.onnx_function for way in ways]


def test_what_a_user_takes_from_the_library_or_adds_counts_from_then_on(monkeypatch):
    def is_known():
        with torchlib.quick_registry():
            return ONNXRegistry.from_torchlib().is_registered(torch.ops.aten.cumsum.default)

    library = registration.default_registry._registry
    assert is_known()
    with monkeypatch.context() as patch:
        patch.delitem(library, "aten::cumsum")
        assert not is_known()
    assert is_known()


def test_operators_that_come_to_be_later_count_from_then_on(monkeypatch):
    """As those of a quantised model do, which exist once torch.ao is imported."""
    name = "onnxmagic_tests::sum_of_rows"
    library = registration.default_registry._registry
    monkeypatch.setitem(library, name, library["aten::cumsum"])

    def is_known():
        with torchlib.quick_registry():
            return name in ONNXRegistry.from_torchlib().functions

    assert not is_known()
    torch.library.define(name, "(Tensor x, int dim, *, ScalarType? dtype=None) -> Tensor")
    assert is_known()


class Mixed(nn.Module):
    def forward(self, x):
        return torch.cumsum(x.relu(), 1).softmax(-1)[:, ::2]


def test_the_graph_is_the_same_without_the_shortcut(monkeypatch):
    quick = onnxmagic.export(Mixed(), (torch.randn(2, 3),)).graph
    monkeypatch.setattr(sys.modules["onnxmagic.export.capture"], "quick_registry", contextlib.nullcontext)
    slow = onnxmagic.export(Mixed(), (torch.randn(2, 3),)).graph
    assert [(n.op_type, n.inputs, n.outputs) for n in quick.nodes] == [
        (n.op_type, n.inputs, n.outputs) for n in slow.nodes
    ]

"""A file that computes something else: its first wrong value is named, with node, module and the user's line."""

from __future__ import annotations

import linecache

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from state_of_notebook import notebook_state
from torch import nn
from torch.nn import functional

import onnxmagic
from onnxmagic.check.mistranslations import MISTRANSLATED
from onnxmagic.export import locate, pipeline
from onnxmagic.export.second_leg import SecondLeg, SecondOpinion
from onnxmagic.runtime.ort import OnnxRuntime


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.first, self.second = nn.LayerNorm(16), nn.LayerNorm(16)
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)
        self.act = nn.GELU()

    def forward(self, x, mask):
        q, k, v = self.qkv(self.first(x)).chunk(3, -1)
        scores = q @ k.transpose(1, 2) / 4
        scores = scores.masked_fill(mask[:, None] == 0, -1e4)
        x = x + self.out(scores.softmax(-1) @ v)
        return x + self.down(self.act(self.up(self.second(x))))


class Net(nn.Module):
    """A stem of convolutions, two blocks of attention, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(3, 16, 3, padding=1), nn.BatchNorm1d(16), nn.ReLU())
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.head = nn.Linear(16, 5)

    def forward(self, x, mask):
        y = self.stem(x).transpose(1, 2)
        for block in self.blocks:
            y = block(y, mask)
        y = y[:, 1:]
        return self.head(y.mean(1))


def the(model: ir.Model, op_type: str, module: str = "") -> ir.Node:
    """Return the first node of this type that came from `module`."""
    return next(
        node
        for node in model.graph
        if node.op_type == op_type and f"'{module}'" in node.metadata_props.get("pkg.torch.onnx.name_scopes", "''")
    )


def change(value: ir.Value, function) -> None:
    """Put a changed copy in place of an initializer's values, which are the model's own."""
    value.const_value = ir.tensor(np.ascontiguousarray(function(value.const_value.numpy().copy())))


def scaled_row(values: np.ndarray) -> np.ndarray:
    values[..., 3] *= 1.001
    return values


def weight_row(model):
    node = the(model, "MatMul", "blocks.1.up")
    change(node.inputs[1], scaled_row)
    return "blocks.1.up"


def epsilon(model):
    node = the(model, "LayerNormalization", "blocks.0.second")
    node.attributes["epsilon"] = ir.AttrFloat32("epsilon", 1.5e-5)
    return "blocks.0.second"


def softmax_axis(model):
    node = the(model, "Softmax", "blocks.1")
    node.attributes["axis"] = ir.AttrInt64("axis", 1)
    return "blocks.1"


def approximate_gelu(model):
    node = the(model, "Gelu", "blocks.0.act")
    node.attributes["approximate"] = ir.AttrString("approximate", "tanh")
    return "blocks.0.act"


def mask_dropped(model):
    node = the(model, "Where", "blocks.0")
    node.replace_input_with(1, node.inputs[2])
    return "blocks.0"


def not_transposed(model):
    node = the(model, "Transpose", "blocks.0")
    node.attributes["perm"] = ir.AttrInt64s("perm", [0, 1, 2])
    return "blocks.0"


def batch_norm(model):
    """The epsilon of a batch norm that was folded into its convolution: the weights are a little larger."""
    change(the(model, "Conv").inputs[1], lambda values: values * np.float32(1.0005))
    return "stem.0"


def slice_off_by_one(model):
    start = ir.Value(name="start", const_value=ir.tensor(np.array([0]), name="start"))
    model.graph.register_initializer(start)
    end = ir.Value(name="end", const_value=ir.tensor(np.array([-1]), name="end"))
    model.graph.register_initializer(end)
    node = the(model, "Slice")
    node.replace_input_with(1, start)
    node.replace_input_with(2, end)
    return ""


def wrong_pad(model):
    the(model, "Conv").attributes["pads"] = ir.AttrInt64s("pads", [2, 0])
    return "stem.0"


def slightly_more(model):
    node = the(model, "Add", "blocks.1.out")
    change(node.inputs[1], lambda values: values * np.float32(1.01))
    return "blocks.1.out"


STEM = "y = self.stem(x).transpose(1, 2)"
SCORES = "scores = q @ k.transpose(1, 2) / 4"
MASKED = "scores = scores.masked_fill(mask[:, None] == 0, -1e4)"
ATTENTION = "x = x + self.out(scores.softmax(-1) @ v)"
FORWARD = "return x + self.down(self.act(self.up(self.second(x))))"
INJECTED = [
    # The weight is that of the product, whose sum with the bias is the first value that PyTorch has as well.
    (weight_row, "linear_6", "Add", FORWARD),
    (epsilon, "layer_norm_1", "LayerNormalization", FORWARD),
    (softmax_axis, "softmax_1", "Softmax", ATTENTION),
    (approximate_gelu, "gelu", "Gelu", FORWARD),
    (mask_dropped, "masked_fill", "Where", MASKED),
    (not_transposed, "transpose_1", "Transpose", SCORES),
    (batch_norm, "getitem", "Conv", STEM),
    (slice_off_by_one, "slice_1", "Slice", "y = y[:, 1:]"),
    (wrong_pad, "getitem", "Conv", STEM),
    (slightly_more, "linear_5", "Add", ATTENTION),
]


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = Net().eval()
    model.stem[1].running_var.uniform_(0.5, 2)
    return model, (torch.randn(2, 3, 16), torch.tensor([[1] * 16, [1] * 9 + [0] * 7]))


@pytest.fixture
def spoiled(monkeypatch):
    """Let torch's exporter make a mistake of our choice, in every program that it makes."""

    def spoil(damage):
        export, module = torch.onnx.export, []

        def wrong(*args, **kwargs):
            program = export(*args, **kwargs)
            module.append(damage(program.model))
            return program

        monkeypatch.setattr(torch.onnx, "export", wrong)
        # The second opinion is another export, which costs time and has no part in this.
        monkeypatch.setattr(SecondOpinion, "__call__", lambda *_: SecondLeg("wrong", "translated wrongly"))
        return module

    return spoil


def found(result, code="OM401"):
    return next(finding for finding in result.findings if finding.code == code)


@pytest.mark.parametrize(
    ("damage", "value", "operator", "source"), INJECTED, ids=[each[0].__name__ for each in INJECTED]
)
def test_every_injected_bug_is_placed_exactly(net, spoiled, damage, value, operator, source):
    module = spoiled(damage)
    result = onnxmagic.export(*net, dynamic=False)
    finding = found(result)
    assert f"begins at `{value}` (`{operator}`" in finding.message
    assert finding.where.module == module[0]
    assert finding.where.source == source
    assert finding.where.file == "test_locate.py"
    assert linecache.getline(__file__, finding.where.line).strip() == source
    (node,) = [node for node in result.graph.nodes if value in node.outputs]
    assert (finding.where.node, node.op_type) == (node.name, operator)
    assert "more value" not in finding.message  # one mistake, one place


class Average(nn.Module):
    def forward(self, x):
        y = x * 2
        y = functional.avg_pool2d(y, 2, divisor_override=3)
        return y.relu()


class Mean(nn.Module):
    def forward(self, x):
        index = torch.tensor([0, 1, 1, 0]).expand_as(x)
        y = x.new_zeros(x.shape[0], 2).scatter_reduce(1, index, x, "mean")
        return y.tanh()


class Put(nn.Module):
    def forward(self, x):
        y = torch.ones_like(x).index_put((torch.arange(4),), x.sum(0), accumulate=True)
        return y.tanh()


def test_a_wrong_translation_is_named_with_the_users_line_and_what_to_write():
    finding = found(onnxmagic.export(Average(), (torch.rand(2, 1, 4, 4),)))
    assert "`avg_pool2d` (`AveragePool`)" in finding.message
    assert "torch's exporter wrote something else than `aten.avg_pool2d`" in finding.message
    assert finding.where.file == "test_locate.py"
    assert finding.where.source == "y = functional.avg_pool2d(y, 2, divisor_override=3)"
    assert "avg_pool2d(x, 2) * (4 / 3)" in finding.fix.text


def test_the_mean_that_scatters_wrongly_is_named_too():
    finding = found(onnxmagic.export(Mean(), (torch.randn(2, 4),)))
    assert finding.where.source == 'y = x.new_zeros(x.shape[0], 2).scatter_reduce(1, index, x, "mean")'
    assert finding.where.node == "node_scatter_reduce"


def test_what_torchs_optimiser_breaks_is_exported_without_it_and_said():
    result = onnxmagic.export(Put(), (torch.randn(4, 4),), dynamic=False)
    assert result.parity.ok
    finding = found(result, "OM312")
    assert "`aten.index_put.default` computes something else" in finding.message
    assert finding.where.source.startswith("y = torch.ones_like(x).index_put")
    assert result.ok


def test_infinity_has_a_place_and_a_cure():
    class Net(nn.Module):
        def forward(self, x):
            return functional.logsigmoid(x * 200 - 300).neg()

    finding = found(onnxmagic.export(Net(), (torch.rand(2, 4),)), "OM402")
    assert finding.where.source == "return functional.logsigmoid(x * 200 - 300).neg()"
    assert "`log_sigmoid` (`Log`)" in finding.message
    assert finding.fix.text == "-F.softplus(-x)"


def test_an_output_that_is_called_like_another_value():
    class Net(nn.Module):
        def forward(self, x):
            return {"mul": functional.avg_pool2d(x, 2, divisor_override=3) + 1}

    assert "begins at `avg_pool2d`" in found(onnxmagic.export(Net(), (torch.rand(2, 1, 4, 4),))).message


def test_a_branch_that_only_the_exporter_takes():
    class Inner(nn.Module):
        def forward(self, x):
            return x * 3 if torch.compiler.is_exporting() else x * 2

    model = nn.Sequential(nn.Linear(4, 4), Inner(), nn.ReLU())
    finding = found(onnxmagic.export(model.eval(), (torch.rand(2, 4),)))
    assert "took another way in `1`" in finding.message
    assert finding.where.module == "1"


class Wrong(OnnxRuntime):
    """A runtime whose optimiser makes Sub of Add."""

    def load(self, path, *, optimize=True, level="", weights_in=None):
        if optimize and level != "ORT_ENABLE_BASIC":
            path = self.worse(path, path.with_name("worse.onnx"))
        return super().load(path, optimize=optimize, level=level, weights_in=weights_in)

    def write_optimised(self, path, target):
        self.worse(path, target)

    def worse(self, path, target):
        model = onnx.load(path)
        next(node for node in model.graph.node if node.op_type == "Add").op_type = "Sub"
        onnx.save(model, target)
        return target


def test_where_only_the_runtimes_optimiser_is_wrong_it_says_so(monkeypatch):
    monkeypatch.setattr(pipeline, "OnnxRuntime", Wrong)

    class Net(nn.Module):
        def forward(self, x):
            return (x * 2 + x.exp()).relu()

    finding = found(onnxmagic.export(Net(), (torch.rand(2, 4),)))
    assert "The file is right: without its optimiser ONNX Runtime" in finding.message
    assert "(`Sub`)" in finding.message
    assert finding.where.source == "return (x * 2 + x.exp()).relu()"
    assert finding.fix.text.endswith("GraphOptimizationLevel.ORT_ENABLE_BASIC")


def test_two_mistakes_are_two(net, spoiled):
    def both(model):
        return (approximate_gelu(model), mask_dropped(model))

    spoiled(both)
    finding = found(onnxmagic.export(*net, dynamic=False))
    assert finding.where.module == "blocks.0"
    assert "One more value differs for a reason of its own" in finding.message


def test_no_place_is_claimed_where_none_was_found(monkeypatch):
    monkeypatch.setattr(locate, "MOST_BYTES", 10)
    finding = found(onnxmagic.export(Average(), (torch.rand(2, 1, 4, 4),)))
    assert "Where it begins could not be found: its values take" in finding.message
    assert finding.fix is None


def test_the_notebook_is_as_it_was(net, spoiled, tmp_path):
    model, args = net
    before = notebook_state(model, *args)
    spoiled(epsilon)
    path = tmp_path / "net.onnx"
    onnxmagic.export(model, args, dynamic=False, output=path)
    assert notebook_state(model, *args) == before
    assert list(tmp_path.iterdir()) == [path]


WRITTEN = {
    "aten.avg_pool2d": torch.rand(2, 1, 4, 4),
    "aten.scatter_reduce": torch.randn(2, 4),
    "aten.log_sigmoid": torch.linspace(-200, 3, 8)[None],
}


@pytest.mark.parametrize("target", MISTRANSLATED)
def test_what_to_write_instead_exports_and_agrees(target):
    def run(text, x):
        index = torch.tensor([0, 1, 1, 0]).expand_as(x) if x.shape[-1] == 4 and x.ndim == 2 else None
        zeros = x.new_zeros(x.shape[0], 2)
        return eval(text, {"F": functional, "torch": torch, "x": x, "zeros": zeros, "index": index})

    class Net(nn.Module):
        def forward(self, x):
            return run(MISTRANSLATED[target].write, x)

    x = WRITTEN[target]
    torch.testing.assert_close(Net()(x), run(MISTRANSLATED[target].instead_of, x))
    assert onnxmagic.export(Net(), (x,)).parity.ok

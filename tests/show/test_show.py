"""``onnxmagic.show``: what can be shown, what the result is, and that nothing is claimed or touched."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import onnx
import onnx.parser
import pytest
import torch

import onnxmagic
from onnxmagic.errors import UsageMistake

LAYER = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch, 4] x) => (float[batch, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [head__MatMul] h = MatMul (x, w)
   [head__Add] s = Add (h, b)
   [act__Relu] y = Relu (s)
}
"""
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "shown.schema.json").read_text(encoding="utf-8"))


def layer() -> onnx.ModelProto:
    """Return a small model whose nodes are called as older exporters call them: by the path of their module."""
    model = onnx.parser.parse_model(LAYER)
    for node in model.graph.node:
        node.name = f"/{node.name.replace('__', '/')}"
    return model


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8))
        self.head = torch.nn.Linear(8, 2)
        self.drop = torch.nn.Dropout()

    def forward(self, x):
        return self.head(self.drop(self.body(x)))


@pytest.fixture
def path(tmp_path):
    (tmp_path / "net.onnx").write_bytes(layer().SerializeToString())
    return tmp_path / "net.onnx"


@pytest.fixture(scope="module")
def export():
    return onnxmagic.export(Net(), (torch.randn(1, 4),), prove=False)


def test_a_file_by_its_path(path):
    for target in (path, str(path)):
        shown = onnxmagic.show(target)
        assert (shown.name, shown.path, shown.nbytes) == ("net.onnx", path, path.stat().st_size)
        assert [node.op_type for node in shown.graph.nodes] == ["MatMul", "Add", "Relu"]
        assert repr(shown) == "<Shown net.onnx: 3 nodes>"


def test_bytes_and_a_proto(path):
    data = path.read_bytes()
    assert (onnxmagic.show(data).name, onnxmagic.show(data).path) == ("the bytes", None)
    assert onnxmagic.show(onnx.load(path), name="mine").name == "mine"


def test_results_of_this_session(export, path):
    check = onnxmagic.check(path, run=False)
    assert onnxmagic.show(check).graph is check.graph
    shown = onnxmagic.show(export)
    assert (shown.graph, shown.name, shown.path) == (export.graph, "Net", None)
    assert onnxmagic.show(shown).graph is export.graph
    assert (shown.value("x") == export.value("x")).all()
    assert shown.inside.value(shown.graph.outputs[0].name).on == "your example"


def test_the_check_of_a_model_has_a_graph_and_no_values():
    shown = onnxmagic.show(onnxmagic.check(Net(), (torch.randn(1, 4),), run=False))
    assert "Gemm" in {node.op_type for node in shown.graph.nodes}
    with pytest.raises(UsageMistake, match="No file of Net was kept"):
        shown.weight("head.weight")


def test_a_call_is_exported_without_a_proof_and_the_model_is_as_it_was():
    model, x = Net().train(), torch.randn(1, 4)
    state = torch.random.get_rng_state()
    stages = []
    shown = onnxmagic.show(model, (x,), name="model", progress=stages.append)
    assert (shown.name, shown.path) == ("model", None)
    assert "capture" in stages
    assert "prove" not in stages
    assert shown.value("x").tolist() == x.tolist()
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_model_that_fails_fails_with_its_own_error():
    with pytest.raises(onnxmagic.ModelFailed):
        onnxmagic.show(Net(), (torch.randn(1, 5),))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing.onnx", "There is no file nothing.onnx."),
        (b"nothing", "Nothing can be shown: these bytes are no ONNX model"),
        (3, "This is of type int; pass a torch.nn.Module with its arguments"),
    ],
)
def test_what_cannot_be_shown(target, message):
    with pytest.raises(UsageMistake) as caught:
        onnxmagic.show(target)
    assert str(caught.value).startswith(message)


def test_a_damaged_file_and_its_check(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"<html>")
    with pytest.raises(UsageMistake, match=r"`net\.onnx` is no ONNX model: it is a web page"):
        onnxmagic.show(tmp_path / "net.onnx")
    with pytest.raises(UsageMistake, match=r"There is no graph to show: the check of net\.onnx"):
        onnxmagic.show(onnxmagic.check(tmp_path / "net.onnx"))


def test_arguments_go_with_a_model(path):
    with pytest.raises(UsageMistake, match="Arguments go with a model"):
        onnxmagic.show(path, (1,))


def test_modules_that_are_open_at_first(export):
    assert onnxmagic.show(export, opened="body.0").opened == ("body.0",)
    assert onnxmagic.show(export, opened=["body", "head"]).opened == ("body", "head")
    with pytest.raises(UsageMistake, match=r"There is no module `bodi` to open. Did you mean `body`"):
        onnxmagic.show(export, opened="bodi")
    with pytest.raises(UsageMistake, match=r"There is no module `\?` to open. The outermost are `body`"):
        onnxmagic.show(export, opened="?")


def test_the_report_says_what_is_there_and_that_nothing_was_proved(path):
    text = str(onnxmagic.show(path))
    first, second = text.splitlines()[:2]
    assert first.startswith("· This is what is in the file. Nothing was run, compared or judged.")
    for fact in ("net.onnx", "opset 20", "3 nodes", "10 parameters", "FLOP at batch 1"):
        assert fact in first + second
    assert "x  float32" in text
    assert "ready" not in text.lower()
    assert "✓" not in text


def test_the_same_in_html(export):
    html = onnxmagic.show(export, opened="body")._repr_html_()
    assert "Nothing was run, compared or judged." in html
    assert 'data-testid="om-show"' in html
    assert "data-payload=" in html


def test_what_a_result_is_as_json(path, export):
    for shown in (onnxmagic.show(path), onnxmagic.show(export, opened="body")):
        data = json.loads(json.dumps(shown.to_dict(), allow_nan=False))
        jsonschema.validate(data, SCHEMA)
    assert (data["opened"], data["parameters"]) == (["body"], 130)


def test_two_of_one_file_are_equal(path):
    assert onnxmagic.show(path) == onnxmagic.show(path)


def test_a_name_that_is_markup_is_text(tmp_path):
    model = layer()
    model.graph.node[0].name = '</script><img src=x onerror="alert(1)">'
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    html = onnxmagic.show(tmp_path / "net.onnx")._repr_html_()
    assert "<img src=x" not in html
    assert html.count("</script>") == 1

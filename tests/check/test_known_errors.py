"""The errors of PyTorch, the ONNX checker and ONNX Runtime, provoked for real and recognised by what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
import torch
from torch import nn

import onnxmagic
from onnxmagic.check.known_errors import explain, known_error, known_errors, see
from onnxmagic.errors import UsageMistake

HEAD = '<ir_version: 10, opset_import: ["" : 20]> g '
RELU = HEAD + "(float[1, 4] x) => (float[1, 4] y) { y = Relu (x) }"
GROWN = HEAD + "(float[n, 4] x) => (float[1, 4] y) <int64[2] s = {1, 4}> { y = Reshape (x, s) }"
LOOSE = HEAD + "(float[n] x, float[m] z) => (float[k] y) { y = Add (x, z) }"


def model(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(text)


def session(text: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model(text).SerializeToString(), options, providers=["CPUExecutionProvider"])


def check(text: str) -> None:
    onnx.checker.check_model(model(text), full_check=True)


def zeros(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.zeros(shape, dtype)


RUNTIME = {
    "got-invalid-dimensions-for-input": [
        lambda: session(RELU).run(None, {"x": zeros(4, 4)}),
        lambda: session(RELU).run(None, {"x": zeros(4)}),
    ],
    "unexpected-input-data-type": [lambda: session(RELU).run(None, {"x": zeros(1, 4, dtype="float64")})],
    "input-names": [
        lambda: session(RELU).run(None, {}),
        lambda: session(RELU).run(None, {"x": zeros(1, 4), "z": zeros(1)}),
        lambda: session(RELU).run(["z"], {"x": zeros(1, 4)}),
        lambda: session(RELU).run(None, {"x": torch.zeros(1, 4)}),
    ],
    "ir-version-too-new": [lambda: session(RELU.replace("ir_version: 10", "ir_version: 99"))],
    "opset-not-supported": [lambda: session(RELU.replace(": 20]", ": 99]"))],
    "no-operator-of-that-name": [
        lambda: session(RELU.replace("Relu", "Bar")),
        lambda: session(RELU.replace("Relu", "foo.Bar").replace(": 20]", ': 20, "foo" : 1]')),
    ],
    "could-not-find-an-implementation": [lambda: session(RELU.replace("float", "bfloat16"))],
    "type-error": [
        lambda: session(RELU.replace("float", "uint8").replace("Relu", "Neg")),
        lambda: session(HEAD + "(float[1] x, double[1] z) => (float[1] y) { y = Add (x, z) }"),
    ],
    "nodes-out-of-order": [lambda: session(RELU.replace("Relu (x)", "Add (x, w)"))],
    "cannot-be-reshaped": [
        lambda: session(GROWN).run(None, {"x": zeros(2, 4)}),
        lambda: session(LOOSE).run(None, {"x": zeros(2), "z": zeros(3)}),
    ],
    "not-an-onnx-file": [lambda: onnxruntime.InferenceSession("pointer.onnx"), lambda: onnx.load("pointer.onnx")],
    "file-does-not-exist": [lambda: onnxruntime.InferenceSession("missing.onnx")],
    "external-data-path-does-not-exist": [
        lambda: onnxruntime.InferenceSession("two.onnx"),
        lambda: onnx.load("two.onnx"),
    ],
}
CHECKER = {
    "ir-version-too-new": [lambda: check(RELU.replace("ir_version: 10", "ir_version: 99"))],
    "no-operator-of-that-name": [
        lambda: check(RELU.replace("Relu", "Bar")),
        lambda: check(RELU.replace("Relu", "foo.Bar")),
        lambda: check(RELU.replace("Relu (x)", "Relu <extra = 1> (x)")),
    ],
    "type-error": [lambda: check(RELU.replace("float", "uint8").replace("Relu", "Neg"))],
    "shapes-that-contradict-each-other": [
        lambda: check(RELU.replace("(float[1, 4] y)", "(float[1, 5] y)")),
        lambda: check(HEAD + "(float[3, 4] x, float[3, 4] z) => (float[3, 4] y) { y = MatMul (x, z) }"),
    ],
    "nodes-out-of-order": [lambda: check(HEAD + "(float[1] x) => (float[1] y) { y = Relu (z) z = Relu (x) }")],
}


class Says(nn.Module):
    """A model whose forward is a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


X = torch.randn(2, 4)


def export(exported, *args, **options):
    torch.onnx.export(exported, args, dynamo=True, verbose=False, **options)


TORCH = {
    "operator-not-supported": [lambda: export(Says(lambda x: torch.cdist(x, x)), X)],
    "a-branch-depends-on-values": [lambda: export(Says(lambda x: x if x.sum() > 0 else -x), X)],
    "output-of-an-unknown-type": [
        lambda: export(Says(lambda x: object()), X),
        lambda: export(Says(lambda x: (x, 3)), X),
    ],
    "not-a-module": [lambda: export(lambda x: x, X)],
    "names-of-dynamic-axes-do-not-fit": [lambda: export(nn.ReLU(), X, dynamic_shapes={"x": {0: "batch"}})],
    "the-example-does-not-fit-the-model": [
        lambda: nn.Linear(5, 4)(X),
        lambda: export(nn.Linear(5, 4), X),
        lambda: nn.Linear(4, 4).half()(X),
        lambda: export(nn.ReLU(), X, X),
        lambda: export(nn.ReLU(), X.numpy()),
    ],
    "one-value-per-channel-in-training": [lambda: nn.BatchNorm1d(4)(torch.randn(1, 4))],
    "two-devices": [lambda: export(Says(lambda x: x + torch.ones(4, device="meta")), X)],
    "unexpected-keyword-argument-of-the-exporter": [lambda: export(nn.ReLU(), X, fallback=True)],
}


def first_cause(error: BaseException) -> BaseException:
    return first_cause(error.__cause__) if error.__cause__ else error


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pointer in place of a model, and a model whose second file is lost."""
    monkeypatch.chdir(tmp_path)
    Path("pointer.onnx").write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    two = model(HEAD + "(float[2, 4] x) => (float[2, 4] y) { y = Add (x, w) }")
    two.graph.initializer.append(onnx.numpy_helper.from_array(zeros(2, 4), "w"))
    onnx.save(two, "two.onnx", save_as_external_data=True, location="two.data", size_threshold=0)
    Path("two.data").unlink()


@pytest.mark.parametrize(
    ("name", "provoke"),
    [(name, provoke) for kind in (RUNTIME, CHECKER, TORCH) for name, several in kind.items() for provoke in several],
)
@pytest.mark.filterwarnings("ignore")
def test_a_real_error_is_recognised(files: None, name: str, provoke) -> None:
    with pytest.raises(Exception) as raised:  # each library has its own kinds
        provoke()
    known = known_error(str(first_cause(raised.value)))
    assert known is not None, raised.value
    assert known.name == name


@pytest.mark.parametrize("known", known_errors(), ids=lambda known: known.name)
def test_each_entry_has_texts_a_cause_and_a_cure(known) -> None:
    assert known.texts
    assert "**Cause.** " in known.body
    assert "**Cure.** " in known.body
    assert all(known.says(text.lower()) for text in known.texts)
    assert known_error(known.name) is known


def test_names_are_unique() -> None:
    names = [known.name for known in known_errors()]
    assert len(names) == len(set(names)) >= 25


def test_a_message_leads_to_its_entry() -> None:
    assert see("Could not find an implementation for Gemm(13)").endswith(
        "`%onnx_check --explain could-not-find-an-implementation`."
    )
    assert see("something else") == ""


def test_an_entry_is_printed_as_text() -> None:
    text = explain("got-invalid-dimensions-for-input")
    assert text.startswith("Got invalid dimensions for input (from ONNX Runtime)\n")
    assert "**" not in text
    assert "](" not in text


def test_an_entry_is_found_by_its_title_as_well() -> None:
    assert all(known_error(known.title) is known for known in known_errors())
    assert known_error("Got invalid dimensions for input") is known_error("got-invalid-dimensions-for-input")


def test_the_list_of_entries() -> None:
    assert len(explain("errors").splitlines()) == len(known_errors())


@pytest.mark.parametrize("asked", ["no such thing at all", "OM9999", ""])
def test_what_is_unknown_is_said(asked: str) -> None:
    with pytest.raises(UsageMistake, match="no rule"):
        explain(asked)


@pytest.mark.parametrize(
    ("code", "text", "entry"),
    [
        ("OM311", RELU.replace("Relu (x)", "Add (x, w)"), "nodes-out-of-order"),
        ("OM311", RELU.replace("(float[1, 4] y)", "(float[1, 5] y)"), "shapes-that-contradict-each-other"),
        ("OM406", RELU.replace("float", "bfloat16").replace("Relu", "Erf"), "could-not-find-an-implementation"),
    ],
)
def test_what_a_check_says_leads_to_the_entry(code: str, text: str, entry: str) -> None:
    (finding,) = onnxmagic.check(model(text), select=code).findings
    assert f"`%onnx_check --explain {entry}`" in finding.message


def test_what_a_failed_export_says_leads_to_the_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise torch.onnx.errors.UnsupportedOperatorError("aten::foo", 20, None)

    monkeypatch.setattr(torch.onnx, "export", fails)
    with pytest.raises(onnxmagic.ExportError) as raised:
        onnxmagic.export(nn.ReLU(), (X,))
    assert "`%onnx_check --explain operator-not-supported`" in f"{raised.value} {raised.value.detail}"

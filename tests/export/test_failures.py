"""A failed export is one short report that names the cause, the user's line, and what to write instead."""

import re

import pytest
import torch
from models import Gate, Lambda, Unsupported
from torch import nn

import onnxmagic


def failing(model, *args, **options):
    with pytest.raises(onnxmagic.ExportError) as caught:
        onnxmagic.export(model, args, **options)
    return caught.value


def test_values_that_decide_name_the_line():
    error = failing(Gate(), torch.randn(1, 4))
    finding = error.findings[0]
    assert finding.code == "OM301"
    assert (finding.where.file, finding.where.function) == ("models.py", "forward")
    assert finding.where.source == "if y.mean() > 0:"
    assert "torch.where" in finding.message + (finding.fix.text if finding.fix else "")
    assert error.__cause__ is not None


def test_all_unsupported_operators_are_named_at_once_with_their_lines():
    error = failing(Unsupported(), torch.randn(3, 3))
    sources = {finding.where.source for finding in error.findings}
    assert error.headline == "PyTorch's exporter cannot translate 3 operators."
    assert {finding.code for finding in error.findings} == {"OM302"}
    assert sources == {"a = torch.linalg.inv(x)", "b = torch.hypot(a, a)", "return torch.median(b, 0).values"}


def test_a_model_that_fails_shows_its_own_error_and_line():
    error = failing(Lambda(lambda s, x: s.l(x), l=nn.Linear(8, 4)), torch.randn(1, 7))
    assert isinstance(error, onnxmagic.ModelFailed)
    assert "mat1 and mat2 shapes cannot be multiplied" in error.headline
    assert error.where.file == "test_failures.py"
    assert isinstance(error.__cause__, RuntimeError)


def test_wrong_dtype_says_what_to_pass():
    error = failing(Lambda(lambda s, x: s.l(x), l=nn.Linear(8, 4).half()), torch.randn(1, 8))
    assert "x.to(torch.float16)" in error.advice
    assert [finding.code for finding in error.findings] == ["OM210"]


@pytest.mark.parametrize(
    ("function", "message", "advice"),
    [
        (lambda s, x: (x, 3), r"returns `3` as `output\[1\]`", "torch.tensor"),
        (lambda s, x: {"a": x, "b": "name"}, r"returns `'name'` as `output\['b'\]`", "tensors only"),
        (lambda s, x: (x, object()), "returns an object of class `object`", "tuple or dict of tensors"),
        (lambda s, x: None, "returns nothing", "return a tensor"),
    ],
)
def test_outputs_that_no_graph_has(function, message, advice):
    error = failing(Lambda(function), torch.randn(1, 4))
    assert re.search(message, error.headline)
    assert advice in (error.findings[0].fix.text if error.findings else error.advice)


def test_report_in_a_terminal_is_short():
    error = failing(Gate(), torch.randn(1, 4))
    lines = error._render_traceback_()
    assert len("\n".join(lines).splitlines()) < 12
    assert "OM301" in "\n".join(lines)

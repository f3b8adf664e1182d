"""What is recommended instead of an operator exports, and computes the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from onnxmagic.check.replacements import REPLACEMENTS, replacement

torch.manual_seed(1)
X = torch.randn(3, 7)
X[0, 1] = X[0, 4]  # a most frequent value
MATRIX = torch.randn(4, 4)
SCOPE: dict[str, Any] = {
    "torch": torch,
    "F": functional,
    "y": torch.randn(4, 7),
    "a": MATRIX @ MATRIX.T + torch.eye(4),
    "edges": torch.randn(3, 5).sort(-1).values,
    "index": torch.tensor([2, 5]),
    "values": torch.tensor([1.0, 2.0]),
    "k": 3,
    "n": 3,
    "w": 7,
    "lower": 1 / 8,
    "upper": 1 / 3,
}
EXPRESSIONS = {target: r for target, r in REPLACEMENTS.items() if "register_buffer" not in r.write}
RANDOM = {"aten.randperm"}
EAGER_ONLY = {"aten.adaptive_max_pool2d": "F.adaptive_max_pool2d(x[None], (x.shape[-2], n))[0]"}


class Written(nn.Module):
    """All the code that is recommended, in one model."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [eval(r.write, {**SCOPE, "x": x}) for r in EXPRESSIONS.values()]


def test_replacements_export_and_agree() -> None:
    program = torch.onnx.export(Written().eval(), (X,), verbose=False)
    assert program is not None
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    outputs = session.run(None, {"x": X.numpy()})
    for (target, r), got in zip(EXPRESSIONS.items(), outputs, strict=True):
        expected = eval(EAGER_ONLY.get(target, r.instead_of), {**SCOPE, "x": X})
        if target in RANDOM:
            assert sorted(np.asarray(got)) == sorted(expected.tolist())
        else:
            np.testing.assert_allclose(got, expected.numpy(), rtol=1e-5, atol=1e-5, err_msg=target)


@pytest.mark.parametrize("target", [t for t in REPLACEMENTS if t not in EXPRESSIONS])
def test_what_is_done_once_in_init_runs(target: str) -> None:
    module = nn.Module()
    eval(REPLACEMENTS[target].write, {**SCOPE, "self": module})
    assert torch.equal(module.get_buffer("done"), eval(REPLACEMENTS[target].instead_of, SCOPE))


def test_an_overload_is_found_by_its_operator() -> None:
    assert replacement("aten.median.dim") is REPLACEMENTS["aten.median"]
    assert replacement("aten.unheard_of.default") is None

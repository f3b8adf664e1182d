"""A row that its mask hides wholly: tried when there is a mask, and told when the file answers otherwise."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import onnxmagic

X = torch.randn(2, 1, 5, 4, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


class Attention(nn.Module):
    def forward(self, x, mask):
        return functional.scaled_dot_product_attention(x, x, x, attn_mask=mask[:, None, None].bool())


class Negative(nn.Module):
    """A float mask of minus infinity, which the runtime turns into NaN."""

    def forward(self, x, mask):
        bias = torch.where(mask[:, None, None].bool(), 0.0, float("-inf"))
        return functional.scaled_dot_product_attention(x, x, x, attn_mask=bias)


class Least(nn.Module):
    """The smallest number in place of minus infinity: one code for PyTorch and the file."""

    def forward(self, x, mask):
        scores = (x @ x.transpose(-1, -2)).masked_fill(mask[:, None, None] == 0, torch.finfo(x.dtype).min)
        return scores.softmax(-1) @ x


class Hides(nn.Module):
    """Says with 1 what is hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Attention()

    def forward(self, x, padding_mask):
        return self.inner(x, 1 - padding_mask)


def export(model, mask=MASK, x=X, **options):
    return onnxmagic.export(model.eval(), (x, mask), **options)


def test_a_row_that_the_file_answers_otherwise_is_told_and_the_proof_stands():
    result = export(Attention())
    finding = next(f for f in result.findings if f.code == "OM403")
    assert finding.severity == "warning"
    assert "that `mask` masks wholly" in finding.message
    assert "`output`: differs by" in finding.message
    assert finding.fix.option == "--opset 23"
    assert result.ok
    assert result.parity.ok


def test_a_row_that_is_nan_in_the_file_alone():
    assert "only the file has NaN" in next(f for f in export(Negative()).findings if f.code == "OM403").message


@pytest.mark.parametrize("mask", [1 - MASK, 1 - MASK[:1]], ids=["batch", "one row"])
def test_a_mask_that_says_what_is_hidden(mask):
    result = export(Hides(), mask, X[: len(mask)])
    assert "OM403" in {f.code for f in result.findings}


@pytest.mark.parametrize(
    ("model", "mask"),
    [(Least(), MASK), (Least(), MASK.bool()), (Attention(), MASK.float()), (Attention(), MASK * 3)],
    ids=["least", "bool", "float", "no mask"],
)
def test_no_false_alarm(model, mask):
    assert "OM403" not in {f.code for f in export(model, mask).findings}


def test_padding_that_pytorch_has_nan_for_too():
    layer = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()
    result = onnxmagic.export(layer, (torch.randn(2, 5, 8),), {"src_key_padding_mask": MASK == 0})
    assert "OM403" not in {f.code for f in result.findings}
    assert result.parity.ok


def test_a_mask_that_the_model_refuses_when_it_hides_everything():
    class Strict(nn.Module):
        def forward(self, x, mask):
            if not torch.compiler.is_exporting() and not mask.any(1).all():
                raise ValueError("an empty row")
            return x * mask[:, None, :, None]

    result = export(Strict())
    assert result.parity.ok
    assert "OM403" not in {f.code for f in result.findings}


def test_without_a_proof_nothing_is_tried():
    assert "OM403" not in {f.code for f in export(Attention(), prove=False).findings}


def test_the_operator_set_that_is_proposed_mends_it():
    class Wide(nn.Module):
        def forward(self, x, mask):
            wide = mask[:, None, None].bool().expand(-1, 1, x.shape[2], -1)
            return functional.scaled_dot_product_attention(x, x, x, attn_mask=wide)

    assert "OM403" in {f.code for f in export(Wide()).findings}
    result = export(Wide(), opset=23)
    assert result.parity.ok
    assert "OM403" not in {f.code for f in result.findings}

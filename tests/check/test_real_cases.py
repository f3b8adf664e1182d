"""Mistakes as people meet them: files made with PyTorch's own exporters and onnx's own ``save``, checked as files.

The rules' examples are the smallest that show a mistake; these are the ways in which it comes about. Each has its twin,
made as it should be, of which the rule says nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

import onnxmagic

pytestmark = pytest.mark.usefixtures("one_registry")
IMAGE = torch.rand(1, 3, 16, 16)
WIDE = torch.randn(2, 64)


class Says(nn.Module):
    """A model whose forward is a function of its input, and of its parts."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleDict(parts)

    def forward(self, x, *more):
        return self.function(self, x, *more)


def torchs(model: nn.Module, *args: torch.Tensor, path: str = "net.onnx", **options: Any) -> Path:
    """Export as people do, with PyTorch alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, path, **{"dynamo": True, "external_data": False, "verbose": False, **options})
    return Path(path)


def dropping(train: bool) -> Path:
    """A3: fine-tuned with one layer in training mode, and exported so."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval()
    model[1].train(train)
    return torchs(model, torch.randn(2, 4))


def noisy(noise: bool) -> Path:
    """A6: the noise of a variational autoencoder."""
    parts = {"mean": nn.Linear(4, 2), "spread": nn.Linear(4, 2)}

    def forward(self, x):
        mean = self.parts["mean"](x)
        return mean + self.parts["spread"](x).exp() * torch.randn_like(mean) if noise else mean

    return torchs(Says(forward, **parts).eval(), torch.randn(2, 4))


def half(wrong: bool) -> Path:
    """H3: a norm in a model that was made float16, with an epsilon that float16 does not have."""

    def forward(self, x):
        wide = x if wrong else x.float()
        return (wide / torch.sqrt(wide.square().mean(-1, keepdim=True) + 1e-8)).to(x.dtype)

    return torchs(Says(forward).half().eval(), WIDE.half())


def tied(twice: bool) -> Path:
    """J4: two layers that were loaded from the same weights."""
    one, two = nn.Linear(64, 64), nn.Linear(64, 64)
    if twice:
        two.load_state_dict(one.state_dict())
    return torchs(nn.Sequential(one, nn.ReLU(), two).eval(), WIDE)


def without_shapes(legacy: bool) -> Path:
    """I6: the older exporter tells the shape of no value in between."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2)).eval()
    return torchs(model, IMAGE, dynamo=not legacy)


def one_name(clash: bool) -> Path:
    """B12: the older exporter takes any name for any axis; this one grows to twice the batch."""
    axes = {"x": {0: "batch"}, "y": {0: "batch" if clash else "twice"}}
    return torchs(
        Says(lambda self, x: torch.cat([x, x])),
        torch.randn(3, 4),
        dynamo=False,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes=axes,
    )


def batch_of_one(wrong: bool) -> Path:
    """B2: declared dynamic, with an example of one row: the layer's reshapes keep the 1."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    return torchs(layer, torch.randn(1 if wrong else 3, 5, 8), dynamic_shapes={"src": {0: "batch"}})


def second_file(two: bool) -> Path:
    """G1: by default the weights go to a second file."""
    return torchs(nn.Linear(64, 64).eval(), WIDE, external_data=two)


def lost(wrong: bool) -> Path:
    """G1: renaming the model has the same effect as losing the second file."""
    path = torchs(nn.Linear(64, 64).eval(), WIDE, external_data=True)
    if wrong:
        Path("net.onnx.data").rename("model.onnx.data")
    return path


def left_over(wrong: bool) -> Path:
    """G3: exported anew as one file; the old second file stays."""
    if wrong:
        torchs(nn.Linear(64, 64).eval(), WIDE, external_data=True)
    return torchs(nn.Linear(64, 64).eval(), WIDE)


def above(wrong: bool) -> Path:
    """G4: weights shared by several models, in the folder above them."""
    path = torchs(nn.Linear(64, 64).eval(), WIDE, external_data=True)
    if wrong:
        model = onnx.load(path, load_external_data=False)
        for entry in (e for tensor in model.graph.initializer for e in tensor.external_data if e.key == "location"):
            entry.value = f"../{entry.value}"
        path.write_bytes(model.SerializeToString())
    return path


def leaking(source: bool) -> Path:
    """G6: PyTorch's exporter always writes the lines of the model, and where they are, into the file."""
    path = torchs(nn.Linear(4, 2).eval(), torch.randn(2, 4))
    if not source:
        onnxmagic.export(nn.Linear(4, 2).eval(), (torch.randn(2, 4),), output=path)
    return path


def unread(mask: bool) -> Path:
    """D1: the default exporter keeps an argument that the model ignores."""
    forward = (lambda self, x, m: x * 2) if mask else (lambda self, x, m: x * m)
    return torchs(Says(forward), torch.randn(2, 4), torch.ones(2, 4))


def doubles(wrong: bool) -> Path:
    """E2: a constant of numpy's is float64."""
    mean = torch.full((4,), 0.5, dtype=torch.float64 if wrong else torch.float32)
    return torchs(Says(lambda self, x: self.parts["fc"]((x - mean).float()), fc=nn.Linear(4, 2)), torch.randn(2, 4))


def bytes_negated(wrong: bool) -> Path:
    """E6: PyTorch computes with uint8 what ONNX does not."""
    return torchs(Says(lambda self, x: -x), torch.ones(2, 4, dtype=torch.uint8 if wrong else torch.int32))


def autocast(wrong: bool) -> Path:
    """C11: autocast within the model makes it bfloat16 inside."""

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16, enabled=wrong):
            return self.parts["fc"](x)

    return torchs(Says(forward, fc=nn.Linear(4, 2)), torch.randn(2, 4))


def unrolled(wrong: bool) -> Path:
    """B14: an Elman network is unrolled to the length of the example, an LSTM is one operator."""
    rnn = (nn.RNN if wrong else nn.LSTM)(4, 8, batch_first=True).eval()
    return torchs(Says(lambda self, x: self.parts["rnn"](x)[0], rnn=rnn), torch.randn(2, 6, 4))


def own_operator(wrong: bool) -> Path:
    """F2: an operator that no runtime has."""

    def forward(self, x):
        if wrong:
            return torch.onnx.ops.symbolic("mylib::Triple", (x,), dtype=x.dtype, shape=x.shape, version=1)
        return x * 3

    return torchs(Says(forward), torch.randn(3, 4))


def masked(wrong: bool) -> Path:
    """C7: as many values as the mask says."""
    return torchs(Says(lambda self, x: x[x > 0] if wrong else x.relu()), torch.randn(3, 4))


def casts(wrong: bool) -> Path:
    """J5: to and fro between types."""
    forward = (lambda self, x: (x * 2).double().float() + 1) if wrong else (lambda self, x: x * 2 + 1)
    return torchs(Says(forward), torch.randn(2, 3))


MET = {
    "OM102": dropping,
    "OM104": noisy,
    "OM202": batch_of_one,
    "OM205": one_name,
    "OM206": unread,
    "OM212": unrolled,
    "OM303": own_operator,
    "OM305": doubles,
    "OM306": autocast,
    "OM307": masked,
    "OM309": tied,
    "OM310": casts,
    "OM311": bytes_negated,
    "OM313": without_shapes,
    "OM408": half,
    "OM601": lost,
    "OM602": second_file,
    "OM603": left_over,
    "OM604": above,
    "OM605": leaking,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)


@pytest.mark.parametrize("code", MET)
def test_the_file_that_people_make_is_found_and_its_twin_is_not(code: str) -> None:
    found = [finding for finding in onnxmagic.check(MET[code](True)).findings if finding.code == code]
    assert len(found) == 1
    for path in Path().iterdir():
        path.unlink()
    MET[code](False)
    assert code not in {finding.code for finding in onnxmagic.check("net.onnx").findings}


def antialias(wrong: bool) -> Path:
    """I3: OpenVINO and OpenCV ignore it without an error."""
    return torchs(Says(lambda self, x: functional.interpolate(x, size=(8, 8), mode="bilinear", antialias=wrong)), IMAGE)


def dynamic(wrong: bool) -> Path:
    """I5: NNAPI takes no node with a dynamic shape."""
    shapes = {"dynamic_shapes": {"input": {0: "batch"}}} if wrong else {}
    return torchs(nn.Conv2d(3, 4, 3).eval(), IMAGE.repeat(2, 1, 1, 1), **shapes)


def tokens(wrong: bool) -> Path:
    """E5: token ids are int64, which JavaScript has to pass as BigInt."""
    ids = torch.randint(0, 9, (2, 5), dtype=torch.int64 if wrong else torch.int32)
    return torchs(nn.Embedding(9, 4).eval(), ids)


def newest(wrong: bool) -> Path:
    """I2: ONNX Runtime 1.20.1 reads no opset above 21."""
    return torchs(nn.Linear(4, 2).eval(), torch.randn(2, 4), opset_version=22 if wrong else 20)


def format_10(wrong: bool) -> Path:
    """I1: what PyTorch writes by default, ONNX Runtime 1.17.3 does not read."""
    path = torchs(nn.Linear(4, 2).eval(), torch.randn(2, 4))
    if not wrong:
        model = onnx.load(path)
        model.ir_version = 8
        onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("code", "met", "target"),
    [
        ("OM502", newest, "onnxruntime==1.20.1"),
        ("OM503", format_10, "onnxruntime==1.17.3"),
        ("OM504", antialias, "openvino"),
        ("OM504", antialias, "opencv"),
        ("OM505", dynamic, "nnapi"),
        ("OM506", tokens, "onnxruntime-web"),
    ],
)
def test_what_a_target_does_not_take(code: str, met: Callable[[bool], Path], target: str) -> None:
    assert code in {finding.code for finding in onnxmagic.check(met(True), targets=target, run=False).findings}
    assert code not in {finding.code for finding in onnxmagic.check(met(False), targets=target, run=False).findings}


def test_training_mode_that_the_runtimes_optimiser_hides() -> None:
    """A3: ONNX Runtime removes the dropout, so one session agrees with itself; the file's operator tells."""
    path = dropping(train=True)
    (finding,) = [f for f in onnxmagic.check(path).findings if f.code in ("OM102", "OM405")]
    assert finding.code == "OM102"


def test_randomness_is_measured_with_the_optimiser_off() -> None:
    """H7: asked of the runs alone, two runs of one unoptimised session show the dropout."""
    codes = {f.code for f in onnxmagic.check(dropping(train=True), select="OM405").findings}
    assert codes == {"OM405"}

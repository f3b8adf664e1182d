"""What a sweep over 10,000 samples costs beside a plain loop that does the same work.

    python benchmarks/sweep.py [--samples 10000] [--rounds 5] [--json FILE]

Three models are exported with random weights: ResNet-18 and a residual network of a few layers on 3 x 32 x 32 images,
and an MLP on 784 numbers. A batch costs the sweep about a millisecond besides the two runs, whatever the model. The
small ones are there to show that; the bar is for the one that somebody would ship. Each round runs, in turn, the
sweep, a loop of ``model(x)``, ``session.run`` and the largest absolute difference, which is what a person would write,
and a loop of ``session.run`` alone. All use the same file in one and the same kind of session and the same batches of
64. The medians of the rounds are compared.

The exit status is 1 when the sweep of ResNet-18 takes longer than 1.15 times the loop that does the same work.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

from onnxmagic.export.guard import Guard
from onnxmagic.export.mode import set_eval
from onnxmagic.export.sweep.run import sweep
from onnxmagic.graph.read import read
from onnxmagic.runtime.ort import OnnxRuntime

BATCH = 64
MOST = 1.15

Seconds = dict[str, float]


class Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` and what the convolutions make of it."""
        y = self.norms[0](self.first(x)).relu()
        return (x + self.norms[1](self.second(y))).relu()


def residual() -> tuple[nn.Module, tuple[int, ...]]:
    """Return a small residual network and the shape of a sample."""
    stem = [nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU()]
    middle = [Block(16), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), Block(32)]
    return nn.Sequential(*stem, *middle, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)), (3, 32, 32)


def perceptron() -> tuple[nn.Module, tuple[int, ...]]:
    """Return an MLP and the shape of a sample."""
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)), (784,)


class Logits(nn.Module):
    """A classifier of transformers that returns a tensor, as a model in a notebook does."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.model(x).logits


def resnet18() -> tuple[nn.Module, tuple[int, ...]]:
    """Return ResNet-18 and the shape of a sample."""
    config = ResNetConfig(hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")
    return Logits(ResNetForImageClassification(config)), (3, 32, 32)


MODELS = {"ResNet-18": resnet18, "residual network": residual, "MLP": perceptron}
BARRED = ("ResNet-18",)


def measure(name: str, samples: int, rounds: int, folder: Path) -> Seconds:
    """Return the median seconds of the sweep and of both loops."""
    import onnxmagic

    torch.manual_seed(0)
    model, shape = MODELS[name]()
    model.eval()
    path = folder / "model.onnx"
    onnxmagic.export(model, (torch.randn(2, *shape),), output=path, prove=False)
    batches = list(torch.randn(samples, *shape).split(BATCH))
    ways: dict[str, Callable[[], None]] = {
        "sweep": lambda: _sweep(path, model, batches),
        "the same work": lambda: _same_work(path, model, batches),
        "session.run alone": lambda: _run_alone(path, batches),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, work in ways.items():
            start = time.perf_counter()
            work()
            if number:  # the first round warms up
                taken[way].append(time.perf_counter() - start)
    return {way: statistics.median(seconds) for way, seconds in taken.items()}


def _sweep(path: Path, model: nn.Module, batches: Sequence[torch.Tensor]) -> None:
    with Guard(model) as guard:
        set_eval(model, guard)
        found = sweep(path, read(path), model, batches, samples=None, guard=guard, runtime=OnnxRuntime())
    if not found.sweep.ok or found.sweep.samples != sum(map(len, batches)):
        raise SystemExit(f"{path.name} is no sound file: {found.sweep}")


def _same_work(path: Path, model: nn.Module, batches: Sequence[torch.Tensor]) -> None:
    session = OnnxRuntime().load(path)
    worst = 0.0
    with torch.no_grad():
        for x in batches:
            expected = model(x)
            (got,) = session.run({session.inputs[0]: x.numpy()})
            worst = max(worst, float(np.abs(got - expected.numpy()).max()))
    if worst > 1e-3:
        raise SystemExit(f"{path.name} is no sound file: it is off by {worst}")


def _run_alone(path: Path, batches: Sequence[torch.Tensor]) -> None:
    session = OnnxRuntime().load(path)
    for x in batches:
        session.run({session.inputs[0]: x.numpy()})


def ratio(seconds: Seconds, way: str = "the same work") -> float:
    """Return how much longer the sweep takes than another way."""
    return seconds["sweep"] / seconds[way]


def missed_bars(figures: dict[str, Seconds]) -> list[str]:
    """Return what is too slow, a line each."""
    return [
        f"{name}: the sweep takes {ratio(seconds):.2f} times the loop that does the same work; {MOST} is allowed"
        for name, seconds in figures.items()
        if name in BARRED and ratio(seconds) > MOST
    ]


def table(figures: dict[str, Seconds]) -> str:
    """Return the figures as a table: a row a model."""
    ways = ("sweep", "the same work", "session.run alone")
    rows: list[tuple[str, ...]] = [("", *ways, "ratio", "to session.run")]
    for name, seconds in figures.items():
        ratios = (f"{ratio(seconds):.2f}", f"{ratio(seconds, ways[2]):.2f}")
        rows.append((name, *(f"{seconds[way]:.2f} s" for way in ways), *ratios))
    return "\n".join("".join(f"{cell:>20}" for cell in row) for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    figures: dict[str, Seconds] = {}
    for name in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = measure(name, options.samples, options.rounds, Path(folder))
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    missed = missed_bars(figures)
    print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

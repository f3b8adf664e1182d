"""What it costs a cell that its calls are recorded, as ``%%onnx_export MODEL`` does.

    python benchmarks/recording.py [--rounds 5] [--calls 64] [--json FILE]

Two loops run with and without ``onnxmagic.record``, its own bounds of 16 calls and 1 GB: ResNet-18 at batch 8 and
224×224, and BERT-base at batch 8 and 32 tokens, both with random weights and without gradients. The loops are what a
cell would hold: each call gets a batch of its own, and the last one is short.

Both loops of a round run in step, a call of the recorded module after a call of its copy and the other way round, so
that a machine that grows slower does not favour one of them. What beginning and ending the recording takes counts. What
is said is the median over the rounds of the ratio within a round.

A third loop calls a module that does nothing, and gives the cost of one call that is not kept.

The exit status is 1 when a loop takes more than 1.1 times as long with recording.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel, ResNetConfig, ResNetForImageClassification

import onnxmagic

MOST = 1.1
BATCH, TOKENS = 8, 32

Calls = list[dict[str, torch.Tensor]]


def resnet18(calls: int) -> tuple[torch.nn.Module, Calls]:
    config = ResNetConfig(hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")
    sizes = [BATCH] * (calls - 1) + [BATCH // 2]
    return ResNetForImageClassification(config).eval(), [{"pixel_values": torch.randn(n, 3, 224, 224)} for n in sizes]


def bert(calls: int) -> tuple[torch.nn.Module, Calls]:
    sizes = [BATCH] * (calls - 1) + [BATCH // 2]
    ids = [torch.randint(0, BertConfig().vocab_size, (n, TOKENS)) for n in sizes]
    return BertModel(BertConfig()).eval(), [{"input_ids": i, "attention_mask": torch.ones_like(i)} for i in ids]


class Nothing(torch.nn.Module):
    """A module whose call costs what a call costs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what it was given."""
        return x


def loops(model: torch.nn.Module, calls: Calls) -> tuple[float, float]:
    """Return the seconds of a loop without and with recording, run in step."""
    twin = copy.deepcopy(model)
    took = {False: 0.0, True: 0.0}
    with torch.no_grad(), contextlib.ExitStack() as stack:
        start = time.perf_counter()
        recorder = stack.enter_context(onnxmagic.record(model))
        took[True] += time.perf_counter() - start
        for turn, call in enumerate(calls):
            for recorded in (False, True) if turn % 2 == 0 else (True, False):
                start = time.perf_counter()
                (model if recorded else twin)(**call)
                took[recorded] += time.perf_counter() - start
        start = time.perf_counter()
        stack.close()
        recorder.recording()
        took[True] += time.perf_counter() - start
    return took[False], took[True]


def measure(model: torch.nn.Module, calls: Calls, rounds: int) -> dict[str, Any]:
    """Return the medians of both ways, and of the ratio within a round."""
    loops(model, calls[:2])
    took = [loops(model, calls) for _ in range(rounds)]
    ratios = [recorded / bare for bare, recorded in took]
    return {
        "calls": len(calls),
        "without": statistics.median(bare for bare, _ in took),
        "with": statistics.median(recorded for _, recorded in took),
        "ratio": statistics.median(ratios),
        "ratios": sorted(ratios),
    }


def one_call(calls: int = 10_000, rounds: int = 5) -> float:
    """Return the seconds that recording adds to one call of a shape that is not kept any more."""
    took = [loops(Nothing(), [{"x": torch.zeros(1)}] * calls) for _ in range(rounds)]
    return min(recorded - bare for bare, recorded in took) / calls


def missed_bars(figures: dict[str, dict[str, Any]]) -> list[str]:
    """Return what costs too much, a line each."""
    return [
        f"{name} takes {figure['ratio']:.3f} times as long when it is recorded; {MOST} times are allowed"
        for name, figure in figures.items()
        if figure["ratio"] > MOST
    ]


def table(figures: dict[str, dict[str, Any]]) -> str:
    """Return the figures as a table: a row a loop."""
    head = f"{'':<12}{'calls':>8}{'without':>12}{'recorded':>12}{'ratio':>10}{'of all rounds':>18}"
    rows = [
        f"{name:<12}{f['calls']:>8}{f['without']:>10.2f} s{f['with']:>10.2f} s{f['ratio']:>10.3f}"
        f"{f['ratios'][0]:>11.3f}–{f['ratios'][-1]:.3f}"
        for name, f in figures.items()
    ]
    return "\n".join([head, *rows])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=64)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.manual_seed(0)
    figures = {
        name: measure(*build(options.calls), options.rounds)
        for name, build in (("ResNet-18", resnet18), ("BERT-base", bert))
    }
    print(table(figures))
    each = one_call()
    print(f"A call that is not kept costs {each * 1e6:.0f} µs.")
    if options.json:
        options.json.write_text(json.dumps({**figures, "one call": each}, indent=2), encoding="utf-8")
    missed = missed_bars(figures)
    print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the checks and the proof of ``%onnx_export`` cost, against PyTorch's exporter alone.

    python benchmarks/export_overhead.py [--models resnet50 bert] [--rounds 5] [--json FILE]

Four ways are measured in one run, each in a fresh process of its own, since an export leaves caches and memory behind:
``bare`` (``torch.onnx.export`` as it comes, and ``save``), ``dynamic`` (the same with the batch axis dynamic),
``verify`` (that with ``verify=True``) and ``magic`` (``%onnx_export`` in an IPython shell, with every check, the proof
at several batch sizes and the report). ``dynamic`` makes the file that ``magic`` makes; ``bare`` makes a quicker and
lesser one, which takes one batch size only, since torch reasons with numbers there instead of symbols.
Their order alternates from round to round, so that a machine that grows slower does not favour one of them. The figures
are medians over the rounds, and ratios to ``bare``, because seconds say more about a machine than about a program.
All libraries are imported before the clock starts, in all four. Peak memory is the whole process's.

The exit status is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODELS = ("resnet50", "bert")
WAYS = ("bare", "dynamic", "verify", "magic")
MOST_TIME = 1.25
MOST_MEMORY = 1.3
MOST_LOAD_SECONDS = 0.050

Measured = dict[str, float]


# -------------------------------------------------------------------------------------- in a process of its own


def build(name: str) -> tuple[Any, dict[str, Any]]:
    """Return a model of a well-known size with random weights, in eval mode, and an example of batch 1."""
    import torch
    from transformers import BertConfig, BertModel, ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    if name == "bert":
        ids = torch.randint(0, BertConfig().vocab_size, (1, 128))
        return BertModel(BertConfig()).eval(), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    config = ResNetConfig()
    config.num_labels = 1000
    return ResNetForImageClassification(config).eval(), {"pixel_values": torch.randn(1, 3, 224, 224)}


def with_torch(model: Any, inputs: dict[str, Any], path: Path, *, verify: bool, dynamic: bool) -> None:
    import torch

    shapes = None
    if dynamic:
        # An example of batch 3, as the dynamic export needs: from a batch of 1 torch may fix the size without a word.
        inputs = {name: tensor.repeat(3, *[1] * (tensor.ndim - 1)) for name, tensor in inputs.items()}
        shapes = {name: {0: "batch"} for name in inputs}
    program = torch.onnx.export(
        model, (), kwargs=inputs, dynamo=True, verbose=False, verify=verify, dynamic_shapes=shapes
    )
    assert program is not None
    program.save(path)


def with_magic(model: Any, inputs: dict[str, Any], path: Path) -> None:
    """Export as a person does, and refuse to time an export that did not prove its file."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.push({"model": model, "inputs": inputs})
    shell.run_line_magic("load_ext", "onnxmagic")
    result: Any = shell.run_line_magic("onnx_export", f"model(**inputs) -o {path}")
    proved = result.ok and result.parity.ok and any(axis.status == "proved" for axis in result.axes)
    assert proved, str(result)


def measure_export(way: str, name: str) -> Measured:
    """Export once and return seconds and the process's peak memory in bytes."""
    import onnx
    import onnxruntime
    import onnxscript
    from IPython.core.interactiveshell import InteractiveShell

    del onnx, onnxruntime, onnxscript
    InteractiveShell.instance()
    model, inputs = build(name)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder, "net.onnx")
        start = time.perf_counter()
        if way == "magic":
            with_magic(model, inputs, path)
        else:
            with_torch(model, inputs, path, verify=way == "verify", dynamic=way != "bare")
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": peak_memory()}


def measure_load() -> Measured:
    """Return the seconds that bare IPython takes to start, and ``%load_ext`` on top."""
    start = time.perf_counter()
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    ready = time.perf_counter()
    shell.run_line_magic("load_ext", "onnxmagic")
    return {"start": ready - start, "load": time.perf_counter() - ready}


def peak_memory() -> float:
    """Return this process's largest resident size in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


# ------------------------------------------------------------------------------------------------- all together


def in_fresh_process(*words: str) -> Measured:
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, __file__, "--child", *words]
    # As installed: pip compiles what it installs, and an environment that writes no bytecode would compile each time.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env={**environment, **quiet}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def medians(runs: list[Measured]) -> Measured:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def compare(name: str, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure one model in all ways and return medians, ratios to ``bare`` and the bars missed."""
    runs: dict[str, list[Measured]] = {way: [] for way in WAYS}
    for turn in range(rounds):
        shift = turn % len(WAYS)
        for way in (*WAYS[shift:], *WAYS[:shift]):
            say(f"{name}, round {turn + 1} of {rounds}: {way}")
            runs[way].append(in_fresh_process(way, name))
    middle = {way: medians(runs[way]) for way in WAYS}
    bare = middle["bare"]
    ratios = {
        way: {"time": middle[way]["seconds"] / bare["seconds"], "memory": middle[way]["peak"] / bare["peak"]}
        for way in WAYS
    }
    return {"runs": runs, "medians": middle, "ratios": ratios, "missed": missed_bars(name, ratios)}


def missed_bars(name: str, ratios: dict[str, Measured]) -> list[str]:
    """Say which of the three bars of a model were missed."""
    magic, verify = ratios["magic"], ratios["verify"]
    said = {
        f"{name}: {magic['time']:.2f} times bare in time; the bar is {MOST_TIME}": magic["time"] > MOST_TIME,
        f"{name}: not faster than verify=True": magic["time"] >= verify["time"],
        f"{name}: {magic['memory']:.2f} times bare in memory; the bar is {MOST_MEMORY}": magic["memory"] > MOST_MEMORY,
    }
    return [text for text, missed in said.items() if missed]


def compare_load(rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    say("%load_ext")
    runs = [in_fresh_process("load") for _ in range(rounds)]
    middle = medians(runs)
    missed = [] if middle["load"] < MOST_LOAD_SECONDS else [f"%load_ext took {middle['load'] * 1000:.0f} ms"]
    return {"runs": runs, "medians": middle, "missed": missed}


def table(name: str, figures: dict[str, Any]) -> str:
    lines = [f"{name:10}{'seconds':>10}{'x bare':>9}{'peak MB':>10}{'x bare':>9}"]
    for way in WAYS:
        middle, ratio = figures["medians"][way], figures["ratios"][way]
        lines.append(
            f"  {way:8}{middle['seconds']:10.2f}{ratio['time']:9.2f}{middle['peak'] / 1e6:10.0f}{ratio['memory']:9.2f}"
        )
    return "\n".join(lines)


def versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("torch", "onnx", "onnxruntime", "onnxscript", "transformers", "ipython", "onnxmagic")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures there")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.child:
        print(json.dumps(measure_load() if options.child == ["load"] else measure_export(*options.child)))
        return 0

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    figures = {name: compare(name, options.rounds, say) for name in options.models}
    load = compare_load(max(options.rounds, 5), say)
    for name in options.models:
        print(table(name, figures[name]), end="\n\n")
    start, extra = load["medians"]["start"] * 1000, load["medians"]["load"] * 1000
    print(f"%load_ext onnxmagic: {extra:.0f} ms, on top of {start:.0f} ms for IPython itself")
    if options.json:
        facts = {"versions": versions(), "cores": os.cpu_count(), "models": figures, "load_ext": load}
        options.json.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    missed = [line for part in (*figures.values(), load) for line in part["missed"]]
    print("\n".join(["Bars missed:", *missed]) if missed else "All bars held.")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())

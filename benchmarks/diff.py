"""What it takes to find the nodes of one model in another, beside onnx-diff from PyPI on the same files.

    python benchmarks/diff.py [--sizes 1000 20000] [--rounds 3] [--beside PYTHON] [--json FILE]

For each size a file is written (see ``layers``), and another with 50 edits (200 for the large one): once with all names
and the order kept, once with everything renamed and shuffled, and once with modules, names of nodes and shapes taken
out of both besides.
Each round runs in a process of its own, which starts with nothing in memory:

- ``read``: both files read into facts and their weights hashed;
- ``match``: processor seconds of ``match``, which is what the bars are about;
- ``diff``: all of it, from two sides that were read to what ``Diff`` says (without running the models);
- ``itself``: ``match`` of a file that was renamed but not changed;
- ``memory``: the most that the process ever had;
- ``precision`` and ``recall``: of the pairs of nodes; the edits are known.

onnx-diff asks for another numpy than PyTorch, so it has an environment of its own: the one of the interpreter given by
``--beside``, or one that is made for this run with pip. It counts the nodes that are equal byte for byte, and gets two
minutes a pair of files; where it takes longer, that is its time. Medians of the rounds are compared.
The exit status is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import onnx
from edits import edited, filled, origins, renamed, shuffled, stripped, tagged
from layers import build

SMALL, LARGE = 1_000, 20_000
EDITS = {SMALL: 50, LARGE: 200}
BARS = {SMALL: 0.5, LARGE: 3.0}
FOUND = 0.99
PATIENCE = 120
CASES = ("only edited", "renamed", "without metadata")
UNITS = {
    "read": ("read and hash both", "s", 2),
    "match": ("match", "s", 2),
    "diff": ("whole diff", "s", 2),
    "itself": ("match, nothing changed", "s", 2),
    "memory": ("memory", "MB", 0),
    "precision": ("precision", "", 4),
    "recall": ("recall", "", 4),
}
# Runs in the other environment: nothing of ours is there.
THEIRS = """
import json, resource, sys, time
import onnx
from onnx_diff.diff import OnnxDiff
a, b = map(onnx.load, sys.argv[1:])
start = time.process_time()
found = OnnxDiff(a, b).summary()
seconds = time.process_time() - start
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
same = found.graph_matches["nodes"].same
print(json.dumps({"diff": seconds, "memory": memory, "same": same, "nodes": len(a.graph.node)}))
"""

Figures = dict[str, float]


def write(folder: Path, nodes: int, count: int) -> Mapping[str, tuple[Path, Path]]:
    """Write the pairs of files for one size and return them by case."""
    a = filled(tagged(build(nodes)))
    b = edited(a, count)[0]
    other = shuffled(renamed(b))
    found: dict[str, tuple[Path, Path]] = {}
    for case, models in zip(CASES, ((a, b), (a, other), (stripped(a), stripped(other))), strict=True):
        name = f"{nodes}-{case.replace(' ', '-')}"
        found[case] = folder / f"{name}-a.onnx", folder / f"{name}-b.onnx"
        for path, model in zip(found[case], models, strict=True):
            onnx.save(model, str(path))
    return found


def measure(a: Path, b: Path) -> Figures:
    """Return the figures of one round; the process that calls this does nothing else."""
    import resource

    from onnxmagic.diff.between import between
    from onnxmagic.diff.match import match
    from onnxmagic.diff.reading import side_of

    figures: Figures = {}
    start = time.process_time()
    first, second = side_of(a, a.name), side_of(b, b.name)
    start = _noted(figures, "read", start)
    found = match(first, second)
    start = _noted(figures, "match", start)
    between(first, second)
    _noted(figures, "diff", start)
    figures["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    one, other = (onnx.load(path) for path in (a, b))
    truth = origins(one), origins(other)
    right = sum(truth[0][pair.a] == truth[1][pair.b] for pair in found.pairs)
    figures["precision"] = right / max(1, len(found.pairs))
    figures["recall"] = right / len({*truth[0]} & {*truth[1]})
    again = side_of(renamed(one).SerializeToString(), "renamed")
    start = time.process_time()
    match(first, again)
    _noted(figures, "itself", start)
    return figures


def _noted(figures: Figures, name: str, start: float) -> float:
    figures[name] = time.process_time() - start
    return time.process_time()


def ours(a: Path, b: Path, rounds: int) -> Figures:
    """Return the medians of `rounds` processes."""
    command = [sys.executable, __file__, "--once", str(a), str(b)]
    runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(rounds)]
    return {name: statistics.median(run[name] for run in runs) for name in UNITS}


def theirs(python: Path | None, a: Path, b: Path) -> Figures:
    """Return what onnx-diff took and found; nothing where it is not there or fails."""
    if python is None:
        return {}
    command = [str(python), "-c", THEIRS, str(a), str(b)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return {"diff": PATIENCE, "late": 1}
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}


def environment(folder: Path) -> Path | None:
    """Make an environment with onnx-diff and return its interpreter; None where that cannot be had."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "onnx-diff"], capture_output=True, check=False)
    return python if done.returncode == 0 else None


def missed_bars(nodes: int, case: str, figures: Figures) -> list[str]:
    """Return what was missed, a line each."""
    missed: list[str] = []
    if nodes in BARS and figures["match"] > BARS[nodes]:
        missed.append(f"{nodes:,} nodes {case}: match takes {figures['match']:.2f} s; at most {BARS[nodes]} is the bar")
    missed += [
        f"{nodes:,} nodes {case}: {name} is {figures[name]:.4f}; at least {FOUND} is the bar"
        for name in ("precision", "recall")
        if figures[name] < FOUND
    ]
    return missed


def table(nodes: int, figures: Mapping[str, tuple[Figures, Figures]]) -> str:
    """Return the figures of one size: a row a figure."""
    columns = [(case, way) for case in figures for way in ("onnxmagic", "onnx-diff")]
    lines = [f"{nodes:,} nodes", " " * 26 + "".join(f"{f'{case}, {way}':>30}" for case, way in columns)]
    for name, (title, unit, digits) in UNITS.items():
        cells = [_cell(both, name, unit, digits) for pair in figures.values() for both in pair]
        lines.append(f"{title:<26}" + "".join(f"{cell:>30}" for cell in cells))
    for case, (own, other) in figures.items():
        if other.get("diff"):
            late = "over " if other.get("late") else ""
            lines.append(f"{case}: onnx-diff takes {late}{other['diff'] / own['diff']:.1f} times as long")
        if "same" in other:
            lines.append(f"{case}: it finds {other['same']:,.0f} of {other['nodes']:,.0f} nodes again")
    return "\n".join(lines)


def _cell(figures: Figures, name: str, unit: str, digits: int) -> str:
    if name not in figures:
        return "–"
    late = "> " if figures.get("late") and unit == "s" else ""
    return f"{late}{figures[name]:,.{digits}f} {unit}".strip()


def compare(
    sizes: Sequence[int], rounds: int, beside: Path | None, say: Callable[[str], None]
) -> dict[int, dict[str, tuple[Figures, Figures]]]:
    """Measure all sizes and print each as it is done."""
    found: dict[int, dict[str, tuple[Figures, Figures]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = beside or environment(folder / "beside")
        if python is None:
            say("onnx-diff cannot be installed here; its columns stay empty")
        for nodes in sizes:
            found[nodes] = {}
            for case, (a, b) in write(folder, nodes, EDITS.get(nodes, max(1, nodes // 100))).items():
                say(f"{nodes:,} nodes, {case}")
                found[nodes][case] = ours(a, b, rounds), theirs(python, a, b)
            print(table(nodes, found[nodes]), end="\n\n", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[SMALL, LARGE])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", type=Path, metavar="PYTHON", help="an interpreter that has onnx-diff")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--once", type=Path, nargs=2, metavar=("A", "B"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.once:
        print(json.dumps(measure(*options.once)))
        return 0
    figures = compare(options.sizes, options.rounds, options.beside, lambda text: print(text, file=sys.stderr))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    missed = [
        line
        for nodes, cases in figures.items()
        for case, (own, _) in cases.items()
        for line in missed_bars(nodes, case, own)
    ]
    print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

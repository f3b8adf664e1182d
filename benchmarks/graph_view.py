"""What a person waits for until a graph is on the screen, beside Netron on the same files.

    python benchmarks/graph_view.py [--sizes 1000 20000] [--rounds 5] [--json FILE]

For each size a file is written (see ``layers``) and opened in headless Chromium, in turn as ``onnxmagic.show`` shows it
and in Netron from PyPI; each time in a browser of its own, with an empty cache and no network but this machine's. Both
are served by HTTP. Times are the browser's own:

- ``paint``: from the start of the navigation to the first frame with boxes of the graph in it;
- ``usable``: from the arrival of the data (our page, Netron's file) to the first frame after that which came in time,
  so that a click would have been answered;
- ``fps`` and ``stall``: while the graph is dragged through the window for some seconds, the frames a second, and the
  longest time between two of them. Ours has its largest module open for that; Netron draws everything at once;
- ``memory``: the most that the process of the page ever had in memory, Chromium's own share included;
- ``cpu``: the seconds of processor time of that process, from its start to the end of the dragging;
- ``data`` and ``script``: bytes of what is drawn (ours deflated, in the page; Netron's the file), and of JavaScript.

The layers of the files are alike, so their data deflate better than those of most models.
Medians of the rounds are compared. Netron is given two minutes a file; where it takes longer, or its page crashes
before, its time is more than that.
The exit status is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from layers import write
from watched_page import Figures, Netron, Ours, open_and_measure

SMALL, LARGE = 1_000, 20_000
WAYS = ("onnxmagic", "Netron")
UNITS = {
    "paint": ("first paint", "s", 2),
    "usable": ("usable", "s", 2),
    "fps": ("frames a second", "", 0),
    "stall": ("longest stall", "ms", 0),
    "memory": ("memory", "MB", 0),
    "cpu": ("processor time", "s", 2),
    "boxes": ("boxes while dragging", "", 0),
    "data": ("data", "kB", 0),
    "script": ("JavaScript", "kB", 0),
}
# By size: the figure, the most (or least, for frames) that is allowed, and the most as a part of Netron's.
BARS = {
    SMALL: (("paint", 0.3, 1 / 3),),
    LARGE: (
        ("usable", 1.0, 1 / 10),
        ("memory", 350, None),
        ("fps", 50, None),
        ("stall", 50, None),
        ("data", 200, None),
    ),
}
MOST_SCRIPT = 60
Medians = dict[str, Figures]


def compare(nodes: int, rounds: int, folder: Path, say: Callable[[str], None]) -> Medians:
    """Open a file of about `nodes` nodes in both ways and return the medians."""
    path = folder / f"{nodes}.onnx"
    count = write(path, nodes)
    runs: dict[str, list[Figures]] = {way: [] for way in WAYS}
    with Ours(path) as ours, Netron(path) as netron:
        for turn in range(rounds):
            # In turns, so that a machine that grows slower does not favour one of them.
            for site in (ours, netron) if turn % 2 == 0 else (netron, ours):
                say(f"{count:,} nodes, round {turn + 1} of {rounds}: {site.way}")
                runs[site.way].append(open_and_measure(site))
    return {way: median(figures) for way, figures in runs.items()}


def median(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure that any of the runs has."""
    names = {name: None for run in runs for name in run}
    return {name: statistics.median(run[name] for run in runs if name in run) for name in names}


def missed_bars(nodes: int, figures: Medians) -> list[str]:
    """Return what was missed at one of the two sizes that have bars, a line each."""
    ours, theirs = (figures[way] for way in WAYS)
    missed: list[str] = []
    for name, bar, part in BARS.get(nodes, ()):
        title, unit, digits = UNITS[name]
        got = ours.get(name)
        if got is None:
            missed.append(f"{nodes:,} nodes: {title} could not be measured here")
        elif got < bar if name == "fps" else got > bar:
            most = "at least" if name == "fps" else "at most"
            missed.append(
                f"{nodes:,} nodes: {title} is {got:.{digits}f} {unit}".rstrip() + f"; {most} {bar} is the bar"
            )
        if got is not None and part is not None and got > part * theirs[name]:
            missed.append(f"{nodes:,} nodes: {title} is {got / theirs[name]:.2f} of Netron's; {part:.2f} is the bar")
    if ours["script"] > MOST_SCRIPT:
        missed.append(f"the scripts are {ours['script']:.1f} kB; at most {MOST_SCRIPT} is the bar")
    return missed


def table(nodes: int, figures: Medians) -> str:
    """Return the figures of one size: a row a figure, and how ours stands to Netron's."""
    rows: list[tuple[str, ...]] = [(f"{nodes:,} nodes", *WAYS, "ratio")]
    for name, (title, unit, digits) in UNITS.items():
        ours, theirs = (figures[way].get(name) for way in WAYS)
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else ""
        rows.append((title, _cell(ours, unit, digits), _cell(theirs, unit, digits, figures["Netron"]), ratio))
    return "\n".join(f"{first:<24}" + "".join(f"{cell:>16}" for cell in cells) for first, *cells in rows)


def _cell(figure: float | None, unit: str, digits: int, run: Figures | None = None) -> str:
    if figure is None:
        return "–"
    late = "> " if run and run.get("late") and unit == "s" else ""
    return f"{late}{figure:,.{digits}f} {unit}".strip()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[SMALL, LARGE])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    figures: dict[int, Medians] = {}
    with tempfile.TemporaryDirectory() as folder:
        for nodes in options.sizes:
            figures[nodes] = compare(nodes, options.rounds, Path(folder), say)
            print(table(nodes, figures[nodes]), end="\n\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    missed = [line for nodes, measured in figures.items() for line in missed_bars(nodes, measured)]
    print(*dict.fromkeys(missed), sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

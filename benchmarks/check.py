"""What each static rule of ``%onnx_check`` costs, on real shapes and on a graph of 20,000 nodes.

    python benchmarks/check.py [--rounds 5] [--json FILE]

Three files are made: ResNet-50 and BERT-base, exported with random weights, and a generated graph of 20,000 nodes with
module names, many small weights and control flow here and there. Each rule is run on each file as often as there are
rounds, and its fastest time counts: what a rule costs is the time without what else the machine did meanwhile. Reading
the file and ONNX's own checker are printed apart; both come once a check, whatever rules there are.

The exit status is 1 when a rule takes longer than 150 ms on 20,000 nodes, or all of them together longer than 1.5 s.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from export_overhead import build
from onnx import helper, numpy_helper

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.examine.ground import structure
from onnxmagic.examine.sidecars import sidecars, strays
from onnxmagic.graph.external import external
from onnxmagic.graph.read import facts, skeleton
from onnxmagic.runtime.apart import Apart
from onnxmagic.target import find_targets

NODES = 20_000
MOST_FOR_ONE = 0.150
MOST_FOR_ALL = 1.5
TARGETS = ("onnxruntime", "openvino", "opencv", "tensorrt")

Times = dict[str, float]


def generated(path: Path, nodes: int = NODES) -> Path:
    """Write a graph of residual blocks, each with a projection, an activation, a cast and a branch on a flag."""
    size, made, weights, value = 8, list[onnx.NodeProto](), list[onnx.TensorProto](), "x"
    block = 0
    while len(made) < nodes - 1:
        name = f"layer{block}"
        weights.append(numpy_helper.from_array(np.full((size, size), block, np.float32), f"{name}.weight"))
        made += _block(name, value, branch=block % 100 == 0)
        value, block = f"{name}.out", block + 1
    made.append(helper.make_node("Identity", [value], ["y"], "/Identity"))
    inputs = [helper.make_tensor_value_info("x", 1, ["batch", size]), helper.make_tensor_value_info("flag", 9, [])]
    outputs = [helper.make_tensor_value_info("y", 1, ["batch", size])]
    graph = helper.make_graph(made, "main", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))
    return path


def _block(name: str, value: str, *, branch: bool) -> list[onnx.NodeProto]:
    steps = [("MatMul", [value, f"{name}.weight"], "mm"), ("Relu", [f"{name}.mm"], "act")]
    steps += [("Identity", [f"{name}.act"], "id"), ("Add", [f"{name}.id", value], "out")]
    nodes = [helper.make_node(op, args, [f"{name}.{out}"], f"/{name}/{op}") for op, args, out in steps]
    if branch:
        results = [helper.make_tensor_value_info(f"{name}.{way}", 1, None) for way in ("yes", "no")]
        bodies = [
            helper.make_graph([helper.make_node(op, [f"{name}.act"], [r.name], f"/{name}/{op}")], r.name, [], [r])
            for op, r in zip(("Neg", "Abs"), results, strict=True)
        ]
        chosen = helper.make_node("If", ["flag"], [f"{name}.if"], f"/{name}/If")
        chosen.attribute.append(helper.make_attribute("then_branch", bodies[0]))
        chosen.attribute.append(helper.make_attribute("else_branch", bodies[1]))
        nodes[2:3] = [chosen, helper.make_node("Identity", [f"{name}.if"], [f"{name}.id"], f"/{name}/Identity")]
    for node in nodes:
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=f"['', '{name}', '{node.op_type.lower()}']")
        node.metadata_props.add(key="pkg.torch.onnx.class_hierarchy", value="['Net', 'Block', 'aten.op.default']")
    return nodes


def exported(name: str, path: Path) -> Path:
    """Write ``resnet50`` or ``bert`` with random weights."""
    import onnxmagic

    model, inputs = build(name)
    onnxmagic.export(model, (), inputs, output=path, prove=False)
    return path


def measure(path: Path, rounds: int) -> tuple[Times, Times]:
    """Return the seconds of reading and checking the file at `path`, and those of each static rule."""
    around: Times = {}
    model, around["read the file"] = _fastest(lambda: skeleton(path), rounds)
    graph, around["make facts of it"] = _fastest(lambda: facts(model), rounds)
    places, around["find external data"] = _fastest(lambda: external(model), rounds)
    with Apart() as apart:
        structure(apart, path)  # the process starts beside the reading
        error, around["ONNX's full checker"] = _fastest(lambda: structure(apart, path), rounds)
    if error != ("", ()):
        raise SystemExit(f"{path.name} is no sound file: {error}")
    beside = sidecars(path, places)
    evidence = GraphEvidence(
        graph,
        path=path,
        files=((path.name, path.stat().st_size),),
        source=path,
        sidecars=beside,
        strays=strays(path, beside),
        targets=find_targets(TARGETS),
    )
    rules: Times = {}
    for loaded in catalogue.rules("graph"):
        rules[loaded.rule.code] = _fastest(lambda find=loaded.find: list(find(evidence)), rounds)[1]
    return around, rules


def missed_bars(rules: Times) -> list[str]:
    """Return what is too slow on 20,000 nodes, a line each."""
    slow = [
        f"{code} takes {seconds * 1000:.0f} ms on {NODES:,} nodes; {MOST_FOR_ONE * 1000:.0f} ms are allowed"
        for code, seconds in rules.items()
        if seconds > MOST_FOR_ONE
    ]
    together = sum(rules.values())
    if together > MOST_FOR_ALL:
        slow.append(f"all static rules together take {together:.2f} s; {MOST_FOR_ALL} s are allowed")
    return slow


def table(figures: dict[str, tuple[Times, Times]]) -> str:
    """Return the milliseconds as a table: a row a rule, a column a file."""
    names = {loaded.rule.code: loaded.rule.name for loaded in catalogue.rules("graph")}
    columns = list(figures)
    rules = [_row(f"{code} {name}", *(_ms(figures[c][1][code]) for c in columns)) for code, name in names.items()]
    together = _row("all static rules", *(_ms(sum(figures[c][1].values())) for c in columns))
    around = [_row(step, *(_ms(figures[c][0][step]) for c in columns)) for step in figures[columns[0]][0]]
    return "\n".join([_row("", *columns), *rules, together, *around])


def _row(first: str, *cells: str) -> str:
    return f"{first:<32}" + "".join(f"{cell:>16}" for cell in cells)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _fastest(work: Callable[[], Any], rounds: int) -> tuple[Any, float]:
    result, best = None, float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, best


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "ResNet-50": exported("resnet50", Path(folder) / "resnet50.onnx"),
            "BERT-base": exported("bert", Path(folder) / "bert.onnx"),
            f"{NODES:,} nodes": generated(Path(folder) / "generated.onnx"),
        }
        figures = {name: measure(path, options.rounds) for name, path in files.items()}
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    missed = missed_bars(figures[f"{NODES:,} nodes"][1])
    print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

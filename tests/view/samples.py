"""Results as the verbs give them, made by hand: a view needs no model, no file and no torch to be tested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.examine.result import Check, Run
from onnxmagic.export.result import Axis, Case, Export, Parity, Stage
from onnxmagic.graph.facts import Graph, Initializer, Module, Node, Value

HOSTILE = '</script><img src=x onerror="window.hacked=1">\u202egnp.exe\x1b[2J'
"""A name that tries to be markup, to turn the reading direction and to steer the terminal."""


def module(path: str, class_name: str, parameters: int = 0, *children: Module, output: Any = None) -> Module:
    """Return a module whose figures are its own parameters (float32) and its children's."""
    total = parameters + sum(child.parameters for child in children)
    name = path.rpartition(".")[2]
    return Module(path, name, class_name, output, total, total * 4, max(1, len(children)), tuple(children))


def resnet() -> Module:
    """Return a tree like a ResNet's, three levels deep."""

    def block(path: str, size: int) -> Module:
        halves = [module(f"{path}.conv{i}", "Conv2d", size // 3, output=("batch", 64, 56, 56)) for i in (1, 2, 3)]
        return module(path, "Bottleneck", 0, *halves, output=("batch", 256, 56, 56))

    def layer(path: str, blocks: int, size: int, channels: int, side: int) -> Module:
        inner = [block(f"{path}.{i}", size // blocks) for i in range(blocks)]
        return module(path, "Sequential", 0, *inner, output=("batch", channels, side, side))

    children = [
        module("conv1", "Conv2d", 9408, output=("batch", 64, 112, 112)),
        module("bn1", "BatchNorm2d", 128, output=("batch", 64, 112, 112)),
        layer("layer1", 3, 215_808, 256, 56),
        layer("layer2", 4, 1_219_584, 512, 28),
        layer("layer3", 6, 7_098_368, 1024, 14),
        layer("layer4", 3, 14_964_736, 2048, 7),
        module("fc", "Linear", 2_049_000, output=("batch", 1000)),
    ]
    return module("", "ResNet", 0, *children, output=("batch", 1000))


def graph(modules: Module | None) -> Graph:
    """Return an image classifier's graph around `modules`."""
    size = modules.parameters if modules else 12
    return Graph(
        name="main_graph",
        inputs=(Value("image", "float32", ("batch", 3, 224, 224)),),
        outputs=(Value("logits", "float32", ("batch", 1000)),),
        nodes=tuple(Node(f"n{i}", "Relu", "", ("a",), ("b",)) for i in range(124)),
        initializers=(Initializer("w", "float32", (size,), size * 4),),
        values={},
        opsets={"": 20},
        ir_version=10,
        producer="pytorch",
        modules=modules,
    )


TRAIN_MODE = Finding(
    "OM101",
    "train-mode",
    "warning",
    "`layer4.drop` and 53 other modules were in training mode. Exported in eval; your model is as you left it.",
    Where(module="layer4.drop", cell=7, line=3),
    Fix("auto", "keep it with", "--train"),
)
FLOAT64 = Finding(
    "OM305",
    "float64-in-graph",
    "warning",
    "`mean` is float64, so two casts run on every call.",
    Where(cell=5, line=12, source="self.mean = torch.tensor(MEAN)", function="__init__"),
    Fix("code", 'self.register_buffer("mean", mean.float())'),
)
DIFFERS = Finding(
    "OM401",
    "outputs-differ",
    "error",
    "`logits` differs from PyTorch by up to 0.31 at batch 4: 2.1e+04 times PyTorch's own rounding.",
    Where(node="node_conv2d_12"),
    Fix("option", "keep the batch as it is", "--static"),
)


def case(batch: int, inputs: Any = "varied", **more: Any) -> Case:
    """Return a case that agrees, unless `more` says otherwise."""
    base = Case({"batch": batch}, inputs, True, 4.8e-07, 1.3e-07, 3e-06, "float64", 1.2 + batch / 20, 1.0)
    return replace(base, **more)


def ready(**changes: Any) -> Export:
    """Return an export that is fit to leave the house, with two warnings."""
    export = Export(
        path=Path("models/resnet.onnx"),
        findings=(TRAIN_MODE, FLOAT64),
        graph=graph(resnet()),
        parity=Parity("ONNX Runtime 1.31.1 (CPU)", (case(1, "example"), case(2), case(4)), True),
        axes=(Axis("image", 0, "batch", "proved", (1, 2, 4)),),
        stages=tuple(
            Stage(name, seconds)
            for name, seconds in [
                ("model", 0.3),
                ("axes", 0.04),
                ("capture", 3.4),
                ("write", 0.5),
                ("check", 0.1),
                ("prove", 0.8),
            ]
        ),
        model_name="model",
        nbytes=102_400_000,
        artifact=None,  # pyright: ignore[reportArgumentType]  # no view may touch the model itself
    )
    return replace(export, **changes)


def not_proved() -> Export:
    """Return an export that was not run."""
    axes = (Axis("image", 0, "batch", "declared"),)
    return ready(findings=(), parity=Parity("", (), None, "not tried: `--no-prove`"), axes=axes, path=None)


def not_fit() -> Export:
    """Return an export that disagrees with PyTorch."""
    bad = case(4, ok=False, max_abs=0.31, ratio=21_000.0, agreement=0.9997, reason="`logits` differs at row 0")
    axes = (Axis("image", 0, "batch", "refused", (), "`view(1, -1)` needs batch 1"),)
    parity = Parity("ONNX Runtime 1.31.1 (CPU)", (case(1, "example"), bad), False)
    return ready(findings=(DIFFERS, TRAIN_MODE), parity=parity, axes=axes)


def empty() -> Export:
    """Return an export of a model without weights, findings, stages or module names."""
    bare = replace(graph(None), inputs=(), outputs=(), nodes=(), initializers=())
    return ready(findings=(), graph=bare, parity=Parity(""), axes=(), stages=(), nbytes=120)


def huge(wide: int = 60, deep: int = 60) -> Export:
    """Return an export with `wide` times `deep` modules below the root."""
    layers = [
        module(f"l{i}", "Layer", 0, *(module(f"l{i}.m{j}", "Linear", 1000) for j in range(deep))) for i in range(wide)
    ]
    return ready(graph=graph(module("", "Huge", 0, *layers)))


def hostile() -> Export:
    """Return an export in which every string that comes from a model is an attack."""
    tree = module("", HOSTILE, 10, module(HOSTILE, HOSTILE, 5, output=(HOSTILE, 3)))
    value = Value(HOSTILE, HOSTILE, (HOSTILE, 3))
    finding = Finding(
        "OM401",
        "outputs-differ",
        "error",
        f"`{HOSTILE}` {HOSTILE}",
        Where(HOSTILE, HOSTILE, 1, HOSTILE, 2, HOSTILE, HOSTILE),
        Fix("code", HOSTILE),
    )
    bad = case(1, sizes={HOSTILE: 3}, reason=HOSTILE)
    return ready(
        path=Path("x.onnx"),
        findings=(finding,),
        graph=replace(graph(tree), inputs=(value,), outputs=(value,)),
        parity=Parity(HOSTILE, (bad,), None, HOSTILE),
        axes=(Axis(HOSTILE, 0, HOSTILE, "refused", (), HOSTILE),),
        model_name=HOSTILE,
    )


LIVE_DROPOUT = Finding(
    "OM102",
    "live-dropout",
    "error",
    "A dropout stays switched on in the file, so the same input gets another answer on every call.",
    Where(module="layer4.2", node="node_dropout", cell=4, line=12, source="x = F.dropout(x)", function="forward"),
    Fix("code", "F.dropout(x, p, training=self.training)", rewrite="dropout-to-identity"),
    2,
)
MISSING_SHAPES = Finding(
    "OM313",
    "missing-shapes",
    "info",
    "90 of 124 intermediate values have no shape.",
    fix=Fix("option", "have ONNX work them out", "--fix shape-inference", rewrite="shape-inference"),
)
STATIC = Finding(
    "OM201",
    "static-batch",
    "warning",
    "Axis 0 of `image` is fixed at 1.",
    Where(module="conv1"),
    Fix("option", "one size is what you want", "--static"),
)


def sound(**changes: Any) -> Check:
    """Return the check of a file that ran alone, with nothing to mend."""
    check = Check(
        name="resnet.onnx",
        path=Path("models/resnet.onnx"),
        findings=(),
        graph=graph(resnet()),
        axes=(Axis("image", 0, "batch", "declared", (1, 2, 3), "ran at these sizes; not compared with PyTorch"),),
        stages=(Stage("read", 0.01), Stage("check", 0.3), Stage("run", 1.4)),
        untried=("Not compared with PyTorch: pass the model, against=model (--against model).",),
        nbytes=102_400_000,
        runtime="ONNX Runtime 1.31.1 (CPU)",
        runs=tuple(Run({"batch": size}, "made up", True) for size in (1, 2, 3)),
    )
    return replace(check, **changes)


def warned(**changes: Any) -> Check:
    """Return the check of a file with a warning, compared with its model, for two targets."""
    parity = Parity("ONNX Runtime 1.31.1 (CPU)", (case(1, "data"), case(2, "data")), True)
    targets = ("OpenCV 5.0", "ONNX Runtime 1.17")
    return sound(**{"findings": (STATIC,), "parity": parity, "runs": (), "untried": (), "targets": targets, **changes})


def unfit(**changes: Any) -> Check:
    """Return the check of a file with errors that a rewrite mends, the same rule twice."""
    second = replace(LIVE_DROPOUT, where=Where(node="node_dropout_2"))
    bad = Run({"batch": 2}, "made up", False, "`logits` not finite")
    findings = (LIVE_DROPOUT, second, STATIC, MISSING_SHAPES)
    return sound(**{"findings": findings, "runs": (*sound().runs[:1], bad), **changes})


def damaged() -> Check:
    """Return the check of a file that is no model."""
    broken = Finding("OM311", "invalid-graph", "error", "The file is no ONNX model: it ends in the middle of a field.")
    untried = ("Nothing was tried on it: it cannot be read.",)
    return Check("broken.onnx", Path("broken.onnx"), (broken,), None, untried=untried, nbytes=40)


def hostile_check() -> Check:
    """Return a check in which every string that comes from a file is an attack."""
    export = hostile()
    return Check(
        name=HOSTILE,
        path=None,
        findings=(replace(export.findings[0], fix=Fix("option", HOSTILE, HOSTILE, HOSTILE)),),
        graph=export.graph,
        axes=(Axis(HOSTILE, 0, HOSTILE, "declared", (1,), HOSTILE),),
        targets=(HOSTILE,),
        untried=(HOSTILE,),
        changes=(HOSTILE,),
        runtime=HOSTILE,
        runs=(Run({HOSTILE: 1}, "made up", False, HOSTILE),),
    )

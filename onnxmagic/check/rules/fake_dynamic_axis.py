"""# fake-dynamic-axis: an axis is declared dynamic, and the file is right for some sizes only.

## What it finds

An axis that the file declares dynamic while the exporter fixed or bounded it. Torch writes the bounds it assumed into
the file, and nobody reads them. Where the file says nothing, it is run: an axis at which one size works and every other
that was tried fails, alone and together with others, is fixed. `%onnx_export` never leaves such an axis; files made in
other ways have them.

## Why it hurts

Whoever reads the signature believes it. Sizes outside the bound fail far away, or give wrong values without an error,
because what was assumed of a size is not checked in the file.

## How to mend it

Export with `%onnx_export`, which proves each dynamic axis or leaves it static and says why. The usual cause is a size
made a Python number: `x.shape[0]` instead of `int(x.shape[0])`, `x.flatten(1)` instead of `x.view(n, -1)`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x.reshape(int(x.shape[0]), -1) * 2

    example = (torch.randn(2, 3, 4),)
    shapes = {"x": {0: torch.export.Dim.AUTO}}
    program = torch.onnx.export(Net().eval(), example, dynamic_shapes=shapes, verbose=False)
    file = program.model_proto.SerializeToString()

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x.flatten(1) * 2

    example = (torch.randn(2, 3, 4),)
    shapes = {"x": {0: torch.export.Dim.AUTO}}
    program = torch.onnx.export(Net().eval(), example, dynamic_shapes=shapes, verbose=False)
    file = program.model_proto.SerializeToString()
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated
from onnxmagic.graph.facts import Graph

RULE = Rule("OM202", "fake-dynamic-axis", "error", "graph")

_KEY = "pkg.torch.export.ExportedProgram.range_constraints"
# "s77: VR[0, int_oo]" is any size, "s27: VR[0, 16]" is not.
_RANGE = re.compile(r"\b(\w+): VR\[(\d{1,18}), (\d{1,18})\]")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for all axes that are declared dynamic and bounded in the same way."""
    # What the file itself says of an axis comes before what its runs showed.
    found = {(name, index): limits for name, index, limits in (*evidence.bounded_axes, *_bounded(evidence.graph))}
    groups: dict[str, list[str]] = {}
    for (name, index), limits in found.items():
        groups.setdefault(limits, []).append(f"axis {index} of {code(name)}")
    for limits, axes in groups.items():
        places = enumerated(axes[:3] if len(axes) <= 3 else [*axes[:2], f"{len(axes) - 2} more"])
        verb = "are" if len(axes) > 1 else "is"
        yield RULE.finding(
            f"{places[0].upper()}{places[1:]} {verb} declared dynamic, but the file is only right for {limits}. "
            "Other sizes fail or give wrong values without an error.",
            count=len(axes),
            fix=Fix("code", "x.shape[0] instead of int(x.shape[0]); or leave the axis static"),
        )


def _bounded(graph: Graph) -> Iterator[tuple[str, int, str]]:
    """Yield input, index and limits of the axes that torch's own note in the file bounds."""
    limits = {
        symbol: f"size {high}" if low == high else f"sizes {low} to {high}"
        for symbol, low, high in _RANGE.findall(graph.metadata.get(_KEY, ""))
    }
    for value in graph.inputs:
        for index, dim in enumerate(value.shape or ()):
            if isinstance(dim, str) and dim in limits:
                yield value.name, index, limits[dim]

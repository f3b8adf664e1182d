"""# stale-sidecar: a data file holds what the model does not use.

## What it finds

A data file beside the model that bears its name and that no model in the folder refers to, and a data file that is much
larger than the weights in it.

## Why it hurts

Somebody copies it, keeps it in a repository and pays for it. A file that nothing refers to is what an earlier export
left behind; one that is too large grew because `onnx.save` adds to a data file that is there already instead of
replacing it.

## How to mend it

Remove the file that nothing refers to. For one that grew, remove both files and save again; or make one file of them,
`%onnx_check net.onnx --fix -o single.onnx`.

## Bad example

    import onnx
    from pathlib import Path

    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16] x) => (float[n, 16] y) { y = Relu(x) }'
    onnx.save(onnx.parser.parse_model(text), "net.onnx")
    Path("net.onnx.data").write_bytes(bytes(1000))
    path = "net.onnx"

## Good example

    import numpy as np
    import onnx

    weight = onnx.numpy_helper.from_array(np.ones((16, 16), np.float32), "w")
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16] x) => (float[n, 16] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(weight)
    onnx.save(model, "net.onnx", save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    path = "net.onnx"
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence, Sidecar
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated, listed, size

RULE = Rule("OM603", "stale-sidecar", "warning", "graph")

_SHARE = 0.01
_ALIGNMENT = 65_536
"""A file may end with this much padding."""


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for files that nothing refers to, and one for each file that holds much else."""
    if evidence.strays:
        names = [name for name, _ in evidence.strays]
        files = enumerated([f"{code(name)} ({size(nbytes)})" for name, nbytes in evidence.strays[:3]])
        them = "them" if len(names) > 1 else "it"
        yield RULE.finding(
            f"{files} lies beside the model, and no model there refers to {them}: an earlier export left "
            f"{them} behind.",
            count=len(names),
            fix=Fix("code", f"remove {listed(names)}"),
        )
    for sidecar in evidence.sidecars:
        if _unused(sidecar) > max(_ALIGNMENT, _SHARE * (sidecar.size or 0)):
            yield RULE.finding(
                f"{code(sidecar.location)} has {size(sidecar.size or 0)}, and the model uses {size(sidecar.used)} of "
                "it: it grew, because `onnx.save` adds to a data file that is there already.",
                fix=Fix("code", f"remove {code(sidecar.location)}, then save the model again"),
            )


def _unused(sidecar: Sidecar) -> int:
    return 0 if sidecar.size is None or sidecar.size < sidecar.needed else sidecar.size - sidecar.used

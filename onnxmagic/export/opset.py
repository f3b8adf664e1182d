"""The operator set and the IR version of the file: which are wanted, and how they are had.

PyTorch's exporter implements opset 18 and converts upwards to 25. For others it calls ONNX's version converter in the
user's kernel, keeps the graph as it is when that fails, and says nothing. So it is only asked for what it honours; the
rest is done to the finished graph, in a process of its own and without the weights (``opset_convert``), and what that
makes is checked and proved like any other file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import onnx

from onnxmagic.disk.write import Weight
from onnxmagic.export.request import Request
from onnxmagic.export.strip import Content
from onnxmagic.runtime.apart import Apart, Died, Raised
from onnxmagic.runtime.frames import TooLarge
from onnxmagic.target.choose import Choice, choose

__all__ = ["Aim"]

USUAL_OPSET: Final = 20
USUAL_IR: Final = 10
"""What torch writes when nobody asks."""

HONOURED: Final = (18, 25)
"""The opsets that torch's exporter writes when asked: its own, and up to onnxscript's SUPPORTED_MAX_ONNX_OPSET."""

SECONDS: Final = 120.0
"""The time that writing the graph for another opset may take; a graph of 20,000 nodes takes a few seconds."""


@dataclass(frozen=True)
class Aim:
    """What the file should be.

    Attributes
    ----------
    choice : Choice
    captured : int or None
        The opset to ask torch's exporter for; None leaves it to torch.
    """

    choice: Choice
    captured: int | None

    @classmethod
    def of(cls, request: Request) -> Aim:
        """Return what `request` aims at."""
        choice = choose(request.targets, usual_opset=USUAL_OPSET, usual_ir=USUAL_IR, asked_opset=request.opset)
        if request.opset is None and not request.targets:
            return cls(choice, None)
        return cls(choice, min(max(choice.opset, HONOURED[0]), HONOURED[1]))

    def reach(self, content: Content) -> Content:
        """Return `content` in the wanted opset and IR version, or as near as can be, with what was chosen and why."""
        if self.captured is None:
            return content
        wanted, got = self.choice.opset, _opset(content.model)
        rewritten, problem = (content, "") if wanted == got else _rewritten(content, wanted)
        opset = _opset(rewritten.model)
        model = self._with_ir(rewritten, converted=opset < got)
        chosen = (self._opset_said(opset, got, problem), *self._ir_said(opset, got, model.ir_version))
        if opset == wanted == got and not self.choice.ir_reason:
            chosen = ()  # nobody wanted what was not there
        return replace(rewritten, model=model, chosen=(*chosen, *self.choice.undecided), opset_problem=problem)

    def _opset_said(self, opset: int, got: int, problem: str) -> str:
        if problem:
            wish = f"{self.choice.opset} ({self.choice.opset_reason})"
            return f"Opset {opset}, the nearest that could be had to {wish}: {problem}."
        said = f"Opset {opset}: {self.choice.opset_reason}."
        if opset == got:
            return said
        return f"{said} PyTorch's exporter writes {HONOURED[0]} to {HONOURED[1]}, so the graph was rewritten for it."

    def _with_ir(self, content: Content, *, converted: bool) -> onnx.ModelProto:
        """Return the model with an IR version as low as the targets, or the readers of an old opset, need it."""
        highest = self.choice.highest_ir
        lowest = _lowest_ir(content) if converted or highest is not None else None
        if lowest is None:
            return content.model
        model = onnx.ModelProto()
        model.CopyFrom(content.model)
        model.ir_version = min(model.ir_version, lowest if highest is None else max(lowest, highest))
        return model

    def _ir_said(self, opset: int, got: int, number: int) -> tuple[str, ...]:
        highest, why = self.choice.highest_ir, self.choice.ir_reason
        if highest is None:
            came = f"the lowest that opset {opset} and the file's types allow" if opset < got else why
            return (f"IR version {number}: {came}.",) if came else ()
        if number > highest:
            return (f"IR version {number}: something in the file needs it, though {why}.",)
        return (
            f"IR version {number}: {why if number == min(highest, USUAL_IR) else 'lower than the targets need it'}.",
        )


def _rewritten(content: Content, wanted: int) -> tuple[Content, str]:
    """Return `content` in opset `wanted`, or the nearest that can be had, and why it is another."""
    got = _opset(content.model)
    step = 1 if wanted < got else -1
    data = np.frombuffer(content.model.SerializeToString(), np.uint8)
    weights = [[w.name, w.data_type, list(w.shape)] for w in content.weights]
    problem = ""
    with Apart(seconds=SECONDS) as apart:
        for opset in range(wanted, got, step):
            try:
                made = apart.call("onnxmagic.export.opset_convert:convert", data, weights, opset)
            except Raised as error:
                problem = problem or str(error)
                continue
            except (Died, TooLarge) as error:
                problem = problem or f"writing the graph for it was given up: {error}"
                break
            model = onnx.ModelProto.FromString(np.asarray(made, np.uint8).tobytes())
            return replace(content, model=model, traces=_traces(model, content.traces)), problem
    return content, problem


def _traces(model: onnx.ModelProto, known: Mapping[str, str]) -> dict[str, str]:
    """Return the stacks by node, those of a node that was replaced for the nodes in its place."""
    names = {node.name: node.name if node.name in known else node.name.rpartition("/")[0] for node in model.graph.node}
    return {**known, **{name: known[origin] for name, origin in names.items() if origin in known}}


def _lowest_ir(content: Content) -> int | None:
    """Return the lowest IR version that the file can have; None when something in it is not known."""
    import onnx_ir as ir

    from onnxmagic.fix.rewrites.lower_ir import lowest_ir

    whole = onnx.ModelProto()
    whole.CopyFrom(content.model)
    whole.graph.input.extend(map(_as_input, content.weights))
    return lowest_ir(ir.from_proto(whole))


def _as_input(weight: Weight) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.shape))


def _opset(model: Any) -> int:
    return next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)

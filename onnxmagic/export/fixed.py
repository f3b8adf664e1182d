"""``--fix`` on an export: the graph is rewritten between the capture and the file, so the proof is of what is written.

What another option asks for stays: ``--train`` keeps dropouts, ``--keep-source`` source lines; a rewrite that is named
is applied all the same. The proof feeds the user's own example, so a rewrite that would change the types of inputs or
outputs is refused here: the model can be converted, and then the export is what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx_ir as ir

from onnxmagic.check.wording import code, enumerated, sentence
from onnxmagic.errors import FixFailed
from onnxmagic.export.request import Request
from onnxmagic.export.result import Axis
from onnxmagic.fix.apply import Applied, apply

__all__ = ["Fixed", "fix_graph", "leaves_dropouts_out", "refused_by_checker", "still_there"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was done to the graph, and the inputs that are no longer in its signature."""

    applied: Applied = field(default_factory=Applied)
    removed: tuple[str, ...] = ()


def fix_graph(model: ir.Model, request: Request) -> Fixed:
    """Apply ``request.fix`` to `model`, in place.

    Raises
    ------
    FixFailed
        A rewrite failed, or would change what the model takes or gives.
    """
    if not request.fix:
        return Fixed()
    before, inputs = _types(model), [value.name or "" for value in model.graph.inputs]
    applied = apply(model, request.fix, leave_out=_kept(request))
    after = _types(model)
    changed = [name for name in after if before.get(name) is not after[name]]
    if changed:
        raise FixFailed(
            f"{code('double-to-float')} would make {enumerated(list(map(code, changed)))} float32, and the export is "
            "proved with your own float64 example.",
            advice="convert the model and the example first: model.float(), x.float()",
        )
    remaining = {value.name for value in model.graph.inputs}
    return Fixed(applied, tuple(name for name in inputs if name not in remaining))


def leaves_dropouts_out(request: Request) -> bool:
    """Return whether live dropouts are to be taken out."""
    return any(each.name == "dropout-to-identity" for each in request.fix.chosen(_kept(request)))


def refused_by_checker(fixed: Fixed, error: str) -> None:
    """Raise when ONNX's checker refuses a graph that was rewritten: it may be the rewriting."""
    names = [code(rewrite.name) for rewrite in fixed.applied.rewrites]
    if names:
        raise FixFailed(
            f"After {enumerated(names)} ONNX's checker refuses the graph: {sentence(error)}",
            advice="export without --fix",
        )


def still_there(axes: tuple[Axis, ...], fixed: Fixed) -> tuple[Axis, ...]:
    """Return the axes of inputs that are still in the file."""
    return tuple(axis for axis in axes if axis.input not in fixed.removed)


def _kept(request: Request) -> list[str]:
    """Return the rewrites that other options ask to leave out."""
    wanted = {
        "dropout-to-identity": request.train,
        "strip-metadata": request.keep_source,
        "single-file": request.external_data is True,
    }
    return [name for name, leave_out in wanted.items() if leave_out]


def _types(model: ir.Model) -> dict[str, ir.DataType | None]:
    return {value.name or "": value.dtype for value in (*model.graph.inputs, *model.graph.outputs)}

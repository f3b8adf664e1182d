"""``onnxmagic.diff``: what is not the same in two models, without trusting their names.

The package holds the comparison. This module holds only the function that people call, and imports nothing heavy:
``onnxmagic.diff`` must be the function even after its submodules were imported. It is the one place here that reaches
forward, to ``compared``, which brings targets to the comparison.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from onnxmagic.diff.result import Diff

__all__ = ["diff"]


def diff(
    a: Any,
    b: Any,
    *,
    data: Any = None,
    samples: int | Literal["all"] = 1000,
    pins: Sequence[tuple[str | int, str | int]] | Mapping[str, str] = (),
    run: bool = True,
    time: bool = False,
    tolerance: float = 1e-4,
    markdown: str | os.PathLike[str] | None = None,
    fail_on: Literal["breaking", "structure", "weights", "outputs", "any", "never"] = "never",
    names: tuple[str | None, str | None] = (None, None),
    cells: Callable[[str], int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Diff:
    """Compare two models: signature, structure, weights, what they compute, and what they cost.

    Nodes are matched by what they do and where they stand; names are a last resort. Nothing is changed. Files need no
    torch; those from anywhere run in a process of their own.

    Parameters
    ----------
    a, b : Export, Check, Shown, path, bytes, onnx.ModelProto, or a model with its example
        Before and after. A model is ``(model, (x,))`` or ``(model, (x,), {"mask": m})``: it is exported into memory, at
        the opset and with the axes of the other.
    data : iterable, optional
        Batches that both run on: a DataLoader, a list of tuples or dicts, an array. Without, both run on the example
        of an export, or else on inputs that are made up from the signature.
    samples : int or "all"
        Rows taken from `data`.
    pins : sequence of (node of a, node of b), or mapping
        Nodes that are one, by name or index; the rest is matched around them.
    run : bool
        Run both in ONNX Runtime and compare outputs and every matched value.
    time : bool
        Measure both, in turns.
    tolerance : float
        Relative difference from which on a value counts as another.
    markdown : path, optional
        Where the report goes as Markdown, for a pull request; written even if `fail_on` then applies.
    fail_on : {"breaking", "structure", "weights", "outputs", "any", "never"}
        Raise ``DiffFound`` when there is such a difference: a signature that breaks callers, another structure, other
        weights, other outputs, or any of them.
    names : tuple of two str, optional
        What the report calls them.
    cells, progress : callable, optional
        As in ``onnxmagic.export``.

    Returns
    -------
    Diff

    Raises
    ------
    UsageMistake
        The call is wrong, or there is nothing to compare.
    ExportError
        A model could not be exported.
    DiffFound
        `fail_on` applies.

    Examples
    --------
    >>> import torch, onnxmagic
    >>> model, x = torch.nn.Linear(4, 2), torch.randn(1, 4)
    >>> before = onnxmagic.export(model, (x,), prove=False)
    >>> _ = model.weight.data.add_(0.001)
    >>> d = onnxmagic.diff(before, (model, (x,)))
    >>> d.identical, len(d.nodes.changed), len(d.weights.changed)
    (False, 0, 1)
    """
    with warnings.catch_warnings():  # libraries add filters of their own when they are first imported
        from onnxmagic.compared.compare import compare
        from onnxmagic.compared.request import DiffRequest

    request = DiffRequest.make(
        data=data,
        samples=samples,
        pins=pins,  # type: ignore[arg-type]  # a mapping is taken apart there
        run=run,
        time=time,
        tolerance=tolerance,
        markdown=markdown,
        fail_on=fail_on,
        names=names,
    )
    return compare(a, b, request, cells=cells, progress=progress)

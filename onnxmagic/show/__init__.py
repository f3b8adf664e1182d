"""``onnxmagic.show``: see what is in a model, a file or a result, without judging it.

This module holds only the function that people call, and imports nothing heavy: ``onnxmagic.show`` must be the function
even after its submodules were imported.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onnxmagic.show.result import Shown

__all__ = ["show"]


def show(
    target: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    opened: str | Sequence[str] = (),
    name: str | None = None,
    cells: Callable[[str], int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Shown:
    """Return the graph of a model or a file, to be shown and looked into.

    Nothing is judged, compared or changed. A file's weights are not read, and it is not run, before somebody asks for
    a value in it; no torch is needed for it.

    Parameters
    ----------
    target : torch.nn.Module, Export, Check, path, bytes or onnx.ModelProto
        A module is called as ``target(*args, **kwargs)`` and exported into memory, without a proof.
    args, kwargs
        The example call, for a module.
    opened : str or sequence of str
        Paths of modules that are open at first (``"layer1.0"``); those around them are open too.
    name : str, optional
        What the view calls it.
    cells, progress : callable, optional
        As in ``onnxmagic.export``.

    Returns
    -------
    Shown

    Raises
    ------
    UsageMistake
        There is nothing to show, or no such module to open.
    ExportError
        The model could not be exported.

    Examples
    --------
    >>> import torch, onnxmagic
    >>> s = onnxmagic.show(torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU()), (torch.randn(1, 4),))
    >>> s.selected = 0
    >>> s.selected.op_type, s.weight("0.bias").shape
    ('Gemm', (2,))
    """
    with warnings.catch_warnings():  # libraries add filters of their own when they are first imported
        from onnxmagic.show.target import shown

    return shown(target, args, kwargs or {}, opened=opened, name=name, cells=cells, progress=progress)

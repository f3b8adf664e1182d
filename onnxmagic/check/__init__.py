"""``onnxmagic.check``: what is wrong with a model or a file, and how to mend it.

The package holds the rules and what runs them. This module holds only the function that people call, and imports
nothing heavy: ``onnxmagic.check`` must be the function even after its submodules were imported. It is the one place
here that reaches forward, to ``examine``, which brings targets to the rules.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import torch

    from onnxmagic.examine.result import Check

__all__ = ["check"]


def check(
    target: Any,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    against: torch.nn.Module | None = None,
    data: Iterable[Any] | None = None,
    samples: int | Literal["all"] = 1000,
    executor: Any = None,
    targets: str | Sequence[str] = (),
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    fix: bool | str | Sequence[str] = False,
    output: str | os.PathLike[str] | None = None,
    run: bool = True,
    fail_on: Literal["error", "warning", "never"] = "never",
    name: str | None = None,
    cells: Callable[[str], int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Check:
    """Look for the mistakes of the catalogue in a model, an export or a .onnx file.

    Nothing is changed: neither the model nor the file. What was not tried is said in ``Check.untried``.

    Parameters
    ----------
    target : torch.nn.Module, Export, path, bytes or onnx.ModelProto
        A module is called as ``target(*args, **kwargs)``, exported into a temporary folder, and run; a file is read
        (without its weights where no rule needs them) and run in a process of its own. A file needs no torch.
    args, kwargs
        The example call, for a module.
    against : torch.nn.Module, optional
        The model that a file is compared with; for an export the example's own module is not kept, so it is asked for.
    data : iterable, optional
        Batches for the comparison, or for running a file alone: a DataLoader, a list of tuples or dicts, an array.
    samples : int or "all"
        Rows taken from `data`, counted along the batch axis.
    executor : concurrent.futures.Executor, optional
        Runs the comparison with `against` on `data`: a process pool, or Dask's or Ray's through their adapters. It is
        not shut down.
    targets : str or sequence of str
        Stacks that the file is meant for, ``"onnxruntime==1.17"``, ``"opencv"``.
    select, ignore : str or sequence of str
        Codes, names or the start of codes (``"OM4"``).
    fix : bool, "safe", "unsafe", or names
        Mend what can be mended without changing numbers (True, ``"safe"``), or else (``"unsafe"``), or what is named
        (a code, or a rewrite's name). Needs `output`.
    output : path, optional
        Where the mended file goes.
    run : bool
        Run the file, in ONNX Runtime.
    fail_on : {"error", "warning", "never"}
        Raise ``CheckFailed`` when there is a finding of this severity or worse.
    name : str, optional
        What the report calls the target.
    cells, progress : callable, optional
        As in ``onnxmagic.export``.

    Returns
    -------
    Check

    Raises
    ------
    UsageMistake
        The call is wrong; nothing ran.
    ModelFailed
        The model itself fails on the example.
    CheckFailed
        `fail_on` applies.

    Examples
    --------
    >>> import torch, onnxmagic
    >>> c = onnxmagic.check(torch.nn.Linear(4, 2), (torch.randn(1, 4),))
    >>> c.ok
    True
    """
    with warnings.catch_warnings():  # libraries add filters of their own when they are first imported
        from onnxmagic.examine.request import CheckRequest
        from onnxmagic.examine.run import run as examine

    request = CheckRequest.make(
        against=against,
        data=data,
        samples=samples,
        executor=executor,
        targets=targets,
        select=select,
        ignore=ignore,
        fix=fix,
        output=output,
        run=run,
        fail_on=fail_on,
        name=name,
    )
    return examine(target, args, kwargs or {}, request, cells=cells, progress=progress)

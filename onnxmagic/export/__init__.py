"""``onnxmagic.export``: from a PyTorch model to a file that was proved.

The package holds the pipeline, a file a stage. This module holds only the function that people call, and imports
nothing heavy: ``onnxmagic.export`` must be the function even after its submodules were imported.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    import torch

    from onnxmagic.export.result import Export
    from onnxmagic.record.calls import Recording
    from onnxmagic.record.recorder import Recorder

__all__ = ["export"]


def export(
    model: torch.nn.Module,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    opset: int | None = None,
    dynamic: Literal["auto"] | Mapping[str, Mapping[int, str] | Sequence[int]] = "auto",
    static: bool = False,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    train: bool = False,
    keep_source: bool = False,
    external_data: bool | None = None,
    prove: bool = True,
    changes: bool = True,
    fail_on: Literal["error", "warning", "never"] = "never",
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    fix: bool | str | Sequence[str] = False,
    targets: str | Sequence[str] = (),
    calls: Recorder | Recording | None = None,
    like: Any = None,
    data: Any = None,
    samples: int | Literal["all"] = 1000,
    executor: Executor | None = None,
    name: str | None = None,
    taken: Sequence[str] = (),
    cells: Callable[[str], int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Export:
    """Export `model`, called as ``model(*args, **kwargs)``, to ONNX, check it and prove it against PyTorch.

    The model, the arguments and the process are afterwards as they were before.

    Parameters
    ----------
    model : torch.nn.Module
    args, kwargs
        The example call: tensors, nested tuples, lists and dicts of tensors, numbers, flags, None, and any class that
        torch knows as a pytree. Everything that is no tensor is fixed in the graph, and the report says so.
    output : path, optional
        The .onnx file, replaced whole or not touched. Without it the model stays in memory (``Export.save`` writes it).
    opset : int, optional
        Version of the ONNX operator set; default: torch's own (20 in torch 2.13), or what fits `targets`. Below 18 the
        graph is rewritten after torch's exporter; where that cannot be done the file gets the nearest one, and OM501.
    dynamic : "auto" or mapping, default "auto"
        ``"auto"`` finds the batch axis. A mapping of argument to axes, ``{"x": {2: "height"}}`` or ``{"x": [0, 2]}``,
        asks for more; every axis is tried on the PyTorch model and proved on the file, or left static with the reason.
    static : bool
        Do not look for a batch axis; with a mapping in `dynamic`, only those axes.
    input_names, output_names : sequence of str, optional
        One for each tensor, in the order of the call as it is written, and of what it returns. Default: the parameters
        of ``forward``; the keys or fields of what it returns.
    train : bool
        Export in the mode the model is in. Default: every submodule in eval mode for the export, then as it was.
    keep_source : bool
        Keep source lines and local paths in the file.
    external_data : bool, optional
        Weights in a second file ``<name>.data``. Default: only from 1.5 GB on.
    prove : bool
        Run the file in ONNX Runtime and compare it with PyTorch.
    changes : bool
        Where a file is replaced, compare the new one with it: ``Export.changes``.
    fail_on : {"error", "warning", "never"}
        Raise ``GateClosed`` when there is a finding of this severity or worse; the old file then stays.
    select, ignore : str or sequence of str
        Which findings count: codes, names or the start of codes (``"OM4"``).
    fix : bool, "safe", "unsafe", or names
        Mend the graph where that does not change numbers (True, ``"safe"``), or else (``"unsafe"``), or what is named
        (a code, or a rewrite's name), before it is proved.
    targets : str or sequence of str
        Stacks that the file is meant for, ``"onnxruntime==1.17"``: opset and IR version are chosen to fit them, and
        what they lack is found.
    calls : Recorder or Recording, optional
        Recorded calls of the model (``onnxmagic.record``) in place of `args` and `kwargs`: they show the inputs and
        which axes vary, and each is run again in ONNX Runtime and compared with what was recorded.
    like : iterable or batch, optional
        In place of `args` and `kwargs`: a DataLoader, dataset or iterable, of which one batch is taken, or a batch. A
        dict goes by the names of forward's parameters, a tuple by position.
    data : iterable, optional
        More data for the proof: a DataLoader, an iterable of batches, an array. Read as a stream, in constant memory.
    samples : int or "all", default 1000
        Rows of `data` that are compared.
    executor : concurrent.futures.Executor, optional
        Where the batches of `data` run; the result is the same as without. It is not shut down.
    name : str, optional
        What the report calls the model; default: its class.
    taken : sequence of str
        Sentences for the report on how the call was found, for who found it.
    cells : callable, optional
        Maps a Python file name to the number of a notebook cell, or None.
    progress : callable, optional
        Called with the name of each stage as it starts.

    Returns
    -------
    Export

    Raises
    ------
    UsageMistake
        The call is wrong; nothing ran.
    ModelFailed
        The model itself fails on the example.
    CaptureFailed
        PyTorch cannot turn it into a graph.
    WriteFailed
        The file could not be written.
    GateClosed
        `fail_on` applies.

    Examples
    --------
    >>> import torch, onnxmagic
    >>> e = onnxmagic.export(torch.nn.Linear(4, 2), (torch.randn(1, 4),))
    >>> e.ok, e.axes[0].status, e.axes[0].sizes
    (True, 'proved', (1, 2, 4))
    """
    with warnings.catch_warnings():  # libraries add filters of their own when they are first imported
        from onnxmagic.export.pipeline import run
        from onnxmagic.export.request import Request
        from onnxmagic.export.supplied import Supplied

    request = Request.make(
        output=output,
        opset=opset,
        dynamic=dynamic,
        static=static,
        input_names=input_names,
        output_names=output_names,
        train=train,
        keep_source=keep_source,
        external_data=external_data,
        prove=prove,
        changes=changes,
        fail_on=fail_on,
        name=name,
        select=select,
        ignore=ignore,
        fix=fix,
        targets=targets,
    )
    supplied = Supplied.make(
        model,
        args,
        kwargs or {},
        calls=calls,
        like=like,
        data=data,
        samples=samples,
        executor=executor,
        taken=taken,
        prove=prove,
    )
    return run(model, supplied, request, cells=cells, progress=progress)

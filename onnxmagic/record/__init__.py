"""``onnxmagic.record``: the calls of a module in a stretch of code, as they were at the moment they were made.

This module holds only the function that people call, and imports nothing heavy: ``onnxmagic.record`` must be the
function even after its submodules were imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from onnxmagic.record.recorder import Recorder

__all__ = ["record"]


def record(model: torch.nn.Module, *, keep: int = 16, budget: int | str = "1GB") -> Recorder:
    """Record the calls of `model` in a ``with`` block, which runs exactly as it would without.

    Parameters
    ----------
    model : torch.nn.Module
        The very object: calls of a copy are not its calls. A submodule can be named too (``pipe.unet``).
    keep : int
        How many calls are kept with their values, those of different shapes first. Of all others the shapes are kept.
    budget : str or int
        The most memory that the copies may take: ``"1GB"``, ``"500MB"``, or a number of bytes. They lie on the devices
        that the values lie on.

    Returns
    -------
    Recorder
        A context manager; its ``recording()`` gives what was recorded, in the block and after it.

    Raises
    ------
    UsageMistake
        `model` is no module, or `keep` or `budget` is none.

    Examples
    --------
    >>> import torch, onnxmagic
    >>> net = torch.nn.Linear(4, 2)
    >>> with onnxmagic.record(net) as calls:
    ...     for rows in (8, 8, 5):
    ...         y = net(torch.randn(rows, 4))
    >>> [tuple(call.output.shape) for call in calls.recording().calls]
    [(8, 2), (8, 2), (5, 2)]
    """
    from onnxmagic.record.recorder import Recorder

    return Recorder(model, keep=keep, budget=budget)

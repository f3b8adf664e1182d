"""As many samples of the user's data as were asked for, bound, one batch after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from onnxmagic.errors import UsageMistake
from onnxmagic.export.eager import one_line
from onnxmagic.export.sweep.bind import Binder, Bound
from onnxmagic.export.sweep.rows import Rows
from onnxmagic.export.sweep.source import each_batch
from onnxmagic.graph.facts import Graph

__all__ = ["DataFails", "Taking"]


class DataFails(Exception):
    """The data break off after the first batch; the message says why, in one line."""


class Taking:
    """An iterator over bound batches; the last is cut to what was asked for.

    Attributes
    ----------
    asked : int or None
        Samples to take; None for all.
    rows : Rows
        Set again once a run has shown where they are.
    """

    def __init__(self, data: Any, graph: Graph, model: torch.nn.Module, asked: int | None) -> None:
        self.asked = asked
        self.rows = Rows.of(graph)
        self._binder = Binder(graph, model)
        self._batches = each_batch(data, graph, self._binder.names)
        self._taken = 0
        self._last: Bound | None = None

    def __iter__(self) -> Iterator[Bound]:
        return self

    def __next__(self) -> Bound:
        """Return the next batch.

        Raises
        ------
        DataFails
            For whatever the data raise, or for a batch that does not fit, after a first batch that did.
        """
        if self._last is not None:  # counted now, because its run may have shown that it has no rows
            self._taken += self.rows.count(self._last.feeds)
        left = None if self.asked is None else self.asked - self._taken
        if left is not None and left <= 0:
            raise StopIteration
        try:
            bound = self._binder.bind(next(self._batches))
        except StopIteration:
            raise
        except Exception as error:
            if self._last is None:
                raise
            reason = str(error) if isinstance(error, UsageMistake) else one_line(error)
            raise DataFails(reason) from error
        self._last = bound if left is None else self.rows.cut(bound, left, self._binder)
        return self._last

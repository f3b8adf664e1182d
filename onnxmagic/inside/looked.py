"""What every result with a graph lets a person do with it: choose in it, and ask for the values in it.

It declares the fields that it reads and stays no dataclass itself: a base's fields would come first, and the order of a
result's fields is part of its contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from onnxmagic.check.finding import Finding, Where
from onnxmagic.errors import UsageMistake
from onnxmagic.inside.choices import Choices
from onnxmagic.inside.selection import Chosen, Selection
from onnxmagic.shown import ShowsItself

if TYPE_CHECKING:
    from onnxmagic.inside.file import Inside

__all__ = ["Looked", "no_file", "selectable"]

_Class = TypeVar("_Class", bound="type[Looked]")


class Looked(ShowsItself):
    """A result with a graph that can be looked into."""

    graph: Any  # a Graph; of a check also None, which a field of a subclass could not narrow
    places: Mapping[str, Where]
    selection: Selection

    # IPython takes a class's own __repr__ before an inherited _repr_pretty_.
    _repr_pretty_ = ShowsItself._repr_pretty_

    @property
    def choices(self) -> Choices:
        """What can be chosen in a view of this result."""
        if self.selection.choices is None:
            self.selection.choices = Choices(self.graph, self._findings(), self.places)
        return self.selection.choices

    @property
    def inside(self) -> Inside:
        """The file, to be asked for the values in it.

        Raises
        ------
        UsageMistake
            No file was kept.
        """
        raise NotImplementedError

    @property
    def selected(self) -> Chosen | None:
        """The node, module or finding that was clicked last in a live view of this result.

        A node has ``.name``, ``.op_type``, ``.attributes`` as Python values, ``.inputs`` and ``.outputs`` with dtype
        and shape, ``.weights``, ``.module`` and ``.where``. Set it, and the views follow: the name of a node, the path
        of a module, one of ``graph.nodes``, a module, a finding, the index of a node, or None for nothing.
        """
        return self.selection.selected

    @selected.setter
    def selected(self, wanted: object) -> None:
        key = self.choices.key_of(wanted)
        self.selection.chose(key, self.choices.at(key))

    def value(self, name: str, inputs: Mapping[str, Any] | None = None) -> Any:
        """Return the value of the graph called `name`, whichever it is, as an array.

        The file runs in ONNX Runtime, unoptimised, with this value among its outputs. An export runs on the example it
        was made with, which is kept up to 64 MB; a file without a PyTorch model runs in a process of its own, with
        limits, on inputs that are made up from its signature. Values that were asked for are kept, up to 64 MB
        together: a second time the very array is returned, read-only.

        Parameters
        ----------
        name : str
            As in ``graph.nodes[i].outputs``; an input or a weight too.
        inputs : mapping of input name to array, optional
            Run on these.

        Raises
        ------
        UsageMistake
            There is no such value, no file, or nothing to run it on.
        ValueUnavailable
            The file does not run here, or gives the value in no form that can be handed out.
        """
        return self.inside.value(name, inputs).array

    def weight(self, name: str) -> Any:
        """Return the values of the initializer called `name`, read from the file; up to 1 GB.

        Raises
        ------
        UsageMistake
            There is no such weight, no file, or it is too large.
        ValueUnavailable
            Its values cannot be read.
        """
        return self.inside.weight(name)

    def _findings(self) -> Sequence[Finding]:
        return ()


def selectable(cls: _Class) -> _Class:
    """Let ``selected`` be set on a frozen dataclass, and nothing else.

    A frozen dataclass refuses every assignment, before any property is asked.
    """
    frozen: Any = cls.__setattr__

    def set_selected(self: Looked, name: str, value: object) -> None:
        if name == "selected":
            object.__setattr__(self, name, value)
        else:
            frozen(self, name, value)

    cls.__setattr__ = set_selected  # type: ignore[method-assign]  # what this function is for
    return cls


def no_file(name: str) -> UsageMistake:
    """Return what to say where a result has no file."""
    return UsageMistake(
        f"No file of {name} was kept, so there is nothing to read values from. Export it, e = %onnx_export model(x), "
        "and ask e; of bytes or a ModelProto, %onnx_show them."
    )

"""The program that PyTorch captured, run with the file's own values put in place.

Every operator is given what the file computed before it, and its answer is held against what the file computes there.
So an error is seen where it is made and nowhere else: it is neither carried along nor magnified by what follows, and
several independent errors show in one pass. What is left at a sound operator is one operator's rounding, whose size a
float64 run of that operator tells.

Values are paired by name: torch's exporter calls a value of the file as the program calls its node. Where a rewrite
took names away (a batch norm folded into its convolution), PyTorch computes the stretch between two known names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np
import torch
from torch import fx

from onnxmagic.export.compare import MOST_RATIO
from onnxmagic.export.referee import everything_double

__all__ = ["Difference", "Replay", "arguments_of"]

CLEAR = 1e6
"""Ratio from which on one error is as clear as another; a wrong shape counts as this much."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A node of the program that the file computes in another way.

    ``ratio`` is the error in units of PyTorch's own rounding there. ``stretch`` are the nodes that this one is computed
    from and that the file has no names for, itself last: one of them it is.
    """

    node: fx.Node
    value: str
    ratio: float
    detail: str
    stretch: tuple[fx.Node, ...]


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A value that is not PyTorch's own; ``rough`` is the error in units of its type's rounding."""

    node: fx.Node
    value: str
    ours: torch.Tensor
    given: Any
    rough: float


class Replay(fx.Interpreter):
    """One pass over the program, its values replaced by the file's.

    Parameters
    ----------
    program : torch.export.ExportedProgram
    names : mapping
        Names of the program's nodes to names of values in the file.
    values : mapping
        Names of values in the file to arrays.

    Attributes
    ----------
    differences : list of Difference
        In the order of the program.
    """

    def __init__(self, program: Any, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        super().__init__(program.graph_module, garbage_collect_values=False)
        self._order = {node: number for number, node in enumerate(program.graph.nodes)}
        self._names = names
        self._values = values
        self._known: set[fx.Node] = set()
        self._tainted: set[fx.Node] = set()
        self._suspects: list[_Suspect] = []
        self.differences: list[Difference] = []

    def compare(self, arguments: Sequence[Any]) -> list[Difference]:
        """Run on the program's arguments (see ``arguments_of``) and return the differences."""
        with torch.no_grad():
            self.run(*arguments, enable_io_processing=False)
            self._weigh()
        return self.differences

    def first(self) -> Difference | None:
        """Return the first difference that is no rounding; None when there is none."""
        return next(iter(self.serious()), None)

    def serious(self) -> list[Difference]:
        """Return the differences that stand out; where one node is wrong, others may only round worse."""
        least = self._least()
        return [each for each in self.differences if each.ratio >= least]

    def _least(self) -> float:
        """Return the ratio from which on a difference stands out beside the worst one."""
        worst = min(max((each.ratio for each in self.differences), default=0.0), CLEAR)
        return max(MOST_RATIO, sqrt(worst))

    def run_node(self, n: fx.Node) -> Any:
        """Compute the node from the file's values, compare, and hand the file's own value on."""
        ours = super().run_node(n)
        if n.op != "call_function":
            self._known.add(n)
            return ours
        tainted = any(each in self._tainted for each in n.all_input_nodes)
        value = self._names.get(n.name)
        given = None if value is None else _alike(ours, self._values.get(value))
        if value is None or given is None:
            if tainted:
                self._tainted.add(n)
            return ours
        fits = _fits(ours, given)
        if not tainted:
            self._judge(n, value, ours, given)
        if not fits:
            # What follows cannot be computed from this, so nothing that depends on it is held against the file.
            self._tainted.add(n)
            return ours
        self._known.add(n)
        return _in_place_of(ours, given)

    def _judge(self, node: fx.Node, value: str, ours: Any, given: Any) -> None:
        strict = _strict(ours, given)
        if strict:
            self._differs(node, value, inf, strict)
            return
        if not isinstance(ours, torch.Tensor) or not ours.is_floating_point():
            self._judge_exactly(node, value, ours, given)
            return
        got, expected = _pair(ours, given)
        error, scale = _distance(got, expected), _length(expected)
        rough = error / (torch.finfo(ours.dtype).eps / 2 * scale) if scale else inf if error else 0.0
        if rough + 1 > MOST_RATIO:
            self._suspects.append(_Suspect(node, value, ours, given, rough))

    def _weigh(self) -> None:
        """Tell rounding from mistakes by float64 runs, the largest error first: what cannot stand out needs none.

        No operator rounds less than its type does, so an error in those units, and one for PyTorch's, is the most that
        its ratio can be.
        """
        for suspect in sorted(self._suspects, key=lambda each: each.rough, reverse=True):
            if suspect.rough + 1 < self._least():
                break
            ratio = self._ratio(suspect)
            if ratio > MOST_RATIO:
                eps = torch.finfo(suspect.ours.dtype).eps
                detail = f"{suspect.rough * eps / 2:.2g} of its size, {_times(ratio)} rounding"
                self._differs(suspect.node, suspect.value, ratio, detail)
        self.differences.sort(key=lambda each: self._order[each.node])

    def _ratio(self, suspect: _Suspect) -> float:
        ours, given = suspect.ours, suspect.given
        exact = self._exact(suspect.node)
        if exact is None or exact.shape != ours.shape:
            return suspect.rough / 32  # the rounding of an operator is mostly below so many times that of its type
        got, expected = _pair(ours, given)
        wide = exact.cpu().double().reshape(-1)[_good(ours, given)]
        noise = max(_distance(expected, wide), torch.finfo(ours.dtype).eps / 2 * _length(wide))
        return _distance(got, wide) / noise if noise else inf

    def _judge_exactly(self, node: fx.Node, value: str, ours: Any, given: Any) -> None:
        wrong = torch.as_tensor(given).reshape(-1) != torch.as_tensor(ours).cpu().reshape(-1)
        if bool(wrong.any()) and isinstance(ours, torch.Tensor):
            exact = self._exact(node)
            if exact is not None and exact.shape == ours.shape:  # where PyTorch changes its own mind there was a tie
                wrong &= (exact == ours).cpu().reshape(-1)
        if bool(wrong.any()):
            self._differs(node, value, inf, f"{int(wrong.sum())} of {wrong.numel()} values")

    def _differs(self, node: fx.Node, value: str, ratio: float, detail: str) -> None:
        self.differences.append(Difference(node, value, ratio, detail, tuple(self._stretch(node))))

    def _exact(self, node: fx.Node) -> torch.Tensor | None:
        """Return the node in float64, computed from the file's values; None when PyTorch cannot."""
        exact: dict[fx.Node, Any] = {}

        def value_of(each: fx.Node) -> Any:
            return exact[each] if each in exact else self.env[each]

        try:
            with everything_double():
                for each in self._stretch(node):
                    args, kwargs = fx.map_arg((each.args, each.kwargs), value_of)
                    exact[each] = self.call_function(each.target, args, kwargs)  # type: ignore[arg-type]  # its op says that it is a function
        except Exception:  # noqa: BLE001  # some operators have no float64 form; then the type's own rounding decides
            return None
        result = exact[node]
        return result if isinstance(result, torch.Tensor) else None

    def _stretch(self, node: fx.Node) -> list[fx.Node]:
        """Return `node` and what it is computed from that the file has no name for, in the order of the program."""
        found, left = {node}, [node]
        while left:
            for each in left.pop().all_input_nodes:
                if each not in found and each not in self._known:
                    found.add(each)
                    left.append(each)
        return sorted(found, key=self._order.__getitem__)


def arguments_of(program: Any, leaves: Sequence[Any]) -> list[Any]:
    """Return what the graph of `program` takes: its weights, its constants, and `leaves`, the user's own arguments.

    Raises
    ------
    ValueError
        There are more or fewer leaves than the program was captured with.
    """
    held = {**program.constants, **program.state_dict}
    specs = program.graph_signature.input_specs
    own = [spec for spec in specs if spec.kind.name == "USER_INPUT"]
    if len(own) != len(leaves):
        raise ValueError(f"the captured program takes {len(own)} arguments, the call has {len(leaves)}")
    given = iter(leaves)
    return [next(given) if spec.kind.name == "USER_INPUT" else held[spec.target] for spec in specs]


def _alike(ours: Any, given: Any) -> Any:
    """Return `given` where it is the same kind of thing as `ours`, else None."""
    if not isinstance(given, np.ndarray):
        return None
    if isinstance(ours, (bool, int, float)):
        return given if given.size == 1 else None
    if not isinstance(ours, torch.Tensor) or ours.is_complex() or ours.dtype is torch.bfloat16:
        return None
    return given if torch.from_numpy(np.empty(0, given.dtype)).dtype is ours.dtype else None


def _fits(ours: Any, given: Any) -> bool:
    return not isinstance(ours, torch.Tensor) or given.size == ours.numel()


def _in_place_of(ours: Any, given: Any) -> Any:
    if isinstance(ours, torch.Tensor):
        return torch.from_numpy(given).reshape(ours.shape).to(ours.device)
    return type(ours)(given.item())


def _strict(ours: Any, given: Any) -> str:
    """Return what differs that cannot be rounding."""
    if not isinstance(ours, torch.Tensor):
        return ""
    if not _fits(ours, given):
        return f"shape {list(given.shape)}, in PyTorch {list(ours.shape)}"
    if not ours.is_floating_point():
        return ""
    flat = torch.from_numpy(given).reshape(-1)
    mine = ours.cpu().reshape(-1)
    odd = ~flat.isfinite() | ~mine.isfinite()
    odd &= ~((flat == mine) | (flat.isnan() & mine.isnan()))
    return f"{int(odd.sum())} of {odd.numel()} values are NaN or infinite on one side" if bool(odd.any()) else ""


def _good(ours: torch.Tensor, given: Any) -> torch.Tensor:
    return torch.from_numpy(given).reshape(-1).isfinite() & ours.cpu().reshape(-1).isfinite()


def _pair(ours: torch.Tensor, given: Any) -> tuple[torch.Tensor, torch.Tensor]:
    good = _good(ours, given)
    return torch.from_numpy(given).reshape(-1)[good], ours.cpu().reshape(-1)[good]


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return _length(a.double() - b.double())


def _length(values: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(values, dtype=torch.float64)) if values.numel() else 0.0


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times PyTorch's own" if ratio < 1000 else "more than 1,000 times PyTorch's own"

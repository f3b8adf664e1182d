"""The mended file against the original, both run on the same inputs.

There is no PyTorch model beside a file from anywhere, so the original is the judge. A rewrite that is safe leaves every
operation as it was, so the outputs are equal but for the rounding of kernels that the runtime chose anew; a rewrite
that is not safe changes numbers, and the comparison says by how much. What was not compared is said to be not compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from onnxmagic.check.wording import code, listed
from onnxmagic.fix.parts import counted
from onnxmagic.graph.read import read
from onnxmagic.runtime.protocol import Array, Runtime, Session

__all__ = ["Proof", "prove"]

ROUNDING: Final = 256
"""Units in the last place of an output's largest magnitude that another choice of kernels may differ by."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the mended file compares with the original.

    Attributes
    ----------
    ok : bool or None
        None when nothing could be compared.
    says : str
        For a person, without a full stop: how it compares, why nothing could be compared, or what differs.
    runs : int
        Inputs on which both ran.
    max_rel : float
        The largest difference, relative to the largest magnitude of its output.
    """

    ok: bool | None
    says: str
    runs: int = 0
    max_rel: float = 0.0


class _Differs(Exception):
    """The mended file is not what the original was; the message says in what."""


def prove(
    original: Path,
    mended: Path,
    runtime: Runtime,
    feeds: Sequence[Mapping[str, Array]],
    *,
    safe: bool = True,
    called: str = "the original",
) -> Proof:
    """Run both files on `feeds` and compare their outputs.

    Parameters
    ----------
    original, mended : Path
    runtime : Runtime
    feeds : sequence of mappings
        Inputs of the original, name to array. Inputs that the mended file does not have are left out; a dtype that it
        has changed is cast.
    safe : bool
        No number may have changed; otherwise differences are reported, and only another shape or a NaN is refused.
    called : str
        What to call `original`, where it is not the file as it came (``mend.inference_twin``).
    """
    lacking = runtime.missing()
    if lacking:
        return Proof(None, f"not compared with the original: {lacking}")
    try:
        after = runtime.load(mended)
    except Exception as error:  # noqa: BLE001  # whatever the runtime has against the file, it is its word on it
        return _refused(original, runtime, error)
    try:
        before = runtime.load(original)
    except Exception as error:  # noqa: BLE001  # as above
        return Proof(
            None, f"not compared with the original: {runtime.name} runs this and refuses that: {_plain(error)}"
        )
    return _Comparison(before, after, _dtypes(mended), safe, called).of(feeds, runtime.name)


def _refused(original: Path, runtime: Runtime, error: Exception) -> Proof:
    try:
        runtime.load(original)
    except Exception:  # noqa: BLE001  # it refused the original too
        return Proof(None, f"not compared with the original: {runtime.name} loads neither of them: {_plain(error)}")
    return Proof(False, f"{runtime.name} loads the original and refuses this: {_plain(error)}")


@dataclass(slots=True)
class _Comparison:
    before: Session
    after: Session
    dtypes: Mapping[str, str]
    safe: bool
    called: str
    runs: int = 0
    max_rel: float = 0.0
    exact: bool = True
    random: bool = False
    failure: str = ""

    def of(self, feeds: Sequence[Mapping[str, Array]], runtime: str) -> Proof:
        try:
            for feed in feeds:
                self._one(feed)
        except _Differs as difference:
            return Proof(False, f"in {runtime} {difference}", self.runs, self.max_rel)
        if not self.runs:
            return Proof(None, f"not compared with the original: {self._nothing(feeds)}")
        return Proof(True, f"{self._said()}, in {runtime} on {counted(self.runs, 'input')}", self.runs, self.max_rel)

    def _one(self, feed: Mapping[str, Array]) -> None:
        try:
            expected, again = self.before.run(feed), self.before.run(feed)
        except Exception as error:  # noqa: BLE001  # made-up inputs need not suit a model
            self.failure = _plain(error)
            return
        if not all(_equal(a, b) for a, b in zip(expected, again, strict=True)):
            self.random = True
            return
        try:
            given = self.after.run(_cast(feed, self.dtypes))
        except Exception as error:
            raise _Differs(f"it does not run on inputs that the original runs on: {_plain(error)}") from error
        self._compare(expected, given)
        self.runs += 1

    def _compare(self, expected: Sequence[Any], given: Sequence[Any]) -> None:
        if self.before.outputs != self.after.outputs or len(expected) != len(given):
            raise _Differs(f"the outputs are {listed(self.after.outputs)}, not {listed(self.before.outputs)}")
        for name, old, new in zip(self.before.outputs, expected, given, strict=True):
            self._value(name, old, new)

    def _value(self, name: str, old: Any, new: Any) -> None:
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for one, other in zip(old, new, strict=True):  # a sequence
                self._value(name, one, other)
            return
        if _equal(old, new):
            return
        self.exact = False
        error, allowed = _difference(name, old, new)
        self.max_rel = max(self.max_rel, error)
        if self.safe and error > allowed:
            raise _Differs(f"{code(name)} differs by {error:.1e} of its largest magnitude, which is not rounding")

    def _said(self) -> str:
        if self.exact:
            return f"bit for bit equal to {self.called}"
        size = f"differs from {self.called} by at most {self.max_rel:.1e} of an output's largest magnitude"
        return f"{size}, which is rounding" if self.safe else size

    def _nothing(self, feeds: Sequence[Mapping[str, Array]]) -> str:
        if self.random:
            return "it gives another answer on every run"
        return f"it runs on none of the inputs ({self.failure})" if feeds else "there were no inputs to run it on"


def _dtypes(path: Path) -> dict[str, str]:
    return {value.name: value.dtype for value in read(path).inputs}


def _cast(feed: Mapping[str, Array], dtypes: Mapping[str, str]) -> dict[str, Array]:
    """Return the inputs with the element types that the mended file takes; only float64 ever becomes another."""
    return {
        name: array.astype("float32") if array.dtype == "float64" and dtypes.get(name) == "float32" else array
        for name, array in feed.items()
    }


def _equal(old: Any, new: Any) -> bool:
    import numpy as np

    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.dtype != new.dtype or old.shape != new.shape:
            return False
        return bool((old == new).all()) if old.dtype == object else old.tobytes() == new.tobytes()
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_equal, old, new))
    return type(old) is type(new) and bool(old == new)


def _difference(name: str, old: Any, new: Any) -> tuple[float, float]:
    """Return the relative difference of two arrays, and how much of it may be rounding."""
    import numpy as np

    if not isinstance(old, np.ndarray) or not isinstance(new, np.ndarray):
        raise _Differs(f"{code(name)} is another value")
    if old.shape != new.shape:
        raise _Differs(f"{code(name)} has the shape {new.shape}, not {old.shape}")
    if old.dtype.kind != "f" or new.dtype.kind != "f":
        share = float(np.mean(old != new)) if old.dtype == new.dtype else 1.0
        raise _Differs(f"{share:.0%} of {code(name)}, which is no floating-point output, is different")
    if (np.isfinite(old) != np.isfinite(new)).any():
        raise _Differs(f"{code(name)} is NaN or infinite at other places")
    finite = np.isfinite(old)
    exact, other = old[finite].astype(np.float64), new[finite].astype(np.float64)
    largest = float(np.abs(exact).max(initial=0.0))
    error = float(np.abs(exact - other).max(initial=0.0))
    precision = max(float(np.finfo(array.dtype).eps) for array in (old, new))
    return (error / largest if largest else error), ROUNDING * precision


def _plain(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:299]}…"

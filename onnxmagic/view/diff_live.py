"""What a live view of a diff asks Python for: the values of a weight before and after, as two distributions.

The browser sends a name, which is only looked up. What goes wrong is a sentence in the view.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from onnxmagic.diff.result import Diff
from onnxmagic.errors import UsageMistake

__all__ = ["pair_answer"]

Answer = dict[str, Any]


def pair_answer(diff: Diff) -> Callable[[dict[str, Any]], Answer]:
    """Return what answers for a weight; a view that outlives `diff` does not keep it."""
    known = weakref.ref(diff)

    def answer(payload: dict[str, Any]) -> Answer:
        result, name = known(), payload.get("name")
        if result is None:
            raise UsageMistake("The result is gone from Python: run the cell again, or keep it in a variable.")
        if not isinstance(name, str):
            raise UsageMistake("There is no such weight in these models.")
        pair = result.weight(name)
        return {"edges": list(pair.edges), "before": list(pair.before), "after": list(pair.after)}

    return answer

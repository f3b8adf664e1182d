"""What a live view asks Python for: the figures of a weight, and of a value on real inputs.

The browser sends where a thing stands in the graph, or its name, which is only looked up; nothing it sends is run. Only
figures and a small picture go back, however large the thing is. What goes wrong is a sentence in the view: nobody would
see an exception in the handler of a message.
"""

from __future__ import annotations

import base64
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from onnxmagic.errors import OnnxMagicError, UsageMistake
from onnxmagic.inside.picture import picture
from onnxmagic.inside.statistics import pieces, statistics

if TYPE_CHECKING:
    from onnxmagic.inside.looked import Looked
    from onnxmagic.inside.statistics import Statistics

__all__ = ["answer", "answers"]

Kind = Literal["weight", "value"]
Answer = dict[str, Any]

PICTURED: Final = 64 * 2**20
"""Bytes up to which a weight is read as a whole, for its picture."""

_GONE: Final = "The result is gone from Python: run the cell again, or keep it in a variable."


def answers(result: Looked) -> dict[str, Callable[[dict[str, Any]], Answer]]:
    """Return what answers each kind of question; a view that outlives `result` does not keep it."""
    known = weakref.ref(result)

    def answering(kind: Kind) -> Callable[[dict[str, Any]], Answer]:
        return lambda payload: answer(known(), kind, payload)

    return {"weight": answering("weight"), "value": answering("value")}


def answer(result: Looked | None, kind: Kind, payload: Mapping[str, Any]) -> Answer:
    """Return the figures of what `payload` names; ``{"error": sentence}`` where they cannot be had.

    Parameters
    ----------
    result : result or None
        None where it is gone.
    kind : {"weight", "value"}
    payload : mapping
        Of a value ``index``, that in the outline's values; of a weight ``node`` and ``weight``, its place among those
        of the node; of either ``name`` alone.

    Returns
    -------
    dict
        ``name``, ``shape``, ``dtype``, ``size``, ``min``, ``max``, ``mean``, ``std``, ``nan``, ``inf``, ``zeros``,
        ``histogram``, ``image``, ``on`` (which inputs), ``said`` (what has to be known of it).
    """
    if result is None:
        return {"error": _GONE}
    try:
        name = _name(result, kind, payload)
        return _weight(result, name) if kind == "weight" else _value(result, name)
    except OnnxMagicError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "There is not enough memory for it."}
    # A view must not be left waiting, whatever a strange file makes numpy or the reader raise.
    except Exception as error:  # noqa: BLE001
        return {"error": f"{type(error).__name__}: {error}"}


def _name(result: Looked, kind: Kind, payload: Mapping[str, Any]) -> str:
    """Return the whole name of what is asked for: in a view a long one is cut."""
    index, node, place = payload.get("index"), payload.get("node"), payload.get("weight")
    found = ""
    if kind == "value" and isinstance(index, int):
        found = result.choices.value_name(index)
    elif kind == "weight" and isinstance(node, int) and isinstance(place, int):
        found = result.choices.weight_name(node, place)
    if found:
        return found
    if isinstance(name := payload.get("name"), str):
        return name
    raise UsageMistake(f"There is no such {kind} in the graph.")


def _weight(result: Looked, name: str) -> Answer:
    inside = result.inside
    weight = inside.initializer(name)
    if weight.nbytes > PICTURED:
        figures = statistics(lambda: inside.blocks(name))
        return _told(name, weight.shape, weight.dtype, figures)
    array = inside.weight(name)
    return {**_told(name, weight.shape, weight.dtype, statistics(lambda: pieces(array))), "image": _image(array)}


def _value(result: Looked, name: str) -> Answer:
    seen = result.inside.value(name)
    array: Any = seen.array
    if not isinstance(array, np.ndarray) or array.dtype.kind in "OUS":
        kind = "text" if isinstance(array, np.ndarray) else type(array).__name__
        return {"error": f"It is no tensor of numbers but {kind}; in Python: .value({name!r})"}
    figures = statistics(lambda: pieces(array))
    said = "Made up from the signature: what these numbers mean to the model is not known." if _made_up(seen.on) else ""
    told = _told(name, array.shape, str(array.dtype), figures)
    return {**told, "image": _image(array), "on": seen.on, "said": said}


def _made_up(on: str) -> bool:
    return on == "made-up inputs"


def _told(name: str, shape: tuple[int, ...], dtype: str, figures: Statistics) -> Answer:
    histogram = figures.histogram
    return {
        "name": name,
        "shape": list(shape),
        "dtype": dtype,
        "size": figures.size,
        "min": figures.minimum,
        "max": figures.maximum,
        "mean": figures.mean,
        "std": figures.std,
        "nan": figures.nan,
        "inf": figures.inf,
        "zeros": figures.zeros,
        "histogram": {"edges": list(histogram.edges), "counts": list(histogram.counts)} if histogram else None,
        "image": None,
        "on": "",
        "said": "",
    }


def _image(array: Any) -> Answer | None:
    drawn = picture(array)
    if drawn is None:
        return None
    return {
        "width": drawn.width,
        "height": drawn.height,
        "base64": base64.b64encode(drawn.grey).decode("ascii"),
        "from": drawn.low,
        "to": drawn.high,
        "slice": drawn.part,
    }

"""A payload read back as the page reads it."""

from __future__ import annotations

import base64
import json
import zlib
from itertools import accumulate
from typing import Any


def _numbers(column: Any) -> list[int]:
    return list(accumulate(column["data"])) if isinstance(column, dict) else column


def texts_of(strings: dict[str, Any]) -> list[str]:
    """Return the texts that were written as patterns and steps."""
    steps = iter(_numbers(strings["step"]))
    last = [[0] * pattern.count("\0") for pattern in strings["patterns"]]
    texts: list[str] = []
    for number in _numbers(strings["pattern"]):
        first, *pieces = strings["patterns"][number].split("\0")
        last[number] = [before + next(steps) for before in last[number]]
        texts.append(first + "".join(f"{n}{piece}" for n, piece in zip(last[number], pieces, strict=True)))
    return texts


def unpacked(payload: str) -> dict[str, Any]:
    """Return the data with its columns as lists, and texts in the place of their numbers."""
    data = json.loads(zlib.decompress(base64.b64decode(payload)))
    strings = texts_of(data.pop("strings"))
    assert strings[0] == ""
    assert len(set(strings)) == len(strings)
    texts = {"scopes": {"name", "cls", "kind"}, "nodes": {"op", "domain", "name", "attrs", "line"}}
    texts |= {"values": {"name", "type"}, "weights": {"name", "type"}}
    for table in ("scopes", "nodes", "values", "edges", "weights", "cost"):
        for key, column in data[table].items():
            numbers = _numbers(column)
            data[table][key] = [strings[n] for n in numbers] if key in texts.get(table, ()) else numbers
    return data

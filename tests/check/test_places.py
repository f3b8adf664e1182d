"""From a Python stack to the user's line."""

from __future__ import annotations

import sysconfig
from types import TracebackType

import pytest

from onnxmagic.check.finding import Where
from onnxmagic.check.places import where_from_trace, where_from_traceback

TORCH = f"{sysconfig.get_path('purelib')}/torch/nn/functional.py"


def cells(file: str) -> int | None:
    return 7 if "ipykernel" in file else None


def trace(*frames: tuple[str, int, str, str]) -> str:
    return "\n  ".join(f'File "{f}", line {n}, in {name}\n    {code}' for f, n, name, code in frames)


def test_the_innermost_cell_wins() -> None:
    text = trace(
        ("/tmp/ipykernel_1/1.py", 2, "forward", "return self.net(x)"),
        ("/tmp/ipykernel_1/2.py", 5, "forward", "return f(x)"),
        ("/home/me/net.py", 9, "f", "return g(x)"),
        (TORCH, 100, "g", "return h()"),
    )
    assert where_from_trace(text, cells) == Where(cell=7, line=5, source="return f(x)", function="forward")


def test_else_the_innermost_file_that_is_not_installed() -> None:
    text = trace(("/home/me/net.py", 9, "forward", "return g(x)"), (TORCH, 100, "g", "return h()"))
    where = where_from_trace(text)
    assert where == Where(file="net.py", line=9, source="return g(x)", function="forward")


def test_a_windows_path() -> None:
    assert where_from_trace(trace((r"C:\Users\me\net.py", 9, "forward", "x"))).file == "net.py"


@pytest.mark.parametrize(
    "file", [TORCH, "<eval_with_key>.3", "<frozen importlib>", f"{sysconfig.get_path('stdlib')}/a.py"]
)
def test_nothing_of_the_users(file: str) -> None:
    assert where_from_trace(trace((file, 1, "f", "x"))) == Where()


@pytest.mark.parametrize("text", ["", "no frame at all", 'File "a.py", line x, in f'])
def test_no_stack(text: str) -> None:
    assert where_from_trace(text, cells) == Where()


def test_a_frame_without_its_code() -> None:
    text = f'File "/home/me/net.py", line 3, in forward\n  File "{TORCH}", line 8, in g'
    assert where_from_trace(text) == Where(file="net.py", line=3, function="forward")


def test_what_was_typed_is_the_users() -> None:
    assert where_from_trace(trace(("<ipython-input-3-abc>", 2, "forward", "x"))).line == 2


def fails() -> None:
    raise KeyError("x")


def caught() -> TracebackType | None:
    try:
        fails()
    except KeyError as error:
        return error.__traceback__
    return None


def test_a_real_traceback() -> None:
    where = where_from_traceback(caught())
    assert (where.file, where.function, where.source) == ("test_places.py", "fails", 'raise KeyError("x")')


def test_a_real_traceback_in_a_cell() -> None:
    assert where_from_traceback(caught(), lambda file: 4 if "test_places" in file else None).cell == 4


def test_no_traceback() -> None:
    assert where_from_traceback(None) == Where()

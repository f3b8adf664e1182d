"""The user's line that does a thing, found in the code of the model's classes.

What a run changed is seen afterwards, when no frame of it is left. The compiled code still tells which line stores into
``self.cache``, calls something of ``random`` or returns; where that is not plain, no line is named.
"""

from __future__ import annotations

import dis
import linecache
import re
from collections.abc import Callable, Iterator
from inspect import unwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch

from onnxmagic.check.finding import Where
from onnxmagic.check.places import where_of_line
from onnxmagic.export.modules import all_modules

__all__ = ["line_that_draws", "line_that_returns", "line_that_writes"]

Cells = Callable[[str], "int | None"] | None

_ORIGINS = {
    "python": ("random", "secrets", "uuid"),
    "numpy": ("numpy",),
    "own": ("random", "numpy"),
    "unknown": ("time", "datetime", "os", "secrets", "uuid"),
}
"""The libraries that a model draws from, by what it was found to depend on."""

_CHANGING = r"(\[[^=]*\]\s*([-+*/|&@]|//|\*\*)?=(?!=)|\.\w+_\(|\.(append|extend|insert|pop|appendleft|update|add)\()"


def line_that_writes(module: torch.nn.Module, name: str, cells: Cells) -> Where:
    """Return the line of `module`'s own code that assigns ``self.<name>``, or else changes what is in it."""
    pattern = re.compile(rf"\.{re.escape(name)}\b.*{_CHANGING}")
    changing: Where | None = None
    for function in _functions(module):
        for code in _codes(function.__code__):
            for instruction, line in _instructions(code):
                if instruction.argval != name:
                    continue
                if instruction.opname == "STORE_ATTR":
                    return where_of_line(code.co_filename, line, code.co_name, cells)
                if changing is None and pattern.search(linecache.getline(code.co_filename, line)):
                    changing = where_of_line(code.co_filename, line, code.co_name, cells)
    return changing or Where()


def line_that_draws(model: torch.nn.Module, source: str, cells: Cells) -> Where:
    """Return the first line of the model's code that uses a library which `source` stands for."""
    origins = _ORIGINS.get(source, ())
    for module in all_modules(model):
        for function in _functions(module):
            for code in _codes(function.__code__):
                for instruction, line in _instructions(code):
                    if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and _comes_from(
                        function.__globals__.get(str(instruction.argval)),
                        origins,
                        linecache.getline(code.co_filename, line),
                    ):
                        return where_of_line(code.co_filename, line, code.co_name, cells)
    return Where()


def line_that_returns(model: torch.nn.Module, cells: Cells) -> Where:
    """Return the line on which ``forward`` returns; nowhere when there are several."""
    function = unwrap(type(model).forward)
    if not isinstance(function, FunctionType) or _is_torch(function):
        return Where()
    code = function.__code__
    lines = {line for instruction, line in _instructions(code) if instruction.opname.startswith("RETURN_")}
    written = {line for line in lines if "return" in linecache.getline(code.co_filename, line)}
    return where_of_line(code.co_filename, written.pop(), code.co_name, cells) if len(written) == 1 else Where()


def _functions(module: torch.nn.Module) -> Iterator[FunctionType]:
    """Yield the functions of `module`'s classes that are not torch's, ``forward`` first, and those it holds."""
    for cls in type(module).__mro__:
        own = [
            f
            for value in vars(cls).values()
            if isinstance(f := unwrap(value) if callable(value) else value, FunctionType)
        ]
        yield from sorted(
            (f for f in own if f.__name__ != "__init__" and not _is_torch(f)), key=lambda f: f.__name__ != "forward"
        )
    yield from (value for value in vars(module).values() if isinstance(value, FunctionType) and not _is_torch(value))


def _is_torch(function: FunctionType) -> bool:
    return str(function.__module__).partition(".")[0] == "torch"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _instructions(code: CodeType) -> Iterator[tuple[dis.Instruction, int]]:
    """Yield each instruction with its line."""
    starts = dict(dis.findlinestarts(code))
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = starts.get(instruction.offset) or line
        yield instruction, line


def _comes_from(value: Any, origins: tuple[str, ...], source: str) -> bool:
    name = value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))
    root = name.partition(".")[0]
    if root == "numpy" and isinstance(value, ModuleType) and "random" not in source:
        return False  # numpy is used for much else
    return root in origins

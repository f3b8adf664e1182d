"""The rewrites, found by looking: every module in ``fix/rewrites`` is one, as every one in ``check/rules`` is a rule.

They are applied in a fixed order, by name, except that types and shapes come first, because others look at them, and
what concerns the file as a whole (its metadata, its IR version, how many files it is) comes last.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import cleandoc

from onnxmagic.fix import rewrites as rewrites_package
from onnxmagic.fix.rewrite import Apply, Rewrite

__all__ = ["LoadedRewrite", "mending", "rewrites"]

_FIRST = "shape-inference"
_LAST = ("strip-metadata", "lower-ir", "single-file")


@dataclass(frozen=True, slots=True)
class LoadedRewrite:
    """A rewrite with what its file holds: how it is applied, and its docstring, which explains it."""

    rewrite: Rewrite
    apply: Apply
    doc: str

    @property
    def name(self) -> str:
        """As a person writes it in ``--fix``."""
        return self.rewrite.name


@cache
def rewrites() -> tuple[LoadedRewrite, ...]:
    """Return all rewrites in the order in which they are applied."""
    names = sorted(module.name for module in pkgutil.iter_modules(rewrites_package.__path__))
    modules = [import_module(f"{rewrites_package.__name__}.{name}") for name in names]
    loaded = [LoadedRewrite(m.REWRITE, m.apply, cleandoc(m.__doc__ or "")) for m in modules]
    return tuple(sorted(loaded, key=lambda each: (_turn(each.name), each.name)))


def mending(code: str) -> tuple[LoadedRewrite, ...]:
    """Return the rewrites that mend the findings of the rule `code`."""
    return tuple(each for each in rewrites() if code in each.rewrite.codes)


def _turn(name: str) -> int:
    return -1 if name == _FIRST else _LAST.index(name) + 1 if name in _LAST else 0

"""What the user wants mended, checked before anything runs: a word that means nothing is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from onnxmagic.check import catalogue as rules_catalogue
from onnxmagic.errors import UsageMistake
from onnxmagic.fix.catalogue import LoadedRewrite, mending, rewrites

__all__ = ["LEVELS", "Fixes"]

LEVELS: Final = ("safe", "unsafe")
"""All that changes no number; these, and those that do."""


@dataclass(frozen=True, slots=True)
class Fixes:
    """What the user wants mended: nothing, all that is safe, all, or what is named (codes and rewrites' names).

    ``level`` is ``""``, ``"safe"`` or ``"unsafe"``; ``named`` holds names of rewrites.
    """

    level: str = ""
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.level or self.named)

    @classmethod
    def make(cls, asked: bool | str | Sequence[str] | None) -> Fixes:
        """Return what `asked` means.

        Parameters
        ----------
        asked : bool, str or sequence of str
            True is ``"safe"``. Words are ``"safe"``, ``"unsafe"``, a rule's code or name, or a rewrite's name; a text
            holds several with commas between. A rule brings what changes no number, with ``"unsafe"`` the rest too.

        Raises
        ------
        UsageMistake
            A word is none of these, or a rule that no rewrite mends.
        """
        if asked is None or isinstance(asked, bool):
            return cls("safe" if asked else "")
        words = [word.strip().lower() for word in _pieces(asked)]
        levels = [level for level in LEVELS if level in words]
        unsafe = "unsafe" in levels
        named = [name for word in words if word and word not in LEVELS for name in _named(word, unsafe=unsafe)]
        return cls(levels[-1] if levels else "", tuple(dict.fromkeys(named)))

    def chosen(self, leave_out: Sequence[str] = ()) -> tuple[LoadedRewrite, ...]:
        """Return the rewrites to apply, in their order.

        What is named is always among them. `leave_out` keeps back rewrites that the level alone would bring, where
        another option asks for the opposite.
        """
        return tuple(each for each in rewrites() if each.name in self.named or self._brings(each, leave_out))

    def _brings(self, each: LoadedRewrite, leave_out: Sequence[str]) -> bool:
        if not self.level or each.rewrite.asked or each.name in leave_out:
            return False
        return each.rewrite.safe or self.level == "unsafe"


def _pieces(asked: Any) -> list[str]:
    if isinstance(asked, str):
        return asked.split(",")
    if isinstance(asked, Iterable) and not isinstance(asked, (bytes, bytearray)):
        several: list[Any] = list(asked)  # pyright: ignore[reportUnknownArgumentType]  # user input
        if all(isinstance(word, str) for word in several):
            return [piece for word in several for piece in word.split(",")]
    raise UsageMistake(f"fix is {asked!r}; it must be True, 'safe', 'unsafe', or names such as 'dropout-to-identity'.")


def _named(word: str, *, unsafe: bool) -> list[str]:
    """Return the names of the rewrites that `word` stands for; a rule's code brings none that changes numbers."""
    if any(each.name == word for each in rewrites()):
        return [word]
    rule = next((r.rule for r in rules_catalogue.rules() if word in {r.rule.code.lower(), r.rule.name}), None)
    if rule is None:
        raise UsageMistake(_unknown(word))
    mended_by = mending(rule.code)
    if not mended_by:
        raise UsageMistake(
            f"No rewrite mends {rule.code} ({rule.name}); `%onnx_check --explain {rule.code}` says what to do about it."
        )
    allowed = [each.name for each in mended_by if each.rewrite.safe or unsafe]
    if not allowed:
        names = " or ".join(repr(each.name) for each in mended_by)
        raise UsageMistake(f"What mends {rule.code} changes numbers; ask for it by its name, {names}, or add 'unsafe'.")
    return allowed


def _unknown(word: str) -> str:
    names = [each.name for each in rewrites()]
    codes = sorted({code for each in rewrites() for code in each.rewrite.codes})
    alike = get_close_matches(word, [*LEVELS, *names, *(code.lower() for code in codes)], n=1)
    near = alike or [name for name in names if len(word) > 2 and word in name]
    closest = next((code for code in codes if near and code.lower() == near[0]), repr(near[0]) if near else "")
    meant = f" Did you mean {closest}?" if near else ""
    return (
        f"fix does not know {word!r}.{meant} It takes 'safe', 'unsafe', codes ({', '.join(codes)}) "
        f"and the names of rewrites: {', '.join(names)}."
    )

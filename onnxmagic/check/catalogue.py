"""The rules, found by looking: every module in ``check/rules`` is one.

Nothing is registered by hand, so a new rule is one new file and cannot be forgotten here. What a rule needs is told by
its ``RULE.when``; that picks the evidence it gets. The docstrings are the documentation, in Markdown, shown by
``explain`` and by the pages made from them, and their examples are run by the tests.
"""

from __future__ import annotations

import difflib
import pkgutil
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import cleandoc
from typing import Final

from onnxmagic.check import rules as rules_package
from onnxmagic.check.evidence import (
    CaptureEvidence,
    EagerEvidence,
    Evidence,
    GraphEvidence,
    ModelEvidence,
    RunEvidence,
)
from onnxmagic.check.finding import SEVERITIES, Finding
from onnxmagic.check.rule import Find, Rule, When
from onnxmagic.errors import UsageMistake

__all__ = ["HEADINGS", "LoadedRule", "chosen", "explain", "known", "rules", "run", "sort"]

HEADINGS: Final = ("What it finds", "Why it hurts", "How to mend it", "Bad example", "Good example")
"""The sections that every rule's docstring has, in this order."""

_ALIKE: Final = 0.6

_MOMENTS: Final[dict[type, When]] = {
    ModelEvidence: "model",
    EagerEvidence: "eager",
    CaptureEvidence: "capture",
    GraphEvidence: "graph",
    RunEvidence: "run",
}


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """A rule with what its file holds.

    Attributes
    ----------
    rule : Rule
    find : callable
        Takes the evidence of ``rule.when``, gives findings.
    doc : str
        The docstring, Markdown: ``# name: a phrase.``, then the sections of ``HEADINGS``.
    """

    rule: Rule
    find: Find
    doc: str

    @property
    def phrase(self) -> str:
        """What the rule is about, in one line."""
        return self.doc.partition("\n")[0].partition(": ")[2].removesuffix(".")

    @property
    def sections(self) -> dict[str, str]:
        """The docstring's sections by heading; examples without their indentation."""
        parts = re.split(r"^## (.+)\n", self.doc, flags=re.MULTILINE)
        return {title: cleandoc("\n" + body.strip("\n")) for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def rules(when: When | None = None) -> tuple[LoadedRule, ...]:
    """Return the rules of one moment, or all of them, by code."""
    return tuple(r for r in _all() if when is None or r.rule.when == when)


def run(evidence: Evidence, *, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Return what the rules find in `evidence`, errors first.

    Parameters
    ----------
    evidence : Evidence
        Its type picks the rules.
    select, ignore : sequence of str
        Codes (``"OM101"``), names (``"train-mode"``) or the start of codes (``"OM4"``). Nothing selected means all.

    Raises
    ------
    UsageMistake
        `select` or `ignore` names no rule.
    """
    wanted, left_out = _codes(select), _codes(ignore)
    found: list[Finding] = []
    for loaded in rules(_MOMENTS[type(evidence)]):
        code = loaded.rule.code
        if code not in left_out and (not select or code in wanted):
            found += loaded.find(evidence)
    return sort(found)


def known(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return `names` one by one; a text holds several with commas between.

    Raises
    ------
    UsageMistake
        One of them is no rule's code, name or start of a code.
    """
    pieces = names.split(",") if isinstance(names, str) else [str(name) for name in names]
    several = tuple(piece.strip() for piece in pieces if piece.strip())
    _codes(several)
    return several


def chosen(findings: Iterable[Finding], select: Sequence[str], ignore: Sequence[str]) -> tuple[Finding, ...]:
    """Return the findings that `select` and `ignore` leave, as ``run`` would."""
    wanted, unwanted = _codes(select), _codes(ignore)
    return tuple(f for f in findings if f.code not in unwanted and (not select or f.code in wanted))


def sort(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return `findings` with errors first, then by code; equal ones stay in order, consequences are left out."""
    several = tuple(findings)
    codes = {finding.code for finding in several}
    causes = {loaded.rule.code: loaded.rule.follows for loaded in _all() if loaded.rule.follows}
    own = [f for f in several if not any(c in codes and t in f.message for c, t in causes.get(f.code, {}).items())]
    return tuple(sorted(own, key=lambda f: (SEVERITIES.index(f.severity), f.code)))


def explain(rule: str) -> str:
    """Return a rule's documentation as text.

    Parameters
    ----------
    rule : str
        Its code (``"OM101"``, in any case) or its name (``"train-mode"``).

    Raises
    ------
    UsageMistake
        There is no such rule.
    """
    for loaded in _all():
        if rule.strip().lower() in {loaded.rule.code.lower(), loaded.rule.name}:
            head = f"{loaded.rule.code} {loaded.rule.name} ({loaded.rule.severity}): {loaded.phrase}"
            body = loaded.doc.partition("\n")[2]
            return head + "\n" + re.sub(r"^## ", "", body, flags=re.MULTILINE)
    raise UsageMistake(_unknown(rule))


@cache
def _all() -> tuple[LoadedRule, ...]:
    names = sorted(m.name for m in pkgutil.iter_modules(rules_package.__path__))
    modules = [import_module(f"{rules_package.__name__}.{name}") for name in names]
    loaded = [LoadedRule(m.RULE, m.find, cleandoc(m.__doc__ or "")) for m in modules]
    return tuple(sorted(loaded, key=lambda r: r.rule.code))


def _codes(names: Sequence[str]) -> set[str]:
    """Return the codes that `names` stand for."""
    codes: set[str] = set()
    for name in names:
        wanted = name.strip().lower()
        matches = {r.rule.code for r in _all() if r.rule.name == wanted or _starts(r.rule.code, wanted)}
        if not matches:
            raise UsageMistake(_unknown(name))
        codes |= matches
    return codes


def _starts(code: str, wanted: str) -> bool:
    return len(wanted) > 2 and code.lower().startswith(wanted)


def _unknown(name: str) -> str:
    known = [r.rule.code for r in _all()] + [r.rule.name for r in _all()]
    likeness = {k: difflib.SequenceMatcher(None, name.strip().lower(), k.lower()).ratio() for k in known}
    closest = max(known, key=lambda k: likeness[k])
    return f"there is no rule `{name}`" + (f"; did you mean `{closest}`?" if likeness[closest] > _ALIKE else "")

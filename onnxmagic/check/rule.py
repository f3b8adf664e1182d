"""What a rule is.

A rule is one module in ``check/rules/`` with a docstring (what it finds, why it hurts, how to mend it, one bad and one
good example), a ``RULE`` and a ``find``. Its evidence says when it runs: a rule that asks for ``GraphEvidence`` runs
when there is a graph. Nothing else has to be registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from onnxmagic.check.finding import Finding, Fix, Severity, Where

__all__ = ["Rule", "When"]

When = Literal["model", "eager", "capture", "graph", "run"]
"""Before the export; after trial runs of the PyTorch model; capture; on the file; after runs in a runtime."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's place in the catalogue: its code, name, severity and when it can run.

    ``follows`` maps the codes of rules that name the cause of what this one sees to a text: where such a rule has
    found something, a finding of this one whose message holds the text is only its consequence, and is left out.
    """

    code: str
    name: str
    severity: Severity
    when: When
    follows: Mapping[str, str] = field(default_factory=dict[str, str])

    def finding(
        self,
        message: str,
        *,
        where: Where | None = None,
        fix: Fix | None = None,
        count: int = 1,
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.code, self.name, severity or self.severity, message, where or Where(), fix, count)


Find = Callable[..., Iterable[Finding]]

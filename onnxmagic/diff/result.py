"""What a diff gives back. The names are a contract: tests and users rely on them.

Plain facts, told once: the text, the page, the Markdown and the JSON are made from these and from nothing else. What
was not compared has a ``reason`` and no figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onnxmagic.diff.matching import Matching
from onnxmagic.diff.parts import (
    AtNode,
    Change,
    CostDiff,
    FindingsDiff,
    Latency,
    ModuleCost,
    NodeChange,
    NodesDiff,
    OutputsDiff,
    Region,
    SignatureChange,
    SignatureDiff,
    Spread,
    ValueChange,
    WeightChange,
    WeightsDiff,
)
from onnxmagic.diff.side import Side
from onnxmagic.shown import ShowsItself, markdown

if TYPE_CHECKING:
    from onnxmagic.diff.clauses import Clause
    from onnxmagic.diff.histograms import Histograms

__all__ = [
    "AtNode",
    "Change",
    "CostDiff",
    "Diff",
    "FindingsDiff",
    "Latency",
    "ModuleCost",
    "NodeChange",
    "NodesDiff",
    "OutputsDiff",
    "Region",
    "SignatureChange",
    "SignatureDiff",
    "Spread",
    "ValueChange",
    "WeightChange",
    "WeightsDiff",
]


@dataclass(frozen=True, repr=False)
class Diff(ShowsItself):
    """Two models, compared.

    Attributes
    ----------
    a, b : Side
        The two, as they were read.
    matching : Matching
        Which node is which, each with its reason.
    signature, nodes, weights, outputs, cost, findings
        What is not the same, and what was not tried.
    regions : tuple of Region
        Rewrites: several nodes in the place of several others; they are among the added and the removed.
    summary : str
        All of it in one sentence.
    notes : tuple of str
        What a reader must know besides, a sentence each: a missing file of weights, a model that shares nothing.
    """

    a: Side
    b: Side
    matching: Matching = field(compare=False)
    signature: SignatureDiff
    nodes: NodesDiff
    regions: tuple[Region, ...]
    weights: WeightsDiff
    outputs: OutputsDiff
    cost: CostDiff
    findings: FindingsDiff
    summary: str
    notes: tuple[str, ...] = ()

    # IPython takes a class's own __repr__ before an inherited _repr_pretty_.
    _repr_pretty_ = ShowsItself._repr_pretty_

    def __repr__(self) -> str:
        return f"<Diff {self.a.name} → {self.b.name}: {self.summary}>"

    @property
    def sentence(self) -> tuple[Clause, ...]:
        """The summary in pieces, each with the place in the models that it speaks of: a page makes links of them."""
        from onnxmagic.diff.summary import clauses

        return clauses(self)

    @property
    def identical(self) -> bool:
        """Whether structure, signature and weights are the same.

        Names inside do not count, nor does a module that was only renamed. False where a weight could not be read:
        what was not compared is not called the same.
        """
        from onnxmagic.diff.gate import differences

        return not any(text for kind, text in differences(self).items() if kind != "outputs")

    def violations(self, level: str) -> str:
        """Return what ``--fail-on LEVEL`` forbids and this holds, in words; empty when nothing.

        Parameters
        ----------
        level : {"breaking", "structure", "weights", "outputs", "any"}
            ``structure`` forbids breaking changes of the signature too, ``any`` every difference. Weights that could
            not be read violate ``weights``, and outputs that were not compared ``outputs``.
        """
        from onnxmagic.diff.gate import violations

        return violations(self, level)

    def assert_only(
        self, *, structure: bool = False, signature: bool = False, weights: bool = False, outputs: bool = False
    ) -> None:
        """Make sure that the two differ in nothing but what is allowed, as ``diff.assert_only(weights=True)``.

        Outputs count where they were compared. Weights that could not be read count as different.

        Raises
        ------
        DiffFound
            They differ in more; the message says in what.
        """
        from onnxmagic.diff.gate import KINDS, assert_only

        wanted = (structure, signature, weights, outputs)
        assert_only(self, [kind for kind, may in zip(KINDS, wanted, strict=True) if may])

    def weight(self, name: str) -> Histograms:
        """Return how the values of a weight of both models are distributed, on the same bins; read from the files now.

        Parameters
        ----------
        name : str
            The parameter's own name, or its name in one of the files.

        Raises
        ------
        UsageMistake
            There is no such weight.
        ValueUnavailable
            A file is gone, or has changed since it was compared.
        """
        from onnxmagic.diff.histograms import histogram

        return histogram(self, name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; docs/diff.schema.json describes it."""
        from onnxmagic.diff.plain import plain

        return plain(self)

    def to_markdown(self) -> str:
        """Return the diff as Markdown, for the description of a pull request."""
        return markdown(self)

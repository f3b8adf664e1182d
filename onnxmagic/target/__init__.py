"""What other stacks read and run, as data: one file of facts a target in ``facts/``."""

from __future__ import annotations

from onnxmagic.target.find import find_targets, target_names
from onnxmagic.target.target import Fact, OperatorFact, Target, operator_name
from onnxmagic.target.unknown import unknown_facts

__all__ = ["Fact", "OperatorFact", "Target", "find_targets", "operator_name", "target_names", "unknown_facts"]

"""What the stages hand to the rules.

One frozen dataclass a moment (``Rule.when``), each in a file of that name: the rules of that moment get it and nothing
else, so a rule is tested with a few lines of data. Only ``ModelEvidence`` holds PyTorch objects; the others can be made
where torch is missing. A rule takes its evidence from here, whichever file it is in.
"""

from __future__ import annotations

from onnxmagic.check.evidence.capture import CaptureEvidence, Untranslated
from onnxmagic.check.evidence.eager import AxisTrial, EagerEvidence, OutputPlace, Repeat, Written
from onnxmagic.check.evidence.graph import GraphEvidence, Sidecar
from onnxmagic.check.evidence.model import Argument, ModelEvidence
from onnxmagic.check.evidence.run import Located, MaskedRow, RunCase, RunEvidence

__all__ = [
    "Argument",
    "AxisTrial",
    "CaptureEvidence",
    "EagerEvidence",
    "Evidence",
    "GraphEvidence",
    "Located",
    "MaskedRow",
    "ModelEvidence",
    "OutputPlace",
    "Repeat",
    "RunCase",
    "RunEvidence",
    "Sidecar",
    "Untranslated",
    "Written",
]

Evidence = ModelEvidence | EagerEvidence | CaptureEvidence | GraphEvidence | RunEvidence

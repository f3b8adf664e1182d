"""# not-loadable: the runtime refuses the file.

## What it finds

Files that the runtime does not load, or loads and cannot run.

## Why it hurts

The file is valid ONNX and of no use there.

## How to mend it

The message is the runtime's own. "Could not find an implementation" means that it has no code for this operator and
type, mostly bfloat16 or float16 on a CPU: export in float32. Operator sets that it does not know yet: ask for an older
one with `--opset`.

## Bad example

    import torch
    from torch import nn

    model = nn.Conv2d(1, 2, 3).double().eval()
    args = (torch.randn(2, 1, 8, 8, dtype=torch.float64),)

## Good example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.known_errors import see
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import at_sizes, sentence

RULE = Rule("OM406", "not-loadable", "error", "run", follows={"OM306": "implementation"})

# Its messages start with its name, a number and a word for the kind of error.
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
# Some messages name the line of the runtime's own source that raised them.
_SOURCE_FILE = re.compile(r"/\S*onnxruntime\S*?\.(?:cc|h):\d+ \S+ ?")


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield a finding when the file does not load, and one when it loads and does not run."""
    if evidence.load_error:
        yield RULE.finding(
            f"{evidence.runtime} does not load the file: {_plain(evidence.load_error)}", fix=_fix(evidence.load_error)
        )
    failed = [case for case in evidence.cases if case.problem == "run"]
    if failed:
        detail = _plain(failed[0].detail) if failed[0].detail else "it does not say why."
        yield RULE.finding(f"{evidence.runtime} cannot run the file {at_sizes(failed)}: {detail}", count=len(failed))


def _plain(message: str) -> str:
    return sentence(_SOURCE_FILE.sub("", _PREFIX.sub("", message.strip()))) + see(message)


def _fix(message: str) -> Fix | None:
    if "Could not find an implementation" in message:
        return Fix("code", "model.float()")
    if "opset" in message.lower():
        return Fix("option", "ask for an older operator set", "--opset")
    return None

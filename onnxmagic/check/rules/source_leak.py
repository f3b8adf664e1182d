"""# source-leak: your source lines or local paths are inside the file.

## What it finds

Lines of code, comments and paths of your machine in the file's metadata.

## Why it hurts

PyTorch writes them into every node: literals, comments and names of customers from a notebook cell leave the house with
the model. They are also most of a small file's size.

## How to mend it

Nothing to do: they are taken out of the file, unless `--keep-source` asks to keep them. A file that was made elsewhere:
export it again, or take them out with `%onnx_check net.onnx --fix strip-metadata -o clean.onnx`.

## Bad example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
    options = {"keep_source": True}

## Good example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code
from onnxmagic.graph.facts import Graph

RULE = Rule("OM605", "source-leak", "warning", "graph")

# The folders in which people's own files are; "/" alone would find units and dates.
LOCAL_PATH = re.compile(
    r"/(?:home|Users|root|tmp|mnt|media|data|workspace|content|kaggle|private|Volumes)/[^\s\"',;:()]+"
    r"|[A-Za-z]:\\[^\s\"',;]+"
)


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for all that leaked."""
    traced = [node for node in evidence.graph.walk() if node.trace]
    path = next(_paths(evidence.graph), None)
    if not traced and path is None:
        return
    parts = [f"the source lines behind {len(traced)} {'node' if len(traced) == 1 else 'nodes'}"] if traced else []
    if path is not None:
        parts.append(f"local paths such as {code(path)}")
    fix = Fix("code", "export again with `%onnx_export`, which takes them out", rewrite="strip-metadata")
    if evidence.keep_source:
        fix = Fix("option", "leave out `--keep-source` to take them out")
    asked = ", as asked" if evidence.keep_source else ""
    yield RULE.finding(
        f"The file holds {' and '.join(parts)}{asked}. Whoever gets the file can read them.",
        where=evidence.where(traced[0].name) if traced else None,
        fix=fix,
        count=max(1, len(traced)),
    )


def _paths(graph: Graph) -> Iterator[str]:
    """Yield the local paths in what the file carries beside the network."""
    for text in graph.metadata.values():
        yield from LOCAL_PATH.findall(text)
    for node in graph.walk():
        yield from LOCAL_PATH.findall(node.trace or "")

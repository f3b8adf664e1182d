"""A good part of torch's exporter is spent asking rewrite rules about nodes that they cannot match.

onnxscript tries every rule on every node. A rule whose pattern ends in several nodes first sorts all nodes of the graph
by operator, for each of these questions, and only then sees that the node in hand is of another operator than the
pattern's first. Here that is asked first; the answers are the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

__all__ = ["quick_matching"]


@contextlib.contextmanager
def quick_matching() -> Generator[None]:
    """Let onnxscript's matcher look at the operator first; where its insides are others, change nothing."""
    try:
        from onnxscript.rewriter._basics import MatchResult
        from onnxscript.rewriter._matcher import SimplePatternMatcher
    except ImportError:  # private, so another version may have it elsewhere
        yield
        return
    slow = SimplePatternMatcher.match

    def match(self: Any, model: Any, graph_or_function: Any, node: Any, **options: Any) -> Any:
        if options.get("tracer") is None and _is_other(self, node):
            return MatchResult().fail("another operator")
        return slow(self, model, graph_or_function, node, **options)

    SimplePatternMatcher.match = match  # type: ignore[method-assign]  # its options are passed on as they come
    try:
        yield
    finally:
        SimplePatternMatcher.match = slow


def _is_other(matcher: Any, node: Any) -> bool:
    """Tell whether the pattern's first output node is certainly of another operator than `node`."""
    try:
        wanted = matcher.pattern.output_nodes[0].op_identifier()
    except (AttributeError, IndexError):
        return False
    return wanted is not None and wanted != node.op_identifier()

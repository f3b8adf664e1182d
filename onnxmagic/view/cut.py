"""Which branches of a very large tree are drawn.

Level by level from the root, so that what is cut is always the finest detail and never a whole half of the model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from onnxmagic.view.parts import Branch

__all__ = ["cut", "open_depth"]


def cut(root: Branch, limit: int, depth: int | None = None) -> tuple[Branch, int]:
    """Return the tree with at most `limit` branches down to `depth`, and how many were left out."""
    kept: set[str] = set()
    total = 0
    queue = deque([(0, root)])
    while queue:
        level, branch = queue.popleft()
        total += 1
        if len(kept) < limit and (depth is None or level <= depth):
            kept.add(branch.key)
        queue.extend((level + 1, child) for child in branch.children)
    return (root, 0) if total == len(kept) else (_pruned(root, kept), total - len(kept))


def _pruned(branch: Branch, kept: set[str]) -> Branch:
    return replace(branch, children=tuple(_pruned(child, kept) for child in branch.children if child.key in kept))


def open_depth(root: Branch, rows: int) -> int:
    """Return how deep the tree can stand open at first, so that about `rows` rows are seen."""
    seen, level, depth = 1, [root], 0
    while True:
        level = [child for branch in level for child in branch.children]
        seen += len(level)
        if not level or (depth and seen > rows):
            return depth
        depth += 1

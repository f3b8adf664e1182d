"""The order of nodes in which each stands just before what needs it, whatever the order of the file.

Two equal blocks of a network are equal stretches of it. A file may list its nodes in any order in which they can run,
and some programs that write files do.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["depth_first"]


def depth_first(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the numbers below `count` so that sources stand before targets, as far as there is no cycle.

    Parameters
    ----------
    count : int
    edges : sequence of (source, target)
        Those of one target in the order of its inputs.
    """
    sources: list[list[int]] = [[] for _ in range(count)]
    used = [False] * count
    # Taken from the end, so that the first input comes first.
    for source, target in reversed(edges):
        sources[target].append(source)
        used[source] = True
    order: list[int] = []
    seen = [False] * count
    # From the results back; what leads to none (a cycle has no result) comes last.
    for start in (*(n for n in range(count) if not used[n]), *range(count)):
        stack = [] if seen[start] else [start]
        if stack:
            seen[start] = True
        while stack:
            at = stack[-1]
            while sources[at] and seen[sources[at][-1]]:
                sources[at].pop()
            if sources[at]:
                stack.append(sources[at].pop())
                seen[stack[-1]] = True
            else:
                order.append(stack.pop())
    return order

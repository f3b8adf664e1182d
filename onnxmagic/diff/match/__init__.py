"""Which node of one graph is which node of the other; names are not trusted."""

from onnxmagic.diff.match.pairs import match

__all__ = ["match"]

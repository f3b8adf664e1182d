"""Rewrites of a graph that mend what the rules find, one file a rewrite in ``rewrites/``; a proof follows each."""

from __future__ import annotations

from onnxmagic.fix.fixes import Fixes
from onnxmagic.fix.rewrite import Rewrite

__all__ = ["Fixes", "Rewrite"]

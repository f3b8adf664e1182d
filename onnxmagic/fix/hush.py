"""What ``onnx_ir`` logs about strange models is said by us, in one error, so it stays out of the notebook."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator

__all__ = ["hushed"]


@contextlib.contextmanager
def hushed() -> Generator[None]:
    """Keep the library's loggers silent in the block."""
    log = logging.getLogger("onnx_ir")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)

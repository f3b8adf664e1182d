"""ONNX Runtime on the CPU, as a polite guest in the user's kernel.

Its threads spin while they wait, by default, and starve the user's own PyTorch by 2 to 30 times in the same process
(measured; onnxruntime issue 13808), so spinning is always off. Its C++ log goes straight to the terminal, so it is off
too: what it has to say arrives as an exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onnxmagic.runtime.protocol import Array, NotLoadable

__all__ = ["OnnxRuntime"]

FATAL = 4
"""Log severity that is never reached."""

_AS_IT_STANDS = "ORT_DISABLE_ALL"
"""So a file is loaded to be run once or twice; to pack its weights takes 6 times as long as that (a BERT)."""

_WEIGHTS_IN = "session.model_external_initializers_file_folder_path"
"""Holds for a model that is handed over as bytes, which lie in no folder."""


class OnnxRuntime:
    """ONNX Runtime with the CPU execution provider.

    Parameters
    ----------
    threads : int
        Threads that one operator may use; 0 for as many as ONNX Runtime likes.
    """

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads

    @property
    def name(self) -> str:
        """Name, version and execution provider."""
        import onnxruntime

        return f"ONNX Runtime {onnxruntime.__version__} (CPU)"

    def missing(self) -> str:
        """Return why it cannot run here; empty when it can."""
        return "" if find_spec("onnxruntime") else "onnxruntime is not installed (pip install onnxruntime)"

    def load(self, path: Path, *, optimize: bool = True, level: str = "", weights_in: Path | None = None) -> OrtSession:
        """Load a file; without `optimize` every node of the file runs as it stands.

        Parameters
        ----------
        level : str
            A name of ``onnxruntime.GraphOptimizationLevel`` in place of `optimize`.
        weights_in : Path, optional
            The folder of its external data, where that is not its own.

        Raises
        ------
        NotLoadable
        """
        options = _options(level or ("" if optimize else _AS_IT_STANDS))
        options.intra_op_num_threads = self._threads
        if weights_in is not None:
            options.add_session_config_entry(_WEIGHTS_IN, str(weights_in))
        return _loaded(path, options, in_memory=weights_in is not None)

    def write_optimised(self, path: Path, target: Path) -> None:
        """Write the file at `path` to `target` as the optimiser leaves it; only for a runtime like this one.

        Raises
        ------
        NotLoadable
        """
        options = _options("")
        options.optimized_model_filepath = str(target)
        _loaded(path, options)


class OrtSession:
    """A file loaded into ONNX Runtime."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs: tuple[str, ...] = tuple(i.name for i in session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(o.name for o in session.get_outputs())

    def run(self, feeds: Mapping[str, Array]) -> list[Any]:
        """Run on `feeds` and return the outputs in order; a dtype numpy lacks arrives as bytes-compatible integers."""
        return self._session.run(None, {name: feeds[name] for name in self.inputs})


def _options(level: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if level == _AS_IT_STANDS:
        options.add_session_config_entry("session.disable_prepacking", "1")
    if level:
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    return options


def _loaded(path: Path, options: Any, *, in_memory: bool = False) -> OrtSession:
    import onnxruntime

    try:
        model = path.read_bytes() if in_memory else str(path)
        return OrtSession(onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]))
    except Exception as error:
        raise NotLoadable(plain_reason(error)) from error


def plain_reason(error: BaseException) -> str:
    """Return ONNX Runtime's message without its error codes, C++ functions and the path of the file."""
    text = " ".join(str(error).split())
    text = re.sub(r"\[ONNXRuntimeError\]\s*:\s*\d+\s*:\s*[A-Z_]+\s*:\s*", "", text)
    text = re.sub(r"Load model from .*? failed:\s*", "", text)
    text = re.sub(r"/\S+?\.(?:cc|h):\d+\s+\S.*?\)\s+(?:\[\S+\]\s*)?", "", text)
    return text.strip() or type(error).__name__

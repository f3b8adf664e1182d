"""What a check was given: a module, a file by its path or its bytes, or something else.

Of a thing that cannot be checked, one sentence says what to pass instead; people pass what they have at hand, and most
of it is one step away from what is meant.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from onnxmagic.errors import UsageMistake
from onnxmagic.examine.result import Check
from onnxmagic.graph.read import NotAModel, skeleton

__all__ = ["Subject", "is_module", "subject_of"]

_TO_ONNX: Final = "export the model it belongs to: %onnx_export model(x) -o net.onnx"

_OTHER_FILES: Final = {
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt"), f"it is a checkpoint of PyTorch; load it, then {_TO_ONNX}"),
    ".pt2": f"it is an exported program of PyTorch; {_TO_ONNX}",
    ".safetensors": f"it holds weights without a model; load them, then {_TO_ONNX}",
    ".ort": "it is ONNX Runtime's own format; pass the .onnx file that it was made from",
    **dict.fromkeys(
        (".tflite", ".pb", ".h5", ".keras"), "it is a model of TensorFlow; tf2onnx makes a .onnx file of it"
    ),
    ".data": "it holds the weights of a model; pass the .onnx file beside it",
}
"""What files that are no ONNX models are, by their endings."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The file: what to call it, its path, or its bytes when it has none."""

    name: str
    path: Path | None = None
    data: bytes | None = None

    @property
    def source(self) -> Path | bytes:
        """What to read."""
        return self.path if self.path is not None else self.data or b""


def is_module(target: Any) -> bool:
    """Tell modules without importing torch: whoever has a module has imported it."""
    return any(
        base.__module__ == "torch.nn.modules.module" and base.__name__ == "Module" for base in type(target).__mro__
    )


def subject_of(target: Any) -> Subject:
    """Return the file that `target` means.

    Raises
    ------
    UsageMistake
        It means none; the message says what to pass.
    """
    if isinstance(target, Check):
        if target.path is None:
            raise UsageMistake(f"This is the check of {target.name}, of which there is no file; pass the model itself.")
        target = target.path
    if isinstance(target, (bytes, bytearray, memoryview)):
        return Subject("the bytes", data=bytes(target))
    if isinstance(target, (str, os.PathLike)):
        return _file(target)
    if type(target).__name__ == "ModelProto" and hasattr(target, "SerializeToString"):
        return Subject("the ModelProto", data=_serialized(target))
    raise UsageMistake(_unknown(target))


def _file(target: str | os.PathLike[str]) -> Subject:
    path = Path(os.fspath(target)).expanduser()
    if path.is_dir():
        raise UsageMistake(f"{path} is a folder. {_in_folder(path)}")
    if not path.exists():
        raise UsageMistake(f"There is no file {path}.{_near(path)}")
    if not path.is_file():
        raise UsageMistake(f"{path} is no regular file.")
    if not os.access(path, os.R_OK):
        raise UsageMistake(f"No permission to read {path}.")
    if path.suffix != ".onnx":
        _check_content(path)
    return Subject(path.name, path.absolute())


def _check_content(path: Path) -> None:
    """Take a file by another name for a mistake of the call, unless it is a model all the same."""
    try:
        skeleton(path)
    except NotAModel as error:
        what = _OTHER_FILES.get(path.suffix.lower())
        raise UsageMistake(
            f"{path.name} is no ONNX model: {what}." if what else f"{error}."[0].upper() + f"{error}."[1:]
        ) from None


def _serialized(model: Any) -> bytes:
    try:
        return model.SerializeToString()
    except Exception as error:  # protobuf raises several kinds for one that is over 2 GB
        raise UsageMistake(
            f"The ModelProto cannot be written as one file ({error}); save it and pass the path: "
            'onnx.save(model, "net.onnx", save_as_external_data=True).'
        ) from error


def _near(path: Path) -> str:
    """Return what may have been meant by a path that is not there."""
    if not path.parent.is_dir():
        return f" There is no folder {path.parent} either."
    models = sorted(other.name for other in path.parent.glob("*.onnx"))
    near = get_close_matches(path.name, models, n=1) or get_close_matches(f"{path.name}.onnx", models, n=1)
    if near:
        return f" Did you mean {path.with_name(near[0])}?"
    return f" There: {', '.join(models[:5])}." if models else ""


def _in_folder(path: Path) -> str:
    models = sorted(other.name for other in path.glob("*.onnx"))
    return f"Pass a file in it: {', '.join(models[:5])}." if models else "There is no .onnx file in it."


def _unknown(target: Any) -> str:
    """Return what to pass instead of `target`."""
    kind = type(target).__name__
    if type(target).__module__.startswith("torch.jit"):
        return "This is a ScriptModule; pass the module it was scripted or traced from."
    if kind == "ONNXProgram":
        return "This is torch's ONNXProgram; pass its file: program.model_proto, or program.save('net.onnx')."
    if inspect.isclass(target):
        return f"{target.__name__} is a class; make a module of it first: {target.__name__}(...)."
    if isinstance(target, Mapping):
        return "This is a dict, perhaps a state_dict; load it into a module and pass that: model.load_state_dict(d)."
    if type(target).__module__.startswith("torch") and kind == "Tensor":
        return "This is a tensor, perhaps what the model returned; pass the model and the arguments: model, (x,)."
    if callable(target):
        name = getattr(target, "__name__", kind)
        return f"{name} is a function, not a torch.nn.Module; put it into the forward of a module."
    return (
        f"This is of type {kind}; pass a torch.nn.Module with its arguments, an export, the path or the bytes of a "
        ".onnx file, or an onnx.ModelProto."
    )

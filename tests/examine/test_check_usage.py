"""Calls that are wrong: one sentence, before anything runs, that says what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from file_models import graph, saved

import onnxmagic
from onnxmagic.errors import UsageMistake

SOUND = "(float[n,4] x) => (float[n,4] y) { y = Relu(x) }"


def mistake(target: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(UsageMistake) as caught:
        onnxmagic.check(target, *args, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"select": "OM999"}, "there is no rule `OM999`"),
        ({"fail_on": "info"}, "it must be 'error', 'warning' or 'never'"),
        ({"samples": 0}, "a whole number from 1 on"),
        ({"samples": True}, "a whole number from 1 on"),
        ({"output": "x.onnx"}, "so it goes with fix (--fix -o fixed.onnx)"),
        ({"fix": True}, "output='fixed.onnx' (-o fixed.onnx)"),
        ({"fix": "nonsense", "output": "x.onnx"}, "nonsense"),
        ({"data": "val.csv"}, "a DataLoader, a list of batches"),
        ({"data": 3}, "a list of tuples or dicts, an array"),
        ({"data": []}, "data is empty"),
        ({"data": [{"z": 1}]}, "A batch of data has `z`; the file wants `x` too"),
        ({"data": [()]}, "0 parts, and the file 1 inputs"),
        ({"data": [[[1.0, 2.0, 3.0, 4.0]]]}, "has 1 axes, the file wants 2"),
        ({"data": [1.0], "run": False}, "run=False (--no-run) forbids it"),
        ({"args": (1,)}, "a file is run on data=… (--data)"),
    ],
)
def test_options_that_mean_nothing(options: dict[str, Any], said: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in mistake(saved(tmp_path / "net.onnx", SOUND), **options)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"fc.weight": 1}, "perhaps a state_dict; load it into a module"),
        (torch.nn.Linear, "Linear is a class; make a module of it first: Linear(...)"),
        (len, "len is a function, not a torch.nn.Module"),
        (torch.ones(2), "perhaps what the model returned"),
        (7, "This is of type int; pass a torch.nn.Module with its arguments, an export, the path or the bytes"),
        (None, "This is of type NoneType; pass"),
    ],
    ids=str,
)
def test_targets_that_cannot_be_checked(target: Any, said: str) -> None:
    assert said in mistake(target)


def test_a_script_module() -> None:
    scripted = torch.jit.trace(torch.nn.Linear(2, 2), (torch.ones(1, 2),))
    assert "ScriptModule" in mistake(scripted, (torch.ones(1, 2),))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    saved(tmp_path / "resnet50.onnx", SOUND)
    assert mistake(tmp_path / "resnet5.onnx").endswith(f"Did you mean {tmp_path / 'resnet50.onnx'}?")
    assert mistake(tmp_path / "zzz").endswith("There: resnet50.onnx.")
    assert "There is no folder" in mistake(tmp_path / "no" / "net.onnx")


def test_a_folder(tmp_path: Path) -> None:
    assert "There is no .onnx file in it" in mistake(tmp_path)
    saved(tmp_path / "net.onnx", SOUND)
    assert mistake(str(tmp_path)).endswith("Pass a file in it: net.onnx.")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("w.pt", "w.pt is no ONNX model: it is a checkpoint of PyTorch; load it, then export"),
        ("w.safetensors", "it holds weights without a model"),
        ("w.ort", "ONNX Runtime's own format"),
        ("net.onnx.data", "pass the .onnx file beside it"),
        ("notes.txt", "`notes.txt` is no ONNX model"),
    ],
)
def test_files_of_other_kinds(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"\xff" * 40)
    assert said in mistake(tmp_path / name)


def test_a_model_by_another_name_is_checked(tmp_path: Path) -> None:
    assert onnxmagic.check(saved(tmp_path / "net.model", SOUND)).ok


def test_the_check_of_a_model_has_no_file() -> None:
    check = onnxmagic.check(graph(SOUND), run=False)
    assert "of which there is no file" in mistake(check)


def test_a_check_of_a_file_is_checked_again(tmp_path: Path) -> None:
    check = onnxmagic.check(saved(tmp_path / "net.onnx", SOUND), run=False)
    assert onnxmagic.check(check, run=False).path == check.path


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: Any) -> None:
    path = saved(tmp_path / "net.onnx", SOUND)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "No permission to read" in mistake(path)


def test_a_model_is_not_mended_and_not_fed_data() -> None:
    model, args = torch.nn.Linear(4, 2), (torch.ones(1, 4),)
    assert "%onnx_export … -o net.onnx --fix" in mistake(model, args, fix=True, output="x.onnx")
    assert "%onnx_check e --against model --data loader" in mistake(model, args, data=[args])
    assert "compared with itself" in mistake(model, args, against=torch.nn.Linear(4, 2))

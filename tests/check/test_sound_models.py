"""No false alarm: sound networks of all kinds, exported and proved, through every rule there is.

A warning that is true of a sound model all the same is listed with why.
"""

from __future__ import annotations

from pathlib import Path

import architectures
import pytest

import onnxmagic

JUSTIFIED = {
    # PyTorch gives such a row something finite, the file something else: the mask of a whole row is never sound input,
    # but callers pad whole rows, so it is said. The models are those that take a mask.
    "OM403": {"bert", "albert", "clip"},
}


KINDS = {
    "convolution": {"unet", "resnet", "convnext", "mobile_block"},
    "recurrent": {"lstm", "lstm_sequence_first", "gru"},
    "attention": {"transformer_layer", "bert", "albert", "gpt2", "llama", "t5_encoder", "vit", "swin", "clip"},
    "segmentation": {"unet", "segformer"},
    "detection": {"detector", "yolos"},
    "audio": {"wav2vec2", "whisper_encoder", "listener"},
    "time series": {"patchtst", "causal_convolutions", "beats"},
    "plain": {"mlp", "equal_layers"},
}
OPERATORS = {"convolution": {"Conv"}, "recurrent": {"LSTM", "GRU"}, "attention": {"Softmax", "Attention"}}


def test_there_are_enough_kinds() -> None:
    assert len(architectures.ALL) >= 25
    assert set().union(*KINDS.values()) == set(architectures.ALL)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in OPERATORS for name in sorted(KINDS[kind])])
def test_each_is_what_it_is_said_to_be(kind: str, name: str) -> None:
    assert {node.op_type for node in architectures.exported(name).graph.nodes} & OPERATORS[kind]


@pytest.mark.parametrize("name", architectures.ALL)
def test_no_error_and_no_unjustified_warning(name: str) -> None:
    findings = architectures.exported(name).findings
    loud = [f for f in findings if f.severity != "info" and name not in JUSTIFIED.get(f.code, set())]
    assert loud == []


@pytest.mark.parametrize("name", architectures.ALL)
def test_nothing_is_called_bloated_unrolled_or_repeated_that_is_not(name: str) -> None:
    codes = {f.code for f in architectures.exported(name).findings}
    assert not codes & {"OM205", "OM212", "OM305", "OM308", "OM309", "OM310", "OM313", "OM408"}


@pytest.mark.parametrize("name", architectures.ALL)
def test_its_file_from_anywhere_is_sound_too(name: str, tmp_path: Path) -> None:
    """Without the model: made-up inputs, other sizes, and no word of PyTorch."""
    path = architectures.exported(name).save(tmp_path / "net.onnx")
    check = onnxmagic.check(path)
    assert [f for f in check.findings if f.severity != "info"] == []
    assert check.runs

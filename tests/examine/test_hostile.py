"""Damaged and hostile files: one clear answer, never a crash, a hang or a look outside the folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import onnx
import pytest
from file_models import doubling, graph, saved, with_weights

import onnxmagic
from onnxmagic.check.finding import Finding
from onnxmagic.examine import file, ground

SOUND = "(float[n,4] x) => (float[n,4] y) { y = Relu(x) }"


def only_finding(path: Path) -> Finding:
    check = onnxmagic.check(path)
    (finding,) = check.findings
    assert not check.ok
    assert check.graph is None
    assert check.untried == ("Nothing was tried on it: it cannot be read.",)
    str(check)  # shown too
    return finding


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"hello, this is no model\n" * 50, "it is not written in ONNX's format"),
        (b"PK\x03\x04" + bytes(100), "it is a zip file, as torch.save"),
        (b"<html>not found</html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x00" * 1000, "it is not written in ONNX's format"),
        (b"\x08\x08", "it holds no graph"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(2000), "it is cut off or damaged"),
    ],
    ids=["empty", "text", "zip", "html", "lfs", "zeros", "no-graph", "length"],
)
def test_what_is_no_model(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    finding = only_finding(tmp_path / "net.onnx")
    assert (finding.code, finding.severity) == ("OM311", "error")
    assert finding.message.startswith("`net.onnx` is no ONNX model: ")
    assert said in finding.message


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_off(tmp_path: Path, keep: float) -> None:
    path = with_weights(tmp_path / "net.onnx", size=64)
    os.truncate(path, int(path.stat().st_size * keep))
    assert only_finding(path).code == "OM311"


def test_nodes_that_wait_for_each_other(tmp_path: Path) -> None:
    check = onnxmagic.check(saved(tmp_path / "net.onnx", "(float[4] x) => (float[4] y) { a = Add(x, y) y = Relu(a) }"))
    assert [f.code for f in check.findings if f.severity == "error"] == ["OM311"]


def test_a_node_that_reads_itself(tmp_path: Path) -> None:
    check = onnxmagic.check(saved(tmp_path / "net.onnx", "(float[4] x) => (float[4] y) { y = Add(x, y) }"))
    assert "OM311" in [f.code for f in check.findings]


def test_a_name_of_ten_megabytes(tmp_path: Path) -> None:
    model = graph("(float[n,4] x) => (float[n,4] y) { z = Abs(x) y = Dropout(z) }")
    for node in model.graph.node:
        node.name = "x" * 10_000_000
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n" * 10_000_000
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    check = onnxmagic.check(tmp_path / "net.onnx")
    assert all(len(finding.message) < 2000 for finding in check.findings)
    assert all(len(text) < 2000 for text in (*check.untried, *(axis.reason for axis in check.axes)))


def test_text_that_is_no_text(tmp_path: Path) -> None:
    content = graph(SOUND).SerializeToString().replace(b"Relu", b"\xff\xfe\x00\x01")
    (tmp_path / "net.onnx").write_bytes(content)
    assert not onnxmagic.check(tmp_path / "net.onnx").ok


def test_sizes_beyond_every_memory(tmp_path: Path) -> None:
    body = (
        "(float[n,4] x) => (float[a,b] y) <int64[2] s = {1000000000000,1000000000000}> { z = Abs(x) y = Expand(x, s) }"
    )
    assert onnxmagic.check(saved(tmp_path / "net.onnx", body)).graph is not None


def test_an_output_that_takes_all_memory_is_given_up(tmp_path: Path) -> None:
    body = "(float[n,4] x) => (float[a,b] y) <int64[2] s = {200000,200000}> { y = ConstantOfShape(s) }"
    check = onnxmagic.check(saved(tmp_path / "net.onnx", body))
    assert any("GB" in text for text in check.untried)


def test_functions_that_double_end_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "CHECKER_SECONDS", 1.0)
    (tmp_path / "net.onnx").write_bytes(doubling(50).SerializeToString())
    start = time.perf_counter()
    check = onnxmagic.check(tmp_path / "net.onnx")
    assert time.perf_counter() - start < 20
    assert "The ONNX checker was given up: it took longer than 1 seconds." in check.untried
    assert "Not run: the checker was given up." in check.untried


def test_graphs_within_graphs_have_a_limit(tmp_path: Path) -> None:
    inner = b""
    for _ in range(300):  # graph { node { attribute { g { ... } } } }, with text that makes each level long enough
        for field, pad in ((0x32, b""), (0x2A, b""), (0x0A, b"\x12\x80\x08" + b"n" * 1024)):
            inner = bytes([field]) + _varint(len(inner) + len(pad)) + inner + pad
    (tmp_path / "net.onnx").write_bytes(b"\x3a" + _varint(len(inner)) + inner)
    assert "nested more than 100 levels deep" in only_finding(tmp_path / "net.onnx").message


def test_more_nodes_than_any_model_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST_NODES", 3)
    body = "(float[4] x) => (float[4] y) { a = Abs(x) b = Abs(a) c = Abs(b) y = Abs(c) }"
    check = onnxmagic.check(saved(tmp_path / "net.onnx", body))
    assert check.untried == ("Nothing was tried on it: it has more than 3 nodes.",)


def test_a_crash_of_the_checker_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxmagic.runtime.apart import Apart

    call = Apart.call

    def crash(apart: Apart, function: str, *args: object, seconds: float | None = None) -> object:
        return call(apart, "os:abort") if "checker" in function else call(apart, function, *args, seconds=seconds)

    monkeypatch.setattr(Apart, "call", crash)
    check = onnxmagic.check(saved(tmp_path / "net.onnx", SOUND))
    assert "it crashed (SIGABRT)" in next(f.message for f in check.findings if f.code == "OM311")


def test_a_large_file_takes_no_longer(tmp_path: Path) -> None:
    """400 MB of inline weights, of which the disk holds nothing: only what lies around them is read."""
    path = sparse_model(tmp_path / "net.onnx", 400_000_000)
    start = time.perf_counter()
    check = onnxmagic.check(path, run=False)
    assert time.perf_counter() - start < 5
    assert check.nbytes > 400_000_000
    assert "OM311" not in [f.code for f in check.findings]


def test_a_gigabyte_takes_less_than_two_seconds(tmp_path: Path) -> None:
    """The best of a few times, as the machine may be busy; the static rules, ONNX's checker among them."""
    path = sparse_model(tmp_path / "net.onnx", 1_000_000_000)

    def seconds() -> float:
        start = time.perf_counter()
        check = onnxmagic.check(path, run=False)
        assert check.nbytes > 1_000_000_000
        assert check.ok
        return time.perf_counter() - start

    assert any(seconds() < 2 for _ in range(3))


def sparse_model(path: Path, nbytes: int) -> Path:
    """Write a model with one inline weight of zeros as a file with a hole."""
    model = graph(f"(float[n,1] x) => (float[n,{nbytes // 4}] y) {{ y = MatMul(x, w) }}")
    weight = onnx.TensorProto(name="w", data_type=1, dims=[1, nbytes // 4]).SerializeToString()
    tensor = weight + b"\x4a" + _varint(nbytes)
    inner = model.graph.SerializeToString()
    entry = b"\x2a" + _varint(len(tensor) + nbytes) + tensor
    model.ClearField("graph")
    head = model.SerializeToString() + b"\x3a" + _varint(len(inner) + len(entry) + nbytes) + inner + entry
    path.write_bytes(head)
    os.truncate(path, len(head) + nbytes)
    return path


def _varint(value: int) -> bytes:
    from onnxmagic.graph.wire import varint

    return varint(value)

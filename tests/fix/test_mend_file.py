"""A file read and written anew: weights in two files, hostile and damaged files, and who is to blame."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mending import LIVE, mended, model, nodes, run, two_files

from onnxmagic.errors import FixFailed, OnnxMagicError, UsageMistake
from onnxmagic.fix import Fixes
from onnxmagic.fix.catalogue import LoadedRewrite
from onnxmagic.fix.mend import check_output, inference_twin, mend_file
from onnxmagic.fix.rewrite import Rewrite

X = np.random.default_rng(2).normal(size=(3, 64)).astype(np.float32)


SEEDS = [
    model(text).SerializeToString()
    for text in (
        LIVE,
        "g (float[s1, 4] x, float z) => (float[s1, 4] y) { a = Cast <to = 11> (x) y = Cast <to = 1> (a) }",
        "g (double[4] x) => (double[4] y) <double[2] w = {1, 2}, double[2] v = {1, 2}> { y = own.f (x, w, v) }",
    )
]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A model in two files."""
    path = tmp_path / "net.onnx"
    two_files(path)
    return path


def test_two_files_become_one(pair: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = mended(pair, tmp_path / "out" / "one.onnx", "single-file")
    assert done.changes == ("2 weights moved into the .onnx file; `net.onnx.data` is not needed for it.",)
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["one.onnx"]
    assert np.array_equal(run(done.files[0], x=X)[0], run(pair, x=X)[0])


def test_two_files_stay_two_when_that_is_not_what_is_mended(pair: Path, tmp_path: Path) -> None:
    onnx_file = onnx.load(pair, load_external_data=False)
    onnx_file.doc_string = "note"
    pair.write_bytes(onnx_file.SerializeToString())
    (tmp_path / "out").mkdir()
    done = mended(pair, tmp_path / "out" / "two.onnx", "strip-metadata")
    assert [f.name for f in done.files] == ["two.onnx", "two.onnx.data"]
    assert np.array_equal(run(done.files[0], x=X)[0], run(pair, x=X)[0])


def test_nothing_is_written_where_nothing_is_to_do(pair: Path, tmp_path: Path) -> None:
    done = mended(pair, tmp_path / "out.onnx", "strip-metadata")
    assert (done.changes, done.files, (tmp_path / "out.onnx").exists()) == ((), (), False)


def refused(source: Path | bytes, tmp_path: Path) -> str:
    with pytest.raises((UsageMistake, FixFailed)) as caught:
        mended(source, tmp_path / "out.onnx", "safe")
    assert not (tmp_path / "out.onnx").exists()
    return str(caught.value)


def test_a_missing_second_file_is_named(pair: Path, tmp_path: Path) -> None:
    pair.with_name("net.onnx.data").unlink()
    assert refused(pair, tmp_path) == (
        "The weights are in `net.onnx.data`, which is not beside the model; copy it there first."
    )


def test_a_second_file_that_is_cut_off_is_named(pair: Path, tmp_path: Path) -> None:
    with pair.with_name("net.onnx.data").open("r+b") as file:
        file.truncate(99)
    assert "`net.onnx.data` has 99 bytes, and the weights in it end at" in refused(pair, tmp_path)


@pytest.mark.parametrize("way", ["above", "absolute", "link"])
def test_weights_outside_the_folder_are_never_opened(pair: Path, tmp_path: Path, way: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"S" * 4096)
    inner = tmp_path / "inner"
    inner.mkdir()
    location = {"above": "../secret", "absolute": str(secret), "link": "weights"}[way]
    (inner / "weights").symlink_to(secret)
    proto = onnx.load(pair, load_external_data=False)
    for entry in (e for t in proto.graph.initializer for e in t.external_data if e.key == "location"):
        entry.value = location
    (inner / "net.onnx").write_bytes(proto.SerializeToString())
    assert "outside the model's folder, which is never opened" in refused(inner / "net.onnx", tmp_path)


def test_bytes_cannot_say_where_their_weights_are(pair: Path, tmp_path: Path) -> None:
    assert "give the path of the .onnx file" in refused(pair.read_bytes(), tmp_path)


def test_bytes_are_mended(tmp_path: Path) -> None:
    done = mend_file(model(LIVE).SerializeToString(), Fixes.make("OM102"), tmp_path / "out.onnx")
    assert nodes(onnx.load(done.files[0])) == ["y = Identity (x)"]


@pytest.mark.parametrize("data", [b"", b"nonsense", b"<html>", model(LIVE).SerializeToString()[:-40]])
def test_what_is_no_model_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises((UsageMistake, FixFailed)):
        mend_file(data, Fixes.make(True), tmp_path / "out.onnx", checker=lambda _: "")


def test_a_file_that_the_checker_refuses_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(model("g (float[4] x) => (float[4] y) { y = Relu (nowhere) }").SerializeToString())
    assert refused(path, tmp_path).startswith("ONNX's checker refuses the file as it is, and no rewrite mends that: ")


def test_weights_of_another_size_than_they_say_are_refused(tmp_path: Path) -> None:
    proto = model("g (float[n, 64] x) => (float[n, 8] y) { y = MatMul (x, w) }")
    weight = proto.graph.initializer.add(name="w", data_type=1, dims=[64, 8], raw_data=b"\0" * 2040)
    proto.doc_string = "note"
    assert weight.raw_data
    with pytest.raises(FixFailed, match="the size that it says"):
        mend_file(proto.SerializeToString(), Fixes.make("OM605"), tmp_path / "out.onnx", checker=lambda _: "")


def test_what_would_be_lost_on_the_way_stops_it(tmp_path: Path) -> None:
    proto = model("g (float[4] x) => (float[4] y) { y = Add (x, w) }")
    sparse = proto.graph.sparse_initializer.add(dims=[4])
    sparse.values.CopyFrom(onnx.helper.make_tensor("w", 1, [1], [2.0]))
    sparse.indices.CopyFrom(onnx.helper.make_tensor("i", 7, [1], [3]))
    with pytest.raises(UsageMistake, match="sparse weights"):
        mend_file(proto.SerializeToString(), Fixes.make(True), tmp_path / "out.onnx", checker=lambda _: "")


def broken(monkeypatch: pytest.MonkeyPatch, *, raises: bool) -> None:
    """Let a rewrite in the middle fail, or make an invalid graph."""
    from onnxmagic.fix import fixes

    def apply(graph: object) -> list[str]:
        if raises:
            raise KeyError("no such thing")
        graph.graph[0].op_type = "Nonsense"  # type: ignore[attr-defined]
        return ["Changed."]

    good = [each for each in fixes.rewrites() if each.name in {"lower-ir", "strip-metadata"}]
    bad = LoadedRewrite(Rewrite("breaking", "it breaks", ("OM605",)), apply, "")
    monkeypatch.setattr(fixes, "rewrites", lambda: (good[0], bad, good[1]))


@pytest.mark.parametrize(
    ("raises", "said"),
    [
        (True, "The rewrite `breaking` failed on this model: KeyError: 'no such thing'."),
        (False, "After the rewrite `breaking` ONNX's checker refuses the file: "),
    ],
)
def test_the_rewrite_that_is_to_blame_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raises: bool, said: str
) -> None:
    broken(monkeypatch, raises=raises)
    path = tmp_path / "net.onnx"
    proto = model(LIVE, ir_version=10)
    proto.doc_string = "note"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(FixFailed) as caught:
        mend_file(path, Fixes("safe"), tmp_path / "out.onnx")
    assert str(caught.value).startswith(said)
    assert path.read_bytes() == proto.SerializeToString()


def test_the_output_may_not_replace_weights_that_the_source_needs(pair: Path, tmp_path: Path) -> None:
    from onnxmagic.check.evidence import Sidecar

    beside = [Sidecar("other.onnx.data", 1, 1)]
    with pytest.raises(UsageMistake, match="holds the weights of `net"):
        check_output(pair, tmp_path / "other.onnx", beside)
    with pytest.raises(UsageMistake, match="choose another name"):
        check_output(pair, tmp_path / "other.onnx.data", beside)
    check_output(pair, pair, [Sidecar("net.onnx.data", 1, 1)])


def test_the_inference_twin_keeps_its_dropouts_and_drops_nothing(tmp_path: Path) -> None:
    twin = inference_twin(model(LIVE).SerializeToString(), tmp_path / "twin.onnx")
    assert nodes(onnx.load(twin)) == ["y = Dropout (x, r)"]
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(run(twin, optimize=False, x=x)[0], x)


def test_weights_in_bodies_and_constants_come_along(tmp_path: Path) -> None:
    text = """g (bool c, float[4] x) => (float[4] y) { k = Constant <value = float[4] {1, 2, 3, 4}> ()
        y = If (c) <then_branch = a () => (float[4] p) <float[4] w = {5, 6, 7, 8}> { p = Mul (x, w) },
                    else_branch = b () => (float[4] q) { q = Mul (x, k) }> }"""
    proto = model(text)
    attributes = [a for n in proto.graph.node for a in n.attribute]
    inside = [attributes[0].t, *(t for a in attributes if a.HasField("g") for t in a.g.initializer)]
    data = b"".join(t.raw_data or np.array(t.float_data, np.float32).tobytes() for t in inside)
    for index, tensor in enumerate(inside):
        tensor.ClearField("float_data")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": "w.bin", "offset": str(16 * index), "length": "16"}.items():
            tensor.external_data.add(key=key, value=value)
    (tmp_path / "w.bin").write_bytes(data)
    proto.doc_string = "note"
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    (tmp_path / "out").mkdir()
    done = mended(tmp_path / "net.onnx", tmp_path / "out" / "net.onnx", "OM605")
    x = np.ones(4, np.float32)
    for branch, expected in {True: [5, 6, 7, 8], False: [1, 2, 3, 4]}.items():
        assert run(done.files[0], c=np.array(branch), x=x)[0].tolist() == expected


def test_what_the_library_says_to_itself_stays_out_of_the_notebook(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    proto = model("g (float[4] x) => (float[4] y) { y = Relu (nowhere) }", ir_version=13)
    mend_file(proto.SerializeToString(), Fixes.make("safe"), tmp_path / "out.onnx", checker=lambda _: "")
    assert caplog.records == []


def test_texts_that_are_not_utf_8_can_be_taken_out(tmp_path: Path) -> None:
    data = model(LIVE).SerializeToString() + b"\x32\x04\xe9t\xe9!"  # doc_string in Latin-1
    done = mend_file(data, Fixes.make("strip-metadata"), tmp_path / "out.onnx")
    assert onnx.load(done.files[0]).doc_string == ""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_never_raises_what_nobody_expects(tmp_path: Path, data: st.DataObject) -> None:
    seed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 3))):
        seed[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    fixes = Fixes.make("unsafe,rename-axes,OM206,double-to-float")
    with contextlib.suppress(OnnxMagicError):
        mend_file(bytes(seed), fixes, tmp_path / "out.onnx", checker=lambda _: "")

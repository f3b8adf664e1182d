"""What a stranger's file does in the process that runs it stays there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from file_models import RELU, doubling, parsed

from onnxmagic.runtime.apart import Apart, Died, Raised
from onnxmagic.runtime.frames import TooLarge
from onnxmagic.runtime.isolated import Isolated, Refused
from onnxmagic.runtime.protocol import NotLoadable


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with Apart(seconds=30) as process:
        yield process


@pytest.fixture
def relu(tmp_path: Path) -> Path:
    path = tmp_path / "relu.onnx"
    path.write_bytes(parsed(RELU).SerializeToString())
    return path


def test_a_file_runs(apart: Apart, relu: Path) -> None:
    session = Isolated(apart).load(relu)
    (y,) = session.run({"x": np.array([[1, -2, 3, -4]], np.float32), "other": np.zeros(1)})
    assert y.tolist() == [[1, 0, 3, 0]]
    assert (session.inputs, session.outputs) == (("x",), ("y",))


def test_the_runtime_is_named_with_its_version(apart: Apart, relu: Path) -> None:
    runtime = Isolated(apart)
    runtime.load(relu)
    assert runtime.name.startswith("ONNX Runtime 1.")


def test_inputs_that_do_not_fit_are_refused_in_the_runtimes_words(apart: Apart, relu: Path) -> None:
    with pytest.raises(Refused, match="Got: 3 Expected: 4"):
        Isolated(apart).load(relu).run({"x": np.zeros((1, 3), np.float32)})


def test_a_file_that_does_not_load(apart: Apart, tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"nothing")
    with pytest.raises(NotLoadable, match="Protobuf"):
        Isolated(apart).load(tmp_path / "no.onnx")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int64).reshape(2, 3)[:, ::2],
        np.array(2.5, np.float16),
        np.zeros((0, 4), np.float32),
        np.array([True, False]),
        np.array([["a", "ü"]], dtype=object),
        np.array([1 + 2j]),
    ],
    ids=str,
)
def test_arrays_arrive_as_they_were(apart: Apart, array: np.ndarray) -> None:
    copy = apart.call("copy:copy", {"it": [array, None, 1.5, "x"]})["it"][0]
    assert (copy.shape, copy.dtype, copy.tolist()) == (array.shape, array.dtype, array.tolist())


def test_a_crash_is_told_and_the_next_call_works(apart: Apart) -> None:
    with pytest.raises(Died, match="SIGABRT") as caught:
        apart.call("os:abort")
    assert caught.value.cause == "crash"
    assert apart.call("os.path:basename", "a/b") == "b"


def test_what_takes_too_long_is_ended(apart: Apart) -> None:
    with pytest.raises(Died, match=r"longer than 0\.2 seconds") as caught:
        apart.call("time:sleep", 30, seconds=0.2)
    assert caught.value.cause == "time"


def test_memory_has_a_limit() -> None:
    with Apart(memory=2**29) as small, pytest.raises(Died, match=r"more than 0\.5 GB") as caught:
        small.call("numpy:ones", 4 * 10**9)
    assert caught.value.cause == "memory"


def test_a_runtime_that_wants_too_much_memory_is_no_crash(tmp_path: Path) -> None:
    text = RELU.replace("y = Relu(x)", "s = Constant<value_ints=[90000,90000]>() z = ConstantOfShape(s) y = Relu(x)")
    text = text.replace("(float[n,4] y)", "(float[n,4] y, float[90000,90000] z)")
    (tmp_path / "huge.onnx").write_bytes(parsed(text).SerializeToString())
    with Apart() as process, pytest.raises(Died) as caught:
        Isolated(process).load(tmp_path / "huge.onnx").run({"x": np.zeros((1, 4), np.float32)})
    assert caught.value.cause == "memory"


def test_a_result_beyond_all_measure_is_not_handed_over(apart: Apart) -> None:
    with pytest.raises(TooLarge, match=r"its outputs are too large: 1\.6 GB"):
        apart.call("numpy:zeros", 2 * 10**8)
    assert apart.call("builtins:len", [1]) == 1


def test_no_file_can_be_written(apart: Apart, tmp_path: Path) -> None:
    with pytest.raises(Raised, match="File too large"):
        apart.call("numpy:save", str(tmp_path / "x.npy"), np.ones(10))


def test_a_session_ends_with_its_process(relu: Path) -> None:
    with Apart() as process:
        session = Isolated(process).load(relu)
        with pytest.raises(Died):
            process.call("os:abort")
        assert not session.alive
        with pytest.raises(Died):
            session.run({"x": np.zeros((1, 4), np.float32)})


def test_what_it_prints_does_not_disturb(apart: Apart) -> None:
    assert apart.call("builtins:print", "hello") is None
    assert apart.call("builtins:len", [1, 2]) == 2


def test_the_process_is_gone_afterwards() -> None:
    with Apart() as process:
        process.call("os:getpid")
        assert process.life
    assert process.life == 0


def test_functions_that_double_do_not_hang_the_checker(tmp_path: Path) -> None:
    (tmp_path / "d.onnx").write_bytes(doubling(40).SerializeToString())
    with Apart() as process, pytest.raises(Died) as caught:
        process.call("onnxmagic.graph.checker:structure_error", str(tmp_path / "d.onnx"), seconds=1)
    assert caught.value.cause == "time"

"""What a person writes for a target, and what is said where it cannot be meant."""

from __future__ import annotations

import pytest

from onnxmagic.errors import UsageMistake
from onnxmagic.target import find_targets, target_names


def mistake(names):
    with pytest.raises(UsageMistake) as caught:
        find_targets(names)
    return str(caught.value)


def test_a_name_alone_means_the_newest_version_known():
    (target,) = find_targets("opencv")
    assert (target.name, str(target), target.asked) == ("opencv", "OpenCV 5.0", False)


def test_a_name_with_a_version():
    (target,) = find_targets("onnxruntime==1.17")
    assert (target.version, str(target), target.option) == ("1.17", "ONNX Runtime 1.17", "--target onnxruntime==1.17")


def test_several_with_commas_or_in_a_list_each_once():
    assert [t.name for t in find_targets("opencv, nnapi,opencv,")] == ["opencv", "nnapi"]
    assert [t.name for t in find_targets(["opencv,nnapi", "tract"])] == ["opencv", "nnapi", "tract"]


@pytest.mark.parametrize("nothing", ["", " , ", (), [""]])
def test_no_target(nothing):
    assert find_targets(nothing) == ()


@pytest.mark.parametrize(
    "written", ["ORT", "onnx_runtime", "ONNX Runtime", " ort ", "ort == v1.17", "ONNX Runtime 1.17"]
)
def test_other_spellings(written):
    assert find_targets(written)[0].name == "onnxruntime"


@pytest.mark.parametrize("name", target_names())
def test_what_a_target_calls_itself_is_understood(name):
    for target in find_targets(f"{name},{name}==1.2"):
        (again,) = find_targets(str(target))
        assert (again.name, again.version) == (target.name, target.version)


def test_an_unknown_name_gives_near_ones_and_the_list():
    said = mistake("onnxruntim")
    assert "Did you mean 'onnxruntime'" in said
    assert all(name in said for name in target_names())


def test_a_far_name_gives_the_list_alone():
    assert "Did you mean" not in mistake("frobnicator")


@pytest.mark.parametrize("written", ["onnxruntime>=1.17", "onnxruntime=1.17", "onnxruntime@1.17", "onnxruntime:v1.17"])
def test_another_sign_is_answered_with_the_right_one(written):
    assert "onnxruntime==1.17" in mistake(written)


@pytest.mark.parametrize("written", ["opencv==", "opencv==new", "opencv==1.x", "opencv==5.0rc1"])
def test_a_version_that_cannot_be_compared(written):
    assert "write numbers, for example opencv==1.17" in mistake(written)


def test_what_is_no_name():
    assert "targets holds 3" in mistake(["opencv", 3])

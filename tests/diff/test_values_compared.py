"""How far two arrays are apart: in pieces and batches as in one, NaN and infinity counted, nothing raised."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from onnxmagic.diff.numbers import SMALLEST, Apartness, numeric

FLOATS = arrays(np.float32, st.integers(0, 50), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


def apart(*batches):
    found = Apartness()
    for one, other in batches:
        found.add(np.asarray(one), np.asarray(other))
    return found


@settings(deadline=None)
@given(FLOATS, st.randoms(use_true_random=False))
def test_it_is_what_numpy_says(one, random):
    other = one * np.float32(random.choice([1.0, 0.5, -1.0]))
    found = apart((one, other))
    wide, wider = one.astype(np.float64), other.astype(np.float64)
    largest = np.abs(wide - wider).max(initial=0)
    assert found.max_abs == largest
    assert found.max_rel == largest / max(np.abs(wide).max(initial=0), SMALLEST)
    assert found.nan == (0, 0)


def test_a_large_value_is_compared_whole():
    one = np.zeros(3_000_000, np.float32)
    other = one.copy()
    one[0], other[-1] = 4, 2
    other[0] = 4
    assert (apart((one, other)).max_abs, apart((one, other)).max_rel) == (2.0, 0.5)


def test_the_worst_batch_counts():
    found = apart(([1.0], [1.0]), ([2.0], [1.0]), ([100.0], [99.0]))
    assert (found.max_abs, found.max_rel, found.batches) == (1.0, 0.5, 3)


def test_small_values_are_what_is_left_of_larger_ones():
    assert apart(([0.0], [1e-9])).max_rel == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("one", "other", "worst", "counts"),
    [
        ([math.nan, 1], [math.nan, 1], 0.0, (1, 1)),
        ([math.inf, 1], [math.inf, 3], 2.0, (1, 1)),
        ([math.inf, 1], [-math.inf, 1], math.inf, (1, 1)),
        ([math.nan, 1], [0, 1], math.inf, (1, 0)),
        ([0, 1], [math.inf, 1], math.inf, (0, 1)),
        ([math.nan], [math.inf], math.inf, (1, 1)),
    ],
)
def test_nan_and_infinity(one, other, worst, counts):
    found = apart((np.array(one, np.float32), np.array(other, np.float32)))
    assert (found.max_abs, found.nan) == (worst, counts)


def test_another_shape_is_as_far_as_can_be():
    found = apart((np.zeros((2, 3)), np.zeros((3, 2))))
    assert (found.max_abs, found.unlike, found.shapes) == (math.inf, True, ((2, 3), (3, 2)))


def test_types_may_differ_and_need_not_be_floats():
    assert apart((np.float16([1, 2]), np.float64([1, 2.5]))).max_abs == 0.5
    assert apart(([True, False], [True, True])).max_abs == 1
    assert apart((np.uint8([3]), np.uint8([5]))).max_abs == 2
    assert apart(([1 + 1j], [1 - 1j])).max_abs == 2
    assert apart(([], [])).max_abs == 0


def test_what_has_no_numbers():
    assert not numeric(np.array(["a"], object))
    assert not numeric([np.zeros(1)])
    assert numeric(np.zeros(1, np.int8))
    assert not numeric(np.zeros(1, np.int8), "f")

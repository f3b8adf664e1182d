"""Figures of arrays against numpy's own, whatever the pieces; pictures of matrices."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from onnxmagic.inside.picture import picture
from onnxmagic.inside.statistics import BINS, pieces, statistics

FLOATS = arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(width=32))


@given(FLOATS, st.integers(1, 70))
def test_pieces_do_not_matter(values, step):
    parts = [values[start : start + step] for start in range(0, values.size, step)]
    found = statistics(lambda: parts)
    finite = values[np.isfinite(values)].astype(np.float64)
    assert (found.size, found.nan, found.inf) == (values.size, np.isnan(values).sum(), np.isinf(values).sum())
    assert found.zeros == (values == 0).sum()
    if not finite.size:
        assert (found.minimum, found.mean, found.histogram) == (None, None, None)
        return
    assert (found.minimum, found.maximum) == (finite.min(), finite.max())
    scale = np.abs(finite).max()
    assert math.isclose(found.mean, finite.mean(), rel_tol=1e-9, abs_tol=1e-9 * scale)
    assert math.isclose(found.std, finite.std(), rel_tol=1e-6, abs_tol=1e-6 * scale)
    assert sum(found.histogram.counts) == finite.size
    assert len(found.histogram.edges) == len(found.histogram.counts) + 1


def test_a_large_array_is_taken_in_pieces():
    values = np.random.default_rng(0).normal(3, 2, (1500, 1500)).astype(np.float32)
    found = statistics(lambda: pieces(values))
    assert (found.size, len(found.histogram.counts)) == (values.size, BINS)
    assert found.mean == pytest.approx(3, abs=0.01)
    assert found.std == pytest.approx(2, abs=0.01)
    assert len(list(pieces(values))) == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([True, False, True]), (0.0, 1.0, 1)),
        (np.array([-(2**62), 0, 5]), (-float(2**62), 5.0, 1)),
        (np.array([1.5, -2], ml_dtypes.bfloat16), (-2.0, 1.5, 0)),
        (np.array([0.5, 0], ml_dtypes.float8_e4m3fn), (0.0, 0.5, 1)),
        (np.array([-8, 7], ml_dtypes.int4), (-8.0, 7.0, 0)),
    ],
)
def test_every_type_of_numbers(values, expected):
    found = statistics(lambda: pieces(values))
    assert (found.minimum, found.maximum, found.zeros) == expected


def test_nothing_and_one_value():
    empty = statistics(lambda: pieces(np.empty((0, 3), np.float32)))
    assert (empty.size, empty.minimum, empty.histogram) == (0, None, None)
    same = statistics(lambda: pieces(np.full(5, 7.0)))
    assert (same.histogram.edges, same.histogram.counts) == ((7.0, 7.0), (5,))


def test_the_whole_range_of_floats_has_no_histogram_and_no_warning():
    found = statistics(lambda: [np.array([-1.7e308, 1.7e308])])
    assert (found.minimum, found.histogram) == (-1.7e308, None)


def test_a_picture_is_grey_from_the_least_to_the_largest():
    drawn = picture(np.array([[0.0, 1.0], [2.0, 4.0]]))
    assert (drawn.width, drawn.height, list(drawn.grey)) == (2, 2, [0, 64, 128, 255])
    assert (drawn.low, drawn.high, drawn.part) == (0.0, 4.0, "")


def test_a_large_picture_is_made_small_by_averaging():
    image = np.zeros((1, 3, 1000, 300), np.float32)
    image[0, 0, 500:] = 1
    drawn = picture(image)
    assert (drawn.width, drawn.height, drawn.part) == (256, 256, "channel 0 of 3")
    grey = np.frombuffer(drawn.grey, np.uint8).reshape(256, 256)
    assert (grey[:127] == 0).all()
    assert (grey[129:] == 255).all()


def test_a_picture_of_what_is_not_finite():
    drawn = picture(np.array([[np.nan, 1.0], [3.0, np.inf]]))
    assert list(drawn.grey) == [0, 0, 255, 255]
    assert list(picture(np.full((2, 2), np.nan)).grey) == [128] * 4


@pytest.mark.parametrize("shape", [(), (5,), (1, 5), (5, 1), (0, 5, 5)])
def test_a_row_is_no_picture(shape):
    assert picture(np.zeros(shape)) is None


def test_which_part_of_a_larger_array_it_is():
    assert picture(np.zeros((4, 3, 3))).part == "the first of 4"
    assert picture(np.zeros((2, 8, 3, 3))).part == "channel 0 of 8, the first of 2"
    assert picture(np.zeros((2, 5, 8, 3, 3))).part == "channel 0 of 8, the first of 2 × 5"

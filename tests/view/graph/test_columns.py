"""Columns of numbers and the table of texts."""

from __future__ import annotations

import json
import time
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unpacked import texts_of

from onnxmagic.view.graph.columns import MOST_CHARACTERS, Texts, column, short


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_a_column_can_be_read_back(numbers):
    written = column(numbers)
    assert (list(accumulate(written["data"])) if isinstance(written, dict) else written) == numbers


def test_numbers_that_climb_are_written_as_steps_and_those_that_repeat_are_not():
    assert column(list(range(100, 1100))) == {"coding": "delta", "data": [100, *[1] * 999]}
    assert column([7, 3, 7, 3] * 100) == [7, 3, 7, 3] * 100


def test_texts_are_kept_once_and_the_empty_one_is_number_0():
    texts = Texts()
    assert texts.column(["b", "", "a", "b"]) == [1, 0, 2, 1]
    assert texts.all() == ["", "b", "a"]


@given(st.lists(st.text(st.sampled_from("ab0179_./\u0663"), max_size=30)))
def test_texts_can_be_read_back_from_their_patterns(written):
    texts = Texts()
    texts.column(written)
    assert texts_of(json.loads(json.dumps(texts.written()))) == texts.all()


def test_counters_are_kept_apart():
    texts = Texts()
    texts.column(f"layers.{layer}.fc_{3 * layer}" for layer in range(100))
    assert texts.written() == {
        "patterns": ["", "layers.\0.fc_\0"],
        "pattern": [0, *[1] * 100],
        "step": [0, 0, *[1, 3] * 99],
    }


def test_two_texts_that_look_the_same_are_one():
    texts = Texts()
    assert texts.column(["x" * 300 + "1", "x" * 300 + "2"]) == [1, 1]
    assert len(texts.all()) == 2


@pytest.mark.parametrize("text", ["a" * 200, "\x1b[2J", "\u202egnp.exe", "\ud800", "</script>"])
def test_a_text_is_shown_whole_where_it_is_short_and_steers_nothing(text):
    shown = short(text)
    assert shown.isprintable()
    assert len(shown) <= MOST_CHARACTERS
    shown.encode()


def test_a_name_of_10_mb_is_cut_at_once():
    start = time.process_time()
    assert short("\u202e" * 10_000_000) == "\\u202e" * 33 + "\\…"
    assert time.process_time() - start < 0.5

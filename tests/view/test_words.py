"""Figures and phrases."""

from __future__ import annotations

import pytest

from onnxmagic.view import words
from onnxmagic.view.parts import clean
from onnxmagic.view.text import render
from onnxmagic.view.wrap import wrap


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (9500, "9.5 k"), (999_960, "1.0 M"), (25_557_032, "25.6 M"), (7 * 10**9, "7.0 G")],
)
def test_count(value, text):
    assert words.count(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (1500, "1.5 kB"), (97_500_000, "97.5 MB")])
def test_weight(value, text):
    assert words.weight(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "40 ms"), (1.94, "1.9 s"), (99.97, "1 min 40 s"), (125, "2 min 5 s")]
)
def test_seconds(value, text):
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.26, "1.3 ×"), (21_000, "21,000 ×"), (3e7, "3.0e+07 ×"), (float("inf"), "∞ ×")]
)
def test_ratio(value, text):
    assert words.ratio(value) == text


def test_listing():
    assert [words.listing(w) for w in ([], [1], [1, 2], [1, 2, 4])] == ["", "1", "1 and 2", "1, 2 and 4"]


def test_backquotes_mark_code_and_an_odd_one_stays():
    assert [(s.text, s.tone) for s in words.spans("`a` is b`")] == [("a", "code"), (" is b`", "plain")]


@pytest.mark.parametrize(("dims", "text"), [(None, ""), ((), "scalar"), (("batch", 3, None), "batch × 3 × ?")])
def test_shape(dims, text):
    assert words.shape(dims) == text


@pytest.mark.parametrize("char", ["\x1b", "\n", "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800", "\u2028"])
def test_characters_that_steer_are_made_visible(char):
    assert clean(f"a{char}b").isprintable()
    assert clean(f"a{char}b").startswith("a\\")


def test_letters_of_all_scripts_stay():
    assert clean("größe 编码 🤗") == "größe 编码 🤗"


def test_a_long_word_is_broken():
    lines = wrap(words.spans("see " + "x" * 25), 10)
    assert ["".join(s.text for s in line) for line in lines] == ["see", "x" * 10, "x" * 10, "x" * 5]


def test_a_part_of_an_unknown_kind_is_an_error():
    from onnxmagic.view.html import element
    from onnxmagic.view.text import part_lines

    with pytest.raises(TypeError, match="no text for object"):
        part_lines(object(), 80)
    with pytest.raises(TypeError, match="no HTML for object"):
        element(object())


def test_render_takes_at_least_72_columns():
    import samples

    from onnxmagic.view.report import report

    assert render(report(samples.ready()), 5) == render(report(samples.ready()), 72)


def test_a_word_of_two_tones_is_one_word():
    lines = wrap((*words.spans("see `some_code`"), *words.spans(", and more")), 14)
    assert ["".join(span.text for span in each) for each in lines] == ["see some_code,", "and more"]

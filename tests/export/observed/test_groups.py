"""Which axes differed, which together, and what they are called."""

from __future__ import annotations

import pytest

from onnxmagic.export.observed.groups import find_axes
from onnxmagic.export.observed.naming import Seen


def seen(name, *shapes, floating=True):
    return Seen(name, name, floating, shapes)


def ids(name, *shapes):
    return seen(name, *shapes, floating=False)


def test_same_sizes_are_one_axis_and_other_sizes_another():
    axes = find_axes([ids("input_ids", (4, 7), (2, 9)), ids("attention_mask", (4, 7), (2, 9))])
    assert axes.groups == {
        "batch": (("input_ids", 0), ("attention_mask", 0)),
        "sequence": (("input_ids", 1), ("attention_mask", 1)),
    }
    assert axes.sizes == {"batch": (2, 4), "sequence": (7, 9)}


def test_axis_that_never_differed_is_none():
    assert find_axes([seen("x", (4, 3), (4, 3))]).groups == {}
    assert find_axes([seen("x", (4, 3))]).groups == {}


def test_images_have_height_and_width():
    assert list(find_axes([seen("x", (2, 3, 32, 48), (2, 3, 64, 40))]).groups) == ["height", "width"]


def test_images_that_were_square_in_every_call_have_one_side():
    assert find_axes([seen("x", (2, 3, 32, 32), (2, 3, 64, 64))]).groups == {"side": (("x", 2), ("x", 3))}


def test_batch_as_long_as_its_texts_is_chance():
    axes = find_axes([ids("tokens", (3, 3), (5, 5))])
    assert axes.groups == {"batch": (("tokens", 0),), "sequence": (("tokens", 1),)}


def test_attention_between_all_tokens_is_one_axis():
    axes = find_axes([ids("input_ids", (1, 3), (1, 5)), seen("attention_mask", (1, 1, 3, 3), (1, 1, 5, 5))])
    assert axes.groups == {"sequence": (("input_ids", 1), ("attention_mask", 2), ("attention_mask", 3))}


def test_rows_of_another_number_have_a_name_of_their_own():
    axes = find_axes([seen("x", (4, 8), (2, 8)), seen("y", (4, 8), (2, 8)), seen("anchors", (9, 4), (7, 4))])
    assert list(axes.groups) == ["batch", "anchors_rows"]


def test_encoder_and_decoder_have_a_length_each():
    axes = find_axes([ids("input_ids", (1, 8), (1, 6)), ids("decoder_input_ids", (1, 3), (1, 2))])
    assert list(axes.groups) == ["sequence", "decoder_sequence"]


def test_sound_has_samples():
    assert list(find_axes([seen("input_values", (1, 16000), (1, 8000))]).groups) == ["samples"]


def test_second_text_is_named_by_its_input():
    axes = find_axes([ids("query", (4, 8), (4, 6)), ids("passage", (4, 30), (4, 20))])
    assert list(axes.groups) == ["sequence", "passage_1"]


@pytest.mark.parametrize("mask", ["attention_mask", "mask"])
def test_mask_over_past_and_present_is_their_sum(mask):
    axes = find_axes(
        [
            ids("input_ids", (2, 5), (2, 1), (2, 1)),
            ids(mask, (2, 5), (2, 6), (2, 7)),
            seen("past_key_values.0.key", (2, 4, 0, 8), (2, 4, 5, 8), (2, 4, 6, 8)),
            seen("past_key_values.0.value", (2, 4, 0, 8), (2, 4, 5, 8), (2, 4, 6, 8)),
        ]
    )
    assert axes.groups == {
        "sequence": (("input_ids", 1),),
        "total_sequence": ((mask, 1),),
        "past_sequence": (("past_key_values.0.key", 2), ("past_key_values.0.value", 2)),
    }
    assert axes.sums == {"total_sequence": ("past_sequence", "sequence")}
    assert axes.sizes == {"sequence": (1, 5), "total_sequence": (5, 6, 7), "past_sequence": (0, 5, 6)}


def test_mask_one_longer_than_the_past_is_total_without_a_sum():
    axes = find_axes([ids("attention_mask", (2, 6), (2, 7)), seen("past_key_values.0.key", (2, 4, 5, 8), (2, 4, 6, 8))])
    assert list(axes.groups) == ["total_sequence", "past_sequence"]
    assert axes.sums == {}


def test_joined_text_is_the_sum_of_two():
    axes = find_axes([ids("a", (1, 3), (1, 4)), ids("b", (1, 6), (1, 5)), seen("c", (1, 9, 2), (1, 9, 2))])
    assert axes.sums == {}
    axes = find_axes([ids("a", (1, 3), (1, 4)), ids("b", (1, 6), (1, 9)), seen("c", (1, 9, 2), (1, 13, 2))])
    assert axes.sums == {"c_1": ("sequence", "b_1")}


def test_batch_is_no_part_of_a_sum():
    axes = find_axes([seen("x", (4, 8, 12), (2, 6, 8))])
    assert list(axes.groups) == ["batch", "x_1", "x_2"]
    assert axes.sums == {}


def test_equality_at_one_size_where_both_were_there_is_none():
    axes = find_axes([ids("a", (1, 3), (1, 4), (1, 4)), ids("b", (1, 3), None, (1, 9))])
    assert list(axes.groups) == ["sequence", "b_1"]
    axes = find_axes([ids("a", (1, 3), (1, 4), (1, 9)), ids("b", (1, 3), None, (1, 9))])
    assert axes.groups == {"sequence": (("a", 1), ("b", 1))}


def test_names_are_legal_and_unique():
    names = list(find_axes([seen("past.0.é", (1, 3, 2), (1, 4, 5)), seen("past_0", (1, 7, 9), (1, 9, 7))]).groups)
    assert len(set(names)) == len(names) == 4
    assert all(name.isidentifier() and name.isascii() for name in names)


def test_what_a_cache_holds_of_the_encoder_is_the_encoders():
    own, cross = "past_key_values[0]['decoder']['key']", "past_key_values[0]['encoder']['key']"
    axes = find_axes(
        [
            ids("attention_mask", (1, 8), (1, 6)),
            seen("encoder_outputs", (1, 8, 4), (1, 6, 4)),
            Seen("own", own, True, ((1, 2, 3, 4), (1, 2, 5, 4))),
            Seen("cross", cross, True, ((1, 2, 8, 4), (1, 2, 6, 4))),
        ]
    )
    assert axes.groups == {
        "encoder_sequence": (("attention_mask", 1), ("encoder_outputs", 1), ("cross", 2)),
        "past_sequence": (("own", 2),),
    }

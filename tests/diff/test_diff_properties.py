"""What must hold of every diff: of itself it is empty, reversed it mirrors, names never matter, all edits are told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import onnx
import pytest
from applied import applied, written
from graphs import KINDS, edited, layers, renamed, shuffled, stripped
from hypothesis import given, settings
from hypothesis import strategies as st

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import Diff

SEEDS = st.integers(0, 10_000)
LITTLE = settings(max_examples=12, deadline=None)


def diff(a: onnx.ModelProto, b: onnx.ModelProto) -> Diff:
    return between(side_of(a.SerializeToString(), "a.onnx"), side_of(b.SerializeToString(), "b.onnx"))


def test_a_model_is_identical_to_itself():
    found = diff(layers(2), layers(2))
    assert found.identical
    assert found.summary == "Identical."
    assert (found.nodes.same, found.regions, found.weights.changed) == (84, (), ())


@LITTLE
@given(SEEDS)
def test_names_and_order_never_matter(seed):
    model = layers(2)
    other = stripped(shuffled(renamed(model, seed), seed))
    found = diff(model, other)
    assert found.identical, found.summary
    assert found.nodes.moved == ()


@LITTLE
@given(SEEDS, st.integers(1, 12), st.booleans())
def test_the_reported_edits_make_the_second_of_the_first(seed, count, bare):
    model = layers(2)
    other, _ = edited(model, count, seed)
    other = shuffled(stripped(renamed(other, seed)) if bare else other, seed)
    for found in (diff(model, other), diff(other, model)):
        assert applied(found) == written(found)
        assert not found.identical


@pytest.mark.parametrize("kind", ["operator", "attribute", "weight", "rewire"])
def test_an_edit_that_is_not_reported_shows_when_edits_are_applied(kind):
    found = diff(layers(2), edited(layers(2), 3, 5, [kind])[0])
    forgetful = replace(found, nodes=replace(found.nodes, changed=found.nodes.changed[1:]))
    assert applied(found) == written(found)
    assert applied(forgetful) != written(forgetful)


@LITTLE
@given(SEEDS, st.integers(1, 12))
def test_the_reverse_is_the_mirror(seed, count):
    model = layers(2)
    other, _ = edited(model, count, seed)
    there, back = diff(model, other), diff(other, model)
    assert there.nodes.added == back.nodes.removed
    assert there.nodes.removed == back.nodes.added
    assert there.nodes.same == back.nodes.same
    assert {(c.a, c.b, *((x.kind, x.what, x.before, x.after) for x in c.changes)) for c in there.nodes.changed} == {
        (c.b, c.a, *((x.kind, x.what, x.after, x.before) for x in c.changes)) for c in back.nodes.changed
    }
    assert Counter((r.name, r.removed, r.added, r.count) for r in there.regions) == Counter(
        (r.name, r.added, r.removed, r.count) for r in back.regions
    )
    assert {(w.before, w.after, w.max_abs) for w in there.weights.changed} == {
        (w.after, w.before, w.max_abs) for w in back.weights.changed
    }


@pytest.mark.parametrize("kind", KINDS)
def test_one_edit_is_one_change(kind):
    model = layers(2)
    other, truth = edited(model, 1, 5, [kind])
    found = diff(model, other)
    assert (len(found.nodes.added), len(found.nodes.removed)) == (len(truth.added), len(truth.removed))
    assert [change.kind for each in found.nodes.changed for change in each.changes] == {
        "insert": [],
        "remove": [],
        "operator": ["operator"],
        "attribute": ["attribute"],
        "weight": ["weight"],
        "rewire": ["input"],
    }[kind]

"""The opset and IR version that fit all targets, and the reasons."""

from __future__ import annotations

from onnxmagic.target import find_targets
from onnxmagic.target.choose import choose
from onnxmagic.target.target import Fact, Target

FACT = Fact("ran", "a run of something", "2026-11-21")


def reader(name, opset=None, ir=None, whole=None):
    return Target(name, name, highest_opset=opset, highest_ir=ir, opset_fact=FACT, ir_fact=FACT, whole_opset=whole)


def chosen(*targets, asked=None):
    return choose(targets, usual_opset=20, usual_ir=10, asked_opset=asked)


def test_nobody_asks():
    choice = chosen()
    assert (choice.opset, choice.highest_ir, choice.opset_reason, choice.ir_reason) == (20, None, "", "")


def test_the_lowest_limit_decides_and_is_named():
    choice = chosen(reader("new", 26, 13), reader("old", 17, 8))
    assert (choice.opset, choice.highest_ir) == (17, 8)
    assert choice.opset_reason == "old reads none above it (ran: a run of something, 2026-11-21)"


def test_it_never_goes_above_the_usual_one():
    choice = chosen(reader("new", 26, 13), reader("other", 25))
    assert (choice.opset, choice.opset_reason) == (20, "the usual one, which new and other read")


def test_a_release_that_reads_a_number_without_having_its_operators():
    choice = chosen(reader("half", 19, 9, whole=18))
    assert choice.opset == 18
    assert choice.opset_reason.startswith("half lacks operators above it")


def test_what_was_asked_for_is_kept():
    choice = chosen(reader("old", 17, 8), asked=19)
    assert (choice.opset, choice.opset_reason, choice.highest_ir) == (19, "asked for", 8)


def test_an_unknown_limit_does_not_decide_and_is_said():
    choice = chosen(reader("dark"))
    assert (choice.opset, choice.highest_ir) == (20, None)
    assert choice.opset_reason == "the usual one, since nothing is known that speaks against it"
    assert choice.undecided == ("Which opset dark reads is not known here, so it did not decide.",)


def test_a_stand_in_for_an_unknown_version_is_said():
    choice = chosen(*find_targets("onnxruntime==1.99"))
    assert "it is taken for" in choice.undecided[0]

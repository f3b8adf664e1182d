"""The report of a check: what its one sentence rests on, what it says was not tried, and what its buttons do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import samples

from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.errors import CheckFailed, UsageMistake
from onnxmagic.export.result import Parity
from onnxmagic.view import mark_shown, to_html, to_text
from onnxmagic.view.html import fragment
from onnxmagic.view.outcome import outcome
from onnxmagic.view.parts import Item
from onnxmagic.view.report import report


def verdict(check):
    return " ".join(to_text(check).partition("\n\n")[0].split())


def items(check):
    return [part for section in report(check).sections for part in section.parts if isinstance(part, Item)]


def buttons(finding, check=None):
    shown = replace(check or samples.sound(), findings=(finding,))
    return [(action.kind, action.label, action.text) for action in items(shown)[0].actions]


def test_the_verdict_says_where_and_at_which_sizes_it_ran():
    said = "✓ Nothing wrong was found; it ran in ONNX Runtime 1.31.1 (CPU) at batch 1, 2 and 3."
    assert verdict(samples.sound()).startswith(said)


def test_what_did_not_run_gets_no_tick():
    assert verdict(samples.sound(runs=())).startswith("▲ Nothing wrong was found, but it was not run.")


def test_warnings_are_counted_and_a_comparison_is_named():
    assert verdict(samples.warned()).startswith("▲ 1 warning; it agrees with PyTorch at batch 1 and 2.")


def test_targets_are_judged_by_facts_and_the_report_says_so():
    text = to_text(samples.warned())
    assert "Checked for OpenCV 5.0 and ONNX Runtime 1.17 by recorded facts." in verdict(samples.warned())
    assert "targets   OpenCV 5.0 and ONNX Runtime 1.17" in text
    assert "not by a run there" in text


def test_an_error_makes_it_unfit():
    assert verdict(samples.unfit()).startswith("✗ Not fit to leave the house: live dropout.")
    operator = Finding("OM504", "target-operator", "error", "OpenCV has no `NonZero`.")
    assert "✗ Not fit for what it is meant for: target operator." in verdict(samples.warned(findings=(operator,)))


def test_a_run_that_failed_is_never_passed_over():
    check = samples.unfit(findings=())
    assert "▲ Nothing wrong was found, but in ONNX Runtime 1.31.1 (CPU) it does not run well" in verdict(check)
    assert "logits not finite" in to_text(check)


def test_a_difference_whose_finding_was_ignored_is_still_told():
    parity = Parity("ORT", (samples.case(1), samples.case(4, ok=False)))
    assert "but it differs from PyTorch at batch 4." in verdict(samples.sound(parity=parity))


def test_an_axis_that_was_not_tried_is_in_the_verdict():
    axes = (
        replace(samples.sound().axes[0], name="height", sizes=(), reason="declared dynamic in the file; not tried"),
    )
    assert "at batch 1, 2 and 3, height not tried." in verdict(samples.sound(axes=axes))


def test_an_axis_that_ran_alone_is_not_called_proved():
    text = to_text(samples.sound())
    assert "batch (axis 0 of image): ran at 1, 2 and 3; not compared with PyTorch" in text
    assert "[batch?, 3, 224, 224]" in text


def test_what_was_changed_and_what_was_not_tried_have_sections():
    text = to_text(samples.sound(changes=("2 live dropouts become Identity.",)))
    assert "✓ Nothing wrong is left; it ran" in text
    assert "changed   2 live dropouts become Identity." in text
    assert "not tried Not compared with PyTorch" in text


def test_a_damaged_file_has_a_report_without_a_graph():
    labels = [section.label for section in report(samples.damaged()).sections]
    assert labels == ["findings", "not tried"]
    assert verdict(samples.damaged()) == "✗ Not fit to leave the house: invalid graph. broken.onnx · 40 B"


def test_an_export_shows_what_was_fixed_and_chosen():
    text = to_text(samples.ready(fixed=("3 casts were taken out.",), chosen=("Opset 19, for OpenCV 5.0.",)))
    assert "changed   3 casts were taken out." in text
    assert "chosen    Opset 19, for OpenCV 5.0." in text


# ---------------------------------------------------------------- explanations, the way to a module, buttons


def test_each_rule_is_explained_once():
    page = fragment(report(samples.unfit()))
    assert page.count('data-rule="OM102"') == page.count('data-again="OM102"') == 1
    assert page.count("Why it hurts") == len({"OM102", "OM201", "OM313"})
    assert "As at the first OM102 above." in page


def test_an_explanation_is_the_rules_own_and_marks_its_code():
    about = items(samples.unfit())[0].about
    assert [title.text for title, _ in about.sections] == ["What it finds", "Why it hurts", "How to mend it"]
    assert [span.text for span in about.sections[2][1][0] if span.tone == "code"][:2] == ["F.dropout", "training=True"]


def test_a_rule_that_is_not_in_the_catalogue_is_not_explained():
    assert items(samples.sound(findings=(Finding("X1", "n", "info", "m"),)))[0].about is None


def test_a_finding_knows_its_modules_row_where_there_is_one():
    at = {path: f"m{i}" for i, path in enumerate(m.path for m in samples.resnet().walk())}
    assert [item.module for item in items(samples.unfit())] == [at["layer4.2"], "", at["conv1"], ""]
    assert items(samples.unfit(graph=samples.graph(None)))[0].module == ""


def test_a_finding_of_a_file_finds_its_module_by_its_node():
    known = samples.graph(samples.resnet())
    nodes = (replace(known.nodes[0], name="node_dropout_2", module="bn1"), *known.nodes[1:])
    assert items(samples.unfit(graph=replace(known, nodes=nodes)))[1].module == "m2"


def test_a_file_has_a_button_for_a_rewrite_and_one_for_code():
    code = samples.LIVE_DROPOUT.fix.text
    assert buttons(samples.LIVE_DROPOUT) == [
        ("apply", "Fix in a copy", "dropout-to-identity"),
        ("copy", "Copy code", code),
    ]
    title = items(samples.unfit())[0].actions[0].title
    assert title.endswith("Written to resnet.fixed.onnx, a new file; resnet.onnx stays as it is.")


def test_a_fix_that_changes_numbers_says_so_on_the_button():
    fix = Fix("code", "make it float32", rewrite="double-to-float")
    finding = Finding("OM305", "float64-in-graph", "warning", "m", fix=fix)
    assert buttons(finding) == [("apply", "Fix in a copy, changing numbers", "double-to-float")]


def test_without_a_file_the_option_is_copied():
    in_memory = samples.sound(path=None)
    assert buttons(samples.MISSING_SHAPES, in_memory) == [
        ("copy", "Copy --fix shape-inference", "--fix shape-inference")
    ]
    assert buttons(samples.STATIC, in_memory) == [("copy", "Copy --static", "--static")]


@pytest.mark.parametrize("finding", [samples.TRAIN_MODE, Finding("OM1", "n", "info", "m", Where())])
def test_where_nothing_is_to_do_there_is_no_button(finding):
    assert buttons(finding) == []


# ---------------------------------------------------------------- what becomes of a fix


def words(markup):
    import html
    import re

    return html.unescape(re.sub(r"<[^>]+>", "", markup))


def test_a_fix_says_what_it_changed_and_where_the_new_file_is(tmp_path):
    fixed = samples.sound(changes=("2 live dropouts become Identity.",), path=tmp_path / "resnet.fixed.onnx")
    said = words(outcome(lambda name: fixed, "dropout-to-identity"))
    assert "2 live dropouts become Identity." in said
    assert f"Written to {tmp_path / 'resnet.fixed.onnx'}; the old file is as it was." in said
    assert "The new file: Nothing wrong is left; it ran in ONNX Runtime" in said
    assert "Not compared with PyTorch" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageMistake("No rewrite <b>x</b>"), "Not fixed. No rewrite <b>x</b>."),
        (ZeroDivisionError("what"), "Not fixed. ZeroDivisionError: what."),
        (KeyboardInterrupt(), "Not fixed. It was interrupted."),
    ],
)
def test_a_fix_that_fails_says_so_in_place(error, said):
    def fails(name):
        raise error

    assert said in words(outcome(fails, "x"))


def test_a_fix_with_nothing_to_do_claims_nothing():
    left = samples.sound(untried=("Nothing was mended, and nothing was written: no fix applies.",))
    said = words(outcome(lambda name: left, "x"))
    assert "nothing was written" in said
    assert "Written to" not in said


def test_a_message_from_the_browser_can_only_name_a_finding(tmp_path):
    from onnxmagic.view.widget import ReportWidget

    check = samples.unfit()
    widget = ReportWidget.of(check, report(check), "abc")
    asked = []
    check.mending.apply = lambda name: asked.append(name) or samples.sound()
    for content in (
        {"apply": "f0"},
        {"apply": "f2"},
        {"apply": "m0"},
        {"apply": ["f0"]},
        {"apply": "../x"},
        {},
        {"apply": "f0"},
    ):
        widget.hear(widget, content, [])
    assert asked == ["dropout-to-identity", "dropout-to-identity"]
    assert {key: told["times"] for key, told in widget.outcomes.items()} == {"f0": 2}


def test_a_button_makes_one_new_file_and_a_second_fix_joins_it(tmp_path):
    import onnx.parser

    path = tmp_path / "net.onnx"
    model = onnx.parser.parse_model(DROPOUT)
    model.metadata_props.add(key="pkg.torch.onnx.stack_trace", value='File "/home/me/net.py", line 3, in forward')
    onnx.save(model, path)
    (tmp_path / "net.fixed.onnx").write_bytes(b"mine")
    check = samples.sound(path=path)
    before = path.read_bytes()
    first = check.fix("dropout-to-identity")
    assert first.path == tmp_path / "net.fixed-2.onnx"
    second = check.fix("strip-metadata")
    assert second.path == first.path
    assert {node.op_type for node in onnx.load(second.path).graph.node} == {"Identity"}
    assert not onnx.load(second.path).metadata_props
    assert (path.read_bytes(), (tmp_path / "net.fixed.onnx").read_bytes()) == (before, b"mine")


def test_without_a_file_there_is_nothing_to_fix():
    with pytest.raises(UsageMistake, match=r"-o model\.onnx --fix dropout-to-identity"):
        samples.sound(path=None).fix("dropout-to-identity")


DROPOUT = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[N, 4] x) => (float[N, 4] y)
<float ratio = {0.5}, bool training = {1}>
{ y = Dropout(x, ratio, training) }
"""


# ---------------------------------------------------------------- CheckFailed


def test_a_failed_check_is_a_few_lines():
    lines = CheckFailed("resnet.onnx does not pass --fail-on error: OM102.", samples.unfit())._render_traceback_()
    assert "resnet.onnx does not pass --fail-on error: OM102." in lines[0]
    assert sum("OM102" in line for line in lines[1:]) == 2
    assert "`.check`" not in lines[-1]
    assert ".check" in lines[-1]


def test_a_failed_check_does_not_repeat_the_report_above(terminal):
    check = samples.unfit()
    mark_shown(check)
    assert len(CheckFailed("No.", check)._render_traceback_()) == 1


def test_the_page_of_a_check_is_small():
    assert len(to_html(samples.damaged())) < 56_000

"""The report as text: what is said, and that it keeps to its width and to harmless characters."""

from __future__ import annotations

from dataclasses import replace

import data_samples
import pytest
import samples

from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.export.result import Axis, Case, Parity
from onnxmagic.view import to_text
from onnxmagic.view.report import report
from onnxmagic.view.text import render

PLAIN = [samples.ready, samples.not_proved, samples.not_fit, samples.empty, samples.huge]
DATA = [data_samples.observed, data_samples.wrong, data_samples.stopped]
STATES = [*PLAIN, *DATA, samples.hostile, data_samples.hostile_data]


def first_line(export):
    return to_text(export).splitlines()[0]


def section(export, label):
    """The lines of one section of the report, without its label."""
    found, inside = [], False
    for text in to_text(export).splitlines():
        inside = text.strip().startswith(label) or (inside and text.strip() != "")
        found += [text.strip().removeprefix(label).strip()] if inside else []
    return found


def test_ready_says_where_it_agrees():
    assert first_line(samples.ready()).startswith("✓ Ready. Agrees with PyTorch at batch 1, 2 and 4.")
    assert first_line(samples.ready()).endswith("resnet.onnx · 102.4 MB · opset 20")


def test_an_axis_that_was_not_tried_is_named_in_the_verdict():
    axes = (*samples.ready().axes, Axis("image", 2, "height", "declared"))
    assert "at batch 1, 2 and 4, height not tried." in first_line(samples.ready(axes=axes))


def test_every_tried_axis_is_in_the_verdict():
    cases = tuple(samples.case(1, sizes={"batch": b, "height": h}) for b, h in [(1, 224), (2, 224), (1, 256)])
    text = first_line(samples.ready(parity=Parity("ORT", cases)))
    assert "at batch 1 and 2, height 224 and 256." in text


def test_a_static_export_says_on_which_inputs_it_agrees():
    cases = (samples.case(1, "example", sizes={}), samples.case(1, sizes={}))
    assert "on your example and varied inputs." in first_line(samples.ready(parity=Parity("ORT", cases)))


def test_not_proved_is_never_called_ready():
    assert first_line(samples.not_proved()).startswith("▲ Exported, not proved: --no-prove.")
    assert "Not tried: --no-prove\n" in to_text(samples.not_proved())


def test_an_error_makes_it_unfit():
    assert first_line(samples.not_fit()).startswith("✗ Not fit to leave the house: outputs differ.")


def test_many_errors_are_counted():
    names = ["outputs-differ", "nan-or-inf", "live-dropout", "invalid-graph"]
    findings = tuple(Finding("OM1", name, "error", "m") for name in names)
    assert "outputs differ, nan or inf and 2 more errors." in first_line(samples.ready(findings=findings))


def test_a_difference_without_an_error_is_not_ready():
    parity = Parity("ORT", (samples.case(1, "example"), samples.case(4, ok=False)))
    text = first_line(samples.ready(findings=(), parity=parity))
    assert text.startswith("▲ Written, but it differs from PyTorch at batch 4.")


def test_a_finding_has_its_place_and_cure():
    text = to_text(samples.ready())
    assert "▲ OM101 train-mode " in text
    assert "cell 7, line 3 · keep it with --train" in text
    assert "cell 5, line 12 in __init__ · self.mean = torch.tensor(MEAN)" in text
    assert 'write instead  self.register_buffer("mean", mean.float())' in text


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(module="encoder.layer.0"), "module encoder.layer.0"),
        (Where(node="node_add_3"), "node node_add_3"),
        (Where(file="net.py", line=3, function="forward"), "net.py, line 3 in forward"),
        (
            Where(module="layer3.drop", node="n", cell=4, line=12, source="y"),
            "cell 4, line 12 · y · module layer3.drop",
        ),
    ],
)
def test_a_finding_without_a_cell_has_another_place(where, expected):
    assert expected in to_text(samples.ready(findings=(Finding("OM1", "n", "info", "message", where),)))


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        (Fix("auto", "keep it with", "--train"), "keep it with --train"),
        (Fix("option", "one size is meant", "--static"), "one size is meant: --static"),
        (Fix("option", "leave out `--keep-source`", "--keep-source"), "leave out --keep-source"),
        (Fix("option", "", "--static"), "--static"),
        (Fix("code", "x.flatten(1)"), "write instead  x.flatten(1)"),
        (Fix("code", r"f('\d')"), r"write instead  f('\d')"),
        (Fix("code", "(" * 999), "(" * 72),
        (Fix("code", "reduce over dim=-1 instead"), "reduce over dim=-1 instead"),
    ],
)
def test_a_fix_reads_as_a_phrase_or_as_code(fix, expected):
    text = to_text(samples.ready(findings=(Finding("OM1", "name", "warning", "message", fix=fix),)))
    assert text.splitlines()[3].strip()[:72] == expected


def test_the_same_cause_in_many_places_is_counted():
    finding = Finding("OM1", "name", "warning", "message", Where(cell=1, line=2), count=3)
    assert "cell 1, line 2 · 3 places" in to_text(samples.ready(findings=(finding,)))


def test_axes_show_what_is_known_of_them():
    axes = (Axis("image", 0, "batch", "proved", (1, 2)), Axis("image", 2, "h", "refused", (), "too small"))
    graph = samples.graph(None)
    value = replace(graph.inputs[0], shape=("batch", 3, 224, "w"))
    text = to_text(
        samples.ready(axes=(*axes, Axis("image", 3, "w", "declared")), graph=replace(graph, inputs=(value,)))
    )
    assert "[batch✓, 3, 224▲, w?]" in text
    assert "▲ h (axis 2 of image) stays fixed: too small" in text
    assert "· w (axis 3 of image) is dynamic in the file; other sizes were not tried" in text


def test_an_output_axis_shares_the_inputs_proof():
    assert "→ logits  float32  [batch✓, 1000]" in to_text(samples.ready())


def test_the_proof_has_a_row_a_case():
    rows = section(samples.ready(), "proof")
    assert rows[0] == "ONNX Runtime 1.31.1 (CPU) against your PyTorch model, judged by a float64 run"
    assert rows[2].split() == ["✓", "1", "your", "example", "4.8e-07", "1.2", "×", "100", "%"]
    assert rows[-1] == "The same input gave the same answer twice."


def test_a_tolerance_is_shown_where_there_was_no_float64_run():
    cases = (samples.case(1, reference="float32", ratio=None, agreement=None, tolerance=1e-4),)
    rows = section(samples.ready(parity=Parity("ORT", cases)), "proof")
    assert rows[0].endswith("judged by a tolerance")
    assert "own rounding" not in rows[1]
    assert rows[1].split()[-1] == "allowed"
    assert rows[2].endswith("1.0e-04")
    assert rows[-1] == "Whether it answers the same twice was not tried."


def test_the_rounding_of_the_example_may_judge_the_others():
    cases = (samples.case(1, "example"), samples.case(2, reference="float32"))
    rows = section(samples.ready(parity=Parity("ORT", cases)), "proof")
    assert rows[0].endswith("judged by a float64 run of your example")
    assert "allowed" not in rows[1]


def test_almost_all_is_not_100_percent():
    assert "99.97 %" in to_text(samples.not_fit())
    assert "100.0 %" not in to_text(samples.not_fit())


def test_a_failed_case_says_why():
    rows = section(samples.not_fit(), "proof")
    assert rows[-3].startswith("✗  4")
    assert rows[-2] == "logits differs at row 0"


def test_a_large_tree_is_cut_with_a_count():
    text = to_text(samples.huge())
    assert len(text.splitlines()) < 60
    assert "… 3,637 more modules; e.graph.modules has them all" in text


def test_a_small_tree_is_whole():
    tree = samples.module("", "Net", 0, samples.module("fc", "Linear", 10))
    text = to_text(samples.ready(graph=samples.graph(tree)))
    assert "more module" not in text
    assert section(samples.ready(graph=samples.graph(tree)), "modules")[2].split()[1:] == [
        "fc",
        "Linear",
        "10",
        "40",
        "B",
    ]


def test_nothing_at_all_is_still_a_report():
    text = to_text(samples.empty())
    assert first_line(samples.empty()).startswith("▲ Written, not proved: nothing was compared.")
    assert "Nothing to mend." in text
    assert "no inputs and no outputs" in text
    assert "time" not in text


@pytest.mark.parametrize("columns", [72, 100, 120])
@pytest.mark.parametrize("state", [*PLAIN, *DATA])
def test_no_line_is_wider_than_the_terminal(state, columns):
    lines = render(report(state()), columns).splitlines()
    assert max(len(line) for line in lines) <= columns


@pytest.mark.parametrize("state", STATES)
def test_colour_adds_nothing_but_colour(state):
    import re

    coloured = re.sub(r"\x1b\[\d+m", "", render(report(state()), 100, colour=True))
    plain = render(report(state()), 100)
    assert [line.rstrip() for line in coloured.splitlines()] == plain.splitlines()


def test_a_hostile_name_steers_no_terminal():
    text = to_text(samples.hostile())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\u202egnp.exe\x1b[2J" in text


def test_a_wide_script_keeps_columns_aligned():
    children = [samples.module("编码器", "Linear", 10), samples.module("fc", "Linear", 20)]
    rows = section(samples.ready(graph=samples.graph(samples.module("", "Net", 0, *children))), "modules")
    from onnxmagic.view.parts import line
    from onnxmagic.view.wrap import width

    assert len({width(line(row.rpartition("Linear")[0].strip().ljust(4))) > 0 for row in rows[2:4]}) == 1
    assert width(line(rows[2].partition("Linear")[0])) == width(line(rows[3].partition("Linear")[0]))


def test_a_case_may_lack_an_axis():
    cases = (samples.case(2), Case({}, "example", True, 0.0, 0.0, 1e-4, "float32"))
    rows = section(samples.ready(parity=Parity("ORT", cases)), "proof")
    assert rows[0].endswith("judged by a float64 run and by a tolerance")
    assert rows[-2].split() == ["✓", "–", "your", "example", "0", "–", "1.0e-04", "–"]

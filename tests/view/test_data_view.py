"""Recorded calls, what was taken, and the user's data: the words claim what was compared, and no more."""

from __future__ import annotations

from dataclasses import replace

import data_samples
import pytest
import samples
from test_html_view import Reader

from onnxmagic.export.result import Parity
from onnxmagic.export.sweep.result import Bin
from onnxmagic.view import to_html, to_text
from onnxmagic.view.report import report


def first_line(result):
    return " ".join(to_text(result).partition("\n\n")[0].split())


def section(result, label):
    """The lines of one section of the report, without its label."""
    blocks = to_text(result).split("\n\n")
    (found,) = (block for block in blocks if block.startswith(f"  {label}"))
    return [text.strip() for text in found.removeprefix(f"  {label}").splitlines()]


def told(**changes):
    """The section of a sweep as one line of words."""
    return " ".join(section(data_samples.observed(data_samples.swept(**changes)), "your data"))


# ---------------------------------------------------------------- recorded calls and what was taken


def test_recorded_calls_stand_in_the_table_by_shape():
    rows = section(data_samples.observed(), "proof")
    assert [row for row in rows if row.startswith("✓  32     recorded, 3 calls  ")]
    assert [row for row in rows if row.startswith("✓  17     recorded  ")]
    assert [row for row in rows if row.startswith("✓  64     your data, 156 batches  ")]
    assert [row for row in rows if row.startswith("✓  16     your data  ")]


def test_without_sizes_the_verdict_names_the_recorded_calls():
    parity = Parity("ORT", (samples.case(1, "recorded", sizes={}),))
    assert "Ready. Agrees with PyTorch on your recorded calls." in first_line(samples.ready(parity=parity))


def test_as_many_sizes_as_calls_make_no_page_of_rows():
    cases = tuple(samples.case(size, "recorded", max_abs=size * 1e-9) for size in range(1, 100))
    bad = samples.case(100, "recorded", ok=False)
    export = samples.ready(parity=Parity("ORT", (*cases, bad)))
    rows = section(export, "proof")
    assert len([row for row in rows if row.startswith(("✓", "✗"))]) == 24
    assert [row for row in rows if row.startswith("✗  100 ")]
    more = "… and 76 more rows: all of them agree, largest difference 7.6e-08; e.parity.cases has them all"
    assert more in " ".join(rows)
    agreed = samples.ready(parity=Parity("ORT", cases))
    assert "at batch 1 to 99 (99 sizes)." in first_line(agreed)


def test_differences_beyond_the_rows_are_counted():
    cases = tuple(samples.case(size, "recorded", ok=False) for size in range(1, 31))
    assert "✗ … and 6 more rows: 6 of them differ" in to_text(samples.ready(parity=Parity("ORT", cases)))


def test_what_was_taken_stands_before_what_goes_in_and_out():
    export = data_samples.observed()
    labels = [each.label for each in report(export).sections]
    assert labels[:5] == ["findings", "inputs", "signature", "proof", "your data"]
    assert section(export, "inputs") == [sentence.replace("`", "") for sentence in data_samples.TAKEN]
    assert "inputs" not in [each.label for each in report(samples.ready()).sections]


@pytest.mark.parametrize(("number", "folded"), [(7, 0), (9, 3)])
def test_a_page_folds_what_is_long_and_a_terminal_shows_all(number, folded):
    export = samples.ready(taken=tuple(f"Sentence {i}." for i in range(number)))
    assert section(export, "inputs") == list(export.taken)
    page = Reader(to_html(export))
    assert ("3 more" in page.text) == bool(folded)
    assert set(export.taken) <= set(page.text)


# ---------------------------------------------------------------- the user's data


def test_a_sweep_says_which_samples_agree_and_how_far_off_they_are():
    text = told()
    assert text.startswith("157 batches against your PyTorch model, run by 4 processes in 12.3 s ✓ The first 10,000")
    assert "The first 10,000 samples of your data: all agree; largest error 3.1e-07, median below 3.2e-08, " in text
    assert "99 % below 1e-07; top class the same for 100 %." in text
    assert "The last part of every batch was left out, as a label is." in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"asked": None}, "✓ 10,000 samples of your data, all there were: all agree"),
        ({"asked": 50_000}, "✓ 10,000 samples of your data, all there were (50,000 were asked for): all agree"),
        ({"samples": 1, "asked": 1}, "✓ The first sample of your data: it agrees"),
        ({"samples": 1, "asked": None}, "✓ 1 sample of your data, all there were: it agrees"),
        ({"wrong": 1}, "✗ The first 10,000 samples of your data: 1 differs from PyTorch (0.01 %)"),
        ({"wrong": 9_999}, "9,999 differ from PyTorch (99.99 %)"),
        ({"stopped": "interrupted", "samples": 32, "asked": None}, "▲ Interrupted after 32 samples of your data: all "),
        ({"max_abs": 0.0, "median": 0.0, "p99": 0.0}, "all agree; no difference at all; top class"),
        ({"median": 0.0}, "largest error 3.1e-07, median 0, 99 % below 1e-07"),
        ({"p99": 3.1e-07}, "largest error 3.1e-07, median below 3.2e-08; top class"),
        ({"p99": float("inf"), "max_abs": float("inf")}, "largest error inf, median below 3.2e-08; top class"),
        ({"agreement": 0.99996}, "top class the same for 99.996 %."),
        ({"agreement": 0.999999999}, "top class the same for almost all."),
        ({"left_out": "`label`"}, "Left out of every batch: label."),
        ({"workers": "LocalCluster"}, "run by LocalCluster in"),
    ],
)  # fmt: skip
def test_the_words_are_as_careful_as_the_count(changes, expected):
    assert expected in told(**changes)


def test_without_classes_nothing_is_said_of_the_top_class():
    assert "top class" not in told(agreement=None)


def test_an_interruption_is_said_first():
    text = " ".join(section(data_samples.stopped(), "your data"))
    assert "▲ Interrupted after 3,200 of 10,000 samples of your data: all of these agree; largest error 9.0e-09" in text


def test_what_failed_on_the_way_is_told_in_its_own_words():
    text = told(samples=3200, wrong=2, stopped="`collate` raised ValueError: x")
    assert (
        "▲ Stopped before its end: collate raised ValueError: x. ✗ 3,200 of 10,000 samples of your data: 2 of" in text
    )


def test_nothing_compared_is_no_agreement():
    sweep = data_samples.swept(samples=0, batches=0, stopped="interrupted", worst=None, errors=(), agreement=None)
    export = data_samples.observed(sweep)
    text = " ".join(section(export, "your data"))
    assert "▲ Nothing of it was compared: it was interrupted before the first sample." in text
    assert "agree" not in text
    assert first_line(export).startswith("▲ Written.")


def test_the_distribution_is_drawn_with_blocks_and_figures():
    rows = section(data_samples.observed(), "your data")
    drawn = {row.split("  ")[0]: (row.count("█"), row.split()[-1]) for row in rows if set(row) & set("▏▎▍▌▋▊▉█")}
    assert drawn == {
        "0": (0, "8"),
        "0 to 1e-08": (12, "3,120"),
        "1e-08 to 3.2e-08": (24, "6,000"),
        "3.2e-08 to 1e-07": (3, "871"),
        "1e-07 to 3.2e-07": (0, "1"),
    }


def test_what_is_beyond_the_tolerance_has_a_sign_and_empty_bins_are_one_row():
    rows = section(data_samples.wrong(), "your data")
    assert [row.split()[0] for row in rows if " to " in row and row.split()[-1] in {"2", "1"}] == ["✗", "✗"]
    assert [row.split() for row in rows if row.endswith(" 0")] == [["1e-07", "to", "1e-04", "0"]]


def test_the_bars_keep_their_lengths_with_and_without_a_style_sheet():
    elements = Reader(to_html(data_samples.wrong())).elements
    bars = [a["style"] for _, a in elements if a.get("class") == "om-fill" and "min-width: 2px" in a["style"]]
    assert [style.partition("; width: ")[2].partition(";")[0] for style in bars][:3] == ["0.1%", "52.0%", "100.0%"]
    assert sum("#e5484d" in style for style in bars) == 2


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1.0, float("inf"), "1e+00 and more"), (float("inf"), float("inf"), "not finite")],
)
def test_errors_without_an_end_have_a_row_too(low, high, expected):
    bins = (Bin(0.0, 1e-8, 3), Bin(low, high, 2))
    assert expected in told(errors=bins)


def test_the_worst_sample_is_named_and_held():
    assert "Worst: sample 4,711, in batch 73 (both counted from 0), error 3.1e-07; image 1 × 3 × 224 × 224;" in told()
    assert "e.parity.worst holds it." in told()
    assert "past_3 1 × 2 × 4 × 8 and 5 more inputs;" in " ".join(section(data_samples.wrong(), "your data"))
    assert "Worst" not in told(worst=None)


def test_a_check_names_its_own_variable():
    check = samples.warned(parity=data_samples.observed().parity)
    assert "c.parity.worst holds it." in to_text(check)


def test_hostile_words_stay_text():
    page = to_html(data_samples.hostile_data())
    assert "<img src=x" not in page
    assert "\x1b" not in to_text(data_samples.hostile_data())


# ---------------------------------------------------------------- the verdict


def test_the_verdict_counts_the_samples():
    assert "Ready. Agrees with PyTorch at batch 1, 16, 17, 32 and 64 and on 10,000 samples of your data." in first_line(
        data_samples.observed()
    )


def test_wrong_samples_are_no_agreement():
    assert first_line(data_samples.wrong()).startswith(
        "▲ Written, but it differs from PyTorch on 3 of 10,000 samples of your data."
    )
    parity = replace(data_samples.wrong().parity, cases=(samples.case(4, "data", ok=False),))
    text = first_line(replace(data_samples.wrong(), parity=parity))
    assert "differs from PyTorch at batch 4 and on 3 of 10,000 samples of your data." in text


@pytest.mark.parametrize(("why", "how"), [("interrupted", "interrupted"), ("the loader failed", "stopped")])
def test_what_did_not_end_is_not_ready(why, how):
    text = first_line(data_samples.observed(data_samples.swept(samples=3200, stopped=why)))
    assert text.startswith("▲ Written. Agrees with PyTorch at batch")
    assert f"and on 3,200 of 10,000 samples of your data ({how} there)." in text


def test_a_sweep_alone_is_a_comparison():
    export = samples.ready(parity=Parity("ORT", sweep=data_samples.swept()))
    assert "Ready. Agrees with PyTorch on 10,000 samples of your data." in first_line(export)


@pytest.mark.parametrize(
    ("result", "sign", "words"),
    [
        (
            data_samples.observed,
            "✓",
            "; it agrees with PyTorch at batch 1, 16, 17, 32 and 64 and on 10,000 samples of your",
        ),
        (data_samples.wrong, "▲", ", but it differs from PyTorch on 3 of 10,000 samples of your data."),
        (data_samples.stopped, "▲", "on 3,200 of 10,000 samples of your data (interrupted there)."),
    ],
)
def test_a_check_counts_them_too(result, sign, words):
    check = samples.sound(parity=result().parity, runs=(), untried=())
    assert first_line(check).startswith(f"{sign} Nothing wrong was found")
    assert words in first_line(check)

"""The report of a diff: in which order it tells, what it does not claim, and its text, page and Markdown."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import diff_samples
import pytest
from markdown_it import MarkdownIt

from onnxmagic.diff.result import (
    Change,
    CostDiff,
    FindingsDiff,
    NodeChange,
    NodesDiff,
    OutputsDiff,
    Region,
    WeightsDiff,
)
from onnxmagic.errors import DiffFound
from onnxmagic.view import to_markdown, to_text
from onnxmagic.view.html import fragment
from onnxmagic.view.markdown import part_text
from onnxmagic.view.parts import Bar, Bars, Folded, Section, Sentence, Signature, Span, line
from onnxmagic.view.report import report
from onnxmagic.view.span import clean

ORDER = ["notes", "signature", "structure", "graph", "weights", "numbers", "cost", "findings"]


def section(diff, label) -> Section:
    return next(each for each in report(diff).sections if each.label == label)


def told(diff, label) -> str:
    """Return a section of the text on one line."""
    blocks = re.split(r"\n\n(?=  \S)", to_text(diff))
    return " ".join(next(block for block in blocks if block.lstrip().startswith(label)).split())


# --------------------------------------------------------------------------------------------------------- what is told


def test_the_order_is_that_of_a_reader_who_stops_early():
    labels = [each.label for each in report(diff_samples.changed()).sections]
    assert [label for label in labels if label in ORDER] == [label for label in ORDER if label in labels]
    assert {"signature", "structure", "weights", "numbers", "cost", "findings"} <= set(labels)
    assert to_text(diff_samples.changed()).startswith(
        "✗ 12 × RMSNormalization fused, 1 other node removed and 2 changed;"
    )


@pytest.mark.parametrize(
    ("diff", "sign"),
    [
        (diff_samples.same(), "ok"),
        (diff_samples.changed(), "bad"),
        (diff_samples.same(weights=WeightsDiff(added=("w",), same=2)), "info"),
        (diff_samples.same(outputs=OutputsDiff(True, outputs=(diff_samples.value("y", 1.0, nan=(0, 3)),))), "warn"),
    ],
)
def test_the_sign(diff, sign):
    assert report(diff).header.sign == sign


def test_what_is_the_same_is_one_line():
    text = to_text(diff_samples.same())
    assert text.startswith("✓ Identical.")
    for line_ in ("the same: 1 input, 1 output", "the same: 3 nodes", "2 the same", "the same: 10 parameters, 40 B"):
        assert line_ in text
    assert "findings" not in text


def test_a_breaking_change_comes_first_and_says_why():
    said = told(diff_samples.changed(), "signature")
    assert said.index("axis 0 of input x batch 1 breaking: other batch sizes are refused.") < said.index("opset 18 20")
    assert "compatible: a runtime must read opset 20." in said
    assert "2 changes, 1 breaking for who calls the model" in said


def test_a_rewrite_is_one_row_and_its_nodes_are_not_told_again():
    said = told(diff_samples.changed(), "structure")
    assert "+2 −7 ~2 →1 · the same: 850 nodes" in said
    [row] = section(diff_samples.changed(), "structure").parts[1].rows
    cells = ["".join(span.text for span in cell) for cell in row.cells]
    operators = "Pow, ReduceMean, Add, Sqrt, 2 more"
    assert cells == ["12 ×", operators, "RMSNormalization", "RMSNormalization", "encoder.layer.0 and 1 more"]
    assert "12 × Pow, " in said
    assert "node_Sqrt_23" not in said
    # One removed node without a name for what happened is told as what it is.
    assert "− Identity node_Identity_8" in said
    assert "not a known one" not in said


def test_nodes_that_nothing_explains_come_before_the_rewrites():
    said = told(diff_samples.changed(), "structure")
    assert said.index("Softmax") < said.index("12 ×")
    assert "~ Softmax node_Softmax_4 encoder.layer.0.attention attribute axis: 1 → -1; input 1: mask new" in said
    assert "~ Relu → Gelu node_Relu_6 head" in said
    assert "→ Add node_Add_2 stem now in body" in said


def test_a_rewrite_that_repeats_hides_all_its_nodes():
    nodes = tuple(diff_samples.at(i, "Erf") for i in range(30))
    region = Region("", nodes[:1], (), 30, ("a",), (tuple(range(30)), ()))
    said = told(diff_samples.changed(nodes=NodesDiff(removed=nodes), regions=(region,)), "structure")
    assert "30 × Erf – not a known one a" in said
    assert "node_Erf_7" not in said


def test_many_nodes_are_cut_and_counted():
    nodes = tuple(diff_samples.at(i, "Relu", f"m{i}") for i in range(40))
    said = told(diff_samples.changed(nodes=NodesDiff(removed=nodes), regions=()), "structure")
    assert "… and 16 more nodes; d.nodes has them all" in said
    assert "… and 28 more modules" in said


def test_a_node_with_other_weights_is_built_alike():
    node = diff_samples.at(1, "Add")
    weighted = NodeChange(node, node, "same place", (Change("weight", "weight b", "", ""),))
    said = told(diff_samples.same(nodes=NodesDiff(changed=(weighted,), same=2)), "structure")
    assert said == "structure the same: 3 nodes, 1 of them with other weights"


def test_the_largest_change_of_a_weight_is_first_and_what_was_not_compared_has_no_figures():
    said = told(diff_samples.changed(), "weights")
    assert "3 changed, 60 the same, 1 of them under another name, 2 added, 1 removed, 1 not compared" in said
    assert said.index("fc.weight") < said.index("fc.bias") < said.index("bn.weight")
    assert "fc.weight 4 × 2 float32 → int8, transposed, dequantised 3.1e-03 1.0e-03 0.9800 NaN: 0 → 2." in said
    assert "bn.weight 2 folded – – – not compared: folded into a Conv." in said
    assert "1 − 1e-07" in said
    assert "▲ big: values not compared, its file is missing." in said


def test_numbers_name_the_first_that_differs_and_what_was_left_out():
    said = told(diff_samples.changed(), "numbers")
    assert said.startswith("numbers on your data · 200 samples · 1.3 s")
    assert "~ y 3.1e-01 6.2e-01 0 → 3" in said
    assert "✓ z 0 0 –" in said
    assert "~ t – – – shapes 1 × 3 and 1 × 4: not comparable" in said
    place = "attn of node_MatMul_11 (MatMul) in encoder.layer.0.attention, cell 4, line 12 · y = self.attention(x)"
    assert f"▲ The first that differs: {place}: 3.0e-03, relative 6.0e-03." in said
    assert "▲ 12 values were left out" in said


@pytest.mark.parametrize(("reason", "sign"), [("run=False (--no-run)", "·"), ("the inputs differ", "▲")])
def test_what_did_not_run_has_no_figures(reason, sign):
    said = told(diff_samples.same(outputs=OutputsDiff(reason=reason)), "numbers")
    assert said == f"numbers {sign} Not compared: {reason}."


def test_cost_is_told_where_it_changed():
    said = told(diff_samples.changed(), "cost")
    assert "bytes of weights 102.4 MB 25.7 MB −74.9 %" in said
    assert "FLOPs 8.2 G 4.1 G −50.0 %" in said
    assert "one run 12 ms 4.10 ms −66.7 %" in said
    assert "(CPU): 12 ms to 13 ms against 4.00 ms to 5.00 ms" in said
    assert "encoder 99.0 MB → 24.8 MB 8.0 G → 4.0 G 900 → 800" in said


def test_flops_that_are_not_known_have_no_figure():
    cost = CostDiff((1, 2), (10, None), (4, 8), (1, 1), reason="the second does not run")
    said = told(diff_samples.same(cost=cost), "cost")
    assert "FLOPs 10 – not known" in said
    assert "FLOPs" not in told(diff_samples.same(cost=CostDiff((1, 2))), "cost")
    assert "▲ Not timed: the second does not run." in said


def test_findings_are_told_as_new_and_gone():
    text = to_text(diff_samples.changed())
    assert "▲ OM206 unused-input       new: mask is used by nothing." in text
    assert "✓ OM601 duplicate-weights  gone: a and b hold the same values." in text
    keys = [part.key for part in section(diff_samples.changed(), "findings").parts]
    assert keys == ["f0", "f1"]
    later = diff_samples.same(findings=FindingsDiff(reason="interrupted"))
    assert told(later, "findings") == "findings Not compared: interrupted."


def test_places_are_links_into_the_drawing():
    gone = {
        span.text: span.go
        for each in report(diff_samples.changed()).sections
        for part in each.parts
        for row in getattr(part, "rows", ())
        for cell in row.cells
        for span in cell
        if span.go
    }
    assert gone["node_Softmax_4"] == "a4"
    assert gone["node_Clip_9"] == "b9"
    assert gone["fc.weight"] == "w:val_3"
    assert gone["encoder.layer.0.attention"] == "m:encoder.layer.0.attention"


# ------------------------------------------------------------------------------------------------- text, page, Markdown


@pytest.mark.parametrize("columns", [72, 100])
@pytest.mark.parametrize("state", [diff_samples.same, diff_samples.changed, diff_samples.hostile])
def test_text_keeps_to_its_width_and_holds_no_control_characters(state, columns):
    from onnxmagic.view.text import render

    text = render(report(state()), columns)
    assert max(map(len, text.split("\n"))) <= columns
    assert all(char.isprintable() for row in text.split("\n") for char in row)


class Elements(HTMLParser):
    """Names of the elements of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.names, self.attributes, self.text = set(), set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def test_names_reach_the_page_as_text():
    page = Elements(fragment(report(diff_samples.hostile())))
    assert "script" not in page.names
    assert not {name for name in page.attributes if name.startswith("on")}
    assert clean(diff_samples.HOSTILE) in page.text
    sentence = diff_samples.changed().summary.replace("`", "")
    assert sentence in Elements(fragment(report(diff_samples.changed()))).text


def rendered(markdown: str) -> Elements:
    """Return Markdown as GitHub would read it, before it links and drops anything."""
    return Elements(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize("state", [diff_samples.same, diff_samples.changed, diff_samples.hostile])
def test_markdown_holds_our_markup_alone(state):
    markdown = to_markdown(state())
    page = rendered(markdown)
    allowed = {"h3", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert page.names <= allowed
    assert page.attributes <= {"style"}
    assert markdown.endswith("\n")
    # A table's rows have as many cells as its head.
    for block in markdown.split("\n\n"):
        if block.startswith("|"):
            assert len({row.count(" | ") for row in block.split("\n")}) == 1


def test_names_in_markdown_are_what_they_are_and_link_to_nobody():
    markdown = to_markdown(diff_samples.hostile())
    shown = rendered(markdown).text
    plain = clean(diff_samples.HOSTILE)
    assert plain in shown
    assert plain in shown.replace("\u200b", "")
    outside = "".join(piece for index, piece in enumerate(markdown.split("`")) if index % 2 == 0)
    for linked in ("@someone", "http://", "#1 "):
        assert linked not in outside.replace("&#", "")


def test_markdown_tells_what_the_text_tells():
    markdown = diff_samples.changed().to_markdown()
    assert markdown.startswith("### ✗ 12 × RMSNormalization")
    assert "| ✗ | axis 0 of input `x` | `batch` | `1` | breaking: other batch sizes are refused. |" in markdown
    assert "- Only in the second: `scale`, `zero_point`." in markdown
    assert "- ▲ `OM206` unused-input: **new:** `mask` is used by nothing." in markdown


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Sentence(line("1. no list")), "- \u200b1. no list"),
        (Sentence(line("# no heading"), "warn"), "- ▲ # no heading"),
        (Sentence(line(Span(" a ", "strong"), "b")), "- **a** b"),
        (Sentence(line("$x$ <b> a_b www.x.y")), "- \\$x\\$ &lt;b&gt; a\\_b www\u200b.x.y"),
        (Sentence(line(Span("a`|", "code"))), "- <code>a&#96;&#124;</code>"),
        (
            Folded(Span("2 <more>"), (line("a"), line("b"))),
            "<details><summary>2 &lt;more&gt;</summary>\n\n- a\n- b\n\n</details>",
        ),
        (Bars((Span("a"), Span("b")), (Bar(Span("x"), 1.0, Span("3")),)), "| a | b |\n| --- | ---: |\n| x | 3 |"),
        (Signature((), ()), ""),
    ],
)
def test_parts_in_markdown(part, text):
    assert part_text(part) == text


def test_every_report_has_a_markdown():
    import samples

    assert "Ready" in to_markdown(samples.ready())
    assert to_markdown(samples.warned()).count("\n\n") > 3


# -------------------------------------------------------------------------------------------------------- a closed gate


def test_a_closed_gate_is_told_without_a_stack(terminal, capsys):
    found = diff_samples.changed()
    error = DiffFound("after.onnx does not pass --fail-on any: `x` became 1.", found)
    lines = error._render_traceback_()
    assert lines[0] == "✗ after.onnx does not pass --fail-on any: x became 1."
    assert any(found.summary[:40] in each for each in lines)
    assert error.diff is found

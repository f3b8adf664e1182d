"""The line as words, and variables in option values."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxmagic.errors import UsageMistake
from onnxmagic.line import expand, split_line, unquote


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ()),
        ("   ", ()),
        ("model(x, -1)", ("model(x, -1)",)),
        ("model( x,\t-1 )  -o net.onnx", ("model( x,\t-1 )", "-o", "net.onnx")),
        ('model(x, y="a b") --opset 21', ('model(x, y="a b")', "--opset", "21")),
        ("models['a b'](x[0, :])", ("models['a b'](x[0, :])",)),
        ("--dynamic {'x': {2: 'h'}} f(x)", ("--dynamic", "{'x': {2: 'h'}}", "f(x)")),
        ('-o "my net.onnx"', ("-o", '"my net.onnx"')),
        ("f(')', '''a ' b''', \"\\\"\") -q", ("f(')', '''a ' b''', \"\\\"\")", "-q")),
        ("model(x)  # as in the paper (", ("model(x)",)),
        ("model(x['#']) -o a#b.onnx", ("model(x['#'])", "-o", "a#b.onnx")),
        ("-o C:\\new\\net.onnx", ("-o", "C:\\new\\net.onnx")),
    ],
)
def test_split(line, words):
    assert split_line(line).words == words
    assert not split_line(line).silenced


@pytest.mark.parametrize("line", ["model(x);", "model(x) ;", "model(x);;  # done", "model(x); "])
def test_a_final_semicolon_silences(line):
    assert split_line(line).words == ("model(x)",)
    assert split_line(line).silenced


def test_a_semicolon_in_quotes_is_text():
    assert not split_line('model(x, ";")').silenced
    assert not split_line("-o 'a;'").silenced


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("model(x", "a `)` is missing"),
        ("model(x, [1) -o a", "closes another kind"),
        ("model)x", "closes nothing"),
        ("-o it's.onnx", "never closed"),
    ],
)
def test_unbalanced(line, complaint):
    with pytest.raises(UsageMistake, match=re.escape(complaint)):
        split_line(line)


PLAIN = st.text("abcXYZ019.,:=-+*/_$@é", min_size=1)
QUOTED = st.text("ab ()[]{}#;,\t", min_size=1, max_size=8).flatmap(
    lambda s: st.sampled_from([f"'{s}'", f'"{s}"', f"'''{s}'''", f"r'{s}'"])
)
BRACKETED = st.recursive(
    PLAIN | QUOTED | st.just(" "),
    lambda inner: st.lists(inner, max_size=4).flatmap(
        lambda parts: st.sampled_from(["({})", "[{}]", "{{{}}}"]).map(lambda form: form.format(" ".join(parts)))
    ),
    max_leaves=12,
).filter(lambda s: not s.isspace())
WORDS = st.lists(st.lists(BRACKETED, min_size=1, max_size=3).map("".join), max_size=6)


@given(WORDS, st.sampled_from([" ", "  ", "\t", " \t "]))
def test_joined_words_are_split_again(words, blank):
    assert split_line(blank.join(words)).words == tuple(words)


@given(st.text("ab ()[]{}'\"\\#;$-\t\n", max_size=30))
def test_any_text_gives_words_or_a_plain_refusal(text):
    try:
        words = split_line(text).words
    except UsageMistake:
        return
    assert all(word and word in text and word == word.strip() for word in words)


@given(st.text("abc \\()", max_size=10).filter(lambda s: not s.endswith("\\")))
def test_quotes_come_off_and_backslashes_stay(text):
    assert unquote(f'"{text}"') == text
    assert unquote(f"x{text}") == f"x{text}"


@pytest.mark.parametrize("value", ["'a' + 'b'", "'", "''' a'", ""])
def test_what_is_no_single_quotation_keeps_its_quotes(value):
    assert unquote(value) == value


class Run:
    name = "second"

    def __str__(self):
        return "first"


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("net.onnx", "net.onnx"),
        ("$run", "first"),
        ("$run.onnx", "first.onnx"),
        ("$run.name", "second"),
        ("$run.name.onnx", "second.onnx"),
        ("{run.name}-{n * 2}.onnx", "second-8.onnx"),
        ("$$run-{{n}}", "$run-{n}"),
        ("$braces", "{n}"),
        ("$ONNXMAGIC_TEST/a", "/tmp/a"),
    ],
)
def test_expand(value, expanded, monkeypatch):
    monkeypatch.setenv("ONNXMAGIC_TEST", "/tmp")
    assert expand("-o", value, {"run": Run(), "n": 4, "braces": "{n}"}) == expanded


@pytest.mark.parametrize("value", ["$nothing", "{nothing}", "{1 / 0}", "{"])
def test_what_cannot_be_expanded_is_said(value):
    with pytest.raises(UsageMistake, match="--output "):
        expand("--output", value, {})

"""The modules joined into one script: in order, without a clash, and small."""

from __future__ import annotations

import pytest

from onnxmagic.view.graph import bundle

MOST_BYTES = 61_440
"""Of what each report carries."""

MOST_WRITTEN = 112_000
"""Of the modules of one model's view as they are written, comments included; docs/performance.md has the aim."""


def test_the_shipped_modules_are_one_script_and_one_module():
    script, module = bundle.view_script(), bundle.widget_module()
    for text in (script, module):
        lines = text.splitlines()
        assert not [line for line in lines if line.startswith("import")]
        assert sum(line.startswith("export") for line in lines) == (text is module)
    assert module.rstrip().splitlines()[-1] == "export default { render, adopt };"
    assert script.startswith("(() => {")
    assert script.endswith("})()")


def test_every_shipped_module_is_needed():
    text, _ = bundle.joined(bundle.modules(), bundle.DIFF)
    for name, module in bundle.modules().items():
        first = next(line for line in module.splitlines() if line.startswith("//"))
        assert first in text, name


def test_a_report_of_one_model_does_not_carry_the_views_of_two():
    assert "mountDiff" not in bundle.view_script()
    assert "mountDiff" in bundle.view_script(bundle.DIFF)
    assert "om-curtain" not in bundle.style_sheet()
    assert bundle.widget_module(bundle.DIFF).rstrip().endswith("export default { render, adopt };")


def test_no_shipped_script_or_style_sheet_can_end_its_element_early():
    of_two = (bundle.view_script(bundle.DIFF), bundle.page_script("abc", bundle.DIFF), bundle.style_sheet(bundle.DIFF))
    for text in (bundle.view_script(), bundle.page_script("abc"), bundle.style_sheet(), *of_two):
        assert "</script" not in text.lower()
        assert "</style" not in text.lower()
        assert "<!--" not in text


def test_what_a_page_carries_is_small():
    assert len(bundle.page_script("0123456789abcdef").encode()) < MOST_BYTES


def test_what_is_written_does_not_grow():
    written = {name: len(text.encode()) for name, text in bundle.modules().items() if not name.startswith("diff")}
    assert sum(written.values()) < MOST_WRITTEN, written


def test_what_is_needed_stands_before_what_needs_it():
    texts = {
        "export.js": 'import { b } from "./b.js";\nimport { c } from "./c.js";\nexport default { b, c };\n',
        "b.js": 'import { c } from "./c.js";\nexport const b = c + 1;\n',
        "c.js": "export const c = 1;\n",
        "unused.js": "export const b = 2;\n",
    }
    assert bundle.joined(texts) == ("const c = 1;\nconst b = c + 1;\n", "{ b, c }")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("const b = 1;", "`b` is a top-level name of b.js and of export.js"),
        ("async function b() {}", "`b` is a top-level name of b.js and of export.js"),
        ("const { a, b } = window;", "`b` is a top-level name of b.js and of export.js"),
        ("const [a, b] = [1, 2];", "`b` is a top-level name of b.js and of export.js"),
        ("const { a: { b } } = window;", "export.js, line 2: the names in"),
        ("export { c };", "export.js, line 2: write `export` before a declaration"),
        ('import * as all from "./b.js";', "export.js, line 2: write `import { a, b } from"),
        ('import { b as c } from "./b.js";', "export.js, line 2: write `import { a, b } from"),
        ('import { c } from "./b.js";', "export.js imports c, which b.js does not export"),
        ('import { c } from "./gone.js";', "export.js needs gone.js, which is not there"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(text, problem):
    export = f'import {{ b }} from "./b.js";\n{text}\nexport default {{}};\n'
    texts = {"export.js": export, "b.js": "export let b = 0;\n"}
    with pytest.raises(bundle.NotJoined) as raised:
        bundle.joined(texts)
    assert problem in str(raised.value)


def test_a_circle_and_a_missing_default_are_refused():
    circle = {
        "export.js": 'import { b } from "./b.js";\nexport const a = 1;\nexport default {};\n',
        "b.js": 'import { a } from "./export.js";\nexport const b = 1;\n',
    }
    with pytest.raises(bundle.NotJoined, match=r"in a circle: export\.js → b\.js → export\.js"):
        bundle.joined(circle)
    with pytest.raises(bundle.NotJoined, match="no line `export default"):
        bundle.joined({"export.js": "const a = 1;"})

"""The modules in ``static/`` joined into one script.

A page that works offline can fetch no second file, and anywidget imports its module from a Blob, which has no
neighbours. So the modules are plain ES modules where they are written and tested, and are joined here, in the order in
which they need one another: their import lines go, and so does the word ``export``. What is joined shares one scope;
two modules must therefore not use one top-level name, and that is refused here rather than met in somebody's browser.

A notebook holds a copy in every output, so lines that are comments are left out, and a page's copy is deflated: a
quarter of the bytes. It becomes a script element beside the one that unpacks it, allowed wherever that one was.

This is no parser of JavaScript. The modules keep to a few plain forms, and whatever is another is refused by name.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "DIFF",
    "ENTRY",
    "NotJoined",
    "joined",
    "modules",
    "page_script",
    "style_sheet",
    "view_script",
    "widget_module",
]

ENTRY = "export.js"
"""The module that knows pages and widgets; its ``export default`` is what the joined script gives."""

DIFF = "diff.js"
"""The same with the views of two models; a report of one model does not carry them."""

_STATIC = Path(__file__).parents[1] / "static"
_STYLES = ("export.css", "graph.css", "panel.css")
_MORE = {ENTRY: (), DIFF: ("diff.css",)}

_IMPORT = re.compile(r'import \{ ?(?P<names>[\w$]+(?:, ?[\w$]+)*),? ?\} from "\./(?P<module>[\w.-]+)";?')
_DECLARED = re.compile(
    r"(?P<export>export )?(?:(?:async )?function\*? ?(?P<function>[\w$]+)|class (?P<cls>[\w$]+)"
    r"|(?:const|let|var) (?:[\[{] ?(?P<several>[\w$, ]+?),? ?[\]}] =|(?P<one>[\w$]+)))"
)
_DEFAULT = "export default "
_BLOCK = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*$", re.MULTILINE | re.DOTALL)

_UNPACK = """(async () => {
const bytes = Uint8Array.from(atob(%s), (letter) => letter.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
const { script, css } = JSON.parse(await new Response(stream).text());
const element = document.createElement("script");
element.textContent = `${script}.adopt(${JSON.stringify({ ident: %s, css })});`;
document.head.append(element);
element.remove();
})();"""


class NotJoined(ValueError):
    """The modules cannot be one script; the message says which line stands in the way."""


@dataclass(frozen=True, slots=True)
class _Module:
    """One module: its text without imports and exports, what it needs, and what it names at its top level."""

    name: str
    text: str
    needs: Mapping[str, tuple[str, ...]]
    names: frozenset[str]
    exported: frozenset[str]
    default: str


def page_script(ident: str, entry: str = ENTRY) -> str:
    """Return the script of a page: it unpacks the view, which takes over every copy of the report called `ident`."""
    return _UNPACK % (json.dumps(_packed(entry)), json.dumps(ident))


@cache
def _packed(entry: str) -> str:
    parts = json.dumps({"script": view_script(entry), "css": style_sheet(entry)}).encode()
    return base64.b64encode(zlib.compress(parts, 9)).decode("ascii")


@cache
def view_script(entry: str = ENTRY) -> str:
    """Return the view as an expression, all its names inside a function."""
    text, default = joined(modules(), entry)
    return f"(() => {{\n{_without_comments(text)}\nreturn {default};\n}})()"


@cache
def widget_module(entry: str = ENTRY) -> str:
    """Return the module that anywidget imports."""
    text, default = joined(modules(), entry)
    return f"{_without_comments(text)}\n{_DEFAULT}{default};\n"


@cache
def style_sheet(entry: str = ENTRY) -> str:
    """Return the style sheets as one."""
    names = (*_STYLES, *_MORE.get(entry, ()))
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names if (_STATIC / name).exists())


def modules() -> dict[str, str]:
    """Return the text of every module in ``static/``, by its file's name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(_STATIC.glob("*.js"))}


def _without_comments(text: str) -> str:
    """Return `text` without lines that are comments, and without blanks before the others."""
    lines = (line.strip() for line in _BLOCK.sub("", text).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def joined(texts: Mapping[str, str], entry: str = ENTRY) -> tuple[str, str]:
    """Return the modules that `entry` needs, it last, as one text, and what `entry` exports by default.

    Parameters
    ----------
    texts : mapping of file name to JavaScript
    entry : str

    Raises
    ------
    NotJoined
        A module is missing, needs itself, is written in a form that is not known here, or shares a top-level name.
    """
    parts = _in_order({name: _read(name, text) for name, text in texts.items()}, entry)
    owners: dict[str, str] = {}
    for part in parts:
        for name in sorted(part.names):
            if name in owners:
                raise NotJoined(f"`{name}` is a top-level name of {owners[name]} and of {part.name}; rename one")
            owners[name] = part.name
    if not parts[-1].default:
        raise NotJoined(f"{entry} has no line `{_DEFAULT}…;`")
    return "\n".join(part.text for part in parts), parts[-1].default


def _read(name: str, text: str) -> _Module:
    needs: dict[str, tuple[str, ...]] = {}
    declared: set[str] = set()
    exported: set[str] = set()
    kept: list[str] = []
    default = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("import"):
            module, names = _import(name, number, line)
            needs[module] = (*needs.get(module, ()), *names)
        elif line.startswith(_DEFAULT):
            default = _default(name, number, line)
        elif found := _DECLARED.match(line):
            names = _names(found["several"] or found["function"] or found["cls"] or found["one"])
            declared |= set(names)
            exported |= set(names) if found["export"] else set()
            kept.append(line.removeprefix("export "))
        elif line.startswith(("const ", "let ", "var ")):
            raise NotJoined(f"{name}, line {number}: the names in `{line}` cannot be told; declare them one by one")
        elif line.startswith("export"):
            raise NotJoined(f"{name}, line {number}: write `export` before a declaration, not `{line}`")
        else:
            kept.append(line)
    return _Module(name, "\n".join(kept), needs, frozenset(declared), frozenset(exported), default)


def _import(name: str, number: int, line: str) -> tuple[str, list[str]]:
    found = _IMPORT.fullmatch(line.rstrip())
    if found is None:
        raise NotJoined(f'{name}, line {number}: write `import {{ a, b }} from "./other.js";`, not `{line}`')
    return found["module"], _names(found["names"])


def _default(name: str, number: int, line: str) -> str:
    if not line.endswith(";"):
        raise NotJoined(f"{name}, line {number}: write `{_DEFAULT}…;` on one line")
    return line.removeprefix(_DEFAULT).rstrip(";")


def _names(written: str) -> list[str]:
    return [name.strip() for name in written.split(",")]


def _in_order(parts: Mapping[str, _Module], entry: str) -> list[_Module]:
    """Return the modules that `entry` needs, each behind all those that it needs itself."""
    ordered: dict[str, _Module] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in above:
            raise NotJoined(f"modules need one another in a circle: {' → '.join((*above, name))}")
        if name not in parts:
            raise NotJoined(f"{above[-1] if above else 'the entry'} needs {name}, which is not there")
        for other, names in parts[name].needs.items():
            visit(other, (*above, name))
            if missing := set(names) - parts[other].exported:
                raise NotJoined(f"{name} imports {', '.join(sorted(missing))}, which {other} does not export")
        ordered[name] = parts[name]

    visit(entry, ())
    return list(ordered.values())

"""A page with the layout, the scene and, for comparison, dagre: what is evaluated there can name them all.

dagre comes with Netron's wheel, which only tests and benchmarks install; nothing of it is shipped.
"""

from __future__ import annotations

from pathlib import Path

import netron

from onnxmagic.view.graph.bundle import joined, modules

ENTRY = """
import { layout } from "./layout.js";
import { openData, unpack } from "./graph-data.js";
import { boxOf, buildScene, firstOpen, scopesAbove } from "./scene.js";

export default { layout, openData, unpack, boxOf, buildScene, firstOpen, scopesAbove };
"""


def script() -> str:
    """Return a script after which the modules' functions, ``dagre`` and the metrics are names of the page."""
    text, default = joined({**modules(), "entry.js": ENTRY}, "entry.js")
    theirs, export, _ = (
        (Path(netron.__file__).parent / "dagre.js").read_text(encoding="utf-8").partition("export const")
    )
    assert export, "Netron's dagre.js ends otherwise than it did"
    metrics = Path(__file__).with_name("layout_metrics.js").read_text(encoding="utf-8")
    names = default.strip("{} ")
    return f"const {{ {names} }} = (() => {{\n{text}\nreturn {default};\n}})();\n{theirs}\n{metrics}"

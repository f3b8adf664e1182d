"""Graphs as a page gets them, made by hand: small enough to know by heart, or as large as asked for."""

from __future__ import annotations

import json
import re
from functools import cache

from onnxmagic.graph.cost import Cost
from onnxmagic.graph.drawn import Drawn
from onnxmagic.graph.facts import Graph, Initializer, Node, Value
from onnxmagic.graph.outline import Edge, Outline, Scope
from onnxmagic.view.graph.bundle import joined, modules, style_sheet
from onnxmagic.view.graph.payload import columns

BETWEEN = re.compile(r", (?=\w+=)")
HEAD = "<!doctype html><meta charset='utf-8'><title>graph</title>"
ENTRY = """
import { openData } from "./graph-data.js";
import { mountGraph } from "./graph.js";
import { showPanel } from "./panel.js";

export default { mountGraph, openData, showPanel };
"""
MOUNT = """
window.told = [];
window.mount = (columns, place, hooks = {}) => {
  const root = place.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = sheet;
  const report = document.createElement("div");
  report.className = "om-report";
  report.style.colorScheme = "light dark";
  const section = document.createElement("div");
  section.className = "om-section";
  const host = section.appendChild(document.createElement("div"));
  report.append(section);
  root.append(style, report);
  const data = parts.openData(columns);
  const all = {
    live: false, ask: () => Promise.reject(Error("no kernel")), jump: () => {}, onSelect: (what) => told.push(what),
    openPanel: (element, what) => parts.showPanel(element, data, what, all), ...hooks,
  };
  return parts.mountGraph(host, data, all);
};
"""


@cache
def script() -> str:
    """The modules and a function ``mount(columns, place)``."""
    text, default = joined({**modules(), "entry.js": ENTRY}, "entry.js")
    sheet = json.dumps(style_sheet()).replace("</", "<\\/")
    return f"(() => {{\n{text}\nconst parts = {default};\nconst sheet = {sheet};\n{MOUNT}\n}})();"


def page(*graphs: Made, body: str = "") -> str:
    """An HTML page that shows the graphs; ``graphs[0]`` in the page is the first view."""
    parts = "".join("<div class='place' style='margin: 12px 0'></div>" for _ in graphs)
    data = json.dumps([graph.columns() for graph in graphs]).replace("</", "<\\/")
    mount = "[...document.querySelectorAll('.place')].map((place, k) => mount(all[k], place))"
    start = f"<script>const all = {data}; window.graphs = {mount};</script>"
    return f"{HEAD}<body>{body}{parts}<script>{script()}</script>{start}"


class Made:
    """A model written down: scopes, and nodes that give a value each."""

    def __init__(self, name: str, source: str = "modules") -> None:
        self.name = name
        self.source = source
        self.scopes: list[tuple[int, str, str, str, int]] = [(-1, name, name.title(), "module", -1)]
        self.nodes: list[tuple[str, str, str, int, str, str]] = []
        self.values: list[tuple[str, str]] = []
        self.edges: list[tuple[int, int, int]] = []
        self.makers: list[int] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.weights: list[tuple[int, str, int]] = []
        self.costs: list[tuple[int, int, int]] = []
        self.findings: list[dict[str, object]] = []

    def input(self, name: str, type_: str) -> int:
        self.inputs.append(self._value(name, type_, -1))
        return self.inputs[-1]

    def output(self, value: int) -> None:
        self.outputs.append(value)
        self.edges.append((self.makers[value], -1, value))

    def scope(self, name: str, cls: str, parent: int = 0) -> int:
        self.scopes.append((parent, name, cls, "module", -1))
        return len(self.scopes) - 1

    def node(self, op: str, scope: int, inputs: list[int], type_: str, params: int = 0, attrs: str = "") -> int:
        index = len(self.nodes)
        self.nodes.append(
            (op, "", f"node_{op}_{index}", scope, attrs, f"cell 4, line {index % 20 + 2} · y = self.step(x)")
        )
        self.edges += [(self.makers[value], index, value) for value in inputs]
        if params:
            self.weights.append((index, f"{op.lower()}_{index}.weight", 4 * params))
        self.costs.append((params, 2 * params * 196 or 1000, 4 * params))
        return self._value(f"val_{index}", type_, index)

    def _value(self, name: str, type_: str, maker: int) -> int:
        self.values.append((name, type_))
        self.makers.append(maker)
        return len(self.values) - 1

    def columns(self) -> dict[str, object]:
        """What Python writes for a page, with these findings."""
        return {**columns(self._drawn(), self.name, (), lambda node: node.trace or ""), "findings": self.findings}

    def _drawn(self) -> Drawn:
        scopes = [
            Scope(name, self._path(k), cls, parent, kind, owner)
            for k, (parent, name, cls, kind, owner) in enumerate(self.scopes)
        ]
        nodes = [
            Node(
                name, op, domain, (), (), dict(attr.split("=", 1) for attr in BETWEEN.split(attrs) if attr), trace=line
            )
            for op, domain, name, _, attrs, line in self.nodes
        ]
        # A type that is written down is a type without a shape: it is written down again.
        values = [Value(name, type_, None) for name, type_ in self.values]
        weights = [Initializer(name, "float32", (nbytes // 4,), nbytes) for _, name, nbytes in self.weights]
        of_node: list[tuple[int, ...]] = [()] * len(nodes)
        for k, (of, *_) in enumerate(self.weights):
            of_node[of] += (k,)
        outline = Outline(
            self.source,
            tuple(scopes),
            tuple(nodes),
            tuple(scope for _, _, _, scope, _, _ in self.nodes),
            tuple(values),
            tuple(Edge(*edge) for edge in self.edges),
            tuple(of_node),
            tuple(self.inputs),
            tuple(self.outputs),
        )
        graph = Graph(self.name, (), (), (), tuple(weights), {}, {}, 10, "", None)
        return Drawn(graph, outline, tuple(Cost(flops, nbytes, params) for params, flops, nbytes in self.costs))

    def _path(self, scope: int) -> str:
        """As Python has it: a module keeps its own path where a block was put around it."""
        parent, name, _, kind, _ = self.scopes[scope]
        while kind != "block" and parent >= 0 and self.scopes[parent][3] == "block":
            parent = self.scopes[parent][0]
        return ".".join(filter(None, (self._path(parent), name))) if parent >= 0 else ""


def cnn() -> Made:
    """Eight modules in a line, two of them with a side branch."""
    made = Made("small_cnn.onnx")
    x = made.input("image", "float32 [batch, 3, 32, 32]")
    size, width = 32, 3
    for stage in range(1, 4):
        scope = made.scope(f"stage{stage}", "ConvBlock")
        wide = 16 * 2**stage
        shape = f"float32 [batch, {wide}, {size}, {size}]"
        conv = made.scope("conv", "Conv2d", scope)
        y = made.node("Conv", conv, [x], shape, 9 * width * wide, "kernel_shape=[3, 3], strides=[1, 1], group=1")
        y = made.node("BatchNormalization", made.scope("norm", "BatchNorm2d", scope), [y], shape, 4 * wide)
        skip = made.node("Conv", made.scope("skip", "Conv2d", scope), [x], shape, width * wide)
        y = made.node("Relu", scope, [made.node("Add", scope, [y, skip], shape)], shape)
        size //= 2
        x = made.node(
            "MaxPool", made.scope(f"pool{stage}", "MaxPool2d"), [y], f"float32 [batch, {wide}, {size}, {size}]"
        )
        width = wide
    x = made.node("ReduceMean", 0, [x], f"float32 [batch, {width}]")
    x = made.node("Gemm", made.scope("head", "Linear"), [x], "float32 [batch, 10]", width * 10 + 10)
    made.findings = [{"key": "f0", "node": 4, "sign": "warn", "code": "OM202", "text": "A Relu that is never seen."}]
    made.output(x)
    return made


def transformer(layers: int = 12, source: str = "modules") -> Made:
    """An encoder with an embedding, attention with its three branches, and a mask that all layers read."""
    made = Made("encoder.onnx", source)
    ids = made.input("input_ids", "int64 [batch, tokens]")
    mask = made.input("attention_mask", "int64 [batch, tokens]")
    wide = "float32 [batch, tokens, 256]"
    heads = "float32 [batch, 8, tokens, 32]"
    embed = made.scope("embeddings", "Embeddings")
    x = made.node("Gather", made.scope("word", "Embedding", embed), [ids], wide, 7_680_000)
    position = made.node("Gather", made.scope("position", "Embedding", embed), [ids], wide, 131_072)
    x = made.node(
        "LayerNormalization",
        made.scope("norm", "LayerNorm", embed),
        [made.node("Add", embed, [x, position], wide)],
        wide,
        512,
    )
    mask = made.node("Cast", 0, [mask], "float32 [batch, 1, 1, tokens]")
    mask = made.node(
        "Mul", 0, [made.node("Sub", 0, [mask], "float32 [batch, 1, 1, tokens]")], "float32 [batch, 1, 1, tokens]"
    )
    stack = made.scope("encoder", "ModuleList")
    for index in range(layers):
        x = layer(made, made.scope(str(index), "EncoderLayer", stack), x, mask, wide, heads)
    pooled = made.node("Gather", made.scope("pooler", "Pooler"), [x], "float32 [batch, 256]")
    logits = made.node("Gemm", made.scope("classifier", "Linear"), [pooled], "float32 [batch, 2]", 514)
    made.output(x)
    made.output(logits)
    return made


def layer(made: Made, scope: int, x: int, mask: int, wide: str, heads: str) -> int:
    """One encoder layer of 26 nodes."""
    attention = made.scope("attention", "SelfAttention", scope)

    def projected(name: str) -> int:
        part = made.scope(name, "Linear", attention)
        y = made.node("Add", part, [made.node("MatMul", part, [x], wide, 65_536)], wide, 256)
        return made.node("Transpose", attention, [made.node("Reshape", attention, [y], heads)], heads)

    query, key, value = [projected(name) for name in ("query", "key", "value")]
    scores = "float32 [batch, 8, tokens, tokens]"
    y = made.node("MatMul", attention, [query, made.node("Transpose", attention, [key], heads)], scores)
    y = made.node("Softmax", attention, [made.node("Add", attention, [y, mask], scores)], scores)
    y = made.node("Transpose", attention, [made.node("MatMul", attention, [y, value], heads)], heads)
    y = made.node("Reshape", attention, [y], wide)
    out = made.scope("output", "Linear", attention)
    y = made.node("Add", out, [made.node("MatMul", out, [y], wide, 65_536)], wide, 256)
    x = made.node(
        "LayerNormalization",
        made.scope("norm1", "LayerNorm", scope),
        [made.node("Add", scope, [x, y], wide)],
        wide,
        512,
    )
    feed = made.scope("mlp", "FeedForward", scope)
    y = made.node("MatMul", made.scope("up", "Linear", feed), [x], "float32 [batch, tokens, 1024]", 262_144)
    y = made.node("Gelu", feed, [y], "float32 [batch, tokens, 1024]")
    y = made.node("MatMul", made.scope("down", "Linear", feed), [y], wide, 262_144)
    return made.node(
        "LayerNormalization",
        made.scope("norm2", "LayerNorm", scope),
        [made.node("Add", scope, [x, y], wide)],
        wide,
        512,
    )


def unet(depth: int = 4) -> Made:
    """Down and up again, with a long way around at each size."""
    made = Made("unet.onnx")
    x = made.input("image", "float32 [batch, 3, 256, 256]")
    kept, width, size, before = [], 32, 256, 3
    for level in range(depth):
        scope = made.scope(f"down{level + 1}", "DoubleConv")
        shape = f"float32 [batch, {width}, {size}, {size}]"
        for step in range(2):
            x = made.node("Conv", made.scope(f"conv{step + 1}", "Conv2d", scope), [x], shape, 9 * before * width)
            x, before = made.node("Relu", scope, [x], shape), width
        kept.append((x, width, size))
        width, size = 2 * width, size // 2
        x = made.node(
            "MaxPool", made.scope(f"pool{level + 1}", "MaxPool2d"), [x], f"float32 [batch, {before}, {size}, {size}]"
        )
    shape = f"float32 [batch, {width}, {size}, {size}]"
    x = made.node(
        "Relu",
        made.scope("bottom", "DoubleConv"),
        [made.node("Conv", len(made.scopes) - 1, [x], shape, 9 * before * width)],
        shape,
    )
    for level, (other, width, size) in reversed(list(enumerate(kept, 1))):
        scope = made.scope(f"up{level}", "UpBlock")
        shape = f"float32 [batch, {width}, {size}, {size}]"
        x = made.node("ConvTranspose", made.scope("up", "ConvTranspose2d", scope), [x], shape, 8 * width * width)
        x = made.node("Concat", scope, [other, x], f"float32 [batch, {2 * width}, {size}, {size}]")
        for step in range(2):
            x = made.node("Conv", made.scope(f"conv{step + 1}", "Conv2d", scope), [x], shape, 18 * width * width)
            x = made.node("Relu", scope, [x], shape)
    x = made.node(
        "Sigmoid",
        0,
        [made.node("Conv", made.scope("head", "Conv2d"), [x], "float32 [batch, 1, 256, 256]", 33)],
        "float32 [batch, 1, 256, 256]",
    )
    made.output(x)
    return made


def flat(count: int) -> Made:
    """One long level without modules: strands that part and meet."""
    made = Made("flat.onnx", "flat")
    strands = [made.input("x", "float32 [1, 8]")] * 8
    for index in range(count):
        at = index % 8
        strands[at] = made.node(
            ("Add", "Mul", "Relu")[index % 3], 0, [strands[at], strands[(at + index // 8) % 8]], "float32 [1, 8]"
        )
    made.output(strands[0])
    return made

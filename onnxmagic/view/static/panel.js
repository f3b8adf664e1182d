// The side panel of the graph view, the ways to colour a graph, and the buttons that save it as a picture.
//
// The panel knows nothing of the drawing: it gets an element, the data, what to tell of {kind, index}, and hooks:
//   live: there is a kernel · ask(kind, of): a promise of what it found · go(what): show this in the graph ·
//   jump(key): show this finding in the report

import { button, piece } from "./dom.js";
import { shortCount } from "./graph-data.js";

const MANY = 24; // links in one list: a value may go to thousands of nodes
const INPUT = "input of the graph";
const OUTPUT = "output of the graph";

const code = (text) => piece("code", {}, text);
const amount = (number, unit = "") => (number < 0 ? "not known" : shortCount(number) + (unit && number < 1000 ? " " : "") + unit);

/** Names and what they stand for; empty ones are left out, and so is the title of nothing. */
function table(title, rows) {
  const told = rows.filter(([, ...parts]) => parts.some(Boolean));
  const cells = told.flatMap(([name, ...parts]) => [piece("dt", {}, name), piece("dd", {}, ...parts)]);
  return cells.length ? [piece("h4", {}, title), piece("dl", {}, ...cells)] : [];
}

const costRows = ({ params, bytes, flops }) =>
  [["parameters", amount(params)], ["weights", amount(bytes, "B")], ["FLOPs", amount(flops)]];

/** Links to nodes or scopes, as many as a person reads; -1 is what lies outside of the graph. */
function links({ data, hooks }, kind, indices, outside, scopeName = (s) => data.scopes.path(s) || data.name) {
  const label = (i) => (kind === "node" ? `${data.nodes.op(i)} ${data.nodes.name(i)}` : scopeName(i));
  const link = (i) => piece("div", {}, i < 0 ? outside : button(label(i), () => hooks.go({ kind, index: i }), "om-link"));
  return [...indices.slice(0, MANY).map(link), indices.length > MANY ? `and ${indices.length - MANY} more` : ""];
}

const hereOf = (panel, v) => asking(panel, "value", { index: v, name: panel.data.values.name(v) }, "Values here");

/** The values that `edges` carry, with what is at their other `end`. */
function valueRows(panel, edges, end, outside) {
  const { edges: all, values } = panel.data;
  const ends = new Map();
  for (const edge of edges) ends.set(all.value[edge], [...(ends.get(all.value[edge]) ?? []), all[end][edge]]);
  const row = ([v, nodes]) => [values.name(v), code(values.type(v)), ...links(panel, "node", nodes, outside), ...hereOf(panel, v)];
  return [...ends].map(row);
}

const TELL = {
  node(panel, i) {
    const { data, hooks } = panel;
    const { nodes } = data;
    const finding = ({ key, sign, code: rule, text }) =>
      piece("p", {}, { bad: "✗ ", warn: "▲ " }[sign] ?? "• ", button(rule, () => hooks.jump(key), "om-link"), ` ${text}`);
    const weight = ({ name, type, bytes }, at) =>
      [name, code(type), ` ${amount(bytes, "B")} `, ...asking(panel, "weight", { node: i, weight: at, name }, "Statistics")];
    // A list among the attributes has commas of its own.
    const attributes = nodes.attrs(i).split(/, (?=\w+=)/).map((text) => text.split(/=(.*)/s, 2));
    const scope = links(panel, "scope", [nodes.scope(i)]);
    return [
      ...heading([nodes.domain(i), nodes.op(i)].filter(Boolean).join("."), nodes.name(i)),
      ...data.findingsOf(i).map(finding),
      ...table("Node", [["module", ...scope], ["made by", nodes.line(i)], ...costRows(data.cost.node(i))]),
      ...table("Attributes", attributes),
      ...table("Inputs", valueRows(panel, data.incoming(i), "from", INPUT)),
      ...table("Outputs", valueRows(panel, data.outgoing(i), "to", OUTPUT)),
      ...table("Weights", data.weightsOf(i).map(weight)),
    ];
  },
  scope(panel, s) {
    const { scopes, cost, name } = panel.data;
    const named = (child) => `${scopes.name(child)} ${scopes.cls(child)}`;
    const children = links(panel, "scope", scopes.children(s), "", named);
    const inside = [["modules", ...children], ["nodes", ...links(panel, "node", scopes.nodesOf(s))]];
    return [
      ...heading(scopes.cls(s) || scopes.name(s) || name, scopes.path(s)),
      ...table("Module", [["nodes", amount(scopes.size(s))], ["output", scopes.output(s)], ...costRows(cost.scope(s))]),
      ...table("Inside", inside),
    ];
  },
  value(panel, v) {
    const { edges, values } = panel.data;
    const carrying = [...edges.value.keys()].filter((edge) => edges.value[edge] === v);
    const ends = (end, outside) => links(panel, "node", [...new Set(carrying.map((edge) => edges[end][edge]))], outside);
    const facts = [["type", values.type(v)], ["from", ...ends("from", INPUT)], ["to", ...ends("to", OUTPUT)]];
    return [...heading("Value", values.name(v)), ...table("Tensor", facts), ...hereOf(panel, v)];
  },
};

/** What it is, its name, and the way to copy that. */
function heading(what, name) {
  const shown = code(name);
  const copy = button("Copy name", async () => {
    try {
      await navigator.clipboard.writeText(name);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(shown); // the browser does not let us: now it is one key
      copy.textContent = "Selected";
    }
  });
  return [piece("h3", {}, what), ...(name ? [piece("p", {}, shown, " ", copy)] : [])];
}

/** Tell in `element` what is known of `what`: {kind: "node" | "scope" | "value", index}. */
export function showPanel(element, data, what, hooks) {
  element.classList.add("om-panel");
  element.replaceChildren(...TELL[what.kind]({ data, hooks }, what.index));
}

/** A button that asks the kernel, and the place for the answer; nothing where there is no kernel. */
function asking({ hooks }, kind, of, label) {
  if (!hooks.live) return [];
  const answer = piece("div", { role: "status" });
  const ask = button(label, async () => {
    ask.disabled = true;
    answer.replaceChildren("Asking …");
    try {
      const found = await hooks.ask(kind, of);
      if (found.error) throw Error(found.error);
      answer.replaceChildren(...statistics(found));
    } catch (error) {
      answer.replaceChildren(`✗ ${error.message ?? error}`);
    }
    ask.disabled = false;
  });
  return [ask, answer];
}

const figure = (number) => (number?.toPrecision ? `${+number.toPrecision(4)}` : "–");

function statistics({ shape, dtype, min, max, mean, std, nan, inf, histogram, image, on, said }) {
  const odd = nan || inf ? `▲ ${nan} NaN, ${inf} infinite` : "";
  const range = ["range", `${figure(min)} to ${figure(max)}`];
  const rows = [["run on", on], range, ["mean", figure(mean)], ["std", figure(std)], ["not finite", odd]];
  const drawn = [histogram?.counts.length && bars(histogram), image && pixels(image)].filter(Boolean);
  return [...table(`${dtype} [${shape.join(", ")}]`, rows), said ?? "", ...drawn];
}

function bars({ edges, counts }) {
  const most = Math.max(...counts, 1);
  const bar = (count, x) => piece("rect", { x, y: 60 * (1 - count / most), width: 0.9, height: (60 * count) / most });
  const said = `${figure(edges[0])} to ${figure(edges.at(-1))}, at most ${most} in a bar`;
  const chart = { viewBox: `0 0 ${counts.length} 60`, preserveAspectRatio: "none", role: "img", "aria-label": `histogram, ${said}` };
  return piece("figure", {}, piece("svg", chart, ...counts.map(bar)), piece("figcaption", {}, said));
}

function pixels({ width, height, base64, from, to, slice }) {
  const rgba = new ImageData(width, height);
  [...atob(base64)].forEach((grey, at) => rgba.data.fill(grey.charCodeAt(0), 4 * at, 4 * at + 3).fill(255, 4 * at + 3, 4 * at + 4));
  const said = `${slice ? `${slice}; ` : ""}black is ${figure(from)}, white ${figure(to)}`;
  const canvas = piece("canvas", { width, height, role: "img", "aria-label": `values as a picture, ${said}` });
  canvas.getContext("2d").putImageData(rgba, 0, 0);
  return piece("figure", {}, canvas, piece("figcaption", {}, said));
}

// ---------------------------------------------------------------- colours, each with a mark for who sees none

const LETTERS = ["", ..."ABCDEFG"];
const LEVELS = ["", ..."▁▂▃▄▅▆▇"];

/** A mode: `plan(data)` looks at the graph once and gives {title, labels, of}; `of(kind, index)` is a fill. */
const mode = (marks, plan, plans = new WeakMap()) => (data, box) => {
  if (!plans.has(data)) {
    const { title, labels, of } = plan(data);
    const entries = labels.map((label, fill) => ({ fill, mark: marks[fill], label })).filter(({ label }) => label);
    plans.set(data, { of, legend: { title, entries } });
  }
  const { of, legend } = plans.get(data);
  const fill = box ? of(box.kind, box.index) : 0;
  return { fill, mark: marks[fill], steps: marks === LEVELS, legend };
};

/** The seven names that most nodes have get a colour of their own. */
const byName = (title, prepare) => mode(LETTERS, (data) => {
  const nameOf = prepare(data);
  const counts = new Map();
  for (let i = 0; i < data.count; i++) counts.set(nameOf("node", i), (counts.get(nameOf("node", i)) ?? 0) + 1);
  const names = [...counts.keys()].filter(Boolean).sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 7);
  return { title, labels: ["others", ...names], of: (kind, i) => names.indexOf(nameOf(kind, i)) + 1 };
});

/** Seven steps with as many different figures in each, since a few nodes have nearly all of any cost. */
const byCost = (field, title, unit) => mode(LEVELS, (data) => {
  const cost = (kind, i) => data.cost[kind]?.(i)[field] ?? 0;
  const all = (kind, length) => Array.from({ length }, (_, i) => cost(kind, i));
  const some = new Set([...all("node", data.count), ...all("scope", data.scopes.count)].filter((one) => one > 0));
  const sorted = [...some].sort((a, b) => a - b);
  const least = LEVELS.map((_, k) => (k ? sorted[((k - 1) * sorted.length / 7) | 0] : -1));
  const label = (one, k) => (one === least[k + 1] ? "" : k ? `from ${amount(one, unit)}` : "none, or not known");
  const labels = [...least.map(label).slice(0, 7), sorted.length ? `${label(least[7], 7)} (each step has as many different figures)` : ""];
  return { title, labels, of: (kind, i) => Math.max(least.findLastIndex((one) => one <= cost(kind, i)), 0) };
});

/** The modules of the first level that has more than one, or nodes of its own. */
function topScopes({ nodes, scopes }) {
  let top = 0;
  while (scopes.children(top).length === 1 && !scopes.nodesOf(top).length) [top] = scopes.children(top);
  return (kind, i) => {
    let at = { node: nodes.scope(i), scope: i }[kind] ?? top;
    while (at > top && scopes.parent(at) !== top) at = scopes.parent(at);
    return at > top ? scopes.name(at) : "";
  };
}

/** Ways to colour: (data, box or null) → {fill: 0 … 7, mark, steps: whether more is darker, legend: {title, entries}}. */
export const COLOURS = {
  module: byName("module", topScopes),
  operator: byName("operator", ({ nodes }) => (kind, i) => (kind === "node" ? nodes.op(i) : "")),
  parameters: byCost("params", "parameters"),
  flops: byCost("flops", "FLOPs"),
  bytes: byCost("bytes", "bytes of weights", "B"),
};

/** What the colours of a mode stand for; `om-steps` on an element says that more is darker in it. */
export function drawLegend(element, data, name) {
  const { steps, legend } = COLOURS[name](data);
  element.classList.toggle("om-steps", steps);
  const entry = ({ fill, mark, label }) => piece("span", {}, piece("i", { class: `om-fill-${fill}` }, mark), ` ${label}`);
  element.replaceChildren(`Colour: ${legend.title}`, ...legend.entries.map(entry));
}

// ---------------------------------------------------------------- pictures

/** Buttons that save what `svg()` returns: the text of a picture that needs no style sheet. */
export function saveButtons(data, svg) {
  const file = data.name.replace(/\.onnx$/i, "").replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80) || "graph";
  const said = piece("span", { role: "status" });
  const save = (kind, make) => button(kind, async () => {
    try {
      const href = URL.createObjectURL(await make(svg()));
      piece("a", { href, download: `${file}.${kind.toLowerCase()}` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
      said.textContent = "";
    } catch (error) {
      said.textContent = `✗ Not saved: ${error.message}`;
    }
  });
  return [save("SVG", (text) => new Blob([text], { type: "image/svg+xml" })), save("PNG", pngOf), said];
}

async function pngOf(text) {
  const image = piece("img", { src: `data:image/svg+xml,${encodeURIComponent(text)}` });
  await image.decode();
  const { width, height } = image;
  const scale = Math.min(2, 16000 / Math.max(width, height), Math.sqrt(6e7 / width / height)); // canvases have an end
  const canvas = piece("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(Error("it is too large")))));
}

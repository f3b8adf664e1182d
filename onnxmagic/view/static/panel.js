// The side panel of the graph view, the legend of its colours, and the buttons that save it as a picture.
//
// The panel knows nothing of the drawing: it gets an element, the data, what to tell of {kind, index}, and hooks:
//   live: there is a kernel · ask(kind, of): a promise of what it found · go(what): show this in the graph ·
//   jump(key): show this finding in the report

import { button, link, piece, status } from "./dom.js";
import { amount } from "./graph-data.js";

const MANY = 24; // links in one list: a value may go to thousands of nodes
const ENDS = { from: "input of the graph", to: "output of the graph" };

const code = (text) => piece("code", {}, text);

/** Names and what they stand for; empty ones are left out, and so is the title of nothing. */
export function table(title, rows) {
  const told = rows.filter(([, ...parts]) => parts.some(Boolean));
  const cells = told.flatMap(([name, ...parts]) => [piece("dt", {}, name), piece("dd", {}, ...parts)]);
  return cells.length ? [piece("h4", {}, title), piece("dl", {}, ...cells)] : [];
}

/** What it is, its name, and the way to copy that. */
export function heading(what, name) {
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
  element.replaceChildren(...new Panel(data, hooks)[what.kind](what.index));
}

class Panel {
  constructor(data, hooks) {
    Object.assign(this, { data, hooks });
  }

  node(i) {
    const { nodes, cost, findingsOf, incoming, outgoing, weightsOf } = this.data;
    const finding = ({ key, sign, code: rule, text }) =>
      piece("p", {}, { bad: "✗ ", warn: "▲ " }[sign] ?? "• ", link(rule, () => this.hooks.jump(key)), ` ${text}`);
    const weight = ({ name, type, bytes }, at) => {
      const more = this.asking("Statistics", "weight", { node: i, weight: at, name });
      return [name, code(type), ` ${amount(bytes, "B")} `, ...more];
    };
    // A list among the attributes has commas of its own.
    const attributes = nodes.attrs(i).split(/, (?=\w+=)/).map((text) => text.split(/=(.*)/s, 2));
    const [module] = this.links("scope", [nodes.scope(i)]);
    return [
      ...heading([nodes.domain(i), nodes.op(i)].filter(Boolean).join("."), nodes.name(i)),
      ...findingsOf(i).map(finding),
      ...table("Node", [["module", module], ["made by", nodes.line(i)], ...costRows(cost.node(i))]),
      ...table("Attributes", attributes),
      ...table("Inputs", this.valueRows(incoming(i), "from")),
      ...table("Outputs", this.valueRows(outgoing(i), "to")),
      ...table("Weights", weightsOf(i).map(weight)),
    ];
  }

  scope(s) {
    const { scopes, cost, name } = this.data;
    const children = this.links("scope", scopes.children(s), (child) => `${scopes.name(child)} ${scopes.cls(child)}`);
    const facts = [["nodes", amount(scopes.nodes(s))], ["output", scopes.gives(s)], ...costRows(cost.scope(s))];
    return [
      ...heading(scopes.cls(s) || scopes.name(s) || name, scopes.path(s)),
      ...table("Module", facts),
      ...table("Inside", [["modules", ...children], ["nodes", ...this.links("node", scopes.nodesOf(s))]]),
    ];
  }

  value(v) {
    const { edges, values } = this.data;
    const carrying = [...edges.value.keys()].filter((edge) => edges.value[edge] === v);
    const ends = (end) => this.links(end, [...new Set(carrying.map((edge) => edges[end][edge]))]);
    return [
      ...heading("Value", values.name(v)),
      ...table("Tensor", [["type", values.type(v)], ["from", ...ends("from")], ["to", ...ends("to")]]),
      ...this.here(v),
    ];
  }

  /** Links to scopes or nodes, as many as a person reads; nodes are at an end of edges, where -1 is the outside. */
  links(kind, indices, label = (s) => this.data.scopes.path(s) || this.data.name) {
    const { nodes } = this.data;
    const name = kind === "scope" ? label : (i) => `${nodes.op(i)} ${nodes.name(i)}`;
    const go = (index) => this.hooks.go({ kind: kind === "scope" ? kind : "node", index });
    const row = (i) => piece("div", {}, i < 0 ? ENDS[kind] : link(name(i), () => go(i)));
    return [...indices.slice(0, MANY).map(row), indices.length > MANY ? `and ${indices.length - MANY} more` : ""];
  }

  /** The values that `edges` carry, with what is at their other `end`. */
  valueRows(edges, end) {
    const { edges: all, values } = this.data;
    const row = ([v, carrying]) => {
      const ends = this.links(end, carrying.map((edge) => all[end][edge]));
      return [values.name(v), code(values.type(v)), ...ends, ...this.here(v)];
    };
    return [...Map.groupBy(edges, (edge) => all.value[edge])].map(row);
  }

  here(v) {
    return this.asking("Values here", "value", { index: v, name: this.data.values.name(v) });
  }

  /** A button that asks the kernel, and the place for the answer; nothing where there is no kernel. */
  asking(label, kind, of) {
    if (!this.hooks.live) return [];
    const answer = status();
    const ask = button(label, async () => {
      ask.disabled = true;
      answer.replaceChildren("Asking …");
      try {
        const found = await this.hooks.ask(kind, of);
        if (found.error) throw Error(found.error);
        answer.replaceChildren(...statistics(found));
      } catch (error) {
        answer.replaceChildren(`✗ ${error.message ?? error}`);
      }
      ask.disabled = false;
    });
    return [ask, answer];
  }
}

const costRows = ({ params, bytes, flops }) =>
  [["parameters", amount(params)], ["weights", amount(bytes, "B")], ["FLOPs", amount(flops)]];

const figure = (number) => (number?.toPrecision ? `${+number.toPrecision(4)}` : "–");

/** What a kernel found out about a tensor. */
export function statistics({ shape, dtype, min, max, mean, std, nan, inf, histogram, image, on, said }) {
  const odd = nan || inf ? `▲ ${nan} NaN, ${inf} infinite` : "";
  const range = ["range", `${figure(min)} to ${figure(max)}`];
  const rows = [["run on", on], range, ["mean", figure(mean)], ["std", figure(std)], ["not finite", odd]];
  const drawn = [histogram?.counts.length && bars(histogram), image && pixels(image)].filter(Boolean);
  return [...table(`${dtype} [${shape.join(", ")}]`, rows), said ?? "", ...drawn];
}

export function bars({ edges, counts }) {
  const most = Math.max(...counts, 1);
  const bar = (count, x) => piece("rect", { x, y: 60 * (1 - count / most), width: 0.9, height: (60 * count) / most });
  const said = `${figure(edges[0])} to ${figure(edges.at(-1))}, at most ${most} in a bar`;
  const size = { viewBox: `0 0 ${counts.length} 60`, preserveAspectRatio: "none" };
  const chart = piece("svg", { ...size, role: "img", "aria-label": `histogram, ${said}` }, ...counts.map(bar));
  return piece("figure", {}, chart, piece("figcaption", {}, said));
}

function pixels({ width, height, base64, from, to, slice }) {
  const grey = (letter) => [0, 0, 0, 255].map((alpha) => alpha || letter.charCodeAt(0));
  const rgba = Uint8ClampedArray.from([...atob(base64)].flatMap(grey));
  const said = `${slice ? `${slice}; ` : ""}black is ${figure(from)}, white ${figure(to)}`;
  const canvas = piece("canvas", { width, height, role: "img", "aria-label": `values as a picture, ${said}` });
  canvas.getContext("2d").putImageData(new ImageData(rgba, width), 0, 0);
  return piece("figure", {}, canvas, piece("figcaption", {}, said));
}

const LETTERS = ["", ..."ABCDEFG"];
const LEVELS = ["", ..."▁▂▃▄▅▆▇"];
const marksOf = ({ steps }) => (steps ? LEVELS : LETTERS);

/** How a box is coloured in a mode that Python has planned: its fill, 0 to 7, and the mark of that. */
export function colourOf({ colours }, mode, { kind, index }) {
  const fill = colours[mode].fills[kind]?.[index] ?? 0;
  return { fill, mark: marksOf(colours[mode])[fill] };
}

/** What the colours of a mode stand for; `om-steps` on an element says that more is darker in it. */
export function drawLegend(element, { colours }, mode) {
  const { title, steps, labels } = colours[mode];
  element.classList.toggle("om-steps", steps);
  const mark = (fill) => piece("i", { class: `om-fill-${fill}` }, marksOf({ steps })[fill]);
  const entry = (label, fill) => piece("span", {}, mark(fill), ` ${label}`);
  element.replaceChildren(`Colour: ${title}`, ...labels.map((label, fill) => (label ? entry(label, fill) : "")));
}

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

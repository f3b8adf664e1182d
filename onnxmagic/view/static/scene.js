// Boxes in boxes: a layout for each open box, the inner ones first, so that a level is a small problem in any model.
//
// What a level holds and how that is joined does not depend on what is open: it is worked out when it is first seen,
// and laid out again only when one of its boxes changes size. An edge into an open box is cut at the border and goes on
// inside from the same point, a port; a box has one for each box outside that it takes from or gives to.

import { amount } from "./graph-data.js";
import { layout } from "./layout.js";

export const HEAD = 32; // height of an open box's name
const PAD = 16;
const MOST_PORTS = 16; // on a side of a box; more share the last
const BADNESS = ["", "ok", "info", "warn", "bad"];
const MARKS = ["", "added", "removed", "changed", "moved"];
const MARK_SIGNS = ["", "+ ", "− ", "~ ", "→ "];
const forests = new WeakMap();

/** What stands in what. Units are scopes, then nodes, inputs, outputs; the body of a node stands in the node. */
class Forest {
  constructor(data) {
    const { scopes, nodes, count, inputs, outputs, edges, findings } = data;
    const bases = [0, scopes.count, scopes.count + count, scopes.count + count + inputs.length];
    const total = bases[3] + outputs.length;
    const around = (u) => {
      if (u >= bases[2]) return 0;
      if (u >= bases[1]) return nodes.scope(u - bases[1]);
      return scopes.owner(u) < 0 ? scopes.parent(u) : bases[1] + scopes.owner(u);
    };
    const [parent, below] = [Array.from({ length: total }, (_, u) => around(u)), []];
    const [worst, first] = [new Int32Array(total), new Int32Array(total)];
    const climb = (u, act) => {
      for (let at = u; at >= 0; at = parent[at]) act(at);
    };
    for (let u = total; u-- > bases[1]; ) climb(u, (at) => (first[at] = u));
    for (const { node, sign } of findings)
      climb(bases[1] + node, (at) => (worst[at] = Math.max(worst[at], BADNESS.indexOf(sign))));
    parent.forEach((at, u) => (u >= bases[1] || scopes.nodes(u)) && (below[at] ??= []).push(u));
    const port = (values, base, value) => (values.includes(value) ? base + values.indexOf(value) : -1);
    const unit = (i, e, values, base) => (i < 0 ? port(values, base, edges.value[e]) : bases[1] + i);
    const from = Array.from(edges.from, (i, e) => unit(i, e, inputs, bases[2]));
    const to = Array.from(edges.to, (i, e) => unit(i, e, outputs, bases[3]));
    Object.assign(this, { data, bases, parent, below, worst, first, from, to });
    Object.assign(this, { levels: new Map(), faces: new Map() });
  }

  /** What is drawn in `u`, in the order of the file; a scope that holds nothing is not. */
  kids(u) {
    return (this.below[u] ?? []).sort((a, b) => this.first[a] - this.first[b]);
  }

  id(u) {
    const kind = this.bases.findLastIndex((base) => base <= u);
    return "snio"[kind] + (u - this.bases[kind]);
  }

  unit(kind, index) {
    return index + (kind === "node" ? this.bases[1] : 0);
  }

  /** What the box of `u` says, how large it is closed, and the scopes that are one box with it. */
  face(u) {
    if (!this.faces.has(u)) this.faces.set(u, this.newFace(u));
    return this.faces.get(u);
  }

  newFace(u) {
    const { data, bases } = this;
    const isScope = (unit) => unit < bases[1];
    const chain = [u]; // single children, and the only body of a node
    for (let kids; (kids = this.kids(chain.at(-1))).length === 1 && isScope(kids[0]); ) chain.push(kids[0]);
    const content = chain.at(-1);
    const bodies = () => this.kids(u).filter(isScope).flatMap((kid) => this.face(kid).opens);
    const opens = isScope(content) ? chain.filter(isScope) : bodies();
    const id = this.id(isScope(u) ? content : u);
    const kind = { s: "scope", n: "node", i: "input", o: "output" }[id[0]];
    const index = Number(id.slice(1));
    const { marked = 0, ...lines } = SAYS[kind](data, index, chain);
    const texts = Object.entries(lines).map(([key, text]) => this.measure(text.slice(0, 80), key));
    const sign = BADNESS[this.worst[u]];
    const wide = Math.max(...texts) + (opens.length ? 40 : 26) + (sign ? 16 : 0) + (data.roomy ? 14 : 0);
    const height = 10 + 16 * Object.values(lines).filter(Boolean).length;
    const size = { width: Math.round(Math.min(Math.max(wide, 76), 280)), height };
    return { chain, content, opens, kind, index, third: "", ...lines, marked: MARKS[marked], sign, ...size, id };
  }

  /** What is in the box of `u`, and how it is joined; `outer` is the level in which the box is. */
  level(u, outer) {
    if (!this.levels.has(u)) this.levels.set(u, this.newLevel(u, outer));
    return this.levels.get(u);
  }

  newLevel(u, outer) {
    const { data, bases, parent, from, to } = this;
    const content = u && this.face(u).content;
    const items = this.kids(content);
    const own = new Map(items.map((item, k) => [item, k]));
    // The item that a unit is in; -1 where it is outside, and where it is the node whose bodies these are.
    const itemOf = (unit) => {
      let at = unit;
      while (at >= 0 && parent[at] !== content) at = parent[at];
      return at < 0 ? -1 : own.get(at);
    };
    // Ports by what they stand for in the outer level; first those that come in.
    const [ports, links] = [[new Map(), new Map()], new Map()];
    let count = items.length;
    const place = (unit, side) => {
      const item = itemOf(unit);
      if (item >= 0) return item;
      const [beyond, met] = [outer.place(unit, side), ports[side]];
      if (!met.has(beyond)) met.set(beyond, met.size < MOST_PORTS ? count++ : [...met.values()].at(-1));
      return met.get(beyond);
    };
    const join = (e) => {
      if (from[e] < 0 || to[e] < 0) return;
      const [a, b] = [place(from[e], 0), place(to[e], 1)];
      const key = a * 2 ** 24 + b;
      if (a === b) return;
      if (!links.has(key)) links.set(key, { a, b, edges: [] });
      links.get(key).edges.push(e);
    };
    if (!outer) from.forEach((_, e) => join(e));
    else
      for (const i of this.nodesBelow(content)) {
        data.outgoing(i).forEach(join);
        for (const e of data.incoming(i)) if (itemOf(from[e]) < 0) join(e);
      }
    const pinOf = (side) => (id) => ({ id, width: 2, height: 0, pin: ["top", "bottom"][side] });
    const pinsOf = (met, side) => [...new Set(met.values())].map(pinOf(side));
    return { items, ports, pins: ports.flatMap(pinsOf), place, links: [...links.values()], key: null, placed: null };
  }

  /** Nodes below `u`; what a node with bodies takes and gives itself is its own affair, not that of the bodies. */
  nodesBelow(u) {
    const units = [...(this.below[u] ?? [])];
    for (const unit of units) for (const kid of this.below[unit] ?? []) units.push(kid); // and so on, while it grows
    // The last first: the layout goes on from what it was told last, and so in the order of the file.
    return units.map((unit) => unit - this.bases[1]).filter((i) => i >= 0).sort((a, b) => b - a);
  }

  /** The level of `u` with its places and those of the levels open in it. */
  arrange(u, outer, open) {
    const level = this.level(u, outer);
    const nested = new Map();
    const nodes = level.items.map((item, id) => {
      const face = this.face(item);
      if (face.opens.some((scope) => open.has(scope))) nested.set(id, this.arrange(item, level, open));
      const { width, height } = nested.get(id) ?? face;
      return { id, width, height };
    });
    const key = [...nested.keys()].map((id) => `${id}:${nodes[id].width}:${nodes[id].height}`).join();
    const pairs = () => level.links.map(({ a, b }) => [a, b]);
    if (level.key !== key) level.placed = layout([...nodes, ...level.pins], pairs(), {}, level.placed?.net);
    level.key = key;
    const { placed, ports } = level;
    const face = outer && this.face(u);
    const head = face && Math.min(this.measure(face.label, "label") + this.measure(face.sub, "sub") + 60, 320);
    const width = Math.max(placed.width + (outer ? 2 * PAD : 0), head ?? 0);
    // Ports are on the border: then the name is between them and the next row.
    const [top, foot] = ports.map(({ size }, side) => (outer && !size ? [HEAD, PAD][side] : 0));
    const left = (width - placed.width) / 2;
    return { level, placed, nested, nodes, width, height: placed.height + top + foot, top, left };
  }
}

const shape = (type) => type.replace(/^float32 /, ""); // what nearly all are
const joined = (mark, texts) => texts.filter(Boolean).join(mark);
const saysPort = (kind, { values }, v) => ({ label: values.name(v) || kind, sub: values.type(v) });

/** The lines of a box, by its kind, and how it is marked where two models are compared. */
const SAYS = {
  node({ nodes, values, edges, outgoing }, i) {
    const [edge] = outgoing(i);
    const sub = edge === undefined ? "" : shape(values.type(edges.value[edge]));
    return { label: MARK_SIGNS[nodes.mark(i)] + nodes.op(i), sub, marked: nodes.mark(i) };
  },
  scope({ scopes }, s, chain) {
    const { count, all = 0 } = scopes.marks(s);
    const label = (MARK_SIGNS[all] ?? "") + joined(".", chain.map(scopes.name));
    const sub = joined(" · ", [!all && count && `${count} changed`, scopes.cls(s)]);
    const third = joined(" · ", [scopes.params(s) > 0 && amount(scopes.params(s)), shape(scopes.gives(s))]);
    const many = scopes.nodes(s);
    return { label, sub, third: third || `${many} node${many > 1 ? "s" : ""}`, marked: all };
  },
  input: (data, k) => saysPort("input", data, data.inputs[k]),
  output: (data, k) => saysPort("output", data, data.outputs[k]),
};

function forestOf(data, measure) {
  const forest = forests.get(data) ?? new Forest(data);
  if (measure ? forest.measure !== measure : !forest.measure) {
    Object.assign(forest, { measure: measure ?? ((text) => 7 * text.length), faces: new Map() });
    for (const level of forest.levels.values()) level.key = null;
  }
  forests.set(data, forest);
  return forest;
}

/** The scopes that Python has open at first: 2 to 60 boxes are seen. */
export const firstOpen = ({ columns }) => new Set(columns.open);

/** The scopes to open so that a node or scope has a box of its own. */
export function scopesAbove(data, kind, index) {
  const [forest, scopes] = [forestOf(data), []];
  for (let u = forest.unit(kind, index); (u = forest.parent[u]) > 0; ) if (u < forest.bases[1]) scopes.push(u);
  return scopes;
}

/** The box that stands for a node or scope: its own, or the closed one around it. */
export function boxOf(data, scene, kind, index) {
  const forest = forestOf(data);
  let u = forest.unit(kind, index);
  while (u > 0 && !scene.byId.has(forest.id(u))) u = forest.parent[u];
  return scene.byId.get(forest.id(u)) ?? null;
}

/** All boxes and edges with their places, when the scopes in `open` are. */
export function buildScene(data, open, before = null, { measure } = {}) {
  const forest = forestOf(data, measure ?? before?.measure);
  const whole = forest.arrange(0, null, open);
  const [boxes, edges] = [[], []];
  // A filter of tens of thousands takes a millisecond; it is asked when the view has moved by a third of itself.
  const visible = (x0, y0, x1, y1) => ({
    boxes: boxes.filter(({ x, y, width, height }) => x <= x1 && x + width >= x0 && y <= y1 && y + height >= y0),
    edges: edges.filter(({ bounds: [a, b, c, d] }) => a <= x1 && c >= x0 && b <= y1 && d >= y0),
  });
  const scene = { boxes, edges, byId: new Map(), measure, width: whole.width, height: whole.height, visible };
  spread(forest, whole, 0, 0, null, scene);
  return scene;
}

/** Put a level and all in it where it belongs in the whole. */
function spread(forest, { level, placed, nested, nodes, top, left }, x0, y0, around, scene) {
  const [dx, dy] = [x0 + left, y0 + top];
  level.items.forEach((item, k) => {
    const [face, { width, height }, { x, y }] = [forest.face(item), nodes[k], placed.nodes.get(k)];
    const open = nested.has(k);
    const at = { x: dx + x - width / 2, y: dy + y - height / 2, width, height };
    const [depth, parent] = around ? [around.depth + 1, around.id] : [0, ""];
    const box = { ...face, ...at, depth, parent, open, order: scene.boxes.length, sign: open ? "" : face.sign };
    scene.boxes.push(box);
    scene.byId.set(box.id, box);
    if (box.opens.length) for (const unit of face.chain) scene.byId.set(forest.id(unit), box);
    if (open) spread(forest, nested.get(k), box.x, box.y, box, scene);
  });
  const idOf = (end) => (end < level.items.length ? forest.face(level.items[end]).id : around.id);
  /** Where the line goes on at the other side of a border. */
  const port = (end, side, other) => {
    const inner = nested.get(end);
    const met = inner?.level.ports[side];
    const id = met?.get(other) ?? met?.get(end); // the latter: results of a body
    if (id === undefined) return null;
    return dx + placed.nodes.get(end).x - inner.width / 2 + inner.left + inner.placed.nodes.get(id).x;
  };
  level.links.forEach(({ a, b, edges }, k) => {
    const line = placed.edges[k].points.map(([x, y]) => [dx + x, dy + y]);
    const into = port(b, 0, a);
    bend(line, port(a, 1, b), 1);
    bend(line.reverse(), into, -1);
    const [xs, ys] = [0, 1].map((axis) => line.map((point) => point[axis]));
    const bounds = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    const values = [...new Set(edges.map((e) => forest.data.edges.value[e]))];
    const carried = { value: values[0], values, count: values.length, edges };
    const arrow = b < level.items.length && into === null; // it ends here
    const drawn = { points: line.reverse(), bounds, long: placed.edges[k].long, arrow };
    scene.edges.push({ from: idOf(a), to: idOf(b), ...carried, ...drawn });
  });
}

/** Let a line begin at `x` of the border instead of the middle, and come back into its way at once. */
function bend(line, x, down) {
  if (x === null) return;
  const [[x0, y0], [x1, y1]] = line;
  line[0] = [x, y0];
  if (x1 === x0 && Math.abs(y1 - y0) > 16) line.splice(1, 0, [x0, y0 + 16 * down]);
  else if (x1 === x0) line[1] = [x, y1];
}

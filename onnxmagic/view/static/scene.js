// Boxes in boxes: a layout for each open box, the inner ones first, so that a level is a small problem in any model.
//
// What a level holds and how that is joined does not depend on what is open: it is worked out when it is first seen, and
// laid out again only when one of its boxes changes size. An edge into an open box is cut at the border and goes on
// inside from the same point, a port; a box has one for each box outside that it takes from or gives to.

import { neighbourLists, shortCount } from "./graph-data.js";
import { layout } from "./layout.js";

const HEAD = 32; // height of an open box's name
const PAD = 16;
const MOST_PORTS = 16; // on a side of a box; more share the last
const EASY = 60; // boxes that a person takes in at once
const BADNESS = ["", "ok", "info", "warn", "bad"];
const forests = new WeakMap();

/** What stands in what. Units are scopes, then nodes, inputs, outputs; the body of a node stands in the node. */
class Forest {
  constructor(data) {
    const { scopes, nodes, count, inputs, outputs, edges } = data;
    const bases = [0, scopes.count, scopes.count + count, scopes.count + count + inputs.length];
    const total = bases[3] + outputs.length;
    const parent = new Int32Array(total);
    for (let u = 0; u < bases[2]; u++)
      parent[u] = u >= bases[1] ? nodes.scope(u - bases[1]) : scopes.owner(u) < 0 ? scopes.parent(u) : bases[1] + scopes.owner(u);
    parent[0] = -1;
    const below = neighbourLists(total, parent, parent.map((_, u) => u));
    const [enter, leave, walk, weight, worst, first] = [0, 0, 0, 0, 0, 0].map(() => new Int32Array(total));
    for (let stack = [0], turn = 0; stack.length; ) {
      const u = stack.pop();
      walk[(enter[u] = turn++)] = u;
      for (const kid of below.of(u)) stack.push(kid);
    }
    for (const { node, sign } of data.findings) worst[bases[1] + node] = Math.max(worst[bases[1] + node], BADNESS.indexOf(sign));
    for (let turn = total; turn--; ) {
      const [u, up] = [walk[turn], parent[walk[turn]]];
      leave[u] ||= turn + 1;
      if (u >= bases[1]) [first[u], weight[u]] = [u, weight[u] + 1];
      if (up < 0) continue;
      leave[up] ||= leave[u];
      weight[up] += weight[u];
      worst[up] = Math.max(worst[up], worst[u]);
      if (weight[u]) first[up] = Math.min(first[up] || total, first[u]);
    }
    // A scope that holds nothing is not drawn; the rest stands in the order of the file.
    const kids = (u) => Array.from(below.of(u)).filter((kid) => weight[kid]).sort((a, b) => first[a] - first[b]);
    const ends = (column, values, base) => {
      const units = new Map(values.map((value, k) => [value, base + k]));
      return column.map((i, e) => (i < 0 ? (units.get(edges.value[e]) ?? -1) : bases[1] + i));
    };
    const [from, to] = [ends(edges.from, inputs, bases[2]), ends(edges.to, outputs, bases[3])];
    Object.assign(this, { data, bases, parent, enter, leave, walk, weight, worst, kids, from, to, levels: new Map(), faces: new Map() });
  }

  id(u) {
    const kind = this.bases.findLastIndex((base) => base <= u);
    return "snio"[kind] + (u - this.bases[kind]);
  }

  /** What the box of `u` says, how large it is closed, and the units that are one box with it. */
  face(u) {
    if (!this.faces.has(u)) this.faces.set(u, this.newFace(u));
    return this.faces.get(u);
  }

  newFace(u) {
    const { data, bases, weight } = this;
    const { nodes, scopes, values } = data;
    const isScope = (unit) => unit < bases[1];
    const chain = [u]; // single children, and the only body of a node
    for (let kids; (kids = this.kids(chain.at(-1))).length === 1 && isScope(kids[0]); ) chain.push(kids[0]);
    const content = chain.at(-1);
    const opens = isScope(content) ? chain.filter(isScope) : this.kids(u).filter(isScope).flatMap((kid) => this.face(kid).opens);
    const own = isScope(u) ? content : u;
    const kind = ["scope", "node", "input", "output"]["snio".indexOf(this.id(own)[0])];
    const index = Number(this.id(own).slice(1));
    const shape = (type) => type.replace(/^float32 /, ""); // what nearly all are
    let [label, sub, third] = ["", "", ""];
    if (kind === "scope") {
      [label, sub] = [chain.map(scopes.name).join("."), scopes.cls(index)];
      const { params } = data.cost.scope(index);
      third = [params > 0 && shortCount(params), shape(scopes.output(index))].filter(Boolean).join(" · ") || `${weight[u]} node${weight[u] > 1 ? "s" : ""}`;
    } else if (kind === "node") {
      const [edge] = data.outgoing(index);
      [label, sub] = [nodes.op(index), edge === undefined ? "" : shape(values.type(data.edges.value[edge]))];
    } else {
      const value = data[`${kind}s`][index];
      [label, sub] = [values.name(value) || kind, values.type(value)];
    }
    const lines = [label, sub, third];
    const wide = Math.max(...lines.map((line, k) => this.measure(line.slice(0, 80), ["label", "sub", "third"][k])));
    const sign = BADNESS[this.worst[u]];
    const width = Math.round(Math.min(Math.max(wide + (opens.length ? 40 : 26) + (sign ? 16 : 0), 76), 280));
    return { chain, content, opens, kind, index, label, sub, third, sign, width, height: 10 + 16 * lines.filter(Boolean).length, id: this.id(own) };
  }

  /** What is in the box of `u`, and how it is joined; `outer` is the level in which the box is. */
  level(u, outer) {
    if (!this.levels.has(u)) this.levels.set(u, this.newLevel(u, outer));
    return this.levels.get(u);
  }

  newLevel(u, outer) {
    const { data, bases, enter, leave, from, to } = this;
    const content = u && this.face(u).content;
    const [start, end, items] = [enter[content], leave[content], this.kids(content)];
    const own = new Int32Array(end - start).fill(-1);
    items.forEach((item, k) => own.fill(k, enter[item] - start, leave[item] - start));
    const inside = (unit) => enter[unit] >= start && enter[unit] < end;
    // Ports by what they stand for in the outer level, and what is known of units outside; first those that come in.
    const [ports, known, links] = [[new Map(), new Map()], [new Map(), new Map()], new Map()];
    let count = items.length;
    const port = (unit, side) => {
      const [beyond, met] = [outer.place(unit, side), ports[side]];
      if (!met.has(beyond)) met.set(beyond, met.size < MOST_PORTS ? count++ : [...met.values()].at(-1));
      return met.get(beyond);
    };
    const place = (unit, side) => {
      if (inside(unit) && own[enter[unit] - start] >= 0) return own[enter[unit] - start];
      if (!known[side].has(unit)) known[side].set(unit, port(unit, side));
      return known[side].get(unit);
    };
    const link = (e) => {
      if (from[e] < 0 || to[e] < 0) return;
      const [a, b] = [place(from[e], 0), place(to[e], 1)];
      const key = a * 2 ** 24 + b;
      if (a === b) return;
      if (!links.has(key)) links.set(key, { a, b, values: new Set() });
      links.get(key).values.add(data.edges.value[e]);
    };
    if (!outer) from.forEach((_, e) => link(e));
    else
      for (let turn = start; turn < end; turn++) {
        // What a node with bodies takes and gives itself is its own affair, not that of the bodies.
        if (this.walk[turn] === content) continue;
        const i = this.walk[turn] - bases[1];
        if (i < 0) continue;
        data.outgoing(i).forEach(link);
        for (const e of data.incoming(i)) if (from[e] >= 0 && !inside(from[e])) link(e);
      }
    const pins = ports.flatMap((side, k) => [...new Set(side.values())].map((id) => ({ id, width: 2, height: 0, pin: k ? "bottom" : "top" })));
    return { items, ports, pins, place, links: [...links.values()], key: null, placed: null };
  }

  /** The level of `u` with its places and those of the levels open in it. */
  arrange(u, outer, open) {
    const level = this.level(u, outer);
    const nested = new Map();
    const nodes = level.items.map((item, id) => {
      const face = this.face(item);
      if (!face.opens.some((scope) => open.has(scope))) return { id, width: face.width, height: face.height };
      nested.set(id, this.arrange(item, level, open));
      return { id, width: nested.get(id).width, height: nested.get(id).height };
    });
    const key = [...nested.keys()].map((id) => `${id}:${nodes[id].width}:${nodes[id].height}`).join();
    if (level.key !== key) level.placed = layout([...nodes, ...level.pins], level.links.map(({ a, b }) => [a, b]), {}, level.placed?.net);
    level.key = key;
    const { placed, ports } = level;
    const face = outer && this.face(u);
    const head = face ? Math.min(this.measure(face.label, "label") + this.measure(face.sub, "sub") + 60, 320) : 0;
    const width = Math.max(placed.width + (outer ? 2 * PAD : 0), head);
    const top = outer && !ports[0].size ? HEAD : 0; // ports are on the border: the name is between them and the next row
    const height = placed.height + top + (outer && !ports[1].size ? PAD : 0);
    return { level, placed, nested, nodes, width, height, top, left: (width - placed.width) / 2 };
  }
}

function forestOf(data, measure) {
  const forest = forests.get(data) ?? new Forest(data);
  if (measure ? forest.measure !== measure : !forest.measure) {
    Object.assign(forest, { measure: measure ?? ((text) => 7 * text.length), faces: new Map() });
    for (const level of forest.levels.values()) level.key = null;
  }
  forests.set(data, forest);
  return forest;
}

/** The scopes to open so that 2 to 60 boxes are seen, and not one that holds nearly everything. */
export function firstOpen(data) {
  const [forest, open] = [forestOf(data), new Set()];
  let seen = forest.kids(0).filter((u) => u < forest.bases[2]);
  const all = forest.weight[0];
  for (;;) {
    const most = seen.reduce((best, u) => (forest.kids(u).length && forest.weight[u] > (forest.weight[best] ?? 0) ? u : best), -1);
    if (most < 0) return open;
    const kids = forest.kids(forest.face(most).content);
    const helps = seen.length < 2 || (kids.length > 1 && forest.weight[most] > Math.max(all / 2, 8) && seen.length < 20);
    if (!helps || (seen.length > 1 && seen.length + kids.length > EASY)) return open;
    for (const scope of forest.face(most).opens) open.add(scope);
    seen = [...seen.filter((u) => u !== most), ...kids];
  }
}

/** The scopes to open so that a node or scope has a box of its own. */
export function scopesAbove(data, kind, index) {
  const [forest, scopes] = [forestOf(data), []];
  for (let u = forest.parent[kind === "node" ? forest.bases[1] + index : index]; u > 0; u = forest.parent[u]) if (u < forest.bases[1]) scopes.push(u);
  return scopes;
}

/** The box that stands for a node or scope: its own, or the closed one around it. */
export function boxOf(data, scene, kind, index) {
  const forest = forestOf(data);
  let u = kind === "node" ? forest.bases[1] + index : index;
  while (u > 0 && !scene.byId.has(forest.id(u))) u = forest.parent[u];
  return scene.byId.get(forest.id(Math.max(u, 0))) ?? null;
}

/** All boxes and edges with their places, when the scopes in `open` are. */
export function buildScene(data, open, before = null, { measure } = {}) {
  const forest = forestOf(data, measure ?? before?.measure);
  const scene = { boxes: [], edges: [], byId: new Map(), measure };
  const whole = forest.arrange(0, null, open);
  spread(forest, whole, 0, 0, null, scene);
  const find = { boxes: null, edges: null };
  const visible = (...bounds) => {
    find.boxes ??= spanIndex(scene.boxes, ({ x, y, width, height }) => [x, y, x + width, y + height]);
    find.edges ??= spanIndex(scene.edges, boundsOf);
    return { boxes: find.boxes(...bounds), edges: find.edges(...bounds) };
  };
  return Object.assign(scene, { width: whole.width, height: whole.height, visible });
}

/** Put a level and all in it where it belongs in the whole. */
function spread(forest, { level, placed, nested, nodes, top, left }, x0, y0, around, scene) {
  const [dx, dy] = [x0 + left, y0 + top];
  level.items.forEach((item, k) => {
    const [face, { width, height }, { x, y }] = [forest.face(item), nodes[k], placed.nodes.get(k)];
    const { id, kind, index, label, sub, third, opens } = face;
    const [open, order] = [nested.has(k), scene.boxes.length];
    const [depth, parent] = around ? [around.depth + 1, around.id] : [0, ""];
    const [left, upper, sign] = [dx + x - width / 2, dy + y - height / 2, open ? "" : face.sign];
    const box = { id, kind, index, x: left, y: upper, width, height, depth, open, label, sub, third, sign, opens, order, parent };
    scene.boxes.push(box);
    scene.byId.set(id, box);
    if (opens.length) for (const unit of face.chain) scene.byId.set(forest.id(unit), box);
    if (open) spread(forest, nested.get(k), box.x, box.y, box, scene);
  });
  level.links.forEach(({ a, b, values }, k) => {
    const { points, long } = placed.edges[k];
    const line = points.map(([x, y]) => [dx + x, dy + y]);
    // Where the other side of a border goes on, seen from the middle of the box.
    const port = (end, side, other) => {
      const inner = nested.get(end);
      const id = inner?.level.ports[side].get(other) ?? inner?.level.ports[side].get(end); // the latter: results of a body
      return id === undefined ? null : dx + placed.nodes.get(end).x - inner.width / 2 + inner.left + inner.placed.nodes.get(id).x;
    };
    const into = port(b, 0, a);
    bend(line, port(a, 1, b), 1);
    bend(line.reverse(), into, -1);
    const idOf = (end) => (end < level.items.length ? forest.face(level.items[end]).id : around.id);
    const arrow = b < level.items.length && into === null; // it ends here
    const carried = [...values];
    scene.edges.push({ from: idOf(a), to: idOf(b), value: carried[0], values: carried, count: carried.length, points: line.reverse(), long, arrow });
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

function boundsOf({ points }) {
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    if (x < bounds[0]) bounds[0] = x;
    if (y < bounds[1]) bounds[1] = y;
    if (x > bounds[2]) bounds[2] = x;
    if (y > bounds[3]) bounds[3] = y;
  }
  return bounds;
}

/** What overlaps a rectangle: things are kept by y in shelves of 256, 1024 … pixels, each in shelves as high as it is. */
function spanIndex(things, boundsOfThing) {
  const sizes = new Map();
  things.forEach((thing, order) => {
    const bounds = boundsOfThing(thing);
    let size = 256;
    while (size < bounds[3] - bounds[1]) size *= 4;
    if (!sizes.has(size)) sizes.set(size, new Map());
    const shelves = sizes.get(size);
    const shelf = Math.floor(bounds[1] / size); // by its upper end: it reaches into the next shelf at most
    if (!shelves.has(shelf)) shelves.set(shelf, []);
    shelves.get(shelf).push({ thing, order, bounds });
  });
  return (x0, y0, x1, y1) => {
    const found = [];
    for (const [size, shelves] of sizes) {
      const [first, last] = [Math.floor(y0 / size) - 1, Math.floor(y1 / size)];
      const some = last - first > shelves.size ? shelves.keys() : Array.from({ length: last - first + 1 }, (_, k) => first + k);
      for (const shelf of some)
        for (const entry of shelves.get(shelf) ?? []) {
          const [a, b, c, d] = entry.bounds;
          if (a <= x1 && c >= x0 && b <= y1 && d >= y0) found.push(entry);
        }
    }
    return found.sort((a, b) => a.order - b.order).map(({ thing }) => thing);
  };
}

// What is not the same in two models: marks of boxes and lines, the stops of a walk, what values differ by.
//
// The page has one graph, the union of both. What only one of them has is known by its mark, so "the first model" is
// the union without what was added, and every view of it has the same places.

import { numbersOf, openData } from "./graph-data.js";

export const [ADDED, REMOVED, CHANGED, MOVED] = [1, 2, 3, 4];
const FEW_TAKERS = 8; // of one value; what more take is not near to all of them
export const WORDS = ["same", "added", "removed", "changed", "moved"];
export const SIGNS = ["", "+", "−", "~", "→"];

/** Write 0.0003125 as "3.1e-4", and 1 as "1". */
export const small = (number) => (number === null ? "not a number" : !number ? "0" : number < 0.001 || number >= 1e4 ? number.toExponential(1).replace(".0", "") : `${+number.toPrecision(2)}`);

function put(lists, key, one) {
  if (!lists.has(key)) lists.set(key, []);
  lists.get(key).push(one);
}

/** The same graph with what is unchanged folded away: other scopes, the same nodes. */
export function quietData({ columns }) {
  const { scopes, scope, colours } = columns.diff.quiet;
  return openData({ ...columns, scopes, nodes: { ...columns.nodes, scope }, ...(colours && { colours }) });
}

/** What a diff says of the nodes, edges and ends of `data`. */
export class Marks {
  constructor(data) {
    const { columns } = data;
    const { diff } = columns;
    this.names = diff.names;
    this.nodes = numbersOf(columns.nodes.mark);
    this.edges = numbersOf(columns.edges.mark);
    this.ends = { input: diff.inputs, output: diff.outputs };
    this.number = { a: numbersOf(diff.a), b: numbersOf(diff.b) };
    this.reason = numbersOf(diff.reason);
    this.other = numbersOf(diff.other);
    this.rows = rowsOf(data, diff.changes);
    this.weights = diff.weights;
    this.stops = stopsOf(data, this.nodes);
  }

  /** The mark of a box; of a scope that of all in it. */
  of(data, { kind, index }) {
    if (kind === "node") return this.nodes[index];
    return kind === "scope" ? data.scopes.marks(index).all : this.ends[kind][index];
  }

  /** The mark that all these edges have, else 0. */
  line(edges) {
    const [first] = edges;
    return edges.every((edge) => this.edges[edge] === this.edges[first]) ? this.edges[first] : 0;
  }

  /** The box of a link: "a12" and "b12" are nodes of the models, "w:NAME" is a weight, "m:PATH" a module. */
  box(data, key) {
    const [, side, index] = /^([ab])(\d+)$/.exec(key) ?? [];
    const of = (node) => (node === undefined || node < 0 ? null : `n${node}`);
    if (side) return of(this.number[side].indexOf(+index));
    if (key.startsWith("w:")) return of(this.weights.find(({ before }) => before === key.slice(2))?.nodes[0]);
    if (!key.startsWith("m:")) return key;
    for (let s = 0; s < data.scopes.count; s++) if (data.scopes.path(s) === key.slice(2)) return `s${s}`;
    return null;
  }

  weightsAt(node) {
    return this.weights.filter(({ nodes }) => nodes.includes(node));
  }
}

/** What changed at each node, as [what, before, after]. */
function rowsOf(data, changes) {
  const [node, ...said] = ["node", "what", "before", "after"].map((key) => numbersOf(changes[key]));
  const rows = new Map();
  node.forEach((i, at) => put(rows, i, said.map((numbers) => data.text(numbers[at]))));
  return rows;
}

/** Where a walk through the changes stops: each changed node, and what was added and removed in one place. */
function stopsOf({ edges, nodes }, marks) {
  const piece = Int32Array.from(marks, (_, i) => i);
  const root = (i) => {
    while (piece[i] !== i) i = piece[i] = piece[piece[i]];
    return i;
  };
  const join = (one, other) => {
    const [a, b] = [root(one), root(other)];
    piece[Math.max(a, b)] = Math.min(a, b);
  };
  const apart = (i) => i >= 0 && (marks[i] === ADDED || marks[i] === REMOVED);
  const taking = new Map();
  edges.from.forEach((from, e) => {
    const [to, value] = [edges.to[e], edges.value[e]];
    if (!apart(to)) return;
    if (apart(from)) join(from, to);
    else put(taking, value, to);
  });
  // What stands in the place of something takes what that took; what all layers take says nothing of their places.
  for (const takers of taking.values()) {
    const places = new Map();
    for (const i of takers) put(places, takers.length > FEW_TAKERS ? nodes.scope(i) : 0, i);
    for (const near of places.values())
      if (near.some((i) => marks[i] === REMOVED) && near.some((i) => marks[i] === ADDED)) for (const i of near) join(near[0], i);
  }
  const stops = new Map();
  marks.forEach((mark, i) => mark && put(stops, root(i), i));
  return [...stops.values()];
}

/** What the values of each node and scope differ by, against a tolerance that can be moved. */
export class Tolerance {
  constructor(data) {
    const { values } = data.columns.diff;
    Object.assign(this, { data, values, at: values.tolerance, nodes: numbersOf(values.node), sums: new WeakMap() });
    // What is no number is beyond any tolerance.
    this.rel = new Map([...this.nodes].map((node, k) => [node, values.rel[k] ?? Infinity]));
    this.place = new Map([...this.nodes].map((node, k) => [node, k]));
  }

  /** The worst in each scope of `data`. */
  worst(data) {
    if (!this.sums.has(data)) {
      const sums = new Float64Array(data.scopes.count).fill(-1);
      for (const [node, rel] of this.rel) for (let s = data.nodes.scope(node); s >= 0; s = data.scopes.parent(s)) sums[s] = Math.max(sums[s], rel);
      this.sums.set(data, sums);
    }
    return this.sums.get(data);
  }

  /** How a box is coloured: a step for each power of ten beyond the tolerance. */
  tint(data, { kind, index }) {
    const rel = kind === "node" ? this.rel.get(index) : kind === "scope" ? this.worst(data)[index] : undefined;
    if (rel === undefined || rel < 0) return null;
    if (rel <= this.at) return { fill: 0, mark: "", said: "values agree" };
    const fill = Math.min(1 + Math.floor(Math.log10(rel / this.at) + 1e-9), 7);
    return { fill, mark: "▁▂▃▄▅▆▇"[fill - 1], said: `values differ by ${small(rel)}` };
  }

  /** The nodes beyond the tolerance, in the order of the first model. */
  beyond() {
    return [...this.nodes].filter((node) => this.rel.get(node) > this.at);
  }
}

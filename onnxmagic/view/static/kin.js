// What a chosen box has to do with the others: what flows into it, what flows out of it, and what does neither.

const [UP, DOWN, SELF] = [1, 2, 4];

/** The kin of box `id`: `of(box)` is 0 where nothing flows between them, `style(edge)` the class of a line. */
export class Kin {
  constructor(data, scene, id) {
    const box = scene.byId.get(id);
    Object.assign(this, { scene, id, above: new Set() });
    for (let one = box.parent; one; one = scene.byId.get(one).parent) this.above.add(one);
    const values = (end) => new Set(scene.edges.filter((edge) => edge[end] === id).flatMap((edge) => edge.values));
    Object.assign(this, { taken: values("to"), given: values("from"), found: relate(data, box) });
  }

  of({ kind, index }) {
    return this.found[kind][index] ?? 0;
  }

  style({ from, to, values }) {
    if (from === this.id || to === this.id) return "om-near";
    // What the box takes and gives goes on through the borders of the boxes around it.
    if (this.above.has(to) && values.some((value) => this.taken.has(value))) return "om-near";
    if (this.above.has(from) && values.some((value) => this.given.has(value))) return "om-near";
    const [a, b] = [from, to].map((id) => this.of(this.scene.byId.get(id)));
    return (a & UP && b & (UP | SELF)) || (b & DOWN && a & (DOWN | SELF)) ? "" : "om-faint";
  }
}

/** UP, DOWN and SELF for each node, scope, input and output, seen from a box. */
function relate({ count, edges, nodes, scopes, inputs, outputs, incoming, outgoing }, { kind, index }) {
  const found = { node: new Uint8Array(count), scope: new Uint8Array(scopes.count), input: [], output: [] };
  const aboveNode = (i, act) => {
    for (let s = nodes.scope(i); s >= 0; s = scopes.parent(s)) act(s);
  };
  const own = [];
  if (kind === "node") own.push(index);
  else if (kind === "scope") for (let i = 0; i < count; i++) aboveNode(i, (s) => s === index && own.push(i));
  else edges.value.forEach((v, e) => v === { input: inputs, output: outputs }[kind][index] && own.push(Math.max(edges.from[e], edges.to[e])));
  const spread = (bit, edgesOf, end) => {
    const queue = own.filter((i) => i >= 0);
    for (const i of queue)
      for (const e of edgesOf(i)) {
        const next = edges[end][e];
        if (next < 0 || found.node[next] & bit) continue;
        found.node[next] |= bit;
        queue.push(next);
      }
  };
  if (kind !== "input") spread(UP, incoming, "from");
  if (kind !== "output") spread(DOWN, outgoing, "to");
  for (const i of own) if (i >= 0) found.node[i] |= { input: DOWN, output: UP }[kind] ?? SELF;
  found.node.forEach((bits, i) => bits && aboveNode(i, (s) => (found.scope[s] |= bits)));
  edges.value.forEach((v, e) => {
    if (edges.from[e] < 0 && found.node[edges.to[e]] & (UP | SELF)) found.input[inputs.indexOf(v)] = UP;
    if (edges.to[e] < 0 && found.node[edges.from[e]] & (DOWN | SELF)) found.output[outputs.indexOf(v)] = DOWN;
  });
  if (kind in { input: 1, output: 1 }) found[kind][index] = SELF;
  return found;
}

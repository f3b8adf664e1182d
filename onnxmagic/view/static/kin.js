// What a chosen box has to do with the others: what flows into it, what flows out of it, and what does neither.

/** The kin of box `id`: the ids of `boxes` that something flows from or to, and the style of an edge of the scene. */
export function kinOf(data, { byId }, id) {
  const { edges: { from, to, value }, nodes, scopes, inputs, outputs, incoming, outgoing, count } = data;
  const { kind, index } = byId.get(id);
  const [boxes, flows, near] = [new Set([id]), new Uint8Array(value.length), new Uint8Array(value.length)];
  const above = (i, act) => {
    for (let s = nodes.scope(i); s >= 0; s = scopes.parent(s)) act(s);
  };
  const own = new Set(kind === "node" ? [index] : []);
  if (kind === "scope") for (let i = 0; i < count; i++) above(i, (s) => s === index && own.add(i));
  /** Mark the edges that `edgesOf` gives from these nodes on, and what is at their other `end`. */
  const spread = (starts, edgesOf, end) => {
    const met = new Set(starts);
    for (const i of met)
      for (const e of edgesOf(i)) {
        flows[e] = 1;
        if (own.has(i) && !own.has(end[e])) near[e] = 1;
        if (end[e] >= 0) met.add(end[e]);
        else boxes.add(end === from ? `i${inputs.indexOf(value[e])}` : `o${outputs.indexOf(value[e])}`);
      }
    for (const i of met) {
      boxes.add(`n${i}`);
      above(i, (s) => boxes.add(`s${s}`));
    }
  };
  /** The nodes at one end of what a port of the graph stands for. */
  const atPort = (values, outer, end) => [...end].filter((i, e) => {
    near[e] ||= outer[e] < 0 && value[e] === values[index];
    return near[e] && i >= 0;
  });
  if (kind !== "input") spread(kind === "output" ? atPort(outputs, to, from) : own, incoming, from);
  if (kind !== "output") spread(kind === "input" ? atPort(inputs, from, to) : own, outgoing, to);
  const styleOf = ({ edges }) => {
    if (edges.some((e) => near[e])) return "om-near";
    return edges.some((e) => flows[e]) ? "" : "om-faint";
  };
  return { boxes, styleOf };
}

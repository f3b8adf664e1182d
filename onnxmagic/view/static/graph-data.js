// What a page knows of a model: columns of numbers, and the questions that a view asks of them.
//
// Nothing is made per node until somebody asks: 20,000 nodes stay a few typed arrays, and the page opens at once.

/** The data in a payload: base64 of deflated JSON. */
export async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return openData(JSON.parse(await new Response(stream).text()));
}

/** The numbers of a column; "delta" has the difference of each to the one before. */
function numbersOf(column, Type = Int32Array) {
  if (Array.isArray(column)) return Type.from(column);
  let last = 0;
  return Type.from(column.data, (step) => (last += step));
}

/** Texts come with their counters apart: "linear_7" is the pattern "linear_\0" and the step from the last such text. */
function textsOf(strings) {
  if (Array.isArray(strings)) return strings;
  const patterns = strings.patterns.map((pattern) => pattern.split("\0"));
  const last = patterns.map((pieces) => Array(pieces.length).fill(0));
  const step = numbersOf(strings.step, Float64Array);
  let at = 0;
  return Array.from(numbersOf(strings.pattern), (p) => patterns[p].reduce((text, piece, k) => text + (last[p][k] += step[at++]) + piece));
}

/** Lists of neighbours in two flat arrays: those of `i` are list[start[i]] up to, not with, list[start[i + 1]]. */
export function neighbourLists(count, from, to) {
  const start = new Int32Array(count + 1);
  for (let e = 0; e < from.length; e++) if (from[e] >= 0) start[from[e] + 1]++;
  for (let i = 0; i < count; i++) start[i + 1] += start[i];
  const [list, next] = [new Int32Array(start[count]), start.slice()];
  for (let e = 0; e < from.length; e++) if (from[e] >= 0) list[next[from[e]]++] = to[e];
  return { start, list, of: (i) => list.subarray(start[i], start[i + 1]) };
}

/** Write 1234567 as "1.2 M". */
export function shortCount(number) {
  const step = [1e12, 1e9, 1e6, 1e3].findIndex((size) => number >= size);
  if (step < 0) return String(number);
  const value = number / 10 ** (12 - 3 * step);
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${"TGMk"[step]}`;
}

/** The questions that can be asked of `columns`, the payload's JSON. */
export function openData(columns) {
  if (columns.v !== 1) throw Error("this graph was written by another version of onnxmagic");
  const { name, source, inputs, outputs, findings = [] } = columns;
  const strings = textsOf(columns.strings);
  const read = (table, Type, ...keys) => keys.map((key) => numbersOf(columns[table][key], Type));
  const text = (numbers) => (i) => strings[numbers[i]] ?? "";
  const every = (list) => Int32Array.from(list, (_, i) => i);
  const [op, domain, nodeName, attrs, line, scope] = read("nodes", Int32Array, "op", "domain", "name", "attrs", "line", "scope");
  const [scopeName, cls, kind, parent, owner] = read("scopes", Int32Array, "name", "cls", "kind", "parent", "owner");
  const [valueName, type] = read("values", Int32Array, "name", "type");
  const [from, to, value] = read("edges", Int32Array, "from", "to", "value");
  const [of, weightName, weightType, weightBytes] = read("weights", Float64Array, "of", "name", "type", "bytes");
  const [params, flops, bytes] = read("cost", Float64Array, "params", "flops", "bytes");
  const [leaving, arriving] = [neighbourLists(op.length, from, every(from)), neighbourLists(op.length, to, every(to))];
  const [inScope, below] = [neighbourLists(parent.length, scope, every(scope)), neighbourLists(parent.length, parent, every(parent))];
  const used = neighbourLists(op.length, of, every(of));
  const costOf = (i) => ({ params: params[i], bytes: bytes[i], flops: flops[i], unknown: Number(flops[i] < 0), size: 1 });

  const sums = Array.from(parent, () => ({ params: 0, bytes: 0, flops: 0, unknown: 0, size: 0 }));
  const add = (sum, cost) => Object.keys(sum).forEach((key) => (sum[key] += Math.max(cost[key], 0)));
  scope.forEach((s, i) => add(sums[s], costOf(i)));
  // Parents stand before their children, so a scope is complete when its turn comes.
  for (let s = parent.length; --s > 0; ) add(sums[parent[s]], sums[s]);
  for (const sum of sums) if (sum.unknown === sum.size) sum.flops = -1;

  /** Of each scope the edge by which its last node gives something away: what it is for. */
  const gives = new Int32Array(parent.length).fill(-1);
  from.forEach((i, e) => {
    if (i < 0) return;
    for (let s = scope[i], other = to[e] < 0 ? 0 : scope[to[e]]; s !== other; )
      if (s < other) other = parent[other];
      else {
        if (gives[s] < 0 || from[gives[s]] < i) gives[s] = e;
        s = parent[s];
      }
  });

  /** As Python has it: a module keeps its own path where a block was put around it. */
  function path(s) {
    if (s <= 0) return "";
    let around = parent[s];
    if (text(kind)(s) !== "block") while (text(kind)(around) === "block") around = parent[around];
    return [path(around), text(scopeName)(s)].filter(Boolean).join(".");
  }

  /** Nodes and scopes in which `wanted` is found: name, operator, class, module, shape. */
  function search(wanted, most = 5000) {
    const low = wanted.trim().toLowerCase();
    const [hit, found] = [strings.map((one) => one.toLowerCase().includes(low)), []];
    const inPath = (s) => low.includes(".") && path(s).toLowerCase().includes(low);
    for (let s = 1; low && s < parent.length && found.length < most; s++)
      if (hit[scopeName[s]] || hit[cls[s]] || inPath(s)) found.push({ kind: "scope", index: s });
    for (let i = 0; low && i < op.length && found.length < most; i++)
      if (hit[op[i]] || hit[nodeName[i]] || leaving.of(i).some((e) => hit[type[value[e]]] || hit[valueName[value[e]]])) found.push({ kind: "node", index: i });
    return found;
  }

  return {
    name, source, inputs, outputs, findings, search, count: op.length, edges: { from, to, value },
    nodes: { op: text(op), domain: text(domain), name: text(nodeName), attrs: text(attrs), line: text(line), scope: (i) => scope[i] },
    scopes: {
      name: text(scopeName), cls: text(cls), kind: text(kind), path, count: parent.length,
      parent: (s) => parent[s], owner: (s) => owner[s], size: (s) => sums[s].size,
      children: (s) => [...below.of(s)], nodesOf: (s) => [...inScope.of(s)],
      output: (s) => (gives[s] < 0 ? "" : text(type)(value[gives[s]])),
    },
    values: { name: text(valueName), type: text(type) },
    outgoing: leaving.of, incoming: arriving.of,
    weightsOf: (i) => Array.from(used.of(i), (w) => ({ name: text(weightName)(w), type: text(weightType)(w), bytes: weightBytes[w] })),
    cost: { node: costOf, scope: (s) => sums[s] },
    findingsOf: (i) => findings.filter(({ node }) => node === i),
  };
}

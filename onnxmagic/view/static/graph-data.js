// What a page knows of a model: columns of numbers, and the questions that a view asks of them.
//
// Nothing is made per node until somebody asks: 20,000 nodes stay a few typed arrays, and the page opens at once.

const TEXTS = new Set(["op", "domain", "name", "attrs", "line", "cls", "kind", "path", "gives", "type"]);

/** The data in a payload: base64 of deflated JSON. */
export async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return openData(await new Response(stream).json());
}

/** The numbers of a column; one with `data` has the difference of each to the one before. */
export function numbersOf(column) {
  const given = column.data ?? column;
  const numbers = new Float64Array(given.length);
  for (let k = 0, last = 0; k < given.length; k++) numbers[k] = last = column.data ? last + given[k] : given[k];
  return numbers;
}

/** Texts come with their counters apart: "linear_7" is the pattern "linear_\0" and the step from the last of these. */
function textsOf(strings) {
  if (Array.isArray(strings)) return strings;
  const patterns = strings.patterns.map((pattern) => pattern.split("\0"));
  const last = patterns.map((parts) => parts.map(() => 0));
  const steps = numbersOf(strings.step);
  let at = 0;
  const text = (p) => patterns[p].reduce((made, part, k) => made + (last[p][k] += steps[at++]) + part);
  return Array.from(numbersOf(strings.pattern), text);
}

/** For each of `count` things the indices e whose `ends[e]` it is. */
function listsOf(count, ends) {
  const lists = Array.from({ length: count }, () => []);
  ends.forEach((end, e) => end >= 0 && lists[end].push(e));
  return lists;
}

/** Write 1234567 as "1.2 M", with a unit behind it; less than nothing is not known. */
export function amount(number, unit = "") {
  if (number < 0) return "not known";
  const step = [1e12, 1e9, 1e6, 1e3].findIndex((size) => number >= size);
  if (step < 0) return unit ? `${number} ${unit}` : `${number}`;
  const value = number / 1000 ** (4 - step);
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${"TGMk"[step]}${unit}`;
}

/** The questions that can be asked of `columns`, the payload's JSON. */
export function openData(columns) {
  if (columns.v !== 1) throw Error("this graph was written by another version of onnxmagic");
  const strings = textsOf(columns.strings);
  /** A table with a function for each column; `unknown` are columns that it may be without. */
  const read = (table, unknown) => {
    const entries = Object.entries(columns[table]).map(([key, column]) => {
      const numbers = numbersOf(column);
      return [key, TEXTS.has(key) ? (i) => strings[numbers[i]] ?? "" : (i) => numbers[i]];
    });
    return { ...unknown, ...Object.fromEntries(entries) };
  };
  const none = () => 0;
  const nodes = read("nodes", { mark: none });
  const scopes = read("scopes", { path: () => "", gives: () => "", params: none, flops: none, bytes: none });
  const [values, weights, cost] = [read("values"), read("weights"), read("cost")];
  const [from, to, value] = ["from", "to", "value"].map((key) => numbersOf(columns.edges[key]));
  const [count, many] = [numbersOf(columns.nodes.op).length, numbersOf(columns.scopes.parent).length];
  const scopeOf = Float64Array.from({ length: count }, (_, i) => nodes.scope(i));
  const [outgoing, incoming, inScope] = [listsOf(count, from), listsOf(count, to), listsOf(many, scopeOf)];
  const below = listsOf(many, numbersOf(columns.scopes.parent));
  const used = listsOf(count, numbersOf(columns.weights.of));
  const findings = columns.findings ?? [];
  const costOf = ({ params, bytes, flops }) => (i) => ({ params: params(i), bytes: bytes(i), flops: flops(i) });

  /** Of each scope how many nodes below are marked, and the mark that all of them have. */
  const marks = Array.from({ length: many }, () => ({ count: 0 }));
  if (columns.nodes.mark)
    for (let i = 0; i < count; i++)
      for (let s = nodes.scope(i), mark = nodes.mark(i); s >= 0; s = scopes.parent(s)) {
        marks[s].all = (marks[s].all ?? mark) === mark ? mark : 0;
        marks[s].count += mark > 0;
      }

  /** Nodes and scopes in which `wanted` is found: name, operator, class, module, shape. */
  function search(wanted, most = 5000) {
    const [low, found] = [wanted.trim().toLowerCase(), []];
    const hits = new Set(low && strings.filter((text) => text.toLowerCase().includes(low)));
    const look = (kind, first, end, textsOfOne) => {
      for (let index = first; index < end && hits.size && found.length < most; index++)
        if (textsOfOne(index).some((text) => hits.has(text))) found.push({ kind, index });
    };
    // A path has the names of all that it is in.
    look("scope", 1, many, (s) => [scopes.name(s), scopes.cls(s), low.includes(".") && scopes.path(s)]);
    const given = (e) => [values.name(value[e]), values.type(value[e])];
    look("node", 0, count, (i) => [nodes.op(i), nodes.name(i), ...outgoing[i].flatMap(given)]);
    return found;
  }

  const { name, source, inputs, outputs, colours = {} } = columns;
  const paint = ({ nodes: ofNodes, scopes: ofScopes, ...legend }) =>
    ({ ...legend, fills: { node: numbersOf(ofNodes), scope: numbersOf(ofScopes) } });
  return {
    columns, text: (k) => strings[k], name, source, inputs, outputs, findings, search, count, nodes, values,
    edges: { from, to, value },
    scopes: { ...scopes, count: many, children: (s) => below[s], nodesOf: (s) => inScope[s], marks: (s) => marks[s] },
    outgoing: (i) => outgoing[i], incoming: (i) => incoming[i],
    weightsOf: (i) => used[i].map((w) => ({ name: weights.name(w), type: weights.type(w), bytes: weights.bytes(w) })),
    cost: { node: costOf(cost), scope: costOf(scopes) },
    colours: Object.fromEntries(Object.entries(colours).map(([mode, all]) => [mode, paint(all)])),
    findingsOf: (i) => findings.filter(({ node }) => node === i),
  };
}

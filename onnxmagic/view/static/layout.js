// A layered layout: boxes in rows, what flows goes down, lines keep out of boxes.
//
// Sugiyama's method made nearly linear: rows by longest path, pulled tight; barycentre sweeps; x by Brandes and Köpf,
// whose blocks stay straight however long. A short edge has a place in each row that it passes, a long one runs in a
// lane beside the rows, with all long edges of its source. Only x and y depend on sizes: a box that opens leaves the
// order of everything as it was. Nothing recurses, a chain may be long. graph/layout.py is the same in Python.

const SPACING = { nodeGap: 24, edgeGap: 14, rankGap: 40, laneGap: 12, maxSpan: 24 };

const most = (list, of) => list.reduce((best, one, k) => Math.max(best, of(one, k)), -Infinity);
const least = (list, of) => -most(list, (one, k) => -of(one, k));
const meanOf = (list, of) => list.reduce((sum, one) => sum + of[one], 0) / list.length;

/** What follows each of `count` things, and what stands before it. */
function bothWays(count, pairs) {
  const [after, before] = [0, 0].map(() => Array.from({ length: count }, () => []));
  for (const [u, v] of pairs) {
    after[u].push(v);
    before[v].push(u);
  }
  return [after, before];
}

/**
 * Place `nodes` [{id, width, height, pin?}] joined by `edges` [[from, to]]; `pin`, "top" or "bottom", is a row apart.
 * Gives {width, height, nodes: Map of id to its centre {x, y}, edges: [{from, to, points, long}]}, each pair once, and
 * `net`: given back with the same nodes and edges, in other sizes, it saves most of the work.
 */
export function layout(nodes, edges, options, net) {
  const gaps = { ...SPACING, ...options };
  net ??= orderRows(netOf(nodes, edges, gaps));
  net.half = net.rowOf.map((_, v) => (v < net.n ? nodes[v].width + gaps.nodeGap : gaps.edgeGap) / 2);
  return { ...linesOf(nodes, net, settled(net), gaps), net };
}

/** Rows, edges as indices, and the places in the rows: nodes first, then where edges pass. */
function netOf(nodes, edges, { maxSpan }) {
  const n = nodes.length;
  const index = new Map(nodes.map(({ id }, i) => [id, i]));
  const inside = edges.map(([a, b]) => [index.get(a), index.get(b)]).filter(([u, v]) => u >= 0 && v >= 0 && u !== v);
  const ends = [...new Map(inside.map(([u, v]) => [u * n + v, [u, v]])).values()];

  // Kahn's order; where a cycle leaves nobody free, the first node left is next, and what leads back to it is no row's.
  const [out, into] = bothWays(n, ends);
  const [queue, turn, waiting] = [[], Array(n).fill(-1), into.map((all) => all.length)];
  const enter = (u) => (turn[u] = queue.push(u) - 1);
  waiting.forEach((count, u) => count || enter(u));
  for (let head = 0, scan = 0; head < n; head++) {
    while (head === queue.length) turn[scan] < 0 ? enter(scan) : scan++;
    for (const v of out[queue[head]]) if (!--waiting[v] && turn[v] < 0) enter(v);
  }
  const onward = ([u, v]) => turn[v] > turn[u];
  const [next, prior] = bothWays(n, ends.filter(onward));

  // What hangs on one consumer alone, with all above it, sinks to it; so does what that saves length of edges.
  const [rowOf, hangs, first] = [nodes.map(() => 0), [], Number(nodes.some(({ pin }) => pin === "top"))];
  for (const u of queue) {
    rowOf[u] = nodes[u].pin === "top" ? 0 : Math.max(rowOf[u], first);
    hangs[u] = !nodes[u].pin && prior[u].every((p) => hangs[p] && next[p].length === 1);
    for (const v of next[u]) rowOf[v] = Math.max(rowOf[v], rowOf[u] + 1);
  }
  const last = most(nodes, ({ pin }, u) => rowOf[u] + (pin === "bottom" ? 0 : 1));
  for (const u of queue.toReversed()) {
    const sinks = !nodes[u].pin && next[u].length > (hangs[u] ? 0 : prior[u].length);
    if (nodes[u].pin === "bottom") rowOf[u] = last;
    else if (sinks) rowOf[u] = least(next[u], (v) => rowOf[v]) - 1;
  }

  const spans = ends.map((pair) => (onward(pair) ? rowOf[pair[1]] - rowOf[pair[0]] : Infinity));
  while (spans.reduce((sum, span) => sum + (span <= maxSpan ? span - 1 : 0), 0) > 2e5) maxSpan >>= 1;
  const steps = [];
  const chains = ends.map(([u, v], e) => {
    if (spans[e] > maxSpan) return null;
    const chain = [];
    for (let row = rowOf[u] + 1; row < rowOf[v]; row++) chain.push(rowOf.push(row) - 1);
    [u, ...chain].forEach((end, k) => steps.push([end, chain[k] ?? v]));
    return chain;
  });
  const [down, up] = bothWays(rowOf.length, steps);
  return { n, ends, chains, rowOf, down, up };
}

/** Give the net its rows, left to right, and `at`, the number of each place there: the best of some sweeps. */
function orderRows(net) {
  const { n, rowOf, down, up } = net;
  const [at, key, met, size] = [[], [], [], rowOf.length];
  const rows = Array.from({ length: n && most(rowOf, (row) => row + 1) }, () => []);
  const number = (row) => row.forEach((v, i) => (at[v] = i));
  // At first as a walk from the sources meets them: what belongs together stands together.
  for (const start of [...Array(n).keys()].sort((a, b) => rowOf[a] - rowOf[b]))
    for (const stack = [start]; stack.length; ) {
      const v = stack.pop();
      if (met[v]) continue;
      met[v] = rows[rowOf[v]].push(v);
      for (const w of down[v]) stack.push(w);
    }
  rows.forEach(number);
  let [best, fewest] = [rows.map((row) => [...row]), crossings(rows, at, down)];
  for (let sweep = 0, patience = 4; patience > 0 && fewest && sweep < 24; sweep++) {
    const [near, tie] = [sweep % 2 ? down : up, sweep % 4 > 1 ? -1 : 1];
    for (const row of sweep % 2 ? rows.toReversed() : rows) {
      for (const v of row) key[v] = near[v].length ? meanOf(near[v], at) : at[v];
      number(row.sort((a, b) => key[a] - key[b] || tie * (at[a] - at[b])));
    }
    // Where nearly everything is joined to everything, swapping takes long and gains nothing.
    if (size < 3000 && down.flat().length < 4 * size) exchange(rows, at, [up, down]);
    const now = crossings(rows, at, down);
    patience = now < fewest ? 4 : patience - (size > 8000 ? 4 : 1);
    if (now < fewest) [best, fewest] = [rows.map((row) => [...row]), now];
  }
  best.forEach(number);
  return Object.assign(net, { rows: best, at });
}

/** How many edges cross: a Fenwick tree for each pair of rows counts the ends met so far. */
function crossings(rows, at, down) {
  let total = 0;
  rows.slice(1).forEach((lower, r) => {
    const tree = new Int32Array(lower.length + 1);
    let met = 0;
    for (const v of rows[r]) {
      total += met * down[v].length;
      for (const w of down[v]) for (let k = at[w] + 1; k > 0; k -= k & -k) total -= tree[k];
      for (const w of down[v]) for (let k = at[w] + 1; k < tree.length; k += k & -k) tree[k]++;
      met += down[v].length;
    }
  });
  return total;
}

/** Swap neighbours in a row wherever that undoes crossings. */
function exchange(rows, at, sides) {
  for (let round = 0, gained = true; gained && round < 6; round++) {
    gained = false;
    for (const row of rows)
      for (let i = 1; i < row.length; i++) {
        const [v, w] = [row[i - 1], row[i]];
        let gain = 0;
        for (const near of sides) for (const a of near[v]) for (const b of near[w]) gain += Math.sign(at[a] - at[b]);
        if (gain > 0) [row[i - 1], row[i], at[v], at[w], gained] = [w, v, i, i - 1, true];
      }
  }
}

/** Brandes and Köpf: the middle of four ways to align each place with a median neighbour; relaxed where that drifts. */
function settled(net) {
  const { rows, at, up, down, half } = net;
  for (const near of [up, down]) for (const all of near) all.sort((a, b) => at[a] - at[b]);
  const ways = [0, 1, 2, 3].map((way) => aligned(net, way < 2, way % 2 ? -1 : 1));
  const spanOf = (x) => [least(x, (one, v) => one - half[v]), most(x, (one, v) => one + half[v])];
  const wide = ([a, b]) => b - a;
  const spans = ways.map(spanOf);
  const narrow = spans.reduce((best, span) => (wide(span) < wide(best) ? span : best));
  const x = half.map((_, v) => {
    const four = ways.map((way, k) => way[v] + narrow[k % 2] - spans[k][k % 2]).sort((a, b) => a - b);
    return (four[1] + four[2]) / 2;
  });
  const widest = most(rows, (row) => row.reduce((sum, v) => sum + 2 * half[v], 0));
  return wide(spanOf(x)) > 3 * widest + 1000 ? relaxed(net, 1.2 * widest) : x;
}

/** One way: blocks aligned downwards or upwards, packed to the left (`side` 1) or the right (-1). */
function aligned({ rows, at, up, down, half }, downwards, side) {
  const near = downwards ? up : down;
  const ordered = rows.map((row) => (side > 0 ? row : row.toReversed()));
  const root = half.map((_, v) => v);
  const ring = [...root]; // the next of the same block
  for (const row of downwards ? ordered : ordered.toReversed()) {
    let bound = -Infinity;
    for (const v of row) {
      const middle = (near[v].length - 1) / 2;
      const medians = near[v].slice(Math.floor(middle), Math.ceil(middle) + 1);
      for (const u of side > 0 ? medians : medians.reverse()) {
        if (ring[v] !== v || side * at[u] <= bound) continue;
        bound = side * at[u];
        ring[v] = root[v] = root[u];
        ring[u] = v;
      }
    }
  }
  // A block stands beside those before its members: the longest path, in Kahn's order. Then it moves to what follows.
  const [follows, waiting, x] = [[], half.map(() => 0), half.map(() => 0)];
  for (const row of ordered)
    row.slice(1).forEach((v, i) => {
      follows[row[i]] = v;
      waiting[root[v]]++;
    });
  const beside = (block, see) => {
    let v = block;
    do if (follows[v] >= 0) see(root[follows[v]], half[v] + half[follows[v]]);
    while ((v = ring[v]) !== block);
  };
  const queue = root.filter((block, v) => block === v && !waiting[v]);
  for (const block of queue) // which grows meanwhile
    beside(block, (other, gap) => {
      x[other] = Math.max(x[other], x[block] + gap);
      if (!--waiting[other]) queue.push(other);
    });
  for (const block of queue.toReversed()) {
    let room = Infinity;
    beside(block, (other, gap) => (room = Math.min(room, x[other] - gap)));
    if (room < Infinity) x[block] = Math.max(x[block], room);
  }
  return root.map((block) => side * x[block]);
}

/** Rows drawn to their neighbours' middles within `width`: less straight, but it cannot drift. */
function relaxed({ rows, up, down, half }, width) {
  const x = half.map(() => 0);
  for (let pass = 0; pass < 8; pass++)
    for (const row of pass % 2 ? rows.toReversed() : rows) {
      const near = pass % 2 ? down : up;
      const want = row.map((v) => (near[v].length ? meanOf(near[v], x) : x[v]));
      const room = row.map((v, i) => half[v] + (i ? half[row[i - 1]] : 0));
      const [right, left, end] = [[], [], width / 2 - half[row.at(-1)]];
      want.forEach((one, i) => (right[i] = Math.max(one, i ? right[i - 1] + room[i] : room[0] - width / 2)));
      for (let i = row.length; i--; ) left[i] = Math.min(want[i], i + 1 < row.length ? left[i + 1] - room[i + 1] : end);
      // The middle of both is in order; then the ends of the row are held within the width.
      for (let i = row.length, bound = end; i--; bound = x[row[i]] - room[i])
        x[row[i]] = Math.min((left[i] + right[i]) / 2, bound);
      row.forEach((v, i) => (x[v] = Math.max(x[v], (i ? x[row[i - 1]] : -width / 2) + room[i])));
    }
  return x;
}

/** Everything in its place, the left and upper end at 0. */
function linesOf(nodes, { n, ends, chains, rowOf, rows, half }, x, { nodeGap, rankGap, laneGap }) {
  const [top, bottom] = [[], []];
  rows.forEach((row, r) => {
    top[r] = r ? bottom[r - 1] + rankGap : 0;
    bottom[r] = top[r] + most(row, (v) => (v < n ? nodes[v].height : 0));
  });
  const border = (v, side) => x[v] + side * (half[v] - (v < n ? nodeGap / 2 : 0));
  const sides = [rows.map((row) => border(row[0], -1)), rows.map((row) => border(row.at(-1), 1))];
  const lanes = lanesBeside(ends, chains, rowOf, x, sides, laneGap);
  const start = least(sides[0], (one) => one);
  const middle = (v) => (top[rowOf[v]] + bottom[rowOf[v]]) / 2;
  const lines = ends.map(([u, v], e) => {
    const [lane, below, above] = [lanes[e], bottom[rowOf[u]], top[rowOf[v]]];
    const points = [[x[u], middle(u) + nodes[u].height / 2], [x[u], below]];
    const [out, into] = lane ? [below + rankGap * lane.part, above - rankGap * lane.part] : [];
    if (lane) points.push([x[u], out], [lane.x, out], [lane.x, into], [x[v], into]);
    else for (const d of chains[e]) points.push([x[d], top[rowOf[d]]], [x[d], bottom[rowOf[d]]]);
    points.push([x[v], above], [x[v], middle(v) - nodes[v].height / 2]);
    return { from: nodes[u].id, to: nodes[v].id, points: bendsOf(points, start), long: Boolean(lane) };
  });
  const places = new Map(nodes.map(({ id }, v) => [id, { x: x[v] - start, y: middle(v) }]));
  return { width: n && most(sides[1], (one) => one) - start, height: bottom.at(-1) ?? 0, nodes: places, edges: lines };
}

/** Points without repeats and without those in the middle of a straight part. */
function bendsOf(points, start) {
  const kept = [];
  for (const [px, y] of points) {
    const [x, last, before] = [px - start, kept.at(-1), kept.at(-2)];
    if (last?.[0] === x && last[1] === y) continue;
    if (before && ((before[0] === last[0] && last[0] === x) || (before[1] === last[1] && last[1] === y))) kept.pop();
    kept.push([x, y]);
  }
  return kept;
}

/** A lane for each source of long edges, as near to the rows it passes as they let it; the shortest are innermost. */
function lanesBeside(ends, chains, rowOf, x, sides, laneGap) {
  const [bySource, lanes] = [new Map(), []];
  ends.forEach(([u, v], e) => {
    if (chains[e]) return;
    const back = rowOf[u] >= rowOf[v];
    const [first, last] = back ? [rowOf[v], rowOf[u]] : [rowOf[u] + 1, Math.max(rowOf[v] - 1, rowOf[u] + 1)];
    const key = back ? -1 - u : u;
    const lane = bySource.get(key) ?? { edges: 0, first, last, ends: 0 };
    bySource.set(key, (lanes[e] = lane));
    [lane.first, lane.last] = [Math.min(lane.first, first), Math.max(lane.last, last)];
    lane.edges++;
    lane.ends += (x[u] + x[v]) / 2;
  });
  [...bySource.values()].sort((a, b) => a.last - a.first - b.last + b.first).forEach((lane, k) => {
    const passed = sides.map((side) => side.slice(lane.first, lane.last + 1));
    const [left, right] = [least(passed[0], (one) => one), most(passed[1], (one) => one)];
    const toLeft = (2 * lane.ends) / lane.edges < left + right;
    lane.x = toLeft ? left - laneGap : right + laneGap;
    sides[toLeft ? 0 : 1].fill(lane.x, lane.first, lane.last + 1);
    lane.part = 0.2 + 0.15 * (k % 5);
  });
  return lanes;
}

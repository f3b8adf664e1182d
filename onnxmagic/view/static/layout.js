// A layered layout: boxes in rows, what flows goes down, lines keep out of boxes.
//
// Sugiyama's method made nearly linear: rows by longest path, pulled tight; barycentre sweeps; x by Brandes and Köpf,
// whose blocks stay straight however long. A short edge has a place in each row that it passes, a long one runs in a
// lane beside the rows, with all long edges of its source. Only x and y depend on sizes: a box that opens leaves the
// order of everything as it was. Nothing recurses, a chain may be long. graph/layout.py is the same in Python.

import { neighbourLists } from "./graph-data.js";

const SPACING = { nodeGap: 24, edgeGap: 14, rankGap: 40, laneGap: 12, maxSpan: 24 };

/**
 * Place `nodes` [{id, width, height, pin?}] joined by `edges` [[from, to]]; `pin` is "top" or "bottom", for a row apart.
 * Gives {width, height, nodes: Map of id to its centre {x, y}, edges: [{from, to, points, long}]}, each pair once, and
 * `net`: given back with the same nodes and edges, in other sizes, it saves most of the work.
 */
export function layout(nodes, edges, options, net) {
  const gaps = { ...SPACING, ...options };
  net ??= orderRows(netOf(nodes, edges, gaps));
  net.half = Float64Array.from(net.rowOf, (_, v) => (v < net.n ? nodes[v].width + gaps.nodeGap : gaps.edgeGap) / 2);
  return { ...linesOf(nodes, net, settled(net), gaps), net };
}

/** Rows, edges as indices, and the places in the rows: nodes first, then where edges pass. */
function netOf(nodes, pairs, { maxSpan }) {
  const n = nodes.length;
  const [index, met] = [new Map(nodes.map(({ id }, i) => [id, i])), new Map()];
  for (const [a, b] of pairs) {
    const [u, v] = [index.get(a), index.get(b)];
    if (u >= 0 && v >= 0 && u !== v) met.set(u * n + v, [u, v]);
  }
  const ends = [...met.values()];
  const [from, to] = [ends.map(([u]) => u), ends.map(([, v]) => v)];
  const [out, into] = [neighbourLists(n, from, to), neighbourLists(n, to, from)];
  // Kahn's order; where a cycle leaves nobody free, the first node left is next, and what points back to it is no row's.
  const [queue, turn, waiting] = [[], new Int32Array(n).fill(-1), Int32Array.from(nodes, (_, i) => into.of(i).length)];
  const enter = (u) => (turn[u] = queue.push(u) - 1);
  for (let i = 0; i < n; i++) if (!waiting[i]) enter(i);
  for (let head = 0, scan = 0; head < n; head++) {
    while (head === queue.length) turn[scan] < 0 ? enter(scan) : scan++;
    for (const v of out.of(queue[head])) if (!--waiting[v] && turn[v] < 0) enter(v);
  }
  const next = (u) => out.of(u).filter((v) => turn[v] > turn[u]);
  const prior = (v) => into.of(v).filter((u) => turn[v] > turn[u]);

  // What hangs on one consumer alone, with all above it, sinks to it; so does what that saves length of edges.
  const [rowOf, hangs, first] = [nodes.map(() => 0), [], Number(nodes.some(({ pin }) => pin === "top"))];
  for (const u of queue) {
    rowOf[u] = nodes[u].pin === "top" ? 0 : Math.max(rowOf[u], first);
    hangs[u] = !nodes[u].pin && prior(u).every((p) => hangs[p] && next(p).length === 1);
    for (const v of next(u)) rowOf[v] = Math.max(rowOf[v], rowOf[u] + 1);
  }
  const last = nodes.reduce((most, { pin }, i) => Math.max(most, rowOf[i] + (pin === "bottom" ? 0 : 1)), 0);
  for (const u of queue.toReversed()) {
    if (nodes[u].pin === "bottom") rowOf[u] = last;
    const below = nodes[u].pin ? [] : next(u);
    if (below.length > (hangs[u] ? 0 : prior(u).length)) rowOf[u] = below.reduce((least, v) => Math.min(least, rowOf[v]), Infinity) - 1;
  }

  const spans = ends.map(([u, v]) => (turn[v] > turn[u] ? rowOf[v] - rowOf[u] : Infinity));
  while (spans.reduce((sum, span) => sum + (span <= maxSpan ? span - 1 : 0), 0) > 2e5) maxSpan >>= 1;
  const [above, below, chains] = [[], [], []];
  ends.forEach(([u, v], e) => {
    chains[e] = spans[e] <= maxSpan ? [] : null;
    if (!chains[e]) return;
    let end = u;
    for (let row = rowOf[u] + 1; row < rowOf[v]; row++) {
      chains[e].push(rowOf.length);
      above.push(end);
      below.push((end = rowOf.length));
      rowOf.push(row);
    }
    above.push(end);
    below.push(v);
  });
  const [down, up] = [neighbourLists(rowOf.length, above, below), neighbourLists(rowOf.length, below, above)];
  return { n, ends, chains, rowOf, down, up, size: rowOf.length };
}

// ---------------------------------------------------------------- order in a row

/** Give the net its rows, left to right, and `at`, the number of each place there: the best of some sweeps. */
function orderRows(net) {
  const { n, size, rowOf, down, up } = net;
  const [at, key, met, stack] = [new Float64Array(size), new Float64Array(size), [], []];
  let rows = Array.from({ length: rowOf.reduce((most, row) => Math.max(most, row + 1), 0) }, () => []);
  const number = () => rows.forEach((row) => row.forEach((v, i) => (at[v] = i)));
  // At first as a walk from the sources meets them: what belongs together stands together.
  for (const start of [...Array(n).keys()].sort((a, b) => rowOf[a] - rowOf[b]))
    for (stack.push(start); stack.length; ) {
      const v = stack.pop();
      if (met[v]) continue;
      met[v] = rows[rowOf[v]].push(v);
      for (let k = down.start[v]; k < down.start[v + 1]; k++) stack.push(down.list[k]);
    }
  number();
  let [best, least] = [rows.map((row) => [...row]), crossings(rows, at, down)];
  for (let sweep = 0, patience = 4; patience > 0 && least && sweep < 24; sweep++) {
    const [{ start, list }, tie] = [sweep % 2 ? down : up, sweep % 4 > 1 ? -1 : 1];
    for (const row of sweep % 2 ? rows.toReversed() : rows) {
      if (row.length < 2) continue;
      for (const v of row) {
        key[v] = 0;
        for (let k = start[v]; k < start[v + 1]; k++) key[v] += at[list[k]];
        key[v] = start[v] < start[v + 1] ? key[v] / (start[v + 1] - start[v]) : at[v];
      }
      row.sort((a, b) => key[a] - key[b] || tie * (at[a] - at[b])).forEach((v, i) => (at[v] = i));
    }
    // Where nearly everything is joined to everything, swapping takes long and gains nothing.
    if (size < 3000 && down.list.length < 4 * size) exchange(rows, at, [up, down]);
    const now = crossings(rows, at, down);
    patience = now < least ? 4 : patience - (size > 8000 ? 4 : 1);
    if (now < least) [best, least] = [rows.map((row) => [...row]), now];
  }
  rows = best;
  number();
  return Object.assign(net, { rows, at });
}

/** How many edges cross: a Fenwick tree for each pair of rows counts the ends met so far. */
function crossings(rows, at, down) {
  let total = 0;
  rows.slice(1).forEach((lower, r) => {
    const tree = new Int32Array(lower.length + 1);
    let met = 0;
    for (const v of rows[r]) {
      const ends = down.of(v);
      total += met * ends.length;
      for (const w of ends) for (let k = at[w] + 1; k > 0; k -= k & -k) total -= tree[k];
      for (const w of ends) for (let k = at[w] + 1; k < tree.length; k += k & -k) tree[k]++;
      met += ends.length;
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
        for (const { start, list } of sides)
          for (let a = start[v]; a < start[v + 1]; a++)
            for (let b = start[w]; b < start[w + 1]; b++) gain += Math.sign(at[list[a]] - at[list[b]]);
        if (gain > 0) [row[i - 1], row[i], at[v], at[w], gained] = [w, v, i, i - 1, true];
      }
  }
}

// ---------------------------------------------------------------- x

/** Brandes and Köpf: the middle of four ways to align each place with a median neighbour; relaxed where that drifts. */
function settled(net) {
  const { rows, at, up, down, half } = net;
  for (const { of, start } of [up, down]) half.forEach((_, v) => start[v + 1] - start[v] > 1 && of(v).sort((a, b) => at[a] - at[b]));
  const ways = [0, 1, 2, 3].map((way) => aligned(net, way < 2, way % 2 ? -1 : 1));
  const spanOf = (x) => x.reduce(([a, b], one, v) => [Math.min(a, one - half[v]), Math.max(b, one + half[v])], [Infinity, -Infinity]);
  const wide = ([a, b]) => b - a;
  const spans = ways.map(spanOf);
  const narrow = spans.reduce((best, span) => (wide(span) < wide(best) ? span : best));
  const x = ways[0].map((_, v) => {
    const four = ways.map((way, k) => way[v] + narrow[k % 2] - spans[k][k % 2]).sort((a, b) => a - b);
    return (four[1] + four[2]) / 2;
  });
  const widest = rows.reduce((most, row) => Math.max(most, row.reduce((sum, v) => sum + 2 * half[v], 0)), 0);
  return wide(spanOf(x)) > 3 * widest + 1000 ? relaxed(net, 1.2 * widest) : x;
}

/** One way: blocks aligned downwards or upwards, packed to the left (`side` 1) or the right (-1). */
function aligned({ size, rows, at, up, down, half }, downwards, side) {
  const near = downwards ? up : down;
  const ordered = rows.map((row) => (side > 0 ? row : row.toReversed()));
  const root = Int32Array.from(half, (_, v) => v);
  const ring = root.slice(); // the next of the same block
  for (const row of downwards ? ordered : ordered.toReversed()) {
    let bound = -Infinity;
    for (const v of row) {
      const [start, count] = [near.start[v], near.start[v + 1] - near.start[v]];
      for (let k = 0; k < Math.min(count, 2 - (count % 2)); k++) {
        const u = near.list[start + ((count - 1) >> 1) + (side > 0 || count % 2 ? k : 1 - k)];
        if (ring[v] !== v || side * at[u] <= bound) continue;
        bound = side * at[u];
        ring[v] = root[v] = root[u];
        ring[u] = v;
      }
    }
  }
  // A block stands beside those before its members: the longest path, in Kahn's order; then it moves up to what follows.
  const [follows, waiting, x, queue] = [new Int32Array(size).fill(-1), new Int32Array(size), new Float64Array(size), []];
  for (const row of ordered)
    for (let i = 1; i < row.length; i++) {
      follows[row[i - 1]] = row[i];
      waiting[root[row[i]]]++;
    }
  const beside = (block, see) => {
    let v = block;
    do if (follows[v] >= 0) see(root[follows[v]], half[v] + half[follows[v]]);
    while ((v = ring[v]) !== block);
  };
  root.forEach((block, v) => block === v && !waiting[v] && queue.push(v));
  for (let head = 0; head < queue.length; head++)
    beside(queue[head], (other, gap) => {
      x[other] = Math.max(x[other], x[queue[head]] + gap);
      if (!--waiting[other]) queue.push(other);
    });
  for (const block of queue.toReversed()) {
    let room = Infinity;
    beside(block, (other, gap) => (room = Math.min(room, x[other] - gap)));
    if (room < Infinity) x[block] = Math.max(x[block], room);
  }
  return x.map((_, v) => side * x[root[v]]);
}

/** Rows drawn to their neighbours' middles within `width`: less straight, but it cannot drift. */
function relaxed({ rows, up, down, half }, width) {
  const x = new Float64Array(half.length);
  for (let pass = 0; pass < 8; pass++)
    for (const row of pass % 2 ? rows.toReversed() : rows) {
      const want = row.map((v) => {
        const near = pass % 2 ? down.of(v) : up.of(v);
        return near.length ? near.reduce((sum, u) => sum + x[u], 0) / near.length : x[v];
      });
      const room = row.map((v, i) => half[v] + (i ? half[row[i - 1]] : 0));
      const [right, left] = [[], []];
      row.forEach((_, i) => (right[i] = Math.max(want[i], i ? right[i - 1] + room[i] : -width / 2 + room[0])));
      let end = width / 2 - half[row.at(-1)];
      for (let i = row.length; i--; end = left[i] - room[i]) left[i] = Math.min(want[i], end);
      end = width / 2 - half[row.at(-1)];
      // The middle of both is in order; then the end of the row is held within the width.
      for (let i = row.length; i--; end = x[row[i]] - room[i]) x[row[i]] = Math.min((left[i] + right[i]) / 2, end);
      end = -width / 2;
      row.forEach((v, i) => (end = x[v] = Math.max(x[v], end + room[i])));
    }
  return x;
}

// ---------------------------------------------------------------- lines

/** Everything in its place, the left and upper end at 0. */
function linesOf(nodes, { n, ends, chains, rowOf, rows, half }, x, { nodeGap, rankGap, laneGap }) {
  const [top, bottom] = [[], []];
  rows.reduce((y, row, r) => {
    top[r] = y;
    bottom[r] = row.reduce((most, v) => Math.max(most, v < n ? y + nodes[v].height : y), y);
    return bottom[r] + rankGap;
  }, 0);
  const border = (v, side) => x[v] + side * (half[v] - (v < n ? nodeGap / 2 : 0));
  const sides = [rows.map((row) => border(row[0], -1)), rows.map((row) => border(row.at(-1), 1))];
  const lanes = lanesBeside(ends, chains, rowOf, x, sides, laneGap);
  const start = sides[0].reduce((least, one) => Math.min(least, one), Infinity);
  const end = sides[1].reduce((most, one) => Math.max(most, one), -Infinity);
  const middle = (v) => (top[rowOf[v]] + bottom[rowOf[v]]) / 2;
  const lines = ends.map(([u, v], e) => {
    const [lane, below, above] = [lanes[e], bottom[rowOf[u]], top[rowOf[v]]];
    const turn = lane && rankGap * lane.part;
    const line = [x[u], middle(u) + nodes[u].height / 2, x[u], below];
    if (lane) line.push(x[u], below + turn, lane.x, below + turn, lane.x, above - turn, x[v], above - turn);
    else for (const d of chains[e]) line.push(x[d], top[rowOf[d]], x[d], bottom[rowOf[d]]);
    line.push(x[v], above, x[v], middle(v) - nodes[v].height / 2);
    return { from: nodes[u].id, to: nodes[v].id, points: bendsOf(line, start), long: Boolean(lane) };
  });
  const places = new Map(nodes.map(({ id }, i) => [id, { x: x[i] - start, y: middle(i) }]));
  return { width: n && end - start, height: bottom.at(-1) ?? 0, nodes: places, edges: lines };
}

/** A line, given as x, y, x, y …, as points without repeats and without those in the middle of a straight part. */
function bendsOf(flat, start) {
  const points = [];
  for (let k = 0; k < flat.length; k += 2) {
    const [x, y] = [flat[k] - start, flat[k + 1]];
    const [last, before] = [points.at(-1), points.at(-2)];
    if (last && last[0] === x && last[1] === y) continue;
    if (before && ((before[0] === last[0] && last[0] === x) || (before[1] === last[1] && last[1] === y))) points.pop();
    points.push([x, y]);
  }
  return points;
}

/** A lane for each source of long edges, as near to the rows it passes as they let it; the shortest are innermost. */
function lanesBeside(ends, chains, rowOf, x, sides, laneGap) {
  const [bySource, lanes] = [new Map(), []];
  ends.forEach(([u, v], e) => {
    if (chains[e]) return;
    const back = rowOf[u] >= rowOf[v];
    const [first, last] = back ? [rowOf[v], rowOf[u]] : [rowOf[u] + 1, Math.max(rowOf[v] - 1, rowOf[u] + 1)];
    const lane = bySource.get(back ? -1 - u : u) ?? { edges: [], first, last, sum: 0 };
    bySource.set(back ? -1 - u : u, lane);
    lane.edges.push(e);
    [lane.first, lane.last] = [Math.min(lane.first, first), Math.max(lane.last, last)];
    lane.sum += (x[u] + x[v]) / 2;
  });
  const byLength = [...bySource.values()].sort((a, b) => a.last - a.first - b.last + b.first);
  byLength.forEach((lane, k) => {
    let [least, most] = [Infinity, -Infinity];
    for (let row = lane.first; row <= lane.last; row++) {
      if (sides[0][row] < least) least = sides[0][row];
      if (sides[1][row] > most) most = sides[1][row];
    }
    const toLeft = (2 * lane.sum) / lane.edges.length < least + most;
    lane.x = toLeft ? least - laneGap : most + laneGap;
    sides[toLeft ? 0 : 1].fill(lane.x, lane.first, lane.last + 1);
    lane.part = 0.2 + 0.15 * (k % 5);
    for (const e of lane.edges) lanes[e] = lane;
  });
  return lanes;
}

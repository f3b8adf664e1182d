// What a person would see at once in a drawing that went wrong, counted; and shapes of networks to draw.

/** How often the lines of `edges` cross. */
const crossingsOf = (edges) => {
  const parts = edges.flatMap(({ points }, edge) => points.slice(1).map((to, k) => ({ edge, ends: [points[k], to] })));
  const range = (part, axis) => part.ends.map((end) => end[axis]).sort((a, b) => a - b);
  for (const part of parts) [[part.left, part.right], [part.top, part.bottom]] = [range(part, 0), range(part, 1)];
  parts.sort((a, b) => a.top - b.top);
  const side = ([px, py], [qx, qy], [rx, ry]) => Math.sign((qx - px) * (ry - py) - (qy - py) * (rx - px));
  const apart = ({ ends: [a, b] }, { ends: [c, d] }) => side(a, b, c) * side(a, b, d) < 0;
  let count = 0;
  parts.forEach((a, i) => {
    for (let j = i + 1; j < parts.length && parts[j].top < a.bottom; j++) {
      const b = parts[j];
      if (a.edge !== b.edge && a.right > b.left && b.right > a.left && apart(a, b) && apart(b, a)) count++;
    }
  });
  return count;
};

/** How many pairs of boxes {x, y: centre, width, height} lie over one another. */
const overlapsOf = (boxes) => {
  const sorted = [...boxes].sort((a, b) => a.y - a.height / 2 - b.y + b.height / 2);
  let count = 0;
  sorted.forEach((a, i) => {
    for (let j = i + 1; j < sorted.length && sorted[j].y - sorted[j].height / 2 < a.y + a.height / 2 - 0.01; j++)
      if (Math.abs(sorted[j].x - a.x) < (a.width + sorted[j].width) / 2 - 0.01) count++;
  });
  return count;
};

/** How many parts of lines run through a box that is not at one of their ends. */
const throughOf = (edges, boxes) => {
  let count = 0;
  for (const { from, to, points } of edges)
    for (let k = 1; k < points.length; k++) {
      const [[x0, y0], [x1, y1]] = [points[k - 1], points[k]];
      for (const { id, x, y, width, height } of boxes) {
        if (id === from || id === to) continue;
        const [w, h, dx, dy] = [width / 2 - 0.5, height / 2 - 0.5, x1 - x0, y1 - y0];
        // The part of the line within each of the four sides (Liang and Barsky).
        const sides = [[-dx, x0 - x + w], [dx, x + w - x0], [-dy, y0 - y + h], [dy, y + h - y0]];
        const first = Math.max(0, ...sides.filter(([p]) => p < 0).map(([p, q]) => q / p));
        const last = Math.min(1, ...sides.filter(([p]) => p > 0).map(([p, q]) => q / p));
        if (first < last && sides.every(([p, q]) => p || q > 0)) count++;
      }
    }
  return count;
};

/** Boxes of uneven sizes for the ends of `edges`. */
const boxesOf = (edges) => {
  const ids = [...new Set(edges.flat())].sort((a, b) => a - b);
  return ids.map((id) => ({ id, width: 80 + ((id * 37) % 90), height: 26 + 16 * (id % 3) }));
};

const oursOf = (nodes, edges, options) => {
  const drawn = layout(nodes, edges, options);
  return { ...drawn, nodes: nodes.map((node) => ({ ...node, ...drawn.nodes.get(node.id) })) };
};

/** The same by dagre, as Netron calls it. */
const dagreOf = (nodes, edges) => {
  const theirs = nodes.map(({ id, width, height }) => ({ v: String(id), width, height, parent: null }));
  const label = { minlen: 1, weight: 1, width: 0, height: 0, labeloffset: 10, labelpos: "r" };
  const joined = edges.map(([from, to]) => ({ v: String(from), w: String(to), ...label }));
  dagre.layout(theirs, joined, { nodesep: 20, ranksep: 20 }, {});
  return { nodes: theirs, edges: joined.map(({ v, w, points }) => ({ from: v, to: w, points: points.map(({ x, y }) => [x, y]) })) };
};

/** Networks as edges between numbers; `next()` gives a new number. */
const shapes = {
  chain: (count) => network((next, join) => { for (let last = next(), k = 1; k < count; k++) last = join(next(), last); }),
  residual: (count) => network((next, join) => {
    for (let last = next(), k = 0; k < count; k++) last = join(next(), last, join(next(), join(next(), join(next(), last))));
  }),
  attention: (count, masked) => network((next, join) => {
    let [last, mask] = [next(), next()];
    for (let k = 0; k < count; k++) {
      const query = join(next(), join(next(), last));
      const key = join(next(), join(next(), join(next(), last)));
      const value = join(next(), join(next(), last));
      const scores = join(next(), query, key);
      const soft = join(next(), masked ? join(next(), scores, mask) : scores);
      last = join(next(), join(next(), last, join(next(), join(next(), soft, value))));
      last = join(next(), join(next(), last, join(next(), join(next(), join(next(), last)))));
    }
  }),
  unet: (depth) => network((next, join) => {
    let last = next();
    const kept = [];
    for (let k = 0; k < depth; k++) last = join(next(), kept[kept.push(join(next(), join(next(), last))) - 1]);
    for (const other of kept.reverse()) last = join(next(), join(next(), other, join(next(), last)));
  }),
  nested: (depth) => network((next, join) => { // UNet++
    const at = {};
    for (let j = 0; j < depth; j++)
      for (let i = 0; i + j < depth; i++) {
        const from = [...Array(j).keys()].map((k) => at[[i, k]]);
        at[[i, j]] = join(next(), ...from, ...(j ? [at[[i + 1, j - 1]]] : i ? [at[[i - 1, 0]]] : []));
      }
  }),
  dense: (blocks, layers) => network((next, join) => {
    for (let last = next(), k = 0; k < blocks; k++) {
      const before = [last];
      for (let layer = 0; layer < layers; layer++) before.push(join(next(), join(next(), join(next(), ...before))));
      last = join(next(), ...before);
    }
  }),
  recurrent: (steps) => network((next, join) => {
    for (let [hidden, cell, k] = [next(), next(), 0]; k < steps; k++) {
      const split = join(next(), join(next(), join(next(), next()), join(next(), hidden)));
      const [a, b, c, d] = [0, 0, 0, 0].map(() => join(next(), split));
      cell = join(next(), join(next(), a, b), join(next(), c, cell));
      hidden = join(next(), join(next(), cell), d);
    }
  }),
  random: (count, share, seed) => network((next, join) => {
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let k = next(); k < count - 1; k++) {
      const near = (reach) => Math.max(0, k - Math.floor(random() ** 2 * reach));
      join(next(), near(10), ...(random() < share ? [near(30)] : []));
    }
  }),
};

const network = (make) => {
  const edges = [];
  let count = 0;
  make(() => count++, (to, ...from) => (edges.push(...[...new Set(from)].map((one) => [one, to])), to));
  return edges;
};

// ---------------------------------------------------------------- scenes

const allOpen = (data) => new Set(Array.from({ length: data.scopes.count }, (_, s) => s));

/** All levels of a model, each as dagre would get it: boxes with their sizes, and edges. */
const levelsOf = (columns) => {
  const scene = buildScene(openData(columns), allOpen(openData(columns)));
  return [...Map.groupBy(scene.boxes, ({ parent }) => parent).values()].map((boxes) => {
    const ids = new Set(boxes.map(({ id }) => id));
    const within = scene.edges.filter(({ from, to }) => ids.has(from) && ids.has(to));
    return [boxes.map(({ id, width, height }) => ({ id, width, height })), within.map(({ from, to }) => [from, to])];
  });
};

/** How a level is drawn by us and by dagre. */
const compared = ([nodes, edges]) => {
  const [ours, theirs] = [oursOf(nodes, edges), dagreOf(nodes, edges)];
  const crossings = [crossingsOf(ours.edges), crossingsOf(theirs.edges)];
  return { crossings, overlaps: overlapsOf(ours.nodes), through: throughOf(ours.edges, ours.nodes) };
};

/** What must be true of every scene, and how often it is not. */
const faultsOf = (scene) => {
  const box = (id) => scene.byId.get(id);
  const near = (a, b) => Math.abs(a - b) < 0.01;
  const centre = ({ id, x, y, width, height }) => ({ id, x: x + width / 2, y: y + height / 2, width, height });
  const levels = Map.groupBy(scene.boxes, ({ parent }) => parent);
  const whole = { x: 0, y: 0, width: scene.width, height: scene.height };
  const holds = (a, lower, upper) => lower >= a.x - 0.01 && upper <= a.x + a.width + 0.01;
  const inside = (a, b) => holds(b, a.x, a.x + a.width) && a.y >= b.y - 0.01 && a.y + a.height <= b.y + b.height + 0.01;
  const levelOf = ({ from, to }) => {
    if (box(from).id === box(to).parent) return from;
    return box(to).id === box(from).parent ? to : box(from).parent;
  };
  const touches = ([x, y], a) => holds(a, x, x) && (near(y, a.y) || near(y, a.y + a.height));
  const goesOn = (edge) => {
    const [x, y] = edge.points.at(-1);
    return scene.edges.some((other) => other !== edge && near(other.points[0][0], x) && near(other.points[0][1], y));
  };
  const count = (test, list) => list.filter(test).length;
  const sum = (each) => [...levels].reduce((total, [id, boxes]) => total + each(boxes.map(centre), id), 0);
  return {
    outside: count((one) => !inside(one, one.parent ? box(one.parent) : whole), scene.boxes),
    order: count((one, k) => one.order !== k || (one.parent && box(one.parent).order >= k), scene.boxes),
    overlaps: sum(overlapsOf),
    through: sum((boxes, id) => throughOf(scene.edges.filter((edge) => levelOf(edge) === id), boxes)),
    loose: count(({ points, from, to }) => !touches(points[0], box(from)) || !touches(points.at(-1), box(to)), scene.edges),
    swallowed: count((edge) => !edge.arrow && !goesOn(edge), scene.edges),
  };
};

/** Edges of the data that no way along the lines of the scene stands for. */
const lostIn = (columns, open) => {
  const data = openData(columns);
  const scene = buildScene(data, new Set(open));
  const idOf = (i, values, kind, v) => (i < 0 ? kind + values.indexOf(v) : boxOf(data, scene, "node", i)?.id);
  const { from, to, value } = data.edges;
  return [...from.keys()].filter((e) => {
    const [start, end] = [idOf(from[e], data.inputs, "i", value[e]), idOf(to[e], data.outputs, "o", value[e])];
    const lines = scene.edges.filter(({ values }) => values.includes(value[e]));
    const reached = new Set([start]);
    // A set that is walked also gives what is added on the way.
    for (const id of reached) for (const line of lines) if (line.from === id) reached.add(line.to);
    return !reached.has(end);
  }).length;
};

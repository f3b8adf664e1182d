// The order of a scene: what is read first, what lies inside what, and which box an arrow key leads to.

const middle = ({ x, width }) => x + width / 2;
const apart = (a, b) => Math.abs(middle(a) - middle(b)) + 2 * Math.abs(a.y - b.y);

/** The ways through `scene`; each box gets its `order` and its `place` among its siblings. */
export class Walk {
  constructor(scene) {
    this.scene = scene;
    this.inside = new Map();
    for (const box of scene.boxes) this.inside.set(box.parent, []);
    for (const box of scene.boxes) this.inside.get(box.parent).push(box);
    for (const siblings of this.inside.values()) siblings.sort((a, b) => a.y - b.y || a.x - b.x).forEach((box, k) => (box.place = k + 1));
    // Read from top to bottom, as it is drawn, and a box before what is in it.
    this.boxes = [];
    for (let todo = [...this.within("")].reverse(), box; (box = todo.pop()); ) {
      box.order = this.boxes.push(box);
      for (let all = this.within(box.id), k = all.length; k--; ) todo.push(all[k]);
    }
  }

  within(id) {
    return this.inside.get(id) ?? [];
  }

  above({ parent }) {
    return this.scene.byId.get(parent);
  }

  /** The next box along the edges, "to" or "from": into an open one by its head, and out of it at its ends. */
  along(box, way) {
    const nearest = (boxes) => [...boxes].sort((a, b) => apart(a, box) - apart(b, box))[0];
    if (way === "to" && box.open) return nearest(this.within(box.id));
    for (let one = box; one; one = this.above(one)) {
      const next = nearest(this.joined(one.id)[way]);
      if (next || way === "from") return next ?? this.above(one);
    }
    return null;
  }

  /** The nearest sibling to the left (-1) or right (1). */
  beside(box, side) {
    const there = this.within(box.parent).filter((other) => (middle(other) - middle(box)) * side > 8);
    return there.sort((a, b) => apart(a, box) - apart(b, box))[0];
  }

  joined(id) {
    this.ways ??= this.findWays();
    return this.ways.get(id) ?? { from: [], to: [] };
  }

  findWays() {
    const { byId, edges } = this.scene;
    const ways = new Map();
    const add = (one, way, other) => {
      if (!ways.has(one)) ways.set(one, { from: [], to: [] });
      ways.get(one)[way].push(byId.get(other));
    };
    for (const { from, to } of edges) {
      // What goes through a border goes on at the other side of it.
      if (byId.get(from).parent === to || byId.get(to).parent === from) continue;
      add(from, "to", to);
      add(to, "from", from);
    }
    return ways;
  }
}

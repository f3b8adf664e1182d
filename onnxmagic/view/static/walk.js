// The order of a scene: what is read first, what lies inside what, and which box an arrow key leads to.

const middle = ({ x, width }) => x + width / 2;

/** Of `boxes` the one that is nearest to `box`; rows are further apart than they look. */
function nearest(boxes, box) {
  const apart = (other) => Math.abs(middle(other) - middle(box)) + 2 * Math.abs(other.y - box.y);
  return boxes.reduce((best, other) => (best && apart(best) <= apart(other) ? best : other), undefined);
}

/** The ways through `scene`; each box gets its `order` and its `place` among its siblings. */
export class Walk {
  constructor(scene) {
    this.scene = scene;
    this.inside = Map.groupBy(scene.boxes, ({ parent }) => parent);
    // Read from top to bottom, as it is drawn, and a box before what is in it.
    for (const siblings of this.inside.values())
      siblings.sort((a, b) => a.y - b.y || a.x - b.x).forEach((box, k) => (box.place = k + 1));
    this.boxes = [];
    const read = (id) => {
      for (const box of this.within(id)) {
        box.order = this.boxes.push(box);
        read(box.id); // as deep as modules are
      }
    };
    read("");
  }

  within(id) {
    return this.inside.get(id) ?? [];
  }

  above({ parent }) {
    return this.scene.byId.get(parent);
  }

  /** The next box along the edges, "to" or "from": into an open one by its head, and out of it at its ends. */
  along(box, way) {
    if (way === "to" && box.open) return nearest(this.within(box.id), box);
    for (let one = box; one; one = this.above(one)) {
      const next = nearest(this.joined(one.id, way), box);
      if (next || way === "from") return next ?? this.above(one);
    }
    return null;
  }

  /** The nearest sibling to the left (-1) or right (1). */
  beside(box, side) {
    return nearest(this.within(box.parent).filter((other) => (middle(other) - middle(box)) * side > 8), box);
  }

  /** The boxes at the other end of the edges; what goes through a border goes on at the other side of it. */
  joined(id, way) {
    const { byId, edges } = this.scene;
    const [own, other] = way === "to" ? ["from", "to"] : ["to", "from"];
    const ends = edges.filter((edge) => edge[own] === id).map((edge) => byId.get(edge[other]));
    return ends.filter((end) => end.parent !== id && byId.get(id).parent !== end.id);
  }
}

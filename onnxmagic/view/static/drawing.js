// What is in view of a scene, as SVG: an element for each box, one path for all edges of a kind.
//
// Elements are recycled and never more than MOST_BOXES, whatever the size of the model; where more are in view they are
// too small to read, and a single path draws the rest. Texts of a model become text nodes and attributes, nothing else.

import { piece } from "./dom.js";
import { Ruler } from "./ruler.js";

const MOST_BOXES = 300;
const MOST_SPECKS = 4000;
const MOST_EDGES = 2500;
const READABLE = 0.5; // the zoom below which texts are left out
const ROOMY = 0.8; // the zoom from which edges say their shapes; first those that the boxes do not say already
const SPACIOUS = 1.25;
const SIGN_OF = { ok: "✓", warn: "▲", bad: "✗", info: "•" };
const KEPT = ["fill", "stroke", "stroke-width", "opacity", "font", "paint-order", "stroke-linejoin"];
const SHUT = "M0 -4.5L5.5 0L0 4.5Z";
const OPEN = "M-2 -2.5H7L2.5 3Z";

/** The line of an edge through its points, leaving and arriving upright. */
function lineOf(edge) {
  if (edge.line) return edge.line;
  const [[x, y], ...others] = edge.points;
  let [line, px, py] = [`M${x} ${y}`, x, y];
  for (const [nx, ny] of others) {
    const middle = (py + ny) / 2;
    line += nx === px ? `V${ny}` : `C${px} ${middle} ${nx} ${middle} ${nx} ${ny}`;
    [px, py] = [nx, ny];
  }
  return (edge.line = line);
}

const radiusOf = ({ kind, height }) => ({ scope: 8, node: 5 })[kind] ?? height / 2;
const headOf = ([x, y]) => `M${x} ${y}l-3.5 -6.5h7z`;

/** The drawing in `svg`; `look` says how a box or an edge looks now, and what a screen reader is told. */
export class Drawing {
  constructor(svg, look) {
    Object.assign(this, { svg, look, items: new Map(), free: [], edges: [], ruler: new Ruler(), tween: null, most: MOST_BOXES });
    this.specks = piece("path", { class: "om-specks" });
    this.boxes = piece("g", { role: "none" });
    this.lines = piece("g", { class: "om-lines", "aria-hidden": "true" });
    this.texts = piece("g", { class: "om-edge-texts", "aria-hidden": "true" });
    this.world = piece("g", { role: "none" }, this.specks, this.lines, this.boxes, this.texts);
    svg.append(this.world);
    const font = (cls) => {
      const text = piece("text", { class: cls });
      const probe = this.world.appendChild(piece("g", { class: "om-box" }, text));
      const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(text);
      probe.remove();
      return `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
    };
    this.fonts = { label: font("om-name-text"), sub: font("om-sub-text"), third: font("om-third-text") };
    this.measure = (text, kind) => this.ruler.width(text, this.fonts[kind]);
  }

  isCut(id) {
    return this.items.get(id).textContent.includes("…");
  }

  move({ x, y, k }) {
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
  }

  /** Draw what is within `bounds` at zoom `k`; boxes named in `kept` are drawn wherever they are. */
  draw(scene, bounds, k, kept) {
    this.scene = scene;
    const seen = scene.visible(...bounds);
    const [boxes, small] = this.choose(seen.boxes, k, kept);
    this.specks.setAttribute("d", specks(small));
    // From afar a box shows nothing but its name, as large as it can be read.
    this.far = k < READABLE ? 11 / k : 0;
    this.svg.classList.toggle("om-far", this.far > 0);
    this.drawBoxes(boxes);
    this.drawEdges(seen.edges, k);
  }

  /** The boxes that get an element, in the scene's order, and those too many. */
  choose(seen, k, kept) {
    const more = [...new Set(kept.map((id) => this.scene.byId.get(id)))].filter((box) => box && !seen.includes(box));
    let [boxes, small] = [seen, []];
    const room = this.most - more.length;
    if (seen.length > room) {
      const bySize = [...seen].sort((a, b) => b.open - a.open || b.width * b.height - a.width * a.height);
      [boxes, small] = [bySize.slice(0, room), bySize.slice(room)];
    }
    return [[...boxes, ...more].sort((a, b) => a.order - b.order), small];
  }

  drawBoxes(boxes) {
    const wanted = new Set(boxes.map((box) => box.id));
    for (const [id, item] of this.items) {
      if (wanted.has(id)) continue;
      item.remove();
      this.items.delete(id);
      this.free.push(item);
    }
    // Only what is new is moved in the page: a focused element that is moved loses the focus.
    let next = this.boxes.firstChild;
    for (const box of boxes) {
      let item = this.items.get(box.id);
      if (!item) {
        item = this.free.pop() ?? newItem();
        this.items.set(box.id, item);
      }
      if (item === next) next = next.nextSibling;
      else this.boxes.insertBefore(item, next);
      this.fill(item, box);
    }
    this.free.length = Math.min(this.free.length, MOST_BOXES);
  }

  /** Make `item` show `box`. */
  fill(item, box) {
    const look = this.look.box(box);
    const attributes = { "data-id": box.id, ...look.attributes };
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null) item.removeAttribute(name);
      else if (item.getAttribute(name) !== String(value)) item.setAttribute(name, value);
    }
    const told = `${look.mark}${this.far}`;
    if (item.box !== box || item.told !== told) this.write(item, box, look);
    Object.assign(item, { box, told });
    this.place(item, box);
  }

  /** The texts of a box: a line each, or all in the head of one that is open. */
  write(item, box, look) {
    const { label, sub, third, sign, mark, chevron } = item.parts;
    const opens = box.opens.length > 0;
    const padding = opens ? 27 : 13;
    const room = box.width - padding - 9;
    const beside = room - (box.sign ? 16 : 0) - (look.mark ? 14 : 0);
    const [size, high] = [Math.min(this.far, 26), box.open ? 32 : box.height];
    label.style.fontSize = size ? `${size}px` : "";
    const put = (text, content, x, y, font, width) => {
      text.textContent = content && width > 14 ? this.ruler.fit(content, width, font) : "";
      text.setAttribute("x", x);
      text.setAttribute("y", y);
    };
    chevron.setAttribute("d", !opens ? "" : box.open ? OPEN : SHUT);
    if (size) {
      const name = size / this.far > 0.6 ? box.label : "";
      put(label, name, radiusOf(box) > 8 ? 14 : 8, high / 2 + size * 0.36, this.fonts.label, ((box.width - 14) * 13) / size);
    } else if (box.open) {
      const wide = Math.min(this.measure(box.label.slice(0, 300), "label"), beside);
      put(label, box.label, padding, 20, this.fonts.label, beside);
      put(sub, box.sub, padding + wide + 10, 20, this.fonts.sub, beside - wide - 10);
      put(third, "", 0, 0);
    } else {
      const top = high / 2 - [box.label, box.sub, box.third].filter(Boolean).length * 8 + 12;
      put(label, box.label, padding, top, this.fonts.label, beside);
      put(sub, box.sub, padding, top + 16, this.fonts.sub, room);
      put(third, box.third, padding, top + (box.sub ? 32 : 16), this.fonts.third, room);
    }
    const line = label.getAttribute("y");
    chevron.setAttribute("transform", `translate(13 ${line - 4})`);
    put(sign, SIGN_OF[box.sign], box.width - 10, line, this.fonts.label, 99);
    put(mark, look.mark, box.width - (box.sign ? 26 : 10), line, this.fonts.sub, 99);
  }

  /** Put a box where it belongs; between two scenes that is on the way there. */
  place(item, box) {
    const { x, y, width, height, fresh } = this.tween ? this.between(box) : box;
    item.setAttribute("transform", `translate(${x} ${y})`);
    item.style.opacity = fresh ? this.tween.done : "";
    for (const [name, value] of [["width", width], ["height", height], ["rx", radiusOf(box)]]) item.parts.face.setAttribute(name, value);
    item.parts.stripe.setAttribute("height", Math.max((box.open ? 32 : height) - 12, 0));
  }

  between(box) {
    const { before, origin, target, dx, dy, done } = this.tween;
    let from = before.byId.get(box.id);
    const fresh = !from;
    // What was not there comes out of the box that was opened.
    if (fresh && origin && target) {
      const [sx, sy] = [origin.width / target.width, origin.height / target.height];
      const [x, y] = [origin.x + (box.x - target.x) * sx, origin.y + (box.y - target.y) * sy];
      from = { x, y, width: box.width * sx, height: box.height * sy };
    }
    if (!from) return { ...box, fresh };
    const mix = (old, now) => old + (now - old) * done;
    const [x, y] = [mix(from.x + dx, box.x), mix(from.y + dy, box.y)];
    return { x, y, width: mix(from.width, box.width), height: mix(from.height, box.height), fresh };
  }

  /** Set how far it is from the former scene to this one, 0 to 1; null when there is no way to go. */
  advance(tween) {
    this.tween = tween && tween.done < 1 ? tween : null;
    for (const item of this.items.values()) this.place(item, item.box);
    this.lines.style.opacity = this.texts.style.opacity = this.tween ? this.tween.done : "";
  }

  // -------------------------------------------------------------- edges

  drawEdges(seen, k) {
    const worth = (edge) => {
      const [[x0, y0], [x1, y1]] = [edge.points[0], edge.points.at(-1)];
      return Math.abs(x1 - x0) + Math.abs(y1 - y0) > 2 / k;
    };
    this.edges = seen.length > MOST_EDGES ? seen.filter(worth).slice(0, MOST_EDGES) : seen;
    const kinds = new Map();
    for (const edge of this.edges) {
      const kind = this.look.edge(edge);
      if (!kinds.has(kind)) kinds.set(kind, [[], []]);
      const [lines, heads] = kinds.get(kind);
      lines.push(lineOf(edge));
      if (edge.arrow) heads.push(headOf(edge.points.at(-1)));
    }
    // The strong ones last, over the others.
    const paths = [...kinds].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)).flatMap(([kind, [lines, heads]]) => [
      piece("path", { class: `om-line ${kind}`, d: lines.join("") }),
      ...(k < READABLE / 2 ? [] : [piece("path", { class: `om-head ${kind}`, d: heads.join("") })]),
    ]);
    this.lines.replaceChildren(...paths);
    this.texts.replaceChildren(...(k < ROOMY ? [] : this.shapes(k)));
  }

  /** What the edges carry, where there is room for it: once for each value that leaves a box. */
  shapes(k) {
    const [texts, taken, said] = [[], [], new Set()];
    for (const edge of this.edges) {
      const [text, key] = [this.look.carries(edge), `${edge.from}|${edge.value}`];
      const { id, sub, third, open } = this.scene.byId.get(edge.from);
      // In the head of a box is its name.
      if (this.scene.byId.get(edge.to).parent === id) continue;
      const told = !open && k < SPACIOUS && (text.endsWith(sub || "?") || text.endsWith(third.split(" · ").at(-1) || "?"));
      if (!text || told || said.has(key)) continue;
      const place = widest(edge.points);
      if (!place) continue;
      const [x, y, wide] = [place[0] + 6, place[1] + 3.5, this.ruler.width(text, this.fonts.third)];
      if (taken.some(([ox, oy, ow]) => Math.abs(oy - y) < 13 && x < ox + ow + 6 && ox < x + wide + 6)) continue;
      said.add(key);
      taken.push([x, y, wide]);
      texts.push(piece("text", { x, y }, text));
    }
    return texts;
  }

  /** All of a scene as the text of a picture: what the style sheet says is written into each element. */
  picture(scene, [x0, y0, x1, y1]) {
    const size = { width: x1 - x0, height: y1 - y0, viewBox: `${x0} ${y0} ${x1 - x0} ${y1 - y0}` };
    const sheet = piece("svg", { ...size, class: `${this.svg.getAttribute("class")} om-sheet` });
    this.svg.after(sheet);
    const drawing = Object.assign(new Drawing(sheet, this.look), { most: 1500 });
    drawing.draw(scene, [x0, y0, x1, y1], 1, []);
    for (const element of sheet.querySelectorAll("*")) {
      const style = getComputedStyle(element);
      const kept = KEPT.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";");
      if (style.display === "none") element.remove();
      else if (element.localName !== "g") element.setAttribute("style", kept);
    }
    const page = getComputedStyle(this.svg.parentElement).backgroundColor;
    sheet.prepend(piece("rect", { x: x0, y: y0, width: "100%", height: "100%", style: `fill:${page}` }));
    sheet.remove();
    return new XMLSerializer().serializeToString(sheet);
  }

  /** The edge at a point of the scene. */
  edgeAt(x, y, slack) {
    const near = ({ points }) => {
      const [xs, ys] = [points.map(([px]) => px), points.map(([, py]) => py)];
      const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      return x > left - slack && x < right + slack && y > top - slack && y < bottom + slack;
    };
    return this.edges.findLast((edge) => near(edge) && this.ruler.touches(lineOf(edge), x, y, slack));
  }
}

/** Where along an edge a text has most room above and below; null where it has none. */
function widest(points) {
  let [best, room] = [null, 24];
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    if (y1 - y0 <= room || Math.abs(x1 - x0) > 6) continue;
    [best, room] = [[(x0 + x1) / 2, (y0 + y1) / 2], y1 - y0];
  }
  return best;
}

/** Boxes too small and too many for elements; of very many, every so many. */
function specks(boxes) {
  const stride = Math.ceil(boxes.length / MOST_SPECKS);
  let path = "";
  for (let i = 0; i < boxes.length; i += stride) {
    const { x, y, width, height } = boxes[i];
    path += `M${x} ${y}h${width}v${height}h${-width}z`;
  }
  return path;
}

function newItem() {
  const parts = {
    face: piece("rect", { class: "om-face" }),
    stripe: piece("rect", { class: "om-stripe", x: 0, y: 6, width: 4, rx: 2 }),
    chevron: piece("path", { class: "om-chevron" }),
    label: piece("text", { class: "om-name-text" }),
    sub: piece("text", { class: "om-sub-text" }),
    third: piece("text", { class: "om-third-text" }),
    mark: piece("text", { class: "om-mark", "text-anchor": "end" }),
    sign: piece("text", { class: "om-sign-text", "text-anchor": "end" }),
  };
  // A screen reader hears the label of the box; the texts would say it again.
  for (const part of Object.values(parts)) part.setAttribute("aria-hidden", "true");
  return Object.assign(piece("g", {}, ...Object.values(parts)), { parts });
}

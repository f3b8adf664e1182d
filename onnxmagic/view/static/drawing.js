// What is in view of a scene, as SVG: an element for each box, one path for all edges of a kind.
//
// Elements are recycled and never more than MOST_BOXES, whatever the size of the model; where more are in view they are
// too small to read, and a single path draws the rest. Texts of a model become text nodes and attributes, nothing else.

import { calm, SWIFT } from "./camera.js";
import { piece } from "./dom.js";
import { Ruler } from "./ruler.js";
import { HEAD } from "./scene.js";

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
  const step = ([x, y], k, all) => {
    const [px, py] = all[k - 1] ?? [];
    const middle = (py + y) / 2;
    if (!k) return `M${x} ${y}`;
    return x === px ? `V${y}` : `C${px} ${middle} ${x} ${middle} ${x} ${y}`;
  };
  return (edge.line ??= edge.points.map(step).join(""));
}

const headOf = ({ points }) => `M${points.at(-1).join(" ")}l-3.5 -6.5h7z`;
const radiusOf = ({ kind, height }) => ({ scope: 8, node: 5 })[kind] ?? height / 2;
const setAll = (element, values) => {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
};

// A screen reader hears the label of the box; the texts would say it again.
const part = (name, cls, more) => piece(name, { class: cls, "aria-hidden": "true", ...more });
const EMPTY = piece("g", {},
  part("rect", "om-face"), part("rect", "om-stripe", { x: 0, y: 6, width: 4, rx: 2 }), part("path", "om-chevron"),
  part("text", "om-name-text"), part("text", "om-sub-text"), part("text", "om-third-text"),
  part("text", "om-mark", { "text-anchor": "end" }), part("text", "om-sign-text", { "text-anchor": "end" }));

/** The drawing in `svg`; `look` says how a box or an edge looks now, and what a screen reader is told. */
export class Drawing {
  constructor(svg, look, most = MOST_BOXES) {
    Object.assign(this, { svg, look, most, items: new Map(), free: [], edges: [], ruler: new Ruler(), tween: null });
    this.specks = piece("path", { class: "om-specks" });
    this.boxes = piece("g", { role: "none" });
    this.lines = piece("g", { class: "om-lines", "aria-hidden": "true" });
    this.texts = piece("g", { class: "om-edge-texts", "aria-hidden": "true" });
    this.world = piece("g", { role: "none" }, this.specks, this.lines, this.boxes, this.texts);
    svg.append(this.world);
    const probe = this.world.appendChild(EMPTY.cloneNode(true));
    probe.classList.add("om-box");
    const fontOf = (cls) => getComputedStyle(probe.querySelector(cls)).font;
    this.fonts = { label: fontOf(".om-name-text"), sub: fontOf(".om-sub-text"), third: fontOf(".om-third-text") };
    probe.remove();
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
    const [boxes, small] = this.choose(seen.boxes, kept);
    // Of very many, every so many: the picture is the same.
    const stride = Math.ceil(small.length / MOST_SPECKS);
    const speck = ({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`;
    this.specks.setAttribute("d", small.filter((_, i) => i % stride === 0).map(speck).join(""));
    // From afar a box shows nothing but its name, as large as it can be read.
    this.far = k < READABLE ? 11 / k : 0;
    this.svg.classList.toggle("om-far", this.far > 0);
    this.drawBoxes(boxes);
    this.drawEdges(seen.edges, k);
  }

  /** The boxes that get an element, in the scene's order, and those too many. */
  choose(inView, kept) {
    const shown = (box) => box && !this.look.hides(box);
    const seen = inView.filter(shown);
    const boxes = kept.map((id) => this.scene.byId.get(id));
    const more = [...new Set(boxes)].filter((box) => shown(box) && !seen.includes(box));
    const bySize = (a, b) => b.open - a.open || b.width * b.height - a.width * a.height;
    const room = this.most - more.length;
    const sorted = seen.length > room ? seen.toSorted(bySize) : seen;
    return [[...sorted.slice(0, room), ...more].sort((a, b) => a.order - b.order), sorted.slice(room)];
  }

  drawBoxes(boxes) {
    const wanted = new Set(boxes.map(({ id }) => id));
    for (const [id, item] of this.items) {
      if (wanted.has(id)) continue;
      item.remove();
      this.items.delete(id);
      this.free.push(item);
    }
    // Only what is new is moved in the page: a focused element that is moved loses the focus.
    let next = this.boxes.firstChild;
    for (const box of boxes) {
      const item = this.items.get(box.id) ?? this.free.pop() ?? EMPTY.cloneNode(true);
      this.items.set(box.id, item);
      if (item === next) next = next.nextSibling;
      else this.boxes.insertBefore(item, next);
      this.fill(item, box);
    }
  }

  fill(item, box) {
    const { mark, attributes } = this.look.box(box);
    for (const [name, value] of Object.entries({ "data-id": box.id, ...attributes })) {
      if (value === null) item.removeAttribute(name);
      else if (item.getAttribute(name) !== String(value)) item.setAttribute(name, value);
    }
    const told = `${mark}${this.far}`;
    if (item.box === box && item.told === told) return;
    Object.assign(item, { box, told });
    const { x, y, width, height } = box;
    const [face, stripe] = item.children;
    item.setAttribute("transform", `translate(${x} ${y})`);
    setAll(face, { width, height, rx: radiusOf(box) });
    setAll(stripe, { height: Math.max((box.open ? HEAD : height) - 12, 0) });
    this.write(item, box, mark);
  }

  /** The texts of a box: a line each, or all in the head of one that is open. */
  write(item, box, markOf) {
    const [, , chevron, label, sub, third, mark, sign] = item.children;
    const put = (text, content, x, y, font, room = 99) => {
      text.textContent = room > 14 ? this.ruler.fit(content, room, this.fonts[font]) : "";
      setAll(text, { x, y });
    };
    const [opens, high] = [box.opens.length > 0, box.open ? HEAD : box.height];
    const left = opens ? 27 : 13;
    const room = box.width - left - 9;
    const beside = room - (box.sign ? 16 : 0) - (markOf ? 14 : 0);
    const lines = box.open ? 1 : [box.label, box.sub, box.third].filter(Boolean).length;
    let line = high / 2 - lines * 8 + 12;
    if (box.open) {
      const after = Math.min(this.measure(box.label.slice(0, 300), "label"), beside) + 10;
      put(sub, box.sub, left + after, line, "sub", beside - after);
    } else put(sub, box.sub, left, line + 16, "sub", room);
    put(third, box.open ? "" : box.third, left, line + (box.sub ? 32 : 16), "third", room);
    const size = Math.min(this.far, 26);
    label.style.fontSize = size ? `${size}px` : "";
    if (size) {
      line = high / 2 + size * 0.36;
      const name = size / this.far > 0.6 ? box.label : "";
      put(label, name, radiusOf(box) > 8 ? 14 : 8, line, "label", ((box.width - 14) * 13) / size);
    } else put(label, box.label, left, line, "label", beside);
    setAll(chevron, { d: !opens ? "" : box.open ? OPEN : SHUT, transform: `translate(13 ${line - 4})` });
    put(sign, SIGN_OF[box.sign] ?? "", box.width - 10, line, "label");
    put(mark, markOf, box.width - (box.sign ? 26 : 10), line, "sub");
  }

  /** Let everything come from where it was in the scene `before`, moved by `dx` and `dy`. */
  animate({ before, origin, target, dx, dy }) {
    if (calm()) return;
    const timing = { duration: SWIFT, easing: "ease-out" };
    // What was not there comes out of the box that was opened.
    const inside = ({ x, y, width, height }) => {
      const [sx, sy] = [origin.width / target.width, origin.height / target.height];
      const [left, top] = [origin.x + (x - target.x) * sx, origin.y + (y - target.y) * sy];
      return { x: left, y: top, width: width * sx, height: height * sy };
    };
    for (const item of this.items.values()) {
      const old = before.byId.get(item.box.id);
      const { x, y, width, height } = old ?? (origin && target ? inside(item.box) : item.box);
      const at = `translate(${x + dx}px, ${y + dy}px)`;
      item.animate([{ transform: at, opacity: old ? 1 : 0 }, {}], timing);
      item.firstChild.animate([{ width: `${width}px`, height: `${height}px` }, {}], timing);
    }
    this.texts.animate([{ opacity: 0 }, {}], timing);
    this.tween = this.lines.animate([{ opacity: 0 }, {}], timing);
    this.tween.onfinish = () => (this.tween = null);
  }

  drawEdges(seen, k) {
    const worth = ({ bounds: [x0, y0, x1, y1] }) => x1 - x0 + y1 - y0 > 2 / k;
    const some = seen.length > MOST_EDGES ? seen.filter(worth).slice(0, MOST_EDGES) : seen;
    const kinds = Map.groupBy(some, (edge) => this.look.edge(edge));
    kinds.delete(null);
    this.edges = [...kinds.values()].flat();
    // The strong ones last, over the others.
    const sorted = [...kinds].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    const paths = sorted.flatMap(([kind, edges]) => {
      const heads = k < READABLE / 2 ? [] : edges.filter(({ arrow }) => arrow);
      const draw = (cls, parts) => piece("path", { class: `${cls} ${kind}`, d: parts.join("") });
      return [draw("om-line", edges.map(lineOf)), draw("om-head", heads.map(headOf))];
    });
    this.lines.replaceChildren(...paths);
    this.texts.replaceChildren(...(k < ROOMY ? [] : this.shapes(k)));
  }

  /** What the edges carry, where there is room for it: once for each value that leaves a box. */
  shapes(k) {
    const [texts, taken, said] = [[], [], new Set()];
    for (const { from, to, value, count, points } of this.edges) {
      const [key, text] = [`${from}|${value}`, this.look.carries({ value, count })];
      const { id, sub, third, open } = this.scene.byId.get(from);
      const says = (line) => line && text.endsWith(line);
      const told = !open && k < SPACIOUS && (says(sub) || says(third.split(" · ").at(-1)));
      const place = widest(points);
      // In the head of a box is its name.
      if (!text || told || !place || said.has(key) || this.scene.byId.get(to).parent === id) continue;
      const [x, y, wide] = [place[0] + 6, place[1] + 3.5, this.measure(text, "third")];
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
    new Drawing(sheet, this.look, 1500).draw(scene, [x0, y0, x1, y1], 1, []);
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

  edgeAt(x, y, slack) {
    const near = ({ bounds: [a, b, c, d] }) => x > a - slack && x < c + slack && y > b - slack && y < d + slack;
    return this.edges.findLast((edge) => near(edge) && this.ruler.touches(lineOf(edge), x, y, slack));
  }
}

/** Where along an edge a text has most room above and below; null where it has none. */
function widest(points) {
  let [best, room] = [null, 24];
  points.slice(1).forEach(([x1, y1], k) => {
    const [x0, y0] = points[k];
    if (y1 - y0 > room && Math.abs(x1 - x0) <= 6) [best, room] = [[(x0 + x1) / 2, (y0 + y1) / 2], y1 - y0];
  });
  return best;
}

// The graph view: a scene under a camera, with keys, search, a minimap and a place for the panel.
//
// It is a tree to a screen reader (boxes open and close, arrow keys walk) and a map to the eye. What a person looks at
// stays where it is: a box that opens keeps its place under the pointer, and everything else moves around it.

import { animate, Camera } from "./camera.js";
import { button, piece } from "./dom.js";
import { Drawing } from "./drawing.js";
import { counted, Finder, tool } from "./finder.js";
import { Kin } from "./kin.js";
import { Minimap } from "./minimap.js";
import { COLOURS, drawLegend, saveButtons } from "./panel.js";
import { boxOf, buildScene, firstOpen, scopesAbove } from "./scene.js";
import { Walk } from "./walk.js";

const AROUND = 0.3; // what is drawn beyond the view, in parts of it
const EDGE = 26; // pixels left free around what is shown whole
const [TALL, LOW] = [560, 200];
const READ = 0.7; // the least zoom of the first view
const SWIFT = 150; // milliseconds of any movement
const SOURCES = { modules: "boxes by module", names: "boxes by names", blocks: "boxes by repeated structure", flat: "no modules known" };
const KEYS = "Arrow keys walk, Enter opens and closes, slash searches, 0 shows all, plus and minus zoom, Escape leaves";
const SAID = { node: "operator", scope: "group", input: "input", output: "output", ok: "fine", info: "note", warn: "warning", bad: "error" };
const isPort = ({ kind }) => kind === "input" || kind === "output";

/** Draw `data` into `host`; panel.js tells what the hooks are, and onSelect gets a box's id, {kind, index}, or null. */
export function mountGraph(host, data, hooks) {
  return new GraphView(host, data, hooks);
}

class GraphView {
  constructor(host, data, hooks) {
    Object.assign(this, { element: host, data, hooks, selected: null, mode: "", hits: new Set(), still() {} });
    hooks.go = (what) => this.go(what);
    this.build();
    this.drawing = new Drawing(this.canvas, this);
    this.camera = new Camera(this.stage, () => this.moved(), () => this.hint());
    this.map = new Minimap(this.stage, (x, y) => this.center(x, y, this.camera.k, 0));
    this.opened = firstOpen(data);
    this.setScene(null);
    this.active = this.walk.boxes[0]?.id;
    this.listen();
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.stage);
  }

  // -------------------------------------------------------------- the page around it

  build() {
    const { data, element } = this;
    const zoom = (factor) => () => this.camera.zoom(factor, undefined, SWIFT);
    const option = (mode) => piece("option", { value: mode }, mode ? `by ${mode.replace("flops", "FLOPs")}` : "No colour");
    this.finder = new Finder({
      find: (text) => data.search(text),
      changed: (hits) => {
        this.hits = new Set(hits.map(({ kind, index }) => `${kind[0]}${index}`));
        this.redraw();
      },
      go: (hit) => this.go(hit),
      leave: () => this.focus(),
    });
    this.colour = piece("select", { class: "om-button", "aria-label": "Colour", change: () => this.setColour(this.colour.value) }, ...["", ...Object.keys(COLOURS)].map(option));
    this.canvas = piece("svg", { class: "om-canvas", role: "tree", "aria-label": `Graph of ${data.name}. ${KEYS}` });
    this.tip = piece("div", { class: "om-tip", "aria-hidden": "true", hidden: "" });
    this.note = piece("div", { class: "om-hint", hidden: "" }, "Click the graph, or hold Ctrl, to zoom with the wheel");
    this.stage = piece("div", { class: "om-stage" }, this.canvas, this.tip, this.note);
    this.side = piece("aside", { class: "om-side", "aria-label": "What is selected", hidden: "" });
    this.legend = piece("div", { class: "om-legend", hidden: "" });
    this.path = piece("nav", { class: "om-path", "aria-label": "Where it is" });
    this.spoken = piece("div", { class: "om-spoken", role: "status" });
    const source = `${counted(data.count, "operator")}, ${SOURCES[data.source] ?? data.source}`;
    const zooms = [tool("−", "Zoom out (-)", zoom(0.7)), tool("+", "Zoom in (+)", zoom(1.43)), tool("Fit", "Show all (0)", () => this.fit())];
    element.classList.add("om-graph");
    // What a notebook would take for its own keys.
    Object.assign(element.dataset, { testid: "om-graph", lmSuppressShortcuts: "true" });
    element.replaceChildren(
      piece("div", { class: "om-tools" }, ...this.finder.elements, this.colour, ...saveButtons(data, () => this.svg()), ...zooms),
      piece("div", { class: "om-view" }, this.stage, this.side),
      this.legend,
      piece("div", { class: "om-foot" }, this.path, piece("span", {}, source)),
      this.spoken,
    );
  }

  listen() {
    const on = (target, events) => Object.entries(events).forEach(([name, act]) => target.addEventListener(name, act));
    on(this.stage, {
      click: (event) => this.click(event),
      dblclick: (event) => !event.target.closest(".om-chevron") && this.toggleAt(event),
      pointermove: (event) => this.hover(event),
      pointerleave: () => (this.tip.hidden = true),
    });
    on(this.canvas, {
      focusin: ({ target }) => target.dataset.id && this.activate(target.dataset.id),
      keydown: (event) => this.key(event),
    });
    on(this.element, { keydown: (event) => event.stopPropagation() });
  }

  hint() {
    this.note.hidden = false;
    clearTimeout(this.fade);
    this.fade = setTimeout(() => (this.note.hidden = true), 1600);
  }

  // -------------------------------------------------------------- scene and camera

  setScene(before) {
    const scene = buildScene(this.data, this.opened, before, { measure: this.drawing.measure });
    this.walk = new Walk(scene);
    this.scene = scene;
    this.kin = null;
    this.map.draw(scene);
  }

  resized() {
    const { stage, scene } = this;
    if (!stage.clientWidth) return;
    if (!this.placed) {
      const wide = Math.min(1, (stage.clientWidth - 2 * EDGE) / scene.width);
      stage.style.height = `${Math.min(Math.max(scene.height * wide + 2 * EDGE, LOW), TALL)}px`;
      this.home();
    }
    this.placed = true;
    this.redraw();
    // The panel came beside it.
    if (this.selected && !this.camera.fingers.size) this.reveal(scene.byId.get(this.selected));
  }

  /** The first view: all where it can be read, else the beginning. */
  home() {
    const { scene, stage, camera } = this;
    const all = this.whole();
    const [first] = this.walk.boxes;
    if (all.k >= READ) return camera.set(all.x, all.y, all.k);
    const k = Math.min(Math.max((stage.clientWidth - 2 * EDGE) / scene.width, READ), 1);
    camera.set(stage.clientWidth / 2 - (scene.width * k <= stage.clientWidth ? scene.width / 2 : first.x + first.width / 2) * k, EDGE, k);
  }

  /** Where the camera sees everything. */
  whole() {
    const { scene, stage } = this;
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    const k = Math.max(Math.min((w - 2 * EDGE) / scene.width, (h - 2 * EDGE) / scene.height, 1.1), 0.02);
    return { x: (w - scene.width * k) / 2, y: (h - scene.height * k) / 2, k };
  }

  fit() {
    const { x, y, k } = this.whole();
    this.camera.glide(x, y, k, SWIFT);
  }

  center(x, y, k, ms) {
    this.camera.glide(this.stage.clientWidth / 2 - x * k, this.stage.clientHeight / 2 - y * k, k, ms);
  }

  moved() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const { camera, drawing, drawn } = this;
      const [x0, y0, x1, y1] = camera.view();
      const [a, b, c, d] = drawn?.bounds ?? [1, 1, 0, 0];
      if (x0 < a || y0 < b || x1 > c || y1 > d || camera.k > drawn.k * 1.4 || camera.k < drawn.k * 0.75) return this.redraw();
      drawing.move(camera);
      this.map.follow([x0, y0, x1, y1]);
    });
  }

  redraw() {
    const { camera, drawing } = this;
    this.drawn = { bounds: camera.view(AROUND), k: camera.k };
    drawing.draw(this.scene, this.drawn.bounds, camera.k, [this.active, this.selected]);
    drawing.move(camera);
    this.map.follow(camera.view());
  }

  /** Bring a box, or the head of an open one, into view by the shortest way, large enough to read. */
  reveal(box) {
    const { camera } = this;
    const [width, height] = box.open ? [Math.min(box.width, 160), 32] : [box.width, box.height];
    if (camera.k < 0.5) return this.center(box.x + width / 2, box.y + height / 2, 0.8, SWIFT);
    const shift = (at, size, least, most) => Math.max(Math.min(0, most - at - size), least - at);
    const [x0, y0, x1, y1] = camera.view(-0.05);
    const [dx, dy] = [shift(box.x, width, x0, x1), shift(box.y, height, y0, y1)];
    if (dx || dy) camera.glide(camera.x + dx * camera.k, camera.y + dy * camera.k, camera.k, SWIFT);
  }

  // -------------------------------------------------------------- opening and closing

  /** Open other boxes than before; box `anchor` stays where it is, at `part` of its width. */
  change(opened, anchor, part = 0.5) {
    const { scene: before, camera, drawing, canvas } = this;
    const focused = canvas.getRootNode().activeElement?.closest(".om-canvas") === canvas;
    this.still();
    this.opened = opened;
    this.setScene(before);
    const { byId } = this.scene;
    if (!byId.has(this.active)) this.active = byId.get(anchor)?.id ?? this.walk.boxes[0].id;
    if (this.selected && !byId.has(this.selected)) this.select(this.active, { reveal: false });
    const [origin, target] = [before.byId.get(anchor), byId.get(anchor)];
    const [dx, dy] = origin && target ? [target.x + part * target.width - origin.x - part * origin.width, target.y - origin.y] : [0, 0];
    const tween = (drawing.tween = { before, origin, target, dx, dy, done: 0 });
    camera.pan(-dx * camera.k, -dy * camera.k);
    this.redraw();
    if (focused) this.focus();
    this.still = animate(SWIFT, (done) => drawing.advance(Object.assign(tween, { done })));
  }

  toggle(box, part) {
    if (!box?.opens.length) return;
    const opened = new Set(this.opened);
    for (const scope of box.opens) box.open ? opened.delete(scope) : opened.add(scope);
    this.change(opened, box.id, part);
    const now = this.scene.byId.get(box.id);
    this.spoken.textContent = now.open ? `${now.label} is open: ${counted(this.walk.within(now.id).length, "part")}` : `${now.label} is closed`;
    if (!now.open && now.y * this.camera.k + this.camera.y < 0) this.reveal(now);
  }

  open(scope) {
    const box = this.show("scope", scope);
    if (!box?.open) this.toggle(box);
  }

  close(scope) {
    const box = this.scene.byId.get(`s${scope}`);
    if (box?.open) this.toggle(box);
  }

  /** The box of a node or scope, with what is above it open. */
  show(kind, index) {
    const before = boxOf(this.data, this.scene, kind, index);
    const above = scopesAbove(this.data, kind, index);
    if (above.some((scope) => !this.opened.has(scope))) this.change(new Set([...this.opened, ...above]), before?.id);
    return boxOf(this.data, this.scene, kind, index);
  }

  // -------------------------------------------------------------- choosing

  /** Choose a box by its id, "n12" or "s3", wherever it is; null chooses none. */
  select(id, { reveal = true, tell = true } = {}) {
    const { data, scene } = this;
    const [, letter, index] = /^([ns])(\d+)$/.exec(id) ?? [];
    const box = scene.byId.get(id) ?? (letter && this.show(letter === "n" ? "node" : "scope", Number(index))) ?? null;
    this.selected = box?.id ?? null;
    this.kin = null;
    if (box) this.active = box.id;
    if (tell) this.tell(box && isPort(box) ? { kind: "value", index: data[`${box.kind}s`][box.index] } : box, this.selected);
    this.tellPath(box);
    this.redraw();
    if (box && reveal) this.reveal(box);
  }

  /** Show {kind: "node" | "scope" | "value", index}; a value where it is made. */
  go({ kind, index }) {
    if (kind !== "value") return this.select(this.show(kind, index)?.id);
    const maker = this.data.edges.from[this.data.edges.value.indexOf(index)];
    if (maker >= 0) this.select(`n${maker}`, { tell: false });
    this.tell({ kind, index }, { kind, index });
  }

  tell(what, said) {
    this.side.hidden = !what;
    if (what) this.hooks.openPanel?.(this.side, { kind: what.kind, index: what.index });
    this.hooks.onSelect?.(said);
  }

  tellPath(box) {
    const chain = [];
    for (let one = box; one; one = this.walk.above(one)) chain.unshift(" › ", button(one.label, () => this.select(one.id), "om-link"));
    this.path.replaceChildren(...(box ? [this.data.name, ...chain] : []));
  }

  activate(id) {
    if (this.active === id) return;
    this.active = id;
    this.redraw();
  }

  focus() {
    this.drawing.items.get(this.active)?.focus({ preventScroll: true });
  }

  setColour(mode) {
    this.mode = this.colour.value = mode in COLOURS ? mode : "";
    this.legend.hidden = !this.mode;
    if (this.mode) drawLegend(this.legend, this.data, this.mode);
    this.canvas.classList.toggle("om-steps", this.mode !== "" && COLOURS[this.mode](this.data).steps);
    this.redraw();
  }

  // -------------------------------------------------------------- how things look: asked by the drawing

  box(box) {
    const { id, kind, opens, open, sign } = box;
    const { fill, mark = "" } = this.mode ? COLOURS[this.mode](this.data, box) : {};
    const [faint, hit] = [this.related() && !this.kin.of(box), this.hits.has(id)];
    const attributes = {
      class: `om-box om-${kind}${open ? " om-open" : ""}${fill ? ` om-fill-${fill}` : ""}${faint ? " om-faint" : ""}${hit ? " om-hit" : ""}`,
      role: "treeitem",
      tabindex: id === this.active ? 0 : -1,
      "aria-label": [box.label, box.sub, box.third, SAID[kind], SAID[sign], hit && "hit"].filter(Boolean).join(", "),
      "aria-level": box.depth + 1,
      "aria-posinset": box.place,
      "aria-setsize": this.walk.within(box.parent).length,
      "aria-selected": id === this.selected,
      "aria-expanded": opens.length ? Boolean(open) : null,
      "data-sign": sign || null,
    };
    return { attributes, mark };
  }

  edge(edge) {
    return this.related() ? this.kin.style(edge) : "";
  }

  /** Whether a box is chosen, so that others are its kin or are not. */
  related() {
    if (this.selected) this.kin ??= new Kin(this.data, this.scene, this.selected);
    return Boolean(this.selected);
  }

  carries({ value, count }) {
    return this.data.values.type(value) + (count > 1 ? `  and ${count - 1} more` : "");
  }

  // -------------------------------------------------------------- pointer

  boxAt(event) {
    return this.scene.byId.get(event.target.closest("[data-id]")?.dataset.id);
  }

  edgeAt(event) {
    return this.drawing.edgeAt(...this.camera.point(event), 5 / this.camera.k);
  }

  click(event) {
    if (this.camera.dragged || event.target.closest("[data-own]")) return;
    const box = this.boxAt(event);
    const edge = !box || box.open ? this.edgeAt(event) : null;
    if (edge) {
      const what = { kind: "value", index: edge.value };
      return this.tell(what, what);
    }
    this.select(box?.id, { reveal: false });
    this.focus();
    // The small triangle opens with one click, as it does in every tree.
    if (event.target.closest(".om-chevron")) this.toggleAt(event);
  }

  toggleAt(event) {
    const box = this.boxAt(event);
    if (box) this.toggle(box, (this.camera.point(event)[0] - box.x) / box.width);
  }

  hover(event) {
    this.hovering ??= requestAnimationFrame(() => {
      this.hovering = null;
      const box = event.buttons ? null : this.boxAt(event);
      const edge = event.buttons || (box && !box.open) ? null : this.edgeAt(event);
      const cut = box && (this.camera.k < 0.5 || this.drawing.isCut(box.id));
      const lines = edge ? [this.data.values.name(edge.value), this.carries(edge)] : cut ? [box.label, box.sub, box.third] : [];
      this.stage.classList.toggle("om-on-edge", Boolean(edge));
      this.tip.hidden = !lines.length;
      this.tip.replaceChildren(...lines.filter(Boolean).map((line) => piece("div", {}, line)));
      const [x, y] = this.camera.within(event);
      const [w, h] = [this.tip.offsetWidth, this.tip.offsetHeight];
      this.tip.style.left = `${Math.max(Math.min(x + 14, this.stage.clientWidth - w - 6), 6)}px`;
      this.tip.style.top = `${y + 18 + h > this.stage.clientHeight ? y - h - 10 : y + 18}px`;
    });
  }

  // -------------------------------------------------------------- keys

  key(event) {
    const box = this.scene.byId.get(this.active);
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const go = (next) => {
      if (next) this.select(next.id);
      this.focus();
    };
    const zoom = (factor) => this.camera.zoom(factor, undefined, SWIFT);
    const acts = {
      ArrowDown: () => go(this.walk.along(box, "to")),
      ArrowUp: () => go(this.walk.along(box, "from")),
      ArrowLeft: () => go(this.walk.beside(box, -1)),
      ArrowRight: () => go(this.walk.beside(box, 1)),
      Home: () => go(this.walk.boxes[0]),
      End: () => go(this.walk.boxes.at(-1)),
      Enter: () => (box.opens.length ? this.toggle(box) : go(box)),
      " ": () => go(box),
      Escape: () => (box.parent ? go(this.walk.above(box)) : this.leave()),
      "/": () => this.finder.field.select(),
      0: () => this.fit(),
      f: () => this.fit(),
      "+": () => zoom(1.43),
      "=": () => zoom(1.43),
      "-": () => zoom(0.7),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  leave() {
    this.select(null);
    this.drawing.items.get(this.active)?.blur();
  }

  // -------------------------------------------------------------- out of the page

  /** All boxes of the scene as the text of a picture that needs no style sheet. */
  svg() {
    const { width, height } = this.scene;
    return this.drawing.picture(this.scene, [-EDGE, -EDGE, width + EDGE, height + EDGE]);
  }

  destroy() {
    this.still();
    this.camera.stop();
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
    this.element.replaceChildren();
  }
}

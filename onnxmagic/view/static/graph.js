// The graph view: a scene under a camera, with keys, search, a minimap and a place for the panel.
//
// It is a tree to a screen reader (boxes open and close, arrow keys walk) and a map to the eye. What a person looks at
// stays where it is: a box that opens keeps its place under the pointer, and everything else moves around it.

import { between, Camera, SWIFT } from "./camera.js";
import { link, piece, status } from "./dom.js";
import { Drawing } from "./drawing.js";
import { counted, Finder, tool } from "./finder.js";
import { kinOf } from "./kin.js";
import { Minimap } from "./minimap.js";
import { colourOf, drawLegend, saveButtons } from "./panel.js";
import { boxOf, buildScene, firstOpen, scopesAbove } from "./scene.js";
import { Walk } from "./walk.js";

const AROUND = 0.3; // what is drawn beyond the view, in parts of it
const EDGE = 26; // pixels left free around what is shown whole
const [TALL, LOW] = [560, 200];
const READ = 0.7; // the least zoom of the first view
const IN = 1.43;
const SOURCES = {
  modules: "boxes by module", names: "boxes by names", blocks: "boxes by repeated structure", flat: "no modules known",
};
const KEYS = "Arrow keys walk, Enter opens and closes, slash searches, 0 shows all, plus and minus zoom, Escape leaves";
const SAID = { node: "operator", scope: "group", ok: "fine", info: "note", warn: "warning", bad: "error" };

/**
 * Draw `data` into `host`. The hooks are those of panel.js, and any of:
 *   openPanel(element, what)          tell of {kind, index} in the element
 *   onSelect(key)                     a box's id, {kind: "value", index}, or null
 *   onCamera(camera)  onOpen(scopes)  after a movement, after a box was opened or closed by hand
 *   hidden(box)  line(edge)           whether a box keeps its place undrawn; the class of a line, null for none
 *   tint(box)                         {fill, mark, said} where no colour is chosen
 *   first  keys  tools  side  bare    scopes open at first, acts by key, elements, the panel's place, no tools at all
 */
export function mountGraph(host, data, hooks) {
  return new GraphView(host, data, hooks);
}

class GraphView {
  constructor(host, data, hooks) {
    Object.assign(this, { element: host, data, hooks, selected: null, mode: "", hits: new Set() });
    hooks.go = (what) => this.go(what);
    this.build();
    this.drawing = new Drawing(this.canvas, this);
    this.camera = new Camera(this.stage, (told) => this.moved(told), () => this.hint());
    this.opened = hooks.first ?? firstOpen(data);
    this.setScene();
    this.active = this.walk.boxes[0]?.id;
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.stage);
  }

  build() {
    const { data, element, hooks } = this;
    const option = (value, text) => piece("option", { value }, text);
    const modes = Object.keys(data.colours).map((mode) => option(mode, `by ${mode.replace("flops", "FLOPs")}`));
    const change = () => this.setColour(this.colour.value);
    this.finder = new Finder({
      find: (text) => data.search(text),
      changed: (hits) => {
        this.hits = new Set(hits.map(({ kind, index }) => `${kind[0]}${index}`));
        this.redraw();
      },
      go: (hit) => this.go(hit),
      leave: () => this.focus(),
    });
    const choice = { class: "om-button", "aria-label": "Colour", change };
    this.colour = piece("select", choice, option("", "No colour"), ...modes);
    this.canvas = piece("svg", {
      class: `om-canvas${hooks.tint ? " om-steps" : ""}`, role: "tree", "aria-label": `Graph of ${data.name}. ${KEYS}`,
      keydown: (event) => this.key(event), focusin: ({ target }) => this.activate(target.dataset.id),
    });
    this.tip = piece("div", { class: "om-tip", "aria-hidden": "true", hidden: "" });
    this.note = piece("div", { class: "om-hint", hidden: "" }, "Click the graph, or hold Ctrl, to zoom with the wheel");
    this.stage = piece("div", {
      class: "om-stage", click: (event) => this.click(event), pointermove: (event) => this.hover(event),
      dblclick: (event) => !event.target.closest(".om-chevron") && this.toggleAt(event),
      pointerleave: () => (this.tip.hidden = true),
    }, this.canvas, this.tip, this.note);
    this.side = hooks.side ?? piece("aside", { class: "om-side", "aria-label": "What is selected", hidden: "" });
    this.legend = piece("div", { class: "om-legend", hidden: "" });
    this.path = piece("nav", { class: "om-path", "aria-label": "Where it is" });
    this.spoken = status("om-spoken");
    const source = `${counted(data.count, "operator")}, ${SOURCES[data.source] ?? data.source}`;
    const zooms = [
      tool("−", "Zoom out (-)", () => this.zoom(1 / IN)), tool("+", "Zoom in (+)", () => this.zoom(IN)),
      tool("Fit", "Show all (0)", () => this.fit()),
    ];
    const save = saveButtons(data, () => this.svg());
    const tools = [...this.finder.elements, this.colour, ...save, ...zooms, ...(hooks.tools ?? [])];
    element.classList.add("om-graph");
    element.classList.toggle("om-bare", Boolean(hooks.bare));
    // What a notebook would take for its own keys; only saving is its own here too.
    Object.assign(element.dataset, { testid: "om-graph", lmSuppressShortcuts: "true" });
    const saves = ({ key, ctrlKey, metaKey }) => key === "s" && (ctrlKey || metaKey);
    element.addEventListener("keydown", (event) => saves(event) || event.stopPropagation());
    element.replaceChildren(
      piece("div", { class: "om-tools" }, ...tools),
      piece("div", { class: "om-view" }, this.stage, ...(hooks.side ? [] : [this.side])),
      this.legend,
      piece("div", { class: "om-foot" }, this.path, piece("span", {}, source)),
      this.spoken,
    );
  }

  hint() {
    this.note.hidden = false;
    clearTimeout(this.fade);
    this.fade = setTimeout(() => (this.note.hidden = true), 1600);
  }

  setScene(before = null) {
    this.scene = buildScene(this.data, this.opened, before, { measure: this.drawing.measure });
    this.walk = new Walk(this.scene);
    this.kin = null;
    this.map?.draw(this.scene);
  }

  resized() {
    const { stage, scene, placed } = this;
    if (!stage.clientWidth) return;
    if (!placed) {
      const wide = Math.min(1, (stage.clientWidth - 2 * EDGE) / scene.width);
      stage.style.height = `${between(scene.height * wide + 2 * EDGE, LOW, TALL)}px`;
      this.home();
      // Not before the graph is on the screen.
      if (!this.hooks.bare) setTimeout(() => this.addMap(), SWIFT);
    }
    this.placed = true;
    this.redraw();
    // The panel came beside it.
    if (this.selected && !this.camera.fingers.size) this.reveal(scene.byId.get(this.selected));
  }

  addMap() {
    this.map = new Minimap(this.stage, (x, y) => this.center(x, y, this.camera.k, 0));
    this.map.draw(this.scene);
    this.map.follow(this.camera.view());
  }

  /** The first view: all where it can be read, else the beginning. */
  home() {
    const { scene, stage, camera } = this;
    const all = this.whole();
    const [first] = this.walk.boxes;
    if (all.k >= READ) return camera.set(all.x, all.y, all.k);
    const wide = stage.clientWidth;
    const k = between((wide - 2 * EDGE) / scene.width, READ, 1);
    const middle = scene.width * k <= wide ? scene.width / 2 : first.x + first.width / 2;
    camera.set(wide / 2 - middle * k, EDGE, k);
  }

  /** Where the camera sees everything. */
  whole() {
    const { scene: { width, height }, stage: { clientWidth, clientHeight } } = this;
    const k = between(Math.min((clientWidth - 2 * EDGE) / width, (clientHeight - 2 * EDGE) / height), 0.02, 1.1);
    return { x: (clientWidth - width * k) / 2, y: (clientHeight - height * k) / 2, k };
  }

  fit() {
    const { x, y, k } = this.whole();
    this.camera.glide(x, y, k);
  }

  zoom(factor) {
    this.camera.zoom(factor, undefined, SWIFT);
  }

  center(x, y, k, ms) {
    this.camera.glide(this.stage.clientWidth / 2 - x * k, this.stage.clientHeight / 2 - y * k, k, ms);
  }

  moved(told) {
    const { camera } = this;
    if (told) this.hooks.onCamera?.({ x: camera.x, y: camera.y, k: camera.k });
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const [x0, y0, x1, y1] = camera.view();
      const { bounds: [a, b, c, d], k } = this.drawn ?? { bounds: [1, 1, 0, 0] };
      const gone = x0 < a || y0 < b || x1 > c || y1 > d || camera.k > k * 1.4 || camera.k < k * 0.75;
      gone ? this.redraw() : this.place();
    });
  }

  redraw() {
    const { camera, active, selected } = this;
    this.drawn = { bounds: camera.view(AROUND), k: camera.k };
    this.drawing.draw(this.scene, this.drawn.bounds, camera.k, [active, selected]);
    this.place();
  }

  place() {
    this.drawing.move(this.camera);
    this.map?.follow(this.camera.view());
  }

  /** Bring a box, or the head of an open one, into view by the shortest way, large enough to read. */
  reveal(box) {
    const { camera } = this;
    const [width, height] = box.open ? [Math.min(box.width, 160), 32] : [box.width, box.height];
    if (camera.k < 0.5) return this.center(box.x + width / 2, box.y + height / 2, 0.8);
    const shift = (at, size, least, most) => Math.max(Math.min(0, most - at - size), least - at) * camera.k;
    const [x0, y0, x1, y1] = camera.view(-0.05);
    const [dx, dy] = [shift(box.x, width, x0, x1), shift(box.y, height, y0, y1)];
    if (dx || dy) camera.glide(camera.x + dx, camera.y + dy, camera.k);
  }

  /** Open other boxes than before; box `anchor` stays where it is, at `part` of its width. */
  change(opened, anchor, part = 0.5) {
    const { scene: before, camera, drawing, canvas } = this;
    const focused = canvas.getRootNode().activeElement?.closest(".om-canvas") === canvas;
    this.opened = opened;
    this.setScene(before);
    const { byId } = this.scene;
    if (!byId.has(this.active)) this.active = byId.get(anchor)?.id ?? this.walk.boxes[0].id;
    if (this.selected && !byId.has(this.selected)) this.select(this.active, { reveal: false });
    const [origin, target] = [before.byId.get(anchor), byId.get(anchor)];
    const at = (box) => [box.x + part * box.width, box.y];
    const [dx, dy] = origin && target ? at(target).map((to, axis) => to - at(origin)[axis]) : [0, 0];
    camera.pan(-dx * camera.k, -dy * camera.k);
    this.redraw();
    if (focused) this.focus();
    drawing.animate({ before, origin, target, dx, dy });
  }

  toggle(box, part) {
    if (!box?.opens.length) return;
    const opened = new Set(this.opened);
    for (const scope of box.opens) box.open ? opened.delete(scope) : opened.add(scope);
    this.change(opened, box.id, part);
    this.hooks.onOpen?.(opened);
    const now = this.scene.byId.get(box.id);
    const parts = counted(this.walk.within(now.id).length, "part");
    this.spoken.textContent = `${now.label} is ${now.open ? `open: ${parts}` : "closed"}`;
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
    const above = scopesAbove(this.data, kind, index);
    const box = () => boxOf(this.data, this.scene, kind, index);
    if (above.some((scope) => !this.opened.has(scope))) {
      this.change(new Set([...this.opened, ...above]), box()?.id);
      this.hooks.onOpen?.(this.opened);
    }
    return box();
  }

  /** Choose a box by its id, "n12" or "s3", wherever it is; null chooses none. */
  select(id, { reveal = true, tell = true } = {}) {
    const { data, scene } = this;
    const [, letter, index] = /^([ns])(\d+)$/.exec(id) ?? [];
    const box = scene.byId.get(id) ?? (letter && this.show({ n: "node", s: "scope" }[letter], Number(index))) ?? null;
    Object.assign(this, { selected: box?.id ?? null, active: box?.id ?? this.active, kin: null });
    const values = data[`${box?.kind}s`]; // of an input or output
    const what = Array.isArray(values) ? { kind: "value", index: values[box.index] } : box;
    if (tell) this.tell(what, this.selected);
    const chain = [];
    const step = ({ id: at, label }) => [" › ", link(label, () => this.select(at))];
    for (let one = box; one; one = this.walk.above(one)) chain.unshift(...step(one));
    this.path.replaceChildren(...(box ? [data.name, ...chain] : []));
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

  activate(id) {
    if (!id || this.active === id) return;
    this.active = id;
    this.redraw();
  }

  focus() {
    this.drawing.items.get(this.active)?.focus({ preventScroll: true });
  }

  setColour(mode) {
    this.mode = this.colour.value = mode in this.data.colours ? mode : "";
    this.legend.hidden = !this.mode;
    if (this.mode) drawLegend(this.legend, this.data, this.mode);
    this.canvas.classList.toggle("om-steps", this.mode ? this.data.colours[this.mode].steps : Boolean(this.hooks.tint));
    this.redraw();
  }

  box(box) {
    const { id, kind, opens, open, sign, marked } = box;
    const { fill, mark = "", said } = (this.mode ? colourOf(this.data, this.mode, box) : this.hooks.tint?.(box)) ?? {};
    const hit = this.hits.has(id) && "hit";
    const faint = this.related() && !this.kin.boxes.has(id) && "faint";
    const classes = ["box", kind, open && "open", fill && `fill-${fill}`, marked, faint, hit];
    const words = [box.label, box.sub, box.third, SAID[kind] ?? kind, marked, SAID[sign], said, hit];
    const attributes = {
      class: classes.filter(Boolean).map((name) => `om-${name}`).join(" "),
      role: "treeitem",
      tabindex: id === this.active ? 0 : -1,
      "aria-label": words.filter(Boolean).join(", "),
      "aria-level": box.depth + 1,
      "aria-posinset": box.place,
      "aria-setsize": this.walk.within(box.parent).length,
      "aria-selected": id === this.selected,
      "aria-expanded": opens.length ? Boolean(open) : null,
      "data-sign": sign || null,
    };
    return { attributes, mark };
  }

  hides(box) {
    return Boolean(this.hooks.hidden?.(box));
  }

  /** The class of a line; null for one that is not drawn. */
  edge(edge) {
    const own = this.hooks.line ? this.hooks.line(edge) : "";
    const hidden = [edge.from, edge.to].some((id) => this.hides(this.scene.byId.get(id)));
    if (own === null || hidden) return null;
    return `${own} ${this.related() ? this.kin.styleOf(edge) : ""}`.trim();
  }

  /** Whether a box is chosen, so that others are its kin or are not. */
  related() {
    if (this.selected) this.kin ??= kinOf(this.data, this.scene, this.selected);
    return Boolean(this.selected);
  }

  carries({ value, count }) {
    return this.data.values.type(value) + (count > 1 ? `  and ${count - 1} more` : "");
  }

  /** The box and the edge at the pointer; in an open box there may be both. */
  at(event) {
    const box = this.scene.byId.get(event.target.closest("[data-id]")?.dataset.id);
    const edge = box && !box.open ? null : this.drawing.edgeAt(...this.camera.point(event), 5 / this.camera.k);
    return { box, edge };
  }

  click(event) {
    if (this.camera.dragged || event.target.closest("[data-own]")) return;
    const { box, edge } = this.at(event);
    const what = edge && { kind: "value", index: edge.value };
    if (edge) this.tell(what, what);
    else this.select(box?.id, { reveal: false });
    this.focus();
    // The small triangle opens with one click, as it does in every tree.
    if (!edge && event.target.closest(".om-chevron")) this.toggleAt(event);
  }

  toggleAt(event) {
    const { box } = this.at(event);
    if (box) this.toggle(box, (this.camera.point(event)[0] - box.x) / box.width);
  }

  hover(event) {
    this.hovering ??= requestAnimationFrame(() => {
      this.hovering = null;
      const { tip, stage, camera, data, drawing } = this;
      const { box, edge } = event.buttons ? {} : this.at(event);
      const cut = box && (camera.k < 0.5 || drawing.isCut(box.id)) ? [box.label, box.sub, box.third] : [];
      const lines = (edge ? [data.values.name(edge.value), this.carries(edge)] : cut).filter(Boolean);
      stage.classList.toggle("om-on-edge", Boolean(edge));
      tip.hidden = !lines.length;
      tip.replaceChildren(...lines.map((line) => piece("div", {}, line)));
      const [x, y] = camera.within(event);
      const high = tip.offsetHeight;
      tip.style.left = `${between(x + 14, 6, stage.clientWidth - tip.offsetWidth - 6)}px`;
      tip.style.top = `${y + 18 + high > stage.clientHeight ? y - high - 10 : y + 18}px`;
    });
  }

  key(event) {
    const box = this.scene.byId.get(this.active);
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const { walk } = this;
    const go = (next) => {
      if (next) this.select(next.id);
      this.focus();
    };
    const leave = () => {
      this.select(null);
      this.drawing.items.get(this.active)?.blur();
    };
    const acts = {
      ArrowDown: () => go(walk.along(box, "to")),
      ArrowUp: () => go(walk.along(box, "from")),
      ArrowLeft: () => go(walk.beside(box, -1)),
      ArrowRight: () => go(walk.beside(box, 1)),
      Home: () => go(walk.boxes[0]),
      End: () => go(walk.boxes.at(-1)),
      Enter: () => (box.opens.length ? this.toggle(box) : go(box)),
      " ": () => go(box),
      Escape: () => (box.parent ? go(walk.above(box)) : leave()),
      "/": () => this.finder.field.select(),
      0: () => this.fit(),
      f: () => this.fit(),
      "+": () => this.zoom(IN),
      "=": () => this.zoom(IN),
      "-": () => this.zoom(1 / IN),
      ...this.hooks.keys,
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** All boxes of the scene as the text of a picture that needs no style sheet. */
  svg() {
    const { width, height } = this.scene;
    return this.drawing.picture(this.scene, [-EDGE, -EDGE, width + EDGE, height + EDGE]);
  }

  destroy() {
    this.camera.stop();
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
    this.element.replaceChildren();
  }
}

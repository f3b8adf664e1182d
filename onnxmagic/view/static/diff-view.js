// Two models in one drawing: one over the other, side by side, or the second drawn over the first as a curtain is.
//
// Both sides are views of the same data with the same boxes open, so every box is at the same place in both, and what a
// side has not got leaves a gap. One view leads: it has the tools and the panel. The other follows its camera, its boxes
// and what is chosen, and is there only while two sides are shown.

import { ADDED, Marks, quietData, REMOVED, SIGNS, small, Tolerance, WORDS } from "./diff-data.js";
import { tellChanges } from "./diff-panel.js";
import { link, piece } from "./dom.js";
import { counted, tool } from "./finder.js";
import { mountGraph } from "./graph.js";
import { showPanel } from "./panel.js";

const WAYS = { unified: "Both in one", sides: "Side by side", swipe: "Swipe" };
const BY = { "]": 1, n: 1, "[": -1, p: -1 };
const CLASSES = ["", "om-added", "om-removed"];
const STEPS = [-9, 0]; // the tolerance, as powers of ten
const FEW = 12; // boxes of a graph that hides nothing at first

/** Draw both models into `host`; `data` is the union, `hooks` are those of a graph. */
export function mountDiff(host, data, hooks) {
  return new DiffView(host, data, hooks);
}

class DiffView {
  constructor(host, data, hooks) {
    const marks = new Marks(data);
    Object.assign(this, { host, hooks, marks, full: data, tolerance: new Tolerance(data), way: "unified", stop: -1, views: [] });
    data.roomy = this.tolerance.values.compared;
    this.calm = data.count > FEW && data.columns.diff.quiet.scope !== undefined;
    this.build();
    this.mount();
  }

  get data() {
    return this.calm ? (this.quiet ??= Object.assign(quietData(this.full), { roomy: this.full.roomy })) : this.full;
  }

  get selected() {
    return this.views[0]?.selected ?? null;
  }

  // -------------------------------------------------------------- the page around it

  build() {
    const { marks, tolerance } = this;
    const name = `om-way-${Math.random().toString(36).slice(2)}`;
    const way = ([key, label]) => {
      const change = () => this.setWay(key);
      const input = piece("input", { type: "radio", name, value: key, change, ...(key === this.way && { checked: "" }) });
      return piece("label", {}, input, label);
    };
    this.ways = piece("div", { class: "om-ways", role: "radiogroup", "aria-label": "How the two are shown" }, ...Object.entries(WAYS).map(way));
    this.fold = piece("input", { type: "checkbox", change: () => this.setCalm(this.fold.checked) });
    this.fold.checked = this.calm;
    const unchanged = piece("label", {}, this.fold, "Hide unchanged");
    this.where = piece("span", { class: "om-stop", role: "status" }, this.stopsTold());
    const steps = [tool("↑", "Previous change ([ or p)", () => this.step(-1)), tool("↓", "Next change (] or n)", () => this.step(1))];
    for (const step of steps) step.disabled = !marks.stops.length;
    this.stage = piece("div", { class: "om-both" });
    this.legend = piece("div", { class: "om-legend om-marks" }, ...this.entries());
    this.host.classList.add("om-diff-view");
    this.host.dataset.lmSuppressShortcuts = "true"; // what a notebook would take for its own keys
    this.host.replaceChildren(
      piece("div", { class: "om-tools om-diff-tools" }, this.ways, unchanged, piece("div", { class: "om-steps-of" }, ...steps, this.where)),
      ...(tolerance.values.compared ? [this.slider()] : []),
      this.stage,
      this.legend,
    );
    this.onKey = (event) => this.key(event);
    this.host.addEventListener("keydown", this.onKey);
  }

  entries() {
    const counts = [0, 0, 0, 0, 0];
    for (const mark of this.marks.nodes) counts[mark]++;
    return WORDS.slice(1).flatMap((word, k) => (counts[k + 1] ? [piece("span", {}, piece("i", { class: `om-${word}` }, SIGNS[k + 1]), ` ${counts[k + 1]} ${word}`)] : []));
  }

  slider() {
    const { tolerance } = this;
    const [min, max] = STEPS;
    const told = piece("span", { class: "om-beyond", role: "status" });
    const input = piece("input", { type: "range", min, max, step: 0.25, value: Math.log10(tolerance.at), "aria-label": "Tolerance of values, relative" });
    const tell = () => {
      const beyond = tolerance.beyond();
      const first = beyond.length ? [", the first is ", link(this.nameOf(beyond[0]), () => this.select(`n${beyond[0]}`))] : [];
      input.setAttribute("aria-valuetext", small(tolerance.at));
      told.replaceChildren(`${small(tolerance.at)}: ${counted(beyond.length, "node")} of ${tolerance.nodes.length} ${beyond.length === 1 ? "differs" : "differ"} by more`, ...first);
    };
    input.addEventListener("input", () => {
      tolerance.at = 10 ** Number(input.value);
      tell();
      this.views.forEach((view) => view.redraw());
    });
    tell();
    return piece("div", { class: "om-tools om-tolerance" }, piece("label", { title: "Relative to the largest value; each step of colour, ▁ to ▇, is ten times more" }, "Tolerance ", input), told);
  }

  nameOf(node) {
    const { nodes, scopes } = this.full;
    return [nodes.op(node), scopes.path(nodes.scope(node))].filter(Boolean).join(" in ");
  }

  // -------------------------------------------------------------- the views

  mount() {
    const { selected, stage, data } = this;
    this.drop();
    const host = piece("div", { class: "om-first" });
    stage.replaceChildren(host);
    const { quiet, open } = data.columns.diff;
    this.addView(host, { first: new Set(this.calm ? quiet.open : open) });
    this.showSecond();
    // A node is the same one in whatever boxes; a box may be gone.
    if (/^n/.test(selected)) this.show(selected);
  }

  addView(host, more) {
    const { data, views, hooks } = this;
    const own = { ...hooks, live: false, ...this.looks(views.length), ...more };
    own.openPanel = (element, what) => {
      showPanel(element, data, what, own);
      tellChanges(element, this, data, what);
    };
    views.push(mountGraph(host, data, own));
    return views.at(-1);
  }

  /** How boxes and lines look: of two sides each is without what only the other has. */
  looks(number) {
    const { marks, tolerance, data } = this;
    const gone = () => (this.way === "unified" ? 0 : [ADDED, REMOVED][number]);
    const others = () => this.views.filter((_, k) => k !== number);
    return {
      hidden: (box) => gone() > 0 && marks.of(data, box) === gone(),
      line: ({ edges }) => (gone() > 0 && marks.line(edges) === gone() ? null : CLASSES[marks.line(edges)]),
      tint: tolerance.values.compared ? (box) => tolerance.tint(data, box) : undefined,
      keys: Object.fromEntries(Object.entries(BY).map(([key, by]) => [key, () => this.step(by)])),
      onCamera: (at) => this.led || others().forEach((view) => view.camera.follow(at)),
      onOpen: (opened) => this.follow(this.views[number], others(), opened),
      onSelect: (key) => {
        if (key === null || typeof key === "string") others().forEach((view) => view.select(key, { tell: false, reveal: false }));
      },
    };
  }

  /** Let other views open what one has opened, and look where it looks. */
  follow(lead, others, opened) {
    this.led = true;
    for (const view of others) {
      view.change(new Set(opened), lead.active);
      view.camera.follow(lead.camera);
    }
    this.led = false;
  }

  /** The view of the second model, where two are shown: beside the first, or over it up to a line that can be moved. */
  showSecond() {
    const [lead, second] = this.views;
    const before = lead.stage.clientWidth;
    second?.destroy();
    this.views.length = 1;
    this.sizes?.disconnect();
    this.stage.dataset.way = this.way;
    for (const element of this.stage.querySelectorAll(".om-second, .om-curtain, .om-whose")) element.remove();
    if (this.way !== "unified") {
      const host = piece("div", { class: "om-second" });
      lead.stage.after(host);
      const view = this.addView(host, { bare: true, side: lead.side, first: new Set(lead.opened) });
      view.placed = true; // it never looks anywhere by itself
      view.camera.follow(lead.camera);
      view.select(lead.selected, { tell: false, reveal: false });
      if (this.way === "swipe") this.addCurtain(lead, host);
      this.views.forEach(({ stage }, k) => stage.append(piece("div", { class: `om-whose om-whose-${"ab"[k]}` }, this.marks.names[k])));
    }
    lead.redraw();
    // What was in the middle stays there.
    if (lead.placed) lead.camera.pan((lead.stage.clientWidth - before) / 2, 0);
  }

  addCurtain(lead, host) {
    const view = host.parentElement;
    const bar = piece("div", { class: "om-curtain", role: "slider", tabindex: 0, "aria-label": `How much is seen of ${this.marks.names[0]}`, "aria-valuemin": 0, "aria-valuemax": 100, "data-own": "" });
    const set = (part) => {
      this.part = Math.min(Math.max(part, 0), 1);
      view.style.setProperty("--part", `${this.part * lead.stage.offsetWidth}px`);
      bar.setAttribute("aria-valuenow", Math.round(100 * this.part));
    };
    const frame = () => lead.stage.getBoundingClientRect();
    bar.addEventListener("pointerdown", (event) => (bar.setPointerCapture(event.pointerId), event.stopPropagation()));
    bar.addEventListener("pointermove", (event) => event.buttons && set((event.clientX - frame().left) / frame().width));
    bar.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -0.05, ArrowRight: 0.05, Home: -1, End: 1 }[event.key];
      if (by) (event.preventDefault(), event.stopPropagation(), set(this.part + by));
    });
    host.after(bar);
    // The stage of the first may be made higher by hand, and the panel takes from its width.
    const measure = () => {
      for (const [name, size] of [["--wide", lead.stage.offsetWidth], ["--high", lead.stage.offsetHeight]]) view.style.setProperty(name, `${size}px`);
      set(this.part);
    };
    this.part ??= 0.5;
    this.sizes = new ResizeObserver(measure);
    this.sizes.observe(lead.stage);
  }

  drop() {
    this.sizes?.disconnect();
    this.views.splice(0).forEach((view) => view.destroy());
  }

  // -------------------------------------------------------------- what a person does

  setWay(way) {
    this.way = way;
    this.showSecond();
  }

  setCalm(calm) {
    this.calm = calm;
    this.mount();
  }

  key(event) {
    const by = BY[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=radio], [type=checkbox], [type=range]), select, textarea")) return;
    event.preventDefault();
    event.stopPropagation();
    this.step(by);
  }

  /** Go to the next change, or the one before. */
  step(by) {
    const { stops } = this.marks;
    if (!stops.length) return;
    this.stop = this.stop < 0 && by < 0 ? stops.length - 1 : (this.stop + by + stops.length) % stops.length;
    const nodes = stops[this.stop];
    this.show(`n${nodes[0]}`);
    this.where.textContent = `${this.stop + 1} of ${stops.length}: ${this.told(nodes)}`;
  }

  told(nodes) {
    const counts = [0, 0, 0, 0, 0];
    for (const node of nodes) counts[this.marks.nodes[node]]++;
    const signs = counts.flatMap((count, mark) => (mark && count ? [`${SIGNS[mark]}${count}`] : []));
    const place = this.full.scopes.path(this.full.nodes.scope(nodes[0]));
    return nodes.length > 1 ? [signs.join(" "), place].filter(Boolean).join(" in ") : `${this.nameOf(nodes[0])}, ${WORDS[this.marks.nodes[nodes[0]]]}`;
  }

  stopsTold() {
    return counted(this.marks.stops.length, "change");
  }

  /** Choose a box, or what a link names; keys of boxes that are folded away open what is around them. */
  select(key) {
    const box = key === null ? null : this.marks.box(this.data, key);
    const found = this.marks.stops.findIndex((nodes) => box === `n${nodes[0]}`);
    if (found >= 0) this.stop = found;
    this.show(box);
  }

  show(box) {
    if (this.views[0].selected !== box) this.views[0].select(box);
  }

  open(scope) {
    if (!this.calm) this.views[0].open(scope);
  }

  destroy() {
    this.host.removeEventListener("keydown", this.onKey);
    this.drop();
  }
}

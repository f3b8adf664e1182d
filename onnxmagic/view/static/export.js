// The live side of a report: one module for the page without a kernel and for the widget.
//
// Python draws the report once, with inline styles that survive where scripts are stripped. This module takes those
// very elements, puts them into a shadow root, drops the inline styles for export.css, and adds what needs a script.
// It never makes an element out of a string that came from a model.
//
//   adopt(state)           the static page: take over the copy that stands in the document
//   render({ model, el })  the widget: draw model.get("html"), hide the static copy, report what is chosen

import { bringIntoView, button, piece, status } from "./dom.js";
import { unpack } from "./graph-data.js";
import { mountGraph } from "./graph.js";
import { showPanel } from "./panel.js";

const LIVE = "data-om-widget";
const SMALL = 2e4; // characters of deflated data
const STALE = "Error displaying widget";

/** What draws into a graph's element, by its `data-mount`. */
export const MOUNTS = { graph: mountGraph };

/** The elements in `within` that have an attribute, also where its value is no CSS string. */
const having = (within, name, value) =>
  [...within.querySelectorAll(`[${name}]`)].filter((one) => value === undefined || one.getAttribute(name) === value);

/** As the page says, or else the system. */
function theme() {
  const { body, documentElement: { dataset } } = document;
  const says = (name) => body.classList.contains(`vscode-${name}`);
  const { jpThemeLight: light } = body.dataset;
  if (light) return light === "false" ? "dark" : "light";
  if (says("dark") || says("high-contrast")) return "dark";
  if (says("light")) return "light";
  return ["light", "dark"].includes(dataset.theme) ? dataset.theme : "light dark";
}

function followTheme(report) {
  const apply = () => (report.style.colorScheme = theme());
  const observer = new MutationObserver(apply);
  const watched = { attributes: true, attributeFilter: ["data-jp-theme-light", "data-theme", "class"] };
  for (const element of [document.body, document.documentElement]) observer.observe(element, watched);
  apply();
  return () => observer.disconnect();
}

const pathOf = (row) => row.querySelector(".om-name")?.title ?? "";

/** Mark the rows whose path, name or class holds `text`, and open what they are in; the style sheet hides the rest. */
function search(tree, text) {
  const [wanted, rows] = [text.trim().toLowerCase(), having(tree, "data-key")];
  const said = (row) => [pathOf(row), ...[...row.querySelectorAll(".om-name, .om-kind")].map((one) => one.textContent)];
  const isHit = (row) => wanted !== "" && said(row).some((one) => one.toLowerCase().includes(wanted));
  const hits = rows.filter((row) => row.toggleAttribute("data-hit", isHit(row)));
  tree.classList.toggle("om-searched", wanted !== "");
  for (const branch of tree.querySelectorAll("details")) {
    const before = (branch.dataset.before ??= branch.open);
    branch.open = wanted ? branch.querySelector(".om-children [data-hit]") !== null : before === "true";
    if (!wanted) delete branch.dataset.before;
  }
  return wanted && `${hits.length} of ${rows.length}`;
}

function addTools(tree) {
  if (having(tree, "data-key").length < 2) return;
  const found = piece("span", { class: "om-found", role: "status" });
  const input = () => (found.textContent = search(tree, field.value));
  // A notebook in command mode takes keys for its own: "a" typed here must not insert a cell.
  const keydown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") clearSearch(field);
  };
  const words = { placeholder: "Search modules", "aria-label": "Search modules" };
  const field = piece("input", { class: "om-search", type: "search", ...words, input, keydown });
  const foldAll = (open) => tree.querySelectorAll("details").forEach((one) => (one.open = open));
  const folds = [button("Unfold all", () => foldAll(true)), button("Fold all", () => foldAll(false))];
  const own = { class: "om-tools", "data-lm-suppress-shortcuts": "true" };
  tree.before(piece("div", own, field, found, ...folds));
}

function clearSearch(field) {
  if (!field?.value) return;
  field.value = "";
  field.dispatchEvent(new Event("input"));
}

function onArrow(tree, event) {
  const row = event.target.closest("[data-key]");
  if (!row) return;
  const details = row.matches("summary") ? row.parentElement : null;
  const rows = having(tree, "data-key").filter((one) => one.checkVisibility());
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) rows[rows.indexOf(row) + step]?.focus();
  else if (event.key === "ArrowRight" && details) details.open = true;
  else if (event.key === "ArrowLeft" && details?.open) details.open = false;
  else if (event.key === "ArrowLeft") row.closest(".om-children")?.parentElement.querySelector("summary").focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function reveal(row) {
  clearSearch(row.closest(".om-tree").previousElementSibling?.querySelector(".om-search"));
  for (let above = row; (above = above.parentElement.closest("details")); ) above.open = true;
  bringIntoView(row);
}

/** A rule is explained once; where it is met again its words are copied when they are asked for. */
function addExplanations(report) {
  for (const summary of report.querySelectorAll(".om-about")) {
    const details = summary.parentElement;
    const tell = () => {
      summary.setAttribute("aria-expanded", String(details.open));
      const why = details.querySelector("[data-again]");
      if (!details.open || !why) return;
      why.replaceChildren(...having(report, "data-rule", why.dataset.again)[0].cloneNode(true).childNodes);
      why.removeAttribute("data-again");
    };
    details.addEventListener("toggle", tell);
    tell();
  }
}

function say(item, ...pieces) {
  const box = item.querySelector(".om-outcome") ?? item.appendChild(status("om-outcome"));
  box.replaceChildren(...pieces);
  return box;
}

/** Put the text of an action into the clipboard, where the browser lets us, and say where it belongs. */
async function copy(item, { text, advice }) {
  const copied = await navigator.clipboard?.writeText(text).then(() => " is copied: ", () => ": ");
  say(item, piece("code", { class: "om-code" }, text), copied ?? ": ", advice, ".");
}

/** Put the buttons of each finding beside it: the way to its place, and with a kernel what can be done about it. */
function addButtons(report, choose, model, graph) {
  for (const item of report.querySelectorAll(".om-item")) {
    const { key, module, node } = item.dataset;
    const bar = piece("div", { class: "om-acts" });
    const add = (label, title, act) => bar.append(button(label, ({ target }) => act(target), { title }));
    const [row] = module ? having(report, "data-key", module) : [];
    if (row) add("Show module", `${pathOf(row)} in the tree below`, () => [reveal(row), choose(module)]);
    if (node && graph) add("Show node", "in the graph below", () => [choose(node), graph.goTo(node)]);
    for (const action of model?.get("actions")?.[key] ?? [])
      add(action.label, action.title, (pressed) => {
        if (action.kind === "copy") return copy(item, action);
        pressed.disabled = true;
        say(item, "Fixing a copy …");
        model.send({ apply: key });
      });
    if (bar.childElementCount) item.append(bar);
  }
}

/** Elements that Python drew and escaped; scripts inside a template's content never run. */
function drawnByPython(html) {
  const template = piece("template");
  template.innerHTML = html;
  return template.content;
}

function showOutcomes(report, model) {
  for (const [key, { times, html }] of Object.entries(model.get("outcomes"))) {
    const [item] = having(report, "data-key", key);
    if (!item || item.dataset.times === String(times)) continue;
    item.dataset.times = times;
    dropStyles(say(item, drawnByPython(html)));
    item.querySelectorAll("button").forEach((one) => (one.disabled = false));
  }
}

/** A line to Python: `ask` sends a question and promises the answer. */
function lineTo(model) {
  const waiting = new Map();
  const hear = ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    error ? reject?.(Error(error)) : resolve?.(answer);
  };
  const ask = (kind, of) => new Promise((resolve, reject) => {
    // By chance and not counted: other views of this widget, in other windows too, hear the answer.
    const id = Math.random().toString(36).slice(2);
    waiting.set(id, { resolve, reject });
    model.send({ ...of, ask: kind, id });
  });
  model?.on("msg:custom", hear);
  return { ask, hangUp: () => model?.off("msg:custom", hear) };
}

/** The data that a static copy of a report holds; a widget's own elements are without it. */
function payloadOf(ident) {
  const graphs = copiesOf(ident).map((one) => (one.shadowRoot ?? one).querySelector(".om-graph"));
  return graphs.find((graph) => graph?.dataset.payload)?.dataset.payload;
}

/** Draw the graph of a report as soon as it is seen; null where there is none. */
function addGraph(report, choose, model, ident) {
  const host = report.querySelector(".om-graph");
  if (!host) return null;
  const line = lineTo(model);
  let [data, view, wanted, told] = [null, null, null, null];
  const packed = async () => host.dataset.payload ?? payloadOf(ident) ?? line.ask("graph");
  const load = () => (data ??= packed().then(unpack));
  const select = () => view?.selected === wanted || view?.select(wanted);
  const draw = (known) => {
    if (view) return;
    seen.disconnect();
    const { kind } = known.scopes;
    const hooks = {
      live: model !== null,
      ask: line.ask,
      // Python knows nodes and modules, and no blocks, bodies or values.
      onSelect: (key) => (/^n\d/.test(key) || (/^s\d/.test(key) && kind(+key.slice(1)) === "module")) && choose(key),
      jump(key) {
        const [item] = having(report, "data-key", key);
        item.tabIndex = Math.max(item.tabIndex, -1);
        bringIntoView(item);
        choose(key);
      },
      openPanel: (element, what) => showPanel(element, known, what, hooks),
    };
    host.replaceChildren();
    view = MOUNTS[host.dataset.mount ?? "graph"](host, known, hooks, report);
    // Parents stand before their children.
    for (const scope of host.dataset.open?.split(" ") ?? []) view.open(+scope);
    select();
  };
  const fail = (error) => {
    seen.disconnect();
    told ??= host.appendChild(status("om-dim", `The graph cannot be drawn here: ${error.message}`));
  };
  // A small one is unpacked while the rest of the report is made: then the first frame may have the graph.
  if (host.dataset.payload?.length < SMALL) load().catch(() => {}); // told when it is to be drawn
  const drawSeen = () => load().then((known) => host.checkVisibility() && draw(known)).catch(fail);
  // Not before it is seen: a widget hides this copy in a moment, and a notebook may hold twenty graphs.
  const seen = new IntersectionObserver(([entry]) => entry.isIntersecting && drawSeen());
  seen.observe(host);
  // An observer tells no sooner than the next frame; before that one, when all else is in the page, the place is known.
  queueMicrotask(() => {
    const { top, bottom } = host.getBoundingClientRect();
    if (top < innerHeight && bottom > 0) drawSeen();
  });
  return {
    show(key) {
      wanted = key;
      select();
    },
    async name(key) {
      const { nodes, scopes, name } = await load();
      const index = +key.slice(1);
      return key[0] === "n" ? nodes.name(index) || nodes.op(index) : scopes.path(index) || name;
    },
    goTo(key) {
      host.scrollIntoView({ block: "center" });
      load().then(draw).then(() => view.select(key)).catch(fail);
    },
    stop() {
      seen.disconnect();
      line.hangUp();
      view?.destroy();
    },
  };
}

/** Mark the chosen row, and say below the report where Python has it; what has no row has a `name`. */
function mark(report, key, live, name) {
  for (const row of having(report, "aria-current")) row.removeAttribute("aria-current");
  const [row] = having(report, "data-key", key);
  row?.setAttribute("aria-current", "true");
  const told = () => row.querySelector(row.matches(".om-item") ? ".om-code" : ".om-name");
  name ??= row && ((!row.matches(".om-item") && pathOf(row)) || told().textContent);
  report.querySelector(".om-chosen")?.remove();
  const code = (text) => piece("code", {}, text);
  if (name && live)
    report.append(status("om-chosen", code(name), " is now ", code(".selected"), " of this result in Python."));
}

/** Rows and findings answer to a click and to Enter; `choose` gets the key. */
function addChoosing(report, choose, live) {
  /** The key of the row an event is for; what answers to clicks by itself chooses nothing. */
  const rowAt = ({ target }) => {
    const nearest = target.closest?.("[data-key], button, .om-about, .om-why, .om-outcome");
    return nearest?.matches("[data-key]") ? nearest : null;
  };
  report.addEventListener("click", (event) => {
    const row = rowAt(event);
    // Text being copied is not a choice.
    if (row && String(getSelection()) === "") choose(row.dataset.key);
  });
  report.addEventListener("keydown", (event) => {
    // A notebook takes Enter and the blank for its own.
    if (["Enter", " "].includes(event.key) && event.target.closest?.("button, summary")) event.stopPropagation();
    const row = rowAt(event);
    if (!row || event.key !== "Enter") return;
    // A summary makes a click of Enter by itself; the others do not.
    if (!row.matches("summary")) choose(row.dataset.key);
    event.stopPropagation();
  });
  for (const row of report.querySelectorAll(live ? "[data-key]" : ".om-tree [data-key]")) {
    row.tabIndex = 0;
    // A finding holds buttons of its own, so it cannot be one.
    if (live && !row.matches("summary")) row.setAttribute("role", row.matches(".om-item") ? "group" : "button");
  }
  report.classList.toggle("om-live", live);
}

function addLinks(report, graph) {
  for (const place of having(report, "data-go")) {
    const go = () => graph.goTo(place.dataset.go);
    place.classList.add("om-link");
    Object.assign(place, { role: "link", tabIndex: 0, onclick: go, onkeydown: ({ key }) => key === "Enter" && go() });
  }
}

/** Take away the inline styles, for export.css; those that are figures stay. */
function dropStyles(within) {
  for (const styled of within.querySelectorAll("[style]:not(.om-fill)")) styled.removeAttribute("style");
}

/** Give the drawn report its style sheet and its behaviour inside `host`; `model` is null where there is no kernel. */
function enliven(host, nodes, { css, ident }, choose, model) {
  const shadow = host.attachShadow({ mode: "open" });
  shadow.append(piece("style", {}, css), ...nodes);
  dropStyles(shadow);
  const report = shadow.querySelector(".om-report");
  const live = model !== null && model.get("chooses") !== false;
  const graph = addGraph(report, choose, model, ident);
  for (const tree of shadow.querySelectorAll(".om-tree")) {
    addTools(tree);
    tree.addEventListener("keydown", (event) => onArrow(tree, event));
  }
  addExplanations(report);
  addButtons(report, choose, model, graph);
  addChoosing(report, choose, live);
  if (graph) addLinks(report, graph);
  const follow = followTheme(report);
  const show = (key) => {
    mark(report, key, live);
    if (key === "") graph?.show(null);
    if (!graph || !/^[ns]\d+$/.test(key)) return;
    graph.show(key);
    if (live) graph.name(key).then((name) => model.get("selected") === key && mark(report, key, true, name), () => {});
  };
  return { report, show, stop: () => (follow(), graph?.stop()) };
}

const outputOf = (element) => element.closest(".jp-OutputArea-child") ?? element;
const copiesOf = (ident) => having(document, "data-om", ident);
const widgetsOf = (ident) => having(document, LIVE, ident);

/** Hide the static copies of a report; return the way to have them back, also where they are out of the document. */
function hideCopies(ident) {
  const outputs = copiesOf(ident).map(outputOf);
  for (const output of outputs) output.style.display = "none";
  return () => [...outputs, ...copiesOf(ident).map(outputOf)].forEach((output) => (output.style.display = ""));
}

/** A reopened notebook has no kernel for the widget behind this copy: hide the line in which Jupyter says so. */
function hideStale(host) {
  const output = host.closest(".jp-OutputArea-child");
  if (!output) return;
  const hide = () => {
    const next = output.nextElementSibling;
    if (next?.textContent.trim().startsWith(STALE)) next.style.display = "none";
  };
  new MutationObserver(hide).observe(output.parentElement, { childList: true, subtree: true, characterData: true });
  hide();
}

/** Take over every copy of this report that is in the document and not live yet. */
export function adopt({ ident, css }) {
  for (const host of copiesOf(ident)) {
    if (host.shadowRoot) continue;
    const { show } = enliven(host, [...host.childNodes], { css, ident }, (key) => show(key), null);
    hideStale(host);
  }
  // The widget may have been drawn first, for example when a tab is opened a second time.
  if (widgetsOf(ident).length) hideCopies(ident);
}

/** Draw the widget; return the function that takes it down. */
export function render({ model, el }) {
  const ident = model.get("ident");
  const host = piece("div", { [LIVE]: ident });
  const choose = (key) => {
    model.set("selected", key);
    model.save_changes();
  };
  const look = { css: model.get("css"), ident };
  const drawn = [...drawnByPython(model.get("html")).childNodes];
  const { report, show, stop } = enliven(host, drawn, look, choose, model);
  const heard = {
    "change:selected": () => show(model.get("selected")), "change:outcomes": () => showOutcomes(report, model),
  };
  for (const [name, hear] of Object.entries(heard)) {
    model.on(name, hear);
    hear();
  }
  el.append(host);
  const showAgain = hideCopies(ident);
  return () => {
    stop();
    for (const [name, hear] of Object.entries(heard)) model.off(name, hear);
    host.remove();
    // Without its kernel the widget goes; the report must not go with it.
    if (!widgetsOf(ident).length) showAgain();
  };
}

export default { render, adopt };

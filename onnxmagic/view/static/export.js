// The live side of a report: one module for the page without a kernel and for the widget.
//
// Python draws the report once, with inline styles that survive where scripts are stripped. This module takes those
// very elements, puts them into a shadow root, drops the inline styles for export.css, and adds what needs a script:
// search, folding all at once, arrow keys, the way from a finding to its module, and (with a kernel) the choice of a
// module, finding or node and the buttons that mend. It never makes an element out of a string that came from a model.
//
//   adopt(state)           the static page: take over the copy that stands in the document
//   render({ model, el })  the widget: draw model.get("html"), hide the static copy, report what is chosen

import { unpack } from "./graph-data.js";
import { mountGraph } from "./graph.js";
import { showPanel } from "./panel.js";

const LIVE = "data-om-widget";
const STALE = "Error displaying widget";

/** Make an element with a class, attributes and text or children. */
function make(name, cls, attributes = {}, ...children) {
  const element = document.createElement(name);
  if (cls) element.className = cls;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---------------------------------------------------------------- light or dark

/** "light", "dark", or null where the page does not say and the system's preference decides. */
function theme() {
  const { body, documentElement: root } = document;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return "dark";
  if (body.classList.contains("vscode-light")) return "light";
  const sphinx = root.dataset.theme;
  return sphinx === "dark" || sphinx === "light" ? sphinx : null;
}

/** Let `report` follow the page's theme; return the way to stop. */
function followTheme(report) {
  const apply = () => (report.style.colorScheme = theme() ?? "light dark");
  const observer = new MutationObserver(apply);
  const watched = ["data-jp-theme-light", "data-theme", "class"];
  for (const element of [document.body, document.documentElement])
    observer.observe(element, { attributes: true, attributeFilter: watched });
  apply();
  return () => observer.disconnect();
}

// ---------------------------------------------------------------- the tree

/** The rows of a tree that can be seen now, from top to bottom. */
const visibleRows = (tree) => [...tree.querySelectorAll("[data-key]")].filter((row) => row.checkVisibility());

const pathOf = (row) => row.querySelector(".om-name")?.title ?? "";

/** Show only rows whose path, name or class holds `query`, with their parents open above them. */
function search(tree, query) {
  const wanted = query.trim().toLowerCase();
  let found = 0;
  const visit = (node) => {
    const row = node.matches("details") ? node.querySelector(":scope > summary") : node;
    const texts = [pathOf(row), row.querySelector(".om-name").textContent, row.querySelector(".om-kind").textContent];
    const hit = texts.some((text) => text.toLowerCase().includes(wanted));
    const below = [...node.querySelectorAll(":scope > .om-children > *")].map(visit).some(Boolean);
    found += hit;
    row.toggleAttribute("data-hit", hit && wanted !== "");
    node.hidden = wanted !== "" && !hit && !below;
    if (node.matches("details")) {
      node.dataset.before ??= String(node.open);
      node.open = wanted === "" ? node.dataset.before === "true" : below;
      if (wanted === "") delete node.dataset.before;
    }
    return hit || below;
  };
  tree.querySelectorAll(":scope > details, :scope > .om-leaf").forEach(visit);
  return found;
}

/** Put a search field and two fold buttons above the tree. */
function addTools(tree) {
  const total = tree.querySelectorAll("[data-key]").length;
  if (total < 2) return;
  const field = make("input", "om-search", { type: "search", placeholder: "Search modules", "aria-label": "Search modules" });
  const found = make("span", "om-found", { role: "status" });
  field.addEventListener("input", () => {
    const hits = search(tree, field.value);
    found.textContent = field.value.trim() ? `${hits} of ${total}` : "";
  });
  const fold = (label, open) => {
    const button = make("button", "om-button", { type: "button" }, label);
    button.addEventListener("click", () => tree.querySelectorAll("details").forEach((node) => (node.open = open)));
    return button;
  };
  // A notebook in command mode takes keys for its own: "a" typed here must not insert a cell.
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Escape") return;
    field.value = "";
    field.dispatchEvent(new Event("input"));
  });
  tree.before(make("div", "om-tools", { "data-lm-suppress-shortcuts": "true" }, field, found, fold("Unfold all", true), fold("Fold all", false)));
}

/** Arrow keys walk through the rows and fold them, as in any tree. */
function onArrow(tree, event) {
  const row = event.target.closest("[data-key]");
  if (!row) return;
  const details = row.matches("summary") ? row.parentElement : null;
  const rows = visibleRows(tree);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) rows[rows.indexOf(row) + step]?.focus();
  else if (event.key === "ArrowRight" && details) details.open = true;
  else if (event.key === "ArrowLeft" && details?.open) details.open = false;
  else if (event.key === "ArrowLeft") row.closest(".om-children")?.parentElement.querySelector("summary").focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Open the tree down to `row`, bring it into sight and put the focus on it. */
function reveal(row) {
  const field = row.closest(".om-tree").previousElementSibling?.querySelector(".om-search");
  if (field?.value) {
    field.value = "";
    field.dispatchEvent(new Event("input"));
  }
  for (let above = row.closest(".om-children"); above; above = above.parentElement.closest(".om-children"))
    above.parentElement.open = true;
  row.scrollIntoView({ block: "center" });
  row.focus({ preventScroll: true });
}

// ---------------------------------------------------------------- findings

const rowOf = (report, key) => [...report.querySelectorAll("[data-key]")].find((row) => row.dataset.key === key);

/** A rule is explained once; where it is met again its words are copied when they are asked for. */
function addExplanations(report) {
  for (const summary of report.querySelectorAll(".om-about")) {
    const details = summary.parentElement;
    const tell = () => {
      summary.setAttribute("aria-expanded", String(details.open));
      const why = details.querySelector("[data-again]");
      if (!details.open || !why) return;
      const first = [...report.querySelectorAll("[data-rule]")].find((one) => one.dataset.rule === why.dataset.again);
      why.replaceChildren(...first.cloneNode(true).childNodes);
      why.removeAttribute("data-again");
    };
    details.addEventListener("toggle", tell);
    tell();
  }
}

/** Say something below a finding. */
function say(item, ...pieces) {
  const box = item.querySelector(".om-outcome") ?? item.appendChild(make("div", "om-outcome", { role: "status" }));
  box.replaceChildren(...pieces);
  return box;
}

/** Put the text of `action` into the clipboard, where the browser lets us, and say where it belongs. */
async function copy(item, { text, advice }) {
  let copied = " is copied: ";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copied = ": ";
  }
  say(item, make("code", "om-code", {}, text), copied, advice, ".");
}

/** Put the buttons of each finding beside it: the way to its place, and with a kernel what can be done about it. */
function addButtons(report, choose, model, graph) {
  const actions = model?.get("actions") ?? {};
  for (const item of report.querySelectorAll(".om-item")) {
    const { key, module, node } = item.dataset;
    const bar = make("div", "om-acts");
    const add = (label, title, onClick) => {
      const button = bar.appendChild(make("button", "om-button", { type: "button", title }, label));
      button.addEventListener("click", () => onClick(button));
    };
    const row = module && rowOf(report, module);
    if (row)
      add("Show module", `${pathOf(row)} in the tree below`, () => {
        reveal(row);
        choose(module);
      });
    if (node && graph) add("Show node", "in the graph below", () => graph.goTo(node));
    for (const action of actions[key] ?? [])
      add(action.label, action.title, (button) => {
        if (action.kind === "copy") return copy(item, action);
        button.disabled = true;
        say(item, "Fixing a copy …");
        model.send({ apply: key });
      });
    if (bar.childElementCount) item.append(bar);
  }
}

/** Show what became of the fixes that were asked for; drawn by Python, like the report. */
function showOutcomes(report, model) {
  for (const [key, { times, html }] of Object.entries(model.get("outcomes"))) {
    const item = rowOf(report, key);
    if (!item || item.dataset.times === String(times)) continue;
    item.dataset.times = times;
    const template = document.createElement("template");
    template.innerHTML = html;
    dropStyles(say(item, template.content));
    item.querySelectorAll("button").forEach((button) => (button.disabled = false));
  }
}

// ---------------------------------------------------------------- the graph

/** A line to Python: `ask` sends a question and promises the answer. */
function lineTo(model) {
  const waiting = new Map();
  const hear = ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    error ? reject?.(Error(error)) : resolve?.(answer);
  };
  const ask = (kind, of) =>
    new Promise((resolve, reject) => {
      // By chance and not counted: other views of this widget, in other windows too, hear the answer.
      const id = Math.random().toString(36).slice(2);
      waiting.set(id, { resolve, reject });
      model.send({ ...of, ask: kind, id });
    });
  model?.on("msg:custom", hear);
  return { ask, hangUp: () => model?.off("msg:custom", hear) };
}

/** The data that the static copy of a report holds; a widget's own elements are without it. */
function payloadOf(ident) {
  const graphs = copiesOf(ident).map((copy) => (copy.shadowRoot ?? copy).querySelector(".om-graph"));
  return graphs.find((graph) => graph?.dataset.payload)?.dataset.payload;
}

/** Whether Python has something for the key of a box: it knows nodes and modules, and no blocks, bodies, values. */
function isChoice({ scopes }, key) {
  const [, kind, index] = /^([ns])(\d+)$/.exec(key) ?? [];
  return kind === "n" || (kind === "s" && scopes.kind(+index) === "module");
}

/** Draw the graph of a report as soon as it is seen; null where there is none. */
function addGraph(report, choose, model, ident) {
  const host = report.querySelector(".om-graph");
  if (!host) return null;
  const line = lineTo(model);
  let [data, view, wanted] = [null, null, null];
  const load = () => (data ??= (async () => unpack(host.dataset.payload ?? payloadOf(ident) ?? (await line.ask("graph"))))());
  const fail = (error) => {
    seen.disconnect();
    host.append(make("p", "om-dim", { role: "status" }, `The graph cannot be drawn here: ${error.message}`));
  };
  const select = () => view?.selected === wanted || view?.select(wanted, { quiet: true });
  const draw = (known) => {
    if (view) return;
    const hooks = {
      live: model !== null,
      ask: line.ask,
      onSelect: (key) => isChoice(known, key) && choose(key),
      jump: (key) => (goTo(rowOf(report, key)), choose(key)),
      openPanel: (element, what) => showPanel(element, known, what, hooks),
    };
    host.replaceChildren();
    view = mountGraph(host, known, hooks);
    // Parents stand before their children.
    for (const scope of host.dataset.open?.split(" ") ?? []) view.open(+scope);
    seen.disconnect();
    select();
  };
  // Not before it is seen: a widget hides this copy in a moment, and a notebook may hold twenty graphs.
  const seen = new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting) load().then((known) => host.checkVisibility() && draw(known)).catch(fail);
  });
  seen.observe(host);
  return {
    show(key) {
      wanted = key;
      select();
    },
    /** What a person calls a node or scope. */
    async name(key) {
      const { nodes, scopes, name } = await load();
      const index = +key.slice(1);
      return key[0] === "n" ? nodes.name(index) || nodes.op(index) : scopes.path(index) || name;
    },
    goTo(key) {
      choose(key);
      host.scrollIntoView({ block: "center" });
      load().then(draw).then(() => view.select(key, { quiet: true })).catch(fail);
    },
    stop() {
      seen.disconnect();
      line.hangUp();
      view?.destroy();
    },
  };
}

/** Bring a finding into sight. */
function goTo(item) {
  item.scrollIntoView({ block: "center" });
  if (item.tabIndex < 0) item.tabIndex = -1;
  item.focus({ preventScroll: true });
}

// ---------------------------------------------------------------- choosing

/** What is chosen, in words. */
function nameOf(row) {
  if (row.matches(".om-item")) return row.querySelector(".om-code").textContent;
  return pathOf(row) || row.querySelector(".om-name").textContent;
}

/** Mark the chosen row, and say below the report where Python has it; what has no row has a `name`. */
function mark(report, key, live, name) {
  const rows = [...report.querySelectorAll("[data-key]")];
  rows.forEach((row) => row.removeAttribute("aria-current"));
  const row = rows.find((one) => one.dataset.key === key);
  row?.setAttribute("aria-current", "true");
  let note = report.querySelector(".om-chosen");
  name ??= row && nameOf(row);
  if (!name || !live) return note?.remove();
  note ??= report.appendChild(make("div", "om-chosen", { role: "status" }));
  note.replaceChildren(make("code", "", {}, name), " is now ", make("code", "", {}, ".selected"), " of this result in Python.");
}

/** The row or finding an event is for; what answers to clicks by itself chooses nothing. */
function rowAt(event) {
  const nearest = event.target.closest?.("[data-key], button, .om-about, .om-why, .om-outcome");
  return nearest?.matches("[data-key]") ? nearest : null;
}

/** Rows and findings answer to a click and to Enter; `choose` gets the key. */
function addChoosing(report, choose, live) {
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
  const items = live ? "[data-key]" : ".om-tree [data-key]";
  report.querySelectorAll(items).forEach((row) => {
    row.tabIndex = 0;
    // A finding holds buttons of its own, so it cannot be one.
    if (live && !row.matches("summary")) row.setAttribute("role", row.matches(".om-item") ? "group" : "button");
  });
  report.classList.toggle("om-live", live);
}

/** Take away the inline styles, for export.css; those that are figures stay. */
function dropStyles(within) {
  for (const styled of within.querySelectorAll("[style]:not(.om-fill)")) styled.removeAttribute("style");
}

/** Give the drawn report its style sheet and its behaviour inside `host`; `model` is null where there is no kernel. */
function enliven(host, nodes, { css, ident }, choose, model) {
  const shadow = host.attachShadow({ mode: "open" });
  shadow.append(make("style", "", {}, css), ...nodes);
  dropStyles(shadow);
  const report = shadow.querySelector(".om-report");
  for (const tree of shadow.querySelectorAll(".om-tree")) {
    addTools(tree);
    tree.addEventListener("keydown", (event) => onArrow(tree, event));
  }
  addExplanations(report);
  const graph = addGraph(report, choose, model, ident);
  addButtons(report, choose, model, graph);
  addChoosing(report, choose, model !== null);
  const follow = followTheme(report);
  const show = (key) => {
    mark(report, key, model !== null);
    if (key === "") graph?.show(null);
    if (!graph || !/^[ns]\d+$/.test(key)) return;
    graph.show(key);
    if (model) graph.name(key).then((name) => model.get("selected") === key && mark(report, key, true, name), () => {});
  };
  return { report, show, stop: () => (follow(), graph?.stop()) };
}

// ---------------------------------------------------------------- the static copy and the widget

const outputOf = (element) => element.closest(".jp-OutputArea-child") ?? element;
const copiesOf = (ident) => [...document.querySelectorAll(`[data-om="${ident}"]`)];
const widgetsOf = (ident) => document.querySelectorAll(`[${LIVE}="${ident}"]`);

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
function adopt({ ident, css }) {
  for (const host of copiesOf(ident)) {
    if (host.shadowRoot) continue;
    const { show } = enliven(host, [...host.childNodes], { css, ident }, (key) => show(key), null);
    hideStale(host);
  }
  // The widget may have been drawn first, for example when a tab is opened a second time.
  if (widgetsOf(ident).length) hideCopies(ident);
}

/** Draw the widget; return the function that takes it down. */
function render({ model, el }) {
  const ident = model.get("ident");
  const host = make("div", "", { [LIVE]: ident });
  const template = document.createElement("template");
  // Escaped by Python's one escaping function; scripts inside a template's content never run.
  template.innerHTML = model.get("html");
  const choose = (key) => {
    model.set("selected", key);
    model.save_changes();
  };
  const look = { css: model.get("css"), ident };
  const { report, show: chosen, stop } = enliven(host, [...template.content.childNodes], look, choose, model);
  const show = () => chosen(model.get("selected"));
  model.on("change:selected", show);
  const tell = () => showOutcomes(report, model);
  model.on("change:outcomes", tell);
  show();
  tell();
  el.append(host);
  const showAgain = hideCopies(ident);
  return () => {
    stop();
    model.off("change:selected", show);
    model.off("change:outcomes", tell);
    host.remove();
    // Without its kernel the widget goes; the report must not go with it.
    if (!widgetsOf(ident).length) showAgain();
  };
}

export default { render, adopt };

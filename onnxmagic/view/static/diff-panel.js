// What the panel tells of a box of two models: what changed in it, why it is held to be one, and its weights before and
// after. Values of weights are asked of the kernel; without one nothing is offered.

import { SIGNS, small, WORDS } from "./diff-data.js";
import { button, piece, status } from "./dom.js";
import { table } from "./panel.js";

/** Put what changed above what is known of the box. */
export function tellChanges(element, view, data, { kind, index }) {
  const told = { node: tellNode, scope: tellScope }[kind]?.(view, data, index) ?? [];
  const head = element.querySelector("h3 + p") ?? element.querySelector("h3");
  head?.after(piece("div", { class: "om-what" }, ...told));
}

function tellNode({ marks, tolerance, hooks }, data, i) {
  const mark = marks.nodes[i];
  const [reason, other] = [data.text(marks.reason[i]), data.text(marks.other[i])];
  const rows = (marks.rows.get(i) ?? []).map(([what, before, after]) => [what, piece("code", {}, `${before || "–"} → ${after || "–"}`)]);
  const place = tolerance.place.get(i);
  const nan = tolerance.values.nan[place];
  if (place !== undefined) {
    rows.push(["values differ", `by ${small(tolerance.values.rel[place])} of the largest, ${small(tolerance.values.abs[place])} at most`]);
    if (nan) rows.push(["not finite", `${nan[0]} before, ${nan[1]} after`]);
  }
  if (other) rows.push(["name after", piece("code", {}, other)]);
  if (reason) rows.push(["matched by", reason]);
  const title = mark ? `${SIGNS[mark]} ${WORDS[mark]}` : "The same in both";
  return [piece("p", { class: `om-mark-said om-${WORDS[mark]}` }, title), ...table("Between the two", rows), ...tellWeights(marks.weightsAt(i), hooks)];
}

function tellScope({ marks }, data, s) {
  const { count } = data.scopes.marks(s);
  return [piece("p", { class: "om-mark-said" }, count ? `${count} of its ${data.scopes.nodes(s)} nodes are not the same.` : "The same in both.")];
}

function tellWeights(weights, hooks) {
  const row = ({ name, max, mean, cosine, nan, said, before }) => {
    const figures = max === null ? "" : `at most ${small(max)}, ${small(mean)} on average, cosine ${closeTo(cosine)}`;
    const odd = nan[0] || nan[1] ? `; NaN: ${nan[0]} before, ${nan[1]} after` : "";
    return [name, figures + odd, said && ` (${said})`, ...pairOf(before, hooks)];
  };
  return table("Weights that changed", weights.map(row));
}

/** What is nearly 1 is told by what it lacks. */
const closeTo = (cosine) => (cosine === null ? "not known" : cosine > 0.999 && cosine < 1 ? `1 − ${small(1 - cosine)}` : `${+cosine.toFixed(4)}`);

/** A button that asks for both histograms, and the place for them; nothing where there is no kernel. */
function pairOf(name, hooks) {
  if (!hooks.live) return [];
  const answer = status();
  const ask = button("Histograms", async () => {
    ask.disabled = true;
    answer.replaceChildren("Asking …");
    try {
      answer.replaceChildren(histograms(await hooks.ask("pair", { name })));
    } catch (error) {
      answer.replaceChildren(`✗ ${error.message ?? error}`);
    }
    ask.disabled = false;
  });
  return [" ", ask, answer];
}

/** Two distributions on the same steps: bars after, a line before. */
function histograms({ edges, before, after }) {
  const most = Math.max(...before, ...after, 1);
  const high = (count) => 60 * (1 - count / most);
  const bar = (count, x) => piece("rect", { x, y: high(count), width: 0.9, height: 60 - high(count) });
  const line = before.map((count, x) => `${x ? "L" : "M"}${x} ${high(count)}H${x + 1}`).join("");
  const said = `${small(edges[0])} to ${small(edges.at(-1))}, at most ${most} in a step`;
  const chart = { class: "om-pair", viewBox: `0 0 ${before.length} 60`, preserveAspectRatio: "none", role: "img", "aria-label": `histograms before and after, ${said}` };
  return piece("figure", {}, piece("svg", chart, ...after.map(bar), piece("path", { d: line })), piece("figcaption", {}, `${said}; line: before, bars: after`));
}

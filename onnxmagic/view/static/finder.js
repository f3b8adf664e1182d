// A search field: how many hits there are, and the way from one to the next.

import { button, piece } from "./dom.js";

// The browser's own way to write 19,929 takes it 50 ms the first time.
const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

export const counted = (count, word) => `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;

/** A button with a sign on it and words behind it. */
export const tool = (sign, title, click) =>
  button(sign, click, { class: "om-button om-tool", title, "aria-label": title });

/** `find(text)` gives the hits, `changed` is told of new ones, `go(hit)` shows one, `leave` is for Escape. */
export class Finder {
  constructor({ find, changed, go, leave }) {
    const keydown = (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      else if (event.key !== "Escape") return;
      else if (this.field.value) this.search("");
      else leave();
      event.preventDefault();
    };
    const words = { placeholder: "Search  /", "aria-label": "Search operators, names, shapes, modules" };
    const input = () => this.search(this.field.value);
    this.field = piece("input", { class: "om-search", type: "search", ...words, input, keydown });
    this.told = piece("span", { class: "om-found", role: "status" });
    const steps = [["↑", "Previous hit (Shift+Enter)", -1], ["↓", "Next hit (Enter)", 1]];
    this.steps = steps.map(([sign, title, by]) => tool(sign, title, () => this.step(by)));
    Object.assign(this, { find, changed, go, hits: [], at: -1, elements: [this.field, ...this.steps, this.told] });
    this.tell();
  }

  search(text) {
    if (this.field.value !== text) this.field.value = text;
    Object.assign(this, { hits: this.find(text), at: -1 });
    this.tell();
    this.changed(this.hits);
  }

  step(by) {
    const many = this.hits.length;
    if (!many) return;
    this.at = this.at < 0 && by < 0 ? many - 1 : (this.at + by + many) % many;
    this.tell();
    this.go(this.hits[this.at]);
  }

  tell() {
    const many = this.hits.length;
    const words = this.at < 0 ? counted(many, "hit") : `${grouped(this.at + 1)} of ${grouped(many)}`;
    this.told.textContent = this.field.value.trim() ? words : "";
    for (const step of this.steps) step.hidden = !many;
  }
}

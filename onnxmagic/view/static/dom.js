// Elements are made here and nowhere from a string: what a model says reaches them as a text node or an attribute.

const DRAWN = new Set(["svg", "g", "path", "rect", "text"]);
// The name space of SVG without its address: a page with no address in it cannot be thought to fetch one.
const SPACE = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild.namespaceURI;

/** An element, of HTML or SVG, with children; a function among the attributes listens to the event of that name. */
export function piece(name, attributes = {}, ...children) {
  const element = DRAWN.has(name) ? document.createElementNS(SPACE, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    typeof value === "function" ? element.addEventListener(key, value) : element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export const button = (label, click, attributes) =>
  piece("button", { type: "button", class: "om-button", click, ...attributes }, label);

export const link = (label, click) => button(label, click, { class: "om-link" });

/** What tells a screen reader when its text changes. */
export const status = (cls = "", ...children) => piece("div", { class: cls, role: "status" }, ...children);

export const bringIntoView = (element) => {
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
};

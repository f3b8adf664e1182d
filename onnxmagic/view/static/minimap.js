// The whole scene in a corner, what is in view as a rectangle to drag. A canvas: thousands of boxes, none to focus.

import { piece } from "./dom.js";

const [WIDE, HIGH] = [132, 150];
// Of greys and colours that can be seen in light and dark.
const INKS = { added: "#2da44e", removed: "#e5534b", changed: "#bf8700", moved: "#4184e4", "": "#8793a1d0" };

/** Put a minimap into `stage`; `go(x, y)` moves the middle of the view to a point of the scene. */
export class Minimap {
  constructor(stage, go) {
    const move = (event) => {
      if (!event.buttons) return;
      if (event.type === "pointerdown") this.element.setPointerCapture(event.pointerId);
      const { left, top } = this.canvas.getBoundingClientRect();
      go((event.clientX - left) / this.sx, (event.clientY - top) / this.sy);
    };
    [this.canvas, this.frame] = [piece("canvas"), piece("div")];
    // The arrow keys and the search say the same to who cannot see it.
    const own = { class: "om-map", "aria-hidden": "true", "data-own": "", pointerdown: move, pointermove: move };
    stage.append((this.element = piece("div", own, this.canvas, this.frame)));
  }

  /** Draw a scene; a very long one is not drawn to scale, or it would be a hair. */
  draw({ width, height, boxes }) {
    const scale = Math.min(WIDE / width, HIGH / height);
    const [w, h] = [Math.max(width * scale, 36), Math.max(height * scale, 24)];
    [this.sx, this.sy, this.scene] = [w / width, h / height, { width, height }];
    const dense = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: w * dense, height: h * dense });
    this.canvas.style.cssText = `width: ${w}px; height: ${h}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(dense * this.sx, dense * this.sy);
    for (const box of boxes) {
      pen.fillStyle = box.open ? "#8793a133" : INKS[box.marked];
      pen.fillRect(box.x, box.y, Math.max(box.width, 0.7 / this.sx), Math.max(box.height, 0.7 / this.sy));
    }
  }

  /** Show where the camera is; where all is in view there is nothing to find. */
  follow([x0, y0, x1, y1]) {
    const { scene: { width, height }, sx, sy, element, frame } = this;
    element.hidden = x0 <= 0 && y0 <= 0 && x1 >= width && y1 >= height;
    const [left, top] = [Math.max(x0, 0) * sx, Math.max(y0, 0) * sy];
    const [w, h] = [Math.max(Math.min(x1, width) * sx - left, 3), Math.max(Math.min(y1, height) * sy - top, 3)];
    frame.style.cssText = `transform: translate(${left}px, ${top}px); width: ${w}px; height: ${h}px`;
  }
}

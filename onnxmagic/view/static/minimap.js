// The whole scene in a corner, with what is in view as a rectangle to drag. A canvas: thousands of boxes, no one to focus.

const WIDE = 132;
const HIGH = 150;

/** Put a minimap into `stage`; `go(x, y)` moves the middle of the view to a point of the scene. */
export class Minimap {
  constructor(stage, go) {
    this.canvas = document.createElement("canvas");
    this.frame = document.createElement("div");
    this.element = document.createElement("div");
    this.element.append(this.canvas, this.frame);
    this.element.className = "om-map";
    // The arrow keys and the search say the same to who cannot see it.
    this.element.setAttribute("aria-hidden", "true");
    this.element.dataset.own = "";
    stage.append(this.element);
    const move = (event) => {
      if (!event.buttons) return;
      const box = this.canvas.getBoundingClientRect();
      go((event.clientX - box.left) / this.sx, (event.clientY - box.top) / this.sy);
    };
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      move(event);
    });
    this.element.addEventListener("pointermove", move);
  }

  /** Draw a scene; a very long one is not drawn to scale, or it would be a hair. */
  draw({ width, height, boxes }) {
    const scale = Math.min(WIDE / width, HIGH / height);
    const [w, h] = [Math.max(width * scale, 36), Math.max(height * scale, 24)];
    [this.sx, this.sy, this.scene] = [w / width, h / height, { width, height }];
    const dense = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: w * dense, height: h * dense });
    Object.assign(this.canvas.style, { width: `${w}px`, height: `${h}px` });
    const pen = this.canvas.getContext("2d");
    pen.scale(dense, dense);
    // Of very many, every so many: the picture is the same.
    const stride = Math.ceil(boxes.length / 6000);
    for (let k = 0; k < boxes.length; k += stride) {
      const box = boxes[k];
      // Of a grey that can be seen in light and dark.
      pen.fillStyle = box.open ? "#8793a133" : "#8793a1d0";
      pen.fillRect(box.x * this.sx, box.y * this.sy, Math.max(box.width * this.sx, 0.7), Math.max(box.height * this.sy, 0.7));
    }
  }

  /** Show where the camera is; where all is in view there is nothing to find. */
  follow([x0, y0, x1, y1]) {
    const { width, height } = this.scene;
    const all = x0 <= 0 && y0 <= 0 && x1 >= width && y1 >= height;
    if (this.element.hidden !== all) this.element.hidden = all;
    if (all) return;
    const [left, top] = [Math.max(x0, 0) * this.sx, Math.max(y0, 0) * this.sy];
    const [right, bottom] = [Math.min(x1, width) * this.sx, Math.min(y1, height) * this.sy];
    const { style } = this.frame;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${Math.max(right - left, 3)}px`;
    style.height = `${Math.max(bottom - top, 3)}px`;
  }
}

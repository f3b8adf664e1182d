// Where the eye is: a point on the screen is a point of the scene times `k`, plus `x` and `y`.
//
// The wheel scrolls the page, as it does over a map in a text, until the view has the focus or Ctrl is held: a person who
// reads down a notebook must not be caught in a drawing. A pinch on a trackpad is a wheel with Ctrl, so it always zooms.

const ZOOMS = [0.02, 2.5];
const SLACK = 4; // pixels a click may wander
const between = (value, least, most) => Math.min(Math.max(value, least), most);

/** Whether things may move by themselves. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Call `step` with 0 … 1 for `ms` milliseconds; return the way to stop. */
export function animate(ms, step) {
  if (!ms || calm()) {
    step(1);
    return () => {};
  }
  const start = performance.now();
  let frame = requestAnimationFrame(function next(now) {
    const part = between((now - start) / ms, 0, 1);
    step(1 - (1 - part) ** 3);
    if (part < 1) frame = requestAnimationFrame(next);
  });
  return () => cancelAnimationFrame(frame);
}

/** The camera over `stage`; `moved` is called on each change, `refused` when a wheel is left to the page. */
export class Camera {
  constructor(stage, moved, refused) {
    Object.assign(this, { stage, moved, refused, x: 0, y: 0, k: 1, stop: () => {} });
    this.fingers = new Map();
    this.dragged = false;
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
  }

  /** The part of the scene in view, as x0, y0, x1, y1; `margin` in parts of the view is added around it. */
  view(margin = 0) {
    const { x, y, k, stage } = this;
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    return [(-x - w * margin) / k, (-y - h * margin) / k, (w - x + w * margin) / k, (h - y + h * margin) / k];
  }

  /** A point of the scene under the pointer. */
  point(event) {
    const [px, py] = this.within(event);
    return [(px - this.x) / this.k, (py - this.y) / this.k];
  }

  within(event) {
    const frame = this.stage.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  set(x, y, k = this.k) {
    Object.assign(this, { x, y, k });
    this.moved();
  }

  /** Move by pixels. */
  pan(dx, dy) {
    this.stop();
    this.set(this.x + dx, this.y + dy);
  }

  /** Go to a place, within `ms` milliseconds. */
  glide(x, y, k, ms = 150) {
    const from = { x: this.x, y: this.y, k: this.k };
    this.stop();
    this.stop = animate(ms, (part) => {
      const mix = (name, to) => from[name] + (to - from[name]) * part;
      this.set(mix("x", x), mix("y", y), mix("k", k));
    });
  }

  /** Zoom by a factor about a point of the stage; its middle if none is given. */
  zoom(factor, [px, py] = [this.stage.clientWidth / 2, this.stage.clientHeight / 2], ms = 0) {
    const k = between(this.k * factor, ...ZOOMS);
    this.glide(px - ((px - this.x) * k) / this.k, py - ((py - this.y) * k) / this.k, k, ms);
  }

  wheel(event) {
    if (!event.ctrlKey && !this.stage.matches(":focus-within")) return this.refused();
    event.preventDefault();
    event.stopPropagation();
    const lines = event.deltaMode === 1 ? 20 : 1;
    if (event.shiftKey) return this.pan(-(event.deltaX || event.deltaY) * lines, 0);
    // A pinch comes in small steps, a wheel in large ones.
    const speed = event.ctrlKey && Math.abs(event.deltaY) < 30 ? 0.01 : 0.0018;
    this.zoom(Math.exp(-between(event.deltaY * lines, -240, 240) * speed), this.within(event));
  }

  press(event) {
    this.dragged = false;
    if (event.button || event.target.closest?.("[data-own]")) return;
    this.fingers.set(event.pointerId, { at: this.within(event), from: this.within(event) });
  }

  drag(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    // A button let go outside of the window is not told.
    if (!event.buttons) return void this.fingers.delete(event.pointerId);
    const [[x, y], [fx, fy]] = [this.within(event), finger.from];
    if (!this.dragged && Math.hypot(x - fx, y - fy) < SLACK) return;
    // Captured only now: a captured pointer gives its click to the stage, not to the box under it.
    if (!this.dragged) this.stage.setPointerCapture(event.pointerId);
    this.dragged = true;
    const other = [...this.fingers.values()].find((one) => one !== finger);
    const [px, py] = finger.at;
    finger.at = [x, y];
    if (!other) return this.pan(x - px, y - py);
    const [ox, oy] = other.at;
    this.zoom(Math.hypot(x - ox, y - oy) / Math.max(Math.hypot(px - ox, py - oy), 1), [ox, oy]);
  }
}

// Where the eye is: a point on the screen is a point of the scene times `k`, plus `x` and `y`.
//
// The wheel, and one finger on glass, scroll the page until the view has the focus or Ctrl is held: a person who reads
// down a notebook must not be caught in a drawing. A pinch on a trackpad is a wheel with Ctrl, so it always zooms, and
// so do two fingers.

const ZOOMS = [0.02, 2.5];
const SLACK = 4; // pixels a click may wander
export const SWIFT = 150; // milliseconds of any movement

export const between = (value, least, most) => Math.min(Math.max(value, least), most);

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The camera over `stage`; `moved` is called on each change, `refused` when a wheel is left to the page. */
export class Camera {
  constructor(stage, moved, refused) {
    Object.assign(this, { stage, moved, refused, x: 0, y: 0, k: 1, fingers: new Map(), dragged: false });
    for (const name of ["wheel", "pointerdown", "pointermove", "pointerup", "pointercancel"])
      stage.addEventListener(name, this, { passive: false });
  }

  handleEvent(event) {
    const { type, pointerId } = event;
    if (type === "wheel") this.wheel(event);
    else if (type === "pointerdown") this.press(event);
    else if (type === "pointermove" && event.buttons) this.drag(event);
    else this.fingers.delete(pointerId); // a button let go outside of the window is not told
  }

  get focused() {
    return this.stage.matches(":focus-within");
  }

  /** The part of the scene in view, as x0, y0, x1, y1; `margin` in parts of the view is added around it. */
  view(margin = 0) {
    const { x, y, k, stage } = this;
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    return [(-x - w * margin) / k, (-y - h * margin) / k, (w - x + w * margin) / k, (h - y + h * margin) / k];
  }

  within({ clientX, clientY }) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  point(event) {
    const [px, py] = this.within(event);
    return [(px - this.x) / this.k, (py - this.y) / this.k];
  }

  set(x, y, k = this.k, told = true) {
    Object.assign(this, { x, y, k });
    this.moved(told);
  }

  /** Be where another camera is; nobody is told, or the two would tell each other for ever. */
  follow({ x, y, k }) {
    this.stop();
    this.set(x, y, k, false);
  }

  pan(dx, dy) {
    this.stop();
    this.set(this.x + dx, this.y + dy);
  }

  glide(x, y, k, ms = SWIFT) {
    const from = { x: this.x, y: this.y, k: this.k };
    const start = performance.now();
    const step = (now) => {
      const done = calm() || !ms ? 1 : between((now - start) / ms, 0, 1);
      if (done < 1) this.frame = requestAnimationFrame(step);
      const mix = (name, to) => to + (from[name] - to) * (1 - done) ** 3;
      this.set(mix("x", x), mix("y", y), mix("k", k));
    };
    this.stop();
    step(start);
  }

  stop() {
    cancelAnimationFrame(this.frame);
  }

  /** Zoom by a factor about a point of the stage; its middle if none is given. */
  zoom(factor, [px, py] = [this.stage.clientWidth / 2, this.stage.clientHeight / 2], ms = 0) {
    const k = between(this.k * factor, ...ZOOMS);
    this.glide(px - ((px - this.x) * k) / this.k, py - ((py - this.y) * k) / this.k, k, ms);
  }

  wheel(event) {
    if (!event.ctrlKey && !this.focused) return this.refused();
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
    const [[x, y], [fx, fy], [px, py]] = [this.within(event), finger.from, finger.at];
    const other = [...this.fingers.values()].find((one) => one !== finger);
    // The browser takes a finger that scrolls the page only after it has moved.
    const pages = !other && event.pointerType !== "mouse" && !this.focused;
    if (!this.dragged && (pages || Math.hypot(x - fx, y - fy) < SLACK)) return;
    // Captured only now: a captured pointer gives its click to the stage, not to the box under it.
    if (!this.dragged) this.stage.setPointerCapture(event.pointerId);
    this.dragged = true;
    finger.at = [x, y];
    if (!other) return this.pan(x - px, y - py);
    const [ox, oy] = other.at;
    const apart = (ax, ay) => Math.max(Math.hypot(ax - ox, ay - oy), 1);
    // What lies in the middle between two fingers stays there.
    this.pan((x - px) / 2, (y - py) / 2);
    this.zoom(apart(x, y) / apart(px, py), [(x + ox) / 2, (y + oy) / 2]);
  }
}

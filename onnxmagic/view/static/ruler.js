// How wide a text is, what of it fits, and whether a point is on a line: a canvas of one pixel knows, without a layout.

/** Measures and shortens texts. */
export class Ruler {
  constructor() {
    this.pen = new OffscreenCanvas(1, 1).getContext("2d");
    this.known = new Map();
    this.widths = new Map();
  }

  /** `text`, or as much of it as fits into `width` in this font. */
  fit(text, width, font) {
    const key = `${font}|${width | 0}|${text}`;
    if (this.known.size > 20000) this.known.clear();
    if (!this.known.has(key)) this.known.set(key, this.cut(text, width, font));
    return this.known.get(key);
  }

  width(text, font) {
    // Asked for every box of a model, which says few different things.
    const key = font + text;
    if (this.widths.has(key)) return this.widths.get(key);
    if (this.font !== font) this.pen.font = this.font = font;
    const { width } = this.pen.measureText(text);
    this.widths.set(key, width);
    return width;
  }

  cut(text, width, font) {
    const short = text.slice(0, 300);
    if (short === text && this.width(text, font) <= width) return text;
    let [least, most] = [0, short.length];
    while (least < most) {
      const middle = (least + most + 1) >> 1;
      if (this.width(`${short.slice(0, middle)}…`, font) <= width) least = middle;
      else most = middle - 1;
    }
    return `${short.slice(0, least).trimEnd()}…`;
  }

  /** Whether a point is on a line, or within `slack` of it. */
  touches(line, x, y, slack) {
    this.pen.lineWidth = 2 * slack;
    return this.pen.isPointInStroke(new Path2D(line), x, y);
  }
}

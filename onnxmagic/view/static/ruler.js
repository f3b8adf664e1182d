// How wide a text is, what of it fits, and whether a point is on a line: a canvas of one pixel knows, without a layout.

/** Measures and shortens texts. */
export class Ruler {
  constructor() {
    this.pen = new OffscreenCanvas(1, 1).getContext("2d");
    this.widths = new Map(); // a model says few different things
  }

  width(text, font) {
    const key = font + text;
    if (this.font !== font) this.pen.font = this.font = font;
    if (!this.widths.has(key)) this.widths.set(key, this.pen.measureText(text).width);
    return this.widths.get(key);
  }

  /** `text`, or as much of it as fits into `room` in this font. */
  fit(text, room, font) {
    let short = text.slice(0, 300);
    for (let width; (width = this.width(short, font)) > room && short.length > 1; )
      short = `${short.slice(0, Math.min((short.length * room) / width, short.length - 1) - 1).trimEnd()}…`;
    return short;
  }

  /** Whether a point is on a line, or within `slack` of it. */
  touches(line, x, y, slack) {
    this.pen.lineWidth = 2 * slack;
    return this.pen.isPointInStroke(new Path2D(line), x, y);
  }
}

// A drawing to look at and to pick points on: wheel, pinch, + and - zoom, dragging moves, a click or Enter picks.

import { svg } from "./dom.js";

const STILL = 5; // pixels that a click may slip
const STEP = 8; // pixels that an arrow key moves the cross, a tenth of it with Alt, ten times with Shift

export class Pane {
  /**
   * `box` [x, y, width, height] is what there is to see. `on.pick(point)`, `on.drag(id, point, done)` of a marker,
   * `on.hover(point or null)`, `on.step(from, dx, dy)` gives the point that an arrow key leads to, or nothing.
   */
  constructor(root, box, on) {
    Object.assign(this, { root, box, on, cross: null, pointers: new Map(), gesture: null });
    this.back = svg("g");
    this.front = svg("g");
    this.cursor = svg("g", { visibility: "hidden" },
      svg("line", { class: "cross", x1: -14, x2: 14 }), svg("line", { class: "cross", y1: -14, y2: 14 }));
    root.append(this.back, this.front, this.cursor);
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave", "wheel", "keydown"]) {
      root.addEventListener(type, (event) => this[type](event), { passive: false });
    }
    root.addEventListener("blur", () => this.show(null));
    new ResizeObserver(() => this.zoom(1)).observe(root);
    this.fit();
  }

  /** Everything, with a margin. */
  fit() {
    const [x, y, width, height] = this.box;
    const margin = 0.04 * Math.max(width, height);
    this.view = [x - margin, y - margin, width + 2 * margin, height + 2 * margin];
    this.zoom(1);
  }

  /** Units of the drawing in a pixel of the screen. */
  get unit() {
    const { width, height } = this.root.getBoundingClientRect();
    return Math.max(this.view[2] / Math.max(width, 1), this.view[3] / Math.max(height, 1));
  }

  /** Enlarge about a point that stays where it is. */
  zoom(factor, about = [this.view[0] + this.view[2] / 2, this.view[1] + this.view[3] / 2]) {
    const [, , width, height] = this.box;
    const size = Math.max(this.view[2] / width, this.view[3] / height) / factor;
    if (factor !== 1 && (size > 3 || size < 0.002)) return;
    this.view = [about[0] - (about[0] - this.view[0]) / factor, about[1] - (about[1] - this.view[1]) / factor,
      this.view[2] / factor, this.view[3] / factor];
    this.root.setAttribute("viewBox", this.view.join(" "));
    this.rescale();
  }

  /** Marks keep their size on the screen. */
  rescale() {
    for (const one of this.root.querySelectorAll("[data-at]")) {
      one.setAttribute("transform", `translate(${one.dataset.at}) scale(${this.unit})`);
    }
  }

  /** A group that keeps its size, at a point. */
  fixed(point, attributes, ...children) {
    return svg("g", { ...attributes, "data-at": point.join(" "), transform: `translate(${point.join(" ")}) scale(${this.unit})` }, ...children);
  }

  /** Replace what lies over the drawing. */
  draw(...things) {
    this.front.replaceChildren(...things.filter(Boolean));
  }

  point(event) {
    const { left, top, width, height } = this.root.getBoundingClientRect();
    const [x, y, w, h] = this.view;
    return [x + w / 2 + (event.clientX - left - width / 2) * this.unit, y + h / 2 + (event.clientY - top - height / 2) * this.unit];
  }

  /** Put the cross of the keyboard somewhere, or hide it. */
  show(point) {
    this.cross = point;
    this.cursor.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) return;
    this.cursor.dataset.at = point.join(" ");
    this.rescale();
    this.on.hover(point);
  }

  pointerdown(event) {
    if (event.button > 0) return;
    this.root.focus({ preventScroll: true });
    this.root.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const marker = event.target.closest(".marker:not(.pending)");
    this.gesture = { start: [event.clientX, event.clientY], id: marker ? Number(marker.dataset.id) : null, moved: false };
    this.show(null);
  }

  pointermove(event) {
    if (!this.pointers.has(event.pointerId)) {
      this.on.hover(this.point(event));
      return;
    }
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const after = [...this.pointers.values()];
    const slipped = Math.hypot(event.clientX - this.gesture.start[0], event.clientY - this.gesture.start[1]);
    this.gesture.moved ||= slipped > STILL || after.length > 1;
    if (!this.gesture.moved) return;
    if (this.gesture.id !== null && after.length === 1) this.on.drag(this.gesture.id, this.point(event), false);
    else this.shift(before, after);
  }

  /** One finger moves the drawing, two also enlarge it. */
  shift(before, after) {
    const middle = (points) => [0, 1].map((side) => points.reduce((sum, point) => sum + point[side], 0) / points.length);
    const [a, b] = [middle(before), middle(after)];
    this.view[0] -= (b[0] - a[0]) * this.unit;
    this.view[1] -= (b[1] - a[1]) * this.unit;
    const apart = (points) => Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]);
    this.zoom(after.length > 1 ? apart(after) / apart(before) : 1, this.point({ clientX: b[0], clientY: b[1] }));
  }

  pointerup(event) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    const { id, moved } = this.gesture;
    if (id !== null) this.on.drag(id, moved ? this.point(event) : null, true);
    else if (!moved) this.on.pick(this.point(event));
  }

  pointercancel(event) { this.pointers.delete(event.pointerId); }
  pointerleave() { if (!this.pointers.size) this.on.hover(null); }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), this.point(event));
  }

  keydown(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey) return;
    if (way) this.step(way, event.shiftKey ? 10 : event.altKey ? 0.1 : 1);
    else if (event.key === "Enter" && this.cross) this.on.pick(this.cross);
    else if (event.key === "+" || event.key === "=") this.zoom(1.3, this.cross ?? undefined);
    else if (event.key === "-") this.zoom(1 / 1.3, this.cross ?? undefined);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  step([dx, dy], size) {
    const middle = [this.view[0] + this.view[2] / 2, this.view[1] + this.view[3] / 2];
    const far = STEP * size * this.unit;
    const from = this.cross ?? middle;
    this.show(this.on.step?.(this.cross, dx * size, dy * size) ?? [from[0] + dx * far, from[1] + dy * far]);
    const [x, y] = this.cross;
    const outside = x < this.view[0] || y < this.view[1] || x > this.view[0] + this.view[2] || y > this.view[1] + this.view[3];
    if (outside) {
      this.view = [x - this.view[2] / 2, y - this.view[3] / 2, this.view[2], this.view[3]];
      this.zoom(1);
    }
  }
}

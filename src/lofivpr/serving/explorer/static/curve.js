// The rate-recall curve of the map's calibration, with the query that is looked at on it.

import { bytesText, el, percentText, svg } from "./dom.js";
import { codecName } from "./quality.js";

const EDGE = { left: 44, right: 20, top: 14, bottom: 44 };
const COLOURS = ["--m2", "--m3", "--m4", "--m5", "--m6", "--m0"];

export class Curve {
  constructor(root, key, calibration) {
    [this.root, this.key, this.calibration] = [root, key, calibration];
    this.now = null;
    this.lines = calibration ? families(calibration.curve) : [];
    new ResizeObserver(() => this.#draw()).observe(root);
  }

  /** The query that is looked at: its bytes (null: not encoded), its quality, and how sure its answer is. */
  show(bytes, quality, probability) {
    this.now = { bytes, quality, probability };
    this.#draw();
  }

  #draw() {
    const { width, height } = this.root.getBoundingClientRect();
    if (!width) return;
    if (!this.lines.length) {
      this.root.classList.add("empty");
      this.root.replaceChildren(el("b", { text: "No curve yet" }), "lofivpr map calibrate measures what each quality finds on this map.");
      return;
    }
    const plane = this.#plane(width, height);
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.#words() });
    drawing.append(...axes(plane, width, height), ...this.#levels(plane, width));
    this.lines.forEach((line, index) => drawing.append(drawLine(line, COLOURS[index % COLOURS.length], plane)));
    drawing.append(...this.#here(plane, height));
    this.root.replaceChildren(drawing);
    this.#explain();
  }

  #plane(width, height) {
    const bytes = [...this.lines.flatMap((line) => line.points.map((point) => point.n_bytes)), this.now?.bytes ?? null].filter(Boolean);
    const [low, high] = [Math.log(Math.min(...bytes) / 1.5), Math.log(Math.max(...bytes) * 1.5)];
    const across = width - EDGE.left - EDGE.right;
    return {
      x: (value) => EDGE.left + across * (Math.log(value) - low) / (high - low),
      y: (percent) => height - EDGE.bottom - (height - EDGE.top - EDGE.bottom) * percent / 100,
      ticks: byteTicks(Math.exp(low), Math.exp(high)),
    };
  }

  /** What was not encoded has no bytes: a level across. */
  #levels(plane, width) {
    const raw = this.calibration.curve.find((point) => point.quality === "raw");
    if (!raw) return [];
    const y = plane.y(raw.recall);
    return [svg("line", { class: "level", x1: EDGE.left, x2: width - EDGE.right, y1: y, y2: y }),
      svg("text", { x: width - EDGE.right, y: y > 40 ? y - 6 : y + 16, "text-anchor": "end" }, "not compressed")];
  }

  #here(plane, height) {
    const { bytes, probability } = this.now ?? {};
    if (!bytes) return [];
    const x = plane.x(bytes);
    const line = svg("line", { class: "now", x1: x, x2: x, y1: EDGE.top, y2: height - EDGE.bottom });
    const dot = probability === null ? [] : [svg("circle", { class: "here", cx: x, cy: plane.y(100 * probability), r: 7 }, svg("title", {}, this.#words()))];
    return [line, ...dot];
  }

  #words() {
    const { bytes, probability } = this.now ?? {};
    if (!bytes) return "Recall over bytes";
    return `This query: ${bytesText(bytes)}${probability === null ? "" : `, sure to ${percentText(probability)}`}`;
  }

  #explain() {
    const lines = this.lines.map((line, index) => {
      const name = el("span", { text: line.name });
      name.style.setProperty("--c", `var(${COLOURS[index % COLOURS.length]})`);
      return name;
    });
    const here = el("span", { className: "m1", text: "this query: its bytes, and how sure its answer is" });
    this.key.replaceChildren(here, ...lines);
  }
}

/** Points of one resolution and codec belong on one line. */
function families(curve) {
  const found = new Map();
  for (const point of curve.filter((one) => one.n_bytes !== null)) {
    const resolution = point.quality.includes("/") ? point.quality.split("/")[0] : "full size";
    const name = `${resolution} ${codecName(point.codec)}`;
    found.set(name, [...(found.get(name) ?? []), point]);
  }
  return [...found].map(([name, points]) => ({ name, points: points.sort((a, b) => a.n_bytes - b.n_bytes) }));
}

function drawLine({ points }, colour, plane) {
  const group = svg("g", {});
  group.style.setProperty("--c", `var(${colour})`);
  const path = points.map((point) => `${plane.x(point.n_bytes)},${plane.y(point.recall)}`).join(" ");
  group.append(svg("polyline", { class: "line", points: path }));
  for (const point of points) {
    const words = `${point.quality}: ${bytesText(point.n_bytes)}, R@1 ${point.recall.toFixed(1)} %, ${point.answered.toFixed(0)} % answered`;
    group.append(svg("circle", { class: "point", cx: plane.x(point.n_bytes), cy: plane.y(point.recall), r: 5 }, svg("title", {}, words)));
  }
  return group;
}

function axes(plane, width, height) {
  const marks = [0, 25, 50, 75, 100].flatMap((percent) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: plane.y(percent), y2: plane.y(percent) }),
    svg("text", { x: EDGE.left - 8, y: plane.y(percent) + 4, "text-anchor": "end" }, percent === 100 ? "100 %" : percent)]);
  const feet = plane.ticks.map((bytes) => svg("text", { x: plane.x(bytes), y: height - EDGE.bottom + 18, "text-anchor": "middle" }, bytesText(bytes)));
  return [...marks, ...feet, svg("text", { x: EDGE.left, y: height - 6 }, "R@1 over the bytes of a query")];
}

/** Round numbers within, at most six of them. */
function byteTicks(low, high) {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = [...Array(9).keys()].flatMap((power) => steps.map((step) => step * 10 ** power));
    const within = ticks.filter((tick) => tick >= low && tick <= high);
    if (within.length <= 6) return within;
  }
  return [];
}

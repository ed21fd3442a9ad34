// The trajectory on its floor, as drawn: x to the right, y down (the floor's own y points up).

export class Way {
  constructor(points, times) {
    this.points = points.map(([x, y]) => [x, -y]);
    this.times = times;
  }

  /** [x, y, width, height] around all of it, at least a little in both directions. */
  get box() {
    const sides = [0, 1].map((side) => this.points.map((point) => point[side]));
    const low = sides.map((values) => values.reduce((a, b) => Math.min(a, b)));
    const high = sides.map((values) => values.reduce((a, b) => Math.max(a, b)));
    const least = 0.15 * Math.max(high[0] - low[0], high[1] - low[1]);
    const grow = [0, 1].map((side) => Math.max(0, least - (high[side] - low[side])) / 2);
    return [low[0] - grow[0], low[1] - grow[1], high[0] - low[0] + 2 * grow[0], high[1] - low[1] + 2 * grow[1]];
  }

  /** The nearest point of the way: `point`, its `time`, the `index` of the pose before it, and how `far` it is. */
  nearest([x, y]) {
    let best = { far: Infinity };
    for (let index = 0; index + 1 < this.points.length; index += 1) {
      const [a, b] = [this.points[index], this.points[index + 1]];
      const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
      const length = dx * dx + dy * dy;
      const share = length ? Math.min(1, Math.max(0, ((x - a[0]) * dx + (y - a[1]) * dy) / length)) : 0;
      const point = [a[0] + share * dx, a[1] + share * dy];
      const far = Math.hypot(x - point[0], y - point[1]);
      if (far < best.far) best = { far, point, index, time: this.times[index] + share * (this.times[index + 1] - this.times[index]) };
    }
    return best;
  }

  /** So many poses further from a point of the way. */
  walk(from, poses) {
    const start = from ? this.nearest(from) : { index: 0, time: this.times[0] };
    const nearer = start.time - this.times[start.index] > (this.times[start.index + 1] - this.times[start.index]) / 2 ? 1 : 0;
    const index = from ? start.index + nearer + Math.sign(poses) * Math.max(1, Math.round(Math.abs(poses))) : 0;
    return this.points[Math.min(this.points.length - 1, Math.max(0, index))];
  }
}

/** The attribute of a polyline. */
export const polyline = (points) => points.map((point) => point.join(",")).join(" ");

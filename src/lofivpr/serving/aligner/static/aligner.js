// The Aligner: pairs are picked on the plan and on the trajectory, the server solves, both are drawn.

import { $, ask, svg } from "./dom.js";
import { History } from "./history.js";
import { marker, measure, PairList, showFit } from "./marks.js";
import { Pane } from "./pane.js";
import { polyline, Way } from "./way.js";

const LEAST = { similarity: 2, affine: 3 };
const SNAP = 22; // pixels from the way within which a pick lies on it
const EMPTY = { floor: null, plan: null };

const job = await ask("/api/job").catch((error) => { trouble(error); $("#hint").textContent = ""; throw error; });
const way = new Way(job.path, job.trajectory.times);
let pending = EMPTY; // of the next pair, the side that is picked already
let ends = null; // while the scale is measured: the points of the plan picked so far
let chosen = null; // number of the pair that is looked at
let dragged = null; // [side, number, point] while a marker is moved
let solution = null;
let saved = JSON.stringify(job.draft);
let asked = 0;

const history = new History(job.draft, changed);
const plan = new Pane($("#plan"), [0, 0, job.plan.width, job.plan.height], {
  pick: (point) => (ends ? addEnd(point) : pick("plan", point)),
  drag: (id, point, done) => drag("plan", id, point, done),
  hover: () => {},
});
const walk = new Pane($("#walk"), way.box, {
  pick: (point) => pick("floor", toFloor(snapped(point))),
  drag: (id, point, done) => drag("floor", id, point && toFloor(snapped(point)), done),
  hover: look,
  step: (from, dx, dy) => (dy ? undefined : way.walk(from, dx)),
});
const list = new PairList({ choose: (number) => { chosen = number; draw(); }, remove });

plan.back.append(svg("image", { href: "/api/plan", width: job.plan.width, height: job.plan.height }));
// The scene is one path of points without length: thousands of elements would be slow to zoom.
walk.back.append(svg("path", { class: "scene", d: job.scene.map(([x, y]) => `M${x} ${-y}h0`).join("") }),
  svg("polyline", { class: "way", points: polyline(way.points) }),
  ...["", " last"].map((name, last) => walk.fixed(way.points.at(-last), { class: `ends${name}` }, svg("circle", { r: 6 }))));
describe();
changed();

function describe() {
  const { poses, times, name } = job.trajectory;
  const seconds = times.at(-1) - times[0];
  const pictures = job.pictures ? ` · ${job.pictures} pictures of ${job.places}` : "";
  $("#facts").textContent = `${job.plan.name} · ${name}, ${poses} poses in ${seconds.toFixed(0)} s${pictures}`;
  $("#plan-note").textContent = `${job.plan.width} × ${job.plan.height} px`;
  $("#walk-note").textContent = "from above, filled dot: its start";
  if (!job.pictures) $("#save").textContent = "Save";
}

/** From the drawing to the floor, whose y points up; and back. */
function toFloor([x, y]) {
  return [x, -y];
}

/** A point on the way if it is near, else the point itself: a corner of the scene may be picked, too. */
function snapped(point) {
  const near = way.nearest(point);
  return near.far < SNAP * walk.unit ? near.point : point;
}

/** What the camera saw there. */
function look(point) {
  const near = point && way.nearest(point);
  walk.front.querySelector(".hover")?.remove();
  if (!near || near.far >= SNAP * walk.unit) return;
  walk.front.append(walk.fixed(near.point, { class: "hover" }, svg("circle", { r: 8 })));
  if (!job.pictures) return;
  const step = Math.max(0.1, (job.trajectory.times.at(-1) - job.trajectory.times[0]) / 500);
  const time = Math.round(near.time / step) * step;
  const seen = $("#seen");
  seen.hidden = false;
  $("img", seen).src = `/api/picture?time=${time.toFixed(2)}`;
  $("img", seen).alt = `The view at ${near.time.toFixed(1)} seconds`;
  $("figcaption", seen).textContent = `What the camera saw at ${near.time.toFixed(1)} s`;
}

function pick(side, point) {
  pending = { ...pending, [side]: point };
  if (pending.floor && pending.plan) {
    const pairs = [...history.state.pairs, pending];
    [pending, chosen] = [EMPTY, pairs.length - 1];
    history.push({ pairs });
  } else draw();
}

/** A marker follows the pointer; once it is let go of, the pair is moved. No point: it was only clicked. */
function drag(side, number, point, done) {
  chosen = number;
  dragged = point && !done ? [side, number, point] : null;
  if (point && done) history.push({ pairs: history.state.pairs.map((pair, i) => (i === number ? { ...pair, [side]: point } : pair)) });
  else draw();
}

function remove(number) {
  chosen = null;
  history.push({ pairs: history.state.pairs.filter((_, i) => i !== number) });
}

function addEnd(point) {
  ends = [...ends, point];
  if (ends.length === 2) {
    $("#metres").disabled = false;
    $("#metres").value = "";
    $("#metres").focus();
  }
  draw();
}

function setScale() {
  const metres = $("#metres").valueAsNumber;
  const known = history.state.known;
  const [first, second] = ends?.length === 2 ? ends : [known?.first, known?.second];
  if (!(metres > 0) || !first) return;
  ends = null;
  history.push({ known: { first, second, metres } });
}

/** The state is another one: ask for its solution, and draw. */
function changed() {
  solution = null;
  draw();
  solve();
}

async function solve() {
  const state = history.state;
  const number = (asked += 1);
  if (state.pairs.length < LEAST[state.kind]) return trouble(null);
  try {
    const found = await ask("/api/solve", state);
    if (number !== asked) return;
    solution = found;
    trouble(null);
  } catch (error) {
    if (number !== asked) return;
    trouble(error);
  }
  draw();
}

async function save() {
  $("#save").disabled = true;
  const state = JSON.stringify(history.state);
  try {
    const done = await ask("/api/save", history.state);
    saved = state;
    trouble(null);
    draw();
    const placed = done.pictures ? `${done.placed} of ${done.pictures} pictures have positions now. ` : "";
    tell(`<b>Saved.</b> `, `${placed}The pairs are in ${done.file}.`, true);
  } catch (error) {
    trouble(error);
    draw();
  }
}

function trouble(error) {
  $("#trouble").hidden = !error;
  $("#trouble").textContent = error?.message ?? "";
}

/** The line above: `strong` is markup of this file, `words` are text. */
function tell(strong, words, good = false) {
  const hint = $("#hint");
  hint.innerHTML = strong;
  hint.append(words);
  hint.classList.toggle("good", good);
}

function advise() {
  const { pairs, kind, known } = history.state;
  const missing = LEAST[kind] - pairs.length;
  if (ends) tell("<b>Scale:</b> ", ends.length < 2 ? `pick ${ends.length ? "the other end" : "one end"} of a length that you know, on the plan.` : "type its length in metres, then Enter.");
  else if (pending.floor) tell("<b>Now the plan:</b> ", "pick the same point there.");
  else if (pending.plan) tell("<b>Now the trajectory:</b> ", "pick the same point there.");
  else if (missing > 0) tell(`<b>Pick ${missing} ${missing < 2 ? "pair" : "pairs"}${pairs.length ? " more" : ""}:</b> `, "a point on the trajectory, and the same point on the plan.");
  else if (!solution) tell("", "Solving …");
  else if (solution.mirrored) tell("<b>Mirrored:</b> ", "left and right are exchanged, so some pair is wrong.");
  else if (!known) tell("<b>The trajectory lies on the plan.</b> ", "Measure a length that you know, to save metres.", true);
  else if (JSON.stringify(history.state) === saved) tell("<b>Saved.</b> ", `The pairs are in ${job.out}.`, true);
  else tell("<b>The trajectory lies on the plan.</b> ", "Add pairs where it strays, or save.", true);
}

function draw() {
  const state = history.state;
  const place = (side) => (pair, number) => (dragged?.[0] === side && dragged[1] === number ? dragged[2] : pair[side]);
  const onPlan = state.pairs.map(place("plan"));
  const onFloor = state.pairs.map(place("floor")).map(toFloor);
  const used = (number) => solution?.used[number] ?? true;
  const marks = (pane, points) => points.map((point, number) => marker(pane, point, number, { left: !used(number), chosen: number === chosen }));
  const waiting = (pane, point) => point && marker(pane, point, state.pairs.length, { pending: true });
  const path = solution && polyline(solution.path);
  plan.draw(
    path && svg("polyline", { class: "way halo", points: path }), path && svg("polyline", { class: "way", points: path }),
    ...measure(plan, state.known, ends),
    ...(solution ? onPlan.map(([x, y], i) => svg("line", { class: "off", x1: x, y1: y, x2: solution.mapped[i][0], y2: solution.mapped[i][1] })) : []),
    ...marks(plan, onPlan), waiting(plan, pending.plan));
  walk.draw(...marks(walk, onFloor), waiting(walk, pending.floor && toFloor(pending.floor)));
  plan.root.classList.toggle("wanted", Boolean(ends ? ends.length < 2 : pending.floor));
  walk.root.classList.toggle("wanted", Boolean(!ends && pending.plan));
  list.draw(state.pairs.length, solution, chosen);
  showFit(state, solution, ends);
  const dirty = JSON.stringify(state) !== saved;
  $("#undo").disabled = !history.canUndo && pending === EMPTY && !ends;
  $("#redo").disabled = !history.canRedo;
  $("#save").disabled = !solution || !state.known || solution.mirrored || !dirty;
  document.title = `${dirty ? "• " : ""}lofivpr Aligner`;
  advise();
}

/** Half a pair and a scale that is being measured go first. */
function undo() {
  if (ends) ends = null;
  else if (pending !== EMPTY) pending = EMPTY;
  else return history.undo();
  draw();
}

$("#undo").onclick = undo;
$("#redo").onclick = () => history.redo();
$("#save").onclick = save;
for (const radio of document.querySelectorAll("[name=kind]")) radio.onchange = () => history.push({ kind: radio.value });
for (const button of document.querySelectorAll("[data-zoom]")) {
  const pane = button.dataset.pane === "plan" ? plan : walk;
  button.onclick = () => (button.dataset.zoom === "fit" ? pane.fit() : pane.zoom(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4));
}
$("#measure").onclick = () => { ends = ends ? null : []; draw(); };
$("#scale").onsubmit = (event) => { event.preventDefault(); setScale(); };
$("#metres").onchange = setScale;
$("#robust").onchange = () => {
  const usual = solution ? Number((4 * Math.max(solution.rms, solution.unit === "m" ? 0.1 : 2)).toPrecision(1)) : 10;
  history.push({ within: $("#robust").checked ? $("#within").valueAsNumber || usual : null });
};
$("#within").onchange = () => { if ($("#within").valueAsNumber > 0) history.push({ within: $("#within").valueAsNumber }); };
addEventListener("beforeunload", (event) => { if (JSON.stringify(history.state) !== saved) event.preventDefault(); });
addEventListener("keydown", (event) => {
  const typing = event.target.matches("input[type=number]");
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "z" && !typing) event.shiftKey ? history.redo() : undo();
  else if (command && key === "y" && !typing) history.redo();
  else if (command && key === "s") { if (!$("#save").disabled) save(); }
  else if (key === "escape" && (ends || pending !== EMPTY)) undo();
  else if (key === "delete" && chosen !== null && !typing) remove(chosen);
  else return;
  event.preventDefault();
});

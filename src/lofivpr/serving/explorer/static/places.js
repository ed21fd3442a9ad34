// What a model found: its verdict, its first places, and how sure the answer is.

import { picture } from "./api.js";
import { el, mark, metresText, percentText } from "./dom.js";

/** Teacher and student, or the one model there is. */
export function roleOf(model, about) {
  if (about.models.length === 1) return "Model";
  return model.digest === about.map_model.digest ? "Teacher" : "Student";
}

/** One model with its places; `colour` is the class m0, m1. */
export function modelBox(model, colour, about) {
  const { fix } = model;
  const note = { Teacher: "made the map", Student: "answers here", Model: "made the map, and answers here" };
  const role = roleOf(model, about);
  return el("section", { className: `model ${colour}` },
    el("h3", {}, el("span", { text: role }), el("small", { text: `${model.name}, ${note[role]}` })),
    placeList(fix.candidates, about),
    el("p", { className: "note" }, verdict(fix)));
}

function verdict(fix) {
  const off = (fix.off_m ?? null) === null ? "" : ` Its position is ${metresText(fix.off_m)} off.`;
  if (fix.probability === null) return `How sure it is, is not known.${off}`;
  return `${fix.answered ? "Answers" : "Abstains"}, sure to ${percentText(fix.probability)}.${off}`;
}

/** The first places as an ordered list. */
export function placeList(candidates, about) {
  return el("ol", { className: "places" }, ...candidates.map((one, index) => place(one, index + 1, about)));
}

function place(one, rank, about) {
  const right = one.right ?? null;
  const box = el("div", { className: "pic" }, el("span", { className: "rank", text: rank }));
  if (about.pictures) show(box, one); else box.append(one.ref);
  const off = one.off_m ?? null;
  const known = off === null ? null : el("span", {}, mark(right), metresText(off));
  return el("li", { className: right === null ? "" : right ? "right" : "wrong", title: one.ref }, box,
    el("p", {}, known, el("small", { title: "similarity", text: one.similarity.toFixed(3) })));
}

async function show(box, one) {
  const address = await picture(`/v1/explorer/places/${one.row}`);
  box.append(address ? el("img", { src: address, alt: `place ${one.ref}` }) : one.ref);
}

/** Fill a card with how sure a fix is, and where by its `calibration` the service begins to answer. */
export function showSure(root, fix, calibration) {
  if (fix.probability === null) {
    root.replaceChildren(el("b", { text: "How sure is not known" }),
      "This map is not calibrated for this model: lofivpr map calibrate finds out.");
    return;
  }
  const meter = el("div", { className: "meter", role: "meter", ariaLabel: "Probability", ariaValueNow: percentText(fix.probability) }, el("i"));
  meter.firstChild.style.width = `${100 * fix.probability}%`;
  const { probability: threshold, wrong_at_most: wrong } = calibration?.thresholds[0] ?? { probability: null };
  if (threshold !== null) {
    const line = el("u", { title: "below this line the service abstains" });
    line.style.left = `${100 * threshold}%`;
    meter.append(line);
  }
  const within = `within ${fix.within_m} m with a probability of ${percentText(fix.probability)}`;
  root.replaceChildren(el("b", { text: fix.answered ? `Answered: ${within}` : "No answer" }), meter,
    fix.answered ? `From the line on the service answers: at most ${percentText(wrong)} of its answers are wrong.` : sentence(fix.reason));
}

const sentence = (words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}${words.endsWith(".") ? "" : "."}`;

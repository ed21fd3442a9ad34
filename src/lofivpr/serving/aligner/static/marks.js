// What is drawn over the plan and the trajectory, the list of pairs, and the numbers of the fit.

import { $, el, lengthText, svg } from "./dom.js";

/** The numbered dot of a pair. */
export function marker(pane, point, number, { left = false, chosen = false, pending = false }) {
  const names = ["marker", left && "left", chosen && "chosen", pending && "pending"].filter(Boolean).join(" ");
  const parts = [svg("circle", { r: pending ? 7 : 11 })];
  if (!pending) parts.push(svg("text", {}, String(number + 1)));
  return pane.fixed(point, { class: names, "data-id": number }, ...parts);
}

/** The known length on the plan, or the one that is being measured. */
export function measure(pane, known, ends) {
  const points = ends ?? (known ? [known.first, known.second] : []);
  const dots = points.map((point) => pane.fixed(point, {}, svg("circle", { class: "measure-end", r: 5 })));
  if (points.length < 2) return dots;
  const [[x1, y1], [x2, y2]] = points;
  const words = ends ? "?" : `${known.metres} m`;
  return [svg("line", { class: "measure", x1, y1, x2, y2 }), ...dots,
    pane.fixed([(x1 + x2) / 2, (y1 + y2) / 2], {}, svg("text", { class: "measure-text", y: -10 }, words))];
}

export class PairList {
  /** `on.choose(number)` of the pair that the pointer or the focus is at, `on.remove(number)`. */
  constructor(on) {
    this.on = on;
    this.root = $("#pairs");
    this.items = [];
  }

  /** Items are kept while their number stays, so that the focus stays, too. */
  draw(count, solution, chosen) {
    while (this.items.length > count) this.items.pop().remove();
    while (this.items.length < count) this.items.push(this.root.appendChild(this.item(this.items.length)));
    const longest = Math.max(1e-9, ...(solution?.residuals ?? []).filter((_, i) => solution.used[i]));
    this.items.forEach((item, number) => {
      const residual = solution?.residuals[number];
      const used = solution?.used[number] ?? true;
      item.className = [!used && "left", number === chosen && "chosen"].filter(Boolean).join(" ");
      $(".track b", item).style.width = `${residual === undefined || !used ? 0 : Math.max(2, (100 * residual) / longest)}%`;
      const how = residual === undefined ? "" : `${lengthText(residual, solution.unit)} off`;
      $(".how", item).textContent = used ? how : `${how}, left out`;
    });
    $("#none").hidden = count > 0;
  }

  item(number) {
    return el("li", { onpointerenter: () => this.on.choose(number) },
      el("span", { className: "dot", textContent: number + 1 }),
      el("span", { className: "track" }, el("b")),
      el("span", { className: "how" }),
      el("button", { type: "button", textContent: "✕", ariaLabel: `Remove pair ${number + 1}`, title: "Remove",
        onclick: () => this.on.remove(number), onfocus: () => this.on.choose(number) }));
  }
}

/** The numbers of the fit, and the settings as they are now. */
export function showFit(state, solution, ends) {
  const unit = state.known ? "m" : "px";
  const length = (value) => (value === null || value === undefined ? "–" : lengthText(value, unit));
  const spare = solution && solution.sigma !== null;
  $("#rms").textContent = solution && spare ? length(solution.rms) : "–";
  $("#expected").textContent = solution ? length(solution.expected_rms) : "–";
  const turned = solution && Math.round(solution.rotation_deg);
  const more = solution && !spare ? "One pair more tells how good the fit is." : "";
  $("#more").textContent = solution ? more || `One unit of the trajectory is ${Number(solution.scale.toPrecision(4))} ${unit}; turned by ${String(turned).replace("-", "−")}°.` : "";
  $(`[name=kind][value=${state.kind}]`).checked = true;
  $("#measure").setAttribute("aria-pressed", String(Boolean(ends)));
  $("#measure").textContent = ends ? "Cancel" : state.known ? "Measure again" : "Measure on the plan";
  if (!ends) $("#metres").value = state.known?.metres ?? "";
  $("#metres").disabled = ends ? ends.length < 2 : !state.known;
  const pixels = state.known && Math.hypot(state.known.first[0] - state.known.second[0], state.known.first[1] - state.known.second[1]);
  $("#scale-note").textContent = state.known ? `A pixel is ${Number((state.known.metres / pixels).toPrecision(4))} m.` : "Not known: lengths are in pixels.";
  $("#robust").checked = state.within !== null;
  $("#within").disabled = state.within === null;
  // An answer that comes while a number is typed leaves it alone.
  if (state.within !== null && document.activeElement !== $("#within")) $("#within").value = state.within;
  $("#within-unit").textContent = unit;
}

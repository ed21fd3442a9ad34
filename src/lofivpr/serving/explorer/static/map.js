// The places in the plane, drawn by Leaflet on a plain background: no tiles, nothing from elsewhere.

import { el } from "./dom.js";

const L = window.L;

export class PlaceMap {
  /** `about` as /v1/explorer says; `key` is filled with what the marks mean. */
  constructor(root, key, about) {
    this.about = about;
    this.root = root;
    this.map = L.map(root, { preferCanvas: true, attributionControl: false, zoomSnap: 0.25, maxZoom: about.metres ? 8 : 23,
      minZoom: about.metres ? -12 : 0, crs: about.metres ? L.CRS.Simple : L.CRS.EPSG3857 });
    L.control.scale({ imperial: false }).addTo(this.map);
    this.all = L.latLngBounds(about.places);
    this.map.fitBounds(this.all.pad(0.08), { animate: false });
    this.ground = L.layerGroup().addTo(this.map);
    this.marks = L.layerGroup().addTo(this.map);
    this.key = key;
    this.#drawGround();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#drawGround());
    new ResizeObserver(() => this.map.invalidateSize({ animate: false })).observe(root);
  }

  /** What was found: `models` (name, fix), the `truth` as a spot or null, and a `trail` of earlier spots. */
  show(models, truth, trail = []) {
    this.marks.clearLayers();
    const seen = [];
    for (const spot of trail) L.circleMarker(spot, { radius: 2.5, weight: 0, fillOpacity: 0.7, fillColor: this.#ink("--m1"), interactive: false }).addTo(this.marks);
    if (truth) {
      L.circleMarker(truth, { radius: 11, weight: 3, color: this.#ink("--ink"), fill: false }).bindTooltip("taken here").addTo(this.marks);
      seen.push(truth);
    }
    const first = 2 - models.length; // a single model has the colour of the service's own
    models.forEach((model, index) => seen.push(...this.#drawModel(model, first + index)));
    this.#explain(models, first, truth, trail);
    if (seen.some((spot) => !this.map.getBounds().contains(spot))) {
      this.map.fitBounds(L.latLngBounds([...seen, ...(this.about.places.length < 2000 ? this.about.places : [])]).pad(0.08), { animate: false });
    }
  }

  /** Ranks on the spots of one model; several of one spot share a badge. */
  #drawModel({ name, fix }, colour) {
    const spots = new Map();
    fix.candidates.forEach((one, index) => {
      if (!one.at) return;
      const known = spots.get(String(one.at)) ?? { at: one.at, ranks: [] };
      known.ranks.push(index + 1);
      spots.set(String(one.at), known);
    });
    for (const { at, ranks } of [...spots.values()].reverse()) {
      const html = el("span", { text: ranks.join(" ") });
      const icon = L.divIcon({ className: `badge m${colour}`, html, iconAnchor: colour ? [0, 24] : [0, -4] });
      L.marker(at, { icon, keyboard: false }).bindTooltip(`${name}: place ${ranks.join(", ")}`).addTo(this.marks);
    }
    if (fix.at && colour === 1) {
      const look = { color: this.#ink("--m1"), weight: 1.5, dashArray: "4 4", fillOpacity: 0.07 };
      L.circle(fix.at, { ...look, radius: fix.within_m }).bindTooltip(`the answer, and ${fix.within_m} m around it`).addTo(this.marks);
    }
    return [...spots.values()].map((spot) => spot.at);
  }

  #drawGround() {
    this.ground.clearLayers();
    const look = { radius: 3, weight: 0, fillOpacity: 0.45, fillColor: this.#ink("--soft"), interactive: false };
    for (const spot of this.about.places) L.circleMarker(spot, look).addTo(this.ground);
  }

  #explain(models, first, truth, trail) {
    const words = models.map((model, index) => el("span", { className: `m${first + index}`, text: `the ${model.name.toLowerCase()}’s places` }));
    if (truth) words.push(el("span", { className: "ring", text: "taken here" }));
    if (models.at(-1)?.fix.at) words.push(el("span", { className: "m1 dash", text: `answer, ${models.at(-1).fix.within_m} m around it` }));
    if (trail.length) words.push(el("span", { className: "m1 tiny", text: "earlier answers" }));
    this.key.replaceChildren(...words, el("span", { className: "tiny", text: "the map" }));
  }

  #ink(name) {
    return getComputedStyle(this.root).getPropertyValue(name).trim();
  }
}

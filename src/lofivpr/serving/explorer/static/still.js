// The tab of a single picture: choose it, slide its quality, see what is left and what is found.

import { picture, post, Trouble } from "./api.js";
import { Curve } from "./curve.js";
import { $, bytesText, el } from "./dom.js";
import { PlaceMap } from "./map.js";
import { modelBox, roleOf, showSure } from "./places.js";
import { QualityControls } from "./quality.js";

const SHOWN = 12; // samples at a time
const PAUSE_MS = 250; // without a move of a slider, before heatmaps are drawn
const NOTES = {
  pictureless: "The service shows no pictures of the map: it was started without --places.",
  modelless: "This service runs no model: it takes descriptors from devices that run their own. Start it with --model to try pictures.",
};

export class Still {
  /** `about` and `town` are what /v1/explorer and /v1/map say; `troubled` shows a Trouble, or that there is none. */
  constructor(about, town, troubled) {
    [this.about, this.town, this.troubled] = [about, town, troubled];
    this.query = null; // { sample } or { file }
    this.asking = false;
    this.again = false;
    $(".choose").hidden = !about.models.length;
    if (!about.models.length) {
      this.#say("Pictures cannot be asked here", NOTES.modelless);
      return;
    }
    this.controls = new QualityControls($("#quality"), about.codecs, () => this.ask());
    this.#listen();
    if (about.samples) this.#offer(); else this.#say("Nothing chosen yet", "Choose a picture, or drop one here, to see what a thin channel leaves of it.");
  }

  #say(title, words) {
    $("#empty").hidden = false;
    $("#empty").replaceChildren(el("b", { text: title }), words);
  }

  #listen() {
    const still = $("#still");
    $("#file").addEventListener("change", (event) => this.#take(event.target.files[0]));
    for (const name of ["dragenter", "dragover"]) still.addEventListener(name, (event) => { event.preventDefault(); still.classList.add("dropping"); });
    for (const name of ["dragleave", "drop"]) still.addEventListener(name, () => still.classList.remove("dropping"));
    still.addEventListener("drop", (event) => { event.preventDefault(); this.#take(event.dataTransfer.files[0]); });
    $("#others").addEventListener("click", () => this.#offer(true));
    $("#heat-on").addEventListener("change", () => this.#heat());
    const compare = $("#compare");
    compare.addEventListener("click", () => this.#compare(compare.ariaPressed !== "true"));
  }

  /** Show samples: spread over the map, or drawn anew. */
  #offer(drawn = false) {
    const count = Math.min(SHOWN, this.about.samples);
    const spread = (index) => Math.floor((index + (drawn ? Math.random() : 0.5)) * this.about.samples / count);
    const buttons = [...Array(count).keys()].map((index) => this.#sampleButton(spread(index), index + 1));
    $("#samples").replaceChildren(...buttons);
    $("#others").hidden = this.about.samples <= SHOWN;
    buttons[0].click();
  }

  #sampleButton(number, position) {
    const button = el("button", { type: "button", ariaLabel: `Sample ${position}`, ariaPressed: "false", on: { click: () => this.#choose({ sample: number }, button) } });
    button.dataset.sample = number;
    picture(`/v1/explorer/samples/${number}`).then((address) => address && button.append(el("img", { src: address, alt: "" })));
    return button;
  }

  #take(file) {
    if (!file) return;
    $("#file").value = "";
    this.#choose({ file });
  }

  #choose(query, button = null) {
    this.query = query;
    $("#heat").replaceChildren();
    this.#compare(false);
    for (const one of $("#samples").children) one.ariaPressed = String(one === button);
    this.ask();
  }

  /** Ask for what is set now. One question is on its way at a time: what is set meanwhile is asked next. */
  async ask() {
    if (!this.query) return;
    this.again = this.asking;
    if (this.asking) return;
    this.asking = true;
    $("#still").classList.add("busy");
    $("#heat").classList.add("stale");
    clearTimeout(this.pause);
    const query = this.query;
    try {
      const found = await this.#post("preview");
      this.troubled(null);
      if (query === this.query) this.#show(found);
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) throw trouble;
      this.troubled(trouble, () => this.ask());
    } finally {
      this.asking = false;
      $("#still").classList.remove("busy");
    }
    if (this.again) return this.ask();
    this.pause = setTimeout(() => this.#heat(), PAUSE_MS);
  }

  /** The first question about a picture is asked at full size: only its answer says how large it is. */
  #post(what) {
    const parameters = new URLSearchParams({ quality: this.query.height ? this.controls.text : "raw" });
    if (this.query.sample !== undefined) parameters.set("sample", this.query.sample);
    return post(`/v1/explorer/${what}?${parameters}`, this.query.file);
  }

  #show(found) {
    const { picture: left, models, truth } = found;
    if (!this.query.height) {
      this.query.height = left.source[1];
      this.controls.fit(left.source[1]);
      $("#original").src = left.uri;
      $(".glass").style.aspectRatio = `${left.source[0]} / ${left.source[1]}`;
      this.again = true;
    }
    $("#empty").hidden = true;
    $("#bench").hidden = $("#found").hidden = false;
    this.#showPicture(left);
    this.#showModels(models, truth);
  }

  #showPicture(left) {
    $("#arrived").src = left.uri;
    $("#arrived").alt = `the picture after ${left.quality}`;
    $("#screen-note").textContent = left.quality === "raw" ? "The picture as it is" : `After ${left.quality}, as the server decoded it`;
    $("#bytes").textContent = bytesText(left.bytes);
    $("#pixels").textContent = `${left.width} × ${left.height}`;
    $("#psnr").textContent = left.psnr === null ? "–" : `${left.psnr.toFixed(1)} dB`;
    this.left = left;
  }

  #showModels(models, truth) {
    const own = models.at(-1);
    $("#found-lead").textContent = this.#lead(truth);
    const first = 2 - models.length;
    $("#models").replaceChildren(...models.map((model, index) => modelBox(model, `m${first + index}`, this.about)));
    showSure($("#sure"), own.fix, this.town.calibration);
    this.map ??= new PlaceMap($("#map"), $("#map-key"), this.about);
    this.map.show(models.map((model) => ({ ...model, name: roleOf(model, this.about) })), truth);
    this.curve ??= new Curve($("#curve"), $("#curve-key"), this.town.calibration);
    this.curve.show(this.left.bytes, this.left.quality, own.fix.probability);
  }

  #lead(truth) {
    const known = truth ? `Below each: how far it is from where the picture was taken, right within ${this.about.within_m} m, and its similarity to what arrived.`
      : "Below each: its similarity to what arrived. Where this picture was taken is not known, so nothing is marked right or wrong.";
    return this.about.pictures ? known : `${known} ${NOTES.pictureless}`;
  }

  async #heat() {
    const wanted = $("#heat-on").checked && this.query?.height;
    $("#heat").hidden = !wanted;
    if (!wanted || this.asking) return;
    const [query, quality] = [this.query, this.controls.text];
    try {
      const found = await this.#post("heatmaps");
      if (query === this.query && quality === this.controls.text) this.#showHeat(found);
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) throw trouble;
      $("#heat-lead").textContent = trouble.message;
    }
  }

  #showHeat({ kind, maps }) {
    $("#heat").classList.remove("stale");
    $("#heat-lead").textContent = kind === null ? "These models have no map of features to draw." : `Drawn is the ${kind}, on one scale: the brighter, the more of the descriptor comes from there.`;
    $("#heat").replaceChildren(...maps.map((one) => el("figure", {}, el("img", { src: one.uri, alt: `heatmap of the ${roleOf(one, this.about).toLowerCase()}` }),
      el("figcaption", {}, el("b", { text: roleOf(one, this.about) }), one.agreement === null ? " on the sharp picture" : ` on what arrived, agreement ${one.agreement.toFixed(2)}`))));
  }

  #compare(on) {
    $("#compare").ariaPressed = String(on);
    $("#compare").textContent = on ? "Show what arrived" : "Show original";
    $("#original").hidden = !on;
  }
}

// The sliders of a quality: resolution, codec, and the codec's one setting.

import { el } from "./dom.js";

const HEIGHTS = [24, 32, 48, 60, 90, 120, 144, 180, 240, 300, 360, 480, 600, 720];
const NAMES = { jpeg: "JPEG", webp: "WebP", avif: "AVIF", png: "PNG", h264: "H.264", h265: "H.265", av1: "AV1", vp9: "VP9" };
const SETTINGS = { q: "Quality", qp: "QP", crf: "CRF" };
const START = { height: 120, codec: "h264", values: { jpeg: 10, webp: 10, avif: 25, h264: 40, h265: 40, av1: 52, vp9: 56 } };

export const codecName = (codec) => NAMES[codec] ?? codec;

export class QualityControls {
  /** `codecs` as /v1/explorer lists them; `changed` is called whenever the quality is another one. */
  constructor(root, codecs, changed) {
    this.codecs = new Map([["none", { name: "none", mode: null }], ...codecs.map((codec) => [codec.name, codec])]);
    this.values = new Map(codecs.filter((codec) => codec.mode).map((codec) => [codec.name,
      START.values[codec.name] ?? Math.round((codec.low + codec.high) / 2)]));
    this.heights = [null];
    this.height = START.height;
    this.codec = this.codecs.has(START.codec) ? START.codec : "none";
    this.changed = changed;
    this.resolution = range("resolution", "Resolution", () => this.#moveHeight());
    this.setting = range("setting", "Setting", () => this.#moveSetting());
    root.replaceChildren(this.resolution.box, this.#codecBox(), this.setting.box);
    this.#showSetting();
  }

  /** The quality as the service reads it. */
  get text() {
    const resolution = this.height === null ? "" : `${this.height}p`;
    if (this.codec === "none") return resolution || "raw";
    const { mode } = this.codecs.get(this.codec);
    const value = this.values.get(this.codec);
    const channel = mode ? `${this.codec}:${mode === "q" ? "" : mode}${value}` : this.codec;
    return resolution ? `${resolution}/${channel}` : channel;
  }

  /** A source of this height: no resolution above it is offered. */
  fit(height) {
    this.heights = [...HEIGHTS.filter((one) => one < height), null];
    if (this.height !== null && this.height >= height) this.height = null;
    const slider = this.resolution.input;
    slider.max = this.heights.length - 1;
    slider.value = this.heights.indexOf(this.height);
    this.source = height;
    this.#showHeight();
  }

  #codecBox() {
    const radios = [...this.codecs.keys()].map((name) => {
      const input = el("input", { type: "radio", name: "codec", value: name, checked: name === this.codec,
        on: { change: () => this.#choose(name) } });
      return el("label", {}, input, name === "none" ? "none" : codecName(name));
    });
    return el("fieldset", {}, el("legend", { text: "Codec" }), el("div", { className: "codecs" }, ...radios));
  }

  #choose(name) {
    this.codec = name;
    this.#showSetting();
    this.changed();
  }

  #moveHeight() {
    this.height = this.heights[this.resolution.input.value];
    this.#showHeight();
    this.changed();
  }

  /** To the right is always finer, whatever the codec counts. */
  #moveSetting() {
    const codec = this.codecs.get(this.codec);
    const value = Number(this.setting.input.value);
    this.values.set(this.codec, codec.mode === "q" ? value : codec.low + codec.high - value);
    this.#showSetting();
    this.changed();
  }

  #showHeight() {
    tell(this.resolution, this.height === null ? `${this.source} lines, the source’s` : `${this.height} lines`);
  }

  #showSetting() {
    const codec = this.codecs.get(this.codec);
    this.setting.box.hidden = codec.mode === null;
    if (codec.mode === null) return;
    const { input, label } = this.setting;
    const value = this.values.get(this.codec);
    [input.min, input.max] = [codec.low, codec.high];
    input.value = codec.mode === "q" ? value : codec.low + codec.high - value;
    label.textContent = SETTINGS[codec.mode];
    tell(this.setting, `${SETTINGS[codec.mode]} ${value}`);
  }
}

/** A slider with a name before it and its value behind it. */
export function range(id, name, moved) {
  const input = el("input", { type: "range", id, min: 0, max: 0, step: 1, on: { input: moved } });
  const label = el("label", { htmlFor: id, text: name });
  const output = el("output", { htmlFor: id });
  return { input, label, output, box: el("div", { className: "control" }, label, output, input) };
}

export function tell(slider, words) {
  slider.output.textContent = words;
  slider.input.setAttribute("aria-valuetext", words);
}

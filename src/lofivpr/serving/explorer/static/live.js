// The tab of the camera: frames are drawn small, encoded here, streamed, and answered one by one.

import { JpegPackets, VideoPackets, encodableCodecs } from "./encode.js";
import { $, el } from "./dom.js";
import { PlaceMap } from "./map.js";
import { placeList, roleOf, showSure } from "./places.js";
import { codecName, range, tell } from "./quality.js";
import { Stream } from "./stream.js";

const HEIGHTS = [60, 90, 120, 180, 240, 360, 480];
const RATES = [8, 16, 32, 64, 128, 256, 512, 1000, 2000]; // kbit/s
const FPS = 5;
const KEY_EVERY = 10; // frames: a lost one costs at most two seconds
const TRAIL = 80;
const CAMERA_TROUBLE = {
  NotAllowedError: "The browser did not let this page use the camera. Allow it in the browser’s settings of this page, then start again.",
  NotFoundError: "No camera was found. Connect one, then start again.",
  NotReadableError: "The camera is there but gives no picture; another program may be using it. Close that, then start again.",
};

export class Live {
  constructor(about, town) {
    [this.about, this.town] = [about, town];
    this.video = el("video", { muted: true, playsInline: true });
    this.trail = [];
    this.#makeControls();
    $("#start").addEventListener("click", () => (this.timer ? this.#stop() : this.#start()));
    $("#start").disabled = !about.models.length;
    if (!about.models.length) this.#say("This service runs no model, so that it cannot look at video. Start it with --model.");
  }

  async #makeControls() {
    this.height = range("live-height", "Resolution", () => this.#tune());
    this.rate = range("live-rate", "Bit rate", () => this.#tune());
    Object.assign(this.height.input, { max: HEIGHTS.length - 1, value: HEIGHTS.indexOf(180) });
    Object.assign(this.rate.input, { max: RATES.length - 1, value: RATES.indexOf(128) });
    this.codec = el("select", { id: "live-codec", on: { change: () => this.#tune() } });
    this.follow = el("input", { type: "checkbox", id: "live-follow", on: { change: () => this.#tune() } });
    const codec = el("div", { className: "control" }, el("label", { htmlFor: "live-codec", text: "Codec" }), el("output", { text: `${FPS} frames a second` }), this.codec);
    const follow = el("label", { className: "switch" }, this.follow, "follow the camera: each answer made surer by those before it");
    $("#live-controls").replaceChildren(codec, this.height.box, this.rate.box, follow);
    this.#tellControls();
    for (const name of await encodableCodecs()) this.codec.append(el("option", { value: name, text: name === "jpeg" ? "JPEG, a file a frame" : codecName(name) }));
  }

  #tellControls() {
    tell(this.height, `${HEIGHTS[this.height.input.value]} lines`);
    tell(this.rate, `${RATES[this.rate.input.value]} kbit/s`);
  }

  async #start() {
    this.#say("Waiting for the camera …");
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "NotSecure");
      this.camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch (error) {
      this.#say(CAMERA_TROUBLE[error.name] ?? (error.name === "NotSecure"
        ? "Browsers give cameras to secure pages only: open this page at localhost, or start the service with TLS (--tls-cert, --tls-key)."
        : `The camera cannot be used: ${error.message}.`));
      return;
    }
    this.video.srcObject = this.camera;
    await this.video.play();
    this.map ??= new PlaceMap($("#live-map"), $("#live-key"), this.about);
    this.stream = new Stream({ answered: (answer) => this.#show(answer), said: (words) => this.#say(words), numbers: (numbers) => this.#showNumbers(numbers) });
    this.trail = [];
    this.count = 0;
    this.#tune();
    this.timer = setInterval(() => this.#frame(), 1000 / FPS);
    $("#start").textContent = "Stop";
    $("#waiting").hidden = true;
  }

  #stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.packets?.close();
    this.stream.close();
    for (const track of this.camera.getTracks()) track.stop();
    $("#start").textContent = "Start the camera";
    this.#say("Stopped. Nothing is sent.");
  }

  /** Begin a new stream with what is set now; without a camera only say what is set. */
  #tune() {
    this.#tellControls();
    if (!this.stream || this.stream.closed) return;
    this.packets?.close();
    const canvas = $("#sent");
    const height = HEIGHTS[this.height.input.value];
    const width = 2 * Math.round(height * this.video.videoWidth / this.video.videoHeight / 2);
    this.small = el("canvas", { width, height });
    Object.assign(canvas, { width, height });
    canvas.parentElement.style.aspectRatio = `${width} / ${height}`;
    const codec = this.codec.value;
    this.stream.begin({ codec, size: [width, height], k: 5, sequence: this.follow.checked });
    const Packets = codec === "jpeg" ? JpegPackets : VideoPackets;
    this.packets = new Packets(codec, this.small, RATES[this.rate.input.value], FPS, {
      sent: (bytes, id, micros) => this.stream.send(bytes, id, micros),
      shown: (picture) => canvas.getContext("2d").drawImage(picture, 0, 0, width, height),
      failed: (error) => this.#say(`This browser’s encoder failed: ${error.message}. Choose another codec.`),
    });
    this.sinceKey = KEY_EVERY;
  }

  #frame() {
    if (!this.stream.isReady) return;
    const { width, height } = this.small;
    this.small.getContext("2d").drawImage(this.video, 0, 0, width, height);
    const key = this.sinceKey >= KEY_EVERY || this.stream.takeKeyWish();
    if (!this.packets.encode(this.count, Math.round(1000 * performance.now()), key)) return;
    this.count += 1;
    this.sinceKey = key ? 1 : this.sinceKey + 1;
  }

  #show(answer) {
    const { fix, seen } = answer;
    $("#live-places").replaceChildren(el("div", { className: "model m1" }, placeList(fix.candidates, this.about)));
    showSure($("#live-sure"), fix, this.town.calibration);
    const found = fix.candidates.map((one) => ({ ...one, at: one.lat === null ? null : [one.lat, one.lon] }));
    const at = fix.lat === null ? null : [fix.lat, fix.lon];
    this.map.show([{ name: roleOf(this.about.models.at(-1), this.about), fix: { ...fix, candidates: found, at } }], null, this.trail);
    if (at) this.trail = [...this.trail, at].slice(-TRAIL);
    const skipped = this.stream.skipped ? `, ${this.stream.skipped} skipped` : "";
    this.#say(`${codecName(seen.codec)}, ${seen.width} × ${seen.height}: as sent, frame ${answer.frame}${skipped}`);
  }

  #showNumbers({ kbps, pace, trip }) {
    $("#rate").textContent = `${kbps.toFixed(kbps < 10 ? 1 : 0)} kbit/s`;
    $("#pace").textContent = `${pace.toFixed(1)} /s`;
    $("#trip").textContent = trip === null ? "–" : `${Math.round(trip)} ms`;
  }

  #say(words) {
    $("#live-note").textContent = words;
  }
}

// The camera's frames to packets: WebCodecs where the browser encodes video, JPEG frames everywhere.

const VIDEO = {
  h264: { codec: "avc1.42E01F", avc: { format: "annexb" } },
  vp9: { codec: "vp09.00.10.08" },
};
const QUEUE = 2; // frames that wait in the encoder; more would only be late

/** The codecs that this browser encodes, the best first; `jpeg` is always among them. */
export async function encodableCodecs() {
  const found = [];
  for (const name of Object.keys(VIDEO)) if (await works(name)) found.push(name);
  return [...found, "jpeg"];
}

async function works(name) {
  if (!("VideoEncoder" in window)) return false;
  const support = await VideoEncoder.isConfigSupported(configuration(name, [320, 240], 100, 10)).catch(() => null);
  return Boolean(support?.supported);
}

function configuration(name, [width, height], kbps, fps) {
  return { ...VIDEO[name], width, height, bitrate: 1000 * kbps, framerate: fps, latencyMode: "realtime" };
}

/** Encodes what is drawn on a canvas; `sent(packet, id, micros)` gets bytes, `shown` what they look like decoded. */
export class VideoPackets {
  constructor(name, canvas, kbps, fps, { sent, shown, failed }) {
    this.canvas = canvas;
    this.ids = new Map(); // microseconds -> frame id
    this.decoder = new VideoDecoder({ output: (frame) => { shown(frame); frame.close(); }, error: failed });
    this.decoder.configure({ codec: VIDEO[name].codec, optimizeForLatency: true });
    const output = (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      sent(bytes, this.ids.get(chunk.timestamp), chunk.timestamp);
      this.ids.delete(chunk.timestamp);
      if (this.decoder.state === "configured") this.decoder.decode(chunk);
    };
    this.encoder = new VideoEncoder({ output, error: failed });
    this.encoder.configure(configuration(name, [canvas.width, canvas.height], kbps, fps));
  }

  /** Encode what the canvas shows; returns whether it was taken. */
  encode(id, micros, key) {
    if (this.encoder.state !== "configured" || this.encoder.encodeQueueSize > QUEUE) return false;
    this.ids.set(micros, id);
    const frame = new VideoFrame(this.canvas, { timestamp: micros });
    this.encoder.encode(frame, { keyFrame: key });
    frame.close();
    return true;
  }

  close() {
    for (const one of [this.encoder, this.decoder]) if (one.state !== "closed") one.close();
  }
}

/** Each frame a JPEG file, of a strength that keeps about to the bit rate. */
export class JpegPackets {
  constructor(_, canvas, kbps, fps, { sent, shown }) {
    [this.canvas, this.sent, this.shown] = [canvas, sent, shown];
    this.wanted = 125 * kbps / fps; // bytes a frame
    this.quality = 0.3;
    this.busy = false;
  }

  encode(id, micros) {
    if (this.busy) return false;
    this.busy = true;
    this.canvas.toBlob((blob) => this.#made(blob, id, micros), "image/jpeg", this.quality);
    return true;
  }

  async #made(blob, id, micros) {
    this.quality = Math.min(0.95, Math.max(0.02, this.quality * (this.wanted / blob.size) ** 0.4));
    this.sent(new Uint8Array(await blob.arrayBuffer()), id, micros);
    const bitmap = await createImageBitmap(blob);
    this.shown(bitmap);
    bitmap.close();
    this.busy = false;
  }

  close() {}
}

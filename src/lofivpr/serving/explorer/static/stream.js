// One WebSocket of /v1/stream: a hello, packets with a header, an answer a frame; comes back when it was cut off.

import { openSocket } from "./api.js";

const WINDOW_MS = 3000; // over which rates are counted
const MOST_UNSENT_MS = 1000; // of packets; a link that is slower than that is not fed more
const LONGEST_WAIT_MS = 8000;

export class Stream {
  /** `heard`: answered(answer), said(words), numbers({ kbps, pace, trip }). */
  constructor(heard) {
    this.heard = heard;
    this.skipped = 0;
    this.wait = 500;
    this.sent = []; // { at, bytes }
    this.answers = []; // at
    this.left = new Map(); // frame id -> when it was sent
  }

  /** The service has taken the hello: frames may be sent. */
  get isReady() {
    return this.socket?.readyState === WebSocket.OPEN && this.agreed && !this.#isFull();
  }

  /** Begin, or go on with other settings. */
  begin(hello) {
    this.hello = hello;
    this.agreed = false;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(hello));
    else if (this.socket?.readyState !== WebSocket.CONNECTING) this.#connect();
  }

  send(packet, id, micros) {
    if (this.socket.readyState !== WebSocket.OPEN || !this.agreed) return;
    const message = new Uint8Array(16 + packet.length);
    const header = new DataView(message.buffer);
    header.setBigUint64(0, BigInt(id));
    header.setBigUint64(8, BigInt(micros));
    message.set(packet, 16);
    this.socket.send(message);
    this.sent.push({ at: performance.now(), bytes: packet.length });
    this.left.set(id, performance.now());
  }

  /** Was a key frame asked for since the last call? The service wants one after damage. */
  takeKeyWish() {
    const wished = this.keyWish;
    this.keyWish = false;
    return wished;
  }

  close() {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.close();
  }

  #isFull() {
    const bytes = this.#recent(this.sent).reduce((sum, one) => sum + one.bytes, 0);
    return this.socket.bufferedAmount > Math.max(4000, bytes * MOST_UNSENT_MS / WINDOW_MS);
  }

  #connect() {
    this.socket = openSocket("/v1/stream");
    this.socket.onopen = () => this.socket.send(JSON.stringify(this.hello));
    this.socket.onmessage = (event) => this.#hear(JSON.parse(event.data));
    this.socket.onclose = () => this.#lost();
  }

  #hear(message) {
    this.skipped += message.skipped?.length ?? 0;
    if (message.hello) {
      [this.agreed, this.keyWish, this.wait, this.lastWords] = [true, true, 500, null];
      this.left.clear();
    } else if (message.error) {
      this.keyWish = true;
      this.lastWords = message.error;
      this.heard.said(`The service says: ${message.error}`);
    } else this.#answer(message);
  }

  #answer(answer) {
    const now = performance.now();
    const sent = this.left.get(answer.frame);
    for (const id of [...this.left.keys()].filter((one) => one <= answer.frame)) this.left.delete(id);
    this.answers = this.#recent([...this.answers, { at: now }]);
    this.sent = this.#recent(this.sent);
    this.trip = sent === undefined ? this.trip ?? null : now - sent;
    const span = Math.min(WINDOW_MS, now - (this.sent[0]?.at ?? now)) || WINDOW_MS;
    const bytes = this.sent.reduce((sum, one) => sum + one.bytes, 0);
    this.heard.numbers({ kbps: 8 * bytes / span, pace: 1000 * this.answers.length / span, trip: this.trip });
    this.heard.answered(answer);
  }

  #recent(events) {
    const since = performance.now() - WINDOW_MS;
    return events.filter((one) => one.at >= since);
  }

  #lost() {
    this.agreed = false;
    if (this.closed) return;
    const why = this.lastWords ?? "the connection was lost, or was not let in";
    this.heard.said(`No stream: ${why}. Trying again in ${Math.round(this.wait / 1000) || "less than 1"} s.`);
    this.retry = setTimeout(() => this.#connect(), this.wait);
    this.wait = Math.min(LONGEST_WAIT_MS, 2 * this.wait);
  }
}

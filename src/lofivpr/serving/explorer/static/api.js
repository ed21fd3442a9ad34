// Asking the service. What goes wrong is a Trouble, whose message is in words.

const KEY = "lofivpr.key";
const blobs = new Map(); // path -> promise of an object URL; the pictures of a map are few and small

export class Trouble extends Error {
  /** `status` 0: no answer came at all. */
  constructor(words, status = 0) {
    super(words);
    this.status = status;
  }
}

export const apiKey = () => sessionStorage.getItem(KEY);
export const setApiKey = (key) => sessionStorage.setItem(KEY, key);

async function ask(path, options = {}) {
  const headers = apiKey() ? { Authorization: `Bearer ${apiKey()}` } : {};
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Trouble("The service does not answer: it was stopped, or the connection is gone. Start it or connect again.");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const detail = problem.detail ?? `expected an answer, found status ${answer.status}`;
  throw new Trouble(detail.charAt(0).toUpperCase() + detail.slice(1), answer.status);
}

export const get = async (path) => (await ask(path)).json();
export const post = async (path, body) => (await ask(path, { method: "POST", body })).json();

/** An address of a picture that needs the key; null where there is no such picture. */
export function picture(path) {
  if (!blobs.has(path)) {
    const address = ask(path).then((answer) => answer.blob()).then((blob) => URL.createObjectURL(blob));
    blobs.set(path, address);
    address.catch(() => blobs.delete(path));
  }
  return blobs.get(path).catch(() => null);
}

/** A WebSocket to the service; a browser hands over the key as a protocol. */
export function openSocket(path) {
  const address = new URL(path, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, ["lofivpr", ...(apiKey() ? [`key.${apiKey()}`] : [])]);
  socket.binaryType = "arraybuffer";
  return socket;
}

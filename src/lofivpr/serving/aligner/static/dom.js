// Elements of HTML and SVG, numbers as people read them, and asking the server.

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element of HTML with properties and children. */
export function el(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** An element of SVG with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** `0.24 m`, `3.1 m`, `120 px`. */
export function lengthText(value, unit) {
  const digits = value < 10 ? (unit === "m" ? 2 : 1) : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

/** The answer to a request as JSON; what goes wrong is an Error whose message is in words. */
export async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The Aligner does not answer: it was stopped. Start it again; what you picked is still on this page.");
  }
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const detail = told.detail ?? `expected an answer, found status ${answer.status}.`;
  throw new Error(detail.charAt(0).toUpperCase() + detail.slice(1));
}

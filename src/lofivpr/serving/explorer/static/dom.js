// Elements, and numbers as people read them.

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element with properties (`text`, `on` listeners, others by their names in the DOM, attributes) and children. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The same in SVG; all properties are attributes. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** `840 B`, `1.9 kB`, `24 kB`; 1 kB = 1000 bytes. */
export function bytesText(bytes) {
  if (bytes === null) return "–";
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function metresText(metres) {
  if (metres < 1000) return `${metres.toFixed(metres < 10 ? 1 : 0)} m`;
  return `${(metres / 1000).toFixed(metres < 10000 ? 1 : 0)} km`;
}

export const percentText = (share) => `${Math.round(100 * share)}\u00a0%`;

/** Right or wrong, for eyes and for screen readers; nothing where nobody knows. */
export function mark(right) {
  if (right === null) return null;
  return el("span", { className: `mark ${right ? "right" : "wrong"}` }, right ? "✓" : "✗",
    el("span", { className: "hidden", text: right ? " right" : " wrong" }), " ");
}

// Begins: asks what is served, fills the tabs, and says what goes wrong.

import { get, setApiKey, Trouble } from "./api.js";
import { $, el } from "./dom.js";
import { Live } from "./live.js";
import { Still } from "./still.js";

function troubled(trouble, again = begin) {
  $("#trouble").hidden = !trouble || trouble.status === 401;
  $("#key").hidden = trouble?.status !== 401;
  $("#main").hidden = trouble?.status === 401;
  if (!trouble) return;
  $("#trouble p").textContent = trouble.message;
  $("#trouble button").onclick = again;
  if (trouble.status === 401) $("#key-input").focus();
}

async function begin() {
  try {
    const [about, town] = await Promise.all([get("/v1/explorer"), get("/v1/map")]);
    troubled(null);
    showFacts(about, town);
    new Still(about, town, troubled);
    new Live(about, town);
  } catch (trouble) {
    if (!(trouble instanceof Trouble)) throw trouble;
    troubled(trouble);
  }
}

function showFacts(about, town) {
  const own = about.models.at(-1);
  const model = !own ? "descriptors only" : about.models.length === 2 ? "teacher and student" : own.name;
  const calibrated = town.calibration ? "calibrated" : "not calibrated";
  $("#facts").replaceChildren(el("b", { text: town.map.places.toLocaleString("en") }), ` places · ${model} · ${calibrated}`);
}

function chooseTab(tab) {
  for (const one of document.querySelectorAll("[role=tab]")) {
    const chosen = one === tab;
    one.ariaSelected = String(chosen);
    one.tabIndex = chosen ? 0 : -1;
    $(`#${one.getAttribute("aria-controls")}`).hidden = !chosen;
  }
}

const tabs = [...document.querySelectorAll("[role=tab]")];
for (const tab of tabs) {
  tab.addEventListener("click", () => chooseTab(tab));
  tab.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const next = tabs[(tabs.indexOf(tab) + 1) % tabs.length];
    chooseTab(next);
    next.focus();
  });
}
$("#key").addEventListener("submit", (event) => {
  event.preventDefault();
  setApiKey($("#key-input").value.trim());
  location.reload();
});
begin();

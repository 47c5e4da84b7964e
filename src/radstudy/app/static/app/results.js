// The results: two runs compared.

import { api, choosePlace, dialog, element, onPress, post, sayError, STUDY, text } from "./app.js";

const form = document.getElementById("compare");
const place = /** @type {HTMLElement} */ (document.getElementById("differences"));
const other = /** @type {HTMLInputElement} */ (document.getElementById("other"));
const choose = document.getElementById("choose");
if (choose instanceof HTMLButtonElement) {
  onPress(choose, async () => {
    other.value = (await choosePlace(text("results.other"), { start: other.value })) || other.value;
  });
}
const unseal = document.getElementById("unseal");
if (unseal instanceof HTMLButtonElement) {
  onPress(unseal, async () => {
    const box = element("div");
    box.appendChild(element("p", "", text("results.unseal_once")));
    const lines = unseal.closest("section")?.querySelector("ul")?.cloneNode(true);
    if (lines) box.appendChild(lines);
    const done = await dialog(text("results.unseal"), box, text("results.unseal"), async () => {
      await post(api("results", "unseal"));
    });
    if (done) location.assign(`/study/${STUDY}/run`); // what was withheld is computed there
  });
}
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  compare().catch(sayError);
});

async function compare() {
  const { lines, command } = await post(api("results", "compare"), { run: other.value });
  place.replaceChildren();
  place.appendChild(element("pre", "card", lines.join("\n"))).tabIndex = 0;
  const same = place.appendChild(element("div", "command"));
  same.appendChild(element("span", "command-label", text("app.same_command")));
  same.appendChild(element("code", "", command));
}

// The run of a study: start it, watch it, try failed cases again.

import { api, onPress, post, sayError } from "./app.js";
import { watch } from "./jobs.js";

const panel = /** @type {HTMLElement} */ (document.getElementById("job"));
const form = /** @type {HTMLFormElement} */ (document.getElementById("start"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));

/** @param {string} id */
function follow(id) {
  panel.hidden = false;
  button.disabled = true;
  watch(panel, id, () => {
    button.disabled = false;
    if (sessionStorage.getItem("seen") === id) return;
    sessionStorage.setItem("seen", id);
    location.reload(); // the steps and the failed cases are other ones now
  });
}

async function start() {
  const { job } = await post(api("run", "start"), {
    until: /** @type {HTMLSelectElement} */ (document.getElementById("until")).value,
    jobs: Number(/** @type {HTMLInputElement} */ (document.getElementById("processes")).value) || 0,
  });
  follow(job);
  panel.scrollIntoView({ block: "nearest" });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start().catch(sayError);
});
const again = document.getElementById("again");
if (again instanceof HTMLButtonElement) onPress(again, start);
for (const picture of document.querySelectorAll("img.failure-picture")) {
  picture.addEventListener("error", () => picture.remove()); // a case whose files cannot be read has none
}
if (panel.dataset.job) follow(panel.dataset.job);
else panel.hidden = true;

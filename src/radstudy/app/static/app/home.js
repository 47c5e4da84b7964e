// The list of studies: begin one, or open one of another folder.

import { choosePlace, dialog, element, labelled, onPress, post, text } from "./app.js";

for (const button of document.querySelectorAll("[data-begin]")) {
  const choice = /** @type {HTMLButtonElement} */ (button);
  onPress(choice, () => begin(choice.dataset.begin ?? ""));
}

/** @param {string} kind */
async function begin(kind) {
  const box = element("div");
  const field = element("input");
  field.type = "text";
  field.required = true;
  field.maxLength = 80;
  field.value = text(`home.name_of.${kind}`);
  box.appendChild(element("p", "", text(`home.begin_what.${kind}`)));
  box.appendChild(labelled(text("home.name"), field, text("home.name_help")));
  const patients = element("select");
  if (kind === "demo") {
    for (const [value, words] of [["107", text("home.demo_all")], ["24", text("home.demo_few")]]) {
      patients.appendChild(element("option", "", words)).value = value;
    }
    box.appendChild(labelled(text("home.demo_patients"), patients));
  }
  const begun = dialog(text(`home.begin.${kind}`), box, text("home.begin_button"), async () => {
    const { to } = await post("/api/begin", { name: field.value, begin: kind, ...(kind === "demo" && { patients: Number(patients.value) }) });
    location.assign(to);
  });
  field.select(); // at once: what is typed before the next frame would be replaced
  await begun;
}

const open = document.getElementById("open");
if (open instanceof HTMLButtonElement) {
  onPress(open, async () => {
    const path = await choosePlace(text("home.open"), { files: true });
    if (path) location.assign((await post("/api/open", { path })).to);
  });
}

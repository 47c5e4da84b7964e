// The import of a study: its source, the dry run and the import itself, and the study file that fits it.

import { api, choosePlace, element, labelled, onPress, post, say, sayError, text } from "./app.js";
import { watch } from "./jobs.js";
import { startReview } from "./review.js";

/** @typedef {import("./app.js").Json} Json */

const RULES_WAIT_MS = 500;

/**
 * @template {HTMLElement} T
 * @param {string} id
 */
const byId = (id) => /** @type {T} */ (document.getElementById(id));
/** @param {string} id */
const valueOf = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value.trim();
/**
 * @param {string} words
 * @param {RegExp} between
 */
const listed = (words, between) => words.split(between).map((one) => one.trim()).filter(Boolean);

const panel = byId("job");
const isServer = () => /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=kind]:checked"))?.value === "server";

function source() {
  return {
    source: valueOf("source"), readers: listed(valueOf("readers"), /\n/), examination: valueOf("examination"), rules: valueOf("rules"),
    own_title: valueOf("own_title"), move_port: Number(valueOf("move_port")) || 0, move_address: valueOf("move_address"),
    move_from: listed(valueOf("move_from"), /,/),
  };
}

/** Show the fields that the kind of source needs. */
function showKind() {
  const server = isServer();
  const kind = server ? "server" : "files";
  const label = /** @type {HTMLElement} */ (document.querySelector("label[for=source]"));
  label.textContent = label.dataset[kind] ?? "";
  const help = byId("source-help");
  help.textContent = help.dataset[kind] ?? "";
  byId("browse").hidden = server;
  byId("server-only").hidden = !server;
  byId("pacs-only").hidden = !valueOf("source").startsWith("dimse:");
  byId("test").hidden = !server;
}

/**
 * Watch a command; the page is loaded anew at its end.
 * @param {string} id
 */
function follow(id) {
  panel.hidden = false;
  watch(panel, id, (job) => {
    const output = panel.querySelector("details");
    if (output && job.kind === "import-dry-run") output.open = true;
    if (sessionStorage.getItem("import-seen") === id) return;
    sessionStorage.setItem("import-seen", id);
    if (job.kind === "import") location.reload(); // the questions and the table are other ones now
  });
}

/** @param {boolean} dry */
async function start(dry) {
  const { job } = await post(api("import", "start"), { ...source(), patient: valueOf("patient"), study: valueOf("study"), dry_run: dry });
  follow(job);
  panel.scrollIntoView({ block: "nearest" });
}

async function tryRules() {
  const place = byId("readers-fit");
  const { source: where, readers } = source();
  if (!readers.length || isServer() || !where) {
    place.textContent = "";
    return;
  }
  try {
    const fit = await post(api("import", "rules"), { source: where, readers });
    const more = fit.all ? "" : text("import.rule_more");
    place.replaceChildren();
    for (const one of fit.rules) {
      const name = one.files === null ? "rule_headers" : one.files ? "rule_fits" : "rule_none";
      const shown = { rule: one.rule, n: one.files, all: fit.looked_at, more, readers: one.readers.length, counts: one.readers.slice(0, 12).join(", ") };
      place.appendChild(element("span", "line", text(`import.${name}`, shown)));
    }
  } catch (error) {
    place.textContent = error instanceof Error ? error.message : "";
  }
}

let later = 0;
for (const id of ["readers", "source"]) {
  byId(id).addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(tryRules, RULES_WAIT_MS);
    showKind();
  });
}
for (const radio of document.querySelectorAll("input[name=kind]")) radio.addEventListener("change", showKind);
byId("source-form").addEventListener("submit", (event) => {
  event.preventDefault();
  start(false).catch(sayError);
});
onPress(byId("dry"), () => start(true));
onPress(byId("test"), async () => {
  const { services } = await post(api("import", "test"), source());
  say(services.length ? text("import.test_good", { services: services.join(", ") }) : text("import.test_nothing"), services.length ? "good" : "bad");
});
onPress(byId("browse"), async () => {
  const path = await choosePlace(text("import.label.source_files"), { files: true, start: valueOf("source") });
  if (path) {
    /** @type {HTMLInputElement} */ (byId("source")).value = path;
    tryRules();
  }
});

// --- the study file ---------------------------------------------------------------------------------------------------

/**
 * A choice of a column.
 * @param {string[]} columns
 * @param {string} chosen
 */
function columnChoice(columns, chosen) {
  const select = element("select");
  for (const name of ["", ...columns]) {
    const option = select.appendChild(element("option", "", name || text("import.choose_column")));
    option.value = name;
    option.selected = name === chosen;
  }
  return select;
}

class OutcomeForm {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.fields = byId("outcome-fields");
    this.preview = byId("preview");
    this.chosen = { identifier: "", outcome: "", positive: "", clinical: /** @type {string[]} */ ([]) };
    byId("outcomes").addEventListener("change", () => {
      this.chosen = { identifier: "", outcome: "", positive: "", clinical: [] };
      this.show().catch(sayError);
    });
    onPress(byId("browse-outcomes"), async () => {
      const path = await choosePlace(text("import.label.outcomes"), { files: true, start: valueOf("outcomes") });
      if (!path) return;
      /** @type {HTMLInputElement} */ (byId("outcomes")).value = path;
      byId("outcomes").dispatchEvent(new Event("change"));
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.make().catch(sayError);
    });
  }

  body() {
    return { file: valueOf("outcomes"), ...this.chosen };
  }

  async show() {
    this.fields.hidden = !valueOf("outcomes");
    this.preview.replaceChildren();
    if (!valueOf("outcomes")) return;
    const seen = await post(api("import", "preview"), this.body());
    this.chosen = { ...this.chosen, identifier: seen.identifier, outcome: seen.outcome || this.chosen.outcome };
    this.build(seen);
    const code = this.form.querySelector("#make-command code");
    if (code) code.textContent = seen.command;
  }

  /** @param {Json} seen */
  build(seen) {
    const focused = document.activeElement?.id;
    this.fields.replaceChildren();
    const row = this.fields.appendChild(element("div", "row"));
    const others = seen.columns.filter((/** @type {string} */ name) => name !== seen.identifier);
    const identifier = columnChoice(seen.columns, seen.identifier);
    const outcome = columnChoice(others, this.chosen.outcome);
    [identifier.id, outcome.id] = ["outcome-identifier", "outcome-column"];
    identifier.addEventListener("change", () => this.change({ identifier: identifier.value }));
    outcome.addEventListener("change", () => this.change({ outcome: outcome.value, positive: "" }));
    row.append(labelled(text("import.column_identifier"), identifier), labelled(text("import.column_outcome"), outcome));
    if (seen.values.length) {
      const positive = columnChoice(seen.values, this.chosen.positive || seen.values[seen.values.length - 1]);
      positive.id = "outcome-positive";
      this.chosen.positive ||= seen.values[seen.values.length - 1];
      positive.addEventListener("change", () => this.change({ positive: positive.value }));
      row.append(labelled(text("import.positive"), positive));
    }
    this.clinical(others.filter((/** @type {string} */ name) => name !== this.chosen.outcome));
    if (focused) document.getElementById(focused)?.focus();
    const line = text("import.matched", { matched: seen.matched, patients: seen.patients, rows: seen.rows });
    this.preview.appendChild(element("p", seen.problem ? "note" : "", line));
    for (const note of seen.notes) this.preview.appendChild(element("p", "note", `${note}.`));
    if (seen.problem) this.preview.appendChild(element("p", "card warn", seen.problem));
  }

  /** @param {string[]} names */
  clinical(names) {
    if (!names.length) return;
    const box = this.fields.appendChild(element("fieldset", "checks"));
    box.appendChild(element("legend", "", text("import.clinical")));
    for (const [number, name] of names.entries()) {
      const label = box.appendChild(element("label"));
      const check = label.appendChild(element("input"));
      check.type = "checkbox";
      check.id = `clinical-${number}`;
      check.checked = this.chosen.clinical.includes(name);
      label.append(` ${name}`);
      check.addEventListener("change", () => {
        const rest = this.chosen.clinical.filter((one) => one !== name);
        this.change({ clinical: check.checked ? [...rest, name] : rest });
      });
    }
  }

  /** @param {Json} chosen */
  change(chosen) {
    this.chosen = { ...this.chosen, ...chosen };
    this.show().catch(sayError);
  }

  async make() {
    const { to } = await post(api("import", "make"), this.body());
    location.assign(to);
  }
}

const make = document.getElementById("make");
if (make instanceof HTMLFormElement) new OutcomeForm(make);
showKind();
tryRules();
if (panel.dataset.job) follow(panel.dataset.job);
else panel.hidden = true;
startReview(follow);

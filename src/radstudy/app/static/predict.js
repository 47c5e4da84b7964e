// The page for one patient: a form made from what the signature asks, and the result as the server words it.

import { pressButton } from "./fields.js";
import { setStrings, text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {{name: string, needed: boolean, image: string, mask: string, reference: string | null}} SequenceInput */
/** @typedef {{name: string, field: string, needed: boolean, label: string, unit: string, levels: string[] | null}} ClinicalInput */
/**
 * What the signature asks of a patient.
 * @typedef {object} Asked
 * @property {string} study
 * @property {string} model
 * @property {string} notice
 * @property {string} use
 * @property {{label: string, positive: string, negative: string}} outcome
 * @property {boolean} takes_images
 * @property {string | null} reference_tissue
 * @property {SequenceInput[]} sequences
 * @property {ClinicalInput[]} clinical
 * @property {{name: string, needed: boolean}[]} features
 * @property {{file_bytes: number, upload_seconds: number, work_seconds: number, waiting: number}} limits
 */
/** @typedef {{status: number, body: Record<string, any>}} Answer */

/**
 * A label with its control.
 * @param {string} words
 * @param {HTMLInputElement | HTMLSelectElement} control
 * @param {string} name of the request's field
 */
function field(words, control, name) {
  const box = element("label", "field");
  box.appendChild(element("span", "", words));
  control.name = name;
  box.appendChild(control);
  return box;
}

/**
 * @param {string} words
 * @param {string} name
 * @param {boolean} needed
 */
function fileField(words, name, needed) {
  const control = element("input");
  control.type = "file";
  control.required = needed;
  return field(words, control, name);
}

/**
 * @param {string} words
 * @param {string} name
 * @param {boolean} needed
 */
function numberField(words, name, needed) {
  const control = element("input");
  control.type = "number";
  control.step = "any";
  control.inputMode = "decimal";
  control.required = needed;
  return field(words, control, name);
}

/**
 * @param {string} words
 * @param {string} name
 * @param {boolean} needed
 * @param {string[]} levels
 */
function levelField(words, name, needed, levels) {
  const control = element("select");
  control.required = needed;
  const none = control.appendChild(element("option", "", text("predict.none")));
  none.value = "";
  for (const level of levels) control.appendChild(element("option", "", level)).value = level;
  return field(words, control, name);
}

/**
 * @param {string} title
 * @param {string} [help]
 */
function group(title, help = "") {
  const box = element("fieldset");
  box.appendChild(element("legend", "", title));
  if (help) box.appendChild(element("p", "quiet", help));
  return box;
}

/** @param {Asked} asked */
function imageFields(asked) {
  const most = Math.round(asked.limits.file_bytes / 1e6);
  const box = group(text("predict.images"), text("predict.images_help", { most }));
  for (const { name, needed, image, mask, reference } of asked.sequences) {
    const part = box.appendChild(element("fieldset", "sequence"));
    part.appendChild(element("legend", "", text(needed ? "predict.sequence" : "predict.sequence_further", { name })));
    const pairs = part.appendChild(element("div", "pairs"));
    pairs.append(fileField(text("predict.image"), image, needed), fileField(text("predict.mask"), mask, needed));
    const tissue = asked.reference_tissue ?? "";
    if (reference) pairs.append(fileField(text("predict.reference", { tissue }), reference, needed));
  }
  const label = element("input");
  label.type = "text";
  label.maxLength = 200;
  box.append(field(text("predict.label"), label, "label"), element("p", "quiet", text("predict.label_help")));
  return box;
}

/**
 * @param {string} title
 * @param {ClinicalInput[]} variables
 */
function clinicalFields(title, variables) {
  const box = group(title);
  const pairs = box.appendChild(element("div", "pairs"));
  for (const { label, unit, levels, needed, field: name } of variables) {
    const words = unit ? text("predict.unit", { label, unit }) : label;
    pairs.append(levels ? levelField(words, name, needed, levels) : numberField(words, name, needed));
  }
  return box;
}

/** @param {Asked} asked */
function featureFields(asked) {
  const box = group(text("predict.features"));
  const pairs = box.appendChild(element("div", "pairs"));
  for (const { name, needed } of asked.features) if (needed) pairs.append(numberField(name, `feature:${name}`, needed));
  return box;
}

/** @param {Asked} asked */
function formOf(asked) {
  const form = element("form");
  form.noValidate = true; // what is missing is said in one sentence
  if (asked.takes_images) form.append(imageFields(asked));
  else if (asked.features.some(({ needed }) => needed)) form.append(featureFields(asked));
  const needed = asked.clinical.filter((one) => one.needed);
  const further = asked.clinical.filter((one) => !one.needed);
  if (needed.length) form.append(clinicalFields(text("predict.clinical"), needed));
  if (further.length) form.append(clinicalFields(text("predict.further"), further));
  const outside = element("input");
  outside.type = "checkbox";
  outside.name = "outside_range";
  const check = form.appendChild(element("label", "check"));
  check.append(outside, element("span", "", text("predict.outside")));
  return form;
}

/**
 * The request of a form; empty fields are left out.
 * @param {HTMLFormElement} form
 * @param {boolean} images
 */
function requestOf(form, images) {
  const values = [...new FormData(form)].filter(([, value]) => (value instanceof File ? value.size > 0 : value.trim() !== ""));
  const outside = values.some(([name]) => name === "outside_range");
  const given = values.filter(([name]) => name !== "outside_range");
  if (images) {
    const body = new FormData();
    for (const [name, value] of given) body.append(name, value);
    body.append("outside_range", String(outside));
    body.append("page", "true");
    return { path: "/predict/images", options: { method: "POST", body } };
  }
  const controls = new Map([...form.elements].map((one) => [/** @type {HTMLInputElement} */ (one).name, one]));
  /** @type {{clinical: Record<string, string | number>, features: Record<string, number>}} */
  const said = { clinical: {}, features: {} };
  for (const [name, value] of given) {
    const [kind, ...rest] = name.split(":");
    const isNumber = /** @type {HTMLInputElement} */ (controls.get(name)).type === "number";
    if (kind === "feature") said.features[rest.join(":")] = Number(value);
    else said.clinical[rest.join(":")] = isNumber ? Number(value) : String(value);
  }
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ ...said, outside_range: outside, page: true });
  return { path: "/predict", options: { method: "POST", headers, body } };
}

/**
 * Names of what is needed and not given, as the form labels them; the first is focused.
 * @param {HTMLFormElement} form
 */
function missing(form) {
  const controls = /** @type {HTMLInputElement[]} */ ([...form.elements]).filter(({ name, type }) => name && type !== "fieldset");
  const lacking = controls.filter((control) => {
    const wrong = !control.validity.valid;
    if (wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    return wrong;
  });
  lacking[0]?.focus();
  return lacking.map((control) => {
    const words = control.labels?.[0]?.querySelector("span")?.textContent ?? control.name;
    const sequence = control.closest(".sequence")?.querySelector("legend")?.textContent;
    return sequence ? `${sequence}: ${words}` : words;
  });
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @param {number} seconds
 * @returns {Promise<Answer>}
 */
async function ask(path, options, seconds) {
  const signal = AbortSignal.timeout(seconds * 1000);
  try {
    const response = await fetch(path, { credentials: "same-origin", ...options, signal });
    return { status: response.status, body: await response.json() };
  } catch (cause) {
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    const words = late ? text("predict.too_long", { minutes: Math.round(seconds / 60) }) : text("predict.no_answer");
    return { status: 0, body: { error: words } };
  }
}

/**
 * The server's own HTML of a result, as nodes: a parsed document runs no script, and the policy of the page allows none.
 * @param {string} html
 */
function nodesOf(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

/**
 * @param {string} use
 */
function banner(use) {
  return element("p", "use", `${use} ${text("predict.use_more")}`);
}

/**
 * @param {Asked} asked
 * @param {Answer} answer
 */
function resultOf(asked, answer) {
  const box = element("section", "result");
  const heading = box.appendChild(element("h2", "", text("predict.result")));
  heading.tabIndex = -1;
  box.setAttribute("aria-label", text("predict.result"));
  const { html, error, not_used: unused = [], request } = answer.body;
  box.append(banner(asked.use));
  if (html) box.append(...nodesOf(html));
  else box.append(element("p", "no state", error));
  if (unused.length) box.append(element("p", "", text("predict.not_used", { names: unused.join(", ") })));
  if (request) box.append(element("p", "quiet", text("predict.request", { id: request })));
  const save = pressButton(text("predict.save"), () => saveResult(asked, box));
  if (html) box.append(save);
  return { box, heading };
}

/**
 * Saves the result as a page of its own, which needs no other file.
 * @param {Asked} asked
 * @param {HTMLElement} box
 */
async function saveResult(asked, box) {
  const style = await (await fetch("/static/prediction.css")).text();
  const copy = /** @type {HTMLElement} */ (box.cloneNode(true));
  for (const button of copy.querySelectorAll("button")) button.remove();
  const heading = element("h1", "", text("predict.model", { model: asked.model, study: asked.study }));
  const title = element("title", "", asked.model);
  const head = `<meta charset="utf-8">${title.outerHTML}<style>${style}</style>`; // texts are escaped by outerHTML
  const page = `<!doctype html><html lang="en"><head>${head}</head><body><main>${heading.outerHTML}${copy.outerHTML}</main></body></html>`;
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
  link.download = "prediction.html";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * @param {HTMLElement} parent
 * @param {Asked} asked
 */
function show(parent, asked) {
  document.title = `${asked.model} · ${text("predict.title")}`;
  const form = formOf(asked);
  const state = element("p", "state");
  state.setAttribute("role", "status");
  const place = element("div");
  const send = element("button", "primary", text("predict.predict"));
  send.type = "submit";
  const clear = pressButton(text("predict.clear"), () => {
    form.reset();
    place.replaceChildren();
    state.textContent = "";
  });
  const row = form.appendChild(element("div", "row"));
  row.append(send, clear);
  const fields = element("fieldset", "all"); // so that nothing changes while it is computed
  fields.append(...form.childNodes);
  form.append(fields);
  const { limits, takes_images: images } = asked;
  const seconds = limits.upload_seconds + limits.work_seconds * (limits.waiting + 1) + 30;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const lacking = missing(form);
    state.textContent = lacking.length ? text("predict.missing", { fields: lacking.join(", ") }) : text("predict.working");
    place.replaceChildren(); // a result never stands beside values that it is not of
    if (lacking.length) return;
    const { path, options } = requestOf(form, images);
    fields.disabled = true;
    const result = resultOf(asked, await ask(path, options, seconds));
    fields.disabled = false;
    state.textContent = "";
    place.replaceChildren(result.box);
    result.heading.focus();
  });
  form.addEventListener("input", () => place.replaceChildren());
  const label = text("predict.probability_of", asked.outcome);
  parent.replaceChildren(
    banner(asked.use), element("h1", "", text("predict.title")),
    element("p", "", text("predict.model", { model: asked.model, study: asked.study })),
    ...(asked.notice ? [element("p", "", asked.notice)] : []), element("p", "quiet", label), form, state, place,
  );
}

/** @param {HTMLElement} parent */
async function open(parent) {
  setStrings(await (await fetch("/static/strings.json")).json());
  parent.replaceChildren(element("p", "", text("predict.loading")));
  const answer = await ask("/signature", {}, 30);
  if (answer.status === 200) show(parent, /** @type {Asked} */ (answer.body));
  else parent.replaceChildren(element("p", "no", answer.body.error));
}

const parent = document.getElementById("page");
if (parent) open(parent);

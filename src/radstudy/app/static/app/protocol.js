// The protocol as a form: every change goes to the server, which shows the form anew with the lines it would change.
// Nothing is written before Save. What is not saved stays in this page.

import { api, dialog, element, labelled, onPress, post, say, sayError, text } from "./app.js";
import { watch } from "./jobs.js";

/** @typedef {import("./app.js").Json} Json */
/** @typedef {{deed: string, place: (string | number)[], value?: unknown, to?: number}} Edit */

const form = document.getElementById("form");
const begin = document.getElementById("begin");
if (begin instanceof HTMLButtonElement) {
  onPress(begin, async () => {
    await post(api("protocol", "begin"));
    location.reload();
  });
}

/** What is not saved yet. */
const draft = { version: form?.dataset.version ?? "", edits: /** @type {Edit[]} */ ([]), text: /** @type {string | null} */ (null) };
let shownPart = location.hash.replace("#part-", "");
let counting = 0;
let busy = Promise.resolve();

/** @param {string} id */
function button(id) {
  return /** @type {HTMLButtonElement} */ (document.getElementById(id));
}

/** @param {Edit[]} edits */
function body(edits = draft.edits) {
  return { version: draft.version, edits, ...(draft.text === null ? {} : { text: draft.text }) };
}

/**
 * Do an edit in the form; edits follow one another, however fast they come.
 * @param {Edit[]} more
 * @param {() => HTMLElement | null | undefined} [focus] what has the focus afterwards
 */
function edit(more, focus) {
  busy = busy.then(() => show([...draft.edits, ...more], focus)).catch(async (error) => {
    sayError(error);
    await show(draft.edits).catch(() => {}); // the control shows again what holds
  });
  return busy;
}

/**
 * Have the form shown with edits.
 * @param {Edit[]} edits
 * @param {() => HTMLElement | null | undefined} [focus]
 */
async function show(edits, focus) {
  const answer = await post(api("protocol", "form"), body(edits));
  draft.edits = edits;
  const at = document.activeElement?.id ?? "";
  const scroll = document.getElementById("yaml")?.scrollTop ?? 0;
  const open = /** @type {HTMLElement[]} */ ([...(form?.querySelectorAll("details[open]") ?? [])]).map(detailsKey);
  form?.replaceChildren(...new DOMParser().parseFromString(answer.html, "text/html").body.childNodes);
  for (const one of form?.querySelectorAll("details") ?? []) one.open = open.includes(detailsKey(one));
  showPart(shownPart);
  const yaml = document.getElementById("yaml");
  const changed = yaml?.querySelector(".changed");
  if (yaml) yaml.scrollTop = scroll;
  changed?.scrollIntoView({ block: "nearest" });
  const target = focus?.() ?? (at ? document.getElementById(at) : null);
  if (target && form?.contains(target)) target.focus({ preventScroll: focus === undefined });
  button("save").disabled = !answer.may_save;
  button("discard").disabled = edits.length === 0 && draft.text === null;
  if (answer.is_other) await other();
  count();
  search();
}

/** @param {HTMLElement} details */
function detailsKey(details) {
  const place = /** @type {HTMLElement | null} */ (details.closest("[data-place]"));
  return `${details.className} ${place?.dataset.place}`;
}

// --- parts, search, errors ------------------------------------------------------------------------------------------

/** @param {string} part */
function showPart(part) {
  const sections = /** @type {HTMLElement[]} */ ([...(form?.querySelectorAll("section.part") ?? [])]);
  shownPart = sections.some((section) => section.dataset.part === part) ? part : sections[0]?.dataset.part ?? "";
  for (const section of sections) section.hidden = section.dataset.part !== shownPart;
  for (const link of form?.querySelectorAll("nav.parts a") ?? []) {
    if (/** @type {HTMLElement} */ (link).dataset.part === shownPart) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** @param {HTMLElement} node */
function goTo(node) {
  const part = /** @type {HTMLElement | null} */ (node.closest("section.part"));
  const find = /** @type {HTMLInputElement} */ (document.getElementById("search"));
  find.value = "";
  search();
  showPart(part?.dataset.part ?? shownPart);
  for (let outer = node.parentElement; outer; outer = outer.parentElement) if (outer instanceof HTMLDetailsElement) outer.open = true;
  node.scrollIntoView({ block: "center" });
  /** @type {HTMLElement | null} */ (node.querySelector("input, select, button"))?.focus({ preventScroll: true });
}

/**
 * The setting at a place, or the nearest one around it.
 * @param {(string | number)[]} place
 */
function settingAt(place) {
  for (let length = place.length; length > 0; length -= 1) {
    const name = JSON.stringify(place.slice(0, length));
    const found = [...(form?.querySelectorAll(".setting, .entry, .step") ?? [])].find((node) => sameplace(node, name));
    if (found) return /** @type {HTMLElement} */ (found);
  }
  return null;
}

/**
 * @param {Element} node
 * @param {string} name
 */
function sameplace(node, name) {
  const place = /** @type {HTMLElement} */ (node).dataset.place;
  return place !== undefined && JSON.stringify(JSON.parse(place)) === name;
}

/** Show only the settings whose words have all that is searched for, whichever part they are in. */
function search() {
  const find = /** @type {HTMLInputElement | null} */ (document.getElementById("search"));
  const words = (find?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const hits = document.getElementById("hits");
  form?.classList.toggle("searching", words.length > 0);
  const all = /** @type {HTMLElement[]} */ ([...(form?.querySelectorAll(".setting") ?? [])]);
  for (const node of all) node.classList.remove("hit", "around");
  if (!words.length) {
    if (hits) hits.textContent = "";
    showPart(shownPart);
    return;
  }
  let n = 0;
  for (const node of all) {
    if (node.matches(".whole") || !words.every((word) => node.dataset.words?.includes(word))) continue;
    n += 1;
    node.classList.add("hit");
    for (let outer = node.parentElement; outer && outer !== form; outer = outer.parentElement) {
      if (outer.matches(".setting")) outer.classList.add("around");
      if (outer instanceof HTMLDetailsElement) outer.open = true;
    }
  }
  for (const section of /** @type {HTMLElement[]} */ ([...(form?.querySelectorAll("section.part") ?? [])])) {
    section.hidden = !section.querySelector(".hit");
  }
  if (hits) hits.textContent = n ? text("protocol.hits", { n }) : text("protocol.no_hits");
}

// --- controls ---------------------------------------------------------------------------------------------------------

/** @param {Element} node */
function placeOf(node) {
  const holder = /** @type {HTMLElement | null} */ (node.closest("[data-place]"));
  return /** @type {(string | number)[]} */ (JSON.parse(holder?.dataset.place ?? "[]"));
}

/**
 * The value that a control has now, as the server reads it.
 * @param {HTMLElement} control
 * @returns {unknown}
 */
function valueOf(control) {
  const kind = control.dataset.control;
  if (control instanceof HTMLInputElement && (kind === "switch" || kind === "group")) {
    return kind === "switch" ? control.checked : control.checked ? {} : null;
  }
  if (kind === "step") return control instanceof HTMLSelectElement && control.value ? { [control.value]: {} } : null;
  if (kind === "pick") return picked(control);
  return control instanceof HTMLInputElement || control instanceof HTMLSelectElement ? control.value : null;
}

/** The ticked words: those that were there in their order, then new ones. @param {HTMLElement} box */
function picked(box) {
  const boxes = /** @type {HTMLInputElement[]} */ ([...box.querySelectorAll("input")]);
  const ticked = boxes.filter((one) => one.checked).map((one) => one.value);
  const before = /** @type {unknown[]} */ (JSON.parse(box.dataset.value ?? "[]")).map(String).filter((word) => ticked.includes(word));
  const value = [...before, ...ticked.filter((word) => !before.includes(word))];
  return value.length ? value : null;
}

/**
 * The names of a list that is written in rows; with a text each where they have one.
 * @param {Element} box
 * @param {(rows: [string, string][]) => [string, string][]} [change]
 */
function rowsOf(box, change = (rows) => rows) {
  const list = /** @type {HTMLElement} */ (box.querySelector("[data-control=items]"));
  const rows = /** @type {[string, string][]} */ ([...list.children].map((row) => [...row.querySelectorAll("input")].map((one) => one.value)));
  const wanted = change(rows).filter(([name]) => name.trim());
  return list.dataset.named ? Object.fromEntries(wanted.map(([name, words]) => [name, words ?? name])) : wanted.map(([name]) => name);
}

/** @param {Event} event */
function changed(event) {
  const node = /** @type {HTMLElement} */ (event.target);
  if (node.matches(".entry-new, .item-new, .entry-new + select") || node.id.endsWith("-new") || node.id.endsWith("-from")) return;
  if (node.matches(".entry-name")) {
    const name = /** @type {HTMLInputElement} */ (node).value.trim();
    const place = placeOf(node);
    void edit([{ deed: "rename", place, value: name }], () => /** @type {HTMLElement | null} */ (settingAt([...place.slice(0, -1), name])?.querySelector(".entry-name")));
    return;
  }
  const items = node.closest(".items");
  const control = /** @type {HTMLElement | null} */ (node.closest("[data-control]"));
  if (items) void edit([{ deed: "set", place: placeOf(items), value: rowsOf(items) }]);
  else if (control) void edit([{ deed: "set", place: placeOf(control), value: valueOf(control) }]);
}

/** @param {MouseEvent} event */
function pressed(event) {
  const node = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button, nav.parts a"));
  if (!node) return;
  if (node.matches("nav.parts a")) {
    event.preventDefault();
    /** @type {HTMLInputElement} */ (document.getElementById("search")).value = "";
    search();
    showPart(node.dataset.part ?? "");
    history.replaceState(null, "", `#part-${shownPart}`);
    document.getElementById(`title-${shownPart}`)?.focus();
  } else if (node.dataset.goto) {
    const there = settingAt(JSON.parse(node.dataset.goto));
    if (there) goTo(there);
  } else if (node.dataset.deed) deed(node);
  else if (node.dataset.row) row(node);
  else if (node.dataset.add) add(node);
  else if (node.id === "write") void write();
}

/** @param {HTMLElement} node */
function deed(node) {
  const place = placeOf(node);
  if (node.dataset.deed !== "move") {
    void edit([{ deed: node.dataset.deed ?? "", place }], () => settingAt(place)?.querySelector("input, select, button"));
    return;
  }
  const to = Number(node.dataset.to);
  const last = place[place.length - 1];
  const there = [...place.slice(0, -1), typeof last === "number" ? to : last];
  void edit([{ deed: "move", place, to }], () => {
    const movers = /** @type {HTMLButtonElement[]} */ ([...(form?.querySelectorAll("[data-deed=move]") ?? [])]);
    const own = movers.filter((one) => sameplace(one, JSON.stringify(there)) && !one.disabled);
    return own.find((one) => one.dataset.way === node.dataset.way) ?? own[0];
  });
}

/** @param {HTMLElement} node */
function row(node) {
  const box = /** @type {Element} */ (node.closest(".items"));
  const list = /** @type {HTMLElement} */ (box.querySelector("[data-control=items]"));
  const at = node.closest("li") ? [...list.children].indexOf(/** @type {Element} */ (node.closest("li"))) : -1;
  const fresh = /** @type {HTMLInputElement} */ (box.querySelector(".item-new"));
  const id = box.id;
  if (node.dataset.row === "name") {
    const names = /** @type {string[]} */ (rowsOf(box));
    void edit([{ deed: "set", place: placeOf(box), value: Object.fromEntries(names.map((name) => [name, name])) }]);
    return;
  }
  const way = node.dataset.row ?? "";
  const to = way === "up" ? at - 1 : way === "down" ? at + 1 : at;
  const value = rowsOf(box, (rows) => {
    if (way === "add") return [...rows, [fresh.value.trim(), fresh.value.trim()]];
    const [moved] = rows.splice(at, 1);
    if (way !== "remove") rows.splice(to, 0, moved);
    return rows;
  });
  void edit([{ deed: "set", place: placeOf(box), value }], () => {
    if (way === "add") return document.getElementById(`${id}-new`);
    const buttons = /** @type {NodeListOf<HTMLButtonElement> | undefined} */ (document.getElementById(id)?.querySelectorAll(`li:nth-child(${Math.max(to, 0) + 1}) button`));
    return [...(buttons ?? [])].find((one) => !one.disabled && one.dataset.row === way) ?? buttons?.[2] ?? document.getElementById(`${id}-new`);
  });
}

/** @param {HTMLElement} node */
function add(node) {
  const box = /** @type {HTMLElement} */ (node.closest("[role=group]"));
  const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (document.getElementById(`${box.id}-new`));
  const place = /** @type {(string | number)[]} */ (JSON.parse(node.dataset.place ?? "[]"));
  if (node.dataset.add === "step") {
    const first = field instanceof HTMLSelectElement && field.selectedOptions[0]?.dataset.first; // it works in no other place
    if (first) place.splice(-1, 1, 0);
    void edit([{ deed: "insert", place, value: JSON.parse(field.value) }], () => settingAt(place.concat(firstWord(JSON.parse(field.value))))?.querySelector("input, select, button"));
    return;
  }
  const name = field.value.trim();
  if (!name) {
    field.focus();
    return;
  }
  const there = [...place, name];
  void edit([{ deed: "insert", place: there, value: begun(box, place) }], () => settingAt(there)?.querySelector("input"));
}

/** @param {unknown} step */
function firstWord(step) {
  return typeof step === "object" && step !== null ? Object.keys(step) : [];
}

/**
 * How a new entry begins: a model with the first sequence or model.
 * @param {HTMLElement} box
 * @param {(string | number)[]} place
 */
function begun(box, place) {
  if (place.join(".") !== "model.models") return place[place.length - 1] === "columns" ? { prefix: "" } : {};
  const from = /** @type {HTMLSelectElement} */ (document.getElementById(`${box.id}-from`)).value;
  if (from === "clinical") return { clinical: {} };
  const names = from === "sequences" ? document.querySelectorAll(`[data-place='["sequences"]'] .item-name`) : box.querySelectorAll(".entry-name");
  const first = /** @type {HTMLInputElement | undefined} */ (names[0])?.value;
  return { [from]: first ? [first] : [] };
}

// --- save, others, text -----------------------------------------------------------------------------------------------

async function save() {
  await busy;
  const done = await post(api("protocol", "save"), body());
  if (done.theirs !== null) {
    await other(done);
    return;
  }
  if (!done.is_written) throw new Error(done.problems.join("\n"));
  draft.version = done.version;
  draft.edits = [];
  draft.text = null;
  await show([]);
  say(`${text(done.lines.length ? "protocol.saved" : "protocol.saved_nothing")}\n${done.lines.slice(0, 12).join("\n")}`);
}

/**
 * The file is not the one that the form was made from: show both, and let the lead choose.
 * @param {Json} [known] as the server compared them
 */
async function other(known) {
  const both = known ?? (await post(api("protocol", "save"), body()));
  if (both.theirs === null) return;
  const box = element("div");
  box.appendChild(element("p", "", text(both.mine === null ? "protocol.other_refused" : "protocol.other_what")));
  const pair = box.appendChild(element("div", "pair"));
  for (const words of [both.theirs, both.mine]) {
    if (words !== null) pair.appendChild(element("pre", "", words)).tabIndex = 0;
  }
  draft.version = both.version;
  const drop = async () => {
    draft.edits = [];
    draft.text = null;
  };
  if (both.mine === null || (!draft.edits.length && draft.text === null)) await drop();
  else if (!(await dialog(text("protocol.other_file"), box, text("protocol.other_on_top")))) await drop();
  await show(draft.edits);
}

async function write() {
  const area = element("textarea", "text");
  area.spellcheck = false;
  area.wrap = "off";
  const now = await post(api("protocol", "form"), body());
  area.value = now.text;
  await dialog(text("protocol.text_title"), labelled(text("protocol.text_what"), area), text("protocol.text_check"), async () => {
    const before = { edits: draft.edits, text: draft.text };
    draft.text = area.value;
    try {
      await show([]);
    } catch (error) {
      draft.text = before.text;
      draft.edits = before.edits;
      throw error;
    }
  });
}

/** @param {number} after milliseconds: none when the page is shown, some while somebody types */
function count(after = 250) {
  clearTimeout(counting);
  counting = window.setTimeout(async () => {
    const place = document.getElementById("counts");
    if (!place) return;
    try {
      const n = await post(api("protocol", "counts"), body());
      place.textContent = n.models === undefined ? text("protocol.counts_none") : counted(n);
    } catch {
      place.textContent = "";
    }
  }, after);
}

/** @param {Json} n */
function counted(n) {
  if (n.problem) return n.problem;
  const slow = Object.keys(n.slow).length;
  const words = n.features === null
    ? text("protocol.counts_table", { models: n.models })
    : text("protocol.counts", { models: n.models, features: n.features.toLocaleString("en"), per: n.per_sequence.toLocaleString("en"), sequences: n.sequences });
  return words + (slow ? text("protocol.counts_slow", { n: slow }) : "");
}

async function sample() {
  const box = element("div");
  const sizes = input("60, 107, 200");
  const share = input("0.4");
  const auc = input("0.75");
  box.append(labelled(text("protocol.patients"), sizes, text("protocol.patients_help")), labelled(text("protocol.prevalence"), share),
    labelled(text("protocol.auc"), auc, text("protocol.auc_help")));
  const answer = box.appendChild(element("div", "answer"));
  answer.setAttribute("aria-live", "polite");
  const compute = box.appendChild(element("button", "", text("protocol.compute")));
  compute.type = "button";
  onPress(compute, async () => {
    const planned = await post(api("protocol", "sample"), {
      ...body(), patients: sizes.value.split(",").map(Number).filter((n) => n > 0), prevalence: Number(share.value), auc: Number(auc.value),
    });
    answer.replaceChildren(element("pre", "", planned.text), element("code", "", planned.command));
  });
  await dialog(text("protocol.sample"), box, text("app.close"));
}

/** @param {string} value */
function input(value) {
  const field = element("input");
  field.type = "text";
  field.value = value;
  return field;
}

if (form) {
  form.addEventListener("change", changed);
  form.addEventListener("click", pressed);
  form.addEventListener("keydown", (event) => {
    const node = /** @type {HTMLElement} */ (event.target);
    if (event.key !== "Enter" || !node.matches(".item-new, .entry-new")) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */ (node.parentElement?.querySelector("[data-row=add], [data-add]"))?.click();
  });
  document.getElementById("search")?.addEventListener("input", search);
  onPress(button("save"), save);
  onPress(button("discard"), async () => {
    draft.edits = [];
    draft.text = null;
    await show([]);
    say(text("protocol.discarded"));
  });
  onPress(button("sample"), sample);
  const panel = /** @type {HTMLElement} */ (document.getElementById("job"));
  panel.hidden = !panel.dataset.job;
  if (panel.dataset.job) watch(panel, panel.dataset.job);
  onPress(button("leaks"), async () => {
    const { job } = await post(api("protocol", "check"));
    panel.hidden = false;
    watch(panel, job);
    panel.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    const active = document.activeElement;
    if (active instanceof HTMLInputElement) active.blur(); // so that what was typed counts
    setTimeout(() => button("save").click(), 0);
  });
  window.addEventListener("beforeunload", (event) => {
    if (draft.edits.length || draft.text !== null) event.preventDefault();
  });
  showPart(shownPart);
  count(0);
}

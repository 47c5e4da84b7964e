// What an import could not decide: a card for each question, answered by click or key, undone at will; and a patient's series.

import { api, element, get, onPress, post, say, sayError, STUDY, text } from "./app.js";

/** @typedef {import("./app.js").Json} Json */
/** @typedef {{key: string, to: string, was: string}} Change */

const AT_ONCE = 30; // cards
const LEAVE_OUT = "-";
const LEAVE_SERIES = "--";

/** @type {Map<string, Json>} */
const questions = new Map();
/** @type {Map<string, HTMLElement>} */
const cards = new Map();
const STORED = `import-answers-${STUDY}`;
/** @type {Change[][]} The answers of this tab, the last one at the end; kept when the page is loaded again. */
const done = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
let shown = AT_ONCE;

/**
 * Show the questions, if the page has any.
 * @param {(job: string) => void} follow watches a command
 */
export function startReview(follow) {
  const section = document.getElementById("review");
  for (const button of document.querySelectorAll("[data-patient]")) {
    button.addEventListener("click", () => showSeries(/** @type {HTMLElement} */ (button)).catch(sayError));
  }
  if (!section || !document.getElementById("cards")) return;
  onPress(byId("undo"), undoLast);
  onPress(byId("apply"), () => apply(0, follow));
  byId("more").addEventListener("click", () => {
    shown += AT_ONCE;
    fill();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || isTyping(event)) return;
    event.preventDefault();
    undoLast().catch(sayError);
  });
  load(follow, Number(section.dataset.sources)).catch(sayError);
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 */
function byId(id) {
  return /** @type {any} */ (document.getElementById(id));
}

/**
 * @param {(job: string) => void} follow
 * @param {number} sources
 */
async function load(follow, sources) {
  const { questions: listed, counts } = await get(api("import", "questions"));
  for (const one of listed) questions.set(one.key, one);
  fill();
  count(counts);
  const next = Number(sessionStorage.getItem("import-next") ?? -1);
  sessionStorage.removeItem("import-next");
  if (next > 0 && next < sources && counts.waiting) await apply(next, follow);
}

/**
 * Repeat the import of a source, so that answers are carried out; the next source follows if answers still wait.
 * @param {number} number
 * @param {(job: string) => void} follow
 */
async function apply(number, follow) {
  const { job } = await post(api("import", "apply"), { number });
  sessionStorage.setItem("import-next", String(number + 1));
  follow(job);
  document.getElementById("job")?.scrollIntoView({ block: "nearest" });
}

/** @param {Json} counts */
function count(counts) {
  byId("counts").textContent = text("import.counts", counts);
  const button = byId("apply");
  button.disabled = !counts.waiting;
  button.title = counts.waiting ? "" : text("import.apply_none");
  byId("undo").disabled = !done.length;
  sessionStorage.setItem(STORED, JSON.stringify(done));
}

/** Put cards where they belong: open ones, and those answered on this page, on top; the others below. */
function fill() {
  const open = [...questions.values()].filter((one) => one.open || here(one));
  const rest = [...questions.values()].filter((one) => !one.open && !here(one));
  byId("cards").replaceChildren(...open.slice(0, shown).map(card));
  byId("more").hidden = open.length <= shown;
  byId("answered-box").hidden = !rest.length;
  byId("answered-count").textContent = rest.length ? `(${rest.length})` : "";
  byId("answered").replaceChildren(...rest.slice(0, 300).map(card));
}

/** @param {Json} question */
const here = (question) => question.state === "answered" && done.some((changes) => changes.some((one) => one.key === question.key));

/** @param {Json} question */
function card(question) {
  const known = cards.get(question.key);
  const fresh = build(question);
  cards.set(question.key, fresh);
  if (known?.isConnected) known.replaceWith(fresh);
  return fresh;
}

/**
 * A card: pictures, evidence, likely answers.
 * @param {Json} question
 */
function build(question) {
  const box = element("article", `card question is-${question.state}`);
  box.tabIndex = -1;
  box.dataset.key = question.key;
  const head = box.appendChild(element("h3"));
  head.append(element("span", "", question.description || question.patient), element("span", "note", ` ${question.patient}`));
  head.id = `q-${question.key}`;
  box.setAttribute("aria-labelledby", head.id);
  if (question.picture) box.appendChild(picture(question.key, question.description));
  const facts = box.appendChild(element("div", "facts"));
  const listed = Object.entries(question.facts).map(([name, value]) => text(`import.fact.${name}`, { value: String(value) }));
  if (question.suggested) listed.unshift(text("import.suggested", { role: question.suggested }));
  if (question.of && question.kind === "volume") listed.unshift(question.of);
  facts.appendChild(element("p", "note", listed.join(" · ")));
  if (question.reason) facts.appendChild(element("p", "", `${question.reason}.`));
  if (question.evidence) facts.appendChild(element("p", "note", question.evidence));
  if (question.warnings) facts.appendChild(element("p", "note bad", question.warnings));
  if (question.clash) facts.appendChild(element("p", "bad", text(`import.clash_${question.kind}`, { answer: question.answer, clash: question.clash })));
  if (question.disputed) facts.appendChild(element("p", "bad", text("import.disputed", { other: question.disputed })));
  box.appendChild(question.answer && !question.disputed && question.state !== "clash" ? answered(question) : asking(question));
  box.appendChild(element("p", "problem")).setAttribute("role", "alert");
  box.addEventListener("keydown", (event) => key(event, question));
  return box;
}

/** @param {Json} question */
function answered(question) {
  const row = element("div", "row answered");
  const shown = [LEAVE_OUT, LEAVE_SERIES].includes(question.answer) ? text("import.left") : question.answer;
  row.append(element("strong", "", text("import.answered", { answer: shown })), element("span", "note", text(`import.state.${question.state}`)));
  const back = row.appendChild(element("button", "quiet", text("import.take_back")));
  back.type = "button";
  back.setAttribute("aria-describedby", `q-${question.key}`);
  onPress(back, () => give(question, ""));
  return row;
}

/** @param {Json} question */
function asking(question) {
  const row = element("div", "row asking");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", `${text(`import.question.${question.kind}`)} ${question.description}`);
  row.appendChild(element("strong", "", text(`import.question.${question.kind}`)));
  /** @type {[string, string, string][]} */
  const buttons = question.choices.map((/** @type {string} */ choice, /** @type {number} */ n) => [choice, `${n + 1}`, choice]);
  if (question.kind !== "examination") buttons.push([LEAVE_OUT, "-", text("import.leave_out")]);
  if (question.kind === "volume") buttons.push([LEAVE_SERIES, "", text("import.leave_series")]);
  for (const [answer, shortcut, words] of buttons) {
    const button = row.appendChild(element("button", "choice-button"));
    button.type = "button";
    if (shortcut) button.appendChild(element("kbd", "", shortcut));
    button.append(words);
    button.setAttribute("aria-pressed", String(question.answer === answer));
    onPress(button, () => give(question, answer));
  }
  const form = row.appendChild(element("form", "typed"));
  const field = form.appendChild(element("input"));
  field.type = "text";
  field.maxLength = 64;
  field.size = 12;
  field.spellcheck = false;
  field.placeholder = text(`import.typed.${question.kind}`);
  field.setAttribute("aria-label", `${text(`import.typed.${question.kind}`)}: ${question.description}, ${question.patient}`);
  form.appendChild(element("button", "", text("import.answer")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) give(question, field.value.trim()).catch(sayError);
  });
  return row;
}

/**
 * Slices of a volume, fetched when they come into view.
 * @param {string} volume
 * @param {string} words
 */
function picture(volume, words) {
  const place = element("figure", "slices");
  const observer = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    const answer = await fetch(`${api("import", "picture")}?${new URLSearchParams({ volume })}`).catch(() => null);
    if (answer?.headers.get("content-type") !== "image/png") {
      const told = answer ? await answer.json().catch(() => ({})) : {};
      place.appendChild(element("figcaption", "note", told.caption || told.error || text("import.no_picture")));
      return;
    }
    const image = element("img");
    image.alt = `${words}, ${answer.headers.get("x-caption")}`;
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    image.src = URL.createObjectURL(await answer.blob());
    place.append(image, element("figcaption", "note", answer.headers.get("x-caption") ?? ""));
  }, { rootMargin: "300px" });
  observer.observe(place);
  return place;
}

/** @param {Event} event */
function isTyping(event) {
  return event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
}

/**
 * @param {KeyboardEvent} event
 * @param {Json} question
 */
function key(event, question) {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
  const isAsked = question.open;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") step(question.key, event.key === "ArrowDown" ? 1 : -1);
  else if (isAsked && number && question.choices[number - 1]) give(question, question.choices[number - 1]).catch(sayError);
  else if (isAsked && event.key === "-" && question.kind !== "examination") give(question, LEAVE_OUT).catch(sayError);
  else if (event.key === "a") /** @type {HTMLElement | null} */ (cards.get(question.key)?.querySelector(".alike button"))?.click();
  else return;
  event.preventDefault();
}

/**
 * Focus the card after or before another one.
 * @param {string} from
 * @param {number} by
 */
function step(from, by) {
  const listed = [...document.querySelectorAll("#cards .question")];
  const at = listed.findIndex((one) => /** @type {HTMLElement} */ (one).dataset.key === from);
  focusCard(/** @type {HTMLElement | undefined} */ (listed[at + by]));
}

/** @param {HTMLElement | undefined} one */
function focusCard(one) {
  if (!one) return;
  one.focus();
  one.scrollIntoView({ block: "nearest" });
}

/**
 * @param {Json} question
 * @param {string} to
 */
async function give(question, to) {
  const given = await send([{ key: question.key, to, was: question.answer }]);
  const refused = given.refused[question.key];
  const box = cards.get(question.key);
  if (refused) {
    const problem = box?.querySelector(".problem");
    if (problem) problem.textContent = refused;
    focusCard(box);
    return;
  }
  if (to && box && offer(box, questions.get(question.key) ?? question, to)) return;
  if (to) next(question.key);
  else focusCard(box);
}

/**
 * Send changes, show what came of them, and remember them for undoing.
 * @param {Change[]} changes
 * @param {boolean} [undoing]
 */
async function send(changes, undoing = false) {
  const given = await post(api("import", "answer"), { changes });
  const changed = changes.filter((one) => one.key in given.changed);
  if (changed.length && !undoing) done.push(changed.map((one) => ({ key: one.key, to: one.to, was: given.changed[one.key] })));
  for (const one of given.questions) {
    const drawn = cards.get(one.key);
    questions.set(one.key, one);
    if (drawn?.isConnected) card(one);
  }
  count(given.counts);
  return given;
}

/**
 * Offer the same answer for all that are alike.
 * @param {HTMLElement} box
 * @param {Json} question
 * @param {string} to
 */
function offer(box, question, to) {
  const alike = [...questions.values()].filter((one) => one.alike === question.alike && one.open && !one.answer && one.key !== question.key);
  if (!alike.length) return false;
  const row = element("div", "row alike");
  const patients = new Set(alike.map((one) => one.patient)).size;
  row.appendChild(element("span", "", text(`import.alike.${question.kind}`, { n: alike.length, patients })));
  const shownAnswer = [LEAVE_OUT, LEAVE_SERIES].includes(to) ? text("import.left") : to;
  const yes = row.appendChild(element("button", "primary", text("import.alike_all", { answer: shownAnswer, n: alike.length })));
  const no = row.appendChild(element("button", "", text("import.alike_no")));
  yes.type = no.type = "button";
  onPress(yes, async () => {
    const given = await send(alike.map((one) => ({ key: one.key, to, was: one.answer })));
    const refused = Object.values(given.refused);
    say(text("import.alike_done", { n: Object.keys(given.changed).length }));
    if (refused.length) say(text("import.refused_some", { n: refused.length, why: refused[0] }), "bad");
    row.remove();
    next(question.key);
  });
  no.addEventListener("click", () => {
    row.remove();
    next(question.key);
  });
  box.insertBefore(row, box.querySelector(".problem"));
  yes.focus();
  box.scrollIntoView({ block: "nearest" });
  return true;
}

/**
 * Go to the next open question.
 * @param {string} after
 */
function next(after) {
  const listed = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#cards .question")]);
  const at = listed.findIndex((one) => one.dataset.key === after);
  const isOpen = (/** @type {HTMLElement} */ one) => questions.get(one.dataset.key ?? "")?.open;
  const one = [...listed.slice(at + 1), ...listed.slice(0, at)].find(isOpen);
  if (one) focusCard(one);
  else byId("apply").focus();
}

async function undoLast() {
  const last = done[done.length - 1];
  if (!last) return;
  const given = await send(last.map((one) => ({ key: one.key, to: one.was, was: one.to })), true);
  done.pop();
  sessionStorage.setItem(STORED, JSON.stringify(done));
  const refused = Object.values(given.refused);
  if (refused.length) say(text("import.refused_some", { n: refused.length, why: refused[0] }), "bad");
  else say(text("import.undone"));
  byId("undo").disabled = !done.length;
  focusCard(cards.get(last[0].key));
}

// --- a patient's series -----------------------------------------------------------------------------------------------

/**
 * All series of a patient, in a sheet over the page; each can be given another role.
 * @param {HTMLElement} button that asked for them
 */
async function showSeries(button) {
  const patient = button.dataset.patient ?? "";
  const { series, masks } = await get(api("import", "series"), { patient });
  const sheet = document.body.appendChild(element("dialog", "sheet wide-sheet"));
  const head = sheet.appendChild(element("h2", "", text("import.series_of", { patient })));
  head.id = "series-title";
  sheet.setAttribute("aria-labelledby", head.id);
  const scroller = sheet.appendChild(element("div", "scroller"));
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "region");
  scroller.setAttribute("aria-labelledby", head.id);
  const table = scroller.appendChild(element("table"));
  const titles = table.createTHead().insertRow();
  for (const name of ["series", "what", "decision", "why", "role"]) {
    const title = titles.appendChild(element("th", "", text(`import.series_column.${name}`)));
    title.scope = "col";
  }
  const body = table.createTBody();
  for (const row of series) seriesRow(body.insertRow(), row, button.dataset.role ?? "");
  if (masks.length) {
    sheet.appendChild(element("h3", "", text("import.regions")));
    const list = sheet.appendChild(element("ul", "regions"));
    for (const one of masks) {
      const where = one.file ? one.file.split("/").pop() : one.reason;
      list.appendChild(element("li", "", [`${one.name || one.label} (${one.kind})`, one.role, one.reader, where, one.note].filter(Boolean).join(" · ")));
    }
  }
  const close = sheet.appendChild(element("div", "row end")).appendChild(element("button", "primary", text("app.close")));
  close.addEventListener("click", () => sheet.close());
  sheet.addEventListener("close", () => sheet.remove());
  sheet.showModal();
}

/**
 * @param {HTMLTableRowElement} line
 * @param {Json} row
 * @param {string} wanted the role that is missing
 */
function seriesRow(line, row, wanted) {
  const status = text(`import.decision.${row.status.replace(" ", "_")}`, { role: row.role, kind: row.kind });
  const facts = [row.images && text("import.fact.images", { value: row.images }), row.plane, row.b_value && text("import.fact.b_value", { value: row.b_value }),
    row.seconds && text("import.fact.seconds", { value: row.seconds })].filter(Boolean).join(" · ");
  line.appendChild(element("th", "", row.series)).scope = "row";
  const what = line.insertCell();
  what.append(element("div", "", row.description), element("div", "note", facts));
  if (row.file && row.volume) what.appendChild(picture(row.volume, row.description));
  const carriedOut = row.status === "left out" ? [LEAVE_OUT, LEAVE_SERIES].includes(row.answer) : row.answer === row.role;
  line.insertCell().textContent = row.answer && !carriedOut ? `${status} → ${row.answer}` : status;
  const why = line.insertCell();
  if (row.reason) why.appendChild(element("div", "", row.reason));
  if (row.evidence) why.appendChild(element("div", "note", row.evidence));
  const cell = line.insertCell();
  if (!row.volume || row.status === "refused") return;
  const form = cell.appendChild(element("form", "typed"));
  const field = form.appendChild(element("input"));
  field.type = "text";
  field.size = 10;
  field.value = row.status === "role" ? "" : wanted;
  field.setAttribute("aria-label", `${text("import.series_column.role")}: ${row.description}`);
  form.appendChild(element("button", "", text("import.give")));
  const problem = cell.appendChild(element("p", "problem"));
  problem.setAttribute("role", "alert");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const to = field.value.trim();
      const given = await send([{ key: row.volume, to, was: row.answer }]);
      if (given.refused[row.volume]) problem.textContent = given.refused[row.volume];
      else say(text("import.given", { role: to }));
      if (!given.refused[row.volume]) row.answer = to;
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  });
}

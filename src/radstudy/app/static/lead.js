// The study lead's page: how far readers are, their links, how they agree, what needs a look, and what is written out.

import { showAgreement, showDisagreements } from "./agreement.js";
import { labelled, pressButton, progressBar, selection, table } from "./fields.js";
import { day, page, reason } from "./frame.js";
import { showLinks } from "./links.js";
import { openedSection } from "./outcomes.js";
import { anewSection, reopenSection } from "./reopen.js";
import { addressOf } from "./routes.js";
import { text } from "./strings.js";
import { showTakeIn } from "./takein.js";
import { element } from "./toolbar.js";

/** @typedef {import("./api.js").Api} Api */

/**
 * A case as the lead sees it.
 * @typedef {object} LeadCase
 * @property {string} reader
 * @property {string} task
 * @property {string} patient
 * @property {string} lesion
 * @property {boolean} repeat
 * @property {string} status
 * @property {string | null} closed_at
 */
/**
 * A lesion of the study; `arrow`: where it is pointed at, RAS mm.
 * @typedef {{patient: string, lesion: string, sequences: string[], arrow: number[] | null}} LeadLesion
 */
/**
 * @typedef {object} Progress
 * @property {{reader: string, task: string, closed: number, total: number, open: number, skipped: number, later: number,
 *   last: string | null, outcomes_opened: string | null}[]} readers
 * @property {LeadCase[]} cases those that are not waiting
 * @property {LeadLesion[]} lesions
 * @property {string[]} problems with images
 * @property {[patient: string, lesion: string][]} without_images
 * @property {number} unrecorded closed cases whose files are not written
 */

/** What writing the record has come to. @typedef {{cases: number, files: number, kept: string[], problems: string[]}} Written */

/**
 * What the parts of the page share.
 * @typedef {object} Lead
 * @property {Api} api
 * @property {Progress} progress
 * @property {() => Promise<void>} reload
 */

/**
 * Shows the page; the function that it gives brings its table of progress up to date, and what can be opened again.
 * @param {HTMLElement} parent
 * @param {Api} api
 * @param {import("./frame.js").Me} me
 * @param {() => Promise<void>} reload shows the page anew
 * @returns {Promise<() => Promise<void>>}
 */
export async function showLead(parent, api, me, reload) {
  const progress = /** @type {Progress} */ (await api.get("/api/lead/progress"));
  const content = page(parent, me, addressOf("lead"), text("lead.title"));
  content.classList.add("lead");
  const lead = { api, progress, reload };
  let table = content.appendChild(progressSection(lead));
  let reopen = reopenSection(lead);
  const agreement = content.appendChild(section(text("lead.agreement"), "wide"));
  const disagreements = content.appendChild(section(text("lead.disagreements"), "wide"));
  const cards = content.appendChild(element("div", "cards wide"));
  const links = cards.appendChild(section(text("lead.links")));
  cards.append(arrowSection(lead), reopen, showTakeIn(lead), anewSection(lead), openedSection(lead), exportSection(lead));
  await Promise.all([
    filled(agreement, async () => showAgreement(await api.get("/api/lead/agreement"))),
    filled(disagreements, async () => showDisagreements(await api.get("/api/lead/disagreements"))),
    filled(links, () => showLinks(lead)),
  ]);
  return async () => {
    if (!content.isConnected) return;
    const now = { ...lead, progress: /** @type {Progress} */ (await api.get("/api/lead/progress")) };
    const [newTable, newReopen] = [progressSection(now), reopenSection(now)];
    table.replaceWith(newTable);
    table = newTable;
    if (reopen.contains(document.activeElement)) return; // the lead is choosing there
    reopen.replaceWith(newReopen);
    reopen = newReopen;
  };
}

/**
 * A part of the page with its heading.
 * @param {string} title
 * @param {string} [name] class
 */
export function section(title, name = "") {
  const node = element("section", `card ${name}`.trim());
  node.appendChild(element("h2", "", title));
  return node;
}

/**
 * Puts into a part what the server gives; what it refuses is said there, and the rest of the page stands.
 * @param {HTMLElement} node
 * @param {() => Promise<Node>} content
 */
async function filled(node, content) {
  const waiting = node.appendChild(element("p", "quiet", text("lead.loading")));
  try {
    waiting.replaceWith(await content());
  } catch (error) {
    waiting.replaceWith(element("p", "refused", reason(error)));
  }
}

/**
 * Runs what a button does; an error is said beside it.
 * @param {HTMLElement} place
 * @param {() => Promise<string>} act gives what to say when it is done
 */
export async function attempt(place, act) {
  place.classList.remove("bad");
  try {
    place.textContent = await act();
  } catch (error) {
    place.classList.add("bad");
    place.textContent = reason(error);
  }
}

/** A place for what came of a button; screen readers read it out. */
export function outcome() {
  const place = element("p", "outcome");
  place.setAttribute("role", "status");
  return place;
}

/** @param {Lead} lead */
function progressSection({ progress }) {
  const node = section(text("lead.progress"), "wide");
  const rows = progress.readers.map((one) => [
    one.reader, text(`pages.task.${one.task}`), progressBar(one.closed, one.total, `${one.closed} / ${one.total}`),
    one.open, one.skipped, one.later, one.last ? day(one.last) : "–",
  ]);
  const head = ["reader", "task", "closed", "open", "skipped", "later", "last"].map((name) => text(`lead.column.${name}`));
  node.appendChild(table(text("lead.progress_caption"), head, rows));
  if (progress.unrecorded) node.appendChild(element("p", "unrecorded", text("lead.unrecorded", { count: progress.unrecorded })));
  const problems = imageProblems(progress);
  node.append(...listed(text("lead.image_problems"), problems));
  return node;
}

/**
 * A heading and a list; nothing of an empty list.
 * @param {string} title
 * @param {readonly string[]} lines
 */
function listed(title, lines) {
  if (!lines.length) return [];
  const list = element("ul", "problems");
  for (const words of lines) list.appendChild(element("li", "", words));
  return [element("h3", "", title), list];
}

/**
 * What is amiss with images: nobody else is told.
 * @param {Progress} progress
 */
function imageProblems({ problems, without_images: without }) {
  const nothing = without.map(([patient, lesion]) => text("lead.without_images", { patient, lesion }));
  return [...problems, ...nothing];
}

/** @param {Lead} lead */
function arrowSection({ progress }) {
  const node = section(text("lead.arrows"));
  node.appendChild(element("p", "definition", text("lead.arrows_why")));
  const { lesions } = progress;
  if (!lesions.length) {
    node.appendChild(element("p", "quiet", text("lead.no_lesions")));
    return node;
  }
  const placed = lesions.filter(({ arrow }) => arrow).length;
  node.appendChild(element("p", "", text("lead.arrows_placed", { placed, total: lesions.length })));
  const options = lesions.map(({ patient, lesion, arrow }, n) => ({ value: String(n), words: `${patient} · ${lesion}${arrow ? " ➤" : ""}` }));
  const which = selection(options);
  const first = lesions.findIndex(({ arrow }) => !arrow);
  which.value = String(Math.max(0, first));
  node.appendChild(labelled(text("lead.lesion"), which));
  node.appendChild(element("div", "row")).appendChild(pressButton(text("lead.arrow_button"), () => {
    const { patient, lesion } = lesions[Number(which.value)];
    location.hash = addressOf("lead", "arrow", patient, lesion);
  }));
  return node;
}

/** @param {Lead} lead */
function exportSection({ api }) {
  const node = section(text("lead.export"));
  node.appendChild(element("p", "definition", text("lead.export_why")));
  const place = outcome();
  const row = node.appendChild(element("div", "row"));
  const details = node.appendChild(element("div", "export-details"));
  const act = () => attempt(place, async () => {
    details.replaceChildren();
    const { cases, files, kept, problems } = /** @type {Written} */ (await api.post("/api/lead/export"));
    details.append(...listed(text("lead.export_problems"), problems), ...listed(text("lead.export_kept"), kept));
    return text("lead.exported", { cases, files });
  });
  row.append(pressButton(text("lead.export_button"), act), place);
  return node;
}

// The worklist of a task: how far the reader is, the next case, and every case with its state.

import { page, day } from "./frame.js";
import { pressButton, progressBar } from "./fields.js";
import { addressOf } from "./routes.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {"waiting" | "open" | "closed" | "skipped" | "later"} Status */
/** @typedef {{id: string, practice?: boolean, status: Status, opens?: string | null}} Entry */
/**
 * @typedef {object} Worklist
 * @property {Entry[]} cases
 * @property {string | null} next
 * @property {{opens: string | null, count: number}[]} [later] cases that may not be opened yet
 */

/**
 * What becomes due when: days in order, then those whose day is not known.
 * @param {Worklist} list
 * @returns {{opens: string | null, count: number}[]}
 */
export function laterOf({ cases, later }) {
  /** @type {Map<string | null, number>} */
  const counts = new Map();
  const add = (/** @type {string | null} */ opens, /** @type {number} */ count) => counts.set(opens, (counts.get(opens) ?? 0) + count);
  for (const { opens, count } of later ?? []) add(opens ?? null, count);
  for (const { status, opens } of later ? [] : cases) if (status === "later") add(opens ?? null, 1); // or they count twice
  return [...counts].map(([opens, count]) => ({ opens, count })).sort((a, b) => ((a.opens ?? "9") < (b.opens ?? "9") ? -1 : 1));
}

/**
 * Real cases closed and in all, and practice cases likewise.
 * @param {Worklist} list
 */
export function countsOf(list) {
  const shown = list.cases.filter(({ status }) => status !== "later");
  const of = (/** @type {boolean} */ practice) => shown.filter((one) => Boolean(one.practice) === practice);
  const closed = (/** @type {Entry[]} */ entries) => entries.filter(({ status }) => status === "closed").length;
  const later = laterOf(list).reduce((sum, { count }) => sum + count, 0);
  return {
    closed: closed(of(false)), total: of(false).length + later, later,
    practiceClosed: closed(of(true)), practice: of(true).length,
  };
}

/**
 * @param {HTMLElement} parent
 * @param {import("./frame.js").Me} me
 * @param {string} task
 * @param {Worklist} list
 * @param {(id: string) => void} open
 */
export function showWorklist(parent, me, task, list, open) {
  const content = page(parent, me, addressOf("worklist", task), text(`pages.task.${task}`));
  content.classList.add("worklist");
  content.appendChild(nextCard(list, open));
  const rows = list.cases.filter(({ status }) => status !== "later");
  if (rows.length) content.appendChild(entries(rows, list.next, open));
  const first = content.querySelector("button.primary");
  if (first instanceof HTMLButtonElement) first.focus({ preventScroll: true });
}

/**
 * @param {Worklist} list
 * @param {(id: string) => void} open
 */
function nextCard(list, open) {
  const card = element("section", "card next");
  const { closed, total, practice, practiceClosed, later } = countsOf(list);
  const next = list.cases.find(({ id }) => id === list.next);
  if (next) {
    const key = next.practice ? "next_practice" : next.status === "open" ? "go_on" : "next";
    card.appendChild(pressButton(text(`worklist.${key}`, { id: next.id }), () => open(next.id), "primary large"));
  } else {
    card.appendChild(element("p", "done", text(later ? "worklist.nothing_now" : "worklist.all_read")));
  }
  card.appendChild(progressBar(closed, total, text("worklist.progress", { closed, total })));
  const more = card.appendChild(element("div", "more"));
  if (practice) more.appendChild(element("span", "", text("worklist.practice_progress", { closed: practiceClosed, total: practice })));
  for (const { opens, count } of laterOf(list)) {
    const words = opens ? text("worklist.later", { count, day: day(opens) }) : text("worklist.later_unknown", { count });
    more.appendChild(element("span", "", words));
  }
  return card;
}

/**
 * @param {Entry[]} rows
 * @param {string | null} next
 * @param {(id: string) => void} open
 */
function entries(rows, next, open) {
  const section = element("section");
  section.appendChild(element("h2", "", text("worklist.cases")));
  const list = section.appendChild(element("ol", "entries"));
  for (const { id, practice, status } of rows) {
    const line = list.appendChild(element("li", `entry entry-${status}`));
    if (id === next) line.classList.add("is-next");
    line.appendChild(element("span", "case-id", id));
    if (practice) line.appendChild(element("span", "badge", text("worklist.practice")));
    line.appendChild(element("span", "state", text(`worklist.status.${status}`)));
    if (id === next || status === "open" || status === "skipped") {
      const button = line.appendChild(pressButton(text("worklist.open"), () => open(id), "small"));
      button.setAttribute("aria-label", text("worklist.open_case", { id }));
    }
  }
  return section;
}

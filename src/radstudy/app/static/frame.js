// The frame of the pages around the viewer: title bar with the study, the reader, and the ways to the other pages.

import { pressButton } from "./fields.js";
import { addressOf } from "./routes.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/**
 * Who has entered.
 * @typedef {object} Me
 * @property {"reader" | "lead"} role
 * @property {string} reader
 * @property {string} study
 * @property {{task: string, closed: number, total: number}[]} tasks
 * @property {import("./strings.js").Catalogue} strings
 */

/**
 * A page; what belongs on it goes into `content`.
 * @param {HTMLElement} parent
 * @param {Me} me
 * @param {string} here address of the page
 * @param {string} title
 */
export function page(parent, me, here, title) {
  const root = element("div", "pages");
  const bar = root.appendChild(element("header", "page-bar"));
  bar.appendChild(element("strong", "study", me.study));
  bar.appendChild(ways(me, here));
  bar.appendChild(element("span", "spacer"));
  const who = me.reader || text("pages.lead");
  bar.appendChild(element("span", "who", me.role === "lead" && me.reader ? text("pages.lead_and_reader", { reader: who }) : who));
  const content = root.appendChild(element("div", "content"));
  const heading = content.appendChild(element("h1", "", title));
  heading.tabIndex = -1;
  parent.replaceChildren(root);
  heading.focus({ preventScroll: true });
  document.title = `${title} · ${me.study}`;
  return content;
}

/**
 * @param {Me} me
 * @param {string} here
 */
function ways(me, here) {
  const nav = element("nav", "ways");
  nav.setAttribute("aria-label", text("pages.ways"));
  const ends = me.tasks.map(({ task, closed, total }) => ({
    to: addressOf("worklist", task), words: `${text(`pages.task.${task}`)} ${closed}/${total}`,
  }));
  if (me.role === "lead") ends.push({ to: addressOf("lead"), words: text("pages.lead_page") });
  for (const { to, words } of ends) {
    const link = nav.appendChild(element("a", "", words));
    link.href = to;
    if (to === here) link.setAttribute("aria-current", "page");
  }
  return nav;
}

/**
 * A page with one sentence and buttons: something cannot be shown, or has to be decided first.
 * @param {HTMLElement} parent
 * @param {string} title
 * @param {string} words
 * @param {[words: string, act: () => unknown][]} buttons the first one has the focus
 */
export function sign(parent, title, words, buttons) {
  const root = element("div", "pages sign");
  const box = root.appendChild(element("div", "sign-box"));
  box.setAttribute("role", "alert");
  box.appendChild(element("h1", "", title));
  box.appendChild(element("p", "", words));
  const row = box.appendChild(element("div", "row"));
  buttons.forEach(([label, act], n) => row.appendChild(pressButton(label, act, n === 0 ? "primary" : "")));
  parent.replaceChildren(root);
  row.querySelector("button")?.focus();
}

/**
 * A short message below the page, read out by screen readers; it goes by itself.
 * @param {string} words
 */
export function say(words) {
  let place = document.querySelector(".said");
  if (!place) {
    place = document.body.appendChild(element("div", "said"));
    place.setAttribute("role", "status");
  }
  const note = place.appendChild(element("div", "notice", words));
  setTimeout(() => note.remove(), 7000);
}

/**
 * A day as people write it, from an ISO date or time.
 * @param {string} iso
 */
export function day(iso) {
  const date = new Date(iso.length === 10 ? `${iso}T12:00:00` : iso);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }).format(date);
}

/** @param {unknown} error */
export function reason(error) {
  return error instanceof Error ? error.message : String(error);
}

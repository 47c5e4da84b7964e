// Personal links of readers: made, copied while they are on the screen, revoked.

import { ask, labelled, pressButton, selection, table } from "./fields.js";
import { day } from "./frame.js";
import { attempt, outcome } from "./lead.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {{id: string, reader: string, task: string, role: string, created_at: string, revoked_at: string}} Link */
/** @typedef {import("./lead.js").Lead} Lead */

/** @param {Lead} lead */
export async function showLinks(lead) {
  const node = element("div");
  const place = element("div", "link-list");
  node.append(element("p", "definition", text("lead.links_why")), maker(lead, () => list(lead, place)), place);
  await list(lead, place);
  return node;
}

/**
 * @param {Lead} lead
 * @param {() => Promise<void>} made
 */
function maker({ api, progress }, made) {
  const box = element("div");
  const readers = [...new Set(progress.readers.map(({ reader }) => reader))];
  const who = selection(readers.map((reader) => ({ value: reader, words: reader })), () => fillTasks());
  const what = element("select");
  const fillTasks = () => {
    const tasks = progress.readers.filter(({ reader }) => reader === who.value).map(({ task }) => task);
    const every = { value: "", words: text("lead.all_tasks") };
    what.replaceChildren(...[every, ...tasks.map((task) => ({ value: task, words: text(`pages.task.${task}`) }))]
      .map(({ value, words }) => new Option(words, value)));
  };
  fillTasks();
  const fresh = element("div", "fresh-link");
  const place = outcome();
  const make = () => attempt(place, async () => {
    const { url } = await api.post("/api/lead/links", { reader: who.value, task: what.value });
    fresh.replaceChildren(freshLink(url));
    await made();
    return text("lead.link_made", { reader: who.value });
  });
  const row = box.appendChild(element("div", "row"));
  row.append(labelled(text("lead.reader"), who), labelled(text("lead.task"), what), pressButton(text("lead.link_button"), make));
  box.append(place, fresh);
  return box;
}

/**
 * The link, shown this once.
 * @param {string} url
 */
function freshLink(url) {
  const row = element("div", "row");
  const field = element("input", "address");
  field.type = "text";
  field.readOnly = true;
  field.value = url;
  field.setAttribute("aria-label", text("lead.link"));
  field.addEventListener("focus", () => field.select());
  const copy = pressButton(text("lead.copy"), async () => {
    field.focus();
    field.select();
    const copied = navigator.clipboard
      ? await navigator.clipboard.writeText(url).then(() => true, () => false)
      : document.execCommand("copy"); // over plain http browsers have no clipboard
    copy.textContent = text(copied ? "lead.copied" : "lead.copy_by_key");
  });
  row.append(field, copy);
  return row;
}

/**
 * @param {Lead} lead
 * @param {HTMLElement} place
 */
async function list(lead, place) {
  const { links } = /** @type {{links: Link[]}} */ (await lead.api.get("/api/lead/links"));
  const readers = links.filter(({ role }) => role !== "lead");
  if (!readers.length) return place.replaceChildren(element("p", "quiet", text("lead.no_links")));
  const head = ["reader", "task", "made", "state"].map((name) => text(`lead.column.${name}`));
  place.replaceChildren(table(text("lead.links_caption"), head, readers.map((link) => [
    link.reader, link.task ? text(`pages.task.${link.task}`) : text("lead.all_tasks"), day(link.created_at),
    link.revoked_at ? text("lead.revoked", { day: day(link.revoked_at) }) : revoker(lead, link, place),
  ])));
}

/**
 * @param {Lead} lead
 * @param {Link} link
 * @param {HTMLElement} place
 */
function revoker(lead, link, place) {
  const box = element("div", "row");
  const said = outcome();
  const button = pressButton(text("lead.revoke"), async () => {
    const sure = await ask(text("lead.revoke_sure", { reader: link.reader }), text("lead.revoke_why"), [
      { value: "revoke", words: text("lead.revoke"), primary: true }, { value: "", words: text("form.back") },
    ]);
    if (sure !== "revoke") return;
    await attempt(said, async () => {
      await lead.api.delete(`/api/lead/links/${encodeURIComponent(link.id)}`);
      await list(lead, place);
      return "";
    });
  }, "small");
  button.setAttribute("aria-label", text("lead.revoke_of", { reader: link.reader }));
  box.append(button, said);
  return box;
}

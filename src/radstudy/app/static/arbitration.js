// Arbitration: once the arbiter's own answers are locked, the two readers' answers stand beside them, item by item.

import { differ, valueWords } from "./answers.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {import("./answers.js").FormItem} FormItem */
/** @typedef {import("./answers.js").Values} Values */

/**
 * How the readers' answers to an item relate.
 * @param {FormItem} item
 * @param {unknown} own
 * @param {unknown} a
 * @param {unknown} b
 */
export function comparison(item, own, a, b) {
  const numbers = typeof a === "number" && typeof b === "number";
  const apart = numbers ? Number(Math.abs(a - b).toPrecision(6)) : null;
  return { differ: differ(a, b), apart, ownIs: { a: !differ(own, a), b: !differ(own, b) } };
}

/**
 * Puts the answers of both readers, in the order given, above each final answer.
 * @param {import("./form.js").Form} form
 * @param {FormItem[]} items
 * @param {Values} own the arbiter's locked answers
 * @param {{values: Values}[]} others
 */
export function showOthers(form, items, own, others) {
  const [a, b] = others.map(({ values }) => values);
  for (const item of items.filter(({ kind }) => kind !== "text")) {
    const control = form.controls.get(item.name);
    const before = control?.box.querySelector(".question-body");
    if (!control || !before) continue;
    const relation = comparison(item, own[item.name], a[item.name], b[item.name]);
    const row = element("dl", "compared");
    addAnswer(row, text("arbitration.own"), valueWords(item, own[item.name]), "own");
    addAnswer(row, text("arbitration.a"), valueWords(item, a[item.name]), relation.ownIs.a ? "same" : "differs");
    addAnswer(row, text("arbitration.b"), valueWords(item, b[item.name]), relation.ownIs.b ? "same" : "differs");
    before.before(row, element("p", relation.differ ? "relation differs" : "relation", relationWords(item, relation)));
    before.before(element("p", "final-label", text("arbitration.final")));
  }
  const comments = [a, b].map((values) => values?.comment).filter(Boolean);
  if (comments.length) form.root.appendChild(commentsOf(a, b));
}

/**
 * @param {FormItem} item
 * @param {ReturnType<typeof comparison>} relation
 */
function relationWords(item, relation) {
  if (!relation.differ) return text("arbitration.agree");
  if (relation.apart === null) return text("arbitration.differ");
  return text("arbitration.apart", { apart: valueWords(item, relation.apart) });
}

/**
 * @param {HTMLElement} row
 * @param {string} who
 * @param {string} value
 * @param {"own" | "same" | "differs"} name
 */
function addAnswer(row, who, value, name) {
  const cell = row.appendChild(element("div", name));
  cell.appendChild(element("dt", "", who));
  cell.appendChild(element("dd", "", value));
}

/**
 * @param {Values} a
 * @param {Values} b
 */
function commentsOf(a, b) {
  const box = element("dl", "comments");
  for (const [who, values] of /** @type {const} */ ([["a", a], ["b", b]])) {
    if (values?.comment) addAnswer(box, text(`arbitration.comment_of.${who}`), String(values.comment), "own");
  }
  return box;
}

// What is answered, missing or wrong in a form. No page here: the same rules as the server's, which has the last word.

import { text } from "./strings.js";

/** @typedef {string | number} Answer */
/** @typedef {Record<string, Answer>} Values */

/**
 * One item of a form, as the server describes it.
 * @typedef {object} FormItem
 * @property {string} name
 * @property {string} label of the likelihood: the group whose likelihood is asked
 * @property {"level" | "number" | "likelihood" | "text"} kind
 * @property {string[]} levels
 * @property {string} unit
 * @property {[number, number] | null} range
 * @property {string} definition
 * @property {boolean} required
 * @property {boolean} computed the study computes it too, and shows it after locking
 * @property {string | null} not_assessable the answer for what cannot be judged
 */

/**
 * What is said of one sequence; null: not yet.
 * @typedef {object} SequenceAnswer
 * @property {boolean | null} visible
 * @property {boolean | null} evaluable
 * @property {string} reason
 * @property {number | null} quality
 */
/** @typedef {Record<string, SequenceAnswer>} PerSequence */

/**
 * Something to be put right. `item` and `sequence` say where; both empty: nowhere in particular.
 * @typedef {{item: string, sequence: string, words: string}} Problem
 */

/** Image quality, worst to best. */
export const QUALITIES = [1, 2, 3, 4, 5];

/** The most letters of a comment or a reason. */
export const LONGEST_TEXT = 5000;

/** @returns {SequenceAnswer} */
export function unsaid() {
  return { visible: null, evaluable: null, reason: "", quality: null };
}

/** @param {FormItem} item */
export function labelOf(item) {
  if (item.kind === "likelihood") return text("form.likelihood", { group: item.label });
  if (item.kind === "text" && !item.label) return text("form.comment");
  return item.label || item.name.replaceAll("_", " ");
}

/**
 * A typed number: a comma or a full stop before the decimals, nothing between the digits.
 * @param {string} typed
 * @returns {number | null} null: it is not a number
 */
export function parsedNumber(typed) {
  const words = typed.trim().replace(",", ".").replace("−", "-");
  return /^[-+]?(\d+\.?\d*|\.\d+)$/.test(words) ? Number(words) : null;
}

/**
 * The range of a number in words, "" where any is allowed.
 * @param {FormItem} item
 */
export function rangeWords({ range, unit }) {
  if (!range) return "";
  return text("form.range", { low: shortNumber(range[0]), high: shortNumber(range[1]), unit }).trim();
}

/** @param {number} value */
export function shortNumber(value) {
  return String(Number(value.toPrecision(6)));
}

/**
 * What is wrong with the answer to an item, "" if nothing.
 * @param {FormItem} item
 * @param {Answer | undefined} value
 * @param {string} [typed] what stands in the field of a number, also where it is not one
 */
export function problemOf(item, value, typed = "") {
  if (value === undefined) {
    if (typed.trim()) return text("form.not_a_number");
    return item.required ? text("form.unanswered") : "";
  }
  if (item.kind === "text" || (item.not_assessable && value === item.not_assessable)) return "";
  if (item.kind === "level") return item.levels.includes(String(value)) ? "" : text("form.unanswered");
  if (typeof value !== "number" || !Number.isFinite(value)) return text("form.not_a_number");
  if (item.range && (value < item.range[0] || value > item.range[1])) {
    return text("form.out_of_range", { range: rangeWords(item) });
  }
  return "";
}

/**
 * What is missing or wrong in the answers, in the form's order.
 * @param {readonly FormItem[]} items
 * @param {Values} values
 * @param {Record<string, string>} [typed]
 * @returns {Problem[]}
 */
export function problemsOf(items, values, typed = {}) {
  return items
    .map((item) => ({ item: item.name, sequence: "", words: problemOf(item, values[item.name], typed[item.name]) }))
    .filter(({ words }) => words !== "");
}

/**
 * What is missing in what is said of the sequences.
 * @param {readonly string[]} sequences
 * @param {PerSequence} said
 * @param {boolean} required false: only a reason must be given where one is due
 * @returns {Problem[]}
 */
export function problemsOfSequences(sequences, said, required) {
  return sequences.flatMap((sequence) => {
    const { visible, evaluable, reason, quality } = said[sequence] ?? unsaid();
    const missing = [];
    if (required && evaluable === null) missing.push(text("form.missing_evaluable"));
    if (evaluable === false && !reason.trim()) missing.push(text("form.missing_reason"));
    if (required && visible === null && evaluable !== false) missing.push(text("form.missing_visible"));
    if (required && quality === null) missing.push(text("form.missing_quality"));
    return missing.length ? [{ item: "", sequence, words: missing.join(", ") }] : [];
  });
}

/**
 * How many required answers are there.
 * @param {readonly FormItem[]} items
 * @param {Values} values
 */
export function answered(items, values) {
  const required = items.filter((item) => item.required);
  return { done: required.filter((item) => problemOf(item, values[item.name]) === "").length, total: required.length };
}

/**
 * What the server says is missing or wrong. `item` and `sequence` say where; both empty: nowhere in particular.
 * @typedef {{what: "missing" | "wrong", text: string, item: string, sequence: string}} Missing
 */

/**
 * @param {readonly Missing[]} missing as the server tells it
 * @returns {Problem[]}
 */
export function serverProblems(missing) {
  return missing.map((one) => ({ item: one.item, sequence: one.sequence, words: one.text }));
}

/**
 * A value as it is shown beside another one.
 * @param {Pick<FormItem, "kind" | "unit">} item
 * @param {unknown} value
 */
export function valueWords(item, value) {
  if (value === null || value === undefined || value === "") return text("form.none");
  if (typeof value !== "number") return String(value);
  return `${shortNumber(value)} ${item.kind === "likelihood" ? "%" : item.unit}`.trim();
}

/**
 * Whether two answers differ as they are written: 2 and 2.0 do not.
 * @param {unknown} a
 * @param {unknown} b
 */
export function differ(a, b) {
  return (a ?? "") !== (b ?? "");
}

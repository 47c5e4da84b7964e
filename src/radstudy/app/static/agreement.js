// How readers agree, without outcomes: Dice and volumes of masks, kappa and ICC of answers; and the cases that differ most.

import { shortNumber } from "./answers.js";
import { table } from "./fields.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** An estimate with its 95 % interval. @typedef {{value: number | null, low?: number | null, high?: number | null}} Estimate */
/**
 * Masks of two readings of one sequence.
 * @typedef {object} MaskAgreement
 * @property {string} sequence
 * @property {string[]} readers two; the same one twice: repeats
 * @property {number} n lesions
 * @property {{median: number | null, low?: number | null, high?: number | null, lowest?: number | null}} dice quartiles
 * @property {(number | null)[]} [volumes_mm3] median of each
 * @property {Estimate} [icc] of the volumes
 */
/**
 * Answers of two readings to one item.
 * @typedef {object} ItemAgreement
 * @property {string} item
 * @property {string} [label]
 * @property {string[]} readers
 * @property {number} n
 * @property {string} statistic as it is called: "kappa", "weighted kappa", "ICC(2,1)"
 * @property {number | null} value
 * @property {number | null} [low]
 * @property {number | null} [high]
 * @property {number | null} [agreed] share of equal answers
 */
/**
 * @typedef {object} Disagreements
 * @property {{patient: string, lesion: string, sequence: string, readers: string[], dice: number | null,
 *   volumes_mm3: (number | null)[]}[]} [masks]
 * @property {{patient: string, lesion: string, item: string, label?: string, unit?: string, readers: string[],
 *   values: (string | number | null)[], final?: string | number | null, source?: string}[]} [items]
 */

/**
 * A number with a fixed count of decimals, "–" where there is none.
 * @param {number | null | undefined} value
 * @param {number} decimals
 */
export function fixed(value, decimals) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals).replace("-", "−") : "–";
}

/**
 * @param {Estimate | undefined} estimate
 */
export function withInterval(estimate) {
  const { value, low, high } = estimate ?? { value: null };
  const words = fixed(value, 2);
  return typeof low === "number" && typeof high === "number" ? `${words} (${fixed(low, 2)} ${text("lead.to")} ${fixed(high, 2)})` : words;
}

/** @param {(number | null)[] | undefined} volumes */
function volumeWords(volumes) {
  return volumes?.length ? volumes.map((mm3) => (mm3 === null ? "–" : fixed(mm3 / 1000, 2))).join(" | ") : "–";
}

/** @param {string[]} readers */
function pairWords([a, b]) {
  return a === b || b === undefined ? text("lead.repeat_of", { reader: a }) : `${a} – ${b}`;
}

/**
 * How an item is called: the codebook's label, or its name.
 * @param {{item: string, label?: string}} one
 */
function itemWords({ item, label }) {
  return label || (item === "likelihood" ? text("lead.likelihood") : item);
}

/** @param {{masks?: MaskAgreement[], items?: ItemAgreement[]}} agreement */
export function showAgreement({ masks = [], items = [] }) {
  const node = element("div", "tables");
  if (!masks.length && !items.length) node.appendChild(element("p", "quiet", text("lead.no_agreement")));
  if (masks.length) {
    const head = ["sequence", "readers", "lesions", "dice", "dice_lowest", "volumes", "volume_icc"];
    node.appendChild(table(text("lead.masks_caption"), columns(head), masks.map((one) => [
      one.sequence, pairWords(one.readers), one.n, withInterval({ value: one.dice.median, low: one.dice.low, high: one.dice.high }),
      fixed(one.dice.lowest, 2), volumeWords(one.volumes_mm3), withInterval(one.icc),
    ])));
  }
  if (items.length) {
    const head = ["item", "readers", "lesions", "statistic", "estimate", "agreed"];
    node.appendChild(table(text("lead.items_caption"), columns(head), items.map((one) => [
      itemWords(one), pairWords(one.readers), one.n, one.statistic, withInterval(one),
      typeof one.agreed === "number" ? `${fixed(100 * one.agreed, 0)} %` : "–",
    ])));
  }
  return node;
}

/** @param {Disagreements} disagreements */
export function showDisagreements({ masks = [], items = [] }) {
  const node = element("div", "tables");
  if (!masks.length && !items.length) node.appendChild(element("p", "quiet", text("lead.no_disagreements")));
  if (masks.length) {
    const worst = [...masks].sort((a, b) => (a.dice ?? -1) - (b.dice ?? -1));
    node.appendChild(table(text("lead.masks_differ"), columns(["patient", "lesion", "sequence", "readers", "dice_alone", "volumes"]),
      worst.map((one) => [one.patient, one.lesion, one.sequence, pairWords(one.readers), fixed(one.dice, 2), volumeWords(one.volumes_mm3)])));
  }
  if (items.length) {
    node.appendChild(table(text("lead.items_differ"), columns(["patient", "lesion", "item", "answers", "final"]), items.map((one) => [
      one.patient, one.lesion, itemWords(one), answersOf(one), finalOf(one),
    ])));
  }
  return node;
}

/** @param {NonNullable<Disagreements["items"]>[number]} one */
function answersOf({ readers, values, unit = "" }) {
  return values.map((value, n) => `${readers[n]}: ${valueOf(value, unit)}`).join(" | ");
}

/** @param {NonNullable<Disagreements["items"]>[number]} one */
function finalOf({ final, source, unit = "" }) {
  if (final === null || final === undefined) return text("lead.unresolved");
  return source ? `${valueOf(final, unit)} (${source})` : valueOf(final, unit);
}

/**
 * @param {string | number | null} value
 * @param {string} unit
 */
function valueOf(value, unit) {
  if (value === null) return "–";
  return typeof value === "number" ? `${shortNumber(value)} ${unit}`.trim() : value;
}

/** @param {string[]} names */
function columns(names) {
  return names.map((name) => text(`lead.column.${name}`));
}

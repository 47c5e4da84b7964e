// Sorting and filtering of long tables: those of more than LONG rows, with one header row and no cell over several columns.

import { element } from "./elements.js";

const LONG = 12;
const MISSING = new Set(["", "–", "-", "NaN"]);
const NUMBER = /^[<>≥≤]?\s*([-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+−]?\d+)?)/i;

/** The text of a cell without its footnote marks and its second line. @param {Element} cell */
export function cellText(cell) {
  let text = "";
  for (const child of cell.childNodes) {
    if (child instanceof Element && ["SUP", "SMALL"].includes(child.tagName)) continue;
    text += child.textContent;
  }
  return text.replace(/\s+/g, " ").trim();
}

/**
 * The number that a text begins with, as of "0.81 (0.70 to 0.91)", "1,218", "45.2%" or "<0.001", which is smaller than 0.001.
 * @param {string} text
 * @returns {number | null} null if it begins with none
 */
export function leadingNumber(text) {
  const match = NUMBER.exec(text);
  if (!match) return null;
  const value = Number(match[1].replace(/,/g, "").replace(/−/g, "-"));
  if (!Number.isFinite(value)) return null;
  const nudge = Math.max(Math.abs(value), 1e-12) * 1e-9;
  return text.startsWith("<") ? value - nudge : text.startsWith(">") ? value + nudge : value;
}

/**
 * The order of the rows by one column: numbers by value, texts by the alphabet, missing ones always last.
 * @param {string[]} texts
 * @param {boolean} descending
 * @returns {number[]} places of the rows
 */
export function orderOf(texts, descending) {
  const numbers = texts.map(leadingNumber);
  const numeric = texts.every((text, place) => MISSING.has(text) || numbers[place] !== null);
  const compare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;
  const sign = descending ? -1 : 1;
  return texts.map((_, place) => place).sort((one, other) => {
    const gone = Number(MISSING.has(texts[one])) - Number(MISSING.has(texts[other]));
    if (gone || MISSING.has(texts[one])) return gone || one - other;
    const order = numeric ? Number(numbers[one]) - Number(numbers[other]) : compare(texts[one], texts[other]);
    return sign * order || one - other;
  });
}

/** True if the table may be sorted. @param {HTMLTableElement} table */
function sortable(table) {
  const body = table.tBodies[0];
  if (!body || table.classList.contains("plain") || table.tHead?.rows.length !== 1) return false;
  if (body.rows.length <= LONG) return false;
  return !table.querySelector("[colspan], [rowspan]");
}

/** A long table with its rows in their own order. */
class LongTable {
  /** @param {HTMLTableElement} table */
  constructor(table) {
    this.body = table.tBodies[0];
    this.heads = /** @type {HTMLTableCellElement[]} */ ([.../** @type {HTMLTableSectionElement} */ (table.tHead).rows[0].cells]);
    this.rows = [...this.body.rows];
    this.sorted = { column: -1, descending: false };
    /** @type {string[] | null} */
    this.words = null;
    this.status = element("span", { role: "status" });
    this.field = element("input", { type: "search", autocomplete: "off" });
    this.field.addEventListener("input", () => this.filter());
    this.heads.forEach((head, column) => this.addButton(head, column));
    const name = table.closest(".scroll")?.getAttribute("aria-label") ?? "the table";
    const bar = element("div", { class: "rows-bar" },
      element("label", {}, `Filter ${name} `, this.field), this.status);
    (table.closest(".scroll") ?? table).before(bar);
    addEventListener("beforeprint", () => this.arrange(this.rows));
    addEventListener("afterprint", () => this.sort());
  }

  /** @param {HTMLTableCellElement} head @param {number} column */
  addButton(head, column) {
    if (!cellText(head)) return;
    const button = element("button", { type: "button", class: "sorter" });
    button.append(...head.childNodes);
    button.addEventListener("click", () => {
      const same = this.sorted.column === column;
      const back = same && this.sorted.descending; // a third press: the table's own order
      this.sorted = { column: back ? -1 : column, descending: same && !back };
      this.sort();
    });
    head.append(button);
  }

  sort() {
    const { column, descending } = this.sorted;
    this.heads.forEach((head, place) => {
      if (place === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const order = column < 0 ? this.rows.map((_, place) => place)
      : orderOf(this.rows.map((row) => (row.cells[column] ? cellText(row.cells[column]) : "")), descending);
    this.arrange(order.map((place) => this.rows[place]));
  }

  /** @param {HTMLTableRowElement[]} rows */
  arrange(rows) {
    const all = document.createDocumentFragment();
    for (const row of rows) all.append(row);
    this.body.append(all);
  }

  filter() {
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = this.words ??= this.rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
    let count = 0;
    this.rows.forEach((row, place) => {
      const hit = words.every((word) => texts[place].includes(word));
      if (row.hidden === hit) row.hidden = !hit;
      count += hit ? 1 : 0;
    });
    this.status.textContent = words.length ? `${count} of ${this.rows.length} rows` : "";
  }
}

/** Add buttons and a filter to every long table of the page. */
export function startTables() {
  for (const table of document.querySelectorAll("table")) {
    if (sortable(table)) new LongTable(table);
  }
}

// A sheet of cells with the keys of a spreadsheet. Only the rows that are seen are in the page, so that long tables stay quick.

import { element, text } from "./app.js";
import { blockOf, blockText } from "./table_model.js";

/** @typedef {import("./table_model.js").Table} Table */
/** @typedef {import("./table_model.js").Row} Row */
/** @typedef {{row: number, column: number}} Place */
/** @typedef {{problem: (row: Row, column: number) => string, locked: (row: Row, column: number) => string, note: (row: Row) => string}} Marks */

const ROW_PX = 31;
const BEYOND = 8; // rows above and below those that are seen
const ARROWS = new Map([["ArrowUp", [-1, 0]], ["ArrowDown", [1, 0]], ["ArrowLeft", [0, -1]], ["ArrowRight", [0, 1]]]);

export class Sheet {
  /**
   * @param {HTMLElement} place
   * @param {Table} table
   * @param {{
   *   marks: Marks, changed: () => void, moved: (row: Row | undefined, column: number) => void, say: (words: string) => void,
   *   understood: (columns: number[], cells: string[][]) => Promise<string[][]>, left: () => void,
   * }} page
   */
  constructor(place, table, page) {
    this.place = place;
    this.page = page;
    this.table = table;
    /** @type {Place} */
    this.at = { row: 0, column: 0 };
    /** @type {Place} */
    this.anchor = { row: 0, column: 0 };
    /** @type {((row: Row) => boolean) | null} */
    this.filter = null;
    /** @type {Row[] | undefined} */
    this.rows = undefined;
    this.dragging = false;
    /** @type {HTMLInputElement | HTMLSelectElement | null} */
    this.editor = null;
    this.build();
    this.show(table);
  }

  build() {
    this.place.replaceChildren();
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "grid");
    this.place.setAttribute("aria-label", text("cohort.grid"));
    this.place.setAttribute("aria-multiselectable", "true");
    this.grid = this.place.appendChild(element("table", "cells"));
    this.grid.setAttribute("role", "presentation");
    this.columns = this.grid.appendChild(element("colgroup"));
    const thead = this.grid.appendChild(element("thead"));
    thead.setAttribute("role", "rowgroup");
    this.head = thead.appendChild(element("tr"));
    this.head.setAttribute("role", "row");
    this.body = this.grid.appendChild(element("tbody"));
    this.body.setAttribute("role", "rowgroup");
    this.place.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), { passive: true });
    this.place.addEventListener("keydown", (event) => this.key(event));
    this.place.addEventListener("mousedown", (event) => this.mouse(event));
    this.place.addEventListener("mouseover", (event) => {
      if (event.buttons === 1 && this.dragging) this.select(this.placeOf(event.target), true);
    });
    this.place.addEventListener("dblclick", (event) => this.placeOf(event.target) && this.open());
    this.place.addEventListener("focusin", () => this.draw());
    window.addEventListener("mouseup", () => (this.dragging = false));
    for (const kind of ["copy", "cut", "paste"]) {
      this.place.addEventListener(kind, (event) => this.clipboard(/** @type {ClipboardEvent} */ (event)));
    }
    new ResizeObserver(() => this.draw()).observe(this.place);
  }

  /** @param {Table} table */
  show(table) {
    this.table = table;
    this.place.setAttribute("aria-colcount", String(table.columns.length + 1));
    this.columns?.replaceChildren();
    this.head?.replaceChildren();
    /** @type {HTMLElement} */ (this.columns).appendChild(element("col", "corner"));
    const corner = this.headCell("corner", text("cohort.line"));
    corner.setAttribute("aria-colindex", "1");
    table.columns.forEach((column, number) => {
      const longest = table.rows.reduce((most, row) => Math.max(most, (row.cells[number] ?? "").length), column.name.length);
      this.column(Math.min(26, Math.max(8, longest + 3)));
      const cell = this.headCell(this.isFixed(number) ? "key" : "", column.name);
      cell.setAttribute("aria-colindex", String(number + 2));
      const below = [this.roleOf(column.role), column.unit].filter(Boolean).join(", ");
      cell.appendChild(element("span", "role", below || "\u00a0"));
      cell.title = [column.label, column.values.length && column.kind === "choice" ? column.values.join(", ") : "", rangeOf(column)]
        .filter(Boolean).join("\n");
    });
    this.refresh();
  }

  /**
   * True for the patient's column where it is the first: it stays in view.
   * @param {number} column
   */
  isFixed(column) {
    return column === 0 && this.table.key[0] === 0;
  }

  /** @param {string} role */
  roleOf(role) {
    if (!role) return "";
    return role.startsWith("clinical.") ? text("cohort.role.clinical") : text(`cohort.role.${role.replace(".column", "")}`);
  }

  /** @param {number} width in characters */
  column(width) {
    const col = /** @type {HTMLElement} */ (this.columns).appendChild(element("col"));
    col.style.width = `${width}ch`;
    return col;
  }

  /**
   * @param {string} name
   * @param {string} words
   */
  headCell(name, words) {
    const cell = /** @type {HTMLElement} */ (this.head).appendChild(element("th", name));
    cell.setAttribute("role", "columnheader");
    cell.scope = "col";
    cell.appendChild(element("span", "name", words));
    return cell;
  }

  /** The rows that the filter lets through, and the cells that are seen of them. */
  refresh() {
    this.rows = this.filter ? this.table.rows.filter(this.filter) : this.table.rows;
    this.at.row = Math.max(0, Math.min(this.at.row, this.rows.length - 1));
    this.at.column = Math.max(0, Math.min(this.at.column, this.table.columns.length - 1));
    this.anchor = { row: Math.min(this.anchor.row, this.rows.length - 1), column: Math.min(this.anchor.column, this.table.columns.length - 1) };
    this.place.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.draw();
  }

  draw() {
    if (this.editor || !this.body || !this.rows) return; // an open field stays where it is
    const first = Math.max(0, Math.floor(this.place.scrollTop / ROW_PX) - BEYOND);
    const last = Math.min(this.rows.length, Math.ceil((this.place.scrollTop + this.place.clientHeight) / ROW_PX) + BEYOND);
    const rows = [this.gap(first)];
    for (let row = first; row < last; row++) rows.push(this.drawRow(row));
    rows.push(this.gap(this.rows.length - last));
    this.body.replaceChildren(...rows);
    const active = this.rows.length ? `c${this.at.row}-${this.at.column}` : "";
    if (active && document.getElementById(active)) this.place.setAttribute("aria-activedescendant", active);
    else this.place.removeAttribute("aria-activedescendant");
  }

  /** @param {number} rows */
  gap(rows) {
    const row = element("tr", "gap");
    row.setAttribute("role", "presentation");
    row.style.height = `${rows * ROW_PX}px`;
    return row;
  }

  /** @param {number} number */
  drawRow(number) {
    const row = /** @type {Row[]} */ (this.rows)[number];
    const node = element("tr");
    node.setAttribute("role", "row");
    node.setAttribute("aria-rowindex", String(number + 2));
    const note = this.page.marks.note(row);
    const problem = this.page.marks.problem(row, -1);
    const head = node.appendChild(element("th", problem ? "bad" : note ? "noted" : "", row.line === null ? "+" : String(row.line)));
    head.setAttribute("role", "rowheader");
    head.scope = "row";
    if (problem || note) head.title = [problem, note].filter(Boolean).join("\n");
    const [top, bottom, left, right] = this.area();
    this.table.columns.forEach((column, place) => {
      const name = this.isFixed(place) ? "key" : column.kind === "number" ? "number" : "";
      const cell = node.appendChild(element("td", name, row.cells[place] ?? ""));
      cell.id = `c${number}-${place}`;
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-colindex", String(place + 2));
      cell.dataset.row = String(number);
      cell.dataset.column = String(place);
      const inside = number >= top && number <= bottom && place >= left && place <= right;
      if (inside) cell.setAttribute("aria-selected", "true");
      if (number === this.at.row && place === this.at.column) cell.classList.add("active");
      const wrong = this.page.marks.problem(row, place);
      if (wrong) {
        cell.classList.add("bad");
        cell.setAttribute("aria-invalid", "true");
        cell.title = wrong;
      }
      const locked = this.page.marks.locked(row, place);
      if (locked) {
        cell.classList.add("locked");
        cell.setAttribute("aria-readonly", "true");
        cell.title ||= locked;
      }
      if ((row.cells[place] ?? "") !== (row.saved[place] ?? "")) cell.classList.add("unsaved");
    });
    return node;
  }

  /** Top, bottom, left and right of what is selected. */
  area() {
    const { at, anchor } = this;
    return [Math.min(at.row, anchor.row), Math.max(at.row, anchor.row), Math.min(at.column, anchor.column), Math.max(at.column, anchor.column)];
  }

  /**
   * @param {EventTarget | null} target
   * @returns {Place | null}
   */
  placeOf(target) {
    const cell = target instanceof Element ? target.closest("td[data-row]") : null;
    return cell instanceof HTMLElement ? { row: Number(cell.dataset.row), column: Number(cell.dataset.column) } : null;
  }

  /**
   * @param {Place | null} to
   * @param {boolean} [extend] keep the other corner
   */
  select(to, extend = false) {
    if (!to || !this.rows) return;
    this.at = {
      row: Math.max(0, Math.min(to.row, this.rows.length - 1)),
      column: Math.max(0, Math.min(to.column, this.table.columns.length - 1)),
    };
    if (!extend) this.anchor = { ...this.at };
    this.intoView();
    this.draw();
    this.page.moved(this.rows[this.at.row], this.at.column);
  }

  intoView() {
    const header = this.head?.offsetHeight ?? 0;
    const top = this.at.row * ROW_PX;
    const room = this.place.clientHeight - header - ROW_PX;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    else if (top > this.place.scrollTop + room) this.place.scrollTop = top - room + 4;
    const cell = this.head?.children[this.at.column + 1];
    if (!(cell instanceof HTMLElement) || this.isFixed(this.at.column)) return;
    const fixed = [...(this.head?.querySelectorAll(".corner, .key") ?? [])]
      .reduce((sum, one) => sum + /** @type {HTMLElement} */ (one).offsetWidth, 0);
    if (cell.offsetLeft - fixed < this.place.scrollLeft) this.place.scrollLeft = cell.offsetLeft - fixed;
    else if (cell.offsetLeft + cell.offsetWidth > this.place.scrollLeft + this.place.clientWidth) {
      this.place.scrollLeft = cell.offsetLeft + cell.offsetWidth - this.place.clientWidth + 4;
    }
  }

  /** @param {MouseEvent} event */
  mouse(event) {
    if (event.target instanceof Node && this.editor?.contains(event.target)) return;
    const to = this.placeOf(event.target);
    if (!to || event.button !== 0) return;
    event.preventDefault();
    this.close(true);
    this.place.focus({ preventScroll: true });
    this.dragging = true;
    this.select(to, event.shiftKey);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (this.editor) return this.editorKey(event);
    const arrow = ARROWS.get(event.key);
    const control = event.ctrlKey || event.metaKey;
    const { row, column } = this.at;
    const lastRow = (this.rows?.length ?? 1) - 1;
    const lastColumn = this.table.columns.length - 1;
    if (arrow) {
      const far = control ? 1e9 : 1;
      this.select({ row: row + arrow[0] * far, column: column + arrow[1] * far }, event.shiftKey);
    } else if (event.key === "Home") this.select({ row: control ? 0 : row, column: 0 }, event.shiftKey);
    else if (event.key === "End") this.select({ row: control ? lastRow : row, column: lastColumn }, event.shiftKey);
    else if (event.key === "PageUp" || event.key === "PageDown") {
      const page = Math.max(1, Math.floor(this.place.clientHeight / ROW_PX) - 2);
      this.select({ row: row + (event.key === "PageUp" ? -page : page), column }, event.shiftKey);
    } else if (event.key === "Tab") {
      if (!this.step(event.shiftKey ? -1 : 1)) return; // out of the sheet at its ends
    } else if (event.key === "Escape") return this.page.left();
    else if (event.key === "Enter" || event.key === "F2") this.open();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (control && event.key.toLowerCase() === "a") {
      this.anchor = { row: 0, column: 0 };
      this.select({ row: lastRow, column: lastColumn }, true);
    } else if (control && (event.key.toLowerCase() === "y" || (event.shiftKey && event.key.toLowerCase() === "z"))) this.back("redo");
    else if (control && event.key.toLowerCase() === "z") this.back("undo");
    else if (event.key === "Process" || (event.key.length === 1 && !control && !event.altKey)) {
      this.open(event.key === "Process" ? "" : event.key);
      if (event.key === "Process") return;
    } else return;
    event.preventDefault();
  }

  /**
   * One cell on or back, into the next row at its end; false at the ends of the sheet.
   * @param {number} by
   */
  step(by) {
    const width = this.table.columns.length;
    const to = this.at.row * width + this.at.column + by;
    if (to < 0 || to >= width * (this.rows?.length ?? 0)) return false;
    this.select({ row: Math.floor(to / width), column: to % width });
    return true;
  }

  /** @param {"undo" | "redo"} which */
  back(which) {
    const step = which === "undo" ? this.table.undo() : this.table.redo();
    if (!step) return this.page.say(text(`cohort.no_${which}`));
    const rows = step.map((one) => this.rows?.indexOf(one.row) ?? -1).filter((row) => row >= 0);
    const columns = step.map((one) => one.column);
    if (rows.length) {
      this.select({ row: Math.min(...rows), column: Math.min(...columns) });
      this.select({ row: Math.max(...rows), column: Math.max(...columns) }, true);
    }
    this.draw();
    this.page.changed();
  }

  /**
   * Open a field in the active cell.
   * @param {string} [typed] what replaces the text; undefined to change it
   */
  open(typed) {
    const row = this.rows?.[this.at.row];
    if (!row) return;
    const locked = this.page.marks.locked(row, this.at.column);
    if (locked) return this.page.say(locked);
    this.intoView();
    this.draw();
    const cell = document.getElementById(`c${this.at.row}-${this.at.column}`);
    if (!cell) return;
    const column = this.table.columns[this.at.column];
    const now = row.cells[this.at.column] ?? "";
    const field = column.kind === "choice" ? choiceOf(column.values, now, typed) : lineOf(column, typed ?? now);
    field.setAttribute("aria-label", `${column.name}, ${text("cohort.line")} ${row.line ?? "+"}`);
    cell.replaceChildren(field);
    cell.classList.add("open");
    this.editor = field;
    field.addEventListener("blur", () => this.close(true));
    field.focus();
    if (field instanceof HTMLInputElement && typed === undefined) field.select();
  }

  /** @param {KeyboardEvent} event */
  editorKey(event) {
    if (event.isComposing) return;
    const isLine = this.editor instanceof HTMLInputElement;
    if (event.key === "Escape") this.close(false);
    else if (event.key === "Enter") {
      this.close(true);
      this.select({ row: this.at.row + (event.shiftKey ? -1 : 1), column: this.at.column });
    } else if (event.key === "Tab") {
      this.close(true);
      this.step(event.shiftKey ? -1 : 1);
    } else {
      if (isLine && event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey)) this.close(true);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {boolean} keep what was typed */
  close(keep) {
    const field = this.editor;
    if (!field) return;
    this.editor = null;
    const value = field.value;
    const inside = field === document.activeElement || this.place.contains(document.activeElement);
    if (inside) this.place.focus({ preventScroll: true });
    const row = /** @type {Row[]} */ (this.rows)[this.at.row];
    if (keep) void this.put([{ row, column: this.at.column, text: value }]);
    this.draw();
  }

  /**
   * Give cells texts; numbers with a decimal mark are first understood as the table writes them.
   * @param {{row: Row, column: number, text: string}[]} texts
   */
  async put(texts) {
    const free = texts.filter(({ row, column }) => !this.page.marks.locked(row, column));
    const apply = () => {
      if (this.table.edit(free)) this.page.changed();
      this.draw();
    };
    const unsure = free.filter(({ column, text: words }) => this.table.columns[column].kind === "number" && /[.,]/.test(words));
    const known = new Set(this.table.columns.slice(0, this.table.savedColumns));
    if (unsure.length && unsure.every(({ column }) => known.has(this.table.columns[column]))) {
      const columns = [...new Set(unsure.map(({ column }) => column))];
      const rows = [...new Set(unsure.map(({ row }) => row))];
      const cells = rows.map((row) => columns.map((column) => unsure.find((one) => one.row === row && one.column === column)?.text ?? ""));
      try {
        const understood = await this.page.understood(columns, cells);
        for (const one of unsure) one.text = understood[rows.indexOf(one.row)][columns.indexOf(one.column)];
      } catch (error) {
        this.draw();
        return this.page.say(error instanceof Error ? error.message : String(error));
      }
    }
    apply();
    if (free.length < texts.length) this.page.say(text("cohort.some_locked", { n: texts.length - free.length }));
  }

  clear() {
    void this.put(this.selected().flat().map(({ row, column }) => ({ row, column, text: "" })));
  }

  /** @returns {{row: Row, column: number, text: string}[][]} */
  selected() {
    const [top, bottom, left, right] = this.area();
    return (this.rows ?? []).slice(top, bottom + 1).map((row) => {
      const cells = [];
      for (let column = left; column <= right; column++) cells.push({ row, column, text: row.cells[column] ?? "" });
      return cells;
    });
  }

  /** @param {ClipboardEvent} event */
  clipboard(event) {
    if (this.editor || !event.clipboardData) return;
    event.preventDefault();
    if (event.type === "paste") return this.paste(blockOf(event.clipboardData.getData("text/plain")));
    event.clipboardData.setData("text/plain", blockText(this.selected().map((row) => row.map((cell) => cell.text))));
    if (event.type === "cut") this.clear();
  }

  /**
   * Put a block at the active cell; one value fills all that is selected. Rows that lack are added.
   * @param {string[][]} block
   */
  paste(block) {
    const [top, bottom, left, right] = this.area();
    if (block.length === 1 && block[0].length === 1) {
      return void this.put(this.selected().flat().map(({ row, column }) => ({ row, column, text: block[0][0] })));
    }
    if (left + block[0].length > this.table.columns.length) {
      return this.page.say(text("cohort.too_wide", { n: block[0].length, left: this.table.columns.length - left }));
    }
    /** @type {Row[]} */
    const rows = this.rows ?? [];
    const repeat = bottom > top && (bottom - top + 1) % block.length === 0 && right - left + 1 <= block[0].length ? bottom - top + 1 : block.length;
    if (top + repeat > rows.length && this.filter) return this.page.say(text("cohort.filtered_paste"));
    while (this.table.rows.length < top + repeat) this.table.addRow();
    this.refresh();
    /** @type {{row: Row, column: number, text: string}[]} */
    const texts = [];
    for (let line = 0; line < repeat; line++) {
      block[line % block.length].forEach((words, place) => {
        texts.push({ row: /** @type {Row[]} */ (this.rows)[top + line], column: left + place, text: words });
      });
    }
    this.anchor = { row: top, column: left };
    this.at = { row: top + repeat - 1, column: left + block[0].length - 1 };
    void this.put(texts);
  }
}

/**
 * @param {string[]} values
 * @param {string} now
 * @param {string | undefined} typed
 */
function choiceOf(values, now, typed) {
  const field = element("select");
  const options = ["", ...values, ...(now && !values.includes(now) ? [now] : [])];
  for (const value of options) field.add(new Option(value, value));
  const begins = typed ? values.find((value) => value.toLowerCase().startsWith(typed.toLowerCase())) : undefined;
  field.value = begins ?? now;
  return field;
}

/**
 * @param {import("./table_model.js").Column} column
 * @param {string} words
 */
function lineOf(column, words) {
  const field = element("input");
  field.type = "text";
  field.spellcheck = false;
  field.autocomplete = "off";
  field.value = words;
  if (column.kind === "number") field.inputMode = "decimal";
  if (column.kind === "reason" && column.values.length) {
    const list = document.getElementById("reasons") ?? document.body.appendChild(element("datalist"));
    list.id = "reasons";
    list.replaceChildren(...column.values.map((value) => new Option(value, value)));
    field.setAttribute("list", "reasons");
  }
  return field;
}

/** @param {import("./table_model.js").Column} column */
function rangeOf({ range, unit }) {
  return range ? text("cohort.range", { low: range[0], high: range[1], unit }) : "";
}

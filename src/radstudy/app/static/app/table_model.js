// The cells of the cohort table in the browser: what was changed, undo and redo, blocks of the clipboard, another's changes.

/** @typedef {{line: number | null, cells: string[], saved: string[]}} Row a row; line is null while the file does not have it */
/** @typedef {{row: Row, column: number, before: string, after: string}} Edit */
/** @typedef {{name: string, role: string, kind: string, values: string[], label: string, unit: string, range: number[] | null}} Column */

export class Table {
  /**
   * @param {{columns: Column[], rows: (string | number)[][], key: number[]}} document as the server gives it
   */
  constructor({ columns, rows, key }) {
    this.columns = columns;
    this.savedColumns = columns.length;
    this.key = key;
    /** @type {Row[]} */
    this.rows = rows.map(([line, ...cells]) => ({ line: Number(line), cells: cells.map(String), saved: cells.map(String) }));
    /** @type {Edit[][]} */
    this.done = [];
    /** @type {Edit[][]} */
    this.undone = [];
  }

  /**
   * Give cells new texts, as one step of undo.
   * @param {{row: Row, column: number, text: string}[]} texts
   */
  edit(texts) {
    const step = texts
      .map(({ row, column, text }) => ({ row, column, before: row.cells[column] ?? "", after: text.trim() }))
      .filter(({ before, after }) => before !== after);
    if (!step.length) return false;
    this.done.push(step);
    this.undone = [];
    for (const { row, column, after } of step) row.cells[column] = after;
    return true;
  }

  /** @returns {Edit[] | undefined} the step that was taken back */
  undo() {
    const step = this.done.pop();
    if (!step) return undefined;
    this.undone.push(step);
    for (const { row, column, before } of [...step].reverse()) row.cells[column] = before;
    return step;
  }

  /** @returns {Edit[] | undefined} the step that was done again */
  redo() {
    const step = this.undone.pop();
    if (!step) return undefined;
    this.done.push(step);
    for (const { row, column, after } of step) row.cells[column] = after;
    return step;
  }

  /** @returns {Row} a new row at the end */
  addRow() {
    const row = { line: null, cells: this.columns.map(() => ""), saved: this.columns.map(() => "") };
    this.rows.push(row);
    return row;
  }

  /** @param {string} name of a new column at the end */
  addColumn(name) {
    this.columns.push({ name, role: "", kind: "text", values: [], label: "", unit: "", range: null });
    for (const row of this.rows) {
      row.cells.push("");
      row.saved.push("");
    }
  }

  /** What the file does not have yet, as the server takes it; null if there is nothing. */
  pending() {
    /** @type {{line: number, column: number, text: string}[]} */
    const cells = [];
    /** @type {Row[]} */
    const fresh = [];
    for (const row of this.rows) {
      if (row.line === null) {
        if (row.cells.some((text) => text)) fresh.push(row);
        continue;
      }
      row.cells.forEach((text, column) => {
        if (text !== row.saved[column]) cells.push({ line: /** @type {number} */ (row.line), column, text });
      });
    }
    const columns = this.columns.slice(this.savedColumns).map(({ name }) => name);
    if (!cells.length && !fresh.length && !columns.length) return null;
    return { cells, rows: fresh.map((row) => [...row.cells]), columns, fresh };
  }

  /**
   * The file has what was sent.
   * @param {NonNullable<ReturnType<Table["pending"]>>} sent
   * @param {{lines: number[][], added: number[], columns: Column[]}} answer
   */
  saved(sent, answer) {
    const places = new Map(this.rows.filter(({ line }) => line !== null).map((row) => [row.line, row]));
    for (const { line, column, text } of sent.cells) {
      const row = places.get(line);
      if (row) row.saved[column] = text;
    }
    const now = new Map(answer.lines.map(([before, after]) => [before, after]));
    for (const row of places.values()) {
      row.line = now.get(/** @type {number} */ (row.line)) ?? null;
      if (row.line === null) row.saved = row.saved.map(() => "");
    }
    sent.fresh.forEach((row, number) => {
      row.line = answer.added[number] ?? null;
      row.saved = sent.rows[number].slice();
      while (row.saved.length < row.cells.length) row.saved.push("");
    });
    const more = this.columns.slice(answer.columns.length);
    this.columns = [...answer.columns, ...more];
    this.savedColumns = answer.columns.length;
  }

  /**
   * The key of a row: patient and lesion; "" without a patient.
   * @param {string[]} cells
   */
  keyOf(cells) {
    return cells[this.key[0]] ? this.key.map((column) => cells[column]).join("\u0000") : "";
  }

  /**
   * This table's unsaved changes on top of the file as another has changed it.
   * @param {{columns: Column[], rows: (string | number)[][], key: number[]}} document
   */
  onTopOf(document) {
    const other = new Table(document);
    const there = new Map(other.rows.map((row) => [other.keyOf(row.cells) || `line ${row.line}`, row]));
    const column = new Map(other.columns.map(({ name }, number) => [name, number]));
    const own = this.columns.slice(this.savedColumns).filter(({ name }) => !column.has(name));
    for (const { name } of own) {
      other.addColumn(name);
      column.set(name, other.columns.length - 1);
    }
    /** @type {{row: string, column: string, before: string, theirs: string, mine: string}[]} */
    const theirs = [];
    /** @type {{row: string, column: string, text: string}[]} */
    const lost = [];
    for (const row of this.rows) {
      const key = row.line === null ? "" : this.keyOf(row.saved) || `line ${row.line}`;
      const target = row.line === null ? null : there.get(key);
      const shown = key.replaceAll("\u0000", ", ");
      if (row.line === null && row.cells.some((text) => text)) {
        const added = other.addRow();
        this.columns.forEach(({ name }, number) => (added.cells[column.get(name) ?? -1] = row.cells[number]));
        continue;
      }
      if (target) there.delete(key);
      this.columns.forEach(({ name }, number) => {
        const at = column.get(name);
        const [before, mine] = [row.saved[number] ?? "", row.cells[number] ?? ""];
        const changed = before !== mine;
        if (!target || at === undefined) {
          if (changed) lost.push({ row: shown, column: name, text: mine });
          return;
        }
        const now = target.saved[at] ?? "";
        if (now !== before) theirs.push({ row: shown, column: name, before, theirs: now, mine: changed ? mine : "" });
        if (changed) target.cells[at] = mine;
      });
    }
    const added = [...there.keys()].map((key) => key.replaceAll("\u0000", ", "));
    return { table: other, theirs, lost, added };
  }
}

/**
 * The cells of a block as Excel puts them on the clipboard: tabs between cells; quotes around one with a tab, quote or line end.
 * @param {string} text
 * @returns {string[][]}
 */
export function blockOf(text) {
  /** @type {string[][]} */
  const rows = [[]];
  let at = 0;
  const plain = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n").replace(/\n$/, "");
  while (at <= plain.length) {
    let cell = "";
    if (plain[at] === '"' && /^"(?:[^"]|"")*"(?=\t|\n|$)/.test(plain.slice(at))) {
      const quoted = /** @type {RegExpExecArray} */ (/^"((?:[^"]|"")*)"/.exec(plain.slice(at)));
      cell = quoted[1].replaceAll('""', '"');
      at += quoted[0].length;
    } else {
      const end = plain.slice(at).search(/[\t\n]/);
      cell = end < 0 ? plain.slice(at) : plain.slice(at, at + end);
      at += cell.length;
    }
    rows[rows.length - 1].push(cell.trim());
    if (at >= plain.length) break;
    if (plain[at] === "\n") rows.push([]);
    at += 1;
  }
  const width = Math.max(...rows.map((row) => row.length));
  return rows.map((row) => [...row, ...Array(width - row.length).fill("")]);
}

/**
 * A block as Excel takes it from the clipboard.
 * @param {string[][]} cells
 */
export function blockText(cells) {
  const written = (/** @type {string} */ cell) => (/["\t\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return cells.map((row) => row.map(written).join("\t")).join("\n");
}

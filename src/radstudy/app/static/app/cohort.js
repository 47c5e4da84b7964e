// The patients of a study: the table as a sheet that saves itself, its problems, counts, outcomes and codebook.

import { api, AppError, dialog, element, get, labelled, listed, onPress, post, say, sayError, STUDY, text } from "./app.js";
import { codebook } from "./codebook.js";
import { askOutcomes } from "./outcomes_pasted.js";
import { Sheet } from "./sheet.js";
import { Table } from "./table_model.js";

/** @typedef {import("./app.js").Json} Json */
/** @typedef {import("./table_model.js").Row} Row */

const SAVE_AFTER_MS = 700;
const MOST_LISTED = 60;
const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));

class Page {
  /** @param {Json} document */
  constructor(document) {
    /** @type {Json[]} */
    this.changes = [];
    this.isSaving = false;
    this.isStopped = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Json} */
    this.found = document;
    /** @type {Map<string, string>} */
    this.problems = new Map();
    /** @type {Map<string, string>} */
    this.locked = new Map();
    /** @type {Map<number, string>} */
    this.files = new Map();
    /** @type {Table} */
    this.table = new Table(/** @type {any} */ (document));
    this.version = "";
    this.take(document);
    /** @type {Sheet} */
    this.sheet = new Sheet(by("sheet"), this.table, {
      marks: {
        problem: (row, column) => this.problems.get(`${row.line} ${column}`) ?? "",
        locked: (row, column) => this.locked.get(`${row.line} ${column}`) ?? "",
        note: (row) => this.files.get(row.line ?? -1) ?? "",
      },
      changed: () => this.changed(), moved: (row, column) => this.moved(row, column), say: (words) => say(words, "bad"),
      understood: async (columns, cells) => (await post(api("cohort", "understood"), { columns, cells })).cells,
      left: () => button("save").focus(),
    });
    this.tools();
    this.showState();
    this.status("saved");
    window.addEventListener("beforeunload", (event) => {
      if (this.table.pending()) event.preventDefault();
    });
  }

  /** @param {Json} document the table as the server has it */
  take(document) {
    this.version = document.version;
    this.table = new Table(/** @type {any} */ (document));
    this.locked = new Map(document.locked.map((/** @type {any[]} */ [line, column, why]) => [`${line} ${column}`, why]));
    this.read(document);
  }

  /** @param {Json} answer what was found in the table */
  read(answer) {
    this.found = answer;
    this.problems = new Map();
    for (const { text: words, cells } of answer.state.problems) {
      for (const [line, column] of cells) {
        const at = `${line} ${column}`;
        this.problems.set(at, [this.problems.get(at), words].filter(Boolean).join("\n"));
        if (column >= 0 && !this.problems.has(`${line} -1`)) this.problems.set(`${line} -1`, words);
      }
    }
    this.files = new Map();
    for (const one of answer.state.missing) {
      const words = `${one.place}: ${one.problem}. ${text("cohort.missing.remedy")} ${one.remedy}`;
      for (const line of one.lines) this.files.set(line, [this.files.get(line), words].filter(Boolean).join("\n"));
    }
  }

  tools() {
    onPress(button("save"), async () => {
      this.isStopped = false;
      await this.save();
    });
    button("undo").addEventListener("click", () => this.sheet.back("undo"));
    button("redo").addEventListener("click", () => this.sheet.back("redo"));
    button("add-row").addEventListener("click", () => this.addRow());
    onPress(button("add-column"), () => this.askColumn());
    onPress(button("paste-outcomes"), async () => {
      if (await this.settled()) await askOutcomes(this.version, this.found, () => this.reload());
    });
    by("only-problems").addEventListener("change", () => this.filter());
    by("find").addEventListener("keydown", (event) => event.key === "Enter" && this.find());
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
        event.preventDefault();
        this.sheet.close(true);
        button("save").click();
      }
    });
  }

  addRow() {
    this.table.addRow();
    this.sheet.filter = null;
    /** @type {HTMLInputElement} */ (by("only-problems")).checked = false;
    this.sheet.refresh();
    this.sheet.place.focus();
    this.sheet.select({ row: this.table.rows.length - 1, column: 0 });
  }

  async askColumn() {
    const field = element("input");
    field.type = "text";
    field.required = true;
    field.maxLength = 200;
    await dialog(text("cohort.add_column"), labelled(text("cohort.column_name"), field, text("cohort.column_help")), text("cohort.add_column"), async () => {
      this.addColumns([field.value.trim()]);
    });
  }

  /** @param {string[]} names */
  addColumns(names) {
    for (const name of names) this.table.addColumn(name);
    this.sheet.show(this.table);
    this.sheet.select({ row: 0, column: this.table.columns.length - 1 });
    this.changed(0);
  }

  filter() {
    const only = /** @type {HTMLInputElement} */ (by("only-problems")).checked;
    const wrong = (/** @type {Row} */ row) => this.problems.has(`${row.line} -1`) || this.files.has(row.line ?? -1);
    this.sheet.filter = only ? (row) => row.line === null || wrong(row) : null;
    this.sheet.refresh();
  }

  find() {
    const words = /** @type {HTMLInputElement} */ (by("find")).value.trim().toLowerCase();
    const rows = this.sheet.rows ?? [];
    const start = this.sheet.at.row + 1;
    const order = [...rows.slice(start), ...rows.slice(0, start)];
    const row = words && order.find(({ cells }) => cells.some((cell) => cell.toLowerCase().includes(words)));
    if (!row) return say(text("cohort.not_there", { text: words }), "bad");
    const column = row.cells.findIndex((cell) => cell.toLowerCase().includes(words));
    this.sheet.select({ row: rows.indexOf(row), column });
  }

  /**
   * @param {Row | undefined} row
   * @param {number} column
   */
  moved(row, column) {
    if (!row) return;
    const marks = this.sheet.page.marks;
    by("cell-note").textContent = [marks.problem(row, column), marks.locked(row, column), marks.note(row)].filter(Boolean).join("\n");
  }

  /** @param {number} [after] milliseconds until it is saved */
  changed(after = SAVE_AFTER_MS) {
    if (!this.table.pending()) return this.status("saved");
    this.status(this.isStopped ? "failed" : "unsaved");
    clearTimeout(this.timer);
    if (!this.isStopped) this.timer = setTimeout(() => void this.save(), after);
  }

  /** @param {"saved" | "unsaved" | "saving" | "failed"} word */
  status(word) {
    const place = by("saving");
    place.textContent = text(`cohort.${word}`);
    place.className = `state state-${{ saved: "done", unsaved: "ready", saving: "running", failed: "failed" }[word]}`;
  }

  /** Write what the file does not have; one request at a time. */
  async save() {
    clearTimeout(this.timer);
    if (this.isSaving) return;
    const sent = this.table.pending();
    if (!sent) return this.status("saved");
    this.isSaving = true;
    this.status("saving");
    try {
      const { fresh: _, ...body } = sent;
      const answer = await post(api("cohort", "save"), { version: this.version, ...body });
      this.wrote(sent, answer);
    } catch (error) {
      await this.notSaved(error);
      return;
    } finally {
      this.isSaving = false;
    }
    this.changed();
  }

  /**
   * @param {NonNullable<ReturnType<Table["pending"]>>} sent
   * @param {Json} answer
   */
  wrote(sent, answer) {
    this.version = answer.version;
    const columns = this.table.columns.length;
    this.table.saved(sent, /** @type {any} */ (answer));
    this.changes.push(...answer.changes.map((/** @type {any[]} */ one) => ({ cell: one })));
    this.changes.push(...answer.added.map((/** @type {number} */ line) => ({ added: line })), ...sent.columns.map((name) => ({ column: name })));
    this.read(answer);
    if (sent.columns.length || columns !== answer.columns.length) this.sheet.show(this.table);
    else this.sheet.draw();
    this.showState();
  }

  /** @param {unknown} error */
  async notSaved(error) {
    this.isStopped = true;
    this.status("failed");
    if (error instanceof AppError && error.status === 409 && error.body.table) await this.conflict(error.body.table);
    else say(text("cohort.stopped", { why: error instanceof Error ? error.message : String(error) }), "bad");
  }

  /** @param {Json} document the table as another has left it */
  async conflict(document) {
    const { table, theirs, lost, added } = this.table.onTopOf(/** @type {any} */ (document));
    const box = element("div");
    box.appendChild(element("p", "", text("cohort.conflict.what")));
    listed(box, text("cohort.conflict.theirs", { n: theirs.length }), theirs.map((one) =>
      `${one.row}, ${one.column}: '${one.before}' → '${one.theirs}'${one.mine ? text("cohort.conflict.both", { mine: one.mine }) : ""}`));
    if (added.length) box.appendChild(element("p", "", text("cohort.conflict.rows", { rows: added.join("; ") })));
    listed(box, text("cohort.conflict.lost"), lost.map((one) => `${one.row}, ${one.column}: '${one.text}'`));
    const choice = element("select");
    for (const value of ["on_top", "drop"]) choice.add(new Option(text(`cohort.conflict.${value}`), value));
    box.appendChild(labelled(text("app.choose"), choice));
    if (!(await dialog(text("cohort.conflict.title"), box, text("app.choose")))) return;
    this.take(document);
    if (choice.value === "on_top") this.table = table;
    this.isStopped = false;
    this.sheet.show(this.table);
    this.showState();
    this.changed(0);
  }

  /** True once everything is saved. */
  async settled() {
    this.sheet.close(true);
    this.isStopped = false;
    await this.save();
    return !this.table.pending();
  }

  async reload() {
    this.take(await get(api("cohort", "table")));
    this.sheet.show(this.table);
    this.showState();
    this.status("saved");
  }

  showState() {
    const pill = document.querySelector(".stage[aria-current] .state");
    const state = this.found.state.problems.length ? "ready" : "done";
    if (pill) {
      pill.className = `state state-${state}`;
      pill.textContent = text(`flow.state.${state}`);
    }
    chart(by("chart"), this.found);
    this.showProblems();
    this.showMissing();
    this.showChanges();
    this.showOffers();
    codebook(by("codebook"), this.found, () => this.settled(), () => location.reload());
  }

  showProblems() {
    const place = by("problems");
    const problems = this.found.state.problems;
    place.replaceChildren();
    if (!problems.length) {
      place.appendChild(element("p", "card good", text("cohort.problem.none")));
    } else {
      place.appendChild(element("h2", "", text("cohort.problem.title", { n: problems.length })));
      place.appendChild(element("p", "note", text("cohort.problem.what")));
    }
    const list = place.appendChild(element("ul", "failures"));
    for (const { text: words, cells } of problems.slice(0, MOST_LISTED)) {
      const item = list.appendChild(element("li", "card"));
      if (!cells.length) {
        item.textContent = words;
        continue;
      }
      const go = item.appendChild(element("button", "link", words));
      go.type = "button";
      go.addEventListener("click", () => this.goTo(cells[0][0], cells[0][1]));
    }
    const notes = this.found.state.notes;
    if (notes.length) listed(place, text("cohort.notes"), notes);
  }

  /**
   * @param {number} line
   * @param {number} column
   */
  goTo(line, column) {
    if (this.sheet.filter) {
      /** @type {HTMLInputElement} */ (by("only-problems")).checked = false;
      this.filter();
    }
    const row = this.table.rows.findIndex((one) => one.line === line);
    this.sheet.place.focus();
    this.sheet.select({ row, column: Math.max(0, column) });
    this.sheet.place.scrollIntoView({ block: "nearest" });
  }

  showMissing() {
    const place = by("missing");
    const missing = this.found.state.missing;
    place.replaceChildren();
    if (!missing.length) return;
    place.appendChild(element("h2", "", text("cohort.missing.title", { n: missing.length })));
    place.appendChild(element("p", "note", text("cohort.missing.what")));
    const list = place.appendChild(element("ul", "failures"));
    for (const one of missing.slice(0, MOST_LISTED)) {
      const item = list.appendChild(element("li", "card"));
      const go = item.appendChild(element("button", "link", text("cohort.missing.row", { lines: one.lines.join(", "), place: one.place, problem: one.problem })));
      go.type = "button";
      go.addEventListener("click", () => this.goTo(one.lines[0], 0));
      item.appendChild(element("p", "remedy", `${text("cohort.missing.remedy")} ${one.remedy}`));
      if (one.file) item.appendChild(element("code", "path", one.file));
    }
    if (missing.length > MOST_LISTED) place.appendChild(element("p", "note", text("cohort.missing.and_more", { n: missing.length - MOST_LISTED })));
  }

  showChanges() {
    const place = by("changes");
    place.replaceChildren();
    if (!this.changes.length) return;
    place.appendChild(element("h2", "", text("cohort.changed.title")));
    const list = place.appendChild(element("ul", "changes"));
    for (const one of this.changes.slice(-MOST_LISTED).reverse()) {
      const item = list.appendChild(element("li"));
      if (one.added) item.textContent = text("cohort.changed.added", { line: one.added });
      else if (one.column) item.textContent = text("cohort.changed.column", { name: one.column });
      else {
        const [line, column, before, after] = one.cell;
        item.appendChild(element("span", "note", `${text("cohort.changed.cell", { line, column })} `));
        item.appendChild(element("del", "", before || text("cohort.changed.empty")));
        item.append(" → ");
        item.appendChild(element("ins", "", after || text("cohort.changed.empty")));
      }
    }
    if (this.changes.length > MOST_LISTED) place.appendChild(element("p", "note", text("cohort.changed.and_more", { n: this.changes.length - MOST_LISTED })));
  }

  showOffers() {
    const place = by("offers");
    place.replaceChildren();
    const lacking = this.found.state.lacking.filter((/** @type {string} */ name) => !this.table.columns.some((column) => column.name === name));
    if (lacking.length) {
      const box = place.appendChild(element("p", "card warn", text("cohort.offer.columns", { names: lacking.join(", ") })));
      const add = box.appendChild(element("button", "", text("cohort.offer.add_columns")));
      add.type = "button";
      add.addEventListener("click", () => this.addColumns(lacking));
    }
    if (!this.found.excludes) {
      const box = place.appendChild(element("p", "card", text("cohort.offer.exclusions")));
      const add = box.appendChild(element("button", "", text("cohort.offer.add_exclusions")));
      add.type = "button";
      onPress(add, () => this.addExclusions());
    }
  }

  async addExclusions() {
    if (!(await this.settled())) return;
    const column = text("cohort.offer.exclusion_column");
    await post(api("cohort", "exclusions"), { version: this.found.study, column });
    if (!this.table.columns.some(({ name }) => name === column)) {
      this.table.addColumn(column);
      await this.save();
    }
    location.reload();
  }
}

/**
 * The flow of patients. Of the sets, patients alone are counted: outcomes of the testing set stay sealed.
 * @param {HTMLElement} place
 * @param {Json} found
 */
function chart(place, found) {
  const counts = found.state.counts;
  place.replaceChildren();
  place.setAttribute("aria-label", text("cohort.chart.title"));
  if (!counts) return;
  const box = (/** @type {number} */ n, /** @type {string} */ words, /** @type {string[]} */ lines = []) => {
    const node = element("div", "box");
    node.appendChild(element("strong", "", String(n)));
    node.appendChild(element("span", "", words));
    for (const line of lines) node.appendChild(element("span", "note", line));
    return node;
  };
  const [negative, positive] = found.labels.length ? found.labels : [text("cohort.chart.negative"), text("cohort.chart.positive")];
  const outcomes = [`${counts.negative} ${negative}`, `${counts.positive} ${positive}`];
  if (counts.unknown) outcomes.push(`${counts.unknown} ${text("cohort.chart.unknown")}`);
  if (counts.lesions !== counts.kept) outcomes.push(text("cohort.chart.lesions", { n: counts.lesions }));
  const excluded = counts.excluded.reduce((/** @type {number} */ sum, /** @type {any[]} */ [, n]) => sum + n, 0);
  const reasons = counts.excluded.map((/** @type {any[]} */ [reason, n]) => text("cohort.chart.reason", { n, reason }));
  place.append(box(counts.screened, text("cohort.chart.screened")), box(excluded, text("cohort.chart.excluded"), reasons), box(counts.kept, text("cohort.chart.kept"), outcomes));
  if (counts.training === null) place.appendChild(element("p", "note", text("cohort.chart.no_sets")));
  else place.append(box(counts.training, text("cohort.chart.training")), box(counts.testing, text("cohort.chart.testing")));
}

const content = document.getElementById("table")?.textContent;
if (content) new Page(JSON.parse(content));
const begin = document.getElementById("begin");
if (begin instanceof HTMLButtonElement) onPress(begin, () => post(api("cohort", "begin")).then(() => location.reload()));
document.getElementById("again")?.addEventListener("click", () => location.reload());

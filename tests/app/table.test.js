import assert from "node:assert/strict";
import { test } from "node:test";
import { blockOf, blockText, Table } from "../../src/radstudy/app/static/app/table_model.js";

const column = (name) => ({ name, role: "", kind: "text", values: [], label: "", unit: "", range: null });
const table = (...rows) => new Table({ columns: ["id", "a", "b"].map(column), rows, key: [0] });

test("a block from Excel comes back, whatever its cells hold", () => {
  for (const block of [[["a", "b"], ["c", ""]], [["a\tb", 'say "no"'], ["two\nlines", "x"]], [[""]]]) {
    assert.deepEqual(blockOf(blockText(block)), block);
  }
  assert.deepEqual(blockOf("1,5\t2\r\n3\r\n"), [["1,5", "2"], ["3", ""]]);
  assert.deepEqual(blockOf('"open\tx'), [['"open', "x"]]);
});

test("only what differs from the file is sent, and a row without content is not", () => {
  const own = table([2, "p1", "1", ""], [3, "p2", "2", ""]);
  assert.equal(own.pending(), null);
  own.addRow();
  assert.equal(own.pending(), null);
  own.edit([{ row: own.rows[1], column: 1, text: " 7 " }, { row: own.rows[2], column: 0, text: "p3" }]);
  const { cells, rows, columns } = own.pending();
  assert.deepEqual({ cells, rows, columns }, { cells: [{ line: 3, column: 1, text: "7" }], rows: [["p3", "", ""]], columns: [] });
});

test("undo and redo go step by step, and a new edit ends redo", () => {
  const own = table([2, "p1", "1", ""]);
  const [row] = own.rows;
  own.edit([{ row, column: 1, text: "2" }, { row, column: 2, text: "x" }]);
  own.edit([{ row, column: 1, text: "3" }]);
  own.undo();
  own.undo();
  assert.deepEqual(row.cells, ["p1", "1", ""]);
  assert.equal(own.pending(), null);
  own.redo();
  assert.deepEqual(row.cells, ["p1", "2", "x"]);
  own.edit([{ row, column: 1, text: "9" }]);
  assert.equal(own.redo(), undefined);
  assert.equal(own.edit([{ row, column: 1, text: "9" }]), false);
});

test("what was typed while a save was under way is still to be saved", () => {
  const own = table([2, "p1", "1", ""]);
  own.edit([{ row: own.rows[0], column: 1, text: "2" }]);
  const sent = own.pending();
  own.edit([{ row: own.rows[0], column: 1, text: "3" }]);
  own.addRow();
  own.edit([{ row: own.rows[1], column: 0, text: "p2" }]);
  own.saved(sent, { lines: [[2, 4]], added: [], columns: own.columns });
  const left = own.pending();
  assert.deepEqual([left.cells, left.rows], [[{ line: 4, column: 1, text: "3" }], [["p2", "", ""]]]);
  own.saved(left, { lines: [[4, 4]], added: [5], columns: own.columns });
  assert.equal(own.pending(), null);
  assert.deepEqual(own.rows.map((row) => row.line), [4, 5]);
});

test("unsaved changes go on top of another's, by patient and column, and what has no place is told", () => {
  const own = table([2, "p1", "1", ""], [3, "p2", "2", ""], [4, "p3", "3", ""]);
  own.edit([
    { row: own.rows[0], column: 2, text: "mine" }, { row: own.rows[1], column: 1, text: "20" }, { row: own.rows[2], column: 1, text: "30" },
  ]);
  own.addRow();
  own.edit([{ row: own.rows[3], column: 0, text: "p9" }]);
  own.addColumn("new");
  const there = { columns: ["id", "b", "a"].map(column), rows: [[2, "p2", "theirs", "22"], [3, "p1", "", "1"], [4, "p7", "", ""]], key: [0] };
  const { table: merged, theirs, lost, added } = own.onTopOf(there);
  assert.deepEqual(merged.rows.map((row) => row.cells), [
    ["p2", "theirs", "20", ""], ["p1", "mine", "1", ""], ["p7", "", "", ""], ["p9", "", "", ""],
  ]);
  assert.deepEqual(merged.columns.map(({ name }) => name), ["id", "b", "a", "new"]);
  assert.deepEqual(theirs, [
    { row: "p2", column: "a", before: "2", theirs: "22", mine: "20" }, { row: "p2", column: "b", before: "", theirs: "theirs", mine: "" },
  ]);
  assert.deepEqual(lost, [{ row: "p3", column: "a", text: "30" }]);
  assert.deepEqual(added, ["p7"]);
});

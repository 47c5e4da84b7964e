import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../src/radstudy/app/static/history.js";
import { Preview } from "../../src/radstudy/app/static/layer.js";
import { Mask } from "../../src/radstudy/app/static/mask.js";
import { alreadyApplied, applyRuns, checkedRuns, CODES, runsOf } from "../../src/radstudy/app/static/runs.js";
import { Grid } from "../../src/radstudy/app/static/volume.js";

const IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
const mask = () => new Mask(new Grid([5, 4, 3], IDENTITY));
const put = (m, pen, ...voxels) => {
  m.pen = pen;
  for (const [i, j, k] of voxels) m.put(i, j, k);
};

test("runs and codes are each other's inverse", () => {
  const codes = Uint8Array.from([0, 1, 1, 2, 0, 0, 3, 3, 3, 0]);
  assert.deepEqual(runsOf(codes), [[1, 2, 1], [3, 1, 2], [6, 3, 3]]);
  const again = new Uint8Array(10);
  applyRuns(again, runsOf(codes));
  assert.deepEqual(again, codes);
});

test("runs off the grid or without a whole number are refused", () => {
  for (const run of [[-1, 2, 1], [8, 3, 1], [0, 0, 1], [0, 1.5, 1], [0, 1, 255], [0, 1, -1], ["0", 1, 1]]) {
    assert.throws(() => checkedRuns([run], 10), RangeError);
  }
  assert.throws(() => checkedRuns(null, 10), RangeError);
  assert.deepEqual(checkedRuns([[8, 2, 1]], 10), [[8, 2, 1]]);
});

test("a stroke is what changed, i fastest, and its inverse restores codes of other tools", () => {
  const m = mask();
  put(m, CODES.contour, [1, 1, 0], [2, 1, 0], [3, 1, 0]);
  assert.deepEqual(m.endStroke(), { runs: [[6, 3, 1]], inverse: [[6, 3, 0]] });
  put(m, CODES.brush, [2, 1, 0], [4, 1, 0], [0, 2, 1]);
  assert.deepEqual(m.endStroke(), { runs: [[9, 1, 3], [30, 1, 3]], inverse: [[9, 1, 0], [30, 1, 0]] });
  put(m, CODES.outside, [2, 1, 0], [3, 1, 0], [4, 1, 0], [0, 0, 2]);
  const erased = m.endStroke();
  assert.deepEqual(erased, { runs: [[7, 3, 0]], inverse: [[7, 2, 1], [9, 1, 3]] });
  m.apply(erased.inverse);
  m.endStroke();
  assert.deepEqual(runsOf(m.codes), [[6, 3, 1], [9, 1, 3], [30, 1, 3]]);
});

test("counts follow every change", () => {
  const m = mask();
  put(m, CODES.brush, [1, 1, 0], [1, 1, 0], [2, 3, 2]);
  assert.equal(m.voxels, 2);
  assert.deepEqual(m.perSlice.map((counts) => [...counts]), [[0, 1, 1, 0, 0], [0, 1, 0, 1], [1, 0, 1]]);
  m.dropStroke();
  assert.equal(m.voxels, 0);
  assert.equal(m.endStroke(), null);
});

test("nothing changed is no stroke", () => {
  const m = mask();
  put(m, CODES.outside, [1, 1, 1]);
  assert.equal(m.endStroke(), null);
  put(m, CODES.brush, [1, 1, 1]);
  put(m, CODES.outside, [1, 1, 1]);
  assert.equal(m.endStroke(), null);
});

test("undo and redo of random strokes return to every state before", () => {
  let seed = 3;
  const next = (n) => ((seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 32) * n | 0;
  const m = mask();
  const history = new History();
  const states = [m.codes.slice()];
  while (history.done.length < 40) {
    put(m, next(4), ...Array.from({ length: 6 }, () => [next(5), next(4), next(3)]));
    const change = m.endStroke();
    if (!change) continue;
    history.add({ sequence: "T2", tool: "brush", ...change, plane: "axial", slice: 0 });
    states.push(m.codes.slice());
  }
  for (let n = states.length - 2; n >= 0; n--) {
    m.apply(history.undo().inverse);
    m.endStroke();
    assert.deepEqual(m.codes, states[n]);
  }
  assert.equal(history.undo(), null);
  for (let n = 1; n < states.length; n++) {
    m.apply(history.redo().runs);
    m.endStroke();
    assert.deepEqual(m.codes, states[n]);
  }
  assert.equal(history.redo(), null);
});

test("a new stroke ends what could be drawn again; a sequence can be forgotten", () => {
  const history = new History();
  const entry = (sequence) => ({ sequence, tool: "brush", runs: [], inverse: [], plane: "axial", slice: 0 });
  history.add(entry("T2"));
  history.add(entry("DWI"));
  history.undo();
  history.add(entry("T2"));
  assert.equal(history.redo(), null);
  history.add(entry("DWI"));
  history.forget("T2");
  assert.deepEqual(history.done.map(({ sequence }) => sequence), ["DWI"]);
});

test("a preview counts only changes and is taken slice by slice", () => {
  const m = mask();
  m.load([[0, 3, 1]]);
  const preview = new Preview(m.grid, [[0, 2, 7], [2, 1, 0], [3, 1, 7], [20, 2, 7]], m.codes, "interpolation");
  assert.equal(preview.left, 4);
  assert.deepEqual([...preview.perSlice[2]], [2, 2, 0]);
  assert.deepEqual(preview.take(2, 1), [[20, 2, 7]]);
  assert.equal(preview.left, 2);
  assert.deepEqual(preview.take(2, null), [[2, 1, 0], [3, 1, 7]]);
  assert.equal(preview.left, 0);
});

test("whether runs are applied already", () => {
  assert.ok(alreadyApplied(Uint8Array.from([0, 1, 1]), [[1, 2, 1], [0, 1, 0]]));
  assert.ok(!alreadyApplied(Uint8Array.from([0, 1, 1]), [[0, 2, 1]]));
});

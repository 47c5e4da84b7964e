import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf, BINDINGS, keyLabel } from "../../src/radstudy/app/static/keys.js";
import { Mask } from "../../src/radstudy/app/static/mask.js";
import { planeOf } from "../../src/radstudy/app/static/orientation.js";
import { setStrings, text } from "../../src/radstudy/app/static/strings.js";
import { makeTools, rangeUnder } from "../../src/radstudy/app/static/tools.js";
import { Grid, Volume } from "../../src/radstudy/app/static/volume.js";

const AFFINE = [[-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]];

const scene = () => {
  const grid = new Grid([20, 20, 5], AFFINE);
  const volume = new Volume(grid, Int16Array.from({ length: grid.size }, (_, index) => index % 20));
  const settings = { radiusMm: 2, ball: false, subtract: false, low: 0, high: 0, boxMm: 3 };
  const site = {
    sequence: "T2WI", mask: new Mask(grid), volume, plane: planeOf("axial", grid.shape, AFFINE), slice: 2,
    at: Float64Array.of(0, 0, 2), subtract: false, pxAcross: 10, pxDown: 10,
  };
  return { site, settings, tools: makeTools(settings) };
};

const at = (site, x, y) => {
  site.at[0] = x;
  site.at[1] = y;
  return site;
};

const drag = (tool, site, points) => {
  tool.press(at(site, ...points[0]));
  for (const point of points.slice(1)) tool.move(at(site, ...point));
  return tool.release(site);
};

const SQUARE = [[3.5, 3.5], [8.5, 3.5], [8.5, 8.5], [3.5, 8.5]];

test("a contour is filled on release with its own code; subtracting takes out", () => {
  const { site, tools } = scene();
  assert.equal(drag(tools.contour, site, SQUARE), "contour");
  assert.equal(site.mask.voxels, 25);
  assert.equal(site.mask.codes[4 + 20 * (4 + 20 * 2)], 1);
  site.subtract = true;
  drag(tools.contour, site, SQUARE.slice(0, 3));
  assert.ok(site.mask.voxels < 15 && site.mask.voxels > 5);
});

test("polygon: points are set, moved, put into edges, taken back; nothing is drawn before Enter", () => {
  const { site, tools: { polygon } } = scene();
  for (const point of SQUARE) drag(polygon, site, [point]);
  drag(polygon, site, [[8.5, 8.5], [12, 12], [12.5, 12.5]]);
  assert.deepEqual(polygon.corners[2], [12.5, 12.5]);
  drag(polygon, site, [[6, 3.5], [6, 1.5]]);
  assert.deepEqual(polygon.corners.length, 5);
  assert.deepEqual(polygon.corners[1], [6, 1.5]);
  assert.equal(site.mask.voxels, 0);
  assert.ok(polygon.back());
  assert.deepEqual(polygon.corners, [[3.5, 3.5], [8.5, 3.5], [12.5, 12.5], [3.5, 8.5]]);
  assert.ok(polygon.back());
  assert.deepEqual(polygon.corners, SQUARE);
  assert.ok(polygon.forth());
  assert.equal(polygon.pending.slice, 2);
  assert.equal(polygon.confirm(), "polygon");
  assert.equal(site.mask.codes[11 + 20 * (11 + 20 * 2)], 2);
  assert.equal(polygon.pending, null);
});

test("polygon: two points fill nothing, Esc drops, another slice is left alone", () => {
  const { site, tools: { polygon } } = scene();
  drag(polygon, site, [[1, 1]]);
  drag(polygon, site, [[5, 5]]);
  assert.equal(polygon.confirm(), null);
  assert.equal(polygon.corners.length, 2);
  drag(polygon, { ...site, slice: 3 }, [[9, 9]]);
  assert.equal(polygon.corners.length, 2);
  assert.ok(polygon.drop());
  assert.ok(!polygon.drop());
});

test("brush and sphere have their own codes; the eraser takes out; Esc takes a stroke back", () => {
  const { site, settings, tools } = scene();
  assert.equal(drag(tools.brush, site, [[10, 10]]), "brush");
  assert.equal(site.mask.voxels, 13);
  settings.ball = true;
  settings.radiusMm = 4;
  assert.equal(drag(tools.brush, site, [[10, 10]]), "sphere");
  assert.deepEqual([...site.mask.perSlice[2]], [0, 1, 49, 1, 0]);
  assert.equal(site.mask.codes[10 + 20 * (10 + 20 * 2)], 3);
  assert.equal(site.mask.codes[10 + 20 * (10 + 20 * 3)], 4);
  site.mask.endStroke();
  drag(tools.eraser, site, [[10, 10]]);
  assert.equal(site.mask.voxels, 0);
  site.mask.endStroke();
  tools.brush.press(at(site, 5, 5));
  assert.ok(site.mask.voxels > 0);
  assert.ok(tools.brush.drop());
  assert.equal(site.mask.voxels, 0);
});

test("the range brush paints only intensities within its range, limits included", () => {
  const { site, settings, tools } = scene();
  Object.assign(settings, { radiusMm: 3, low: 9, high: 10 });
  assert.equal(drag(tools.range, site, [[10, 10]]), "range");
  const columns = new Set();
  site.mask.codes.forEach((code, index) => code && columns.add(index % 20));
  assert.deepEqual([...columns].sort((a, b) => a - b), [9, 10]);
  assert.equal(Math.max(...site.mask.codes), 5);
  assert.deepEqual(rangeUnder(at(site, 10, 10), settings), [7, 13]);
});

test("growing: seed and box within the grid", () => {
  const { site, tools } = scene();
  drag(tools.grow, site, [[1.2, 18.7]]);
  assert.deepEqual(tools.grow.seed, [1, 19, 2]);
  assert.deepEqual(tools.grow.box(site.mask, tools.grow.seed), { low: [0, 16, 2], high: [4, 19, 2] });
});

test("distance in mm; a click alone is none", () => {
  const { site, tools: { measure } } = scene();
  drag(measure, site, [[2, 2], [5, 6]]);
  assert.equal(measure.lines[0].mm, 5);
  drag(measure, site, [[2, 2]]);
  assert.equal(measure.lines.length, 1);
});

test("no key has two meanings", () => {
  const keys = BINDINGS.flatMap((binding) => binding.keys);
  assert.equal(new Set(keys).size, keys.length);
});

test("keys: letters in either case, control for editing, signs whatever the shift", () => {
  const key = (key, held = {}) => actionOf({ key, ctrlKey: false, metaKey: false, shiftKey: false, ...held });
  assert.equal(key("c"), "tool_contour");
  assert.equal(key("C"), "tool_contour");
  assert.equal(key("N", { shiftKey: true }), "sequence_before");
  assert.equal(key("z", { ctrlKey: true }), "undo");
  assert.equal(key("Z", { ctrlKey: true, shiftKey: true }), "redo");
  assert.equal(key("?", { shiftKey: true }), "help");
  assert.equal(key("Enter", { shiftKey: true }), "accept_all");
  assert.equal(key("c", { ctrlKey: true }), null);
  assert.equal(keyLabel("redo"), "Ctrl+Y / Ctrl+Shift+Z");
  assert.equal(keyLabel("zoom_in"), "+ / =");
});

test("texts: nested or flat, words filled in, a missing one is seen", (context) => {
  context.mock.method(console, "error", () => {});
  setStrings({ room: { hello: "{n} of {all}" }, "room.flat": "flat" });
  assert.equal(text("room.hello", { n: 1 }), "1 of {all}");
  assert.equal(text("room.flat"), "flat");
  assert.equal(text("room.none"), "[room.none]");
});

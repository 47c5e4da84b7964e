import assert from "node:assert/strict";
import { test } from "node:test";
import { fillPolygon, sweep } from "../../src/radstudy/app/static/fill.js";
import { Grid } from "../../src/radstudy/app/static/volume.js";

const SHEARED = [[1.1, 0.2, 0, 5], [0, 0.9, 0.4, -3], [0, 0, 4, 7], [0, 0, 0, 1]];

const filled = (points, columns = 20, rows = 20) => {
  const voxels = [];
  fillPolygon(Float64Array.from(points.flat()), points.length, columns, rows, (x, y) => voxels.push(`${x},${y}`));
  return voxels;
};

/** Even-odd by casting a ray to the left from each centre: another way to the same rule. */
const inside = (points, x, y) => {
  let odd = false;
  points.forEach(([x1, y1], n) => {
    const [x2, y2] = points[(n + 1) % points.length];
    const [top, bottom] = y1 < y2 ? [y1, y2] : [y2, y1];
    if (y >= top && y < bottom && x >= x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) odd = !odd;
  });
  return odd;
};

const random = (seed) => () => ((seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 32);

test("a square from centre to centre takes its low edges and leaves its high ones", () => {
  assert.deepEqual(filled([[2, 3], [5, 3], [5, 5], [2, 5]]), ["2,3", "3,3", "4,3", "2,4", "3,4", "4,4"]);
});

test("the direction and the first point do not matter", () => {
  const points = [[2.2, 3.1], [9.7, 4.4], [7.3, 11.9], [3.8, 8.2]];
  const set = filled(points);
  assert.deepEqual(filled([...points].reverse()), set);
  assert.deepEqual(filled([...points.slice(2), ...points.slice(0, 2)]), set);
});

test("polygons with a common edge share no voxel and leave no gap", () => {
  const left = filled([[1, 1], [8, 1], [6, 12], [1, 12]]);
  const right = filled([[8, 1], [15, 1], [15, 12], [6, 12]]);
  const both = filled([[1, 1], [15, 1], [15, 12], [1, 12]]);
  assert.deepEqual([...left, ...right].sort(), both.sort());
});

test("a line that crosses itself is even-odd: the middle of a pentagram is out", () => {
  const star = [0, 2, 4, 1, 3].map((n) => [10 + 9 * Math.sin((n * 2 * Math.PI) / 5), 10 - 9 * Math.cos((n * 2 * Math.PI) / 5)]);
  assert.ok(!filled(star).includes("10,10"));
});

test("outside the slice nothing is put", () => {
  const voxels = filled([[-5, -5], [30, -5], [30, 30], [-5, 30]], 4, 3);
  assert.equal(voxels.length, 12);
});

test("random polygons equal ray casting", () => {
  const next = random(7);
  for (let trial = 0; trial < 200; trial++) {
    const points = Array.from({ length: 3 + Math.floor(next() * 40) }, () => [next() * 22 - 1, next() * 22 - 1]);
    const expected = [];
    for (let y = 0; y < 20; y++) for (let x = 0; x < 20; x++) if (inside(points, x, y)) expected.push(`${x},${y}`);
    assert.deepEqual(filled(points), expected);
  }
});

const swept = (grid, a, b, radius, flat) => {
  const voxels = new Set();
  sweep(grid, Float64Array.from(a), Float64Array.from(b), radius, flat, { put: (i, j, k) => voxels.add(`${i},${j},${k}`) });
  return voxels;
};

/** Distance of patient points from the way, by stepping along it: no metric, no projection. */
const near = (grid, a, b, radius, flat) => {
  const voxels = new Set();
  const [pa, pb, p] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  grid.toPatient(a, pa);
  grid.toPatient(b, pb);
  const d = [0, 1, 2].map((n) => pb[n] - pa[n]);
  const d2 = d.reduce((sum, v) => sum + v * v, 0);
  for (let k = 0; k < grid.shape[2]; k++) for (let j = 0; j < grid.shape[1]; j++) for (let i = 0; i < grid.shape[0]; i++) {
    if (flat >= 0 && [i, j, k][flat] !== a[flat]) continue;
    grid.toPatient([i, j, k], p);
    const t = d2 ? Math.min(1, Math.max(0, [0, 1, 2].reduce((sum, n) => sum + (p[n] - pa[n]) * d[n], 0) / d2)) : 0;
    if (Math.hypot(...[0, 1, 2].map((n) => p[n] - pa[n] - t * d[n])) <= radius) voxels.add(`${i},${j},${k}`);
  }
  return voxels;
};

for (const [name, affine] of [
  ["anisotropic", [[1.06, 0, 0, 0], [0, 1.06, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]]],
  ["oblique", [[0.94, -0.3, 0.4, 1], [0.33, 0.95, 0.1, 2], [-0.2, 0.1, 3.9, 3], [0, 0, 0, 1]]],
  ["sheared", SHEARED],
]) {
  test(`disc and sphere are true in mm on ${name} voxels, also along a way`, () => {
    const grid = new Grid([30, 28, 12], affine);
    for (const flat of [-1, 0, 1, 2]) {
      const a = [14.3, 13.2, 5.8];
      const b = [18.1, 9.4, 6.6];
      if (flat >= 0) a[flat] = b[flat] = 6;
      assert.deepEqual([...swept(grid, a, a, 7.31, flat)].sort(), [...near(grid, a, a, 7.31, flat)].sort());
      assert.deepEqual([...swept(grid, a, b, 6.07, flat)].sort(), [...near(grid, a, b, 6.07, flat)].sort());
    }
  });
}

test("a brush smaller than a voxel draws the voxels under its way", () => {
  const grid = new Grid([10, 10, 3], [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]]);
  assert.deepEqual([...swept(grid, [2.3, 4.4, 1], [4.2, 4.4, 1], 0.1, 2)], ["2,4,1", "3,4,1", "4,4,1"]);
  assert.equal(swept(grid, [-8, 4, 1], [-7, 4, 1], 0.1, 2).size, 0);
});

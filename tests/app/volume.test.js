import assert from "node:assert/strict";
import { test } from "node:test";
import { acquiredPlane, letters, nearestAxes, planeOf } from "../../src/radstudy/app/static/orientation.js";
import { Grid, greySlice, readVolume, Volume } from "../../src/radstudy/app/static/volume.js";

const AXIAL_LPS = [[-1, 0, 0, 100], [0, -1, 0, 90], [0, 0, 4, -50], [0, 0, 0, 1]]; // columns to L, rows to P: as DICOM stores them
const AXIAL_RAS = [[1, 0, 0, -100], [0, 1, 0, -90], [0, 0, 4, -50], [0, 0, 0, 1]];
const SAGITTAL = [[0, 0, 3, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]; // i to P, j to I, k to R

test("axial: the patient's right is left on the screen, anterior is up, however the file lies", () => {
  for (const affine of [AXIAL_LPS, AXIAL_RAS]) {
    assert.deepEqual(planeOf("axial", [10, 11, 12], affine).marks, { left: "R", right: "L", top: "A", bottom: "P" });
    assert.deepEqual(planeOf("coronal", [10, 11, 12], affine).marks, { left: "R", right: "L", top: "S", bottom: "I" });
    assert.deepEqual(planeOf("sagittal", [10, 11, 12], affine).marks, { left: "A", right: "P", top: "S", bottom: "I" });
  }
  assert.equal(planeOf("axial", [10, 11, 12], AXIAL_LPS).flipAcross, false);
  assert.equal(planeOf("axial", [10, 11, 12], AXIAL_RAS).flipAcross, true);
});

test("a sagittal acquisition is sagittal: across to P, down to I, slices from right to left", () => {
  const plane = planeOf("sagittal", [20, 21, 5], SAGITTAL);
  assert.deepEqual([plane.across, plane.down, plane.through, plane.flipAcross, plane.flipDown], [0, 1, 2, false, false]);
  assert.equal(acquiredPlane([20, 21, 5], SAGITTAL), "sagittal");
  assert.equal(acquiredPlane([20, 21, 5], AXIAL_RAS), "axial");
});

test("oblique grids keep their axes; a second letter comes from 15 degrees on", () => {
  const turned = (degrees) => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return [[-c, s, 0, 0], [-s, -c, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]];
  };
  assert.deepEqual(nearestAxes(turned(30)), [0, 1, 2]);
  assert.deepEqual(planeOf("axial", [5, 5, 5], turned(30)).marks, { left: "RA", right: "LP", top: "AL", bottom: "PR" });
  assert.deepEqual(planeOf("axial", [5, 5, 5], turned(14)).marks, { left: "R", right: "L", top: "A", bottom: "P" });
  assert.equal(letters([0, 0.1, -2]), "I");
});

test("index to patient and back", () => {
  const grid = new Grid([7, 8, 9], [[0.9, -0.3, 0.5, 10], [0.3, 0.95, 0.2, -20], [-0.2, 0.1, 3.8, 30], [0, 0, 0, 1]]);
  const ras = grid.toPatient([3.25, 4.5, 6.75], new Float64Array(3));
  assert.ok(Math.abs(ras[0] - (0.9 * 3.25 - 0.3 * 4.5 + 0.5 * 6.75 + 10)) < 1e-12);
  const index = grid.toIndex(ras, new Float64Array(3));
  [3.25, 4.5, 6.75].forEach((value, n) => assert.ok(Math.abs(index[n] - value) < 1e-12));
});

test("distances are in mm along and across anisotropic voxels", () => {
  const grid = new Grid([7, 8, 9], AXIAL_LPS);
  assert.equal(grid.distanceMm([0, 0, 0], [3, 4, 0]), 5);
  assert.equal(grid.distanceMm([0, 0, 0], [3, 0, 1]), 5);
  assert.equal(grid.voxelMm3, 4);
});

test("a slice is drawn in the order of the screen", () => {
  const grid = new Grid([3, 2, 2], AXIAL_RAS);
  const volume = new Volume(grid, Int16Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
  const pixels = new Uint32Array(6);
  greySlice(volume, planeOf("axial", grid.shape, AXIAL_RAS), 1, 0, 256, pixels);
  assert.deepEqual([...pixels].map((p) => p & 255), [11, 10, 9, 8, 7, 6]);
  const coronal = new Uint32Array(6);
  greySlice(volume, planeOf("coronal", grid.shape, AXIAL_RAS), 0, 0, 256, coronal);
  assert.deepEqual([...coronal].map((p) => p & 255), [8, 7, 6, 2, 1, 0]);
});

test("the window: below is black, above is white, not a number is black", () => {
  const grid = new Grid([4, 1, 1], AXIAL_LPS);
  const volume = new Volume(grid, Float32Array.from([-5, 150, 1e9, NaN]));
  const pixels = new Uint32Array(4);
  greySlice(volume, planeOf("axial", grid.shape, AXIAL_LPS), 0, 100, 200, pixels);
  assert.deepEqual([...pixels].map((p) => p & 255), [0, 128, 255, 0]);
});

test("octets of the wrong number are refused with both numbers", () => {
  const grid = new Grid([2, 2, 2], AXIAL_LPS);
  assert.throws(() => readVolume(new ArrayBuffer(15), "int16", grid, "T2WI"), /T2WI: 15 octets, expected 16/);
  assert.equal(readVolume(new ArrayBuffer(32), "float32", grid, "T2WI").voxels.length, 8);
});

// The mask on one sequence while it is drawn: codes, counts, and what changed since the last stroke.

import { addVoxel, applyRuns } from "./runs.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {import("./volume.js").Grid} Grid */

/** Codes on a grid. `put` is the hot path: it allocates nothing. */
export class Mask {
  /** @param {Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.codes = new Uint8Array(grid.size);
    /** The codes as of the last stroke. */
    this.before = new Uint8Array(grid.size);
    this.touched = false;
    this.voxels = 0;
    /** Voxels in the mask per slice of each array axis. */
    this.perSlice = grid.shape.map((length) => new Int32Array(length));
    /** Code that `put` writes; 0 takes voxels out. */
    this.pen = 0;
    /** Box of the voxels that changed since the last stroke (inclusive), and since the last frame. */
    this.stroke = new Box();
    this.frame = new Box();
  }

  /**
   * Puts a voxel into the mask, or takes it out if the pen is 0. A voxel that is in keeps the code of the tool that put it there.
   * @param {number} i
   * @param {number} j
   * @param {number} k
   */
  put(i, j, k) {
    const index = i + this.grid.strides[1] * j + this.grid.strides[2] * k;
    const pen = this.pen;
    if ((this.codes[index] === 0) === (pen === 0)) return;
    this.#set(index, i, j, k, pen);
  }

  /**
   * Writes runs whatever the codes were.
   * @param {readonly Run[]} runs
   */
  apply(runs) {
    const [columns, rows] = this.grid.shape;
    for (const [start, length, code] of runs) {
      for (let index = start; index < start + length; index++) {
        if (this.codes[index] === code) continue;
        const line = Math.floor(index / columns);
        this.#set(index, index % columns, line % rows, Math.floor(line / rows), code);
      }
    }
  }

  /**
   * Replaces the whole mask; it is no stroke.
   * @param {readonly Run[]} runs
   */
  load(runs) {
    if (this.voxels > 0 || !this.stroke.empty) {
      this.codes.fill(0);
      for (const counts of this.perSlice) counts.fill(0);
      this.voxels = 0;
    }
    if (this.touched) this.before.fill(0); // a fresh mask stays as it was allocated: large grids open quicker
    this.touched = true;
    this.apply(runs);
    applyRuns(this.before, runs);
    this.stroke.clear();
  }

  /**
   * Ends the stroke: the runs that it wrote and those that undo it; null if nothing changed.
   * @returns {{runs: Run[], inverse: Run[]} | null}
   */
  endStroke() {
    /** @type {Run[]} */
    const runs = [];
    /** @type {Run[]} */
    const inverse = [];
    this.#changes((index) => {
      addVoxel(runs, index, this.codes[index]);
      addVoxel(inverse, index, this.before[index]);
    });
    applyRuns(this.before, runs);
    this.stroke.clear();
    return runs.length ? { runs, inverse } : null;
  }

  /** Takes back the stroke in progress. */
  dropStroke() {
    /** @type {Run[]} */
    const inverse = [];
    this.#changes((index) => addVoxel(inverse, index, this.before[index]));
    this.apply(inverse);
    this.stroke.clear();
  }

  /**
   * @param {number} index
   * @param {number} i
   * @param {number} j
   * @param {number} k
   * @param {number} code
   */
  #set(index, i, j, k, code) {
    const change = (code === 0 ? 0 : 1) - (this.codes[index] === 0 ? 0 : 1);
    this.codes[index] = code;
    this.voxels += change;
    this.perSlice[0][i] += change;
    this.perSlice[1][j] += change;
    this.perSlice[2][k] += change;
    this.stroke.add(i, j, k);
    this.frame.add(i, j, k);
  }

  /** @param {(index: number) => void} each called with the changed voxels, ascending */
  #changes(each) {
    const { low, high, empty } = this.stroke;
    if (empty) return;
    const [, columns, slab] = this.grid.strides;
    for (let k = low[2]; k <= high[2]; k++) {
      for (let j = low[1]; j <= high[1]; j++) {
        const line = columns * j + slab * k;
        for (let index = line + low[0]; index <= line + high[0]; index++) {
          if (this.codes[index] !== this.before[index]) each(index);
        }
      }
    }
  }
}

/** Smallest box around voxels, inclusive. */
export class Box {
  constructor() {
    this.low = new Int32Array(3);
    this.high = new Int32Array(3);
    this.empty = true;
  }

  clear() {
    this.empty = true;
  }

  /**
   * @param {number} i
   * @param {number} j
   * @param {number} k
   */
  add(i, j, k) {
    const { low, high } = this;
    if (this.empty) {
      low[0] = high[0] = i;
      low[1] = high[1] = j;
      low[2] = high[2] = k;
      this.empty = false;
      return;
    }
    if (i < low[0]) low[0] = i;
    else if (i > high[0]) high[0] = i;
    if (j < low[1]) low[1] = j;
    else if (j > high[1]) high[1] = j;
    if (k < low[2]) low[2] = k;
    else if (k > high[2]) high[2] = k;
  }
}

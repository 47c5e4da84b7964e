// Undo and redo over all strokes of a case, whatever the sequence and the tool.

/** @typedef {import("./runs.js").Run} Run */
/**
 * A stroke that can be taken back.
 * @typedef {object} Entry
 * @property {string} sequence
 * @property {string} tool
 * @property {Run[]} runs
 * @property {Run[]} inverse
 * @property {import("./orientation.js").PlaneName} plane where it was drawn
 * @property {number} slice
 */

const MOST_ENTRIES = 2000;

export class History {
  constructor() {
    /** @type {Entry[]} */
    this.done = [];
    /** @type {Entry[]} */
    this.undone = [];
  }

  /**
   * A new stroke: what was taken back before it cannot come again.
   * @param {Entry} entry
   */
  add(entry) {
    this.done.push(entry);
    if (this.done.length > MOST_ENTRIES) this.done.shift();
    this.undone.length = 0;
  }

  /** The stroke to take back, or null. */
  undo() {
    const entry = this.done.pop() ?? null;
    if (entry) this.undone.push(entry);
    return entry;
  }

  /** The stroke to draw again, or null. */
  redo() {
    const entry = this.undone.pop() ?? null;
    if (entry) this.done.push(entry);
    return entry;
  }

  /**
   * Drops the strokes of a sequence whose mask was loaded anew: their runs no longer fit.
   * @param {string} sequence
   */
  forget(sequence) {
    this.done = this.done.filter((entry) => entry.sequence !== sequence);
    this.undone = this.undone.filter((entry) => entry.sequence !== sequence);
  }
}

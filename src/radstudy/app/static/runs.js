// Codes of a mask and runs of them: [start, length, code], index = i + I * (j + J * k). The same in Python and in the database.

/** @typedef {[start: number, length: number, code: number]} Run */

/** Which tool put a voxel into the mask. */
export const CODES = Object.freeze({
  outside: 0, contour: 1, polygon: 2, brush: 3, sphere: 4, range: 5, growing: 6,
  interpolation: 7, smoothing: 8, islands_holes: 9, carried: 10, taken_in: 11,
});

/** In a preview: no code, the voxel stays as it is. */
export const UNCHANGED = 255;

/** The server refuses a stroke with more runs. */
export const MOST_RUNS = 2e6;

/**
 * Runs of all voxels that are in the mask.
 * @param {Uint8Array} codes
 * @returns {Run[]}
 */
export function runsOf(codes) {
  /** @type {Run[]} */
  const runs = [];
  for (let index = 0; index < codes.length; index++) {
    if (codes[index] !== 0) addVoxel(runs, index, codes[index]);
  }
  return runs;
}

/**
 * Appends a voxel, longer run or new one. Voxels come in ascending order.
 * @param {Run[]} runs
 * @param {number} index
 * @param {number} code
 */
export function addVoxel(runs, index, code) {
  const last = runs.length ? runs[runs.length - 1] : null;
  if (last && last[0] + last[1] === index && last[2] === code) last[1]++;
  else runs.push([index, 1, code]);
}

/**
 * Writes runs into codes.
 * @param {Uint8Array} codes
 * @param {readonly Run[]} runs
 */
export function applyRuns(codes, runs) {
  for (const [start, length, code] of runs) codes.fill(code, start, start + length);
}

/**
 * Whether the codes already are what the runs would make them.
 * @param {Uint8Array} codes
 * @param {readonly Run[]} runs
 */
export function alreadyApplied(codes, runs) {
  return runs.every(([start, length, code]) => {
    for (let index = start; index < start + length; index++) if (codes[index] !== code) return false;
    return true;
  });
}

/**
 * The runs, checked to lie on the grid and to hold known codes; an error otherwise.
 * @param {unknown} runs
 * @param {number} size voxels of the grid
 * @returns {Run[]}
 */
export function checkedRuns(runs, size) {
  if (!Array.isArray(runs)) throw new RangeError("The server sent a mask without runs.");
  for (const run of runs) {
    const [start, length, code] = run;
    const sound = Number.isInteger(start) && Number.isInteger(length) && start >= 0 && length > 0 && start + length <= size;
    if (!sound || !Number.isInteger(code) || code < 0 || code >= UNCHANGED) {
      throw new RangeError(`The server sent a run that does not fit the image: [${run}] of ${size} voxels.`);
    }
  }
  return runs;
}

// Which array axis is shown how: axial, sagittal and coronal on the image's own grid, radiological convention.
// Oblique acquisitions are not resampled: each array axis stands for the patient axis that it is nearest to.

/** @typedef {number[][]} Affine 4 x 4, voxel index to RAS, mm */
/** @typedef {"axial" | "sagittal" | "coronal"} PlaneName */

/**
 * How one plane of a grid lies on the screen. Axes are those of the array (0, 1, 2).
 * @typedef {object} Plane
 * @property {PlaneName} name
 * @property {number} across array axis that runs to the right on the screen
 * @property {number} down array axis that runs down on the screen
 * @property {number} through array axis from slice to slice
 * @property {boolean} flipAcross true: the index falls to the right
 * @property {boolean} flipDown true: the index falls downwards
 * @property {1 | -1} up step of the slice index towards superior, anterior or the patient's right
 * @property {number} columns voxels across
 * @property {number} rows voxels down
 * @property {number} slices
 * @property {number} columnMm
 * @property {number} rowMm
 * @property {number} sliceMm
 * @property {{left: string, right: string, top: string, bottom: string}} marks
 */

/** @type {readonly PlaneName[]} */
export const PLANES = ["axial", "sagittal", "coronal"];

/** The patient axes (0: R, 1: A, 2: S) of each plane: across, down, through. On the screen all run to L, P and I. */
const PATIENT_AXES = { axial: [0, 1, 2], sagittal: [1, 2, 0], coronal: [0, 2, 1] };
const PERMUTATIONS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
const LETTERS = ["RL", "AP", "SI"];
/** A second letter is shown from 15 degrees on. */
const SECOND_LETTER = Math.sin((15 * Math.PI) / 180);

/**
 * Length of one voxel step along an array axis, mm.
 * @param {Affine} affine
 * @param {number} axis
 */
export function stepMm(affine, axis) {
  return Math.hypot(affine[0][axis], affine[1][axis], affine[2][axis]);
}

/**
 * The array axis nearest to each patient axis: [axis of R-L, axis of A-P, axis of S-I], each used once.
 * @param {Affine} affine
 * @returns {number[]}
 */
export function nearestAxes(affine) {
  const likeness = (/** @type {number[]} */ axes) =>
    axes.reduce((sum, axis, patient) => sum + Math.abs(affine[patient][axis]) / stepMm(affine, axis), 0);
  return PERMUTATIONS.reduce((best, axes) => (likeness(axes) > likeness(best) + 1e-9 ? axes : best));
}

/**
 * The anatomical letters of a direction: the nearest first, a second one if the direction is oblique by 15 degrees or more.
 * @param {number[]} direction RAS, any length
 */
export function letters(direction) {
  const length = Math.hypot(...direction);
  const order = [0, 1, 2].sort((a, b) => Math.abs(direction[b]) - Math.abs(direction[a]));
  const letter = (/** @type {number} */ axis) => LETTERS[axis][direction[axis] > 0 ? 0 : 1];
  const second = Math.abs(direction[order[1]]) / length >= SECOND_LETTER;
  return letter(order[0]) + (second ? letter(order[1]) : "");
}

/**
 * The plane of a grid as it lies on the screen.
 * @param {PlaneName} name
 * @param {readonly number[]} shape
 * @param {Affine} affine
 * @returns {Readonly<Plane>}
 */
export function planeOf(name, shape, affine) {
  const axes = nearestAxes(affine);
  const [acrossPatient, downPatient, throughPatient] = PATIENT_AXES[name];
  const [across, down, through] = [axes[acrossPatient], axes[downPatient], axes[throughPatient]];
  const flipAcross = affine[acrossPatient][across] > 0;
  const flipDown = affine[downPatient][down] > 0;
  const along = (/** @type {number} */ axis, /** @type {number} */ sign) => [0, 1, 2].map((row) => sign * affine[row][axis]);
  const right = flipAcross ? -1 : 1;
  const bottom = flipDown ? -1 : 1;
  return Object.freeze({
    name, across, down, through, flipAcross, flipDown,
    up: affine[throughPatient][through] > 0 ? 1 : -1,
    columns: shape[across], rows: shape[down], slices: shape[through],
    columnMm: stepMm(affine, across), rowMm: stepMm(affine, down), sliceMm: stepMm(affine, through),
    marks: Object.freeze({
      left: letters(along(across, -right)), right: letters(along(across, right)),
      top: letters(along(down, -bottom)), bottom: letters(along(down, bottom)),
    }),
  });
}

/**
 * The plane in which the image was acquired: across the axis with the longest step; axial if all steps are alike.
 * @param {readonly number[]} shape
 * @param {Affine} affine
 * @returns {PlaneName}
 */
export function acquiredPlane(shape, affine) {
  const planes = PLANES.map((name) => planeOf(name, shape, affine));
  return planes.reduce((best, plane) => (plane.sliceMm > best.sliceMm * 1.05 ? plane : best)).name;
}

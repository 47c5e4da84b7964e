// Voxels on a grid: index to patient and back, distances in mm, one plane of it as grey pixels.

/** @typedef {import("./orientation.js").Affine} Affine */
/** @typedef {import("./orientation.js").Plane} Plane */
/** @typedef {Int16Array | Uint16Array | Float32Array} Voxels */
/** @typedef {"int16" | "uint16" | "float32"} Dtype */

/** Geometry of an image: shape, affine, inverse, metric. Index = i + I * (j + J * k). */
export class Grid {
  /**
   * @param {readonly number[]} shape
   * @param {Affine} affine voxel index to RAS, mm
   */
  constructor(shape, affine) {
    this.shape = shape;
    this.affine = affine;
    this.strides = [1, shape[0], shape[0] * shape[1]];
    this.size = shape[0] * shape[1] * shape[2];
    this.inverse = inverted(affine);
    /** Squared length of an index step v is v' M v, mm2: exact for anisotropic and for sheared voxels. */
    this.metric = metric(affine);
    this.voxelMm3 = Math.abs(determinant(affine));
  }

  /**
   * Patient coordinates of a continuous index, RAS mm.
   * @param {ArrayLike<number>} index
   * @param {Float64Array} ras written
   */
  toPatient(index, ras) {
    transform(this.affine, index, ras);
    return ras;
  }

  /**
   * Continuous index of patient coordinates.
   * @param {ArrayLike<number>} ras
   * @param {Float64Array} index written
   */
  toIndex(ras, index) {
    transform(this.inverse, ras, index);
    return index;
  }

  /**
   * Distance between two continuous indices, mm.
   * @param {ArrayLike<number>} a
   * @param {ArrayLike<number>} b
   */
  distanceMm(a, b) {
    const m = this.metric;
    const [x, y, z] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
    return Math.sqrt(m[0] * x * x + m[1] * y * y + m[2] * z * z + 2 * (m[3] * x * y + m[4] * x * z + m[5] * y * z));
  }

  /**
   * Whether a voxel lies on the grid.
   * @param {number} i
   * @param {number} j
   * @param {number} k
   */
  holds(i, j, k) {
    return i >= 0 && j >= 0 && k >= 0 && i < this.shape[0] && j < this.shape[1] && k < this.shape[2];
  }
}

/** An image: voxels on a grid. */
export class Volume {
  /**
   * @param {Grid} grid
   * @param {Voxels} voxels
   */
  constructor(grid, voxels) {
    this.grid = grid;
    this.voxels = voxels;
    /** @type {[number, number] | null} */
    this.ownWindow = null;
  }

  /** The window shown without a preset: 1st to 99.9th percentile of the voxels that are not zero. */
  get window() {
    this.ownWindow ??= percentileWindow(this.voxels);
    return this.ownWindow;
  }
}

/**
 * A volume from the octets of the server (little-endian, i fastest).
 * @param {ArrayBuffer} octets
 * @param {Dtype} dtype
 * @param {Grid} grid
 * @param {string} name for the error
 */
export function readVolume(octets, dtype, grid, name) {
  const width = dtype === "float32" ? 4 : 2;
  if (octets.byteLength !== grid.size * width) {
    throw new RangeError(`${name}: ${octets.byteLength} octets, expected ${grid.size * width} (${grid.shape.join(" x ")}, ${dtype})`);
  }
  const Voxels = { int16: Int16Array, uint16: Uint16Array, float32: Float32Array }[dtype];
  return new Volume(grid, new Voxels(octets));
}

/** Opaque greys as the four octets of a canvas pixel, in this machine's order (all of grey's three are alike). */
const GREYS = Uint32Array.from({ length: 256 }, (_, grey) => (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0);

/**
 * Grey pixels of one slice under a window, in the order of the screen.
 * @param {Volume} volume
 * @param {Plane} plane
 * @param {number} slice
 * @param {number} low
 * @param {number} high
 * @param {Uint32Array} pixels written, columns * rows
 */
export function greySlice(volume, plane, slice, low, high, pixels) {
  const { strides } = volume.grid;
  const voxels = volume.voxels;
  const scale = 256 / Math.max(high - low, 1e-12);
  const step = plane.flipAcross ? -strides[plane.across] : strides[plane.across];
  const first = slice * strides[plane.through] + (plane.flipAcross ? (plane.columns - 1) * strides[plane.across] : 0);
  let pixel = 0;
  for (let row = 0; row < plane.rows; row++) {
    let index = first + (plane.flipDown ? plane.rows - 1 - row : row) * strides[plane.down];
    for (let column = 0; column < plane.columns; column++) {
      const grey = (voxels[index] - low) * scale;
      pixels[pixel++] = GREYS[grey > 255 ? 255 : grey > 0 ? grey | 0 : 0];
      index += step;
    }
  }
}

/**
 * @param {Voxels} voxels
 * @returns {[number, number]}
 */
function percentileWindow(voxels) {
  const step = Math.max(1, Math.floor(voxels.length / 50000));
  const sample = [];
  for (let index = 0; index < voxels.length; index += step) {
    if (voxels[index] !== 0 && Number.isFinite(voxels[index])) sample.push(voxels[index]);
  }
  if (sample.length === 0) return [0, 1];
  sample.sort((a, b) => a - b);
  const low = sample[Math.floor(0.01 * (sample.length - 1))];
  const high = sample[Math.floor(0.999 * (sample.length - 1))];
  return high > low ? [low, high] : [low, low + 1];
}

/**
 * @param {Affine} m
 * @param {ArrayLike<number>} from
 * @param {Float64Array} to
 */
function transform(m, from, to) {
  const x = from[0], y = from[1], z = from[2];
  to[0] = m[0][0] * x + m[0][1] * y + m[0][2] * z + m[0][3];
  to[1] = m[1][0] * x + m[1][1] * y + m[1][2] * z + m[1][3];
  to[2] = m[2][0] * x + m[2][1] * y + m[2][2] * z + m[2][3];
}

/** @param {Affine} m */
function determinant(m) {
  return (
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
    m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
    m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
  );
}

/**
 * @param {Affine} m
 * @returns {Affine}
 */
function inverted(m) {
  const d = determinant(m);
  const c = (/** @type {number} */ row, /** @type {number} */ column) => {
    const [r1, r2] = [0, 1, 2].filter((r) => r !== row);
    const [c1, c2] = [0, 1, 2].filter((k) => k !== column);
    return ((row + column) % 2 ? -1 : 1) * (m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]) / d;
  };
  const rows = [0, 1, 2].map((row) => [0, 1, 2].map((column) => c(column, row)));
  const moved = rows.map((row) => [...row, -(row[0] * m[0][3] + row[1] * m[1][3] + row[2] * m[2][3])]);
  return [...moved, [0, 0, 0, 1]];
}

/**
 * The metric of index space as [ii, jj, kk, ij, ik, jk], mm2.
 * @param {Affine} m
 */
function metric(m) {
  const dot = (/** @type {number} */ a, /** @type {number} */ b) => m[0][a] * m[0][b] + m[1][a] * m[1][b] + m[2][a] * m[2][b];
  return Float64Array.of(dot(0, 0), dot(1, 1), dot(2, 2), dot(0, 1), dot(0, 2), dot(1, 2));
}

// Which voxels belong to a contour, a brush or a sphere: those whose centre lies inside. Index coordinates, centres at integers.

/** @typedef {import("./volume.js").Grid} Grid */
/** @typedef {{put(i: number, j: number, k: number): void}} Target where voxels go: a mask, or what filters them first */

/**
 * Voxels whose centre lies inside a polygon: even-odd rule. A centre on an edge is in at the low side (left, top) and out at the
 * high side, so that two polygons with a common edge never share a voxel and leave no gap.
 * @param {Float64Array} points x and y by turns; x along the lower of the two array axes
 * @param {number} count points
 * @param {number} columns voxels along x
 * @param {number} rows voxels along y
 * @param {(x: number, y: number) => void} put
 */
export function fillPolygon(points, count, columns, rows, put) {
  let top = Infinity;
  let bottom = -Infinity;
  for (let n = 0; n < count; n++) {
    top = Math.min(top, points[2 * n + 1]);
    bottom = Math.max(bottom, points[2 * n + 1]);
  }
  const crossings = new Float64Array(count);
  for (let y = Math.max(0, Math.ceil(top)); y < rows && y < bottom; y++) {
    const number = cross(points, count, y, crossings);
    const sorted = crossings.subarray(0, number).sort();
    for (let n = 0; n + 1 < number; n += 2) {
      const last = Math.min(columns, Math.ceil(sorted[n + 1]));
      for (let x = Math.max(0, Math.ceil(sorted[n])); x < last; x++) put(x, y);
    }
  }
}

/**
 * Where the edges cross the line through the centres of row y; the number of crossings.
 * @param {Float64Array} points
 * @param {number} count
 * @param {number} y
 * @param {Float64Array} crossings written
 */
function cross(points, count, y, crossings) {
  let number = 0;
  for (let n = 0, m = count - 1; n < count; m = n++) {
    const y1 = points[2 * m + 1];
    const y2 = points[2 * n + 1];
    if (y1 <= y === y2 <= y) continue;
    crossings[number++] = points[2 * m] + ((y - y1) * (points[2 * n] - points[2 * m])) / (y2 - y1);
  }
  return number;
}

const NO_AXIS = -1;

/**
 * Voxels whose centre lies within a radius of the way from a to b, in mm: a disc on one slice, or a sphere. The voxels under
 * the way itself are always in, so that a radius below half a voxel still draws.
 * @param {Grid} grid
 * @param {Float64Array} a continuous index
 * @param {Float64Array} b continuous index
 * @param {number} radiusMm
 * @param {number} flat the array axis across which the slice lies: a disc; -1: a sphere
 * @param {Target} target
 */
export function sweep(grid, a, b, radiusMm, flat, target) {
  const m = grid.metric;
  const dx = b[0] - a[0], dy = b[1] - a[1], dz = b[2] - a[2];
  // M d, for the projection onto the way
  const ex = m[0] * dx + m[3] * dy + m[4] * dz;
  const ey = m[3] * dx + m[1] * dy + m[5] * dz;
  const ez = m[4] * dx + m[5] * dy + m[2] * dz;
  const length2 = ex * dx + ey * dy + ez * dz;
  const radius2 = radiusMm * radiusMm;
  const rx = reach(grid, 0, flat, radiusMm), ry = reach(grid, 1, flat, radiusMm), rz = reach(grid, 2, flat, radiusMm);
  const i0 = lowest(a[0], b[0], rx), i1 = highest(a[0], b[0], rx, grid.shape[0]);
  const j0 = lowest(a[1], b[1], ry), j1 = highest(a[1], b[1], ry, grid.shape[1]);
  const k0 = lowest(a[2], b[2], rz), k1 = highest(a[2], b[2], rz, grid.shape[2]);
  for (let k = k0; k <= k1; k++) {
    for (let j = j0; j <= j1; j++) {
      for (let i = i0; i <= i1; i++) {
        let x = i - a[0], y = j - a[1], z = k - a[2];
        if (length2 > 0) {
          const along = (x * ex + y * ey + z * ez) / length2;
          const part = along < 0 ? 0 : along > 1 ? 1 : along;
          x -= part * dx;
          y -= part * dy;
          z -= part * dz;
        }
        const d2 = m[0] * x * x + m[1] * y * y + m[2] * z * z + 2 * (m[3] * x * y + m[4] * x * z + m[5] * y * z);
        if (d2 <= radius2) target.put(i, j, k);
      }
    }
  }
  under(grid, a, dx, dy, dz, target);
}

/**
 * Half the extent of the disc or sphere along an array axis, voxels (an upper bound for sheared voxels).
 * @param {Grid} grid
 * @param {number} axis
 * @param {number} flat
 * @param {number} radiusMm
 */
function reach(grid, axis, flat, radiusMm) {
  if (axis === flat) return 0;
  const row = grid.inverse[axis];
  return radiusMm * Math.sqrt(row[0] * row[0] + row[1] * row[1] + row[2] * row[2]);
}

/**
 * @param {number} a
 * @param {number} b
 * @param {number} by
 */
function lowest(a, b, by) {
  return Math.max(0, Math.ceil((a < b ? a : b) - by));
}

/**
 * @param {number} a
 * @param {number} b
 * @param {number} by
 * @param {number} length
 */
function highest(a, b, by, length) {
  return Math.min(length - 1, Math.floor((a > b ? a : b) + by));
}

/**
 * The voxels under a way, in steps of half a voxel.
 * @param {Grid} grid
 * @param {Float64Array} a
 * @param {number} dx
 * @param {number} dy
 * @param {number} dz
 * @param {Target} target
 */
function under(grid, a, dx, dy, dz, target) {
  const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(dx), Math.abs(dy), Math.abs(dz))));
  for (let step = 0; step <= steps; step++) {
    const part = step / steps;
    const i = Math.round(a[0] + part * dx), j = Math.round(a[1] + part * dy), k = Math.round(a[2] + part * dz);
    if (grid.holds(i, j, k)) target.put(i, j, k);
  }
}

export { NO_AXIS };

// The drawing tools. They know index coordinates, a mask and an image; neither the page nor the server.

import { fillPolygon, sweep, NO_AXIS } from "./fill.js";
import { CODES } from "./runs.js";

/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./volume.js").Volume} Volume */
/** @typedef {import("./orientation.js").Plane} Plane */
/** @typedef {"look" | "contour" | "polygon" | "brush" | "eraser" | "range" | "grow" | "measure"} ToolName */

/** @type {readonly ToolName[]} */
export const TOOLS = ["look", "contour", "polygon", "brush", "eraser", "range", "grow", "measure"];

/**
 * Where the pointer is: one object per view, written anew on each move.
 * @typedef {object} Site
 * @property {string} sequence
 * @property {Mask} mask
 * @property {Volume | null} volume the image on the screen
 * @property {Plane} plane
 * @property {number} slice
 * @property {Float64Array} at continuous index; along `plane.through` the slice itself
 * @property {boolean} subtract
 * @property {number} pxAcross screen pixels (CSS) per voxel
 * @property {number} pxDown
 */

/**
 * What the reader sets for the tools.
 * @typedef {object} ToolSettings
 * @property {number} radiusMm brush and eraser
 * @property {boolean} ball a sphere rather than a disc
 * @property {boolean} subtract contour, polygon, brush and range take voxels out
 * @property {number} low intensity range, inclusive
 * @property {number} high
 * @property {number} boxMm half the edge of the box that growing stays in
 */

/**
 * Draws lines on the view: continuous index to screen, done by the view.
 * @typedef {object} Pencil
 * @property {(points: Float64Array, count: number, closed: boolean) => void} line x, y by turns
 * @property {(points: Float64Array, count: number) => void} grow a line that only grows: just its new part is drawn
 * @property {(x: number, y: number) => void} knob
 * @property {(x: number, y: number, text: string) => void} label
 * @property {(radiusMm: number, at: Float64Array, erasing: boolean) => void} ring
 * @property {(x0: number, y0: number, x1: number, y1: number) => void} box
 */

/** The two array axes of a plane, the lower first: x and y of contours. */
export function planeAxes(/** @type {Plane} */ plane) {
  return plane.across < plane.down ? [plane.across, plane.down] : [plane.down, plane.across];
}

/** Points that grow without a new array on each move. */
class Points {
  constructor() {
    this.xy = new Float64Array(2 * 1024);
    this.count = 0;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  add(x, y) {
    const { xy, count } = this;
    if (count > 0 && xy[2 * count - 2] === x && xy[2 * count - 1] === y) return;
    if (2 * count + 2 > xy.length) {
      this.xy = new Float64Array(2 * xy.length);
      this.xy.set(xy);
    }
    this.xy[2 * count] = x;
    this.xy[2 * count + 1] = y;
    this.count++;
  }
}

/** A plane of a sequence on which something is being drawn. */
class Sheet {
  /** @param {Site} site */
  constructor(site) {
    this.sequence = site.sequence;
    this.mask = site.mask;
    this.plane = site.plane;
    this.slice = site.slice;
    const [x, y] = planeAxes(site.plane);
    this.x = x;
    this.y = y;
  }

  /** @param {Site} site */
  shows(site) {
    return this.sequence === site.sequence && this.plane.name === site.plane.name && this.slice === site.slice;
  }

  /**
   * Fills a polygon on this sheet.
   * @param {Float64Array} points
   * @param {number} count
   * @param {number} pen
   */
  fill(points, count, pen) {
    const { mask, x, y } = this;
    const index = new Int32Array(3);
    index[this.plane.through] = this.slice;
    mask.pen = pen;
    fillPolygon(points, count, mask.grid.shape[x], mask.grid.shape[y], (column, row) => {
      index[x] = column;
      index[y] = row;
      mask.put(index[0], index[1], index[2]);
    });
  }
}

/** A tool. `release` and `confirm` give the name under which the stroke is stored, or null if nothing was drawn. */
export class Tool {
  /** @param {ToolSettings} settings */
  constructor(settings) {
    this.settings = settings;
    this.busy = false;
  }

  /** Whether what is painted only grows while the pointer is down. */
  get grows() {
    return false;
  }

  /** Whether something stays on the slice when the pointer is elsewhere. */
  get stays() {
    return false;
  }

  /** @param {Site} _site */
  press(_site) {}

  /** @param {Site} _site */
  move(_site) {}

  /**
   * @param {Site} _site
   * @returns {string | null}
   */
  release(_site) {
    return null;
  }

  /**
   * Enter.
   * @returns {string | null}
   */
  confirm() {
    return null;
  }

  /**
   * Esc: drops what is in progress.
   * @returns {boolean} whether there was something
   */
  drop() {
    return false;
  }

  /**
   * Takes back the last step of what is in progress.
   * @returns {boolean} whether there was one
   */
  back() {
    return false;
  }

  /** @returns {boolean} whether a step that was taken back came again */
  forth() {
    return false;
  }

  /** The sheet of what waits for Enter. @returns {Sheet | null} */
  get pending() {
    return null;
  }

  /**
   * Paints what is in progress over the slice.
   * @param {Pencil} _pencil
   * @param {Site} _site
   */
  paint(_pencil, _site) {}
}

/** Freehand: the line that the pointer goes, closed and filled on release. */
export class Contour extends Tool {
  points = new Points();
  /** @type {Sheet | null} */
  sheet = null;
  subtract = false;

  get grows() {
    return true;
  }

  /** @param {Site} site */
  press(site) {
    this.busy = true;
    this.sheet = new Sheet(site);
    this.subtract = site.subtract;
    this.points.count = 0;
    this.points.add(site.at[this.sheet.x], site.at[this.sheet.y]);
  }

  /** @param {Site} site */
  move(site) {
    if (this.sheet) this.points.add(site.at[this.sheet.x], site.at[this.sheet.y]);
  }

  /** @param {Site} site */
  release(site) {
    this.move(site);
    const { sheet, points } = this;
    this.drop();
    if (!sheet || points.count < 3) return null;
    sheet.fill(points.xy, points.count, this.subtract ? CODES.outside : CODES.contour);
    return "contour";
  }

  drop() {
    const was = this.busy;
    this.busy = false;
    this.sheet = null;
    return was;
  }

  /**
   * @param {Pencil} pencil
   * @param {Site} site
   */
  paint(pencil, site) {
    if (this.sheet?.shows(site)) pencil.grow(this.points.xy, this.points.count);
  }
}

/** Screen pixels around a point or an edge in which a click means it. */
const POINT_PX = 8;
const EDGE_PX = 5;

/** Polygon: click adds a point, drag moves one, a click on an edge puts one in; Enter fills. */
export class Polygon extends Tool {
  /** @type {[number, number][]} */
  corners = [];
  /** @type {[number, number][][]} */
  earlier = [];
  /** @type {[number, number][][]} */
  later = [];
  /** @type {Sheet | null} */
  sheet = null;
  held = -1;
  subtract = false;

  get pending() {
    return this.corners.length ? this.sheet : null;
  }

  get stays() {
    return true;
  }

  /** @param {Site} site */
  press(site) {
    if (this.sheet && !this.sheet.shows(site)) return;
    this.sheet ??= new Sheet(site);
    this.busy = true;
    if (!this.corners.length) this.subtract = site.subtract;
    this.#keep();
    const x = site.at[this.sheet.x];
    const y = site.at[this.sheet.y];
    this.held = this.#near(site, x, y);
    if (this.held >= 0) return;
    const edge = this.#nearEdge(site, x, y);
    this.held = edge >= 0 ? edge + 1 : this.corners.length;
    this.corners.splice(this.held, 0, [x, y]);
  }

  /** @param {Site} site */
  move(site) {
    if (this.held < 0 || !this.sheet) return;
    this.corners[this.held] = [site.at[this.sheet.x], site.at[this.sheet.y]];
  }

  /** @param {Site} _site */
  release(_site) {
    this.busy = false;
    this.held = -1;
    const last = this.earlier[this.earlier.length - 1];
    if (last && same(last, this.corners)) this.earlier.pop();
    return null;
  }

  confirm() {
    const { sheet, corners } = this;
    if (!sheet || corners.length < 3) return null;
    sheet.fill(Float64Array.from(corners.flat()), corners.length, this.subtract ? CODES.outside : CODES.polygon);
    this.drop();
    return "polygon";
  }

  drop() {
    const was = this.corners.length > 0;
    this.corners = [];
    this.earlier = [];
    this.later = [];
    this.sheet = null;
    this.held = -1;
    this.busy = false;
    return was;
  }

  back() {
    return this.#step(this.earlier, this.later);
  }

  forth() {
    return this.#step(this.later, this.earlier);
  }

  /**
   * @param {Pencil} pencil
   * @param {Site} site
   */
  paint(pencil, site) {
    if (!this.sheet?.shows(site)) return;
    pencil.line(Float64Array.from(this.corners.flat()), this.corners.length, true);
    for (const [x, y] of this.corners) pencil.knob(x, y);
  }

  #keep() {
    this.earlier.push(this.corners.map(([x, y]) => [x, y]));
    this.later = [];
  }

  /**
   * @param {[number, number][][]} from
   * @param {[number, number][][]} to
   */
  #step(from, to) {
    const corners = from.pop();
    if (!corners) return false;
    to.push(this.corners);
    this.corners = corners;
    return true;
  }

  /**
   * @param {Site} site
   * @param {number} x
   * @param {number} y
   */
  #near(site, x, y) {
    const [px, py] = pixels(site);
    const distances = this.corners.map((corner) => Math.hypot((corner[0] - x) * px, (corner[1] - y) * py));
    const nearest = distances.indexOf(Math.min(...distances));
    return nearest >= 0 && distances[nearest] <= POINT_PX ? nearest : -1;
  }

  /**
   * The edge under the pointer; never the closing one, where a new point goes to the end anyway.
   * @param {Site} site
   * @param {number} x
   * @param {number} y
   */
  #nearEdge(site, x, y) {
    const [px, py] = pixels(site);
    for (let n = 0; n + 1 < this.corners.length; n++) {
      const [ax, ay] = this.corners[n];
      const [bx, by] = this.corners[n + 1];
      const dx = (bx - ax) * px, dy = (by - ay) * py;
      const qx = (x - ax) * px, qy = (y - ay) * py;
      const part = Math.min(1, Math.max(0, (qx * dx + qy * dy) / (dx * dx + dy * dy || 1)));
      if (Math.hypot(qx - part * dx, qy - part * dy) <= EDGE_PX) return n;
    }
    return -1;
  }
}

/**
 * @param {[number, number][]} a
 * @param {[number, number][]} b
 */
function same(a, b) {
  return a.length === b.length && a.every(([x, y], n) => x === b[n][0] && y === b[n][1]);
}

/**
 * Screen pixels per voxel along x and y of contours.
 * @param {Site} site
 */
function pixels(site) {
  return site.plane.across < site.plane.down ? [site.pxAcross, site.pxDown] : [site.pxDown, site.pxAcross];
}

/** Brush: all voxels within the radius of the pointer's way, a disc on the slice or a sphere. */
export class Brush extends Tool {
  /** @type {Mask | null} */
  mask = null;
  last = new Float64Array(3);
  flat = NO_AXIS;

  /** @param {Site} site */
  press(site) {
    this.busy = true;
    this.mask = site.mask;
    this.mask.pen = this.pen(site);
    this.flat = this.settings.ball ? NO_AXIS : site.plane.through;
    this.last.set(site.at);
    this.sweep(site);
  }

  /** @param {Site} site */
  move(site) {
    if (this.busy) this.sweep(site);
  }

  /** @param {Site} site */
  release(site) {
    this.move(site);
    this.busy = false;
    this.mask = null;
    return this.stored;
  }

  drop() {
    const was = this.busy;
    if (was) this.mask?.dropStroke();
    this.busy = false;
    this.mask = null;
    return was;
  }

  /** @returns {string} the name under which the stroke is stored */
  get stored() {
    return this.flat === NO_AXIS ? "sphere" : "brush";
  }

  /**
   * @param {Site} site
   * @returns {number}
   */
  pen(site) {
    if (site.subtract) return CODES.outside;
    return this.settings.ball ? CODES.sphere : CODES.brush;
  }

  /** @param {Site} site */
  sweep(site) {
    sweep(site.mask.grid, this.last, site.at, this.settings.radiusMm, this.flat, site.mask);
    this.last.set(site.at);
  }

  /**
   * @param {Pencil} pencil
   * @param {Site} site
   */
  paint(pencil, site) {
    pencil.ring(this.settings.radiusMm, site.at, site.subtract);
  }
}

/** The brush that only takes out. */
export class Eraser extends Brush {
  get stored() {
    return "eraser";
  }

  /** @param {Site} _site */
  pen(_site) {
    return CODES.outside;
  }

  /**
   * @param {Pencil} pencil
   * @param {Site} site
   */
  paint(pencil, site) {
    pencil.ring(this.settings.radiusMm, site.at, true);
  }
}

/** The brush that takes voxels within an intensity range alone. */
export class RangeBrush extends Brush {
  /** @type {Volume | null} */
  volume = null;

  get stored() {
    return "range";
  }

  /** @param {Site} site */
  pen(site) {
    return site.subtract ? CODES.outside : CODES.range;
  }

  /** @param {Site} site */
  sweep(site) {
    this.volume = site.volume;
    if (!this.volume) return;
    sweep(site.mask.grid, this.last, site.at, this.settings.radiusMm, this.flat, this);
    this.last.set(site.at);
  }

  /**
   * @param {number} i
   * @param {number} j
   * @param {number} k
   */
  put(i, j, k) {
    if (!this.volume || !this.mask) return;
    const { strides } = this.mask.grid;
    const value = this.volume.voxels[i + strides[1] * j + strides[2] * k];
    if (value >= this.settings.low && value <= this.settings.high) this.mask.put(i, j, k);
  }
}

/**
 * Lowest and highest intensity under the brush.
 * @param {Site} site
 * @param {ToolSettings} settings
 * @returns {[number, number] | null}
 */
export function rangeUnder(site, settings) {
  const { volume, mask } = site;
  if (!volume) return null;
  let low = Infinity;
  let high = -Infinity;
  const target = {
    /**
     * @param {number} i
     * @param {number} j
     * @param {number} k
     */
    put(i, j, k) {
      const value = volume.voxels[i + mask.grid.strides[1] * j + mask.grid.strides[2] * k];
      if (value < low) low = value;
      if (value > high) high = value;
    },
  };
  sweep(mask.grid, site.at, site.at, settings.radiusMm, settings.ball ? NO_AXIS : site.plane.through, target);
  return low <= high ? [low, high] : null;
}

/** Growing: a click gives the seed; the server grows within the range and the box, and the reader accepts the preview. */
export class Grow extends Tool {
  /** @type {number[] | null} */
  seed = null;
  /** @type {Sheet | null} */
  sheet = null;

  /** @param {Site} site */
  press(site) {
    this.busy = true;
    this.sheet = new Sheet(site);
    this.seed = Array.from(site.at, Math.round);
  }

  /** @param {Site} _site */
  release(_site) {
    this.busy = false;
    return null;
  }

  /**
   * The box around a seed: lowest and highest index, inclusive, within the grid.
   * @param {Mask} mask
   * @param {ArrayLike<number>} seed
   */
  box(mask, seed) {
    const { grid } = mask;
    const half = [0, 1, 2].map((axis) => this.settings.boxMm / Math.sqrt(grid.metric[axis]));
    return {
      low: half.map((h, axis) => Math.max(0, Math.ceil(seed[axis] - h))),
      high: half.map((h, axis) => Math.min(grid.shape[axis] - 1, Math.floor(seed[axis] + h))),
    };
  }

  /**
   * @param {Pencil} pencil
   * @param {Site} site
   */
  paint(pencil, site) {
    const [x, y] = planeAxes(site.plane);
    const { low, high } = this.box(site.mask, site.at);
    pencil.box(low[x] - 0.5, low[y] - 0.5, high[x] + 0.5, high[y] + 0.5);
  }
}

/** Distance between two points of a slice, mm. */
export class Measure extends Tool {
  /** @type {{sheet: Sheet, ends: Float64Array, mm: number}[]} */
  lines = [];
  from = new Float64Array(3);

  get stays() {
    return true;
  }

  /** @param {Site} site */
  press(site) {
    const sheet = new Sheet(site);
    this.busy = true;
    this.from.set(site.at);
    const [x, y] = [site.at[sheet.x], site.at[sheet.y]];
    this.lines.push({ sheet, ends: Float64Array.of(x, y, x, y), mm: 0 });
  }

  /** @param {Site} site */
  move(site) {
    const line = this.lines[this.lines.length - 1];
    if (!this.busy || !line) return;
    line.ends[2] = site.at[line.sheet.x];
    line.ends[3] = site.at[line.sheet.y];
    line.mm = site.mask.grid.distanceMm(this.from, site.at);
  }

  /** @param {Site} site */
  release(site) {
    this.move(site);
    this.busy = false;
    this.lines = this.lines.filter((line) => line.mm > 0);
    return null;
  }

  drop() {
    const was = this.lines.length > 0;
    this.lines.pop();
    this.busy = false;
    return was;
  }

  /**
   * @param {Pencil} pencil
   * @param {Site} site
   */
  paint(pencil, site) {
    for (const { sheet, ends, mm } of this.lines) {
      if (!sheet.shows(site)) continue;
      pencil.line(ends, 2, false);
      pencil.knob(ends[0], ends[1]);
      pencil.knob(ends[2], ends[3]);
      pencil.label(ends[2], ends[3], `${mm.toFixed(1)} mm`);
    }
  }
}

/**
 * All tools by name.
 * @param {ToolSettings} settings
 */
export function makeTools(settings) {
  return {
    look: new Tool(settings),
    contour: new Contour(settings),
    polygon: new Polygon(settings),
    brush: new Brush(settings),
    eraser: new Eraser(settings),
    range: new RangeBrush(settings),
    grow: new Grow(settings),
    measure: new Measure(settings),
  };
}

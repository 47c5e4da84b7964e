// One slice on a canvas: image, mask and tools in progress; zoom, pan, window; pointer events to index coordinates.
// Two canvases lie on each other: the lower one has image and mask, the upper one what moves with the pointer.

import { UNCHANGED } from "./runs.js";
import { greySlice } from "./volume.js";
import { planeAxes } from "./tools.js";

/** @typedef {import("./orientation.js").Plane} Plane */
/** @typedef {import("./volume.js").Volume} Volume */
/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./tools.js").Tool} Tool */
/** @typedef {import("./tools.js").Site} Site */

/**
 * What a view shows.
 * @typedef {object} Scene
 * @property {string} sequence
 * @property {string} caption
 * @property {Volume | null} volume
 * @property {string} waiting text while there is no volume
 * @property {Mask} mask
 * @property {Uint8Array | null} preview codes, or UNCHANGED
 * @property {Int32Array | null} previewSlices changed voxels of the preview per slice of this plane
 * @property {Plane} plane
 * @property {number} slice
 * @property {[number, number]} window
 * @property {number} pxPerMm CSS pixels
 * @property {number} column index of the voxel in the middle of the view, in the order of the screen, continuous
 * @property {number} row
 * @property {boolean} maskShown
 * @property {boolean} maskFilled
 * @property {boolean} smooth
 * @property {boolean} active
 * @property {[number, number] | null} cross column and row of the crosshair
 * @property {[number, number] | null} arrow column and row that the study lead's arrow points at
 */

/**
 * What a view asks of the page.
 * @typedef {object} ViewHost
 * @property {() => Tool} tool
 * @property {() => boolean} subtracts the button, not the Alt key
 * @property {() => boolean} panning the space bar is held
 * @property {(view: SliceView) => void} activate
 * @property {(view: SliceView, site: Site, event: PointerEvent) => boolean} press false: the page did it itself
 * @property {(view: SliceView, site: Site, event: PointerEvent) => void} moved
 * @property {(view: SliceView, site: Site) => void} released
 * @property {(view: SliceView, steps: number) => void} scroll positive: up
 * @property {(view: SliceView, slice: number) => void} goTo
 * @property {(view: SliceView, factor: number, x: number, y: number) => void} zoom around a point of the view, CSS pixels
 * @property {(view: SliceView, dx: number, dy: number) => void} pan CSS pixels
 * @property {(view: SliceView, dx: number, dy: number) => void} window CSS pixels
 * @property {(steps: number) => void} resizeBrush
 * @property {(view: SliceView) => void} resized
 * @property {(eventTime: number, kind: "paint" | "scroll" | "other") => void} drew
 * @property {() => void} schedule asks for a frame
 */

const COLOURS = {
  mask: [70, 200, 255], add: [255, 190, 60], remove: [255, 80, 150], line: "#ffe27a", erase: "#ff7d9c", cross: "rgba(120,190,255,.55)",
};
const FILL = 0.18;
const PREVIEW_FILL = 0.6;
/** Wheel units of one slice. */
const NOTCH = 100;

/**
 * One pixel of the canvas, octets in memory order RGBA (little-endian machines alone run browsers).
 * @param {number[]} colour
 * @param {number} alpha
 */
function rgba([r, g, b], alpha) {
  return ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

const MASK_PIXEL = rgba(COLOURS.mask, FILL);
const ADD_PIXELS = [rgba(COLOURS.add, PREVIEW_FILL), rgba(COLOURS.add, PREVIEW_FILL / 2.5)];
const REMOVE_PIXELS = [rgba(COLOURS.remove, PREVIEW_FILL), rgba(COLOURS.remove, PREVIEW_FILL / 2.5)];

/** A canvas of the slice's own size, whose pixels are voxels. */
class Sheet {
  canvas = document.createElement("canvas");
  context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { willReadFrequently: true }));
  image = this.context.createImageData(1, 1);
  pixels = new Uint32Array(this.image.data.buffer);

  /**
   * @param {number} columns
   * @param {number} rows
   */
  fit(columns, rows) {
    if (this.image.width === columns && this.image.height === rows) return;
    this.canvas.width = columns;
    this.canvas.height = rows;
    this.image = this.context.createImageData(columns, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }
}

/** A rectangle of voxels on the screen: columns and rows, inclusive. */
class Patch {
  left = 0;
  top = 0;
  right = -1;
  bottom = -1;

  get empty() {
    return this.right < this.left;
  }

  clear() {
    this.left = 0;
    this.right = -1;
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  set(left, top, right, bottom) {
    this.left = left;
    this.top = top;
    this.right = right;
    this.bottom = bottom;
  }
}

/** A view. Its element holds the canvases, the four marks, a caption and the slice bar. */
export class SliceView {
  /** @param {ViewHost} host */
  constructor(host) {
    this.host = host;
    this.element = element("div", "view");
    this.stage = this.element.appendChild(element("div", "stage"));
    this.base = this.stage.appendChild(document.createElement("canvas"));
    this.top = this.stage.appendChild(document.createElement("canvas"));
    this.base.className = "base";
    this.top.className = "top";
    this.top.setAttribute("role", "img");
    this.context = /** @type {CanvasRenderingContext2D} */ (this.base.getContext("2d", { alpha: false }));
    this.over = /** @type {CanvasRenderingContext2D} */ (this.top.getContext("2d"));
    this.marks = ["left", "right", "top", "bottom"].map((side) => this.stage.appendChild(element("span", `mark mark-${side}`)));
    this.captionText = this.stage.appendChild(element("div", "caption"));
    this.waitingText = this.stage.appendChild(element("div", "waiting"));
    this.bar = this.element.appendChild(document.createElement("canvas"));
    this.bar.className = "slice-bar";
    this.image = new Sheet();
    this.overlay = new Sheet();
    /** @type {Scene | null} */
    this.scene = null;
    this.width = 0;
    this.height = 0;
    this.ratio = 1;
    this.stale = { image: true, mask: true, over: true, bar: true };
    this.patch = new Patch();
    /** Time stamp of the oldest event that this view has not yet drawn; 0: none. */
    this.since = 0;
    /** @type {"paint" | "scroll" | "other"} */
    this.kind = "other";
    this.inside = false;
    this.drawnPoints = 0;
    this.wheeled = 0;
    /** @type {"none" | "tool" | "pan" | "window" | "pinch"} */
    this.drag = "none";
    this.lastX = 0;
    this.lastY = 0;
    /** @type {Map<number, {x: number, y: number}>} */
    this.fingers = new Map();
    /** @type {Site} */
    this.site = {
      sequence: "", mask: /** @type {any} */ (null), volume: null, plane: /** @type {any} */ (null), slice: 0,
      at: new Float64Array(3), subtract: false, pxAcross: 1, pxDown: 1,
    };
    this.pencil = pencilOf(this);
    this.#listen();
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.element);
  }

  /** Ends the view. */
  close() {
    this.observer.disconnect();
    this.element.remove();
  }

  /**
   * Shows a scene; only what differs from the last one is drawn anew.
   * @param {Scene} scene
   */
  show(scene) {
    const old = this.scene;
    this.scene = scene;
    const moved = !old || old.plane !== scene.plane || old.slice !== scene.slice || old.mask !== scene.mask;
    const placed = !old || old.pxPerMm !== scene.pxPerMm || old.column !== scene.column || old.row !== scene.row;
    const windowed = !old || old.window[0] !== scene.window[0] || old.window[1] !== scene.window[1];
    if (moved || windowed || old.volume !== scene.volume) this.stale.image = true;
    if (moved || old.preview !== scene.preview) this.stale.mask = true;
    this.stale.over = this.stale.over || moved || placed;
    this.stale.bar = true;
    this.repaint = true;
    this.#words(scene);
    this.#site(scene);
    this.host.schedule();
  }

  repaint = true;

  /** Reads the size of the element. Sizes are whole device pixels at the usual scales, so that canvas and screen agree. */
  measure() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(4, Math.floor((this.element.clientWidth - this.bar.clientWidth) / 4) * 4);
    const height = Math.max(4, Math.floor(this.element.clientHeight / 4) * 4);
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.stage.style.width = `${width}px`;
    this.stage.style.height = `${height}px`;
    for (const canvas of [this.base, this.top]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.stale = { image: this.stale.image, mask: this.stale.mask, over: true, bar: true };
    this.repaint = true;
    this.host.resized(this);
  }

  /** The size of one voxel on the screen, CSS pixels, and where the first voxel's outer corner lies. */
  get placing() {
    const scene = /** @type {Scene} */ (this.scene);
    const px = scene.plane.columnMm * scene.pxPerMm;
    const py = scene.plane.rowMm * scene.pxPerMm;
    return { px, py, x: this.width / 2 - (scene.column + 0.5) * px, y: this.height / 2 - (scene.row + 0.5) * py };
  }

  /**
   * Writes the continuous index under a point of the window into the site.
   * @param {number} clientX
   * @param {number} clientY
   */
  locate(clientX, clientY) {
    const scene = /** @type {Scene} */ (this.scene);
    const { plane } = scene;
    const column = (clientX - this.originX - this.width / 2) / (plane.columnMm * scene.pxPerMm) + scene.column;
    const row = (clientY - this.originY - this.height / 2) / (plane.rowMm * scene.pxPerMm) + scene.row;
    const at = this.site.at;
    at[plane.across] = plane.flipAcross ? plane.columns - 1 - column : column;
    at[plane.down] = plane.flipDown ? plane.rows - 1 - row : row;
    at[plane.through] = scene.slice;
  }

  originX = 0;
  originY = 0;

  /** Voxels of the mask changed: only their rectangle is drawn again. */
  maskChanged() {
    const { scene } = this;
    if (!scene) return;
    const { low, high, empty } = scene.mask.frame;
    const { plane } = scene;
    if (empty || scene.slice < low[plane.through] || scene.slice > high[plane.through]) return;
    const [left, right] = span(low[plane.across], high[plane.across], plane.flipAcross, plane.columns);
    const [top, bottom] = span(low[plane.down], high[plane.down], plane.flipDown, plane.rows);
    this.patch.set(left, top, right, bottom);
  }

  /** Draws what is stale. Called once a frame by the page. */
  draw() {
    const { scene } = this;
    if (!scene || !this.width) return;
    const first = this.since;
    const painted = this.repaint || this.stale.image || !this.patch.empty;
    if (this.stale.image && scene.volume) {
      this.image.fit(scene.plane.columns, scene.plane.rows);
      greySlice(scene.volume, scene.plane, scene.slice, scene.window[0], scene.window[1], this.image.pixels);
      this.image.context.putImageData(this.image.image, 0, 0);
      this.stale.image = false;
      this.repaint = true;
    }
    this.bare = scene.mask.perSlice[scene.plane.through][scene.slice] === 0 && !scene.previewSlices?.[scene.slice];
    this.#colourStale(scene);
    if (this.repaint) this.#paint(0, 0, scene.plane.columns - 1, scene.plane.rows - 1, true);
    else if (!this.patch.empty) this.#paint(this.patch.left, this.patch.top, this.patch.right, this.patch.bottom, false);
    this.patch.clear();
    this.repaint = false;
    this.#paintOver();
    if (this.stale.bar) this.#paintBar(scene);
    if (first > 0 && (painted || this.drag === "tool")) this.host.drew(first, this.kind);
    this.since = 0;
  }

  /** Whether neither mask nor preview has a voxel on this slice: then the colours are neither computed nor drawn. */
  bare = true;

  /** @param {Scene} scene */
  #colourStale(scene) {
    const { columns, rows } = scene.plane;
    if (this.bare) {
      this.stale.mask = true;
    } else if (this.stale.mask) {
      this.overlay.fit(columns, rows);
      this.#colour(0, 0, columns - 1, rows - 1);
      this.stale.mask = false;
      this.repaint = true;
    } else if (!this.patch.empty) {
      this.#colour(this.patch.left, this.patch.top, this.patch.right, this.patch.bottom);
    }
  }

  /**
   * Colours of the mask and the preview in a rectangle.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  #colour(left, top, right, bottom) {
    const { plane, slice, mask, preview, maskFilled } = /** @type {Scene} */ (this.scene);
    const { strides } = mask.grid;
    const { pixels } = this.overlay;
    const step = plane.flipAcross ? -strides[plane.across] : strides[plane.across];
    const start = slice * strides[plane.through] + (plane.flipAcross ? plane.columns - 1 - left : left) * strides[plane.across];
    const inside = maskFilled ? MASK_PIXEL : 0;
    for (let row = top; row <= bottom; row++) {
      let index = start + (plane.flipDown ? plane.rows - 1 - row : row) * strides[plane.down];
      let pixel = row * plane.columns + left;
      for (let column = left; column <= right; column++, pixel++, index += step) {
        pixels[pixel] = mask.codes[index] === 0 ? 0 : inside;
        if (preview === null || preview[index] === UNCHANGED) continue;
        if ((preview[index] === 0) === (mask.codes[index] === 0)) continue;
        pixels[pixel] = (preview[index] === 0 ? REMOVE_PIXELS : ADD_PIXELS)[(column + row) & 1];
      }
    }
    const width = right - left + 1;
    this.overlay.context.putImageData(this.overlay.image, 0, 0, left, top, width, bottom - top + 1);
  }

  /**
   * Paints a rectangle of voxels, or all.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   * @param {boolean} all
   */
  #paint(left, top, right, bottom, all) {
    const scene = /** @type {Scene} */ (this.scene);
    const { context, ratio } = this;
    const { px, py, x, y } = this.placing;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.save();
    if (!all) {
      const clipX = Math.floor((x + left * px) * ratio) - 3, clipY = Math.floor((y + top * py) * ratio) - 3;
      const clipRight = Math.ceil((x + (right + 1) * px) * ratio) + 3, clipBottom = Math.ceil((y + (bottom + 1) * py) * ratio) + 3;
      context.beginPath();
      context.rect(clipX / ratio, clipY / ratio, (clipRight - clipX) / ratio, (clipBottom - clipY) / ratio);
      context.clip();
    }
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.width, this.height);
    if (scene.volume) {
      context.imageSmoothingEnabled = scene.smooth;
      context.drawImage(this.image.canvas, x, y, scene.plane.columns * px, scene.plane.rows * py);
    }
    if (scene.maskShown && !this.bare) {
      context.imageSmoothingEnabled = false;
      context.drawImage(this.overlay.canvas, x, y, scene.plane.columns * px, scene.plane.rows * py);
      const margin = all ? 0 : Math.ceil(4 / (Math.min(px, py) * ratio)) + 1;
      this.#outline(
        Math.max(0, left - margin), Math.max(0, top - margin),
        Math.min(scene.plane.columns - 1, right + margin), Math.min(scene.plane.rows - 1, bottom + margin),
      );
    }
    this.#crosshair(scene);
    context.restore();
  }

  /**
   * The border of the mask along the edges of its voxels.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  #outline(left, top, right, bottom) {
    const { plane, slice, mask } = /** @type {Scene} */ (this.scene);
    if (mask.perSlice[plane.through][slice] === 0) return;
    const { strides } = mask.grid;
    const { codes } = mask;
    const { px, py, x, y } = this.placing;
    const { context } = this;
    const acrossStep = plane.flipAcross ? -strides[plane.across] : strides[plane.across];
    const downStep = plane.flipDown ? -strides[plane.down] : strides[plane.down];
    const origin = slice * strides[plane.through] +
      (plane.flipAcross ? (plane.columns - 1) * strides[plane.across] : 0) +
      (plane.flipDown ? (plane.rows - 1) * strides[plane.down] : 0);
    context.beginPath();
    for (let row = top; row <= bottom; row++) {
      let index = origin + row * downStep + left * acrossStep;
      for (let column = left; column <= right; column++, index += acrossStep) {
        if (codes[index] === 0) continue;
        const x0 = x + column * px, y0 = y + row * py;
        if (column === 0 || codes[index - acrossStep] === 0) edge(context, x0, y0, x0, y0 + py);
        if (column === plane.columns - 1 || codes[index + acrossStep] === 0) edge(context, x0 + px, y0, x0 + px, y0 + py);
        if (row === 0 || codes[index - downStep] === 0) edge(context, x0, y0, x0 + px, y0);
        if (row === plane.rows - 1 || codes[index + downStep] === 0) edge(context, x0, y0 + py, x0 + px, y0 + py);
      }
    }
    context.lineCap = "square";
    context.strokeStyle = "rgba(0,20,35,.55)"; // so that it is seen on bright lesions too
    context.lineWidth = 3;
    context.stroke();
    context.strokeStyle = `rgb(${COLOURS.mask.join(",")})`;
    context.lineWidth = 1.25;
    context.stroke();
  }

  /** @param {Scene} scene */
  #crosshair(scene) {
    const { context } = this;
    const { px, py, x, y } = this.placing;
    if (scene.cross) {
      const cx = x + (scene.cross[0] + 0.5) * px, cy = y + (scene.cross[1] + 0.5) * py;
      context.beginPath();
      edge(context, 0, cy, cx - 14, cy);
      edge(context, cx + 14, cy, this.width, cy);
      edge(context, cx, 0, cx, cy - 14);
      edge(context, cx, cy + 14, cx, this.height);
      context.strokeStyle = COLOURS.cross;
      context.lineWidth = 1;
      context.stroke();
    }
    if (scene.arrow) {
      const tipX = x + (scene.arrow[0] + 0.5) * px + 6, tipY = y + (scene.arrow[1] + 0.5) * py + 6;
      context.beginPath();
      edge(context, tipX + 26, tipY + 26, tipX, tipY);
      context.lineTo(tipX + 11, tipY + 2);
      edge(context, tipX, tipY, tipX + 2, tipY + 11);
      context.strokeStyle = COLOURS.line;
      context.lineWidth = 2.5;
      context.stroke();
    }
  }

  /** Whether something stands on the upper canvas. */
  overUsed = false;

  /** What moves with the pointer. A freehand line in progress only grows, so only its new part is drawn. */
  #paintOver() {
    const scene = /** @type {Scene} */ (this.scene);
    const { over, ratio } = this;
    const tool = this.host.tool();
    const growing = tool.grows && this.drag === "tool" && !this.stale.over && this.drawnPoints > 0;
    if (!growing && this.overUsed) {
      over.setTransform(1, 0, 0, 1, 0, 0);
      over.clearRect(0, 0, this.top.width, this.top.height);
      this.overUsed = false;
    }
    if (!growing) this.drawnPoints = 0;
    over.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (scene.volume && (this.inside || tool.stays || this.drag === "tool")) tool.paint(this.pencil, this.site);
    this.stale.over = false;
  }

  /** @param {Scene} scene */
  #paintBar(scene) {
    const { bar, ratio } = this;
    const width = Math.round(bar.clientWidth * ratio), height = Math.round(this.height * ratio);
    if (bar.width !== width || bar.height !== height) {
      bar.width = width;
      bar.height = height;
      bar.style.height = `${this.height}px`;
    }
    const context = /** @type {CanvasRenderingContext2D} */ (bar.getContext("2d"));
    const { plane, slice, mask, previewSlices } = scene;
    const step = height / plane.slices;
    const at = (/** @type {number} */ n) => (plane.up > 0 ? plane.slices - 1 - n : n) * step;
    context.fillStyle = "#15181c";
    context.fillRect(0, 0, width, height);
    for (let n = 0; n < plane.slices; n++) {
      if (previewSlices && previewSlices[n] > 0) {
        context.fillStyle = `rgb(${COLOURS.add.join(",")})`;
        context.fillRect(0.6 * width, at(n), 0.4 * width, Math.max(1, step - 1));
      }
      if (mask.perSlice[plane.through][n] > 0) {
        context.fillStyle = `rgb(${COLOURS.mask.join(",")})`;
        context.fillRect(0.15 * width, at(n), 0.4 * width, Math.max(1, step - 1));
      }
    }
    context.fillStyle = "#fff";
    context.fillRect(0, at(slice) + step / 2 - ratio, width, 2 * ratio);
    this.stale.bar = false;
  }

  /** @param {Scene} scene */
  #words(scene) {
    const { marks } = scene.plane;
    [marks.left, marks.right, marks.top, marks.bottom].forEach((letter, n) => write(this.marks[n], letter));
    write(this.captionText, scene.caption);
    if (this.top.ariaLabel !== scene.caption) this.top.ariaLabel = scene.caption;
    write(this.waitingText, scene.volume ? "" : scene.waiting);
    this.element.classList.toggle("active", scene.active);
    this.element.dataset.sequence = scene.sequence;
    this.element.dataset.plane = scene.plane.name;
  }

  /** @param {Scene} scene */
  #site(scene) {
    const { site } = this;
    site.sequence = scene.sequence;
    site.mask = scene.mask;
    site.volume = scene.volume;
    site.plane = scene.plane;
    site.slice = scene.slice;
    site.at[scene.plane.through] = scene.slice;
    site.pxAcross = scene.plane.columnMm * scene.pxPerMm;
    site.pxDown = scene.plane.rowMm * scene.pxPerMm;
    if (this.inside && this.drag === "none") this.locate(this.lastX, this.lastY);
  }

  /**
   * @param {number} time
   * @param {"paint" | "scroll" | "other"} kind
   */
  touch(time, kind) {
    if (this.since === 0) this.since = time;
    this.kind = kind;
    this.host.schedule();
  }

  #listen() {
    const { top, bar } = this;
    top.addEventListener("pointerdown", (event) => this.#down(event));
    top.addEventListener("pointermove", (event) => this.#move(event));
    top.addEventListener("pointerup", (event) => this.#up(event));
    top.addEventListener("pointercancel", (event) => this.#up(event));
    top.addEventListener("pointerleave", () => this.#leave());
    top.addEventListener("contextmenu", (event) => event.preventDefault());
    top.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    const go = (/** @type {PointerEvent} */ event) => this.#barTo(event);
    bar.addEventListener("pointerdown", (event) => {
      bar.setPointerCapture(event.pointerId);
      go(event);
    });
    bar.addEventListener("pointermove", (event) => event.buttons && go(event));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    event.preventDefault();
    if (!this.scene) return;
    const box = this.top.getBoundingClientRect();
    this.originX = box.left;
    this.originY = box.top;
    this.host.activate(this);
    this.top.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.fingers.size === 2) {
      if (this.drag === "tool") this.host.tool().drop();
      this.drag = "pinch";
      return;
    }
    if (this.drag !== "none") return;
    this.lastX = event.clientX;
    this.lastY = event.clientY;
    if (event.button === 1 || (event.button === 0 && this.host.panning())) this.drag = "pan";
    else if (event.button === 2) this.drag = "window";
    else if (event.button === 0) this.#press(event);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    this.locate(event.clientX, event.clientY);
    this.site.subtract = this.host.subtracts() !== event.altKey;
    this.drag = "tool";
    if (this.host.press(this, this.site, event)) this.host.tool().press(this.site);
    this.touch(event.timeStamp, "paint");
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.scene) return;
    if (!this.inside) {
      const box = this.top.getBoundingClientRect();
      this.originX = box.left;
      this.originY = box.top;
      this.inside = true;
    }
    if (this.drag === "tool") this.#drawTo(event);
    else if (this.drag === "none") this.#hover(event);
    else if (this.drag === "pinch") this.#pinch(event);
    else {
      const dx = event.clientX - this.lastX, dy = event.clientY - this.lastY;
      if (this.drag === "pan") this.host.pan(this, dx, dy);
      else this.host.window(this, dx, dy);
      this.touch(event.timeStamp, "other");
    }
    this.lastX = event.clientX;
    this.lastY = event.clientY;
  }

  /** @param {PointerEvent} event */
  #drawTo(event) {
    const tool = this.host.tool();
    const all = event.getCoalescedEvents?.() ?? [];
    for (let n = 0; n < all.length - 1; n++) {
      this.locate(all[n].clientX, all[n].clientY);
      tool.move(this.site);
    }
    this.locate(event.clientX, event.clientY);
    tool.move(this.site);
    this.host.moved(this, this.site, event);
    this.touch(event.timeStamp, "paint");
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    this.locate(event.clientX, event.clientY);
    this.site.subtract = this.host.subtracts() !== event.altKey;
    this.host.moved(this, this.site, event);
    this.touch(event.timeStamp, "other");
  }

  /** @param {PointerEvent} event */
  #pinch(event) {
    const finger = this.fingers.get(event.pointerId);
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (!finger || !other) return;
    const before = Math.hypot(finger.x - other.x, finger.y - other.y);
    const now = Math.hypot(event.clientX - other.x, event.clientY - other.y);
    const x = (event.clientX + other.x) / 2 - this.originX, y = (event.clientY + other.y) / 2 - this.originY;
    if (before > 0 && now > 0) this.host.zoom(this, now / before, x, y);
    this.host.pan(this, (event.clientX - finger.x) / 2, (event.clientY - finger.y) / 2);
    finger.x = event.clientX;
    finger.y = event.clientY;
    this.touch(event.timeStamp, "other");
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.fingers.delete(event.pointerId);
    const { drag } = this;
    if (drag === "pinch" && this.fingers.size > 0) return;
    this.drag = "none";
    if (drag !== "tool") return;
    this.stale.over = true;
    this.touch(event.timeStamp, "paint");
    if (event.type === "pointercancel") this.host.tool().drop(); // the system took the pointer: nobody ended this stroke
    else this.locate(event.clientX, event.clientY);
    this.host.released(this, this.site);
  }

  #leave() {
    this.inside = false;
    this.stale.over = true;
    this.host.schedule();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    if (!this.scene || this.drag === "tool") return; // a stroke stays on its slice
    // pixels are CSS pixels: one notch is fewer of them on a scaled screen
    const unit = event.deltaMode === 1 ? NOTCH / 3 : event.deltaMode === 2 ? NOTCH : window.devicePixelRatio || 1;
    const delta = (event.deltaY || event.deltaX) * unit;
    const box = this.top.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      this.host.zoom(this, Math.exp(-delta * 0.002), event.clientX - box.left, event.clientY - box.top);
      this.touch(event.timeStamp, "other");
      return;
    }
    this.wheeled += delta;
    const steps = Math.trunc(this.wheeled / NOTCH) || (Math.abs(delta) >= NOTCH / 2 ? Math.sign(delta) : 0);
    if (steps === 0) return;
    this.wheeled = 0;
    if (event.shiftKey) {
      this.host.resizeBrush(-steps);
      return;
    }
    this.touch(event.timeStamp, "scroll");
    this.host.scroll(this, -steps);
  }

  /** @param {PointerEvent} event */
  #barTo(event) {
    const { scene } = this;
    if (!scene) return;
    const box = this.bar.getBoundingClientRect();
    const n = Math.floor(((event.clientY - box.top) / box.height) * scene.plane.slices);
    const slice = Math.min(scene.plane.slices - 1, Math.max(0, scene.plane.up > 0 ? scene.plane.slices - 1 - n : n));
    this.host.activate(this);
    this.touch(event.timeStamp, "scroll");
    this.host.goTo(this, slice);
  }
}

/**
 * Columns of the screen for a range of indices.
 * @param {number} low
 * @param {number} high
 * @param {boolean} flipped
 * @param {number} length
 */
function span(low, high, flipped, length) {
  return flipped ? [length - 1 - high, length - 1 - low] : [low, high];
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function edge(context, x0, y0, x1, y1) {
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
}

/**
 * @param {string} tag
 * @param {string} name
 */
function element(tag, name) {
  const node = document.createElement(tag);
  node.className = name;
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {string} words
 */
function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/**
 * The lines of tools, on the upper canvas of a view.
 * @param {SliceView} view
 * @returns {import("./tools.js").Pencil}
 */
function pencilOf(view) {
  const context = view.over;
  const screenX = (/** @type {number} */ x, /** @type {number} */ y) => {
    const { plane } = /** @type {Scene} */ (view.scene);
    const { px, x: left } = view.placing;
    const index = plane.across < plane.down ? x : y;
    return left + ((plane.flipAcross ? plane.columns - 1 - index : index) + 0.5) * px;
  };
  const screenY = (/** @type {number} */ x, /** @type {number} */ y) => {
    const { plane } = /** @type {Scene} */ (view.scene);
    const { py, y: top } = view.placing;
    const index = plane.across < plane.down ? y : x;
    return top + ((plane.flipDown ? plane.rows - 1 - index : index) + 0.5) * py;
  };
  /**
   * @param {Float64Array} points
   * @param {number} from
   * @param {number} to
   * @param {boolean} closed
   */
  function way(points, from, to, closed) {
    view.overUsed = true;
    context.beginPath();
    for (let n = from; n < to; n++) {
      const x = screenX(points[2 * n], points[2 * n + 1]), y = screenY(points[2 * n], points[2 * n + 1]);
      if (n === from) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    if (closed) context.closePath();
    context.strokeStyle = COLOURS.line;
    context.lineWidth = 1.5;
    context.stroke();
  }
  return {
    line(points, count, closed) {
      way(points, 0, count, closed);
    },
    grow(points, count) {
      way(points, Math.max(0, view.drawnPoints - 1), count, false);
      view.drawnPoints = count;
    },
    knob(x, y) {
      view.overUsed = true;
      context.beginPath();
      context.arc(screenX(x, y), screenY(x, y), 4, 0, 2 * Math.PI);
      context.fillStyle = "#14171b";
      context.fill();
      context.strokeStyle = COLOURS.line;
      context.stroke();
    },
    label(x, y, words) {
      context.font = "13px system-ui, sans-serif";
      const width = context.measureText(words).width;
      context.fillStyle = "rgba(0,0,0,.7)";
      context.fillRect(screenX(x, y) + 8, screenY(x, y) - 20, width + 8, 19);
      context.fillStyle = COLOURS.line;
      context.fillText(words, screenX(x, y) + 12, screenY(x, y) - 6);
    },
    ring(radiusMm, at, erasing) {
      view.overUsed = true;
      const scene = /** @type {Scene} */ (view.scene);
      const [x, y] = planeAxes(scene.plane);
      const radius = radiusMm * scene.pxPerMm;
      context.beginPath();
      context.arc(screenX(at[x], at[y]), screenY(at[x], at[y]), Math.max(radius, 1), 0, 2 * Math.PI);
      context.strokeStyle = erasing ? COLOURS.erase : COLOURS.line;
      context.lineWidth = 1.25;
      context.stroke();
    },
    box(x0, y0, x1, y1) {
      view.overUsed = true;
      const left = Math.min(screenX(x0, y0), screenX(x1, y1)), right = Math.max(screenX(x0, y0), screenX(x1, y1));
      const top = Math.min(screenY(x0, y0), screenY(x1, y1)), bottom = Math.max(screenY(x0, y0), screenY(x1, y1));
      context.setLineDash([5, 4]);
      context.strokeStyle = COLOURS.line;
      context.lineWidth = 1.25;
      context.strokeRect(left, top, right - left, bottom - top);
      context.setLineDash([]);
    },
  };
}

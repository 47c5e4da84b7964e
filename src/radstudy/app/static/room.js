// The case page: which views there are and what they show, the linked crosshair, cine, the tools' actions.

import { caseAddress, ApiError } from "./api.js";
import { Controls, LAYOUTS, round } from "./controls.js";
import { History } from "./history.js";
import { actionOf, helpOverlay } from "./keys.js";
import { ImageStore, Layer, Preview } from "./layer.js";
import { acquiredPlane, PLANES } from "./orientation.js";
import { checkedRuns, MOST_RUNS } from "./runs.js";
import { Saving } from "./saving.js";
import { SliceView } from "./sliceview.js";
import { text } from "./strings.js";
import { makeTools, rangeUnder } from "./tools.js";

/** @typedef {import("./tools.js").ToolName} ToolName */
/** @typedef {import("./tools.js").Site} Site */
/** @typedef {import("./orientation.js").PlaneName} PlaneName */
/** @typedef {import("./layer.js").ImageName} ImageName */
/** @typedef {import("./api.js").Api} Api */
/** @typedef {"one" | "sequences" | "planes"} Layout */
/** @typedef {"interpolate" | "smooth" | "islands" | "holes" | "grow"} Computation */

/**
 * A case as the server describes it; what the form needs besides is passed on as it is.
 * @typedef {object} CaseDocument
 * @property {string} id
 * @property {string} task
 * @property {Record<string, string | number>} target
 * @property {number[] | null} arrow RAS, mm
 * @property {boolean} practice
 * @property {string} status
 * @property {import("./layer.js").SequenceInfo[]} sequences
 * @property {Record<string, {revision: number, runs: unknown}>} masks
 * @property {{grow?: boolean, carry?: boolean}} tools
 */

/**
 * @typedef {object} RoomOptions
 * @property {HTMLElement} parent
 * @property {Api} api
 * @property {CaseDocument} doc
 * @property {string} study name under which unsent strokes are kept in the browser
 * @property {(how: "closed" | "skipped" | "paused" | "lost", answer: any) => void} onLeave
 * @property {(missing: import("./answers.js").Missing[]) => void} [onMissing] the server says what is missing before closing
 */

/** @typedef {{view: SliceView, sequence: string, plane: PlaneName}} Pane */

/** The tool under which each computed change is stored. */
const STORED_AS = { interpolate: "interpolation", smooth: "smoothing", islands: "islands_holes", holes: "islands_holes", grow: "growing" };
const CINE_MS = 250;
const LARGEST_ZOOM = 60;
const SMALLEST_ZOOM = 0.2;

/** Opens a case in a tab. A 409 with `held` is the caller's: another tab has the case. */
export async function openCase(/** @type {Api} */ api, /** @type {string} */ task, /** @type {string} */ id, take = false) {
  return /** @type {CaseDocument} */ (await api.post(`${caseAddress(task, id)}/open`, { take }));
}

/** @param {RoomOptions} options */
export async function openRoom(options) {
  const room = new Room(options);
  await room.start();
  return room;
}

export class Room {
  /** @param {RoomOptions} options */
  constructor({ parent, api, doc, study, onLeave, onMissing }) {
    this.api = api;
    this.doc = doc;
    this.onLeave = onLeave;
    this.onMissing = onMissing;
    this.address = caseAddress(doc.task, doc.id);
    this.layers = layersOf(doc);
    if (!this.layers.size) throw new Error(text("room.no_sequence"));
    this.sequence = doc.sequences[0].name;
    const { shape, affine, images } = doc.sequences[0];
    /** @type {PlaneName} */
    this.plane = acquiredPlane(shape, affine);
    /** @type {ImageName} */
    this.image = images[0];
    this.firstImage = this.image;
    /** @type {Layout} */
    this.layout = "one";
    /** Patient coordinates of the crosshair. @type {Float64Array} */
    this.cursor = this.#middle();
    /** Patient coordinates in the middle of the views; null: the middle of the image. @type {Float64Array | null} */
    this.centre = null;
    this.zoom = 1;
    /** @type {Map<string, [number, number]>} */
    this.windows = new Map();
    this.settings = { radiusMm: 5, ball: false, subtract: false, low: 0, high: 0, boxMm: 30 };
    this.rangeSet = false;
    this.tools = makeTools(this.settings);
    /** @type {ToolName} */
    this.toolName = "look";
    this.history = new History();
    this.maskShown = true;
    this.maskFilled = true;
    this.crosshair = true;
    this.smooth = false;
    this.spaceHeld = false;
    this.crossing = false;
    this.readOnly = doc.status === "closed";
    this.playing = false;
    this.computing = false;
    this.frames = { paint: new Frames(), scroll: new Frames(), other: new Frames() };
    this.frameAsked = false;
    this.saveState = "saved";
    this.index = new Float64Array(3);
    this.ras = new Float64Array(3);
    /** @type {Pane[]} */
    this.panes = [];
    this.saving = new Saving(api, this.address, `${study}/${doc.task}/${doc.id}`, this.layers, {
      onState: (state, waiting, error) => this.#saved(state, waiting, error),
      onRefused: (layer, strokes, error) => this.#refused(layer, strokes, error),
      onLost: (error) => this.lost(error.message),
      onRecovered: (layer, stroke, change) => this.#recovered(layer, stroke, change),
      onPassing: () => this.notice(text("room.passing"), [[text("room.understood"), () => {}]]),
    });
    this.controls = new Controls(this);
    parent.replaceChildren(this.controls.root);
    this.#listen();
    this.#arrange();
    if (doc.arrow) this.cursor = Float64Array.from(doc.arrow);
  }

  /** The element beside the viewer that the form goes into. */
  get slot() {
    return this.controls.slot;
  }

  /** Whether masks are drawn in this task. */
  get draws() {
    return this.doc.task === "masks";
  }

  get layer() {
    return this.layerOf(this.sequence);
  }

  get tool() {
    return this.tools[this.toolName];
  }

  /** @param {string} name */
  layerOf(name) {
    return /** @type {Layer} */ (this.layers.get(name));
  }

  /** Loads what is shown first, takes up unsent strokes, then fetches the other sequences. */
  async start() {
    this.#expose();
    this.#saved("saved", 0, null);
    const first = this.#fetch(this.layer);
    if (this.draws && !this.readOnly) await this.saving.start();
    this.started = true;
    this.#setTool(this.draws && !this.readOnly ? "contour" : "look");
    await first;
    this.refresh();
    (async () => {
      for (const layer of this.layers.values()) await this.#fetch(layer);
    })();
  }

  /** Ends the page's part in the case: listeners, cine, queue. */
  end() {
    this.ended.abort();
    this.playing = false;
    this.saving.queue?.stop();
    for (const { view } of this.panes) view.close();
    this.controls.root.remove();
  }

  ended = new AbortController();
  /** Strokes of an earlier page are taken up: from now on the reader may draw. */
  started = false;

  /**
   * This tab no longer holds the case.
   * @param {string} why
   */
  lost(why) {
    this.readOnly = true;
    this.saving.queue?.stop();
    this.#setTool("look");
    this.notice(text("room.lost", { why }), [[text("room.leave"), () => this.#leave("lost", null)]]);
  }

  /**
   * @param {string} words
   * @param {[string, () => void][]} [buttons]
   */
  notice(words, buttons) {
    return this.controls.notice(words, buttons);
  }

  // ------------------------------------------------------------------ what is shown

  /** @param {string} name */
  setSequence(name) {
    if (name === this.sequence) return;
    this.sequence = name;
    this.#stopCine();
    if (!this.layer.info.images.includes(this.image)) this.image = this.layer.info.images[0];
    this.rangeSet = false;
    this.#fetch(this.layer);
    if (this.layout !== "sequences") this.#arrange();
    this.refresh();
  }

  /** @param {Layout} layout */
  setLayout(layout) {
    this.layout = layout;
    this.#arrange();
    this.refresh();
  }

  /** @param {PlaneName} plane */
  setPlane(plane) {
    this.plane = plane;
    this.#arrange();
    this.refresh();
  }

  /** @param {ImageName} image */
  setImage(image) {
    if (!this.layer.info.images.includes(image)) return;
    this.image = image;
    this.rangeSet = false;
    for (const layer of this.layers.values()) {
      if (this.layout === "sequences" || layer === this.layer) this.#fetch(layer);
    }
    this.refresh();
  }

  /** @param {Partial<import("./tools.js").ToolSettings>} settings */
  set(settings) {
    Object.assign(this.settings, settings);
    if (settings.low !== undefined || settings.high !== undefined) this.rangeSet = true;
    this.refresh();
  }

  /** @param {boolean} subtract */
  setSubtract(subtract) {
    this.set({ subtract });
  }

  /** @param {boolean} ball */
  setBall(ball) {
    this.set({ ball });
  }

  /** The image that a layer shows: a sequence without the chosen one shows what it has. */
  imageOf(/** @type {Layer} */ layer) {
    return layer.info.images.includes(this.image) ? this.image : layer.info.images[0];
  }

  /** Window presets of the active sequence, the last one computed from the image; which is on, -1: one's own. */
  windowing(layer = this.layer) {
    const image = this.imageOf(layer);
    const first = [...this.layers.values()].find(({ family }) => family === layer.family) ?? layer;
    const volume = first.volume(image, first.name) ?? layer.volume(image, layer.name) ?? layer.volume(image);
    const own = /** @type {[number, number]} */ (volume?.window ?? [0, 1]);
    const shipped = layer.info.windows_of?.[image] ?? (image === this.firstImage ? layer.info.windows : []);
    const presets = [...shipped, own];
    const chosen = this.windows.get(`${layer.family} ${image}`) ?? presets[0];
    const preset = presets.findIndex(([low, high]) => low === chosen[0] && high === chosen[1]);
    return { image, presets, chosen, preset };
  }

  /** @param {number} n */
  usePreset(n) {
    const { image, presets } = this.windowing();
    if (presets[n]) this.windows.set(`${this.layer.family} ${image}`, presets[n]);
    this.refresh();
  }

  /** Shows everything anew; views draw only what differs. */
  refresh() {
    for (const pane of this.panes) {
      if (pane.view.width) pane.view.show(this.#scene(pane));
    }
    this.controlsStale = true;
    this.schedule();
  }

  /**
   * @param {Pane} pane
   * @returns {import("./sliceview.js").Scene}
   */
  #scene(pane) {
    const layer = this.layerOf(pane.sequence);
    const plane = layer.planes[pane.plane];
    const { image, chosen } = this.windowing(layer);
    const slice = this.sliceOf(pane);
    const middle = this.centre ? this.#onScreen(layer, plane, this.centre) : null;
    const active = pane.sequence === this.sequence && pane.plane === this.plane;
    const many = this.panes.length > 1;
    const words = { sequence: layer.phase, plane: text(`room.plane.${pane.plane}`), slice: slice + 1, slices: plane.slices };
    return {
      sequence: layer.name,
      caption: text("room.caption", { ...words, image: text(`room.image.${image}`), low: round(chosen[0]), high: round(chosen[1]) }),
      volume: layer.volume(image),
      waiting: layer.failure ?? text("room.loading"),
      mask: layer.mask,
      preview: layer.preview?.codes ?? null,
      previewSlices: layer.preview?.perSlice[plane.through] ?? null,
      plane,
      slice,
      window: chosen,
      pxPerMm: this.#scale(pane),
      column: middle ? middle[0] : (plane.columns - 1) / 2,
      row: middle ? middle[1] : (plane.rows - 1) / 2,
      maskShown: this.maskShown,
      maskFilled: this.maskFilled,
      smooth: this.smooth && this.toolName === "look",
      active: active && many,
      cross: this.crosshair && (many || this.toolName === "look") ? this.#onScreen(layer, plane, this.cursor) : null,
      arrow: this.#arrowOn(layer, plane, slice),
    };
  }

  /** The slice nearest to the crosshair. */
  sliceOf(/** @type {Pane} */ pane) {
    const layer = this.layerOf(pane.sequence);
    const plane = layer.planes[pane.plane];
    const index = layer.grid.toIndex(this.cursor, this.index)[plane.through];
    return Math.min(plane.slices - 1, Math.max(0, Math.round(index)));
  }

  /** CSS pixels per mm. Sequences side by side share one scale, so that a lesion has the same size in all. */
  #scale(/** @type {Pane} */ pane) {
    const fit = (/** @type {Pane} */ { view, sequence, plane: name }) => {
      const plane = this.layerOf(sequence).planes[name];
      return Math.min(view.width / (plane.columns * plane.columnMm), view.height / (plane.rows * plane.rowMm));
    };
    const shared = this.layout === "sequences" ? this.panes.filter(({ view }) => view.width > 0) : [pane];
    return this.zoom * Math.min(...shared.map(fit));
  }

  /**
   * Column and row of patient coordinates, in the order of the screen.
   * @param {Layer} layer
   * @param {import("./orientation.js").Plane} plane
   * @param {ArrayLike<number>} ras
   * @returns {[number, number]}
   */
  #onScreen(layer, plane, ras) {
    const index = layer.grid.toIndex(ras, this.index);
    return [
      plane.flipAcross ? plane.columns - 1 - index[plane.across] : index[plane.across],
      plane.flipDown ? plane.rows - 1 - index[plane.down] : index[plane.down],
    ];
  }

  /**
   * The lead's arrow is shown on the slice that it points into.
   * @param {Layer} layer
   * @param {import("./orientation.js").Plane} plane
   * @param {number} slice
   */
  #arrowOn(layer, plane, slice) {
    if (!this.doc.arrow) return null;
    const through = layer.grid.toIndex(this.doc.arrow, this.index)[plane.through];
    return Math.round(through) === slice ? this.#onScreen(layer, plane, this.doc.arrow) : null;
  }

  /** The views that the layout asks for. */
  #arrange() {
    const wanted = {
      one: () => [[this.sequence, this.plane]],
      sequences: () => [...this.layers.keys()].map((name) => [name, this.plane]),
      planes: () => [this.plane, ...PLANES.filter((plane) => plane !== this.plane)].map((plane) => [this.sequence, plane]),
    }[this.layout]();
    while (this.panes.length > wanted.length) this.panes.pop()?.view.close();
    wanted.forEach(([sequence, plane], n) => {
      if (!this.panes[n]) {
        const view = new SliceView(this.#host());
        this.controls.views.appendChild(view.element);
        this.panes.push({ view, sequence, plane: /** @type {PlaneName} */ (plane) });
      }
      Object.assign(this.panes[n], { sequence, plane });
      if (this.layout === "sequences") this.#fetch(this.layerOf(sequence));
    });
    this.controls.views.dataset.layout = this.layout;
    this.controls.views.style.setProperty("--columns", String(Math.ceil(Math.sqrt(wanted.length))));
    this.controls.views.style.setProperty("--rows", String(Math.ceil(wanted.length / Math.ceil(Math.sqrt(wanted.length)))));
    for (const { view } of this.panes) view.measure();
  }

  /**
   * What views ask of the room.
   * @returns {import("./sliceview.js").ViewHost}
   */
  #host() {
    return {
      tool: () => this.tool,
      subtracts: () => this.settings.subtract,
      panning: () => this.spaceHeld,
      activate: (view) => this.#activate(view),
      press: (view, site, event) => this.#press(site, event),
      moved: (view, site) => this.#moved(site),
      released: (view, site) => this.#released(site),
      scroll: (view, steps) => this.#goTo(view, this.sliceOf(this.#pane(view)) + steps * this.#planeOf(view).up),
      goTo: (view, slice) => this.#goTo(view, slice),
      zoom: (view, factor, x, y) => this.#zoomAround(view, factor, x, y),
      pan: (view, dx, dy) => this.#pan(view, dx, dy),
      window: (view, dx, dy) => this.#windowBy(view, dx, dy),
      resizeBrush: (steps) => this.#resize(1.1 ** steps),
      resized: () => this.refresh(),
      drew: (time, kind) => this.#drew(time, kind),
      schedule: () => this.schedule(),
    };
  }

  #pane(/** @type {SliceView} */ view) {
    return /** @type {Pane} */ (this.panes.find((pane) => pane.view === view));
  }

  #planeOf(/** @type {SliceView} */ view) {
    const pane = this.#pane(view);
    return this.layerOf(pane.sequence).planes[pane.plane];
  }

  #activate(/** @type {SliceView} */ view) {
    if (document.activeElement instanceof HTMLElement && document.activeElement !== document.body) document.activeElement.blur();
    const { sequence, plane } = this.#pane(view);
    if (sequence === this.sequence && plane === this.plane) return;
    if (sequence !== this.sequence) this.rangeSet = false;
    this.sequence = sequence;
    this.plane = plane;
    this.refresh();
  }

  /** The pane of the active sequence and plane. */
  get activePane() {
    return this.panes.find(({ sequence, plane }) => sequence === this.sequence && plane === this.plane) ?? this.panes[0];
  }

  /** Moves the crosshair along the slices of a view. */
  #goTo(/** @type {SliceView} */ view, /** @type {number} */ slice) {
    const { grid } = this.layerOf(this.#pane(view).sequence);
    const plane = this.#planeOf(view);
    const index = grid.toIndex(this.cursor, this.index);
    index[plane.through] = Math.min(plane.slices - 1, Math.max(0, slice));
    this.cursor = grid.toPatient(index, new Float64Array(3));
    this.refresh();
  }

  /**
   * Puts a point of the slice into the middle of the views.
   * @param {SliceView} view
   * @param {number} column
   * @param {number} row
   */
  #centreOn(view, column, row) {
    const pane = this.#pane(view);
    const { grid } = this.layerOf(pane.sequence);
    const plane = this.#planeOf(view);
    const index = this.index;
    index[plane.across] = plane.flipAcross ? plane.columns - 1 - column : column;
    index[plane.down] = plane.flipDown ? plane.rows - 1 - row : row;
    index[plane.through] = this.sliceOfQuietly(pane);
    this.centre = grid.toPatient(index, new Float64Array(3));
  }

  /** `sliceOf` leaves this.index alone. */
  sliceOfQuietly(/** @type {Pane} */ pane) {
    const kept = this.index;
    this.index = new Float64Array(3);
    const slice = this.sliceOf(pane);
    this.index = kept;
    return slice;
  }

  /**
   * @param {SliceView} view
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  #zoomAround(view, factor, x, y) {
    const { scene } = view;
    if (!scene) return;
    const zoom = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, this.zoom * factor));
    const change = 1 - this.zoom / zoom;
    const px = scene.plane.columnMm * scene.pxPerMm, py = scene.plane.rowMm * scene.pxPerMm;
    this.zoom = zoom;
    this.#centreOn(view, scene.column + (change * (x - view.width / 2)) / px, scene.row + (change * (y - view.height / 2)) / py);
    this.refresh();
  }

  /**
   * @param {SliceView} view
   * @param {number} dx
   * @param {number} dy
   */
  #pan(view, dx, dy) {
    const { scene } = view;
    if (!scene) return;
    const px = scene.plane.columnMm * scene.pxPerMm, py = scene.plane.rowMm * scene.pxPerMm;
    this.#centreOn(view, scene.column - dx / px, scene.row - dy / py);
    this.refresh();
  }

  /**
   * To the right: wider; down: higher level, darker.
   * @param {SliceView} view
   * @param {number} dx
   * @param {number} dy
   */
  #windowBy(view, dx, dy) {
    const layer = this.layerOf(this.#pane(view).sequence);
    const { image, chosen, presets } = this.windowing(layer);
    const unit = (presets[0][1] - presets[0][0]) / 400;
    const width = Math.max(unit, chosen[1] - chosen[0] + dx * unit);
    const level = (chosen[0] + chosen[1]) / 2 + dy * unit;
    this.windows.set(`${layer.family} ${image}`, [level - width / 2, level + width / 2]);
    this.refresh();
  }

  /** @param {number} factor */
  #resize(factor) {
    if (this.toolName === "grow") this.set({ boxMm: Math.min(500, Math.max(1, this.settings.boxMm * factor)) });
    else this.set({ radiusMm: Math.min(100, Math.max(0.1, this.settings.radiusMm * factor)) });
    for (const { view } of this.panes) view.stale.over = true;
  }

  // ------------------------------------------------------------------ drawing

  /**
   * Starts what the left button does; false if the tool has no part in it.
   * @param {Site} site
   * @param {PointerEvent} event
   */
  #press(site, event) {
    this.crossing = event.shiftKey || this.toolName === "look";
    if (this.crossing) {
      this.#crossTo(site);
      return false;
    }
    if (event.ctrlKey && (this.toolName === "range" || this.toolName === "grow")) {
      const range = rangeUnder(site, this.settings);
      if (range) this.set({ low: range[0], high: range[1] });
      return false;
    }
    if (this.toolName === "measure") return true;
    if (!this.started) return false;
    if (this.readOnly) {
      this.notice(text("room.read_only"));
      return false;
    }
    if (!this.maskShown) this.#do("mask_shown");
    return this.#mayPress(site);
  }

  /** @param {Site} site */
  #mayPress(site) {
    const pending = this.tool.pending;
    if (pending && !pending.shows(site)) {
      this.notice(text("room.polygon_elsewhere", { slice: pending.slice + 1, sequence: pending.sequence }));
      return false;
    }
    return site.volume !== null;
  }

  /** @param {Site} site */
  #moved(site) {
    if (this.crossing) this.#crossTo(site);
    if (this.tool.busy && (this.toolName === "brush" || this.toolName === "eraser" || this.toolName === "range")) this.volumeStale = true;
    this.hover = site;
    this.schedule();
  }

  /** @type {Site | null} */
  hover = null;
  volumeStale = false;
  controlsStale = true;

  /** @param {Site} site */
  #crossTo(site) {
    const { grid } = this.layerOf(site.sequence);
    this.cursor = grid.toPatient(site.at, new Float64Array(3));
    this.refresh();
  }

  /** @param {Site} site */
  #released(site) {
    if (this.crossing) {
      this.crossing = false;
      return;
    }
    const { tools } = this;
    const name = this.tool.release(site);
    if (this.toolName === "grow" && tools.grow.seed) {
      const { seed } = tools.grow;
      tools.grow.seed = null;
      this.#grow(this.layerOf(site.sequence), seed);
    }
    if (name) this.#store(this.layerOf(site.sequence), name, site.plane.name, site.slice);
    this.refresh();
  }

  /**
   * Ends a stroke: it goes to the history and to the server.
   * @param {Layer} layer
   * @param {string} tool
   * @param {PlaneName} plane
   * @param {number} slice
   */
  #store(layer, tool, plane, slice) {
    const change = layer.mask.endStroke();
    if (!change) return;
    if (change.runs.length > MOST_RUNS) {
      layer.mask.apply(change.inverse);
      layer.mask.endStroke();
      this.notice(text("room.too_large"));
      return;
    }
    this.history.add({ sequence: layer.name, tool, ...change, plane, slice });
    this.saving.send(layer, tool, change.runs, this.#view(layer, plane, slice));
  }

  /**
   * The display settings that are stored with a stroke.
   * @param {Layer} layer
   * @param {PlaneName} plane
   * @param {number} slice
   */
  #view(layer, plane, slice) {
    const { image, chosen } = this.windowing(layer);
    return {
      image, phase: layer.phase, window: chosen, plane, slice, zoom: Number(this.zoom.toPrecision(4)), layout: this.layout,
      mask: this.maskFilled ? "filled" : "outline", smooth: this.smooth && this.toolName === "look", scale: window.devicePixelRatio || 1,
      screen: [window.innerWidth, window.innerHeight],
    };
  }

  undo() {
    if (this.tool.back()) return this.#toolChanged();
    const entry = this.readOnly ? null : this.history.undo();
    if (entry) this.#replay(entry, entry.inverse, "undo");
  }

  redo() {
    if (this.tool.forth()) return this.#toolChanged();
    const entry = this.readOnly ? null : this.history.redo();
    if (entry) this.#replay(entry, entry.runs, "redo");
  }

  /**
   * @param {import("./history.js").Entry} entry
   * @param {import("./runs.js").Run[]} runs
   * @param {"undo" | "redo"} tool
   */
  #replay(entry, runs, tool) {
    const layer = this.layerOf(entry.sequence);
    layer.mask.apply(runs);
    const change = layer.mask.endStroke();
    if (change) this.saving.send(layer, tool, change.runs, this.#view(layer, entry.plane, entry.slice));
    this.#show(layer, entry.plane, entry.slice);
  }

  /**
   * Goes to where something happened, so that nothing changes out of sight.
   * @param {Layer} layer
   * @param {PlaneName} plane
   * @param {number} slice
   */
  #show(layer, plane, slice) {
    this.setSequence(layer.name);
    const pane = this.panes.find((p) => p.sequence === layer.name && p.plane === plane);
    if (!pane) {
      this.plane = plane;
      this.#arrange();
    }
    const axis = layer.planes[plane].through;
    const index = layer.grid.toIndex(this.cursor, this.index);
    if (Math.round(index[axis]) !== slice) {
      index[axis] = slice;
      this.cursor = layer.grid.toPatient(index, new Float64Array(3));
    }
    this.refresh();
  }

  #toolChanged() {
    for (const { view } of this.panes) view.stale.over = true;
    this.refresh();
  }

  /** Enter: fills the polygon, or accepts the preview on this slice. */
  #confirm() {
    const { pending } = this.tool;
    if (pending) {
      const tool = this.tool.confirm();
      if (tool) this.#store(this.layerOf(pending.sequence), tool, pending.plane.name, pending.slice);
      else this.notice(text("room.three_points"));
      this.#show(this.layerOf(pending.sequence), pending.plane.name, pending.slice);
      this.#toolChanged();
    } else this.#accept(this.sliceOf(this.activePane));
  }

  /** Esc: the stroke or polygon in progress, else the preview. */
  #drop() {
    if (!this.tool.drop() && this.layer.preview) this.layer.preview = null;
    this.#toolChanged();
  }

  // ------------------------------------------------------------------ computed changes

  /** @param {number | null} slice null: all slices */
  #accept(slice) {
    const { layer, plane } = this;
    const { preview } = layer;
    if (!preview || this.readOnly) return;
    const axis = layer.planes[plane].through;
    layer.mask.apply(preview.take(axis, slice));
    this.#store(layer, preview.tool, plane, slice ?? this.sliceOf(this.activePane));
    if (preview.left === 0) layer.preview = null;
    for (const { view } of this.panes) view.stale.mask = true;
    this.refresh();
  }

  /**
   * Asks the server for a change and shows it as a preview.
   * @param {Computation} what
   * @param {Record<string, unknown>} options
   * @param {Layer} [layer]
   */
  async compute(what, options, layer = this.layer) {
    if (this.readOnly || !this.draws || !this.started || this.computing) return;
    this.computing = true;
    const waiting = this.notice(text("room.computing", { what: text(`room.edit.${what}`) }), [[text("room.understood"), () => {}]]);
    try {
      if (!(await this.saving.flush())) return void this.notice(text("room.compute_unsaved"));
      const revision = layer.revision;
      const { runs } = await this.api.post(`${this.address}/compute`, { sequence: layer.name, what, options, revision });
      if (layer.revision !== revision) return void this.notice(text("room.compute_changed"));
      const preview = new Preview(layer.grid, checkedRuns(runs, layer.grid.size), layer.mask.codes, STORED_AS[what]);
      layer.preview = preview.left ? preview : null;
      if (!preview.left) this.notice(text("room.compute_nothing", { what: text(`room.edit.${what}`) }));
    } catch (error) {
      this.notice(text("room.compute_failed", { what: text(`room.edit.${what}`), why: error instanceof Error ? error.message : "" }));
    } finally {
      this.computing = false;
      waiting.remove();
      this.refresh();
    }
  }

  /**
   * @param {Layer} layer
   * @param {number[]} seed
   */
  #grow(layer, seed) {
    const { low, high } = this.settings;
    const box = this.tools.grow.box(layer.mask, seed);
    const image = this.imageOf(layer);
    this.compute("grow", { seed, low, high, box: [box.low, box.high], image, phase: layer.phase }, layer);
  }

  // ------------------------------------------------------------------ actions by key and button

  /** @param {string} action */
  act(action) {
    if (this.panes.some(({ view }) => view.drag === "tool") && action !== "drop") return;
    if (action.startsWith("tool_")) this.#setTool(/** @type {ToolName} */ (action.slice(5)));
    else this.#do(action);
  }

  /** @param {string} action */
  #do(action) {
    const { settings } = this;
    const axis = this.layer.planes[this.plane].through;
    /** @type {Record<string, () => unknown>} */
    const actions = {
      subtract: () => this.setSubtract(!settings.subtract),
      ball: () => this.setBall(!settings.ball),
      smaller: () => this.#resize(1 / 1.2),
      larger: () => this.#resize(1.2),
      confirm: () => this.#confirm(),
      accept_all: () => this.#accept(null),
      drop: () => this.#drop(),
      undo: () => this.undo(),
      redo: () => this.redo(),
      remove_last: () => (this.toolName === "measure" ? this.tool.drop() : this.tool.back()) && this.#toolChanged(),
      interpolate: () => this.compute("interpolate", { axis }),
      smooth: () => this.compute("smooth", { axis }),
      islands: () => this.compute("islands", { axis }),
      holes: () => this.compute("holes", { axis }),
      slice_up: () => this.#step(1, false),
      slice_down: () => this.#step(-1, false),
      slice_drawn_up: () => this.#step(1, true),
      slice_drawn_down: () => this.#step(-1, true),
      phase_before: () => this.#phase(-1),
      phase_next: () => this.#phase(1),
      cine: () => (this.playing ? this.#stopCine() : this.#play()),
      sequence_next: () => this.#sequenceBy(1),
      sequence_before: () => this.#sequenceBy(-1),
      layout: () => this.setLayout(LAYOUTS[(LAYOUTS.indexOf(this.layout) + 1) % LAYOUTS.length]),
      plane: () => this.setPlane(PLANES[(PLANES.indexOf(this.plane) + 1) % PLANES.length]),
      image: () => this.setImage(this.image === "acquired" ? "prepared" : "acquired"),
      window_next: () => this.usePreset((this.windowing().preset + 1) % this.windowing().presets.length),
      zoom_in: () => this.#zoomMiddle(1.25),
      zoom_out: () => this.#zoomMiddle(0.8),
      fit: () => this.#fit(),
      mask_shown: () => this.#flip("maskShown"),
      mask_filled: () => this.#flip("maskFilled"),
      crosshair: () => this.#flip("crosshair"),
      smooth_display: () => this.#flip("smooth"),
      help: () => this.#help(),
      pause: () => this.pause(),
      skip: () => this.skip(),
      close: () => this.close(),
    };
    actions[action]?.();
  }

  /** @param {"maskShown" | "maskFilled" | "crosshair" | "smooth"} name */
  #flip(name) {
    this[name] = !this[name];
    if (name === "maskFilled") for (const { view } of this.panes) view.stale.mask = true;
    this.refresh();
  }

  /** @param {ToolName} name */
  #setTool(name) {
    if (name === "grow" && !this.doc.tools?.grow) return;
    if (name !== "look" && name !== "measure" && (!this.draws || this.readOnly)) return;
    if (this.toolName === "polygon" && this.tool.pending && name !== "polygon") {
      this.notice(text("room.polygon_waits"));
      return;
    }
    this.toolName = name;
    if ((name === "range" || name === "grow") && !this.rangeSet) this.#firstRange();
    this.controls.views.dataset.tool = name;
    this.#toolChanged();
  }

  /** Until the reader sets a range: the upper half of the window. */
  #firstRange() {
    const [low, high] = this.windowing().chosen;
    Object.assign(this.settings, { low: Number(((low + high) / 2).toPrecision(4)), high: Number(high.toPrecision(4)) });
  }

  /**
   * @param {number} direction 1: up
   * @param {boolean} drawn to the next slice with something drawn
   */
  #step(direction, drawn) {
    const pane = this.activePane;
    const layer = this.layerOf(pane.sequence);
    const plane = layer.planes[pane.plane];
    const step = direction * plane.up;
    let slice = this.sliceOf(pane) + step;
    const counts = layer.mask.perSlice[plane.through];
    while (drawn && slice >= 0 && slice < plane.slices && counts[slice] === 0) slice += step;
    if (slice < 0 || slice >= plane.slices) return;
    pane.view.touch(performance.now(), "scroll");
    this.#goTo(pane.view, slice);
  }

  /** @param {number} step */
  #sequenceBy(step) {
    const names = [...this.layers.keys()];
    this.setSequence(names[(names.indexOf(this.sequence) + step + names.length) % names.length]);
  }

  /** @param {number} factor */
  #zoomMiddle(factor) {
    const { view } = this.activePane;
    this.#zoomAround(view, factor, view.width / 2, view.height / 2);
  }

  #fit() {
    this.zoom = 1;
    this.centre = null;
    this.refresh();
  }

  /** @param {number} step */
  async #phase(step) {
    const { layer } = this;
    const { phases } = layer;
    if (phases.length < 2) return;
    const phase = phases[(phases.indexOf(layer.phase) + step + phases.length) % phases.length];
    await this.#fetch(layer, phase);
    layer.phase = phase;
    this.refresh();
  }

  /** Plays the phases, once all are here. */
  async #play() {
    const { layer } = this;
    if (layer.phases.length < 2) return;
    this.playing = true;
    for (const phase of layer.phases) await this.#fetch(layer, phase);
    while (this.playing && layer === this.layer && !this.ended.signal.aborted) {
      await this.#phase(1);
      await new Promise((resolve) => setTimeout(resolve, CINE_MS));
    }
  }

  #stopCine() {
    this.playing = false;
    this.controls.sync();
  }

  #help() {
    const overlay = helpOverlay((action) => action !== "tool_grow" || Boolean(this.doc.tools?.grow));
    const close = (/** @type {Event} */ event) => {
      event.preventDefault();
      event.stopPropagation();
      overlay.remove();
      document.removeEventListener("keydown", close, true);
    };
    overlay.addEventListener("click", close);
    document.addEventListener("keydown", close, true);
    this.controls.root.appendChild(overlay);
  }

  // ------------------------------------------------------------------ leaving

  async pause() {
    await this.#finish("pause", "paused");
  }

  async skip() {
    await this.#finish("skip", "skipped");
  }

  /** Closes the case; the server says what is missing. */
  async close() {
    if (this.tool.pending) return void this.notice(text("room.polygon_waits"));
    if (this.layer.preview) return void this.notice(text("room.preview_waits"));
    await this.#finish("close", "closed");
  }

  /**
   * @param {"pause" | "skip" | "close"} verb
   * @param {"paused" | "skipped" | "closed"} how
   */
  async #finish(verb, how) {
    if (!(await this.saving.flush())) return void this.notice(text("room.leave_unsaved"));
    try {
      const answer = await this.api.post(`${this.address}/${verb}`);
      this.#leave(how, answer);
    } catch (error) {
      /** @type {import("./answers.js").Missing[] | null} */
      const missing = error instanceof ApiError ? error.body.missing ?? null : null;
      if (missing) this.onMissing?.(missing);
      const words = missing?.map((one) => one.text).join("; ");
      const why = words ? text("room.missing", { missing: words }) : error instanceof Error ? error.message : "";
      this.notice(why, [[text("room.understood"), () => {}]]);
    }
  }

  /**
   * @param {"closed" | "skipped" | "paused" | "lost"} how
   * @param {any} answer
   */
  #leave(how, answer) {
    this.end();
    this.onLeave(how, answer);
  }

  // ------------------------------------------------------------------ saving

  /**
   * @param {import("./api.js").SaveState} state
   * @param {number} waiting
   * @param {ApiError | null} error
   */
  #saved(state, waiting, error) {
    this.saveState = state;
    this.controls.showSaved(state, waiting, error ? (error.refused ? text("room.session_ended") : error.message) : "");
  }

  /**
   * @param {Layer} layer
   * @param {import("./api.js").Stroke[]} strokes
   * @param {ApiError | null} error
   */
  #refused(layer, strokes, error) {
    this.history.forget(layer.name);
    layer.preview = null;
    for (const { view } of this.panes) view.stale.mask = true;
    const queue = this.saving.queue;
    const words = error && error.status !== 409 ? "room.refused" : "room.conflict";
    this.notice(text(words, { sequence: layer.name, n: strokes.length, why: error?.message ?? "" }), [
      [text("room.draw_on_top"), () => this.#drawOnTop(layer, strokes)],
      [text("room.leave_out"), () => queue?.forget(strokes)],
    ]);
    this.refresh();
  }

  /**
   * A stroke of an earlier page can be taken back like any other.
   * @param {Layer} layer
   * @param {import("./api.js").Stroke} stroke
   * @param {{runs: import("./runs.js").Run[], inverse: import("./runs.js").Run[]}} change
   */
  #recovered(layer, stroke, change) {
    const plane = PLANES.find((name) => name === stroke.view.plane) ?? this.plane;
    this.history.add({ sequence: layer.name, tool: stroke.tool, ...change, plane, slice: Number(stroke.view.slice) || 0 });
    if (!this.recovered) this.recovered = this.notice(text("room.recovered"), [[text("room.understood"), () => {}]]);
  }

  /** @type {HTMLElement | null} */
  recovered = null;

  /**
   * @param {Layer} layer
   * @param {import("./api.js").Stroke[]} strokes
   */
  #drawOnTop(layer, strokes) {
    this.saving.queue?.forget(strokes);
    for (const { tool, runs } of strokes) {
      layer.mask.apply(runs);
      this.#store(layer, tool, this.plane, this.sliceOf(this.activePane));
    }
    this.refresh();
  }

  // ------------------------------------------------------------------ images, frames, events

  /**
   * @param {Layer} layer
   * @param {string} [phase]
   */
  async #fetch(layer, phase) {
    const image = this.imageOf(layer);
    if (layer.volume(image, phase)) return;
    layer.failure = null;
    try {
      await layer.fetch(this.api, this.address, image, phase);
    } catch (error) {
      layer.failure = text("room.no_image", { sequence: layer.name, why: error instanceof Error ? error.message : "" });
    }
    if (!this.ended.signal.aborted) this.refresh();
  }

  /** @returns {Float64Array} */
  #middle() {
    const { grid } = this.layer;
    const middle = Float64Array.from(grid.shape, (length) => Math.floor((length - 1) / 2));
    return grid.toPatient(middle, new Float64Array(3));
  }

  /** Asks for one frame, in which everything stale is drawn. */
  schedule() {
    if (this.frameAsked) return;
    this.frameAsked = true;
    requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.frameAsked = false;
    for (const { view } of this.panes) view.maskChanged();
    for (const layer of this.layers.values()) layer.mask.frame.clear();
    for (const { view } of this.panes) view.draw();
    if (this.hover) this.#where(this.hover);
    if (this.controlsStale) this.controls.sync();
    else if (this.volumeStale) this.controls.syncVolumes();
    this.controlsStale = false;
    this.volumeStale = false;
  }

  /** @param {Site} site */
  #where(site) {
    const { grid, info } = this.layerOf(site.sequence);
    const index = Array.from(site.at, Math.round);
    if (!grid.holds(index[0], index[1], index[2])) {
      this.controls.where.textContent = "";
      return;
    }
    const [x, y, z] = grid.toPatient(site.at, this.ras);
    const mm = (/** @type {number} */ v, /** @type {string} */ letters) => `${v < 0 ? letters[1] : letters[0]} ${Math.abs(v).toFixed(1)}`;
    const flat = index[0] + grid.strides[1] * index[1] + grid.strides[2] * index[2];
    const value = site.volume ? round(site.volume.voxels[flat]) : "–";
    const place = [mm(x, "RL"), mm(y, "AP"), mm(z, "SI")].join("  ");
    this.controls.where.textContent = `${value} ${info.unit || ""}   ${place} mm   [${index.map((n) => n + 1).join(", ")}]`;
  }

  /**
   * @param {number} time of the input, ms
   * @param {"paint" | "scroll" | "other"} kind
   */
  #drew(time, kind) {
    requestAnimationFrame(() => this.frames[kind].add(performance.now() - time));
  }

  #listen() {
    const { signal } = this.ended;
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    document.addEventListener("keyup", (event) => {
      if (event.key === " ") this.spaceHeld = false;
      if (event.key === "Alt") event.preventDefault(); // or the browser's menu takes the focus
    }, { signal });
    window.addEventListener("blur", () => (this.spaceHeld = false), { signal });
    window.addEventListener("online", () => this.saving.queue?.retry(), { signal });
    window.addEventListener("resize", () => this.panes.forEach(({ view }) => view.measure()), { signal });
    window.addEventListener("beforeunload", (event) => {
      if (this.saving.waiting > 0) event.preventDefault();
    }, { signal });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    if (target instanceof Element && target.closest("input, select, textarea, [contenteditable]")) return;
    if (event.key === " " && target instanceof Element && target.closest("button")) return; // presses the button
    if (event.key === " ") {
      this.spaceHeld = true;
      event.preventDefault();
      return;
    }
    if (event.key === "Alt") event.preventDefault();
    if (event.altKey && !event.getModifierState("AltGraph")) return;
    const action = actionOf(event);
    if (!action) return;
    if (event.key === "Enter" && target instanceof HTMLButtonElement) return;
    event.preventDefault();
    this.act(action);
  }

  /** Read-only state for tests, as window.radstudyRoom. */
  #expose() {
    const room = this;
    const pages = /** @type {any} */ (window);
    pages.radstudyRoom = Object.freeze({
      get ready() { return room.started && room.panes.every(({ view }) => Boolean(view.scene?.volume)) && !room.frameAsked; },
      get sequence() { return room.sequence; },
      get plane() { return room.plane; },
      get layout() { return room.layout; },
      get slice() { return room.sliceOfQuietly(room.activePane); },
      get zoom() { return room.zoom; },
      get image() { return room.image; },
      get phase() { return room.layer.phase; },
      get tool() { return room.toolName; },
      get settings() { return { ...room.settings }; },
      get window() { return [...room.windowing().chosen]; },
      get cursor() { return [...room.cursor]; },
      get saveState() { return room.saveState; },
      get waiting() { return room.saving.waiting; },
      get readOnly() { return room.readOnly; },
      get voxels() { return room.layer.mask.voxels; },
      get previewVoxels() { return room.layer.preview?.left ?? 0; },
      get lastFrameMs() { return room.frames.paint.last; },
      frames: (/** @type {"paint" | "scroll" | "other"} */ kind) => room.frames[kind].all(),
      codes: (/** @type {string} */ name) => room.layerOf(name).mask.codes.slice(),
      revision: (/** @type {string} */ name) => room.layerOf(name).revision,
    });
  }
}

/**
 * The layers of a case; those on one grid share their images.
 * @param {CaseDocument} doc
 */
function layersOf(doc) {
  /** @type {Map<string, ImageStore>} */
  const stores = new Map(doc.sequences.map(({ grid }) => [grid, new ImageStore()]));
  return new Map(doc.sequences.map((info) => [info.name, new Layer(info, doc.masks?.[info.name], stores.get(info.grid))]));
}

/** The last times from input to frame, ms. */
class Frames {
  ms = new Float64Array(4096);
  count = 0;

  /** @param {number} ms */
  add(ms) {
    this.ms[this.count++ % this.ms.length] = ms;
  }

  get last() {
    return this.count ? this.ms[(this.count - 1) % this.ms.length] : null;
  }

  all() {
    return Array.from(this.ms.subarray(0, Math.min(this.count, this.ms.length)));
  }
}

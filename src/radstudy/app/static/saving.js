// Strokes of one case on their way to the server: what is told about it, and what happens when it cannot be stored.

import { ApiError, browserStore, passingStore, StrokeQueue } from "./api.js";
import { alreadyApplied, checkedRuns } from "./runs.js";

/** @typedef {import("./api.js").Stroke} Stroke */
/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").SaveState} SaveState */
/** @typedef {import("./layer.js").Layer} Layer */
/** @typedef {import("./runs.js").Run} Run */

/**
 * @typedef {object} SavingEvents
 * @property {(state: SaveState, waiting: number, error: ApiError | null) => void} onState
 * @property {(layer: Layer, strokes: Stroke[], error: ApiError | null) => void} onRefused the mask was loaded again, the strokes are not
 *   in it
 * @property {(error: ApiError) => void} onLost
 * @property {(layer: Layer, stroke: Stroke, change: {runs: Run[], inverse: Run[]}) => void} onRecovered a stroke of an earlier page
 *   was drawn again
 * @property {() => void} onPassing the browser keeps nothing
 */

export class Saving {
  /**
   * @param {Api} api
   * @param {string} address of the case
   * @param {string} prefix of the case in the browser's store
   * @param {Map<string, Layer>} layers
   * @param {SavingEvents} events
   */
  constructor(api, address, prefix, layers, events) {
    this.api = api;
    this.address = address;
    this.prefix = prefix;
    this.layers = layers;
    this.events = events;
    /** @type {StrokeQueue | null} */
    this.queue = null;
  }

  /** Opens the browser's store and takes up what an earlier page could not send. */
  async start() {
    const store = await browserStore().catch(() => {
      this.events.onPassing();
      return passingStore();
    });
    const queue = new StrokeQueue(this.prefix, (stroke) => this.api.post(`${this.address}/stroke`, { ...stroke }), store, {
      onState: this.events.onState,
      onLost: this.events.onLost,
      onConflict: (strokes, error) => this.#conflict(strokes, error),
    });
    this.queue = queue;
    const left = await queue.left();
    for (const layer of this.layers.values()) this.#takeUp(layer, left.filter(({ sequence }) => sequence === layer.name));
  }

  /**
   * Sends a stroke; the layer's revision counts it.
   * @param {Layer} layer
   * @param {string} tool
   * @param {import("./runs.js").Run[]} runs
   * @param {Record<string, unknown>} view
   */
  send(layer, tool, runs, view) {
    if (!this.queue) throw new Error("A stroke was drawn before the page could store it");
    this.queue.add({ sequence: layer.name, revision: layer.revision++, tool, runs, view });
  }

  /** True once all strokes are stored. */
  flush() {
    return this.queue ? this.queue.flush() : Promise.resolve(true);
  }

  get waiting() {
    return this.queue?.waiting.length ?? 0;
  }

  /**
   * @param {Layer} layer
   * @param {Stroke[]} strokes
   */
  #takeUp(layer, strokes) {
    const queue = /** @type {StrokeQueue} */ (this.queue);
    const older = strokes.filter(({ revision }) => revision < layer.revision);
    const newer = strokes.filter(({ revision }) => revision >= layer.revision);
    const last = older[older.length - 1];
    const stored = !last || (last.revision === layer.revision - 1 && alreadyApplied(layer.mask.codes, last.runs));
    if (stored) queue.forget(older);
    const inOrder = newer.every(({ revision }, n) => revision === layer.revision + n);
    if (!stored || !inOrder) {
      this.events.onRefused(layer, stored ? newer : strokes, null);
      return;
    }
    for (const stroke of newer) {
      layer.mask.apply(checkedRuns(stroke.runs, layer.grid.size));
      const change = layer.mask.endStroke();
      layer.revision++;
      queue.add(stroke);
      if (change) this.events.onRecovered(layer, stroke, change);
    }
  }

  /**
   * The server has another revision, or refuses the stroke: the mask is loaded again. It is never overwritten.
   * @param {Stroke[]} strokes
   * @param {ApiError} error
   * @returns {Promise<"stored" | "refused">}
   */
  async #conflict(strokes, error) {
    const layer = /** @type {Layer} */ (this.layers.get(strokes[0].sequence));
    const opened = await this.api.post(`${this.address}/open`, { take: false }).catch((cause) => {
      if (cause instanceof ApiError && cause.body.held) this.events.onLost(cause);
      throw cause;
    });
    const state = opened.masks[layer.name] ?? { revision: 0, runs: [] };
    const codes = new Uint8Array(layer.grid.size);
    for (const [start, length, code] of checkedRuns(state.runs, layer.grid.size)) codes.fill(code, start, start + length);
    if (state.revision === strokes[0].revision + 1 && alreadyApplied(codes, strokes[0].runs)) return "stored";
    layer.load(state);
    this.events.onRefused(layer, strokes, error);
    return "refused";
  }
}

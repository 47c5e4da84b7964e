// One sequence of a case: its images, its mask, the preview of a computed change.

import { Mask } from "./mask.js";
import { planeOf } from "./orientation.js";
import { addVoxel, checkedRuns, UNCHANGED } from "./runs.js";
import { Grid, readVolume } from "./volume.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {import("./volume.js").Volume} Volume */
/** @typedef {import("./volume.js").Dtype} Dtype */
/** @typedef {import("./orientation.js").Plane} Plane */
/** @typedef {import("./orientation.js").PlaneName} PlaneName */
/** @typedef {"acquired" | "prepared"} ImageName */

/**
 * A sequence as the server describes it.
 * @typedef {object} SequenceInfo
 * @property {string} name
 * @property {number[]} shape
 * @property {number[][]} affine
 * @property {number[]} spacing_mm
 * @property {Dtype} dtype
 * @property {string} unit
 * @property {ImageName[]} images
 * @property {string[]} phases on one grid, which can be played
 * @property {boolean} curve whether it has a time-intensity curve
 * @property {[number, number][]} windows of the image shown first
 * @property {Record<string, [number, number][]>} [windows_of] by image
 * @property {string} grid
 */

/** Octets of images of one grid that are kept; beyond, phases that are no sequence of the study go first. */
const KEPT_OCTETS = 800e6;

/** Images on one grid: sequences of a family share their phases. */
export class ImageStore {
  /** @type {Map<string, Volume>} */
  volumes = new Map();
  /** @type {Map<string, Promise<Volume>>} */
  loading = new Map();
  /** Names of sequences. @type {Set<string>} */
  sequences = new Set();
}

/** What the server proposes: new codes of some voxels, to be accepted slice by slice, all at once, or dropped. */
export class Preview {
  /**
   * @param {Grid} grid
   * @param {readonly Run[]} runs
   * @param {Uint8Array} mask codes now; voxels that are in already, or out already, are no change
   * @param {string} tool under which the stroke is stored
   */
  constructor(grid, runs, mask, tool) {
    this.grid = grid;
    this.tool = tool;
    this.codes = new Uint8Array(grid.size).fill(UNCHANGED);
    this.perSlice = grid.shape.map((length) => new Int32Array(length));
    this.left = 0;
    for (const [start, length, code] of runs) {
      for (let index = start; index < start + length; index++) {
        if ((mask[index] === 0) === (code === 0)) continue;
        this.codes[index] = code;
        this.#count(index, 1);
      }
    }
  }

  /**
   * Takes changes out of the preview, as runs for the mask.
   * @param {number} axis
   * @param {number | null} slice null: all slices
   * @returns {Run[]}
   */
  take(axis, slice) {
    const stride = this.grid.strides[axis];
    const length = this.grid.shape[axis];
    /** @type {Run[]} */
    const runs = [];
    for (let index = 0; index < this.codes.length; index++) {
      if (this.codes[index] === UNCHANGED) continue;
      if (slice !== null && Math.floor(index / stride) % length !== slice) continue;
      addVoxel(runs, index, this.codes[index]);
      this.codes[index] = UNCHANGED;
      this.#count(index, -1);
    }
    return runs;
  }

  /**
   * @param {number} index
   * @param {number} change
   */
  #count(index, change) {
    this.left += change;
    for (let axis = 0; axis < 3; axis++) {
      this.perSlice[axis][Math.floor(index / this.grid.strides[axis]) % this.grid.shape[axis]] += change;
    }
  }
}

export class Layer {
  /**
   * @param {SequenceInfo} info
   * @param {{revision: number, runs: unknown} | undefined} state
   * @param {ImageStore} store of the sequence's grid
   */
  constructor(info, state, store = new ImageStore()) {
    this.info = info;
    this.store = store;
    store.sequences.add(info.name);
    this.name = info.name;
    this.grid = new Grid(info.shape, info.affine);
    this.mask = new Mask(this.grid);
    this.revision = 0;
    this.load(state ?? { revision: 0, runs: [] });
    /** @type {Record<PlaneName, Readonly<Plane>>} */
    this.planes = {
      axial: planeOf("axial", info.shape, info.affine),
      sagittal: planeOf("sagittal", info.shape, info.affine),
      coronal: planeOf("coronal", info.shape, info.affine),
    };
    /** @type {Preview | null} */
    this.preview = null;
    /** The phase on the screen; its own name: the sequence itself. */
    this.phase = info.name;
    /** @type {string | null} */
    this.failure = null;
  }

  /** Names of all phases of the family, the sequence's own among them; one name: there is nothing to play. */
  get phases() {
    const { phases } = this.info;
    return phases.length && phases.includes(this.name) ? phases : [this.name, ...phases];
  }

  /** Sequences of one family share their window. */
  get family() {
    return this.phases.length > 1 ? [...this.phases].sort().join(" ") : this.name;
  }

  /**
   * Replaces the mask by the server's.
   * @param {{revision: number, runs: unknown}} state
   */
  load(state) {
    this.mask.load(checkedRuns(state.runs, this.grid.size));
    this.revision = state.revision;
  }

  /**
   * The image if it is here.
   * @param {ImageName} image
   * @param {string} [phase]
   */
  volume(image, phase = this.phase) {
    return this.store.volumes.get(`${phase} ${image}`) ?? null;
  }

  /**
   * Fetches an image.
   * @param {import("./api.js").Api} api
   * @param {string} address of the case
   * @param {ImageName} image
   * @param {string} [phase]
   * @returns {Promise<Volume>}
   */
  fetch(api, address, image, phase = this.phase) {
    const key = `${phase} ${image}`;
    const here = this.store.volumes.get(key);
    if (here) return Promise.resolve(here);
    let coming = this.store.loading.get(key);
    if (!coming) {
      coming = this.#fetch(api, address, image, phase).finally(() => this.store.loading.delete(key));
      this.store.loading.set(key, coming);
    }
    return coming;
  }

  /**
   * @param {import("./api.js").Api} api
   * @param {string} address
   * @param {ImageName} image
   * @param {string} phase
   */
  async #fetch(api, address, image, phase) {
    const path = `${address}/volume/${encodeURIComponent(phase)}/${encodeURIComponent(image)}`;
    const { octets, dtype } = await api.octets(path);
    const volume = readVolume(octets, /** @type {Dtype} */ (dtype ?? this.#dtype(octets)), this.grid, `${phase}, ${image}`);
    this.#makeSpace(octets.byteLength);
    this.store.volumes.set(`${phase} ${image}`, volume);
    return volume;
  }

  /** @param {ArrayBuffer} octets */
  #dtype(octets) {
    return octets.byteLength === 4 * this.grid.size ? "float32" : this.info.dtype;
  }

  /** @param {number} octets */
  #makeSpace(octets) {
    const { volumes, sequences } = this.store;
    for (const key of volumes.keys()) {
      const kept = [...volumes.values()].reduce((sum, volume) => sum + volume.voxels.byteLength, 0);
      if (kept + octets <= KEPT_OCTETS) return;
      const phase = key.slice(0, key.lastIndexOf(" "));
      if (phase !== this.phase && !sequences.has(phase)) volumes.delete(key);
    }
  }
}

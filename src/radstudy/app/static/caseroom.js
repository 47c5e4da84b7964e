// A case as its reader has it: the viewer, and beside it the form, which is complete and stored before the case is left.

import { CaseForm } from "./caseform.js";
import { Room } from "./room.js";
import { text } from "./strings.js";

/** @typedef {import("./room.js").RoomOptions} RoomOptions */

export class CaseRoom extends Room {
  /** Set after the viewer stands. @type {CaseForm | undefined} */
  form;

  /** @param {RoomOptions} options */
  constructor(options) {
    super({ ...options, onMissing: (missing) => this.form?.missing(missing) });
    this.form = new CaseForm(this, /** @type {any} */ (options.doc), options.study);
    nameForScreenReaders(this);
    this.controls.root.dataset.task = options.doc.task;
    this.slot.replaceChildren(this.form.root);
    this.slot.setAttribute("aria-label", text(`form.title.${options.doc.task}`));
    if (!this.draws) this.#hideDrawing();
  }

  /** Where nothing is drawn, there is nothing to undo, and the form saves and closes. */
  #hideDrawing() {
    this.controls.saved.hidden = true;
    for (const action of ["undo", "redo", "close"]) {
      this.controls.root.querySelector(`.bar [data-action="${action}"]`)?.setAttribute("hidden", "");
    }
  }

  /** Whether a sequence is one of several phases, so that there are curves. */
  get hasCurve() {
    return this.curveLayer !== null;
  }

  /** The layer on whose grid a spot is taken: the one on the screen, if it has a curve. */
  get curveLayer() {
    const layers = [this.layer, ...this.layers.values()];
    return layers.find(({ info }) => info.curve) ?? null;
  }

  refresh() {
    super.refresh();
    this.form?.curve?.moved();
  }

  /** @param {string} action */
  act(action) {
    if (action === "answers") this.form?.focus();
    else super.act(action);
  }

  async pause() {
    if (await this.form?.stored()) await super.pause();
  }

  async skip() {
    if (await this.form?.stored()) await super.skip();
  }

  /** @returns {Promise<any>} */
  async close() {
    if (this.form?.locksFirst) await this.form.lock();
    else if (await this.form?.readyToClose()) await super.close();
  }

  /** @param {string} why */
  lost(why) {
    super.lost(why);
    this.form?.end();
  }

  end() {
    this.form?.end();
    super.end();
  }
}

/**
 * The case's name is the page's heading, and the list of windows has its label.
 * @param {Room} room
 */
export function nameForScreenReaders({ controls }) {
  const heading = controls.root.querySelector(".case-id");
  heading?.setAttribute("role", "heading");
  heading?.setAttribute("aria-level", "1");
  controls.windows.setAttribute("aria-label", text("room.action.window_next"));
}

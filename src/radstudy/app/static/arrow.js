// Placing the arrow at a target lesion: the lead looks through the images, puts the crosshair on the lesion, and confirms.

import { ApiError } from "./api.js";
import { nameForScreenReaders } from "./caseroom.js";
import { labelled, pressButton } from "./fields.js";
import { reason, sign } from "./frame.js";
import { attempt, outcome } from "./lead.js";
import { Room } from "./room.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {import("./api.js").Api} Api */
/** What the server gives of a lesion. @typedef {{sequences: import("./layer.js").SequenceInfo[], arrow: number[] | null}} LesionImages */

/** Where the images of a lesion are: its document, and below it volume/{sequence}/{image}. */
export function lesionAddress(/** @type {string} */ patient, /** @type {string} */ lesion) {
  return `/api/lead/lesion/${encodeURIComponent(patient)}/${encodeURIComponent(lesion)}`;
}

/** The viewer without a task: nothing is drawn, answered or closed. */
class ArrowRoom extends Room {
  /** @param {import("./room.js").RoomOptions & {address: string}} options */
  constructor(options) {
    super(options);
    this.address = options.address;
    this.back = () => options.onLeave("closed", null);
    for (const action of ["pause", "skip", "undo", "redo"]) {
      for (const node of this.controls.root.querySelectorAll(`[data-action="${action}"]`)) node.setAttribute("hidden", "");
    }
    const close = this.controls.root.querySelector('.bar [data-action="close"]');
    if (close) close.textContent = text("arrow.back");
    this.controls.saved.hidden = true;
    nameForScreenReaders(this);
    this.controls.root.dataset.task = "arrow";
  }

  async pause() {}

  async skip() {}

  /** @returns {Promise<any>} */
  async close() {
    this.end();
    this.back();
  }
}

/**
 * @param {HTMLElement} parent
 * @param {Api} api
 * @param {string} patient
 * @param {string} lesion
 * @param {() => void} back
 */
export async function placeArrow(parent, api, patient, lesion, back) {
  const address = lesionAddress(patient, lesion);
  try {
    const images = /** @type {LesionImages} */ (await api.get(address));
    const doc = { id: patient, task: "arrow", target: { lesion }, practice: false, status: "open", masks: {}, tools: {}, ...images };
    const room = new ArrowRoom({ parent, api, doc, study: "", address, onLeave: back });
    room.slot.replaceChildren(panel(room, api, patient, lesion));
    await room.start();
  } catch (error) {
    if (!(error instanceof ApiError) || error.refused || error.status === 0) throw error;
    sign(parent, text("arrow.title"), text("arrow.no_images", { why: reason(error) }), [[text("arrow.back"), back]]);
    parent.querySelector(".sign-box")?.append(typedPlace(api, patient, lesion));
  }
}

/**
 * @param {ArrowRoom} room
 * @param {Api} api
 * @param {string} patient
 * @param {string} lesion
 */
function panel(room, api, patient, lesion) {
  const box = element("div", "case-form");
  box.appendChild(element("h2", "", text("arrow.title")));
  box.appendChild(element("p", "definition", text("arrow.how")));
  const place = outcome();
  const put = (/** @type {number[] | null} */ ras) => attempt(place, async () => {
    await api.post("/api/lead/arrow", { patient, lesion, ras });
    room.doc.arrow = ras;
    room.refresh();
    return text(ras ? "arrow.placed" : "arrow.removed");
  });
  const actions = box.appendChild(element("div", "form-actions"));
  actions.append(
    pressButton(text("arrow.place"), () => put([...room.cursor].map((mm) => Number(mm.toFixed(3)))), "primary"),
    pressButton(text("arrow.remove"), () => put(null)), place,
  );
  return box;
}

/**
 * Where no images can be shown: patient coordinates, as another viewer gives them.
 * @param {Api} api
 * @param {string} patient
 * @param {string} lesion
 */
function typedPlace(api, patient, lesion) {
  const box = element("div", "typed-place");
  const inputs = ["R", "A", "S"].map((letter) => {
    const input = element("input", "typed-number");
    input.type = "text";
    input.inputMode = "decimal";
    box.appendChild(labelled(text("arrow.coordinate", { letter }), input));
    return input;
  });
  const place = outcome();
  const put = () => attempt(place, async () => {
    const ras = inputs.map((input) => (input.value.trim() ? Number(input.value.replace(",", ".")) : NaN));
    if (!ras.every(Number.isFinite)) throw new Error(text("arrow.three_numbers"));
    await api.post("/api/lead/arrow", { patient, lesion, ras });
    return text("arrow.placed");
  });
  box.append(pressButton(text("arrow.place_typed"), put), place);
  return box;
}

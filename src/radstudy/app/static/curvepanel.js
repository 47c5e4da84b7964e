// The panel of the time-intensity curve: of the crosshair, which it follows, or of the drawn lesion.

import { ApiError } from "./api.js";
import { curveFigure } from "./curve.js";
import { pressButton } from "./fields.js";
import { reason } from "./frame.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

const QUIET_MS = 250;

export class CurvePanel {
  /** @param {import("./caseroom.js").CaseRoom} room */
  constructor(room) {
    this.room = room;
    this.asked = 0;
    this.place = "";
    /** @type {"spot" | "lesion"} */
    this.source = "spot";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.root = element("details", "curve-panel");
    this.root.appendChild(element("summary", "", text("curve.title")));
    this.root.addEventListener("toggle", () => this.root.open && this.#fetch());
    const row = this.root.appendChild(element("div", "row"));
    this.spot = row.appendChild(pressButton(text("curve.spot"), () => this.#choose("spot")));
    this.lesion = row.appendChild(pressButton(text("curve.lesion"), () => this.#choose("lesion")));
    this.plot = this.root.appendChild(element("div", "curve-place"));
    this.#sync();
  }

  /** The crosshair may have moved. */
  moved() {
    const where = this.#where();
    if (!this.root.open || this.source !== "spot" || !where || where.query === this.place) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#fetch(), QUIET_MS);
  }

  end() {
    clearTimeout(this.timer);
  }

  /** @param {"spot" | "lesion"} source */
  #choose(source) {
    this.source = source;
    this.#sync();
    this.#fetch();
  }

  #sync() {
    this.spot.setAttribute("aria-pressed", String(this.source === "spot"));
    this.lesion.setAttribute("aria-pressed", String(this.source === "lesion"));
  }

  /** The voxel under the crosshair on the sequence that has phases. */
  #where() {
    const layer = this.room.curveLayer;
    if (!layer) return null;
    const index = Array.from(layer.grid.toIndex(this.room.cursor, new Float64Array(3)), Math.round);
    const inside = index.every((n, axis) => n >= 0 && n < layer.grid.shape[axis]);
    const [i, j, k] = index;
    const query = new URLSearchParams({ sequence: layer.name, i: String(i), j: String(j), k: String(k) });
    const at = text("curve.at", { i: i + 1, j: j + 1, k: k + 1, sequence: layer.name });
    return { query: inside ? String(query) : "outside", unit: layer.info.unit, at };
  }

  async #fetch() {
    const where = this.#where();
    const asked = ++this.asked;
    this.place = where?.query ?? "";
    const isLesion = this.source === "lesion";
    try {
      if (!where || (!isLesion && where.query === "outside")) return this.#show(element("p", "quiet", text("curve.outside")));
      const curve = await this.room.api.get(`${this.room.address}/curve?${isLesion ? "lesion=1" : where.query}`);
      if (asked === this.asked) this.#show(curveFigure(curve, isLesion ? text("curve.of_lesion") : where.at, curve.unit ?? where.unit));
    } catch (error) {
      if (asked !== this.asked) return;
      const none = isLesion && error instanceof ApiError && error.status === 404;
      this.#show(element("p", "quiet", none ? text("curve.no_lesion") : text("curve.failed", { why: reason(error) })));
    }
  }

  /** @param {Node} content */
  #show(content) {
    this.plot.replaceChildren(content);
  }
}

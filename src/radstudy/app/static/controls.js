// The frame of the case page: top bar, tools, options, side panel, status line. It shows what the room is set to.

import { text } from "./strings.js";
import { TOOLS } from "./tools.js";
import { button, choice, choose, element, fillIn, numberField, toolButton } from "./toolbar.js";
import { PLANES } from "./orientation.js";

/** @typedef {import("./room.js").Room} Room */

/** @type {readonly ("one" | "sequences" | "planes")[]} */
export const LAYOUTS = ["one", "sequences", "planes"];

export class Controls {
  saved = element("button", "saved");
  undo = element("button");
  redo = element("button");
  layout = element("div");
  plane = element("div");
  image = element("div");
  windows = element("select", "windows");
  phases = element("div", "phases");
  phase = element("span", "phase");
  ofTool = element("div", "tool-options");
  sign = element("div");
  shape = element("div");
  radius = numberField("", {}, () => {});
  low = this.radius;
  high = this.radius;
  box = this.radius;
  edit = element("div", "edit");
  preview = element("div", "preview");
  previewText = element("p");
  /** Where the form goes. */
  slot = element("section", "form-slot");
  /** @type {HTMLButtonElement[]} */
  tools = [];
  /** @type {Map<string, {row: HTMLElement, volume: HTMLElement, slices: HTMLElement}>} */
  sequences = new Map();

  /** @param {Room} room */
  constructor(room) {
    this.room = room;
    this.root = element("div", "room");
    const act = (/** @type {string} */ action) => room.act(action);
    this.#bar(act);
    this.#rail(act);
    this.#options(act);
    this.views = this.root.appendChild(element("div", "views"));
    this.#side(act);
    this.status = this.root.appendChild(element("div", "status"));
    this.where = this.status.appendChild(element("span", "where"));
    this.hint = this.status.appendChild(element("span", "hint"));
    this.notices = this.root.appendChild(element("div", "notices"));
    this.notices.setAttribute("aria-live", "polite");
  }

  /** @param {(action: string) => void} act */
  #bar(act) {
    const { room } = this;
    const { doc } = room;
    const bar = this.root.appendChild(element("header", "bar"));
    bar.appendChild(element("strong", "case-id", doc.id));
    if (doc.practice) bar.appendChild(element("span", "badge", text("room.practice")));
    const target = Object.entries(doc.target ?? {}).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`).join(" · ");
    bar.appendChild(element("span", "target", target));
    this.layout = bar.appendChild(choice(text("room.action.layout"), LAYOUTS, (v) => text(`room.layout.${v}`), (v) => room.setLayout(v)));
    this.plane = bar.appendChild(choice(text("room.action.plane"), PLANES, (v) => text(`room.plane.${v}`), (v) => room.setPlane(v)));
    bar.appendChild(element("span", "spacer"));
    bar.appendChild(this.saved);
    this.saved.type = "button";
    this.saved.addEventListener("click", () => this.room.saving.queue?.retry());
    this.undo = bar.appendChild(button("undo", text("room.undo"), act));
    this.redo = bar.appendChild(button("redo", text("room.redo"), act));
    bar.appendChild(button("help", "?", act));
    bar.appendChild(element("span", "gap"));
    for (const action of ["pause", "skip", "close"]) bar.appendChild(button(action, text(`room.${action}`), act));
    bar.lastElementChild?.classList.add("primary");
  }

  /** @param {(action: string) => void} act */
  #rail(act) {
    const rail = this.root.appendChild(element("nav", "rail"));
    const drawing = this.room.draws ? TOOLS : TOOLS.filter((tool) => tool === "look" || tool === "measure");
    const shown = drawing.filter((tool) => tool !== "grow" || this.room.doc.tools?.grow);
    this.tools = shown.map((tool) => rail.appendChild(toolButton(tool, act)));
  }

  /** @param {(action: string) => void} act */
  #options(act) {
    const { room } = this;
    const row = this.root.appendChild(element("div", "options"));
    this.image = row.appendChild(choice(text("room.action.image"), /** @type {const} */ (["acquired", "prepared"]),
      (v) => text(`room.image.${v}`), (v) => room.setImage(v)));
    row.appendChild(this.windows);
    this.windows.title = text("room.action.window_next");
    this.windows.addEventListener("change", () => {
      room.usePreset(Number(this.windows.value));
      this.windows.blur();
    });
    row.appendChild(this.phases);
    this.phases.append(button("phase_before", "◀", act), button("cine", "▶▮", act), button("phase_next", "▶", act));
    this.phases.appendChild(this.phase);
    row.appendChild(element("span", "spacer"));
    row.appendChild(this.ofTool);
    this.sign = this.ofTool.appendChild(choice(text("room.action.subtract"), /** @type {const} */ (["add", "subtract"]),
      (v) => text(`room.${v}`), (v) => room.setSubtract(v === "subtract")));
    this.shape = this.ofTool.appendChild(choice(text("room.action.ball"), /** @type {const} */ (["disc", "ball"]),
      (v) => text(`room.${v}`), (v) => room.setBall(v === "ball")));
    this.radius = numberField(text("room.radius"), { min: 0.1, max: 100, step: 0.5 }, (v) => room.set({ radiusMm: v }));
    this.low = numberField(text("room.from"), {}, (v) => room.set({ low: v }));
    this.high = numberField(text("room.to"), {}, (v) => room.set({ high: v }));
    this.box = numberField(text("room.box"), { min: 1, max: 500, step: 1 }, (v) => room.set({ boxMm: v }));
    this.ofTool.append(this.radius.box, this.low.box, this.high.box, this.box.box);
  }

  /** @param {(action: string) => void} act */
  #side(act) {
    const side = this.root.appendChild(element("aside", "side"));
    const list = side.appendChild(element("div", "sequences"));
    for (const name of this.room.layers.keys()) {
      const row = list.appendChild(element("button", "sequence"));
      row.type = "button";
      row.appendChild(element("span", "name", name));
      const volume = row.appendChild(element("span", "volume"));
      const slices = row.appendChild(element("span", "slices"));
      row.addEventListener("click", () => {
        this.room.setSequence(name);
        row.blur();
      });
      this.sequences.set(name, { row, volume, slices });
    }
    side.appendChild(this.edit);
    for (const action of ["interpolate", "smooth", "islands", "holes"]) {
      this.edit.appendChild(button(action, text(`room.edit.${action}`), act));
    }
    this.edit.hidden = !this.room.draws;
    side.appendChild(this.preview);
    this.preview.append(
      this.previewText,
      button("confirm", text("room.preview.one"), act), button("accept_all", text("room.preview.all"), act),
      button("drop", text("room.preview.drop"), act),
    );
    side.appendChild(this.slot);
  }

  /** Shows the room's state. */
  sync() {
    const { room } = this;
    for (const node of this.tools) node.setAttribute("aria-pressed", String(node.dataset.action === `tool_${room.toolName}`));
    choose(this.layout, room.layout);
    choose(this.plane, room.plane);
    choose(this.image, room.image);
    choose(this.sign, room.settings.subtract ? "subtract" : "add");
    choose(this.shape, room.settings.ball ? "ball" : "disc");
    this.image.hidden = room.layer.info.images.length < 2;
    this.plane.hidden = room.layout === "planes";
    this.undo.disabled = !room.history.done.length && !room.tool.pending;
    this.redo.disabled = !room.history.undone.length && !room.tool.pending;
    this.#syncTool();
    this.#syncWindows();
    this.#syncPhases();
    this.syncVolumes();
    this.#syncPreview();
  }

  #syncTool() {
    const { toolName: tool, settings } = this.room;
    const brush = tool === "brush" || tool === "eraser" || tool === "range";
    this.sign.hidden = !(brush || tool === "contour" || tool === "polygon") || tool === "eraser";
    this.shape.hidden = !brush;
    this.radius.box.hidden = !brush;
    this.low.box.hidden = this.high.box.hidden = !(tool === "range" || tool === "grow");
    this.box.box.hidden = tool !== "grow";
    fillIn(this.radius.input, settings.radiusMm);
    fillIn(this.low.input, settings.low);
    fillIn(this.high.input, settings.high);
    fillIn(this.box.input, settings.boxMm);
    this.hint.textContent = text(`room.hint.${tool}`);
  }

  #syncWindows() {
    const { presets, preset } = this.room.windowing();
    const words = presets.map(([low, high], n) => (n < presets.length - 1 ? `${round(low)} – ${round(high)}` : text("room.window.auto")));
    const all = [...words, ...(preset < 0 ? [text("room.window.own")] : [])];
    if (all.join("|") !== this.windows.dataset.shown) {
      this.windows.replaceChildren(...all.map((label, n) => new Option(label, String(n))));
      this.windows.dataset.shown = all.join("|");
    }
    this.windows.value = String(preset < 0 ? presets.length : preset);
  }

  #syncPhases() {
    const { layer, playing } = this.room;
    this.phases.hidden = layer.phases.length < 2;
    this.phase.textContent = `${layer.phase} (${layer.phases.indexOf(layer.phase) + 1}/${layer.phases.length})`;
    this.phases.classList.toggle("playing", playing);
  }

  /** Volumes and slices drawn: also while a brush moves. */
  syncVolumes() {
    for (const [name, { row, volume, slices }] of this.sequences) {
      const layer = this.room.layerOf(name);
      const { voxels, perSlice } = layer.mask;
      row.setAttribute("aria-pressed", String(name === this.room.sequence));
      volume.textContent = voxels ? text("room.volume", { mm3: round(voxels * layer.grid.voxelMm3), voxels }) : text("room.empty");
      const drawn = perSlice[layer.planes[this.room.plane].through].reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0);
      slices.textContent = voxels ? drawn === 1 ? text("room.slice") : text("room.slices", { drawn }) : "";
    }
  }

  #syncPreview() {
    const { preview } = this.room.layer;
    this.preview.hidden = !preview;
    if (!preview) return;
    const drawn = preview.perSlice[this.room.layer.planes[this.room.plane].through].reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0);
    this.previewText.textContent = text("room.preview.text", { voxels: preview.left, slices: drawn });
  }

  /**
   * @param {"saved" | "saving" | "unsaved"} state
   * @param {number} waiting
   * @param {string} why
   */
  showSaved(state, waiting, why) {
    this.saved.className = `saved saved-${state}`;
    this.saved.textContent = text(`room.saved.${state}`, { waiting });
    this.saved.title = why || text(`room.saved.${state}_why`);
  }

  /**
   * A message over the views. Without buttons it goes by itself.
   * @param {string} words
   * @param {[label: string, act: () => void][]} [buttons]
   */
  notice(words, buttons = []) {
    const note = this.notices.appendChild(element("div", "notice"));
    note.appendChild(element("span", "", words));
    for (const [label, act] of buttons) {
      const node = note.appendChild(element("button", "", label));
      node.type = "button";
      node.addEventListener("click", () => {
        note.remove();
        act();
      });
    }
    if (!buttons.length) setTimeout(() => note.remove(), 6000);
    return note;
  }
}

/** Short numbers: three figures are enough for people. */
export function round(/** @type {number} */ value) {
  const size = Math.abs(value);
  return String(Number(size >= 100 ? value.toFixed(0) : value.toPrecision(3)));
}

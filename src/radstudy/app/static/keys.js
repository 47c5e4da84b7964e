// The keyboard: which key does what, and the overlay that shows it. One list serves both.

import { text } from "./strings.js";

/**
 * A key and what it does. `keys` are KeyboardEvent.key, with "Ctrl+" and "Shift+" before it where they must be held.
 * @typedef {object} Binding
 * @property {string} action also the name of its text: "room.action.<action>"
 * @property {string[]} keys
 * @property {"draw" | "edit" | "look" | "case"} group
 */

/** @type {readonly Binding[]} */
export const BINDINGS = [
  { action: "tool_look", keys: ["v"], group: "draw" },
  { action: "tool_contour", keys: ["c"], group: "draw" },
  { action: "tool_polygon", keys: ["p"], group: "draw" },
  { action: "tool_brush", keys: ["b"], group: "draw" },
  { action: "tool_eraser", keys: ["e"], group: "draw" },
  { action: "tool_range", keys: ["r"], group: "draw" },
  { action: "tool_grow", keys: ["g"], group: "draw" },
  { action: "tool_measure", keys: ["m"], group: "draw" },
  { action: "subtract", keys: ["t"], group: "draw" },
  { action: "ball", keys: ["d"], group: "draw" },
  { action: "smaller", keys: ["[", ","], group: "draw" },
  { action: "larger", keys: ["]", "."], group: "draw" },
  { action: "confirm", keys: ["Enter"], group: "edit" },
  { action: "accept_all", keys: ["Shift+Enter"], group: "edit" },
  { action: "drop", keys: ["Escape"], group: "edit" },
  { action: "undo", keys: ["Ctrl+z"], group: "edit" },
  { action: "redo", keys: ["Ctrl+y", "Ctrl+Shift+z"], group: "edit" },
  { action: "remove_last", keys: ["Backspace", "Delete"], group: "edit" },
  { action: "interpolate", keys: ["i"], group: "edit" },
  { action: "smooth", keys: ["o"], group: "edit" },
  { action: "islands", keys: ["u"], group: "edit" },
  { action: "holes", keys: ["h"], group: "edit" },
  { action: "slice_up", keys: ["ArrowUp"], group: "look" },
  { action: "slice_down", keys: ["ArrowDown"], group: "look" },
  { action: "slice_drawn_up", keys: ["Shift+ArrowUp", "PageUp"], group: "look" },
  { action: "slice_drawn_down", keys: ["Shift+ArrowDown", "PageDown"], group: "look" },
  { action: "phase_before", keys: ["ArrowLeft"], group: "look" },
  { action: "phase_next", keys: ["ArrowRight"], group: "look" },
  { action: "cine", keys: ["k"], group: "look" },
  { action: "sequence_next", keys: ["n"], group: "look" },
  { action: "sequence_before", keys: ["Shift+n"], group: "look" },
  { action: "layout", keys: ["l"], group: "look" },
  { action: "plane", keys: ["x"], group: "look" },
  { action: "image", keys: ["y"], group: "look" },
  { action: "window_next", keys: ["w"], group: "look" },
  { action: "zoom_in", keys: ["+", "="], group: "look" },
  { action: "zoom_out", keys: ["-"], group: "look" },
  { action: "fit", keys: ["0"], group: "look" },
  { action: "mask_shown", keys: ["q"], group: "look" },
  { action: "mask_filled", keys: ["f"], group: "look" },
  { action: "crosshair", keys: ["z"], group: "look" },
  { action: "smooth_display", keys: ["s"], group: "look" },
  { action: "answers", keys: ["a"], group: "case" },
  { action: "help", keys: ["?", "F1"], group: "case" },
];

/** What the mouse does, for the overlay; the texts are "room.mouse.<name>.how" and ".what". */
export const MOUSE = ["left", "alt", "shift", "ctrl_left", "right", "middle", "wheel", "ctrl_wheel", "shift_wheel", "pinch"];

const BY_KEY = new Map(BINDINGS.flatMap(({ action, keys }) => keys.map((key) => [key, action])));

/**
 * The action of a key, or null. Letters count in either case, so that Caps Lock does no harm.
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean}} event
 */
export function actionOf(event) {
  const letter = /^[a-z]$/i.test(event.key);
  const key = letter ? event.key.toLowerCase() : event.key;
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const shift = event.shiftKey && (letter || key.length > 1) ? "Shift+" : "";
  return BY_KEY.get(control + shift + key) ?? null;
}

/**
 * How the keys of an action are written for people.
 * @param {string} action
 */
export function keyLabel(action) {
  const names = /** @type {Record<string, string>} */ ({
    ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", PageUp: "Page up", PageDown: "Page down",
  });
  const keys = BINDINGS.find((binding) => binding.action === action)?.keys ?? [];
  const words = (/** @type {string} */ key) =>
    key.split(/(?<=.)\+(?=.)/).map((part) => names[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part)).join("+");
  return keys.map(words).join(" / ");
}

/**
 * The help overlay: all keys and what the mouse does. It is closed by any key, by a click, or by its button.
 * @param {(action: string) => boolean} offered whether this case has the action
 */
export function helpOverlay(offered) {
  const overlay = document.createElement("div");
  overlay.className = "help";
  overlay.setAttribute("role", "dialog");
  overlay.setAttribute("aria-label", text("room.help.title"));
  const sheet = overlay.appendChild(document.createElement("div"));
  sheet.className = "help-sheet";
  sheet.appendChild(document.createElement("h2")).textContent = text("room.help.title");
  const columns = sheet.appendChild(document.createElement("div"));
  columns.className = "help-columns";
  for (const group of /** @type {const} */ (["draw", "edit", "look", "case"])) {
    const rows = BINDINGS.filter((binding) => binding.group === group && offered(binding.action));
    const pairs = rows.map(({ action }) => [keyLabel(action), text(`room.action.${action}`)]);
    columns.appendChild(helpTable(text(`room.help.${group}`), pairs));
  }
  const mouse = MOUSE.map((name) => [text(`room.mouse.${name}.how`), text(`room.mouse.${name}.what`)]);
  columns.appendChild(helpTable(text("room.help.mouse"), mouse));
  sheet.appendChild(document.createElement("p")).textContent = text("room.help.close");
  return overlay;
}

/**
 * @param {string} title
 * @param {string[][]} rows key and meaning
 */
function helpTable(title, rows) {
  const section = document.createElement("section");
  section.appendChild(document.createElement("h3")).textContent = title;
  const list = section.appendChild(document.createElement("dl"));
  for (const [key, meaning] of rows) {
    list.appendChild(document.createElement("dt")).textContent = key;
    list.appendChild(document.createElement("dd")).textContent = meaning;
  }
  return section;
}

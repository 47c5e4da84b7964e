// Buttons and fields around the views. They say what the room is set to and call its actions; they hold nothing of their own.

import { keyLabel } from "./keys.js";
import { text } from "./strings.js";

/** @typedef {import("./tools.js").ToolName} ToolName */

/** Icons, 24 x 24, drawn by us. */
const ICONS = {
  look: "M12 3v6M12 15v6M3 12h6M15 12h6M12 12h.01",
  contour: "M5 14c-2-5 3-10 8-9s8 6 5 10-5 1-8 3-4 0-5-4z",
  polygon: "M5 9l8-5 7 7-4 8-9-1zM5 9h.01M13 4h.01M20 11h.01M16 19h.01M7 18h.01",
  brush: "M20 4L10 14M10 14c-3-1-5 1-5 3s-1 3-2 3c4 1 9 0 9-4z",
  eraser: "M8 20h12M4 15l9-10 7 6-8 9H8z",
  range: "M3 20h18M5 20V13M9 20V8M13 20V4M17 20v-9M3 9h3M14 9h7",
  grow: "M12 12h.01M12 8a4 4 0 110 8 4 4 0 010-8M12 3v2M12 19v2M3 12h2M19 12h2",
  measure: "M4 16L16 4l4 4L8 20zM8 12l2 2M11 9l2 2M14 6l2 2",
};

/**
 * An element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} [name] class
 * @param {string} [words]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, name = "", words = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (words) node.textContent = words;
  return node;
}

/**
 * A button that calls an action; its tooltip says what it does and by which key.
 * @param {string} action
 * @param {string} words
 * @param {(action: string) => void} act
 * @returns {HTMLButtonElement}
 */
export function button(action, words, act) {
  const node = element("button", "", words);
  node.type = "button";
  node.dataset.action = action;
  const key = keyLabel(action);
  node.title = text(`room.action.${action}`) + (key ? ` (${key})` : "");
  node.addEventListener("click", () => {
    act(action);
    node.blur(); // keys belong to the views
  });
  return node;
}

/**
 * The button of a tool, with its icon.
 * @param {ToolName} tool
 * @param {(action: string) => void} act
 */
export function toolButton(tool, act) {
  const node = button(`tool_${tool}`, "", act);
  node.className = "tool";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[tool]);
  svg.appendChild(path);
  node.appendChild(svg);
  node.appendChild(element("span", "", text(`room.tool.${tool}`)));
  return node;
}

/**
 * A row of buttons of which one is on.
 * @template {string} V
 * @param {string} label
 * @param {readonly V[]} values
 * @param {(value: V) => string} words
 * @param {(value: V) => void} choose
 */
export function choice(label, values, words, choose) {
  const group = element("div", "choice");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  for (const value of values) {
    const node = element("button", "", words(value));
    node.type = "button";
    node.dataset.value = value;
    node.title = label;
    node.addEventListener("click", () => {
      choose(value);
      node.blur();
    });
    group.appendChild(node);
  }
  return group;
}

/**
 * Marks the button of a value.
 * @param {HTMLElement} group
 * @param {string} value
 */
export function choose(group, value) {
  for (const node of group.querySelectorAll("button")) node.setAttribute("aria-pressed", String(node.dataset.value === value));
}

/**
 * A number with its label. Enter or leaving the field gives the focus back to the views.
 * @param {string} label
 * @param {{min?: number, max?: number, step?: number | "any"}} limits
 * @param {(value: number) => void} set
 * @returns {{box: HTMLLabelElement, input: HTMLInputElement}}
 */
export function numberField(label, limits, set) {
  const box = element("label", "number", label);
  const input = box.appendChild(element("input"));
  input.type = "number";
  input.step = String(limits.step ?? "any");
  if (limits.min !== undefined) input.min = String(limits.min);
  if (limits.max !== undefined) input.max = String(limits.max);
  input.addEventListener("change", () => {
    const low = limits.min ?? -Infinity;
    const high = limits.max ?? Infinity;
    if (Number.isFinite(input.valueAsNumber)) set(Math.min(high, Math.max(low, input.valueAsNumber)));
  });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });
  return { box, input };
}

/**
 * Shows a value in a field that is not being typed in.
 * @param {HTMLInputElement} input
 * @param {number} value
 */
export function fillIn(input, value) {
  const words = String(Number(value.toPrecision(6)));
  if (document.activeElement !== input && input.value !== words) input.value = words;
}

// The time-intensity curve of a spot or of the lesion, as a small plot with units and times.

import { shortNumber } from "./answers.js";
import { element } from "./toolbar.js";
import { table } from "./fields.js";
import { text } from "./strings.js";

/**
 * As the server computes it. `times_s` null: the times of the phases are not known.
 * @typedef {object} Curve
 * @property {string[]} [phases]
 * @property {(number | null)[]} values null: outside the image of that phase
 * @property {number[] | null} times_s since the first phase
 * @property {string} [note]
 * @property {string} [unit]
 */

/** @typedef {{at: number, value: number, phase: string, change: number | null}} Point */

const WIDTH = 340, HEIGHT = 170;
const LEFT = 46, RIGHT = 10, TOP = 10, BOTTOM = 34;

/**
 * The points that there are, with the change against the first one, %.
 * @param {Curve} curve
 * @returns {Point[]}
 */
export function pointsOf({ phases = [], values, times_s: times }) {
  const first = values.find((value) => value !== null) ?? null;
  return values.flatMap((value, n) => {
    if (value === null) return [];
    const change = first ? (100 * (value - first)) / Math.abs(first) : null;
    return [{ at: times ? times[n] : n + 1, value, phase: phases[n] ?? String(n + 1), change }];
  });
}

/**
 * Round marks of an axis from low to high: at most `most` steps of 1, 2 or 5 times a power of ten, within the range.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 */
export function ticks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough * (1 - 1e-9)) ?? rough;
  const start = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - start + 1;
  return Array.from({ length: count }, (_, n) => Number(((start + n) * step).toPrecision(12)));
}

/**
 * Marks of a time axis, s: of whole minutes or their simple parts.
 * @param {number} high
 */
export function timeTicks(high) {
  const step = [5, 10, 15, 30, 60, 120, 300, 600].find((size) => high / size <= 7) ?? 1200;
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, n) => n * step);
}

/**
 * Seconds as minutes and seconds.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * The plot, and the same numbers as a table for screen readers.
 * @param {Curve} curve
 * @param {string} title where it was measured
 * @param {string} unit of the intensities
 */
export function curveFigure(curve, title, unit) {
  const points = pointsOf(curve);
  const figure = element("figure", "curve");
  figure.appendChild(element("figcaption", "", title));
  if (points.length < 2) {
    figure.appendChild(element("p", "", text("curve.too_few")));
    return figure;
  }
  figure.appendChild(plot(points, curve.times_s !== null, unit));
  if (curve.times_s === null) figure.appendChild(element("p", "quiet", text("curve.no_times")));
  const rows = points.map(({ at, value, phase, change }) => [
    phase, curve.times_s ? clock(at) : "–", shortNumber(value), change === null ? "–" : signed(change),
  ]);
  const numbers = element("details");
  numbers.appendChild(element("summary", "", text("curve.numbers")));
  numbers.appendChild(table(title, [text("curve.phase"), text("curve.time"), intensity(unit), text("curve.change")], rows));
  figure.appendChild(numbers);
  return figure;
}

/** @param {string} unit */
function intensity(unit) {
  return text("curve.intensity", { unit: unit || text("curve.arbitrary") });
}

/** @param {number} change */
function signed(change) {
  return `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(0)} %`;
}

/**
 * @param {Point[]} points
 * @param {boolean} timed
 * @param {string} unit
 */
function plot(points, timed, unit) {
  const values = points.map(({ value }) => value);
  const low = Math.min(0, ...values);
  const high = Math.max(...values) * 1.05 || 1;
  const end = points[points.length - 1].at;
  const start = timed ? 0 : 1;
  const x = (/** @type {number} */ at) => LEFT + ((at - start) / (end - start || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "img", "aria-label": described(points, timed) });
  for (const value of ticks(low, high, 4)) {
    svg.appendChild(shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }));
    svg.appendChild(shape("text", { class: "tick", x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, shortNumber(value)));
  }
  for (const at of timed ? timeTicks(end) : points.map((point) => point.at)) {
    svg.appendChild(shape("line", { class: "grid", x1: x(at), x2: x(at), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }));
    const place = { class: "tick", x: x(at), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" };
    svg.appendChild(shape("text", place, timed ? clock(at) : String(at)));
  }
  const label = text(timed ? "curve.time_axis" : "curve.phase_axis");
  svg.appendChild(shape("text", { class: "axis", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, label));
  const middle = (HEIGHT - BOTTOM + TOP) / 2;
  const turned = { class: "axis", x: 0, y: 0, "text-anchor": "middle", transform: `translate(10 ${middle}) rotate(-90)` };
  svg.appendChild(shape("text", turned, intensity(unit)));
  svg.appendChild(shape("polyline", { class: "line", points: points.map(({ at, value }) => `${x(at)},${y(value)}`).join(" ") }));
  for (const point of points) {
    const dot = svg.appendChild(shape("circle", { class: "dot", cx: x(point.at), cy: y(point.value), r: 3 }));
    const change = point.change === null ? "" : ` (${signed(point.change)})`;
    dot.appendChild(shape("title", {}, `${point.phase}${timed ? `, ${clock(point.at)}` : ""}: ${shortNumber(point.value)}${change}`));
  }
  return svg;
}

/**
 * @param {Point[]} points
 * @param {boolean} timed
 */
function described(points, timed) {
  const peak = points.reduce((best, point) => (point.value > best.value ? point : best));
  const last = points[points.length - 1];
  return text("curve.described", {
    phases: points.length, peak: peak.change === null ? shortNumber(peak.value) : signed(peak.change),
    at: timed ? clock(peak.at) : peak.phase, last: last.change === null ? shortNumber(last.value) : signed(last.change),
  });
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [words]
 */
function shape(name, attributes, words = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, typeof value === "number" ? value.toFixed(2) : value);
  if (words) node.textContent = words;
  return node;
}

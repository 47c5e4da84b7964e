// The movable cut-off: counts, measures, ROC point and net benefit of out-of-fold probabilities.

import { drawn, element, fixed, interactivePart, tableOf } from "./elements.js";

/**
 * @typedef {{model: string, groups: string[], case: string, cutoff: number | null, risks: number[], outcomes: string}} CutoffData
 * @typedef {{tp: number, fp: number, tn: number, fn: number}} Counts
 */

/**
 * The counts of a classification, positive from the cut-off on.
 * @param {number[]} risks
 * @param {string} outcomes "0" or "1" of each
 * @param {number} cutoff
 * @returns {Counts}
 */
export function countsAt(risks, outcomes, cutoff) {
  const counts = { tp: 0, fp: 0, tn: 0, fn: 0 };
  risks.forEach((risk, place) => {
    const positive = outcomes[place] === "1";
    if (risk >= cutoff) counts[positive ? "tp" : "fp"] += 1;
    else counts[positive ? "fn" : "tn"] += 1;
  });
  return counts;
}

/** True positives per row, less false positives weighted by the odds of the threshold. @param {Counts} counts @param {number} cutoff */
export function netBenefit({ tp, fp, tn, fn }, cutoff) {
  const rows = tp + fp + tn + fn;
  return tp / rows - (fp / rows) * (cutoff / (1 - cutoff));
}

/**
 * Measure, numerator and denominator.
 * @param {Counts} counts
 * @returns {[string, number, number][]}
 */
export function measuresOf({ tp, fp, tn, fn }) {
  return [["Sensitivity", tp, tp + fn], ["Specificity", tn, tn + fp], ["PPV", tp, tp + fp], ["NPV", tn, tn + fn],
    ["Accuracy", tp + tn, tp + fp + tn + fn]];
}

const SIDE = 260, LEFT = 46, TOP = 10, BELOW = 40, RIGHT = 10;

/**
 * A drawing with two axes, and functions from values to its pixels.
 * @param {string} label
 * @param {[string, string]} names of the axes
 * @param {[number, number]} span of the vertical axis
 * @param {number} step of its ticks
 */
function plotOf(label, names, span, step) {
  const x = (/** @type {number} */ value) => LEFT + value * SIDE;
  const y = (/** @type {number} */ value) => TOP + ((span[1] - value) / (span[1] - span[0])) * SIDE;
  const plot = drawn("svg", { viewBox: `0 0 ${LEFT + SIDE + RIGHT} ${TOP + SIDE + BELOW}`, role: "img", "aria-label": label });
  plot.append(drawn("rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "frame" }));
  for (const tick of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    plot.append(drawn("text", { x: x(tick), y: TOP + SIDE + 14, "text-anchor": "middle" }, tick.toFixed(1)));
  }
  for (let place = Math.ceil(span[0] / step - 1e-9); place * step <= span[1] + 1e-9; place += 1) {
    plot.append(drawn("text", { x: LEFT - 5, y: y(place * step) + 4, "text-anchor": "end" }, fixed(place * step, 1)));
  }
  plot.append(drawn("text", { x: LEFT + SIDE / 2, y: TOP + SIDE + 32, "text-anchor": "middle" }, names[0]));
  const turned = { x: 10, y: TOP + SIDE / 2, "text-anchor": "middle", transform: `rotate(-90 10 ${TOP + SIDE / 2})` };
  plot.append(drawn("text", turned, names[1]));
  return { plot, x, y };
}

/** @param {string} className @param {[number, number][]} points in pixels */
function lineOf(className, points) {
  return drawn("polyline", { class: className, points: points.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ") });
}

/** The ROC curve with a point that moves. @param {CutoffData} data */
function rocPlot({ risks, outcomes, model }) {
  const { plot, x, y } = plotOf(`ROC curve of ${model}, out-of-fold; the point is the cut-off`, ["1 − specificity", "Sensitivity"], [0, 1], 0.2);
  const rates = (/** @type {Counts} */ { tp, fp, tn, fn }) => /** @type {[number, number]} */ ([x(fp / (fp + tn)), y(tp / (tp + fn))]);
  const thresholds = [Infinity, ...[...new Set(risks)].sort((one, other) => other - one)];
  plot.append(lineOf("chance", [[x(0), y(0)], [x(1), y(1)]]));
  plot.append(lineOf("curve", thresholds.map((one) => rates(countsAt(risks, outcomes, one)))));
  const point = drawn("circle", { r: 6, class: "point" });
  plot.append(point);
  return { plot, move: (/** @type {Counts} */ counts) => {
    const [cx, cy] = rates(counts);
    point.setAttribute("cx", String(cx));
    point.setAttribute("cy", String(cy));
  } };
}

/** The decision curve with a line that moves. @param {CutoffData} data */
function decisionPlot({ risks, outcomes, model }) {
  const share = [...outcomes].filter((one) => one === "1").length / outcomes.length;
  const grid = Array.from({ length: 99 }, (_, place) => (place + 1) / 100);
  const own = grid.map((cutoff) => netBenefit(countsAt(risks, outcomes, cutoff), cutoff));
  const all = grid.map((cutoff) => share - (1 - share) * (cutoff / (1 - cutoff)));
  const low = Math.max(-0.2, Math.min(-0.05, ...own));
  const { plot, x, y } = plotOf(`Decision curve of ${model}, out-of-fold; the line is the cut-off`,
    ["Threshold probability", "Net benefit"], [Math.floor(low * 20) / 20, Math.ceil((share + 0.02) * 20) / 20], share > 0.6 ? 0.2 : 0.1);
  const bottom = TOP + SIDE;
  const inside = (/** @type {number[]} */ values) => grid.map((cutoff, place) => /** @type {[number, number]} */ ([x(cutoff), y(values[place])]))
    .filter(([, height]) => height <= bottom);
  plot.append(lineOf("chance", [[x(0), y(0)], [x(1), y(0)]]), lineOf("other", inside(all)), lineOf("curve", inside(own)));
  const line = drawn("line", { y1: TOP, y2: bottom, class: "cutoff" });
  plot.append(line);
  return { plot, move: (/** @type {number} */ cutoff) => {
    line.setAttribute("x1", String(x(cutoff)));
    line.setAttribute("x2", String(x(cutoff)));
  } };
}

/** The measures at a cut-off as rows of a table. @param {Counts} counts @param {number} cutoff */
function rowsOf(counts, cutoff) {
  const shares = measuresOf(counts).map(([name, part, whole]) =>
    [name, whole ? fixed(part / whole, 3) : "–", `${part} of ${whole}`]);
  return [...shares, ["Net benefit", fixed(netBenefit(counts, cutoff), 3), ""]];
}

/** Make the part with the movable cut-off. */
export function startCutoff() {
  const part = interactivePart("cutoff");
  if (!part) return;
  const data = /** @type {CutoffData} */ (part.data);
  const first = Math.min(0.99, Math.max(0.01, data.cutoff ?? 0.5));
  const slider = element("input", { type: "range", min: "0.01", max: "0.99", step: "0.01", id: "cutoff-slider" });
  slider.value = first.toFixed(2);
  const said = element("output", { for: "cutoff-slider" });
  const status = element("p", { class: "visually-hidden", role: "status" });
  const roc = rocPlot(data), decision = decisionPlot(data);
  const numbers = element("div", { class: "numbers" });
  const show = () => {
    const cutoff = Number(slider.value);
    const counts = countsAt(data.risks, data.outcomes, cutoff);
    said.textContent = cutoff.toFixed(2);
    roc.move(counts);
    decision.move(cutoff);
    const rows = rowsOf(counts, cutoff);
    numbers.replaceChildren(tableOf(`Exploratory, at the cut-off ${cutoff.toFixed(2)}`, ["Measure", "Value", data.case[0].toUpperCase() + data.case.slice(1)], rows));
  };
  slider.addEventListener("input", show);
  slider.addEventListener("change", () => {
    status.textContent = rowsOf(countsAt(data.risks, data.outcomes, Number(slider.value)), Number(slider.value))
      .slice(0, 2).map(([name, value]) => `${name} ${value}`).join(", ");
  });
  const named = data.cutoff === null ? "" : ` The model's own cut-off, from the training set, is ${fixed(data.cutoff, 3)}.`;
  part.stage.append(
    element("p", { class: "stamp" }, "Exploratory"),
    element("div", { class: "control" }, element("label", { for: "cutoff-slider" }, "Cut-off on the out-of-fold probability"), slider, said),
    element("p", { class: "about" }, `Model ${data.model}.${named}`), status,
    element("div", { class: "drawings" }, roc.plot, decision.plot, numbers),
    element("p", { class: "footnote" }, "Full line: the model. Dotted: chance, or treating none. Dashed: treating all; upright: the cut-off."),
  );
  show();
}

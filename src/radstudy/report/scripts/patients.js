// The patient picker: one patient's prediction, the contribution of each feature, the place in the training set, pictures.

import { drawn, element, fixed, interactivePart, tableOf } from "./elements.js";

/**
 * @typedef {object} PatientData
 * @property {string} model
 * @property {string[]} groups the negative and the positive one
 * @property {string} case patient or lesion
 * @property {number | null} cutoff
 * @property {string[]} patients
 * @property {string[] | null} lesions
 * @property {string} training "1" for rows of the training set
 * @property {string} outcomes "0" or "1"
 * @property {(number | null)[]} probabilities
 * @property {string[]} features
 * @property {string} [why] the reason why there are no contributions
 * @property {number} [intercept]
 * @property {(number | null)[]} [log_odds]
 * @property {(number | null)[][]} [values]
 * @property {(number | null)[][]} [percentiles]
 * @property {number[][]} [hundredths] contributions to the log-odds
 */

/** The name of a row. @param {PatientData} data @param {number} place */
function nameOf({ patients, lesions }, place) {
  return lesions ? `${patients[place]}, lesion ${lesions[place]}` : patients[place];
}

/** A value as it is written, with a true minus sign. @param {number | null} value */
function written(value) {
  return value === null ? "missing, replaced" : String(value).replace("-", "−");
}

const MARGIN = 12;

/** The width of a drawing in the letters' own size: as wide as a phone, or as a column. */
const width = () => Math.max(280, Math.min(640, innerWidth - 60));

/** The patient's probability among those of the training set, by class. @param {PatientData} data @param {number} place */
function amongTraining(data, place) {
  const own = data.probabilities[place];
  const wide = width();
  const x = (/** @type {number} */ value) => MARGIN + value * (wide - 2 * MARGIN);
  const label = `Probability ${fixed(own, 3)} of ${nameOf(data, place)} among the training set, by outcome`;
  const plot = drawn("svg", { viewBox: `0 0 ${wide} 124`, role: "img", "aria-label": label });
  data.groups.forEach((group, outcome) => {
    const top = 16 + 44 * outcome;
    plot.append(drawn("text", { x: MARGIN, y: top }, `Training, ${group}`));
    plot.append(drawn("line", { x1: x(0), x2: x(1), y1: top + 26, y2: top + 26, class: "axis" }));
    data.probabilities.forEach((value, row) => {
      if (value === null || data.training[row] !== "1" || data.outcomes[row] !== String(outcome)) return;
      plot.append(drawn("line", { x1: x(value), x2: x(value), y1: top + 8, y2: top + 26, class: outcome ? "rug positive" : "rug" }));
    });
  });
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    plot.append(drawn("text", { x: x(tick), y: 118, "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle" }, tick.toFixed(2)));
  }
  if (data.cutoff !== null) plot.append(drawn("line", { x1: x(data.cutoff), x2: x(data.cutoff), y1: 18, y2: 104, class: "cutoff" }));
  if (own !== null) plot.append(drawn("path", { d: `M${x(own)} 102 l-6 -9 h12 z M${x(own)} 18 V102`, class: "marker" }));
  return element("figure", {}, plot, element("figcaption", {}, `Triangle: this ${data.case}. Dashed line: the cut-off. Each tick is a ${data.case} of the training set.`));
}

/** Bars from zero, longest first. @param {PatientData} data @param {number} place */
function contributionBars(data, place) {
  const shares = /** @type {number[][]} */ (data.hundredths)[place];
  const order = shares.map((_, feature) => feature).sort((one, other) => Math.abs(shares[other]) - Math.abs(shares[one]));
  const most = Math.max(1, ...shares.map(Math.abs));
  const wide = width(), middle = wide / 2, unit = (middle - 50) / most;
  const bars = order.map((feature) => {
    const value = shares[feature], length = Math.abs(value) * unit, end = value < 0 ? middle - length : middle + length;
    const plot = drawn("svg", { viewBox: `0 0 ${wide} 16`, "aria-hidden": "true" },
      drawn("rect", { x: Math.min(middle, end), y: 2, width: length, height: 12, class: value < 0 ? "bar" : "bar positive" }),
      drawn("text", { x: end + (value < 0 ? -4 : 4), y: 12, "text-anchor": value < 0 ? "end" : "start" }, fixed(value / 100, 2)),
      drawn("line", { x1: middle, x2: middle, y1: 0, y2: 16, class: "axis" }));
    return element("li", {}, element("span", {}, data.features[feature]), plot);
  });
  const said = `Contributions to the log-odds, the largest first. Left: towards ${data.groups[0]}; right: towards ${data.groups[1]}.`;
  return element("figure", {}, element("ol", { class: "bars" }, ...bars), element("figcaption", {}, said));
}

/** The same in numbers. @param {PatientData} data @param {number} place */
function featureTable(data, place) {
  const { features, values, percentiles, hundredths } = data;
  const rows = features.map((name, feature) => [
    name, written(values?.[place][feature] ?? null), fixed(percentiles?.[place][feature] ?? null, 0),
    ...(hundredths ? [fixed(hundredths[place][feature] / 100, 2)] : []),
  ]);
  if (hundredths) {
    rows.push(["Intercept", "", "", fixed(data.intercept ?? null, 2)], ["Log-odds", "", "", fixed(data.log_odds?.[place] ?? null, 2)]);
  }
  const names = ["Feature", "Value", "Percentile in training", ...(hundredths ? ["Contribution"] : [])];
  return tableOf(`Features of ${nameOf(data, place)}`, names, rows);
}

/** The pictures that the page has of a patient, copied. @param {string} patient */
function picturesOf(patient) {
  for (const album of document.querySelectorAll(".album[data-patient]")) {
    if (!(album instanceof HTMLElement) || album.dataset.patient !== patient) continue;
    const strip = album.querySelector(".strip");
    if (!strip) continue;
    const copy = /** @type {Element} */ (strip.cloneNode(true));
    copy.querySelectorAll("img").forEach((image) => { image.loading = "eager"; });
    return copy;
  }
  return null;
}

/** @param {PatientData} data @param {number} place */
function factsOf(data, place) {
  const own = data.probabilities[place];
  const list = element("dl", { class: "facts" });
  const add = (/** @type {string} */ name, /** @type {string} */ text) =>
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  add("Outcome", data.groups[Number(data.outcomes[place])]);
  add("Set", data.training[place] === "1" ? "training (the model has seen it)" : "testing");
  add(`Probability of ${data.groups[1]}`, fixed(own, 3));
  add("Cut-off", fixed(data.cutoff, 3));
  return list;
}

/** @param {PatientData} data @param {number} place */
function describe(data, place) {
  /** @type {Node[]} */
  const parts = [element("h4", {}, nameOf(data, place)), factsOf(data, place), amongTraining(data, place)];
  if (data.why) parts.push(element("p", { class: "absent" }, data.why));
  if (data.hundredths) parts.push(contributionBars(data, place));
  if (data.features.length) {
    parts.push(featureTable(data, place), element("p", { class: "footnote" },
      "Values to three significant digits, contributions to two decimals: rounded ones may not sum to the last digit."));
  }
  const pictures = picturesOf(data.patients[place]);
  if (pictures) parts.push(element("h5", {}, "Images with contours"), pictures);
  return parts;
}

/** Make the part with the patient picker. */
export function startPatients() {
  const part = interactivePart("patients");
  if (!part) return;
  const data = /** @type {PatientData} */ (part.data);
  const names = data.patients.map((_, place) => nameOf(data, place));
  const field = element("input", { type: "search", list: "patient-names", id: "patient-field", autocomplete: "off" });
  const list = element("datalist", { id: "patient-names" }, ...names.map((name) => element("option", { value: name })));
  const status = element("span", { role: "status" });
  const shown = element("div", { class: "patient" });
  const show = (/** @type {number} */ place) => {
    shown.replaceChildren(...describe(data, place));
    field.value = names[place];
    status.textContent = `${place + 1} of ${names.length}: ${names[place]}`;
  };
  let at = 0;
  const step = (/** @type {number} */ by) => { at = (at + by + names.length) % names.length; show(at); };
  const choose = () => {
    const wanted = field.value.trim().toLowerCase();
    if (!wanted) return;
    const exact = names.findIndex((name) => name.toLowerCase() === wanted);
    const hits = names.flatMap((name, place) => (name.toLowerCase().includes(wanted) ? [place] : []));
    if (exact < 0 && hits.length !== 1) {
      status.textContent = hits.length ? `${hits.length} match` : `No ${data.case} of that name`;
      return;
    }
    at = exact < 0 ? hits[0] : exact;
    if (field.value !== names[at] || !shown.firstChild || shown.dataset.place !== String(at)) show(at);
    shown.dataset.place = String(at);
  };
  field.addEventListener("change", choose);
  field.addEventListener("input", () => { if (names.includes(field.value)) choose(); });
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  const button = (/** @type {string} */ text, /** @type {number} */ by) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", () => step(by));
    return made;
  };
  part.stage.append(element("div", { class: "control" }, element("label", { for: "patient-field" }, `Choose a ${data.case}`),
    field, list, button("Previous", -1), button("Next", 1), status), shown);
  show(0);
  status.textContent = "";
}

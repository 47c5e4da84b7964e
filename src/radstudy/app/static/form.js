// The form of a case: the codebook's items, the likelihood, comments, and what is said of each sequence.

import {
  answered, labelOf, LONGEST_TEXT, parsedNumber, problemsOf, problemsOfSequences, QUALITIES, rangeWords, shortNumber, unsaid,
} from "./answers.js";
import { freshId, labelled, mark, pressButton, question, radios } from "./fields.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {import("./answers.js").FormItem} FormItem */
/** @typedef {import("./answers.js").Values} Values */
/** @typedef {import("./answers.js").PerSequence} PerSequence */
/** @typedef {import("./answers.js").Problem} Problem */

/**
 * @typedef {object} FormOptions
 * @property {FormItem[]} items
 * @property {string[]} sequences of which something is said; none: the section is left out
 * @property {boolean} sequencesRequired
 * @property {Values} values
 * @property {PerSequence} perSequence
 * @property {() => void} onChange
 */

/** @typedef {{box: HTMLElement, problem: HTMLElement, show: () => void}} Control */

export class Form {
  /** What stands in the fields of numbers, also where it is not a number. @type {Record<string, string>} */
  typed = {};
  /** Whether what is missing is marked: not before the reader first tries to finish. */
  checked = false;
  /** @type {Map<string, Control>} */
  controls = new Map();
  /** @type {Map<string, Control>} */
  sequenceControls = new Map();
  /** What the server found besides. @type {Problem[]} */
  told = [];
  /** Names what is missing; it belongs where it is always seen. */
  summary = element("div", "form-summary");

  /** @param {FormOptions} options */
  constructor(options) {
    this.options = options;
    this.values = { ...options.values };
    this.perSequence = structuredClone(options.perSequence);
    this.root = element("div", "form");
    this.count = this.root.appendChild(element("p", "form-count"));
    for (const item of options.items.filter(({ kind }) => kind !== "text")) this.#add(item);
    if (options.sequences.length) this.root.appendChild(this.#sequences());
    for (const item of options.items.filter(({ kind }) => kind === "text")) this.#add(item);
    this.summary.setAttribute("role", "alert");
    this.show();
  }

  /** All answers, as they are saved. */
  get answers() {
    return { values: { ...this.values }, per_sequence: structuredClone(this.perSequence) };
  }

  /** @param {{values: Values, per_sequence: PerSequence}} answers shown instead of the present ones */
  load({ values, per_sequence: perSequence }) {
    this.values = { ...values };
    this.perSequence = structuredClone(perSequence);
    this.typed = {};
    this.show();
  }

  /** Nothing can be changed any more but comments. */
  freeze() {
    const frozen = this.options.items.filter(({ kind }) => kind !== "text");
    for (const { name } of frozen) this.controls.get(name)?.box.setAttribute("disabled", "");
  }

  /** What is missing or wrong, in the form's order. */
  problems() {
    const { items, sequences, sequencesRequired } = this.options;
    return [...problemsOf(items, this.values, this.typed), ...problemsOfSequences(sequences, this.perSequence, sequencesRequired)];
  }

  /**
   * Whether the form is complete; if not, what is missing is marked and named, and the first of it gets the focus.
   * @param {Problem[]} [told] what the server found
   */
  check(told = []) {
    this.checked = true;
    this.told = told;
    this.#showProblems();
    const all = [...this.problems(), ...told];
    if (all.length) this.go(all[0]);
    return all.length === 0;
  }

  /**
   * Goes to where a problem is.
   * @param {{item: string, sequence: string}} where
   */
  go({ item, sequence }) {
    const control = this.controls.get(item) ?? this.sequenceControls.get(sequence);
    if (!control) return this.summary.scrollIntoView({ block: "nearest" });
    control.box.closest("details")?.setAttribute("open", "");
    const inputs = /** @type {HTMLInputElement[]} */ ([...control.box.querySelectorAll("input, textarea")]);
    const wanted = inputs.find((input) => input.type !== "radio" || !isAnswered(input, inputs)) ?? inputs[0];
    wanted?.focus({ preventScroll: true });
    control.box.scrollIntoView({ block: "center" });
  }

  /** Shows the answers. */
  show() {
    for (const control of [...this.controls.values(), ...this.sequenceControls.values()]) control.show();
    this.#showProblems();
  }

  #changed() {
    this.told = [];
    this.#showProblems();
    this.options.onChange();
  }

  #showProblems() {
    const { done, total } = answered(this.options.items, this.values);
    this.count.textContent = total ? text("form.count", { done, total }) : "";
    this.count.hidden = total === 0;
    const problems = this.checked ? [...this.problems(), ...this.told] : this.#alreadyWrong();
    const wordsOf = (/** @type {"item" | "sequence"} */ key, /** @type {string} */ name) =>
      problems.filter((one) => one[key] === name).map(({ words }) => words).join("; ");
    for (const [name, control] of this.controls) mark(control, wordsOf("item", name));
    for (const [name, control] of this.sequenceControls) mark(control, wordsOf("sequence", name));
    this.#summarise(this.checked ? problems : []);
  }

  /** A number that cannot be is said at once; what is only missing is not. */
  #alreadyWrong() {
    return this.problems().filter(({ item }) => item && (this.values[item] !== undefined || this.typed[item]?.trim()));
  }

  /** @param {Problem[]} problems */
  #summarise(problems) {
    const shown = problems.map(({ item, sequence, words }) => `${item}|${sequence}|${words}`).join("\n");
    if (shown === this.summary.dataset.shown) return; // or a screen reader reads it out at every key
    this.summary.dataset.shown = shown;
    this.summary.hidden = problems.length === 0;
    this.summary.replaceChildren();
    if (!problems.length) return;
    this.summary.appendChild(element("h3", "", text("form.missing", { n: problems.length })));
    const list = this.summary.appendChild(element("ul"));
    for (const problem of problems) {
      const item = this.options.items.find(({ name }) => name === problem.item);
      const where = item ? labelOf(item) : problem.sequence;
      const link = list.appendChild(element("li")).appendChild(pressButton(where || problem.words, () => this.go(problem), "link"));
      link.title = problem.words;
    }
  }

  /** @param {FormItem} item */
  #add(item) {
    const make = { level: levelControl, number: numberControl, likelihood: likelihoodControl, text: textControl }[item.kind];
    const control = make(item, this, (value) => {
      if (value === null || value === "") delete this.values[item.name];
      else this.values[item.name] = value;
      this.#changed();
    });
    control.box.dataset.item = item.name;
    this.controls.set(item.name, control);
    this.root.appendChild(control.box);
  }

  #sequences() {
    const { sequences, sequencesRequired } = this.options;
    const section = element("details", "sequence-answers");
    section.open = sequencesRequired || Object.keys(this.perSequence).length > 0;
    const title = sequencesRequired ? "form.sequences" : "form.sequences_optional";
    section.appendChild(element("summary", "", text(title)));
    section.appendChild(element("p", "definition", text("form.quality_scale")));
    for (const name of sequences) {
      const read = () => this.perSequence[name] ?? unsaid();
      const control = sequenceControl(name, () => (this.perSequence[name] ??= unsaid()), read, () => this.#changed());
      this.sequenceControls.set(name, control);
      section.appendChild(control.box);
    }
    return section;
  }
}

/**
 * Whether a radio button belongs to a question that has an answer.
 * @param {HTMLInputElement} input
 * @param {HTMLInputElement[]} inputs
 */
function isAnswered(input, inputs) {
  return inputs.some((other) => other.name === input.name && other.checked);
}

/** @typedef {(value: string | number | null) => void} Set */

/**
 * @param {FormItem} item
 * @param {Form} form
 * @param {Set} set
 * @returns {Control}
 */
function levelControl(item, form, set) {
  const asked = question(labelOf(item), item.definition);
  const options = item.levels.map((level) => ({ value: level, words: level }));
  const whole = item.not_assessable ? [...options, { value: item.not_assessable, words: item.not_assessable, quiet: true }] : options;
  const choice = radios(whole, set);
  asked.body.appendChild(choice.box);
  return { ...asked, show: () => choice.show(/** @type {string} */ (form.values[item.name])) };
}

/**
 * A number is typed: arrows and the wheel must not change it by accident.
 * @param {FormItem} item
 * @param {Form} form
 * @param {Set} set
 * @returns {Control}
 */
function numberControl(item, form, set) {
  const asked = question(labelOf(item), item.definition);
  const row = asked.body.appendChild(element("div", "row"));
  const input = row.appendChild(element("input", "typed-number"));
  input.type = "text";
  input.inputMode = "decimal";
  input.autocomplete = "off";
  input.setAttribute("aria-label", [labelOf(item), item.unit].filter(Boolean).join(", "));
  if (item.unit) row.appendChild(element("span", "unit", item.unit));
  const range = rangeWords(item);
  if (range) row.appendChild(element("span", "quiet", range));
  const unknown = item.not_assessable ? row.appendChild(checkbox(item.not_assessable)) : null;
  input.addEventListener("input", () => {
    form.typed[item.name] = input.value;
    if (unknown) unknown.input.checked = false;
    set(parsedNumber(input.value));
  });
  unknown?.input.addEventListener("change", () => {
    form.typed[item.name] = input.value = "";
    set(unknown.input.checked ? item.not_assessable : null);
  });
  const show = () => {
    const value = form.values[item.name];
    if (document.activeElement !== input) input.value = typeof value === "number" ? shortNumber(value) : form.typed[item.name] ?? "";
    if (unknown) unknown.input.checked = value === item.not_assessable;
  };
  return { ...asked, show };
}

/** @param {string} words */
function checkbox(words) {
  const box = element("label", "radio quiet");
  const input = box.appendChild(element("input"));
  input.type = "checkbox";
  box.appendChild(element("span", "", words));
  return Object.assign(box, { input });
}

/**
 * A slider that says nothing until it is moved: a middle that nobody chose would be an answer.
 * @param {FormItem} item
 * @param {Form} form
 * @param {Set} set
 * @returns {Control}
 */
function likelihoodControl(item, form, set) {
  const asked = question(labelOf(item), item.definition || text("form.likelihood_scale"));
  const row = asked.body.appendChild(element("div", "row"));
  const slider = row.appendChild(element("input", "likelihood"));
  slider.type = "range";
  [slider.min, slider.max, slider.step] = ["0", "100", "1"];
  slider.setAttribute("aria-label", labelOf(item));
  const input = row.appendChild(element("input", "typed-number"));
  input.type = "text";
  input.inputMode = "numeric";
  input.autocomplete = "off";
  input.placeholder = "–";
  input.setAttribute("aria-label", text("form.likelihood_number"));
  row.appendChild(element("span", "unit", "%"));
  const show = () => {
    const value = form.values[item.name];
    const isSet = typeof value === "number";
    slider.classList.toggle("unset", !isSet);
    if (Number(slider.value) !== (isSet ? value : 50)) slider.value = String(isSet ? value : 50);
    slider.setAttribute("aria-valuetext", isSet ? `${value} %` : text("form.not_set"));
    if (document.activeElement !== input) input.value = isSet ? shortNumber(value) : form.typed[item.name] ?? "";
  };
  const choose = () => {
    form.typed[item.name] = "";
    set(Number(slider.value));
    show();
  };
  slider.addEventListener("input", choose);
  slider.addEventListener("click", choose); // the middle, where nothing moves
  slider.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") choose();
  });
  input.addEventListener("input", () => {
    form.typed[item.name] = input.value;
    set(parsedNumber(input.value));
    show();
  });
  return { ...asked, show };
}

/**
 * @param {FormItem} item
 * @param {Form} form
 * @param {Set} set
 * @returns {Control}
 */
function textControl(item, form, set) {
  const asked = question(labelOf(item), item.definition);
  const area = asked.body.appendChild(element("textarea"));
  area.rows = 3;
  area.maxLength = LONGEST_TEXT;
  area.setAttribute("aria-label", labelOf(item));
  area.addEventListener("input", () => set(area.value));
  const show = () => {
    if (document.activeElement !== area) area.value = String(form.values[item.name] ?? "");
  };
  return { ...asked, show };
}

/**
 * Whether a sequence can be judged, why not, whether the lesion is seen on it, and how good the image is.
 * @param {string} name
 * @param {() => import("./answers.js").SequenceAnswer} written the answer, made if there is none
 * @param {() => import("./answers.js").SequenceAnswer} read
 * @param {() => void} changed
 * @returns {Control}
 */
function sequenceControl(name, written, read, changed) {
  const asked = question(name);
  const yesNo = [{ value: true, words: text("form.yes") }, { value: false, words: text("form.no") }];
  const row = (/** @type {string} */ label, /** @type {{box: HTMLElement}} */ choice) => {
    const line = asked.body.appendChild(element("div", "row line"));
    const words = line.appendChild(element("span", "line-label", label));
    words.id = freshId();
    choice.box.setAttribute("role", "radiogroup");
    choice.box.setAttribute("aria-labelledby", words.id);
    line.appendChild(choice.box);
    return line;
  };
  const change = (/** @type {Partial<import("./answers.js").SequenceAnswer>} */ what) => {
    Object.assign(written(), what);
    show();
    changed();
  };
  const evaluable = radios(yesNo, (value) => change({ evaluable: value, ...(value ? { reason: "" } : { visible: null }) }));
  row(text("form.evaluable"), evaluable);
  const reason = element("input", "reason");
  reason.type = "text";
  reason.maxLength = LONGEST_TEXT;
  reason.addEventListener("input", () => change({ reason: reason.value }));
  const why = asked.body.appendChild(labelled(text("form.reason"), reason, "row line"));
  const visible = radios(yesNo, (value) => change({ visible: value }));
  const seen = row(text("form.visible"), visible);
  const quality = radios(QUALITIES.map((value) => ({ value, words: String(value) })), (value) => change({ quality: value }));
  row(text("form.quality"), quality);
  const show = () => {
    const answer = read();
    evaluable.show(answer.evaluable);
    visible.show(answer.visible);
    quality.show(answer.quality);
    why.hidden = answer.evaluable !== false;
    seen.hidden = answer.evaluable === false;
    if (document.activeElement !== reason) reason.value = answer.reason;
  };
  return { ...asked, show };
}

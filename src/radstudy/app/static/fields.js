// Fields with their labels, buttons and tables of the pages around the viewer. All texts are set as text, never as markup.

import { element } from "./toolbar.js";

let ids = 0;

/** An id that no other element has, for labels and descriptions. */
export function freshId() {
  return `field-${++ids}`;
}

/**
 * A button.
 * @param {string} words
 * @param {() => unknown} act
 * @param {string} [name] class
 */
export function pressButton(words, act, name = "") {
  const node = element("button", name, words);
  node.type = "button";
  node.addEventListener("click", () => void act());
  return node;
}

/** A field for a line of text that goes into the audit. */
export function lineField() {
  const field = element("input");
  field.type = "text";
  field.maxLength = 2000;
  return field;
}

/**
 * The line that was typed; without one the field is focused, and that is said.
 * @param {HTMLInputElement} field
 * @param {string} missing what to say
 */
export function lineIn(field, missing) {
  const line = field.value.trim();
  if (line.length >= 3) return line;
  field.focus();
  throw new Error(missing);
}

/**
 * A question with several controls: a fieldset whose legend is the label, with a definition and a place for what is wrong.
 * @param {string} label
 * @param {string} [definition]
 */
export function question(label, definition = "") {
  const box = element("fieldset", "question");
  box.appendChild(element("legend", "", label));
  const described = [];
  if (definition) {
    const words = box.appendChild(element("p", "definition", definition));
    words.id = freshId();
    described.push(words.id);
  }
  const body = box.appendChild(element("div", "question-body"));
  const problem = box.appendChild(element("p", "problem"));
  problem.id = freshId();
  problem.hidden = true;
  box.setAttribute("aria-describedby", [...described, problem.id].join(" "));
  return { box, body, problem };
}

/**
 * Says what is wrong with a question, or that nothing is ("").
 * @param {{box: HTMLElement, problem: HTMLElement}} asked
 * @param {string} words
 */
export function mark({ box, problem }, words) {
  box.classList.toggle("wrong", words !== "");
  problem.textContent = words;
  problem.hidden = words === "";
  for (const control of box.querySelectorAll("input, textarea")) {
    if (words) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
}

/**
 * Radio buttons of which at most one is chosen; none at first.
 * @template {string | number | boolean} V
 * @param {readonly {value: V, words: string, quiet?: boolean}[]} options
 * @param {(value: V) => void} chosen
 */
export function radios(options, chosen) {
  const box = element("div", "radios");
  const group = freshId();
  const inputs = options.map(({ value, words, quiet }) => {
    const label = box.appendChild(element("label", quiet ? "radio quiet" : "radio"));
    const input = label.appendChild(element("input"));
    input.type = "radio";
    input.name = group;
    label.appendChild(element("span", "", words));
    input.addEventListener("change", () => chosen(value));
    return { input, value };
  });
  return {
    box,
    /** @param {V | null | undefined} value */
    show(value) {
      for (const one of inputs) one.input.checked = one.value === value;
    },
  };
}

/**
 * A labelled control: the label stands before it.
 * @template {HTMLElement} T
 * @param {string} label
 * @param {T} control
 * @param {string} [name] class of the box
 */
export function labelled(label, control, name = "field") {
  const box = element("div", name);
  control.id ||= freshId();
  box.appendChild(element("label", "", label)).htmlFor = control.id;
  box.appendChild(control);
  return box;
}

/**
 * A list to choose from.
 * @param {readonly {value: string, words: string}[]} options
 * @param {(value: string) => void} [chosen]
 */
export function selection(options, chosen = () => {}) {
  const node = element("select");
  node.append(...options.map(({ value, words }) => new Option(words, value)));
  node.addEventListener("change", () => chosen(node.value));
  return node;
}

/**
 * A table. Cells are texts, numbers (set to the right) or elements.
 * @param {string} caption
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number | Node | null)[])[]} rows
 */
export function table(caption, head, rows) {
  const scroller = element("div", "scroller");
  const node = scroller.appendChild(element("table"));
  node.appendChild(element("caption", "", caption));
  const top = node.appendChild(element("thead")).appendChild(element("tr"));
  for (const words of head) {
    const cell = top.appendChild(element("th", "", words));
    cell.scope = "col";
  }
  const body = node.appendChild(element("tbody"));
  for (const row of rows) {
    const line = body.appendChild(element("tr"));
    row.forEach((content, column) => {
      const cell = line.appendChild(element(column === 0 ? "th" : "td", typeof content === "number" ? "figure" : ""));
      if (column === 0) cell.setAttribute("scope", "row");
      cell.append(content instanceof Node ? content : String(content ?? "–"));
    });
  }
  return scroller;
}

/**
 * How far something is, as a bar with its words.
 * @param {number} part
 * @param {number} whole
 * @param {string} words
 */
export function progressBar(part, whole, words) {
  const box = element("div", "progress");
  const bar = box.appendChild(element("progress"));
  bar.max = Math.max(whole, 1);
  bar.value = part;
  bar.setAttribute("aria-label", words);
  box.appendChild(element("span", "", words));
  return box;
}

/**
 * A question to the user over the page; resolves with the button that was pressed, "" for Escape.
 * @template {string} V
 * @param {string} title
 * @param {string | Node} content
 * @param {readonly {value: V, words: string, primary?: boolean}[]} buttons
 * @returns {Promise<V | "">}
 */
export function ask(title, content, buttons) {
  const dialog = document.body.appendChild(element("dialog", "sheet"));
  const heading = dialog.appendChild(element("h2", "", title));
  heading.id = freshId();
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(typeof content === "string" ? element("p", "", content) : content);
  const row = dialog.appendChild(element("div", "row"));
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // keys of the viewer beneath
  const answer = new Promise((/** @type {(value: V | "") => void} */ resolve) => {
    for (const { value, words, primary } of buttons) {
      row.appendChild(pressButton(words, () => dialog.close(value), primary ? "primary" : ""));
    }
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(/** @type {V | ""} */ (dialog.returnValue));
    });
  });
  dialog.showModal();
  return answer;
}

// Elements of the page, and the data that the page holds for its interactive parts.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children; a text is a text, never markup.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * An element of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * The place of an interactive part and its data; null if the page has none.
 * @param {string} name
 * @returns {{stage: HTMLElement, data: any} | null}
 */
export function interactivePart(name) {
  const stage = document.querySelector(`[data-interactive="${name}"]`);
  const data = document.getElementById(`data-${name}`);
  if (!(stage instanceof HTMLElement) || !data) return null;
  return { stage, data: JSON.parse(data.textContent ?? "null") };
}

/**
 * A number with a fixed number of decimals and a true minus sign; a missing one as a dash.
 * @param {number | null} value
 * @param {number} digits
 */
export function fixed(value, digits) {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/**
 * A table with one header row; the first cell of each row is its heading.
 * @param {string} caption
 * @param {string[]} names
 * @param {string[][]} rows
 */
export function tableOf(caption, names, rows) {
  const head = names.map((name, place) => element("th", { scope: "col", class: place ? "number" : "" }, name));
  const body = rows.map((row) => element("tr", {}, ...row.map((text, place) =>
    place ? element("td", { class: "number" }, text) : element("th", { scope: "row" }, text))));
  const table = element("table", { class: "plain" }, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);
}

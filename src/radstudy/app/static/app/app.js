// What every page of the study lead uses: requests, dialogs, words explained, times, and commands that go on.

import { setStrings, text } from "../strings.js";
import { element } from "../toolbar.js";

export { element, text };

/** @typedef {Record<string, any>} Json */

setStrings(JSON.parse(document.getElementById("texts")?.textContent ?? "{}"));

/** The id of the page's study; "" on the list of studies. */
export const STUDY = document.getElementById("main")?.dataset.study ?? "";

/** The server refused, or did not answer (status 0). */
export class AppError extends Error {
  /**
   * @param {number} status
   * @param {Json} body
   */
  constructor(status, body) {
    super(typeof body.error === "string" ? body.error : text("app.silent"));
    this.status = status;
    this.body = body;
  }
}

/**
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<Json>}
 */
async function request(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new AppError(0, {});
  }
  const body = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : {};
  if (!answer.ok) throw new AppError(answer.status, body);
  return body;
}

/**
 * Ask the server.
 * @param {string} address
 * @param {Record<string, string>} [query]
 */
export function get(address, query) {
  return request(query ? `${address}?${new URLSearchParams(query)}` : address);
}

/**
 * Have the server do something.
 * @param {string} address
 * @param {Json} [body]
 */
export function post(address, body = {}) {
  return request(address, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
}

/**
 * The address of a question or deed of the page's study.
 * @param {string} word of the page
 * @param {string} name
 */
export function api(word, name) {
  return `/api/study/${STUDY}/${word}/${name}`;
}

/**
 * A short message below the page, read out by screen readers. Errors stay until they are closed.
 * @param {string} words
 * @param {"good" | "bad"} [kind]
 */
export function say(words, kind = "good") {
  let place = document.querySelector(".said");
  if (!place) {
    place = document.body.appendChild(element("div", "said"));
    place.setAttribute("role", "status");
  }
  const note = place.appendChild(element("div", `notice ${kind}`));
  note.appendChild(element("span", "", words));
  const close = note.appendChild(element("button", "quiet", text("app.close")));
  close.addEventListener("click", () => note.remove());
  if (kind === "good") setTimeout(() => note.remove(), 6000);
}

/** @param {unknown} error */
export function sayError(error) {
  say(error instanceof Error ? error.message : String(error), "bad");
}

/**
 * Do something once at a time for a button; what goes wrong is said.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<unknown>} act
 */
export function onPress(button, act) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await act();
    } catch (error) {
      sayError(error);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

/**
 * A dialog; resolves to true if it was confirmed.
 * @param {string} title
 * @param {HTMLElement} content
 * @param {string} confirm words on the button
 * @param {(() => Promise<void>)} [act] done before it closes; what goes wrong is shown in it
 * @returns {Promise<boolean>}
 */
export function dialog(title, content, confirm, act) {
  const sheet = document.body.appendChild(element("dialog", "sheet"));
  const form = sheet.appendChild(element("form"));
  const head = form.appendChild(element("h2", "", title));
  head.id = "dialog-title";
  sheet.setAttribute("aria-labelledby", head.id);
  form.appendChild(content);
  const problem = form.appendChild(element("p", "problem"));
  problem.setAttribute("role", "alert");
  const row = form.appendChild(element("div", "row end"));
  const cancel = row.appendChild(element("button", "", text("app.cancel")));
  cancel.type = "button";
  const button = row.appendChild(element("button", "primary", confirm));
  button.type = "submit";
  return new Promise((resolve) => {
    let confirmed = false;
    cancel.addEventListener("click", () => sheet.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      problem.textContent = "";
      try {
        await act?.();
        confirmed = true;
        sheet.close();
      } catch (error) {
        problem.textContent = error instanceof Error ? error.message : String(error);
      } finally {
        button.disabled = false;
      }
    });
    sheet.addEventListener("close", () => {
      sheet.remove();
      resolve(confirmed);
    });
    sheet.showModal();
  });
}

let fields = 0;

/**
 * A label above its control.
 * @template {HTMLElement} T
 * @param {string} label
 * @param {T} control
 * @param {string} [help]
 */
export function labelled(label, control, help = "") {
  const box = element("div", "field");
  control.id ||= `f${++fields}`;
  const words = box.appendChild(element("label", "", label));
  words.htmlFor = control.id;
  box.appendChild(control);
  if (help) {
    const note = box.appendChild(element("p", "note", help));
    note.id = `${control.id}-help`;
    control.setAttribute("aria-describedby", note.id);
  }
  return box;
}

/**
 * Choose a folder, or a file, of the server's computer.
 * @param {string} title
 * @param {{files?: boolean, start?: string}} [options]
 * @returns {Promise<string>} its path; "" if none was chosen
 */
export async function choosePlace(title, { files = false, start = "" } = {}) {
  const box = element("div", "places");
  const field = element("input");
  field.type = "text";
  field.spellcheck = false;
  box.appendChild(labelled(text(files ? "app.path_file" : "app.path_folder"), field));
  const list = box.appendChild(element("ul", "place-list"));
  list.setAttribute("aria-label", text("app.places"));
  const count = box.appendChild(element("p", "note"));
  /** @param {string} path */
  const show = async (path) => {
    const here = await get("/api/places", files ? { path, files: "1" } : { path });
    field.value = here.path;
    list.replaceChildren();
    /** @type {[string, string, boolean][]} */
    const entries = here.parent ? [[text("app.up"), here.parent, true]] : [];
    const join = here.path.endsWith("/") || here.path.endsWith("\\") ? here.path : here.path + (here.path.includes("\\") ? "\\" : "/");
    for (const name of here.folders) entries.push([name, join + name, true]);
    for (const name of here.files) entries.push([name, join + name, false]);
    for (const [name, path, folder] of entries) {
      const button = list.appendChild(element("li")).appendChild(element("button", folder ? "place folder" : "place", name));
      button.type = "button";
      button.addEventListener("click", () => {
        if (folder) show(path).then(() => list.querySelector("button")?.focus(), sayError);
        else field.value = path;
      });
    }
    count.textContent = text("app.entries", { n: here.entries });
  };
  field.addEventListener("change", () => void show(field.value).catch(() => {}));
  await show(start).catch(() => show(""));
  let chosen = "";
  await dialog(title, box, text("app.choose"), async () => {
    chosen = field.value.trim();
  });
  return chosen;
}

/**
 * Lines under a heading; nothing if there are none.
 * @param {HTMLElement} place
 * @param {string} title
 * @param {string[]} lines
 */
export function listed(place, title, lines) {
  if (!lines.length) return;
  place.appendChild(element("h3", "", title));
  const list = place.appendChild(element("ul", "listed"));
  list.tabIndex = 0;
  list.setAttribute("aria-label", title);
  for (const line of lines) list.appendChild(element("li", "", line));
}

/**
 * A day and time as people write it.
 * @param {Date} date
 */
export function moment(date) {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(date);
}

/** Fill in what only the browser knows (the time zone), words that are explained, and buttons that copy. */
export function dress(root = document) {
  for (const node of root.querySelectorAll("[data-when]")) {
    node.textContent = moment(new Date(Number(/** @type {HTMLElement} */ (node).dataset.when) * 1000));
  }
  for (const node of root.querySelectorAll("[data-iso]")) {
    node.textContent = moment(new Date(/** @type {HTMLElement} */ (node).dataset.iso ?? ""));
  }
  for (const node of root.querySelectorAll("button.copy")) {
    node.addEventListener("click", async () => {
      await navigator.clipboard.writeText(/** @type {HTMLElement} */ (node).dataset.copy ?? "").catch(sayError);
      say(text("app.copied"));
    });
  }
  for (const node of root.querySelectorAll("button.term")) explain(/** @type {HTMLElement} */ (node));
}

/** @param {HTMLElement} term */
function explain(term) {
  const bubble = element("span", "bubble", term.dataset.means ?? "");
  bubble.id = `term${++fields}`;
  bubble.setAttribute("role", "tooltip");
  bubble.hidden = true;
  term.after(bubble);
  term.setAttribute("aria-describedby", bubble.id);
  const show = () => (bubble.hidden = false);
  const hide = () => (bubble.hidden = true);
  for (const kind of ["pointerenter", "focus", "click"]) term.addEventListener(kind, show);
  for (const kind of ["pointerleave", "blur"]) term.addEventListener(kind, hide);
  term.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

dress();

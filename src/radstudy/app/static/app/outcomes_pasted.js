// Outcomes pasted by hospital number. The numbers stay in this page's field: they are sent to be matched, and never kept.

import { api, dialog, element, labelled, listed, onPress, post, say, text } from "./app.js";

/** @typedef {import("./app.js").Json} Json */

/**
 * Ask for outcomes, show how they match, and have them written.
 * @param {string} version of the table
 * @param {Json} found
 * @param {() => Promise<void>} written
 */
export async function askOutcomes(version, found, written) {
  const box = element("div");
  box.appendChild(element("p", "", text(found.has_key ? "cohort.outcomes.what" : "cohort.outcomes.what_table")));
  const rows = element("textarea");
  rows.rows = 6;
  rows.spellcheck = false;
  rows.autocomplete = "off";
  const file = element("input");
  file.type = "file";
  file.accept = ".csv,.txt,.tsv,.xlsx";
  const heading = element("select");
  for (const value of ["auto", "yes", "no"]) heading.add(new Option(text(`cohort.outcomes.heading_is.${value}`), value));
  const check = element("button", "", text("cohort.outcomes.check"));
  check.type = "button";
  const result = element("div", "match");
  result.setAttribute("aria-live", "polite");
  box.append(labelled(text("cohort.outcomes.rows"), rows), labelled(text("cohort.outcomes.file"), file), labelled(text("cohort.outcomes.heading"), heading), check, result);
  /** @type {Record<string, string>} */
  const meanings = {};
  const body = async () => ({ text: rows.value, file: file.files?.length ? await encoded(file.files[0]) : "", heading: heading.value, meanings });
  let may = false;
  const match = async () => {
    may = false;
    result.replaceChildren();
    const answer = await post(api("cohort", "match"), await body());
    may = answer.may;
    show(result, answer, meanings, match);
  };
  for (const field of [rows, file, heading]) {
    field.addEventListener("input", () => {
      may = false;
      result.replaceChildren();
    });
  }
  onPress(check, match);
  await dialog(text("cohort.outcomes.title"), box, text("cohort.outcomes.write"), async () => {
    if (!may) await match();
    if (!may) throw new Error(result.querySelector("h3, p")?.textContent ?? "");
    const { cells } = await post(api("cohort", "outcomes"), { version, ...(await body()) });
    say(text("cohort.outcomes.wrote", { n: cells }));
    await written();
  });
  rows.value = "";
}

/** @param {File} file */
async function encoded(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let written = "";
  for (let at = 0; at < bytes.length; at += 8192) written += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(written);
}

/**
 * @param {HTMLElement} place
 * @param {Json} answer
 * @param {Record<string, string>} meanings
 * @param {() => Promise<void>} again
 */
function show(place, answer, meanings, again) {
  const add = (/** @type {string} */ words, name = "") => place.appendChild(element("p", name, words));
  if (answer.values.length) {
    place.appendChild(element("h3", "", text("cohort.outcomes.meanings")));
    for (const [value, n] of answer.values) {
      const choice = element("select");
      for (const one of ["", ...answer.choices]) choice.add(new Option(one, one));
      choice.addEventListener("change", () => {
        meanings[value] = choice.value;
        if (choice.value) void again();
      });
      place.appendChild(labelled(text("cohort.outcomes.meaning", { value, n }), choice));
    }
  }
  if (answer.has_heading) add(text("cohort.outcomes.took_heading"), "note");
  add(text("cohort.outcomes.matched", { n: answer.matched, rows: answer.rows, new: answer.new, same: answer.same }));
  if (!answer.new && !answer.replaced.length && answer.matched) add(text("cohort.outcomes.nothing_new"), "note");
  if (answer.without.length) add(text("cohort.outcomes.without", { n: answer.without.length }), "note");
  listed(place, text("cohort.outcomes.differing"), answer.differing.map((/** @type {any} */ [patient, [one, other]]) => text("cohort.outcomes.pair", { patient, one, other })));
  listed(place, text("cohort.outcomes.replaced", { n: answer.replaced.length }), answer.replaced.map((/** @type {any} */ one) => text("cohort.outcomes.change", one)));
  listed(place, text("cohort.outcomes.unmatched", { n: answer.unmatched.length }), answer.unmatched.map((/** @type {any} */ [row, why]) => text("cohort.outcomes.row", { row, why: text(`cohort.outcomes.why.${why}`) })));
}

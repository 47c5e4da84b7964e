// The codebook beside the table, and columns that could join it.

import { api, dialog, element, labelled, onPress, post, say, STUDY, text } from "./app.js";

/** @typedef {import("./app.js").Json} Json */

/**
 * @param {HTMLElement} place
 * @param {Json} found
 * @param {() => Promise<boolean>} settled saves the table first
 * @param {() => void} written
 */
export function codebook(place, found, settled, written) {
  place.replaceChildren();
  place.appendChild(element("h2", "", text("cohort.book.title")));
  const words = place.appendChild(element("p", "note", `${text("cohort.book.what")} `));
  const link = words.appendChild(element("a", "", text("cohort.book.change")));
  link.href = `/study/${STUDY}/protocol`;
  if (!found.codebook.length) place.appendChild(element("p", "", text("cohort.book.none")));
  else place.appendChild(variables(found.codebook));
  if (!found.proposals.length) return;
  place.appendChild(element("h3", "", text("cohort.book.others")));
  place.appendChild(element("p", "note", text("cohort.book.others_what")));
  const list = place.appendChild(element("ul", "proposals"));
  for (const one of found.proposals) {
    const item = list.appendChild(element("li"));
    item.appendChild(element("strong", "", one.column));
    item.appendChild(element("span", "note", kindOf(one)));
    const add = item.appendChild(element("button", "", text("cohort.book.add")));
    add.type = "button";
    add.setAttribute("aria-label", text("cohort.book.add_title", { name: one.column }));
    onPress(add, async () => {
      if ((await settled()) && (await ask(found, one))) written();
    });
  }
}

/** @param {Json[]} entries */
function variables(entries) {
  const scroller = element("div", "scroller tall");
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "region");
  scroller.setAttribute("aria-label", text("cohort.book.title"));
  const table = scroller.appendChild(element("table"));
  const head = table.appendChild(element("thead")).appendChild(element("tr"));
  for (const name of ["name", "label", "type", "values"]) {
    const cell = head.appendChild(element("th", "", text(`cohort.book.column.${name}`)));
    cell.scope = "col";
  }
  const body = table.appendChild(element("tbody"));
  for (const one of entries) {
    const row = body.appendChild(element("tr"));
    const name = row.appendChild(element("th", "", one.column === one.name ? one.name : `${one.name} (${one.column})`));
    name.scope = "row";
    row.appendChild(element("td", "", one.label));
    row.appendChild(element("td", "", text(one.levels ? "cohort.book.levels" : "cohort.book.number")));
    const range = one.range ? text("cohort.range", { low: one.range[0], high: one.range[1], unit: one.unit }) : one.unit;
    row.appendChild(element("td", "", one.levels ? one.levels.join(" · ") : range));
  }
  return scroller;
}

/** @param {Json} one */
function kindOf(one) {
  if (!one.different) return text("cohort.book.empty");
  if (one.kind === "number") return text("cohort.book.numbers", { low: one.smallest, high: one.largest });
  return one.kind === "levels" ? one.levels.join(" · ") : text("cohort.book.texts", { n: one.different });
}

/**
 * @param {Json} found
 * @param {Json} one
 */
function ask(found, one) {
  const box = element("div");
  const type = element("select");
  for (const kind of ["number", "levels"]) type.add(new Option(text(`cohort.book.${kind}`), kind));
  type.value = one.kind === "number" ? "number" : "levels";
  const [label, unit, low, high] = [element("input"), element("input"), element("input"), element("input")];
  for (const field of [label, unit, low, high]) field.type = "text";
  for (const field of [low, high]) field.inputMode = "decimal";
  const levels = element("textarea");
  levels.rows = Math.max(3, one.levels.length + 1);
  levels.value = one.levels.join("\n");
  const shown = element("select");
  for (const table of ["clinical", "imaging"]) shown.add(new Option(text(`cohort.book.shown_in.${table}`), table));
  box.appendChild(labelled(text("cohort.book.type"), type));
  box.appendChild(labelled(text("cohort.book.label"), label));
  const numeric = box.appendChild(element("div"));
  numeric.append(labelled(text("cohort.book.unit"), unit, text("cohort.book.unit_help")), labelled(text("cohort.book.low"), low), labelled(text("cohort.book.high"), high));
  const ordered = box.appendChild(labelled(text("cohort.book.order"), levels));
  box.appendChild(labelled(text("cohort.book.shown"), shown));
  const turn = () => {
    numeric.hidden = type.value !== "number";
    ordered.hidden = type.value === "number";
  };
  type.addEventListener("change", turn);
  turn();
  return dialog(text("cohort.book.add_title", { name: one.column }), box, text("cohort.book.write"), async () => {
    const isNumber = type.value === "number";
    const limits = [low.value, high.value].map((value) => value.trim().replace(",", "."));
    const answer = await post(api("cohort", "variable"), {
      version: found.study, column: one.column, label: label.value.trim(), table: shown.value,
      unit: isNumber ? unit.value.trim() : "",
      levels: isNumber ? null : levels.value.split("\n").map((line) => line.trim()).filter(Boolean),
      range: isNumber && limits.some(Boolean) ? limits.map(Number) : null,
    });
    say(text("cohort.book.wrote", { line: answer.changes[0]?.line ?? "" }));
  });
}

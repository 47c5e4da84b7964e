// Taking in masks that were drawn elsewhere, as a reader's.

import { labelled, pressButton, selection } from "./fields.js";
import { attempt, outcome, section } from "./lead.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** Ends of file names that the server takes, the longer ones first. */
const SUFFIXES = [".nii.gz", ".seg.nrrd", ".nii", ".nrrd", ".mha", ".dcm"];

/**
 * The end of a file's name that says its kind, or null.
 * @param {string} name
 */
export function suffixOf(name) {
  return SUFFIXES.find((suffix) => name.toLowerCase().endsWith(suffix)) ?? null;
}

/** @param {import("./lead.js").Lead} lead */
export function showTakeIn({ api, progress }) {
  const node = section(text("lead.takein"));
  node.appendChild(element("p", "definition", text("lead.takein_why")));
  const { lesions } = progress;
  const readers = [...new Set(progress.readers.filter(({ task }) => task === "masks").map(({ reader }) => reader))];
  if (!lesions.length || !readers.length) {
    node.appendChild(element("p", "quiet", text("lead.no_lesions")));
    return node;
  }
  const who = selection(readers.map((reader) => ({ value: reader, words: reader })));
  const sequence = element("select");
  const fill = () => sequence.replaceChildren(...lesions[Number(which.value)].sequences.map((name) => new Option(name, name)));
  const which = selection(lesions.map(({ patient, lesion }, n) => ({ value: String(n), words: `${patient} · ${lesion}` })), fill);
  fill();
  const file = element("input");
  file.type = "file";
  file.accept = SUFFIXES.map((suffix) => suffix.slice(suffix.lastIndexOf("."))).join(",");
  const place = outcome();
  const act = () => attempt(place, async () => {
    const chosen = file.files?.[0];
    if (!chosen) throw new Error(text("lead.no_file"));
    const suffix = suffixOf(chosen.name);
    if (!suffix) throw new Error(text("lead.wrong_file", { name: chosen.name, suffixes: SUFFIXES.join(", ") }));
    const { patient, lesion } = lesions[Number(which.value)];
    const query = new URLSearchParams({ reader: who.value, patient, lesion, sequence: sequence.value, suffix });
    const { voxels } = await api.sendFile(`/api/lead/takein?${query}`, chosen);
    file.value = "";
    return text("lead.taken_in", { patient, sequence: sequence.value, reader: who.value, voxels: voxels ?? "–" });
  });
  node.append(labelled(text("lead.reader"), who), labelled(text("lead.lesion"), which), labelled(text("lead.sequence"), sequence));
  node.append(labelled(text("lead.file"), file));
  const row = node.appendChild(element("div", "row"));
  row.append(pressButton(text("lead.takein_button"), act), place);
  return node;
}

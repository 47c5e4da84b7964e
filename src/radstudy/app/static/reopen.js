// The lead opens a closed case again, or has a lesion drawn anew on an image that was replaced; reasons go into the audit.

import { labelled, lineField, lineIn, pressButton, selection } from "./fields.js";
import { say } from "./frame.js";
import { attempt, outcome, section } from "./lead.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {import("./lead.js").Lead} Lead */
/** @typedef {import("./lead.js").LeadCase} LeadCase */

/** @param {LeadCase} one */
function caseWords({ reader, task, patient, lesion, repeat }) {
  return [patient, lesion, text(`pages.task.${task}`), reader, ...(repeat ? [text("lead.repeat")] : [])].join(" · ");
}

/**
 * Opening a closed case again.
 * @param {Lead} lead
 */
export function reopenSection({ api, progress, reload }) {
  const node = section(text("lead.reopen"));
  const closed = progress.cases.filter(({ status }) => status === "closed");
  node.appendChild(element("p", "definition", text("lead.reopen_why")));
  if (!closed.length) {
    node.appendChild(element("p", "quiet", text("lead.nothing_closed")));
    return node;
  }
  const which = selection(closed.map((one, n) => ({ value: String(n), words: caseWords(one) })));
  const why = lineField();
  const place = outcome();
  const act = () => attempt(place, async () => {
    const reason = lineIn(why, text("lead.reason_missing"));
    const { reader, task, patient, lesion, repeat } = closed[Number(which.value)];
    await api.post("/api/lead/reopen", { reader, task, patient, lesion, repeat, reason });
    say(text("lead.reopened", { patient, reader }));
    await reload();
    return "";
  });
  node.append(labelled(text("lead.case"), which), labelled(text("lead.reason"), why));
  const row = node.appendChild(element("div", "row"));
  row.append(pressButton(text("lead.reopen_button"), act), place);
  return node;
}

/**
 * A lesion whose image was replaced since it was drawn.
 * @param {Lead} lead
 */
export function anewSection({ api, progress, reload }) {
  const node = section(text("lead.anew"));
  node.appendChild(element("p", "definition", text("lead.anew_why")));
  const drawn = progress.cases.filter(({ task }) => task === "masks");
  if (!drawn.length) {
    node.appendChild(element("p", "quiet", text("lead.nothing_drawn")));
    return node;
  }
  const sequence = element("select");
  const fill = () => {
    const { patient, lesion } = drawn[Number(which.value)];
    const own = progress.lesions.find((one) => one.patient === patient && one.lesion === lesion);
    sequence.replaceChildren(...(own?.sequences ?? []).map((name) => new Option(name, name)));
  };
  const which = selection(drawn.map((one, n) => ({ value: String(n), words: caseWords(one) })), fill);
  fill();
  const why = lineField();
  const place = outcome();
  const act = () => attempt(place, async () => {
    const reason = lineIn(why, text("lead.reason_missing"));
    const { reader, patient, lesion, repeat } = drawn[Number(which.value)];
    await api.post("/api/lead/anew", { reader, patient, lesion, sequence: sequence.value, repeat, reason });
    say(text("lead.anew_done", { patient, sequence: sequence.value, reader }));
    await reload();
    return "";
  });
  node.append(labelled(text("lead.case"), which), labelled(text("lead.sequence"), sequence), labelled(text("lead.reason"), why));
  const row = node.appendChild(element("div", "row"));
  row.append(pressButton(text("lead.anew_button"), act), place);
  return node;
}

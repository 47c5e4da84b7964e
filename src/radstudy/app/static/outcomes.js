// The lead notes that a reader has learned outcomes: the methods name the reader.

import { ask, labelled, lineField, lineIn, pressButton, selection } from "./fields.js";
import { day, say } from "./frame.js";
import { attempt, outcome, section } from "./lead.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/**
 * @param {import("./lead.js").Lead} lead
 */
export function openedSection({ api, progress, reload }) {
  const node = section(text("lead.opened"));
  node.appendChild(element("p", "definition", text("lead.opened_why")));
  const readers = new Map(progress.readers.map(({ reader, outcomes_opened: since }) => [reader, since]));
  for (const [reader, since] of readers) {
    if (since) node.appendChild(element("p", "", text("lead.opened_since", { reader, day: day(since) })));
  }
  const options = [...readers].filter(([, since]) => !since).map(([reader]) => ({ value: reader, words: reader }));
  if (!options.length) return node;
  const who = selection(options);
  const what = lineField();
  const place = outcome();
  const act = () => attempt(place, async () => {
    const [reader, detail] = [who.value, lineIn(what, text("lead.opened_missing"))];
    const sure = await ask(text("lead.opened_sure", { reader }), text("lead.opened_why"), [
      { value: "note", words: text("lead.opened_button"), primary: true }, { value: "", words: text("form.back") },
    ]);
    if (sure !== "note") return "";
    await api.post("/api/lead/opened", { reader, detail });
    say(text("lead.opened_done", { reader }));
    await reload();
    return "";
  });
  node.append(labelled(text("lead.reader"), who), labelled(text("lead.opened_what"), what));
  const row = node.appendChild(element("div", "row"));
  row.append(pressButton(text("lead.opened_button"), act), place);
  return node;
}

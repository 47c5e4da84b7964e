// A command that goes on: progress, time left, memory, what it prints, and how to stop it.

import { element, post, say, sayError, STUDY, text } from "./app.js";

/** @typedef {import("./app.js").Json} Json */

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 90) return text("app.seconds", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return text("app.minutes", { n: Math.round(seconds / 60) });
  return text("app.hours", { n: (seconds / 3600).toFixed(1) });
}

/**
 * Watch a command in a panel until it ends.
 * @param {HTMLElement} panel
 * @param {string} id of the command
 * @param {(job: Json) => void} [ended] called once it has ended
 */
export function watch(panel, id, ended = () => {}) {
  const parts = build(panel, id);
  const events = new EventSource(`/api/study/${STUDY}/jobs/${id}/events`);
  events.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    show(parts, job);
    if (!["running", "stopping"].includes(job.state)) {
      events.close();
      ended(job);
    }
  });
  events.addEventListener("error", () => {
    const closed = events.readyState === EventSource.CLOSED; // refused: this page's session ended with the server
    parts.state.textContent = text(closed ? "app.entered_anew" : "app.connecting");
  });
  return () => events.close();
}

/**
 * @param {HTMLElement} panel
 * @param {string} id
 */
function build(panel, id) {
  panel.replaceChildren();
  panel.dataset.job = id;
  const head = panel.appendChild(element("div", "job-head"));
  const state = head.appendChild(element("strong", "job-state"));
  const facts = head.appendChild(element("span", "note"));
  const stop = head.appendChild(element("button", "", text("app.stop")));
  stop.type = "button";
  const what = panel.appendChild(element("p", "job-what"));
  const meter = panel.appendChild(element("progress"));
  meter.setAttribute("aria-label", text("app.progress"));
  const command = panel.appendChild(element("div", "command"));
  command.appendChild(element("span", "command-label", text("app.same_command")));
  const line = command.appendChild(element("code"));
  const more = panel.appendChild(element("details", "job-output"));
  more.appendChild(element("summary", "", text("app.output")));
  const output = more.appendChild(element("pre"));
  output.tabIndex = 0;
  stop.addEventListener("click", async () => {
    const kill = stop.dataset.kill === "1";
    try {
      await post(`/api/study/${STUDY}/jobs/${id}/${kill ? "kill" : "stop"}`);
      if (!kill) say(text("app.stop_asked"));
    } catch (error) {
      sayError(error);
    }
  });
  return { panel, state, facts, stop, what, meter, line, more, output };
}

/**
 * @param {ReturnType<typeof build>} parts
 * @param {Json} job
 */
function show(parts, job) {
  const over = !["running", "stopping"].includes(job.state);
  parts.panel.className = `card job job-${job.state}`;
  parts.state.textContent = text(`app.job.${job.state}`);
  const from = new Date(job.started);
  const to = job.ended ? new Date(job.ended) : new Date();
  const facts = [text(over ? "app.took" : "app.so_far", { time: duration((to.getTime() - from.getTime()) / 1000) })];
  if (job.memory_mb) facts.push(text("app.memory", { mb: Math.round(job.memory_mb) }));
  parts.facts.textContent = facts.join(" · ");
  parts.line.textContent = job.command;
  const { what, done, total, left_s: left } = job.progress;
  parts.meter.hidden = over;
  if (total) {
    parts.meter.max = total;
    parts.meter.value = done;
  } else {
    parts.meter.removeAttribute("value");
  }
  const lines = job.output.trimEnd().split("\n");
  const last = lines[lines.length - 1] ?? "";
  if (over) parts.what.textContent = job.state === "done" ? "" : problem(job, lines);
  else if (total && done < total) {
    const ahead = left === null || left === undefined ? "" : text("app.left", { time: duration(left) });
    parts.what.textContent = text("app.doing", { what, done, total, left: ahead });
  } else parts.what.textContent = last;
  parts.stop.hidden = over;
  parts.stop.dataset.kill = job.state === "stopping" ? "1" : "";
  parts.stop.textContent = text(job.state === "stopping" ? "app.kill" : "app.stop");
  const atEnd = parts.output.scrollTop + parts.output.clientHeight >= parts.output.scrollHeight - 4;
  parts.output.textContent = job.output;
  if (atEnd) parts.output.scrollTop = parts.output.scrollHeight;
}

/**
 * The message with which a command ended: from its own name on.
 * @param {Json} job
 * @param {string[]} lines
 */
function problem(job, lines) {
  if (job.state === "lost") return text("app.lost");
  if (job.state === "ended") return text("app.was_ended");
  const begin = lines.findLastIndex((line) => line.startsWith("radstudy: "));
  return begin < 0 ? text("app.exit_code", { code: job.exit_code }) : lines.slice(begin).join("\n").replace(/^radstudy: /, "");
}

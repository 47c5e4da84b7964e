// The form beside the viewer: saves by itself, locks the first answers, then shows what the study computed or others said.

import { ApiError } from "./api.js";
import { serverProblems, valueWords } from "./answers.js";
import { showOthers } from "./arbitration.js";
import { AnswerSaver, browserAnswers, sameAnswers } from "./autosave.js";
import { CurvePanel } from "./curvepanel.js";
import { ask, pressButton } from "./fields.js";
import { Form } from "./form.js";
import { reason } from "./frame.js";
import { text } from "./strings.js";
import { element } from "./toolbar.js";

/** @typedef {import("./answers.js").FormItem} FormItem */
/** @typedef {import("./answers.js").Values} Values */
/** @typedef {import("./answers.js").PerSequence} PerSequence */
/** @typedef {import("./caseroom.js").CaseRoom} CaseRoom */

/**
 * What the case document has for the form.
 * @typedef {object} FormDocument
 * @property {string} id
 * @property {string} task
 * @property {string} status
 * @property {{name: string}[]} sequences
 * @property {{revision: number, values: Values}} answers
 * @property {PerSequence} per_sequence
 * @property {FormItem[]} form
 * @property {boolean} [locked] the first answers are locked
 * @property {boolean} [frozen] nothing but comments can be changed; false once the lead has opened the case again
 * @property {{values: Values} | null} [first] the first locked answers
 * @property {Record<string, unknown>} [hidden] what the study computed, once locked
 * @property {{values: Values}[]} [others] arbitration, once locked
 */
/** What locking answers, and the document of a locked case has. @typedef {Pick<FormDocument, "frozen" | "first" | "hidden" | "others">} Locked */

export class CaseForm {
  root = element("div", "case-form");
  saved = pressButton("", () => this.saver.retry(), "saved");
  /** Says in which stage the case is. */
  stage = element("p", "stage-note");
  actions = element("div", "form-actions");

  /**
   * @param {CaseRoom} room
   * @param {FormDocument} doc
   * @param {string} study
   */
  constructor(room, doc, study) {
    this.room = room;
    this.doc = doc;
    this.locked = Boolean(doc.locked);
    const answers = { values: doc.answers?.values ?? {}, per_sequence: doc.per_sequence ?? {} };
    this.form = new Form({
      items: doc.form ?? [],
      sequences: doc.task === "arbitration" ? [] : doc.sequences.map(({ name }) => name),
      sequencesRequired: doc.task === "masks",
      values: answers.values,
      perSequence: answers.per_sequence,
      onChange: () => this.saver.change(this.form.answers),
    });
    this.store = browserAnswers(`${study}/${doc.task}/${doc.id}`);
    this.saver = this.#saver(doc.answers?.revision ?? 0);
    this.#head();
    this.foot = element("div", "form-foot");
    this.root.append(this.form.root, this.foot);
    this.curve = room.hasCurve && doc.task !== "masks" ? new CurvePanel(room) : null;
    if (this.curve) this.foot.appendChild(this.curve.root);
    this.foot.append(this.form.summary, this.actions);
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.#showActions();
    if (this.locked) this.#secondStage(doc);
    if (room.readOnly) this.#readOnly();
    else this.#recover({ ...answers, revision: this.saver.revision });
  }

  /** Everything is complete and stored, so that the case may be closed; else says what is missing. */
  async readyToClose() {
    if (!this.form.check()) return false;
    return this.stored();
  }

  /** Whether all answers are stored; if not, says so. */
  async stored() {
    const stored = await this.saver.flush();
    if (!stored) this.room.notice(text("form.leave_unsaved"));
    return stored;
  }

  /** @param {import("./answers.js").Missing[]} missing what the server says */
  missing(missing) {
    this.form.check(serverProblems(missing));
  }

  /** The keyboard goes to the form: to the first item without an answer. */
  focus() {
    const problem = this.form.problems()[0];
    if (problem) this.form.go(problem);
    else /** @type {HTMLElement | null} */ (this.root.querySelector("button, input, textarea"))?.focus();
  }

  /** Whether closing means locking first. */
  get locksFirst() {
    return this.doc.task !== "masks" && !this.locked;
  }

  /** Locks the first answers, after a last question; then shows what was hidden. */
  async lock() {
    if (!this.form.check()) return;
    const button = this.actions.querySelector("button");
    const sure = await ask(text("form.lock"), text(`form.lock_why.${this.doc.task}`), [
      { value: "lock", words: text("form.lock"), primary: true }, { value: "", words: text("form.back") },
    ]);
    if (sure !== "lock" || !(await this.stored())) return void button?.focus();
    try {
      const answer = /** @type {Locked} */ (await this.room.api.post(`${this.room.address}/lock`));
      this.locked = true;
      this.#secondStage(answer);
      this.#showActions();
      this.stage.scrollIntoView({ block: "nearest" });
      this.stage.focus();
    } catch (error) {
      const problems = error instanceof ApiError ? serverProblems(error.body.missing ?? []) : [];
      if (problems.length) this.form.check(problems);
      else this.room.notice(text("form.lock_failed", { why: reason(error) }), [[text("room.understood"), () => {}]]);
    }
  }

  /** This tab no longer has the case. */
  end() {
    this.saver.stop();
    this.curve?.end();
    this.#readOnly();
  }

  #head() {
    const head = this.root.appendChild(element("div", "form-head"));
    head.appendChild(element("h2", "", text(`form.title.${this.doc.task}`)));
    head.appendChild(this.saved);
    this.root.appendChild(this.stage);
    this.stage.tabIndex = -1;
    this.stage.hidden = true;
    this.#showSaved("saved", null);
  }

  #showActions() {
    this.actions.replaceChildren();
    if (this.room.readOnly || this.doc.task === "masks") return; // masks are closed where they are drawn
    const [words, act] = this.locksFirst
      ? [text("form.lock"), () => this.lock()]
      : [text(this.doc.task === "arbitration" ? "form.close_final" : "room.close"), () => this.room.close()];
    this.actions.appendChild(pressButton(words, act, "primary"));
    const key = this.locksFirst ? `form.lock_note.${this.doc.task}` : `form.close_note.${this.doc.task}`;
    this.actions.appendChild(element("p", "definition", text(key)));
  }

  /** @param {Locked} shown */
  #secondStage({ frozen, first, hidden = {}, others = [] }) {
    if (frozen) this.form.freeze();
    const own = first?.values ?? this.form.values;
    if (Object.keys(hidden).length) this.#showHidden(own, hidden);
    if (others.length === 2) showOthers(this.form, this.doc.form, own, others);
    this.stage.hidden = false;
    const reopened = this.doc.task === "characteristics" && !frozen;
    this.stage.textContent = reopened ? text("form.reopened") : text(`form.locked.${this.doc.task}`);
  }

  /**
   * Computed values beside the reader's own; what the form does not ask stands in a list of its own.
   * @param {Values} own
   * @param {Record<string, unknown>} hidden
   */
  #showHidden(own, hidden) {
    const rest = element("dl", "compared");
    for (const [name, value] of Object.entries(hidden)) {
      const item = this.doc.form.find((one) => one.name === name);
      const before = item ? this.form.controls.get(name)?.box.querySelector(".question-body") : null;
      if (item && before) {
        const row = element("dl", "compared");
        row.append(pair(text("form.own"), valueWords(item, own[name])), pair(text("form.computed"), computedWords(item, value)));
        before.before(row);
      } else {
        const [label, unit] = labelAndUnit(name);
        rest.append(pair(text("form.computed_of", { label }), computedWords({ kind: "number", unit }, value)));
      }
    }
    if (rest.childElementCount) this.stage.after(rest);
  }

  #readOnly() {
    for (const box of this.form.root.querySelectorAll("fieldset")) box.setAttribute("disabled", "");
    this.actions.replaceChildren();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    event.stopPropagation(); // letters typed here are not the viewer's
    if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
  }

  /** @param {number} revision */
  #saver(revision) {
    const { room } = this;
    return new AnswerSaver(revision, {
      save: (answers) => room.api.post(`${room.address}/answers`, { ...answers }),
      load: async () => {
        const doc = await room.api.post(`${room.address}/open`, { take: false });
        return { revision: doc.answers.revision, values: doc.answers.values, per_sequence: doc.per_sequence ?? {} };
      },
    }, this.store, {
      onState: (state, error) => this.#showSaved(state, error),
      onLost: (error) => room.lost(error.message),
      onConflict: (stored) => this.#conflict(stored),
      onRefused: (error) => room.notice(text("form.refused", { why: error.message }), [[text("room.understood"), () => {}]]),
    });
  }

  /**
   * Answers that an earlier page could not send.
   * @param {import("./autosave.js").Stored} stored
   */
  async #recover(stored) {
    const kept = this.store.get();
    if (!kept) return;
    if (sameAnswers(kept, stored)) return this.store.put(null);
    if (kept.revision !== stored.revision && (await this.#whose()) === "stored") return this.store.put(null);
    this.form.load(kept);
    this.saver.change(this.form.answers);
    this.room.notice(text("form.recovered"));
  }

  /**
   * @param {import("./autosave.js").Stored} stored
   * @returns {Promise<"mine" | "stored">}
   */
  async #conflict(stored) {
    const kept = await this.#whose();
    if (kept === "stored") this.form.load(stored);
    return kept;
  }

  /** @returns {Promise<"mine" | "stored">} */
  async #whose() {
    const answer = await ask(text("form.conflict"), text("form.conflict_why"), [
      { value: "stored", words: text("form.take_stored"), primary: true }, { value: "mine", words: text("form.keep_mine") },
    ]);
    return answer === "mine" ? "mine" : "stored";
  }

  /**
   * @param {import("./api.js").SaveState} state
   * @param {ApiError | null} error
   */
  #showSaved(state, error) {
    this.saved.className = `saved saved-${state}`;
    this.saved.textContent = text(`form.saved.${state}`);
    this.saved.title = error ? (error.refused ? text("room.session_ended") : error.message) : text(`form.saved.${state}_why`);
    this.saved.disabled = state !== "unsaved";
    this.saved.dataset.state = state;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
function pair(name, value) {
  const cell = element("div");
  cell.appendChild(element("dt", "", name));
  cell.appendChild(element("dd", "", value));
  return cell;
}

/**
 * @param {Pick<FormItem, "kind" | "unit">} item
 * @param {unknown} value
 */
function computedWords(item, value) {
  return value === null || value === undefined ? text("form.not_computed") : valueWords(item, value);
}

/**
 * What a column's name says: "volume_cm3" is volume in cm³.
 * @param {string} name
 * @returns {[label: string, unit: string]}
 */
export function labelAndUnit(name) {
  const [, label, unit] = /^(.*?)(?:_(mm|cm|ml)([23])?)?$/.exec(name)?.slice(0, 3) ?? ["", name, ""];
  const power = name.endsWith("3") ? "³" : name.endsWith("2") ? "²" : "";
  const words = label.replaceAll("_", " ");
  return [words.charAt(0).toUpperCase() + words.slice(1), unit ? unit + power : ""];
}

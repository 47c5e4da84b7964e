// Answers on their way to the server: one request at a time, the last state wins, nothing of another tab is overwritten.

import { ApiError } from "./api.js";

/** @typedef {import("./answers.js").Values} Values */
/** @typedef {import("./answers.js").PerSequence} PerSequence */
/** @typedef {{values: Values, per_sequence: PerSequence}} Answers */
/** @typedef {Answers & {revision: number}} Stored */
/** @typedef {import("./api.js").SaveState} SaveState */

/**
 * Where answers are kept until the server has them.
 * @typedef {object} AnswerStore
 * @property {() => (Stored | null)} get
 * @property {(kept: Stored | null) => void} put null: the server has all
 */

/**
 * @typedef {object} SaverEvents
 * @property {(state: SaveState, error: ApiError | null) => void} onState
 * @property {(error: ApiError) => void} onLost this tab no longer holds the case
 * @property {(stored: Stored) => Promise<"mine" | "stored">} onConflict other answers are stored: which ones shall stay
 * @property {(error: ApiError) => void} onRefused the server does not take these answers, and will not
 */

/**
 * @typedef {object} SaverServer
 * @property {(answers: Stored) => Promise<{revision: number}>} save
 * @property {() => Promise<Stored>} load
 */

export const QUIET_MS = 400;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export class AnswerSaver {
  /** @type {Answers | null} */
  #waiting = null;
  /** @type {Promise<void> | null} */
  #running = null;
  /** @type {(() => void) | null} */
  #wake = null;
  /** @type {((saved: boolean) => void)[]} */
  #flushed = [];
  #attempts = 0;
  /** The server does not take the last answers. */
  #refused = false;
  stopped = false;

  /**
   * @param {number} revision that is stored
   * @param {SaverServer} server
   * @param {AnswerStore} store
   * @param {SaverEvents} events
   * @param {(ms: number, waker: (wake: () => void) => void) => Promise<void>} [pause]
   */
  constructor(revision, server, store, events, pause = pauseUntil) {
    this.revision = revision;
    this.server = server;
    this.store = store;
    this.events = events;
    this.pause = pause;
  }

  /** Whether something is not stored yet. */
  get pending() {
    return this.#waiting !== null || this.#running !== null || this.#refused;
  }

  /** @param {Answers} answers the whole form, copied */
  change(answers) {
    if (this.stopped) return;
    this.#refused = false;
    this.#waiting = structuredClone(answers);
    this.store.put({ ...this.#waiting, revision: this.revision });
    if (this.#attempts === 0) this.events.onState("saving", null);
    this.#running ??= this.#run();
  }

  /** Tries again at once. */
  retry() {
    this.#wake?.();
  }

  /** True once all is stored; false if it cannot be stored now. */
  flush() {
    if (!this.pending) return Promise.resolve(true);
    if (this.stopped || this.#refused) return Promise.resolve(false);
    return new Promise((/** @type {(saved: boolean) => void} */ resolve) => {
      this.#flushed.push(resolve);
      this.retry();
    });
  }

  /** Nothing is sent any more. */
  stop() {
    this.stopped = true;
    this.retry();
    this.#settle(false);
  }

  async #run() {
    if (!this.#flushed.length) await this.pause(QUIET_MS, (wake) => (this.#wake = wake));
    while (this.#waiting && !this.stopped) {
      const sent = this.#waiting;
      this.#waiting = null;
      await this.#send(sent);
    }
    this.#running = null;
    if (this.stopped || this.#refused) return;
    this.store.put(null);
    this.events.onState("saved", null);
    this.#settle(true);
  }

  /** @param {Answers} sent */
  async #send(sent) {
    try {
      this.revision = (await this.server.save({ ...sent, revision: this.revision })).revision;
      this.#attempts = 0;
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError(0, { error: String(cause) });
      if (error.passes || error.refused) await this.#wait(sent, error);
      else if (error.body.held || error.body.taken || error.status === 404) this.#lose(error);
      else if (error.status === 409 && typeof error.body.revision === "number") await this.#conflict(sent);
      else this.#refuse(error);
    }
  }

  /**
   * @param {Answers} sent
   * @param {ApiError} error
   */
  async #wait(sent, error) {
    this.#waiting ??= sent;
    this.events.onState("unsaved", error);
    this.#settle(false);
    const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts++);
    await this.pause(ms, (wake) => (this.#wake = wake));
  }

  /** @param {ApiError} error */
  #lose(error) {
    this.stop();
    this.events.onState("unsaved", error);
    this.events.onLost(error);
  }

  /** @param {ApiError} error */
  #refuse(error) {
    if (this.#waiting) return; // newer answers are sent instead
    this.#refused = true;
    this.events.onState("unsaved", error);
    this.events.onRefused(error);
    this.#settle(false);
  }

  /**
   * The server is further. Where that is what was sent (its answer was lost), all is well.
   * @param {Answers} sent
   */
  async #conflict(sent) {
    try {
      const stored = await this.server.load();
      this.revision = stored.revision;
      if (sameAnswers(stored, sent) || (await this.events.onConflict(stored)) === "stored") return;
      this.#waiting ??= sent;
    } catch (cause) {
      await this.#wait(sent, cause instanceof ApiError ? cause : new ApiError(0, { error: String(cause) }));
    }
  }

  /** @param {boolean} saved */
  #settle(saved) {
    for (const resolve of this.#flushed.splice(0)) resolve(saved);
  }
}

/**
 * Whether two forms say the same, whatever the order of their keys.
 * @param {Answers} a
 * @param {Answers} b
 */
export function sameAnswers(a, b) {
  return sorted([a.values, a.per_sequence]) === sorted([b.values, b.per_sequence]);
}

/** @param {unknown} content */
function sorted(content) {
  return JSON.stringify(content, (_, value) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== "").sort(([x], [y]) => (x < y ? -1 : 1)))
      : value);
}

/**
 * Kept in the browser, so that a crash of it loses nothing; in memory where it keeps nothing.
 * @param {string} key of the case
 * @returns {AnswerStore}
 */
export function browserAnswers(key) {
  const name = `radstudy-answers/${key}`;
  return {
    get() {
      try {
        return JSON.parse(localStorage.getItem(name) ?? "null");
      } catch {
        return null;
      }
    },
    put(kept) {
      try {
        if (kept) localStorage.setItem(name, JSON.stringify(kept));
        else localStorage.removeItem(name);
      } catch (error) {
        console.warn("Not kept in the browser", error);
      }
    },
  };
}

/**
 * @param {number} ms
 * @param {(wake: () => void) => void} waker
 * @returns {Promise<void>}
 */
function pauseUntil(ms, waker) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    waker(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

// Talking to the server: requests, and the queue that keeps each stroke until the server has stored it.

/** @typedef {import("./runs.js").Run} Run */
/**
 * One change of a mask, as the server stores it.
 * @typedef {object} Stroke
 * @property {string} sequence
 * @property {number} revision strokes of this mask before it
 * @property {string} tool
 * @property {Run[]} runs
 * @property {Record<string, unknown>} view display settings
 */
/** @typedef {"saved" | "saving" | "unsaved"} SaveState */

/** The server's answer was an error. `status` 0: there was no answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   */
  constructor(status, body) {
    super(typeof body.error === "string" ? body.error : `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may succeed later. */
  get passes() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** Whether the session has ended or may not do this. */
  get refused() {
    return this.status === 401 || this.status === 403;
  }
}

const TIMEOUT_MS = 20_000;
const VOLUME_TIMEOUT_MS = 300_000;

/** Requests of one tab. */
export class Api {
  /**
   * @param {string} tab
   * @param {typeof fetch} [fetcher]
   */
  constructor(tab, fetcher = (...request) => fetch(...request)) {
    this.tab = tab;
    this.fetcher = fetcher;
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async get(path) {
    return (await this.#request(path, {}, TIMEOUT_MS)).json();
  }

  /**
   * @param {string} path
   * @param {Record<string, unknown>} [body] `tab` is added
   * @returns {Promise<any>}
   */
  async post(path, body = {}) {
    const headers = { "Content-Type": "application/json" };
    const sent = JSON.stringify({ tab: this.tab, ...body });
    return (await this.#request(path, { method: "POST", headers, body: sent }, TIMEOUT_MS)).json();
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async delete(path) {
    return (await this.#request(path, { method: "DELETE" }, TIMEOUT_MS)).json();
  }

  /**
   * Sends a file as it is.
   * @param {string} path
   * @param {Blob} file
   * @returns {Promise<any>}
   */
  async sendFile(path, file) {
    const headers = { "Content-Type": "application/octet-stream" };
    return (await this.#request(path, { method: "POST", headers, body: file }, VOLUME_TIMEOUT_MS)).json();
  }

  /**
   * @param {string} path
   * @returns {Promise<{octets: ArrayBuffer, dtype: string | null}>}
   */
  async octets(path) {
    const response = await this.#request(path, {}, VOLUME_TIMEOUT_MS);
    return { octets: await response.arrayBuffer(), dtype: response.headers.get("X-Dtype") };
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @param {number} timeoutMs
   */
  async #request(path, options, timeoutMs) {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await this.fetcher(path, { credentials: "same-origin", ...options, signal }).catch((cause) => {
      throw new ApiError(0, { error: String(cause) });
    });
    if (response.ok) return response;
    throw new ApiError(response.status, await response.json().catch(() => ({})));
  }
}

/**
 * The address of a case.
 * @param {string} task
 * @param {string} id
 */
export function caseAddress(task, id) {
  return `/api/case/${encodeURIComponent(task)}/${encodeURIComponent(id)}`;
}

const TAB = "radstudy-tab";

/**
 * This tab's name. It outlives a reload, but a duplicated tab gets its own: the name is locked while the tab lives.
 * @returns {Promise<string>}
 */
export async function tabName() {
  const kept = sessionStorage.getItem(TAB);
  if (kept && (await lockedName(kept))) return kept;
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(12)), (octet) => octet.toString(16).padStart(2, "0")).join("");
  await lockedName(fresh);
  sessionStorage.setItem(TAB, fresh);
  return fresh;
}

/**
 * @param {string} name
 * @returns {Promise<boolean>} whether no other tab holds it; false where locks are unknown
 */
async function lockedName(name) {
  if (!navigator.locks) return false;
  return new Promise((resolve) => {
    navigator.locks.request(`${TAB}-${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => {}) : undefined; // held until the tab ends
    });
  });
}

/**
 * Where strokes are kept until the server has them.
 * @typedef {object} StrokeStore
 * @property {(key: string, stroke: Stroke) => Promise<void>} put
 * @property {(key: string) => Promise<void>} remove
 * @property {(prefix: string) => Promise<[string, Stroke][]>} list in the order of their keys
 */

/**
 * The store in the browser's own database, which outlives a crash of it.
 * @returns {Promise<StrokeStore>}
 */
export async function browserStore() {
  const open = indexedDB.open("radstudy", 1);
  open.onupgradeneeded = () => open.result.createObjectStore("strokes");
  const database = await settled(open);
  const strokes = (/** @type {IDBTransactionMode} */ mode) =>
    database.transaction("strokes", mode, { durability: "strict" }).objectStore("strokes");
  return {
    put: async (key, stroke) => void (await settled(strokes("readwrite").put(stroke, key))),
    remove: async (key) => void (await settled(strokes("readwrite").delete(key))),
    list: async (prefix) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      const store = strokes("readonly");
      const [keys, values] = await Promise.all([settled(store.getAllKeys(range)), settled(store.getAll(range))]);
      return keys.map((key, n) => [String(key), values[n]]);
    },
  };
}

/**
 * A store that ends with the page, where the browser allows no database.
 * @returns {StrokeStore}
 */
export function passingStore() {
  /** @type {Map<string, Stroke>} */
  const kept = new Map();
  return {
    put: async (key, stroke) => void kept.set(key, stroke),
    remove: async (key) => void kept.delete(key),
    list: async (prefix) => [...kept].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * What the queue tells and asks.
 * @typedef {object} QueueEvents
 * @property {(state: SaveState, waiting: number, error: ApiError | null) => void} onState
 * @property {(strokes: Stroke[], error: ApiError) => Promise<"stored" | "refused">} onConflict the first stroke met 409 or cannot
 *   be stored at all: "stored" if the server has it already, "refused" if the strokes of this mask were taken out of the queue
 * @property {(error: ApiError) => void} onLost this tab no longer holds the case
 */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Strokes on their way to the server, in order, one at a time, each until it is acknowledged. */
export class StrokeQueue {
  /** @type {Stroke[]} */
  waiting = [];
  /** @type {SaveState} */
  state = "saved";
  attempts = 0;
  stopped = false;
  #running = false;
  /** @type {(() => void) | null} */
  #wake = null;
  /** @type {((saved: boolean) => void)[]} */
  #flushed = [];

  /**
   * @param {string} prefix of the case in the store
   * @param {(stroke: Stroke) => Promise<unknown>} send
   * @param {StrokeStore} store
   * @param {QueueEvents} events
   * @param {(ms: number, wake: (wake: () => void) => void) => Promise<void>} [pause]
   */
  constructor(prefix, send, store, events, pause = pauseUntil) {
    this.prefix = prefix;
    this.send = send;
    this.store = store;
    this.events = events;
    this.pause = pause;
  }

  /** @param {Stroke} stroke */
  key(stroke) {
    return `${this.prefix}/${stroke.sequence}/${String(stroke.revision).padStart(9, "0")}`;
  }

  /** Strokes that an earlier page could not send. */
  async left() {
    return (await this.store.list(`${this.prefix}/`)).map(([, stroke]) => stroke);
  }

  /** @param {Stroke} stroke */
  add(stroke) {
    this.waiting.push(stroke);
    this.store.put(this.key(stroke), stroke).catch((error) => console.error("Not kept in the browser", error));
    this.#tell(this.state === "unsaved" ? "unsaved" : "saving", null);
    this.#run();
  }

  /**
   * Forgets strokes: the server has them, or the reader left them out.
   * @param {Stroke[]} strokes
   */
  forget(strokes) {
    for (const stroke of strokes) this.store.remove(this.key(stroke)).catch((error) => console.error(error));
  }

  /** Tries again at once. */
  retry() {
    this.#wake?.();
  }

  /** Nothing is sent any more: the case was closed, paused or taken over. */
  stop() {
    this.stopped = true;
    this.retry();
    this.#settle(false);
  }

  /** True once all strokes are stored; false if one cannot be stored now. */
  flush() {
    if (!this.waiting.length) return Promise.resolve(true);
    return new Promise((/** @type {(saved: boolean) => void} */ resolve) => {
      this.#flushed.push(resolve);
      this.retry();
    });
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    while (this.waiting.length && !this.stopped) {
      await this.#sendFirst(this.waiting[0]);
    }
    this.#running = false;
    if (!this.stopped) {
      this.#tell("saved", null);
      this.#settle(true);
    }
  }

  /** @param {Stroke} stroke */
  async #sendFirst(stroke) {
    try {
      await this.send(stroke);
      this.#done(stroke);
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError(0, { error: String(cause) });
      if (error.passes || error.refused) await this.#wait(error);
      else if (error.body.held || error.body.taken || error.status === 404) this.#lose(error);
      else await this.#conflict(stroke, error);
    }
  }

  /** @param {Stroke} stroke */
  #done(stroke) {
    this.waiting.shift();
    this.attempts = 0;
    this.forget([stroke]);
    if (this.waiting.length) this.#tell("saving", null);
  }

  /** @param {ApiError} error */
  async #wait(error) {
    this.#tell("unsaved", error);
    this.#settle(false);
    const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempts++);
    await this.pause(ms * (0.8 + 0.4 * Math.random()), (wake) => (this.#wake = wake));
    this.#wake = null;
  }

  /** @param {ApiError} error */
  #lose(error) {
    this.stop();
    this.#tell("unsaved", error);
    this.events.onLost(error);
  }

  /**
   * @param {Stroke} stroke
   * @param {ApiError} error
   */
  async #conflict(stroke, error) {
    const strokes = this.waiting.filter(({ sequence }) => sequence === stroke.sequence);
    const outcome = await this.events.onConflict(strokes, error).catch((cause) => cause);
    if (outcome === "stored") this.#done(stroke);
    else if (outcome === "refused") this.waiting = this.waiting.filter((other) => !strokes.includes(other));
    else await this.#wait(outcome instanceof ApiError ? outcome : error);
  }

  /**
   * @param {SaveState} state
   * @param {ApiError | null} error
   */
  #tell(state, error) {
    this.state = state;
    this.events.onState(state, this.waiting.length, error);
  }

  /** @param {boolean} saved */
  #settle(saved) {
    for (const resolve of this.#flushed.splice(0)) resolve(saved);
  }
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

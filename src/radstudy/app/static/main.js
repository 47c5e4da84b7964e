// The entry of the reading room's pages: who has entered, and which page the address asks for.

import { Api, ApiError, tabName } from "./api.js";
import { placeArrow } from "./arrow.js";
import { CaseRoom } from "./caseroom.js";
import { listen } from "./events.js";
import { reason, say, sign } from "./frame.js";
import { showLead } from "./lead.js";
import { openCase } from "./room.js";
import { addressOf, routeOf } from "./routes.js";
import { setStrings, text } from "./strings.js";
import { showWorklist } from "./worklist.js";

/** @typedef {import("./frame.js").Me} Me */

class Pages {
  /** @type {CaseRoom | null} */
  room = null;
  /** Brings the lead's page up to date. */
  refresh = async () => {};
  /** Counts the pages shown: an answer for an older one is dropped. */
  shown = 0;

  /**
   * @param {HTMLElement} parent
   * @param {Api} api
   * @param {Me} me
   */
  constructor(parent, api, me) {
    this.parent = parent;
    this.api = api;
    this.me = me;
    window.addEventListener("hashchange", () => this.show());
    listen({
      progress: () => this.#progress(),
      taken: ({ task, id, tab }) => this.#taken(task, id, tab),
      bye: () => say(text("pages.bye")),
    });
  }

  /** Shows the page of the address. */
  async show() {
    const turn = ++this.shown;
    await this.#leaveRoom();
    const route = routeOf(location.hash);
    try {
      if (route.page !== "case" && route.page !== "arrow") this.me = await this.api.get("/api/me");
      if (turn === this.shown) await this.#showRoute(route, turn);
    } catch (error) {
      if (turn === this.shown) this.#failed(error);
    }
  }

  /**
   * @param {import("./routes.js").Route} route
   * @param {number} turn
   */
  async #showRoute(route, turn) {
    if (route.page === "case") return this.#case(route.task, route.id, false);
    if (route.page === "worklist") {
      const list = await this.api.get(`/api/worklist/${encodeURIComponent(route.task)}`);
      if (turn !== this.shown) return;
      return showWorklist(this.parent, this.me, route.task, list, (id) => (location.hash = addressOf("case", route.task, id)));
    }
    if (this.me.role === "lead" && route.page === "lead") {
      this.refresh = await showLead(this.parent, this.api, this.me, () => this.show());
      return undefined;
    }
    if (this.me.role === "lead" && route.page === "arrow") {
      return placeArrow(this.parent, this.api, route.patient, route.lesion, () => (location.hash = addressOf("lead")));
    }
    return this.#start();
  }

  /** The first page of who has entered. */
  #start() {
    const open = this.me.tasks.find(({ closed, total }) => closed < total) ?? this.me.tasks[0];
    if (open) location.replace(addressOf("worklist", open.task));
    else if (this.me.role === "lead") location.replace(addressOf("lead"));
    else sign(this.parent, text("pages.no_tasks"), text("pages.no_tasks_why"), []);
  }

  /**
   * @param {string} task
   * @param {string} id
   * @param {boolean} take
   */
  async #case(task, id, take) {
    const back = () => (location.hash = addressOf("worklist", task));
    const turn = this.shown;
    try {
      const doc = await openCase(this.api, task, id, take);
      if (turn !== this.shown) return;
      document.title = `${id} · ${this.me.study}`;
      const study = `${this.me.study}/${this.me.reader}`;
      this.room = new CaseRoom({ parent: this.parent, api: this.api, doc, study, onLeave: (how, answer) => this.#left(how, task, id, answer?.note) });
      await this.room.start();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.body.held) {
        const again = () => this.#case(task, id, true);
        sign(this.parent, text("pages.held"), text("pages.held_why"), [[text("pages.take"), again], [text("pages.back"), back]]);
      } else if (error.refused || error.passes) throw error;
      else sign(this.parent, text("pages.not_opened", { id }), error.message, [[text("pages.back"), back]]);
    }
  }

  /**
   * @param {"closed" | "skipped" | "paused" | "lost"} how
   * @param {string} task
   * @param {string} id
   * @param {string} [note] what the reader should know of the closing
   */
  #left(how, task, id, note = "") {
    this.room = null;
    if (how !== "lost") say([text(`pages.left.${how}`, { id }), note].filter(Boolean).join(" "));
    location.hash = addressOf("worklist", task);
  }

  /** The reader has gone to another address: the case is let go, what is not stored stays in the browser. */
  async #leaveRoom() {
    const { room } = this;
    if (!room) return;
    this.room = null;
    await Promise.all([room.saving.flush(), room.form?.saver.flush()]);
    if (!room.readOnly) await this.api.post(`${room.address}/pause`).catch((error) => console.warn(error));
    room.end();
  }

  /** Elsewhere something was closed or reopened: what is shown of it is fetched again, unless a case is open here. */
  #progress() {
    if (this.room) return;
    const { page } = routeOf(location.hash);
    if (page === "lead") this.refresh().catch((error) => console.warn(error));
    const focused = document.activeElement instanceof Element && document.activeElement.closest("input, select, textarea, dialog");
    if (!focused && page === "worklist") this.show();
  }

  /**
   * @param {string} task
   * @param {string} id
   * @param {string} tab
   */
  #taken(task, id, tab) {
    const { room } = this;
    if (room && room.doc.task === task && room.doc.id === id && tab !== this.api.tab) room.lost("");
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!(error instanceof ApiError)) console.error(error);
    const ended = error instanceof ApiError && error.status === 401;
    const words = ended ? text("pages.ended_why") : reason(error);
    sign(this.parent, text(ended ? "pages.ended" : "pages.failed"), words, [[text("pages.again"), () => this.show()]]);
  }
}

/** Enters, and shows the page. Before the texts are here there is one sentence of our own. */
async function enter() {
  const parent = /** @type {HTMLElement} */ (document.getElementById("page"));
  const api = new Api(await tabName());
  try {
    const me = /** @type {Me} */ (await api.get("/api/me"));
    setStrings(me.strings);
    await new Pages(parent, api, me).show();
  } catch (error) {
    const ended = error instanceof ApiError && error.status === 401;
    const words = ended ? "Open your personal link again." : `The server does not answer. Reload the page. (${reason(error)})`;
    sign(parent, "Reading room", words, [["Reload", () => location.reload()]]);
  }
}

await enter();

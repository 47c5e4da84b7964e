import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiError, passingStore, StrokeQueue } from "../../src/radstudy/app/static/api.js";

const stroke = (revision, sequence = "T2WI") => ({ sequence, revision, tool: "brush", runs: [[revision, 1, 3]], view: {} });

const queueOf = (send, store = passingStore(), conflict = async () => "refused") => {
  const log = { states: [], conflicts: [], lost: [], pauses: [] };
  const events = {
    onState: (state, waiting) => log.states.push(`${state} ${waiting}`),
    onConflict: async (strokes, error) => (log.conflicts.push(strokes.map(({ revision }) => revision)), conflict(strokes, error)),
    onLost: (error) => log.lost.push(error.status),
  };
  const pause = async (ms) => void log.pauses.push(ms);
  return { queue: new StrokeQueue("study/masks/M-1", send, store, events, pause), store, log };
};

test("strokes are sent one at a time, in order, and leave the store when acknowledged", async () => {
  const sent = [];
  let open = 0;
  const { queue, store, log } = queueOf(async ({ revision }) => {
    assert.equal(++open, 1);
    await new Promise((resolve) => setTimeout(resolve, 2));
    sent.push(revision);
    open--;
  });
  for (let n = 0; n < 5; n++) queue.add(stroke(n));
  assert.equal((await queue.left()).length, 5);
  assert.equal(await queue.flush(), true);
  assert.deepEqual(sent, [0, 1, 2, 3, 4]);
  assert.equal((await store.list("study")).length, 0);
  assert.equal(log.states.at(-1), "saved 0");
});

test("without an answer a stroke is sent again, later and later, and stays in the store", async () => {
  let tries = 0;
  const { queue, log } = queueOf(async () => {
    if (++tries < 8) throw new ApiError(tries % 2 ? 0 : 503, {});
  });
  queue.add(stroke(0));
  assert.equal(await queue.flush(), false);
  assert.equal((await queue.left()).length, 1);
  assert.equal(await queue.flush(), false);
  while (queue.waiting.length) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(tries, 8);
  assert.ok(log.states.includes("unsaved 1"));
  assert.ok(log.pauses[0] >= 400 && log.pauses[0] <= 600 && log.pauses[6] >= 8000 && log.pauses[6] <= 12000);
});

test("an ended session keeps the strokes and says that they are not saved", async () => {
  let refuse = true;
  const { queue, log } = queueOf(async () => {
    if (refuse) throw new ApiError(401, {});
  });
  queue.add(stroke(0));
  assert.equal(await queue.flush(), false);
  assert.equal(log.states.at(-1), "unsaved 1");
  refuse = false;
  while (queue.waiting.length) await new Promise((resolve) => setTimeout(resolve, 1));
});

test("a conflict takes out the strokes of this mask alone; they stay in the store until the reader decides", async () => {
  const sent = [];
  const { queue, log } = queueOf(async ({ sequence, revision }) => {
    if (sequence === "T2WI") throw new ApiError(409, { revision: 9 });
    sent.push(revision);
  });
  for (const s of [stroke(0), stroke(0, "DWI"), stroke(1)]) queue.add(s);
  await queue.flush();
  assert.deepEqual(log.conflicts, [[0, 1]]);
  assert.deepEqual(sent, [0]);
  assert.equal((await queue.left()).length, 2);
});

test("a stroke whose acknowledgement was lost counts as stored", async () => {
  const sent = [];
  const { queue, store } = queueOf(async ({ revision }) => {
    sent.push(revision);
    if (revision === 0) throw new ApiError(409, { revision: 1 });
  }, passingStore(), async () => "stored");
  queue.add(stroke(0));
  queue.add(stroke(1));
  assert.equal(await queue.flush(), true);
  assert.deepEqual(sent, [0, 1]);
  assert.equal((await store.list("study")).length, 0);
});

test("a tab that lost its case sends nothing more and keeps its strokes", async () => {
  let sent = 0;
  const { queue, log } = queueOf(async () => {
    sent++;
    throw new ApiError(409, { held: true });
  });
  queue.add(stroke(0));
  queue.add(stroke(1));
  assert.equal(await queue.flush(), false);
  assert.deepEqual([sent, log.lost, (await queue.left()).length], [1, [409], 2]);
});

test("errors of requests carry the server's words; no answer is status 0", async () => {
  const refusing = new Api("tab", async () => new Response('{"error": "Too large"}', { status: 413 }));
  await assert.rejects(refusing.post("/x"), (error) => error.status === 413 && error.message === "Too large" && !error.passes);
  const silent = new Api("tab", async () => Promise.reject(new TypeError("network")));
  await assert.rejects(silent.get("/x"), (error) => error.status === 0 && error.passes);
  let body;
  const heard = new Api("tab-7", async (_, options) => ((body = JSON.parse(options.body)), new Response("{}")));
  await heard.post("/x", { revision: 3 });
  assert.deepEqual(body, { tab: "tab-7", revision: 3 });
});

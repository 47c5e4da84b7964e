import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../src/radstudy/app/static/api.js";
import { AnswerSaver, sameAnswers } from "../../src/radstudy/app/static/autosave.js";

const said = (margin) => ({ values: { margin }, per_sequence: {} });

const saverOf = (save, { load, conflict = "mine" } = {}) => {
  const log = { states: [], lost: [], refused: [], conflicts: [], kept: null, pauses: [] };
  const store = { get: () => log.kept, put: (kept) => void (log.kept = kept) };
  const events = {
    onState: (state) => log.states.push(state),
    onLost: (error) => log.lost.push(error.status),
    onRefused: (error) => log.refused.push(error.status),
    onConflict: async (stored) => (log.conflicts.push(stored.values.margin), conflict),
  };
  const pause = async (ms) => void log.pauses.push(ms);
  return { saver: new AnswerSaver(0, { save, load }, store, events, pause), log };
};

test("only the last of several answers is sent while one is on its way, each with the revision before it", async () => {
  const sent = [];
  const { saver, log } = saverOf(async ({ values, revision }) => {
    sent.push([values.margin, revision]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { revision: revision + 1 };
  });
  saver.change(said("a"));
  await new Promise((resolve) => setTimeout(resolve, 2));
  for (const margin of ["b", "c", "d"]) saver.change(said(margin));
  assert.equal(await saver.flush(), true);
  assert.deepEqual(sent, [["a", 0], ["d", 1]]);
  assert.deepEqual([saver.revision, log.kept, log.states.at(-1)], [2, null, "saved"]);
});

test("without an answer the last state is kept in the browser and sent again; flush says that it is not stored", async () => {
  let down = true;
  const sent = [];
  const { saver, log } = saverOf(async ({ values, revision }) => {
    if (down) throw new ApiError(503, {});
    sent.push(values.margin);
    return { revision: revision + 1 };
  });
  saver.change(said("a"));
  assert.equal(await saver.flush(), false);
  assert.deepEqual([log.states.at(-1), log.kept.values.margin, saver.pending], ["unsaved", "a", true]);
  saver.change(said("b"));
  down = false;
  assert.equal(await saver.flush(), true);
  assert.deepEqual([sent, log.kept, saver.pending], [["b"], null, false]);
});

test("answers whose acknowledgement was lost count as stored, and nobody is asked", async () => {
  const { saver, log } = saverOf(
    async () => { throw new ApiError(409, { revision: 1 }); },
    { load: async () => ({ revision: 1, values: { margin: "a" }, per_sequence: {} }) },
  );
  saver.change(said("a"));
  assert.equal(await saver.flush(), true);
  assert.deepEqual([saver.revision, log.conflicts], [1, []]);
});

for (const [kept, expected] of [["mine", ["a", "a"]], ["stored", ["a"]]]) {
  test(`other answers are overwritten only if the reader says so: ${kept}`, async () => {
    const sent = [];
    const { saver, log } = saverOf(async ({ values, revision }) => {
      sent.push(values.margin);
      if (revision === 0) throw new ApiError(409, { revision: 7 });
      return { revision: revision + 1 };
    }, { load: async () => ({ revision: 7, values: { margin: "other" }, per_sequence: {} }), conflict: kept });
    saver.change(said("a"));
    assert.equal(await saver.flush(), true);
    assert.deepEqual([sent, log.conflicts, saver.revision], [expected, ["other"], kept === "mine" ? 8 : 7]);
  });
}

test("a tab that lost its case sends nothing more and keeps the answers", async () => {
  const { saver, log } = saverOf(async () => { throw new ApiError(409, { held: true }); });
  saver.change(said("a"));
  assert.equal(await saver.flush(), false);
  saver.change(said("b"));
  assert.equal(await saver.flush(), false);
  assert.deepEqual([log.lost, log.kept.values.margin], [[409], "a"]);
});

test("answers that the server will never take are told, not dropped; the next ones are tried", async () => {
  let refuse = true;
  const { saver, log } = saverOf(async ({ revision }) => {
    if (refuse) throw new ApiError(422, {});
    return { revision: revision + 1 };
  });
  saver.change(said("a"));
  assert.equal(await saver.flush(), false);
  assert.equal(await saver.flush(), false);
  assert.deepEqual([log.refused, log.kept.values.margin, log.states.at(-1)], [[422], "a", "unsaved"]);
  refuse = false;
  saver.change(said("b"));
  assert.equal(await saver.flush(), true);
});

test("what is sent is what stood there then, whatever is changed afterwards", async () => {
  const sent = [];
  const answers = said("a");
  const { saver } = saverOf(async ({ values }) => (sent.push(values.margin), { revision: 1 }));
  saver.change(answers);
  answers.values.margin = "changed";
  await saver.flush();
  assert.deepEqual(sent, ["a"]);
});

test("forms say the same whatever the order of keys and whether nothing is written as null or left out", () => {
  const a = { values: { x: 1, y: "b" }, per_sequence: { T: { visible: true, reason: "", quality: null } } };
  const b = { values: { y: "b", x: 1 }, per_sequence: { T: { visible: true } } };
  assert.ok(sameAnswers(a, b));
  assert.ok(!sameAnswers(a, { ...b, values: { x: 1, y: "c" } }));
  assert.ok(!sameAnswers(a, { ...b, per_sequence: { T: { visible: false } } }));
});

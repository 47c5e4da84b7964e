import assert from "node:assert/strict";
import { test } from "node:test";
import { fixed, withInterval } from "../../src/radstudy/app/static/agreement.js";
import { comparison } from "../../src/radstudy/app/static/arbitration.js";
import { labelAndUnit } from "../../src/radstudy/app/static/caseform.js";
import { clock, pointsOf, ticks, timeTicks } from "../../src/radstudy/app/static/curve.js";
import { listen } from "../../src/radstudy/app/static/events.js";
import { addressOf, routeOf } from "../../src/radstudy/app/static/routes.js";
import { setStrings } from "../../src/radstudy/app/static/strings.js";
import { suffixOf } from "../../src/radstudy/app/static/takein.js";
import { countsOf, laterOf } from "../../src/radstudy/app/static/worklist.js";

setStrings({ lead: { to: "to" } });

test("addresses come back as the pages that they stand for, whatever names hold", () => {
  assert.deepEqual(routeOf("#/worklist/masks"), { page: "worklist", task: "masks" });
  assert.deepEqual(routeOf(addressOf("case", "masks", "M-7K/2Q %")), { page: "case", task: "masks", id: "M-7K/2Q %" });
  assert.deepEqual(routeOf(addressOf("lead", "arrow", "0/17", "1")), { page: "arrow", patient: "0/17", lesion: "1" });
  assert.deepEqual(routeOf("#/lead"), { page: "lead" });
  for (const hash of ["", "#", "#/", "#/case/masks", "#/worklist", "#/what/else", "#token", "#/%E0%A4%A"]) {
    assert.deepEqual(routeOf(hash), { page: "start" }, hash);
  }
});

test("practice is counted apart, and cases that open later count as not closed", () => {
  const list = {
    cases: [
      { id: "p", practice: true, status: "closed" }, { id: "a", status: "closed" }, { id: "b", status: "waiting" },
      { id: "c", status: "later", opens: "2027-01-03" },
    ],
    next: "b", later: [{ opens: null, count: 2 }, { opens: "2026-12-28", count: 3 }, { opens: "2027-01-03", count: 1 }],
  };
  assert.deepEqual(countsOf(list), { closed: 1, total: 8, later: 6, practiceClosed: 1, practice: 1 });
  assert.deepEqual(laterOf(list), [{ opens: "2026-12-28", count: 3 }, { opens: "2027-01-03", count: 1 }, { opens: null, count: 2 }]);
  assert.deepEqual(laterOf({ ...list, later: undefined }), [{ opens: "2027-01-03", count: 1 }]);
});

test("the curve keeps the phases that were measured, with the change against the first of them", () => {
  const points = pointsOf({ phases: ["DCE1", "DCE2", "DCE3"], values: [null, 200, 300], times_s: [0, 60, 120] });
  assert.deepEqual(points, [
    { at: 60, value: 200, phase: "DCE2", change: 0 }, { at: 120, value: 300, phase: "DCE3", change: 50 },
  ]);
  assert.deepEqual(pointsOf({ values: [0, 5], times_s: null }).map(({ at, change }) => [at, change]), [[1, null], [2, null]]);
  assert.deepEqual(pointsOf({ values: [-100, -50], times_s: [0, 1] }).map(({ change }) => change), [0, 50]);
});

test("axes have round marks within their range", () => {
  assert.deepEqual(ticks(0, 672, 4), [0, 200, 400, 600]);
  assert.deepEqual(ticks(-0.3, 0.31, 4), [-0.2, 0, 0.2]);
  assert.deepEqual(ticks(0, 0.0031, 4), [0, 0.001, 0.002, 0.003]);
  assert.deepEqual(timeTicks(310), [0, 60, 120, 180, 240, 300]);
  assert.deepEqual(timeTicks(90), [0, 15, 30, 45, 60, 75, 90]);
  assert.deepEqual(timeTicks(3600).length, 7);
  assert.deepEqual([clock(0), clock(62.4), clock(600)], ["0:00", "1:02", "10:00"]);
});

test("two readers' answers differ in words or by an amount", () => {
  const number = { kind: "number", unit: "cm" };
  assert.deepEqual(comparison(number, 2.1, 2.9, 2.1), { differ: true, apart: 0.8, ownIs: { a: false, b: true } });
  assert.deepEqual(comparison({ kind: "level" }, "x", "x", "y"), { differ: true, apart: null, ownIs: { a: true, b: false } });
  assert.equal(comparison(number, 2, 2.0, 2).differ, false);
  assert.equal(comparison(number, 2, "not assessable", 2).apart, null);
});

test("computed columns are written with their units", () => {
  assert.deepEqual(labelAndUnit("volume_cm3"), ["Volume", "cm³"]);
  assert.deepEqual(labelAndUnit("max_diameter_cm"), ["Max diameter", "cm"]);
  assert.deepEqual(labelAndUnit("tic_type"), ["Tic type", ""]);
  assert.deepEqual(labelAndUnit("birads3"), ["Birads3", ""]);
});

test("estimates are written with their interval, and never as NaN", () => {
  assert.equal(withInterval({ value: 0.614, low: -0.05, high: 1 }), "0.61 (−0.05 to 1.00)");
  assert.equal(withInterval({ value: 0.5, low: null, high: 1 }), "0.50");
  assert.equal(withInterval(undefined), "–");
  assert.equal(fixed(NaN, 2), "–");
});

test("a mask's kind is the longest end of its name", () => {
  assert.equal(suffixOf("lesion.nii.gz"), ".nii.gz");
  assert.equal(suffixOf("Segmentation.SEG.NRRD"), ".seg.nrrd");
  assert.equal(suffixOf("lesion.png"), null);
});

test("events reach those who listen, until they stop", () => {
  const source = Object.assign(new EventTarget(), { closed: false, close() { this.closed = true; } });
  const heard = [];
  const stop = listen({ progress: () => heard.push("progress"), taken: (taken) => heard.push(taken.id) }, () => source);
  source.dispatchEvent(new Event("progress"));
  source.dispatchEvent(Object.assign(new Event("taken"), { data: '{"id": "M-1"}' }));
  source.dispatchEvent(new Event("bye"));
  stop();
  assert.deepEqual([heard, source.closed], [["progress", "M-1"], true]);
});

// Order of the rows of a long table, and the counts at a movable cut-off.
import assert from "node:assert/strict";
import test from "node:test";
import { countsAt, measuresOf, netBenefit } from "../../src/radstudy/report/scripts/cutoff.js";
import { leadingNumber, orderOf } from "../../src/radstudy/report/scripts/tables.js";

const sorted = (texts, descending = false) => orderOf(texts, descending).map((place) => texts[place]);

test("a cell's number is the one that it begins with", () => {
  assert.equal(leadingNumber("0.81 (0.70 to 0.91)"), 0.81);
  assert.equal(leadingNumber("1,218 of 1,300"), 1218);
  assert.equal(leadingNumber("−0.46"), -0.46);
  assert.equal(leadingNumber("45.2%"), 45.2);
  assert.equal(leadingNumber("3.729e+04"), 37290);
  assert.equal(leadingNumber("T2WI"), null);
  assert.equal(leadingNumber(""), null);
  const small = leadingNumber("<0.001");
  assert.ok(small < 0.001 && small > 0.0009);
});

test("numbers are ordered by value, and what is smaller than a bound comes before it", () => {
  assert.deepEqual(sorted(["0.010", "<0.001", "0.001", "–", "−0.2"]), ["−0.2", "<0.001", "0.001", "0.010", "–"]);
  assert.deepEqual(sorted(["10 (1 to 20)", "9 (1 to 11)", "100 (2 to 3)"]), ["9 (1 to 11)", "10 (1 to 20)", "100 (2 to 3)"]);
});

test("missing cells are last in both directions", () => {
  assert.deepEqual(sorted(["2", "", "3", "–"], true), ["3", "2", "", "–"]);
  assert.deepEqual(sorted(["b", "–", "a"], true), ["b", "a", "–"]);
});

test("texts are ordered by the alphabet, numbers within them by value, equal ones as they were", () => {
  assert.deepEqual(sorted(["DCE7", "DCE10", "DCE3", "apparent"]), ["apparent", "DCE3", "DCE7", "DCE10"]);
  assert.deepEqual(orderOf(["1", "1", "0"], false), [2, 0, 1]);
  assert.deepEqual(orderOf(["1", "1", "0"], true), [0, 1, 2]);
});

test("a long column is ordered at once", () => {
  const texts = Array.from({ length: 5000 }, (_, place) => String((place * 7919) % 5000));
  const begun = performance.now();
  assert.deepEqual(sorted(texts).map(Number), Array.from({ length: 5000 }, (_, place) => place));
  assert.ok(performance.now() - begun < 1000);
});

test("a probability at the cut-off is positive", () => {
  const counts = countsAt([0.2, 0.5, 0.5, 0.9], "0101", 0.5);
  assert.deepEqual(counts, { tp: 2, fp: 1, tn: 1, fn: 0 });
  assert.equal(netBenefit(counts, 0.5), 0.25);
  assert.deepEqual(measuresOf(counts)[2], ["PPV", 2, 3]);
});

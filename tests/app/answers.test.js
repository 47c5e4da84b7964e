import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answered, labelOf, parsedNumber, problemOf, problemsOf, problemsOfSequences, serverProblems, valueWords,
} from "../../src/radstudy/app/static/answers.js";
import { setStrings } from "../../src/radstudy/app/static/strings.js";

setStrings({
  form: {
    likelihood: "Likelihood of {group}", comment: "Comment", unanswered: "not answered", not_a_number: "not a number",
    range: "{low} to {high} {unit}", out_of_range: "possible is {range}", none: "none", missing_evaluable: "evaluable?",
    missing_reason: "reason?", missing_visible: "visible?", missing_quality: "quality?",
  },
});

const item = (name, kind, more = {}) => ({
  name, label: name, kind, levels: [], unit: "", range: null, definition: "", required: kind !== "text", computed: false,
  not_assessable: kind === "level" || kind === "number" ? "not assessable" : null, ...more,
});
const margin = item("margin", "level", { levels: ["sharp", "blurred"] });
const diameter = item("diameter_cm", "number", { unit: "cm", range: [0.1, 20] });
const likelihood = item("likelihood", "likelihood", { range: [0, 100], unit: "%" });
const comment = item("comment", "text", { label: "" });
const FORM = [margin, diameter, likelihood, comment];

test("numbers are taken with a comma or a full stop, and nothing that only looks like one", () => {
  for (const [typed, value] of [["2.3", 2.3], ["2,3", 2.3], [" 12 ", 12], [".5", 0.5], ["4.", 4], ["−1", -1], ["0", 0]]) {
    assert.equal(parsedNumber(typed), value, typed);
  }
  for (const typed of ["", "abc", "1,234.5", "1e3", "0x10", "2 3", "--1", "Infinity", ".", "2.3 cm"]) {
    assert.equal(parsedNumber(typed), null, typed);
  }
});

test("each required item is missing until it has an answer that can be one", () => {
  assert.deepEqual(problemsOf(FORM, {}).map((one) => one.item), ["margin", "diameter_cm", "likelihood"]);
  const values = { margin: "sharp", diameter_cm: 2, likelihood: 0 };
  assert.deepEqual(problemsOf(FORM, values), []);
  assert.equal(problemOf(margin, "oval"), "not answered");
  assert.equal(problemOf(diameter, 200), "possible is 0.1 to 20 cm");
  assert.equal(problemOf(diameter, 0.1), "");
  assert.equal(problemOf(likelihood, 101), "possible is 0 to 100 %");
  assert.equal(problemOf(diameter, undefined, "two"), "not a number");
  assert.deepEqual(answered(FORM, { margin: "sharp", diameter_cm: 200 }), { done: 1, total: 3 });
});

test("what cannot be judged is an answer to levels and numbers, never to the likelihood", () => {
  for (const one of [margin, diameter]) assert.equal(problemOf(one, "not assessable"), "");
  assert.notEqual(problemOf(likelihood, "not assessable"), "");
});

test("a sequence is complete with evaluable, visible and quality; without being evaluable it needs the reason instead", () => {
  const said = (answer) => problemsOfSequences(["T2WI"], answer ? { T2WI: answer } : {}, true).map(({ words }) => words);
  assert.deepEqual(said(null), ["evaluable?, visible?, quality?"]);
  assert.deepEqual(said({ evaluable: true, visible: false, reason: "", quality: 3 }), []);
  assert.deepEqual(said({ evaluable: false, visible: null, reason: " ", quality: 1 }), ["reason?"]);
  assert.deepEqual(said({ evaluable: false, visible: null, reason: "motion", quality: 1 }), []);
  assert.deepEqual(problemsOfSequences(["T2WI"], {}, false), []);
});

test("what the server misses is found in the form by name, by label, by sequence, or said as it is", () => {
  const items = [{ ...margin, label: "Margin" }, diameter];
  const problems = serverProblems([
    { what: "missing", text: "Margin is not answered", item: "margin", sequence: "" },
    { what: "wrong", text: "DWI: say why", item: "", sequence: "DWI" },
    { what: "missing", text: "lock your answers first", item: "", sequence: "" },
  ]);
  assert.deepEqual(problems.map((one) => [one.item, one.sequence]), [["margin", ""], ["", "DWI"], ["", ""]]);
  assert.equal(problems[2].words, "lock your answers first");
});

test("labels and values are written as people read them", () => {
  assert.equal(labelOf({ ...likelihood, label: "HER2-positive" }), "Likelihood of HER2-positive");
  assert.equal(labelOf(comment), "Comment");
  assert.equal(labelOf({ ...diameter, label: "" }), "diameter cm");
  assert.equal(valueWords(diameter, 2.30000001), "2.3 cm");
  assert.equal(valueWords(likelihood, 0), "0 %");
  assert.equal(valueWords(margin, undefined), "none");
});

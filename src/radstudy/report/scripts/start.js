// Starts the page's scripts; one that fails stops no other. Without them all numbers are in the page's tables.

import { startCutoff } from "./cutoff.js";
import { startFigures } from "./figures.js";
import { startFinder } from "./finder.js";
import { startPatients } from "./patients.js";
import { startTables } from "./tables.js";

for (const start of [startTables, startPatients, startCutoff, startFigures, startFinder]) {
  try {
    start();
  } catch (error) {
    console.error(error);
  }
}

// Searching the evidence, opening what a link points into, printing one layer.

/** The words of a part, also of its pictures, in lower case. @param {Element} part */
function wordsOf(part) {
  const pictures = [...part.querySelectorAll("img")].map((image) => image.alt);
  return [part.textContent, ...pictures].join(" ").toLowerCase();
}

/** Open every folded element around an element. @param {Element} target */
function reveal(target) {
  for (let at = /** @type {Element | null} */ (target); at; at = at.parentElement) {
    if (at instanceof HTMLDetailsElement) at.open = true;
  }
}

function followLink() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  reveal(target);
  target.scrollIntoView();
}

/**
 * Keep the parts that contain all the words; a question whose title has them keeps all its parts.
 * @param {HTMLElement} evidence
 * @param {string} text
 * @returns {string} what was found
 */
function search(evidence, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (/** @type {string} */ content) => words.every((word) => content.includes(word));
  let count = 0;
  for (const question of /** @type {NodeListOf<HTMLDetailsElement>} */ (evidence.querySelectorAll("details.question"))) {
    const titled = has((question.querySelector("summary")?.textContent ?? "").toLowerCase());
    let hits = 0;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (question.querySelectorAll(".part"))) {
      const hit = titled || has(wordsOf(part));
      part.hidden = !hit;
      hits += hit ? 1 : 0;
      if (!words.length || !hit) continue;
      for (const one of /** @type {NodeListOf<HTMLDetailsElement>} */ (part.querySelectorAll("details.folded"))) {
        one.open = true;
      }
    }
    question.hidden = !hits;
    question.open = words.length > 0 && hits > 0;
    count += hits;
  }
  return words.length ? `${count} of ${evidence.querySelectorAll(".part").length} parts` : "";
}

/** @param {HTMLElement} evidence @param {HTMLElement} place */
function addFinder(evidence, place) {
  const label = document.createElement("label");
  label.textContent = "Search the evidence ";
  const field = document.createElement("input");
  field.type = "search";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  field.addEventListener("input", () => { status.textContent = search(evidence, field.value); });
  label.append(field);
  const all = document.createElement("button");
  all.type = "button";
  all.textContent = "Open all";
  all.addEventListener("click", () => {
    const open = all.textContent === "Open all";
    for (const one of /** @type {NodeListOf<HTMLDetailsElement>} */ (evidence.querySelectorAll("details.question"))) {
      one.open = open;
    }
    all.textContent = open ? "Close all" : "Open all";
  });
  place.append(label, all, status);
}

/** Make the evidence searchable and links into folded parts open them. */
export function startFinder() {
  const evidence = document.querySelector("#evidence");
  const place = document.querySelector("#finder");
  if (!(evidence instanceof HTMLElement) || !(place instanceof HTMLElement)) return;
  addFinder(evidence, place);
  addEventListener("hashchange", followLink);
  followLink();
  // report.html?print=evidence prints the evidence alone, every part opened but the patients' pictures
  if (new URLSearchParams(location.search).get("print") !== "evidence") return;
  document.documentElement.dataset.print = "evidence";
  for (const one of /** @type {NodeListOf<HTMLDetailsElement>} */ (evidence.querySelectorAll("details:not(.album)"))) {
    one.open = true;
  }
}

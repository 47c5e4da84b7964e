// The page's own script: searching the evidence, opening what a link points into, printing one layer. Without it, all is there.

const evidence = document.querySelector("#evidence");
const questions = [...evidence.querySelectorAll("details.question")];
const parts = [...evidence.querySelectorAll(".part")];

/** The words of a part, also of its pictures, in lower case. */
function wordsOf(part) {
  const pictures = [...part.querySelectorAll("img")].map((image) => image.alt);
  return [part.textContent, ...pictures].join(" ").toLowerCase();
}

/** Open every folded element around an element. */
function reveal(element) {
  for (let at = element; at; at = at.parentElement) {
    if (at instanceof HTMLDetailsElement) at.open = true;
  }
}

function followLink() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  reveal(target);
  target.scrollIntoView();
}

/** Keep the parts that contain all the words; a question whose title has them keeps all its parts. */
function search(text, status) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (content) => words.every((word) => content.includes(word));
  let count = 0;
  for (const question of questions) {
    const titled = has(question.querySelector("summary").textContent.toLowerCase());
    let hits = 0;
    for (const part of question.querySelectorAll(".part")) {
      const hit = titled || has(wordsOf(part));
      part.hidden = !hit;
      hits += hit ? 1 : 0;
      if (words.length && hit) part.querySelectorAll("details.folded").forEach((one) => { one.open = true; });
    }
    question.hidden = !hits;
    question.open = words.length > 0 && hits > 0;
    count += hits;
  }
  status.textContent = words.length ? `${count} of ${parts.length} parts` : "";
}

function addFinder() {
  const place = document.querySelector("#finder");
  const label = document.createElement("label");
  label.textContent = "Search the evidence ";
  const field = document.createElement("input");
  field.type = "search";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  field.addEventListener("input", () => search(field.value, status));
  label.append(field);
  const all = document.createElement("button");
  all.type = "button";
  all.textContent = "Open all";
  all.addEventListener("click", () => {
    const open = all.textContent === "Open all";
    questions.forEach((question) => { question.open = open; });
    all.textContent = open ? "Close all" : "Open all";
  });
  place.append(label, all, status);
}

addFinder();
addEventListener("hashchange", followLink);
followLink();
// report.html?print=evidence prints the evidence alone, every part opened but the patients' pictures
if (new URLSearchParams(location.search).get("print") === "evidence") {
  document.documentElement.dataset.print = "evidence";
  evidence.querySelectorAll("details:not(.album)").forEach((one) => { one.open = true; });
}

// A button below every figure that is shown smaller than it was drawn, as on a phone.

import { element } from "./elements.js";

/** Add or remove the button, as the figure's width asks. @param {HTMLElement} frame @param {HTMLButtonElement} button */
function update(frame, button) {
  const image = frame.querySelector("img");
  if (!image || frame.classList.contains("enlarged")) return;
  const drawn = (parseFloat(image.style.getPropertyValue("--width")) * 96) / 72;
  button.hidden = !image.clientWidth || image.clientWidth >= 0.95 * drawn;
}

/** Let figures be enlarged where the page is narrower than they are. */
export function startFigures() {
  for (const frame of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".wide"))) {
    const name = frame.getAttribute("aria-label") ?? "the figure";
    const button = element("button", { type: "button", class: "enlarge", "aria-pressed": "false" }, `Enlarge ${name}`);
    button.hidden = true;
    button.addEventListener("click", () => {
      const large = frame.classList.toggle("enlarged");
      button.setAttribute("aria-pressed", String(large));
    });
    frame.after(button);
    new ResizeObserver(() => update(frame, button)).observe(frame);
  }
}

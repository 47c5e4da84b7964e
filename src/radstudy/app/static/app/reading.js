// The way into the reading room.

import { api, element, onPress, post, say, text } from "./app.js";

const enter = document.getElementById("enter");
const close = document.getElementById("close");
const way = /** @type {HTMLElement} */ (document.getElementById("way"));
if (enter instanceof HTMLButtonElement) {
  onPress(enter, async () => {
    way.textContent = text("reading.opening");
    try {
      const reader = /** @type {HTMLSelectElement} */ (document.getElementById("reader")).value;
      const { url } = await post(api("reading", "enter"), { reader });
      const link = element("a", "go primary", text("reading.go"));
      link.href = url;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.addEventListener("click", () => way.replaceChildren(element("span", "note", text("reading.opened"))));
      way.replaceChildren(link);
      link.focus();
    } catch (error) {
      way.textContent = "";
      throw error;
    }
  });
}
if (close instanceof HTMLButtonElement) {
  onPress(close, async () => {
    await post(api("reading", "close"));
    say(text("reading.is_closed"));
    setTimeout(() => location.reload(), 800);
  });
}

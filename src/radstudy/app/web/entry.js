// Turns the token in the address into a cookie, takes it out of the address bar, and goes to the page behind it.
"use strict";

const message = document.getElementById("message");
const token = location.hash.slice(1);
history.replaceState(null, "", "/");

/** @returns {Promise<string>} what to tell the user; "" once the page may be entered */
async function enter() {
  if (!token) {
    const present = await fetch(message.dataset.asked);
    return present.ok ? "" : message.dataset.closed;
  }
  const answer = await fetch("/api/enter", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  return answer.ok ? "" : (await answer.json()).error;
}

enter()
  .catch(() => message.dataset.silent)
  .then((problem) => {
    if (problem) message.textContent = problem;
    else location.replace(message.dataset.page);
  });

// Turns the token in the address into a cookie, takes it out of the address bar, and goes to the reading room.
"use strict";

const message = document.getElementById("message");
const token = location.hash.slice(1);
history.replaceState(null, "", "/");

/** @returns {Promise<string>} what to tell the user; "" once the room may be entered */
async function enter() {
  if (!token) {
    const present = await fetch("/api/me");
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
    else location.replace("/room");
  });

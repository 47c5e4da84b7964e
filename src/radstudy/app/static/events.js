// What the server tells open pages: progress, a case that another tab has taken, that it is about to stop.

/**
 * @typedef {object} Told
 * @property {() => void} [progress]
 * @property {(taken: {task: string, id: string, tab: string}) => void} [taken]
 * @property {() => void} [bye]
 */

/**
 * Listens until the function that it returns is called.
 * @param {Told} told
 * @param {(address: string) => EventSource} [open]
 */
export function listen(told, open = (address) => new EventSource(address)) {
  const source = open("/api/events");
  source.addEventListener("progress", () => told.progress?.());
  source.addEventListener("taken", (event) => told.taken?.(JSON.parse(/** @type {MessageEvent} */ (event).data)));
  source.addEventListener("bye", () => told.bye?.());
  return () => source.close();
}

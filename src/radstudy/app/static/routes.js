// Which page an address stands for: "#/worklist/masks", "#/case/masks/M-7K2Q", "#/lead", "#/lead/arrow/017/1".

/**
 * @typedef {{page: "worklist", task: string} | {page: "case", task: string, id: string} | {page: "lead"}
 *   | {page: "arrow", patient: string, lesion: string} | {page: "start"}} Route
 */

/**
 * @param {string} hash
 * @returns {Route}
 */
export function routeOf(hash) {
  const [page, ...rest] = hash.replace(/^#?\/?/, "").split("/").map(decoded);
  if (page === "worklist" && rest.length === 1) return { page, task: rest[0] };
  if (page === "case" && rest.length === 2) return { page, task: rest[0], id: rest[1] };
  if (page === "lead" && rest[0] === "arrow" && rest.length === 3) return { page: "arrow", patient: rest[1], lesion: rest[2] };
  if (page === "lead" && !rest.length) return { page };
  return { page: "start" };
}

/**
 * The address of a page.
 * @param {...string} parts
 */
export function addressOf(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

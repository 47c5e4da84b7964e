// The texts of the page. They come from the server's one catalogue (strings.yaml), by dotted names such as "room.undo".

/** @typedef {{[name: string]: string | Catalogue}} Catalogue */

/** @type {Catalogue} */
let catalogue = {};

/** @param {Catalogue} texts nested, or flat with dotted names */
export function setStrings(texts) {
  catalogue = texts;
}

/**
 * The text of a name; {word} in it is replaced by values.word. A name without a text is shown in brackets, never left out.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function text(name, values = {}) {
  /** @type {string | Catalogue | undefined} */
  let entry = catalogue[name];
  if (entry === undefined) {
    entry = catalogue;
    for (const part of name.split(".")) entry = typeof entry === "object" ? entry[part] : undefined;
  }
  if (typeof entry !== "string") {
    console.error(`No text for ${name}`);
    return `[${name}]`;
  }
  return entry.replace(/\{(\w+)\}/g, (_, word) => String(values[word] ?? `{${word}}`));
}

// Opens the case of the test's server; the reading room has its own entry.
import { Api, tabName } from "/static/api.js";
import { openCase, openRoom } from "/static/room.js";
import { setStrings } from "/static/strings.js";

const query = new URLSearchParams(location.search);
const api = new Api(await tabName());
setStrings((await api.get("/api/me")).strings);
const parent = document.getElementById("page");
const open = async (take) => {
  try {
    const doc = await openCase(api, query.get("task") ?? "masks", query.get("case") ?? "M-7K2Q", take);
    const onLeave = (how, answer) => (window.left = { how, answer });
    await openRoom({ parent, api, doc, study: "harness", onLeave, onMissing: (missing) => (window.missing = missing) });
  } catch (error) {
    window.refused = error.body ?? String(error);
    console.error(error);
  }
};
window.takeOver = () => open(true);
await open(false);

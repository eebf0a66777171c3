// What the labelling pages share: sending, drafts, the time that a page was looked at, skipping.
import { say } from "/static/words.js";

/** @param {string} id */
export const at = (id) => /** @type {any} */ (document.getElementById(id));
const NEXT = "#saved";

/** Send what was given; returns when it is in the store. Throws what the server says is wrong. */
export async function send(route, body, how = {}) {
  const token = /** @type {any} */ (document.querySelector("meta[name=token]")).content;
  let answer;
  try {
    answer = await fetch(route, {
      method: "POST", headers: { "Content-Type": "application/json", "X-Page-Token": token }, body: JSON.stringify(body), ...how,
    });
  } catch {
    throw new Error(say("the server cannot be reached; nothing was saved, the draft stays"));
  }
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let said = say("the server answered {status}", { status: answer.status });
  try {
    said = JSON.parse(text).error.message;
  } catch { /* no error of ours */ }
  throw new Error(said);
}

/** Show an error, or none. */
export function complain(text) {
  at("error").textContent = text;
  at("error").hidden = !text;
}

/** A draft as it was spelled, or null. */
function spelled(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const AFTER = 1500; // milliseconds without a change, after which the server gets the draft

/** What is kept of a task until it is saved: at once by this browser, a little later by the server; the newest counts. */
export function draft() {
  const { task, kind, draft: rest, kept } = at("task").dataset, name = `foretell draft ${rest}`;
  let later = 0, waits = "";
  const hand = () => {
    clearTimeout(later);
    if (!waits) return;
    const body = { task: Number(task), kind, draft: waits };
    waits = "";
    send("/label/draft", body, { keepalive: true }).catch(() => {}); // the browser has it
  };
  addEventListener("pagehide", hand);
  return {
    read() {
      let mine = null;
      try {
        mine = spelled(localStorage.getItem(name) ?? "null");
      } catch { /* none here */ }
      const theirs = spelled(kept || "null");
      return ((mine?.at ?? 0) >= (theirs?.at ?? 0) ? mine : theirs)?.value ?? null;
    },
    write(value) {
      waits = JSON.stringify({ at: Date.now(), value });
      try {
        localStorage.setItem(name, waits);
      } catch { /* none here */ }
      clearTimeout(later);
      later = setTimeout(hand, AFTER);
    },
    clear() {
      clearTimeout(later);
      waits = "";
      try {
        localStorage.removeItem(name);
      } catch { /* none here */ }
    },
  };
}

/** A clock of the seconds in which the page was in sight: how many since it was last asked. */
export function clock() {
  let since = document.hidden ? null : performance.now(), sum = 0;
  const stop = () => {
    if (since !== null) sum += performance.now() - since;
    since = null;
  };
  document.addEventListener("visibilitychange", () => {
    stop();
    if (!document.hidden) since = performance.now();
  });
  return () => {
    stop();
    if (!document.hidden) since = performance.now();
    const seconds = sum / 1000;
    sum = 0;
    return seconds;
  };
}

/** Send once, and go on to the next task when it is in the store. */
export async function handIn(route, body, kept, button) {
  complain("");
  button.disabled = true;
  at("status").textContent = say("saving");
  try {
    await send(route, body);
  } catch (error) {
    at("status").textContent = "";
    complain(error.message);
    button.disabled = false;
    return;
  }
  kept.clear();
  if (location.hash === NEXT) location.reload();
  else {
    location.hash = NEXT;
    location.reload();
  }
}

/** Let a task be skipped; `seconds` tells how long it took. */
export function skipping(kept, seconds) {
  const { task, kind } = at("task").dataset;
  if (!at("reason")) return; // of a test nothing is skipped
  at("reason").addEventListener("change", () => { at("skip").disabled = !at("reason").value; });
  at("skip").addEventListener("click", () => {
    handIn("/label/skip", { task: Number(task), kind, reason: at("reason").value, seconds: seconds() }, kept, at("skip"));
  });
}

if (location.hash === NEXT) {
  at("status").textContent = say("Saved.");
  history.replaceState(null, "", location.pathname);
}

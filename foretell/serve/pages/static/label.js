// What the labelling pages share: sending, drafts, the time that a page was looked at, skipping.

/** @param {string} id */
export const at = (id) => /** @type {any} */ (document.getElementById(id));
const NEXT = "#saved";

/** Send what was given; returns when it is in the store. Throws what the server says is wrong. */
export async function send(route, body) {
  const token = /** @type {any} */ (document.querySelector("meta[name=token]")).content;
  let answer;
  try {
    answer = await fetch(route, {
      method: "POST", headers: { "Content-Type": "application/json", "X-Page-Token": token }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error("the server cannot be reached; nothing was saved, the draft stays");
  }
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let said = `the server answered ${answer.status}`;
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

/** What this browser keeps of a task until it is saved. Without storage a draft lasts as long as the page. */
export function draft() {
  const name = `foretell draft ${at("task").dataset.draft}`;
  return {
    read() {
      try {
        return JSON.parse(localStorage.getItem(name) ?? "null");
      } catch {
        return null;
      }
    },
    write(value) {
      try {
        localStorage.setItem(name, JSON.stringify(value));
      } catch { /* none here */ }
    },
    clear() {
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
  at("status").textContent = "saving";
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
  at("reason").addEventListener("change", () => { at("skip").disabled = !at("reason").value; });
  at("skip").addEventListener("click", () => {
    handIn("/label/skip", { task: Number(task), kind, reason: at("reason").value, seconds: seconds() }, kept, at("skip"));
  });
}

if (location.hash === NEXT) {
  at("status").textContent = "Saved.";
  history.replaceState(null, "", location.pathname);
}

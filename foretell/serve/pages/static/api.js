// What both pages share: the settings, asking the server, and reading its stream. Texts are only ever set as text.
import { say } from "/static/words.js";

/** @param {string} id */
export const at = (id) => /** @type {any} */ (document.getElementById(id));

/** The headers of a request; a key is known to this page's memory alone. */
function headers() {
  const key = at("key")?.value.trim();
  const token = /** @type {any} */ (document.querySelector("meta[name=token]"))?.content;
  return {
    "Content-Type": "application/json",
    ...(key ? { Authorization: `Bearer ${key}` } : {}), ...(token ? { "X-Page-Token": token } : {}),
  };
}

/** The settings of the form, or null if one of them cannot be, which is then shown at its field. */
export function settings() {
  if (!at("settings").reportValidity()) return null;
  const stop = at("stop").value.split("\n").filter(Boolean).map((text) => text.replaceAll("\\n", "\n"));
  const seed = at("seed").value;
  return {
    model: at("model").value,
    temperature: Number(at("temperature").value),
    max_tokens: Number(at("max_tokens").value),
    top_p: Number(at("top_p").value),
    top_k: Number(at("top_k").value),
    ...(stop.length ? { stop } : {}),
    ...(seed === "" ? {} : { seed: Number(seed) }),
  };
}

/** Ask for a stream and hand on each chunk as it comes. Throws what the server says is wrong. */
export async function ask(route, body, signal, onChunk) {
  const stream = { stream: true, stream_options: { include_usage: true } };
  const answer = await fetch(route, {
    method: "POST", headers: headers(), body: JSON.stringify({ ...body, ...stream }), signal,
  });
  if (!answer.ok) throw new Error(await problem(answer));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) throw new Error(say("the connection ended before the text did"));
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      if (event === "data: [DONE]") return;
      if (!event.startsWith("data: ")) continue;
      const chunk = JSON.parse(event.slice(6));
      if (chunk.error) throw new Error(chunk.error.message);
      onChunk(chunk);
    }
  }
}

/** Ask for an answer that comes whole. Throws what the server says is wrong. */
export async function post(route, body) {
  const answer = await fetch(route, { method: "POST", headers: headers(), body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await problem(answer));
  return answer.json();
}

/** What an answer that is an error says. */
export async function problem(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error.message;
  } catch {
    return say("the server answered {status}", { status: answer.status });
  }
}

/** Put the models that a key may ask into the list. */
async function unlock() {
  complain("");
  const answer = await fetch("/v1/models", { headers: headers() });
  if (!answer.ok) return complain(await problem(answer));
  const { data } = await answer.json();
  for (const list of document.querySelectorAll("select.models")) {
    list.replaceChildren(...data.map((model) => new Option(say("{name} ({n_ctx} tokens)", { name: model.id, n_ctx: model.max_model_len }), model.id)));
  }
}

/** Show an error, or none. */
export function complain(text) {
  at("error").textContent = text;
  at("error").hidden = !text;
}

/** A job that the Submit and Stop buttons begin and end; `work(signal, count)` returns when it is done. */
export function job(work, after) {
  let control = null;
  at("cancel").addEventListener("click", () => control?.abort());
  return async (...given) => {
    if (control) return;
    control = new AbortController();
    const begun = performance.now();
    let tokens = 0, ended = say("done");
    complain("");
    at("submit").disabled = true;
    at("cancel").disabled = false;
    at("status").textContent = say("writing");
    try {
      await work(control.signal, (usage) => { tokens = usage.completion_tokens; }, ...given);
    } catch (error) {
      ended = control.signal.aborted ? say("stopped") : "";
      if (ended === "") complain(error.message);
    }
    const seconds = (performance.now() - begun) / 1000;
    const told = { ended, n: tokens, speed: Math.round(tokens / seconds) };
    at("status").textContent = tokens ? say("{ended}: {n} tokens, {speed} a second", told) : ended;
    control = null;
    at("submit").disabled = false;
    at("cancel").disabled = true;
    after();
  };
}

at("unlock")?.addEventListener("click", unlock);
at("settings").addEventListener("submit", (event) => event.preventDefault());
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    at("submit").click();
  }
});

/** Keep a prompt for labelling if there is consent; what comes of it is told and holds nothing up. */
export async function keep(prompt) {
  if (!at("consent")?.checked) return;
  const answer = await fetch("/label/prompts", {
    method: "POST", headers: headers(), body: JSON.stringify({ consent: true, prompt }),
  }).catch(() => null);
  if (!answer?.ok) at("kept").textContent = say("The prompt was not kept: {why}.", { why: answer ? await problem(answer) : say("no answer") });
  else {
    const { kept, why } = await answer.json();
    at("kept").textContent = kept ? say("The prompt was kept.") : say("The prompt was not kept: {why}.", { why: say(why) });
  }
}

if (at("consent")) { // it lasts as long as this tab, so that nobody else's prompts are kept by it
  at("consent").checked = sessionStorage.getItem("consent") === "yes";
  at("consent").addEventListener("change", () => {
    if (at("consent").checked) sessionStorage.setItem("consent", "yes");
    else sessionStorage.removeItem("consent");
    at("kept").textContent = "";
  });
}

// The completion page: the text grows in place, and each token shows how likely it was and what else was.
import { ask, at, complain, job, keep, problem, settings } from "/static/api.js";
import "/static/why.js";
import { say } from "/static/words.js";

const text = at("text");
/** What the text was before each completion, for Undo and Regenerate. */
const before = [];
/** @type {{token: string, logprob: number | null, top: Record<string, number> | null, offset: number, prompt: boolean}[]} */
let told = [];

const run = job(async (signal, count) => {
  const given = settings();
  if (!given) throw new Error(say("a setting cannot be as it is"));
  const prompt = text.value, show = at("show").value, echo = show !== "off" && at("echo").checked;
  before.push(prompt);
  clear();
  keep(prompt);
  const tell = show === "off" ? {} : { logprobs: Number(at("logprobs").value), echo };
  let whole = echo ? "" : prompt;
  await ask("/v1/completions", { ...given, prompt, ...tell }, signal, (chunk) => {
    if (chunk.usage) return count(chunk.usage);
    const choice = chunk.choices[0];
    whole += choice.text;
    text.value = whole;
    text.scrollTop = text.scrollHeight;
    if (choice.logprobs) add(choice.logprobs, [...prompt].length);
  });
}, buttons);

/** Forget the tokens that are shown. */
function clear() {
  told = [];
  at("tokens").replaceChildren();
  at("likely").replaceChildren();
  at("told").hidden = at("show").value === "off";
}

/** Show more tokens. */
function add(logprobs, length) {
  logprobs.tokens.forEach((token, i) => {
    const offset = logprobs.text_offset[i];
    const one = {
      token, offset, logprob: logprobs.token_logprobs[i], top: logprobs.top_logprobs?.[i] ?? null, prompt: offset < length,
    };
    const place = told.push(one) - 1, button = document.createElement("button");
    button.type = "button";
    button.textContent = token;
    button.className = `${shade(one)} ${one.prompt ? "prompt" : ""}`.trim();
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", `${token}, ${one.logprob === null ? "the first" : percent(one.logprob)}`);
    button.addEventListener("click", () => likely(place));
    at("tokens").append(button);
  });
}

/** The class of a token's colour: how likely it was, where the setting shows it. */
function shade(one) {
  if (one.logprob === null) return "";
  const p = Math.exp(one.logprob), show = at("show").value;
  const level = p > 0.8 ? 4 : p > 0.5 ? 3 : p > 0.2 ? 2 : p > 0.05 ? 1 : 0;
  const shown = show === "full" || (show === "most" && level >= 3) || (show === "least" && level <= 1);
  return shown ? `p${level}` : "";
}

const percent = (logprob) => `${(100 * Math.exp(logprob)).toFixed(2)} %`;

/** What was likely at a place, each with a button to go on from it. */
function likely(place) {
  [...at("tokens").children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === place)));
  const one = told[place], table = document.createElement("table");
  if (!one.top) return at("likely").replaceChildren(say("Nothing stands before the first token."));
  row(table, "th", [say("rank"), say("token"), say("probability"), say("log")]);
  const entries = Object.entries(one.top).sort((a, b) => b[1] - a[1]);
  entries.forEach(([token, logprob], i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = token === one.token ? `${token} ${say("(chosen)")}` : token;
    button.disabled = token.startsWith("bytes:");
    button.addEventListener("click", () => go(one, token));
    row(table, "td", [i + 1 < entries.length || token !== one.token ? String(i + 1) : "-", button, percent(logprob), logprob.toFixed(3)]);
  });
  const mass = Math.exp(entries.map((entry) => entry[1]).reduce((a, b) => Math.log(Math.exp(a) + Math.exp(b))));
  const sum = document.createElement("p");
  sum.className = "hint";
  sum.textContent = say("These are {share} % of all.", { share: (100 * mass).toFixed(1) });
  at("likely").replaceChildren(table, sum);
}

/** A row of a table. */
function row(table, kind, cells) {
  const made = table.insertRow();
  for (const cell of cells) {
    const one = document.createElement(kind);
    one.append(cell);
    made.append(one);
  }
}

/** Go on from another token at a place. */
function go(one, token) {
  text.value = [...text.value].slice(0, one.offset).join("") + token;
  run();
}

/** Which buttons can be pressed. */
function buttons() {
  at("undo").disabled = at("again").disabled = !before.length;
}

at("submit").addEventListener("click", () => run());
at("undo").addEventListener("click", () => {
  text.value = before.pop() ?? text.value;
  clear();
  at("told").hidden = true;
  buttons();
});
at("again").addEventListener("click", () => {
  text.value = before.pop() ?? text.value;
  run();
});
at("preset").addEventListener("change", (event) => {
  const preset = JSON.parse(event.target.dataset.presets)[event.target.value];
  if (!preset) return;
  text.value = preset.prompt;
  at("temperature").value = preset.temperature;
  at("max_tokens").value = preset.max_tokens;
  at("stop").value = preset.stop.map((one) => one.replaceAll("\n", "\\n")).join("\n");
});

/** Keep the text and the settings under a name, for everybody who may use this page. */
async function keepPreset() {
  const name = at("preset-name").value.trim(), given = settings();
  if (!given || !name) return;
  const { temperature, max_tokens, stop = [] } = given;
  const token = /** @type {any} */ (document.querySelector("meta[name=token]")).content;
  const answer = await fetch("/presets", {
    method: "POST", headers: { "Content-Type": "application/json", "X-Page-Token": token },
    body: JSON.stringify({ name, prompt: text.value, temperature, max_tokens, stop }),
  }).catch(() => null);
  if (!answer?.ok) return complain(answer ? await problem(answer) : say("the server cannot be reached; nothing was changed"));
  complain("");
  const list = at("preset"), presets = JSON.parse(list.dataset.presets);
  presets.push({ name, prompt: text.value, temperature, max_tokens, stop });
  list.dataset.presets = JSON.stringify(presets);
  list.append(new Option(name, String(presets.length - 1), false, true));
  at("status").textContent = say("The preset is kept.");
}

at("keep-preset")?.addEventListener("click", keepPreset);

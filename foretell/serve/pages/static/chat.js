// The chat page: turns, the answer as it is written, Stop and Regenerate.
import { ask, at, job, keep, settings } from "/static/api.js";
import { say } from "/static/words.js";

/** @type {{role: string, content: string}[]} */
let turns = [];

const run = job(async (signal, count) => {
  const given = settings();
  if (!given) throw new Error(say("a setting cannot be as it is"));
  const system = at("system").value;
  const messages = [...(system ? [{ role: "system", content: system }] : []), ...turns];
  keep(messages);
  const answer = { role: "assistant", content: "" };
  const said = show(answer);
  try {
    await ask("/v1/chat/completions", { ...given, messages }, signal, (chunk) => {
      if (chunk.usage) return count(chunk.usage);
      answer.content += chunk.choices[0].delta.content ?? "";
      said.textContent = answer.content;
    });
  } finally {
    if (answer.content || !signal.aborted) turns.push(answer);
    draw();
  }
}, draw);

/** A turn at the end of the list; what it says is set as text. */
function show(turn) {
  const item = document.createElement("li"), who = document.createElement("p"), said = document.createElement("p");
  who.className = "who";
  who.textContent = say(turn.role);
  said.className = "said";
  said.textContent = turn.content;
  item.append(who, said);
  at("turns").append(item);
  return said;
}

/** Show all turns. */
function draw() {
  at("turns").replaceChildren();
  turns.forEach(show);
  at("again").disabled = turns.at(-1)?.role !== "assistant";
  at("clear").disabled = !turns.length;
}

at("submit").addEventListener("click", () => {
  const content = at("text").value;
  if (!content.trim() && turns.at(-1)?.role !== "user") return;
  if (content.trim()) {
    if (turns.at(-1)?.role === "user") turns.pop(); // the answer to it never came
    turns.push({ role: "user", content });
  }
  at("text").value = "";
  draw();
  run();
});
at("again").addEventListener("click", () => {
  turns.pop();
  draw();
  run();
});
at("clear").addEventListener("click", () => {
  turns = [];
  draw();
});

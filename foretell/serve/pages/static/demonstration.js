// The page of one demonstration: what is written stays in a draft until the store has it.
import { at, clock, draft, handIn, skipping } from "/static/label.js";
import { say } from "/static/words.js";

const kept = draft(), passed = clock(), { task } = at("task").dataset;
const before = kept.read();
let seconds = before?.seconds ?? 0, ended = false;
if (before) {
  at("answer").value = before.text;
  at("status").textContent = say("Your draft is back.");
}

/** How long this task took, over all its visits. */
const took = () => (seconds += passed());

const keep = () => { if (!ended) kept.write({ text: at("answer").value, seconds: took() }); };

/** Forget the draft, also when the page goes. */
function clear() {
  ended = true;
  kept.clear();
}

at("answer").addEventListener("input", keep);
addEventListener("pagehide", () => { if (at("answer").value) keep(); });
at("save").addEventListener("click", () => {
  handIn("/label/demonstration", { task: Number(task), completion: at("answer").value, seconds: took() }, { clear }, at("save"));
});
at("answer").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    at("save").click();
  }
});
skipping({ clear }, took);

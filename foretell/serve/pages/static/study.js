// A task of questions with one answer each. What is chosen is kept by the server at once; the number keys choose where
// there is one question, and Ctrl+Enter saves.
import { at, clock, complain, handIn, send } from "/static/label.js";
import { say } from "/static/words.js";

const { task, kind, given } = at("task").dataset, passed = clock();
const questions = [...document.querySelectorAll("fieldset.question")];
let seconds = 0, ended = false;
const took = () => (seconds += passed());

/** The answers so far, by the names of their questions. */
function chosen() {
  const found = {};
  for (const one of questions) {
    const input = /** @type {any} */ (one.querySelector("input:checked"));
    if (input) found[/** @type {any} */ (one).dataset.name] = "number" in input.dataset ? Number(input.value) : input.value;
  }
  return found;
}

/** Let the server keep what is half done. */
function keep() {
  if (!ended) send("/label/studies/draft", { task: Number(task), kind, given: chosen() }).catch(() => {}); // said when saving
}

/** Send all answers. */
async function save() {
  const answers = chosen();
  if (Object.keys(answers).length < questions.length) return complain(say("Answer every question first."));
  ended = true;
  await handIn("/label/studies/answer", { task: Number(task), kind, given: answers, seconds: took() }, { clear() {} }, at("save"));
  ended = false;
}

for (const [name, value] of Object.entries(JSON.parse(given))) {
  const input = /** @type {any} */ (document.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(String(value))}"]`));
  if (input) input.checked = true;
}
at("task").addEventListener("change", keep);
at("task").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
document.addEventListener("keydown", (event) => {
  const target = /** @type {any} */ (event.target);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    at("save").click();
  } else if (questions.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !target.closest(".skip")) {
    const input = questions[0].querySelectorAll("input")[Number(event.key) - 1];
    if (input) input.click();
  }
});
at("reason").addEventListener("change", () => { at("skip").disabled = !at("reason").value; });
at("skip").addEventListener("click", () => {
  const body = { task: Number(task), kind, reason: at("reason").value, seconds: took() };
  handIn("/label/studies/skip", body, { clear() {} }, at("skip"));
});

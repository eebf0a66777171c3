// A conversation with a model, turn by turn kept by the server, and the mark of where it failed.
import { at, clock, complain, handIn, send } from "/static/label.js";
import { say } from "/static/words.js";

const task = Number(at("task").dataset.task), passed = clock();
let seconds = 0;
const took = () => (seconds += passed());

/** A turn at the end of the conversation; what it says is set as text. */
function show(role, content) {
  const item = at("turn").content.firstElementChild.cloneNode(true);
  item.dataset.role = role;
  item.querySelector(".who").textContent = say(role);
  item.querySelector(".said").textContent = content;
  if (role === "assistant") item.querySelector("input").value = String(at("turns").children.length);
  else item.querySelector("label").remove();
  at("turns").append(item);
}

/** Say something, and show what the model answers. */
async function talk() {
  const content = at("text").value;
  if (!content.trim()) return complain(say("Write something first."));
  complain("");
  at("say").disabled = true;
  at("status").textContent = say("writing");
  try {
    const told = await send("/label/red-team/say", { task, content });
    show("user", content);
    show("assistant", told.content);
    at("text").value = "";
  } catch (error) {
    complain(error.message);
  }
  at("status").textContent = "";
  at("say").disabled = false;
  at("text").focus();
}

/** Send the mark. */
function mark() {
  const failed = /** @type {any} */ (document.querySelector("input[name=failed]:checked"));
  if (!failed) return complain(say("Mark the turn in which it failed, or that it did not."));
  const held = failed.value === "-1";
  if (!held && !at("category").value) return complain(say("Choose the kind of failure first."));
  const what = { category: held ? "" : at("category").value, note: at("note").value };
  handIn("/label/red-team/mark", { task, failed: Number(failed.value), ...what, seconds: took() }, { clear() {} }, at("save"));
}

at("say").addEventListener("click", talk);
at("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!at("say").disabled) talk();
});
at("task").addEventListener("submit", (event) => {
  event.preventDefault();
  mark();
});
at("reason").addEventListener("change", () => { at("skip").disabled = !at("reason").value; });
at("skip").addEventListener("click", () => {
  handIn("/label/studies/skip", { task, kind: "red_team", reason: at("reason").value, seconds: took() }, { clear() {} }, at("skip"));
});

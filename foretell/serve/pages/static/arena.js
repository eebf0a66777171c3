// The arena: a prompt, two answers without their models' names, a vote, and then the names.
import { at, clock, complain, send } from "/static/label.js";
import { say } from "/static/words.js";

const DRAFT = "foretell arena prompt";
const buttons = [...document.querySelectorAll("[data-winner]")];
let task = 0, passed = () => 0;

/** Begin a round, or tell why not. */
async function begin() {
  const prompt = at("text").value;
  if (!prompt.trim()) return complain(say("Write a prompt first."));
  if (!at("ask").reportValidity()) return;
  complain("");
  at("submit").disabled = true;
  at("status").textContent = say("both models are writing");
  try {
    const body = { prompt, temperature: Number(at("temperature").value), max_tokens: Number(at("max_tokens").value) };
    show(await send("/arena/round", body));
    at("status").textContent = "";
  } catch (error) {
    at("status").textContent = "";
    at("submit").disabled = false;
    complain(error.message);
  }
}

/** Show both answers, as text. */
function show(round) {
  task = round.task;
  at("name-left").textContent = say("Left");
  at("name-right").textContent = say("Right");
  at("said-left").textContent = round.left;
  at("said-right").textContent = round.right;
  at("votes").disabled = false;
  at("next").hidden = true;
  at("round").hidden = false;
  passed = clock();
  at("name-left").focus();
}

/** Send a vote, and tell whose the answers are. */
async function vote(button) {
  complain("");
  at("votes").disabled = true;
  try {
    const told = await send("/arena/vote", { task, winner: button.dataset.winner, seconds: passed() });
    at("name-left").textContent = say("Left: {model}", { model: told.left });
    at("name-right").textContent = say("Right: {model}", { model: told.right });
    at("status").textContent = say("Your vote is kept. Left was {left}, right was {right}.", told);
    at("next").hidden = false;
    at("next").focus();
  } catch (error) {
    at("votes").disabled = false;
    complain(error.message);
  }
}

if (at("ask")) {
  at("text").value = sessionStorage.getItem(DRAFT) ?? "";
  at("text").addEventListener("input", () => sessionStorage.setItem(DRAFT, at("text").value));
  at("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!at("submit").disabled) begin();
  });
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  for (const button of buttons) button.addEventListener("click", () => vote(button));
  at("next").addEventListener("click", () => {
    at("round").hidden = true;
    at("submit").disabled = false;
    at("text").select();
    at("text").focus();
  });
}

// Forms that are sent as JSON with the page's token: data-send is where to, data-ask what is asked first. The answer's
// `next` is where to go then, `show` what to show once, such as a link; without both the page is loaded again.
import { say } from "/static/words.js";

const at = (id) => /** @type {any} */ (document.getElementById(id));

/** What a field holds: a number, whether it is marked, or its text. Nothing where it is not to be sent. */
function value(field) {
  if (field.type === "checkbox") return field.checked;
  if (field.type === "number") return field.value === "" ? null : Number(field.value);
  return field.value;
}

/** Send what a form holds. Throws what the server says is wrong. */
async function sent(form) {
  const body = {};
  for (const field of form.elements) if (field.name) body[field.name] = value(field);
  const token = /** @type {any} */ (document.querySelector("meta[name=token]"))?.content ?? "";
  const answer = await fetch(form.dataset.send, {
    method: "POST", headers: { "Content-Type": "application/json", "X-Page-Token": token }, body: JSON.stringify(body),
  }).catch(() => null);
  if (!answer) throw new Error(say("the server cannot be reached; nothing was changed"));
  const text = await answer.text();
  let told = null;
  try {
    told = JSON.parse(text);
  } catch { /* no answer of ours */ }
  if (!answer.ok) throw new Error(told?.error?.message ?? say("the server answered {status}", { status: answer.status }));
  return told ?? {};
}

/** Forget the drafts of this browser: the server has them. */
function forget() {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith("foretell draft")) localStorage.removeItem(name);
  } catch { /* none here */ }
}

/** Show what went wrong, beside the form if it has a place for that. */
function complain(form, text) {
  const place = form.querySelector("[role=alert]") ?? at("error");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

/** Send a form and go where the answer says. */
async function submit(form) {
  const buttons = [...form.querySelectorAll("button")];
  complain(form, "");
  for (const button of buttons) button.disabled = true;
  try {
    const told = await sent(form);
    if (told.show) {
      const place = at("shown");
      place.hidden = false;
      place.querySelector("output").textContent = told.show;
      place.focus();
    } else if (told.next) {
      if (form.dataset.send === "/sign-out") forget();
      location.assign(told.next);
    } else location.reload();
  } catch (error) {
    complain(form, error.message);
  }
  for (const button of buttons) button.disabled = false;
}

for (const form of /** @type {any} */ (document.querySelectorAll("form[data-send]"))) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.dataset.ask || confirm(form.dataset.ask)) submit(form);
  });
  if (form.dataset.each !== undefined) form.addEventListener("change", () => form.requestSubmit());
}

// What scripts say, in the language of the page.

const known = document.documentElement.lang === "en" ? {} : (await import("/static/chinese.js")).default;

/** A text in the language of the page, with values for its {names}; what has no translation as it is. */
export function say(text, values = {}) {
  return (known[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

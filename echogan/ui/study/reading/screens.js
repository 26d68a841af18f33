// What the page says beside the case: progress, whether all is saved, messages that fill the page, and the help.

const $ = (selector) => document.querySelector(selector);

export function say(text) {
  // The same words again are said again.
  $(".live").textContent = "";
  requestAnimationFrame(() => { $(".live").textContent = text; });
}

export function screen(name) { document.body.dataset.screen = name; }

export const shown = () => document.body.dataset.screen;

// A message instead of the case. `button`: [its words, what it does], or nothing.
export function message(title, words, button) {
  screen("message");
  $(".message h1").textContent = title;
  $(".message .words").replaceChildren(...words.filter(Boolean).map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  const go = $(".message button");
  go.hidden = !button;
  if (!button) return;
  go.replaceChildren(button[0], Object.assign(document.createElement("kbd"), { textContent: "Enter" }));
  go.onclick = button[1];
  go.focus();
}

// Case `number` of `total`, of which `done` are rated.
export function progress({ number, done, total, seconds_left: seconds }) {
  const minutes = Math.round(seconds / 60);
  $(".count").textContent = `${number ?? done}/${total}, ${minutes < 1 ? "less than a minute" : `about ${minutes} min`} left`;
  $(".bar i").style.width = `${(100 * done) / total}%`;
}

// `waiting` ratings are on their way; `error` is what kept them from arriving.
export function saved(waiting, error) {
  const line = $(".saved"), bar = $(".offline");
  const kept = waiting === 1 ? "1 rating is kept in this browser" : `${waiting} ratings are kept in this browser`;
  line.dataset.state = !waiting ? "saved" : error ? "kept" : "saving";
  line.textContent = !waiting ? "✓ Saved" : error ? "! Not saved yet" : "Saving …";
  bar.hidden = !(waiting && error);
  bar.textContent = `${error?.message ?? ""} ${kept} and sent again until saved. Do not clear the browser's data.`;
}

// What the reader must know: a rating that the server will never take.
export function warn(text) {
  $(".offline").hidden = false;
  $(".offline").textContent = text;
  say(text);
}

// What each grade means, of all questions of the case.
export function anchors(items) {
  const rows = items.filter((item) => item.options?.some((option) => option.anchor)).map((item) => {
    const list = document.createElement("dl");
    for (const { label, anchor } of item.options) {
      list.append(Object.assign(document.createElement("dt"), { textContent: label }), Object.assign(document.createElement("dd"), { textContent: anchor ?? "" }));
    }
    const part = document.createElement("section");
    part.append(Object.assign(document.createElement("h3"), { textContent: item.title }), list);
    return part;
  });
  $(".anchors").replaceChildren(...rows);
}

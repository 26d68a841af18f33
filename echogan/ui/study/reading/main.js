// The reading page: shows case after case, takes the answers, and hands them to the outbox.

import { Form } from "./form.js";
import { listen } from "./keys.js";
import { newId, Outbox } from "./outbox.js";
import { Player } from "./player.js";
import { anchors, message, progress, saved, say, screen, shown, warn } from "./screens.js";
import { server } from "./server.js";
import { Watch } from "./watch.js";

const $ = (selector) => document.querySelector(selector);
const watch = new Watch(() => player.pause());
const player = new Player($(".panes"), () => onPlayback());
const form = new Form($(".items"), () => onAnswer());
const media = new Map(); // assignment -> promise of its clip's bytes
const past = new Map(); // assignment -> case with the answers given, in the order of reading
let state, outbox, now, rested, waiting;

async function begin() {
  try {
    take(await server.state());
  } catch (error) {
    message(error.final ? "This link cannot be used" : "The server cannot be reached", [error.message],
      error.final ? null : ["Try again", begin]);
    return;
  }
  document.title = state.title || "Reading";
  rested = Date.now();
  outbox ??= new Outbox(state.reader, server.rate, told);
  await outbox.flush();
  saved(outbox.waiting.length, null);
  next();
}

function take(told) {
  if (told.session !== state?.session) past.clear();
  const fresh = state && told.session !== state.session;
  state = told;
  for (const entry of state.rated) if (!past.has(entry.id)) past.set(entry.id, entry);
  if (fresh) now = null;
}

// The answer to a rating, or what kept it from being saved.
async function told(answer, error, rating) {
  if (answer) take(answer);
  saved(outbox.waiting.length, error);
  if (error?.refused) {
    warn(error.message);
    past.delete(rating.assignment);
    await server.state().then(take, () => {});
  } else if (error?.final) {
    player.pause();
    message("This study does not take ratings now", [error.message, unsent()]);
    return;
  } else if (error) {
    say("Not saved yet. The rating is kept in this browser and sent again.");
  } else if (answer && !outbox.waiting.length) {
    say("Saved");
  }
  if (waiting && !error?.lost) next();
  else if (now && shown() === "case") {
    count();
    preload();
  }
}

function unsent() {
  const number = outbox.waiting.length;
  return number ? `Not saved yet, and kept in this browser: ${number === 1 ? "one rating" : `${number} ratings`}.` : "";
}

function upcoming() {
  const sent = new Set(outbox.waiting.map((rating) => rating.assignment));
  return state.cases.filter((entry) => !sent.has(entry.id));
}

function next() {
  waiting = false;
  const [entry] = upcoming();
  if (state.phase === "reading" && entry) {
    if (!past.size && !entry.introduced) introduce(entry);
    else if (Date.now() - rested > state.session_minutes * 60_000) rest();
    else show(entry);
    return;
  }
  now = null;
  player.clear();
  waiting = outbox.waiting.length > 0;
  if (waiting) message("Saving …", [unsent(), "Reading goes on as soon as the server answers."]);
  else message(state.heading, [state.message]);
}

function introduce(entry) {
  const session = state.sessions > 1 ? `, session ${state.session} of ${state.sessions}` : "";
  entry.introduced = true;
  message(`${state.title}${session}`, [...state.instructions, "Everything works with the keyboard: press ? while reading."], ["Start", next]);
}

function rest() {
  rested = Date.now();
  const minutes = Math.round(state.session_minutes);
  message("Time for a pause", [`You have been reading for ${minutes} minutes. Rested eyes rate more evenly.`, unsent()], ["Continue", next]);
}

function pause() {
  player.pause();
  const { dwell_ms, hidden_ms } = watch.read();
  now.before = { dwell_ms: now.before.dwell_ms + dwell_ms, hidden_ms: now.before.hidden_ms + hidden_ms };
  message("Paused", [`${state.done} of ${state.total} are rated.`, unsent() || "Everything is saved. You may close this page and come back with the same link."],
    ["Continue", resume]);
}

function resume() {
  rested = Date.now();
  watch.start();
  screen("case");
  player.play();
}

function bytes(entry) {
  if (!media.has(entry.id)) {
    const coming = server.media(entry.id);
    coming.catch(() => media.delete(entry.id));
    media.set(entry.id, coming);
  }
  return media.get(entry.id);
}

function preload() {
  const wanted = new Set([now, before(), ...upcoming()].map((entry) => entry?.id));
  for (const id of media.keys()) if (!wanted.has(id)) media.delete(id);
  for (const entry of upcoming()) bytes(entry).catch(() => {});
}

// Show a case. One that was rated before comes with its answers, and with the rating that it would replace.
async function show(entry) {
  const mine = (now = { ...entry, whole: Boolean(entry.rating), before: { dwell_ms: 0, hidden_ms: 0 } });
  screen("case");
  player.clear();
  $("main.case").setAttribute("aria-busy", "true");
  form.build(entry.items, entry.answers ?? {});
  form.enable(now.whole);
  $(".heading").textContent = entry.rating ? "Change your rating" : entry.heading;
  $(".task").textContent = entry.rating ? "Esc leaves it as it was." : entry.practice ? "Practice: this case is not counted." : "";
  anchors(entry.items);
  count();
  try {
    const blob = await bytes(entry);
    if (mine !== now) return;
    await player.load(entry, blob);
  } catch (error) {
    if (mine === now) message("The clip did not arrive", [error.message], ["Try again", () => show(entry)]);
    return;
  }
  if (mine !== now) return;
  if (shown() !== "case") player.pause();
  $("main.case").removeAttribute("aria-busy");
  watch.start();
  server.shown(entry.id).catch(() => {}); // the time that it was shown at is lost then, and nothing else
  say(`${$(".count").textContent}. ${$(".heading").textContent}. ${$(".task").textContent}`);
  preload();
}

function count() {
  const fresh = outbox.waiting.filter((rating) => !rating.replaces).length;
  progress({ ...state, done: state.done + fresh, number: now.number });
  $("[data-act=undo]").disabled = !before();
}

function onPlayback() {
  if (!now || !player.clip) return;
  if (player.loops >= state.plays && !now.whole) {
    now.whole = true;
    form.enable(true);
    say("You can rate now");
  }
  const times = state.plays > 1 ? `${state.plays} times` : "once";
  $(".watch").textContent = `Watch the whole clip ${times}, then rate: ${Math.floor(player.part * 100)} %`;
  $(".watch").hidden = now.whole;
  $(".frame").textContent = `${player.frame + 1} / ${now.frames}`;
  $(".zoom").textContent = `${Math.round(player.view.zoom * 100)} %`;
  $(".play").textContent = player.playing ? "Pause" : "Play";
  onAnswer();
}

function onAnswer() {
  $(".save").toggleAttribute("data-ready", Boolean(now?.whole && !form.missing.length));
}

function save() {
  if (!now.whole) return say($(".watch").textContent);
  if (form.missing.length) {
    form.activate(form.missing[0].id);
    return say(`Not answered yet: ${form.missing.map((item) => item.title).join(", ")}`);
  }
  const spent = watch.read();
  const rating = {
    id: newId(), assignment: now.id, replaces: now.rating ?? null, answers: form.answers, plays: player.loops,
    dwell_ms: now.before.dwell_ms + spent.dwell_ms, hidden_ms: now.before.hidden_ms + spent.hidden_ms,
    viewport: `${innerWidth}x${innerHeight}@${+devicePixelRatio.toFixed(2)}`,
  };
  past.set(now.id, { ...now, answers: rating.answers, rating: rating.id });
  outbox.add(rating);
  saved(outbox.waiting.length, null);
  next();
}

// The case read before the one that is shown; none at the first.
function before() {
  const read = [...past.values()];
  const at = read.findIndex((entry) => entry.id === now?.id);
  return at < 0 ? read.at(-1) : read[at - 1];
}

function undo() {
  const entry = before();
  if (entry) show(entry);
  else say("There is nothing to undo.");
}

const acts = {
  save, undo, pause, play: () => player.toggle(), back: () => player.step(-1), forward: () => player.step(1),
  larger: () => player.zoomBy(1.25), smaller: () => player.zoomBy(0.8), whole: () => player.fit(), help: () => $(".help").showModal(),
};
document.addEventListener("click", ({ target }) => acts[target.closest("[data-act]")?.dataset.act]?.());

const choose = (said) => { if (said) say(said); else if (!now.whole) say($(".watch").textContent); };
const move = (by) => say(form.move(by).dataset.title);
const enter = () => (shown() === "case" ? save() : $(".message button:not([hidden])")?.click());
listen([
  [["1", "2", "3", "4", "5", "6", "7"], "choose an answer and go to the next question", ({ key }) => choose(form.chooseNumber(Number(key))), "1 – 7"],
  [["y", "n"], "yes, no", ({ key }) => choose(form.chooseKey(key.toLowerCase()))],
  [["x"], "cannot assess", () => choose(form.chooseCannot())],
  [["c"], "write a comment, where one is asked for", () => $(".items input[type=text]:enabled")?.focus()],
  [["ArrowUp"], "question before", () => move(-1), "↑"],
  [["ArrowDown"], "next question", () => move(1), "↓"],
  [["ArrowLeft"], "one answer to the left", () => choose(form.shift(-1)), "←"],
  [["ArrowRight"], "one answer to the right", () => choose(form.shift(1)), "→"],
  [["Enter"], "save and continue", enter],
  [["u"], "undo: change the rating before", undo],
  [["Escape"], "leave a change as it was", () => { if (now?.rating) next(); }, "Esc"],
  [["p"], "pause reading", pause],
  [[" "], "play or pause the clip", acts.play, "Space"],
  [["?"], "this help", acts.help],
  [[","], "one frame back", acts.back],
  [["."], "one frame forward", acts.forward],
  [["-"], "zoom out", acts.smaller],
  [["+", "="], "zoom in", acts.larger, "+"],
  [["0"], "whole picture", acts.whole],
], $(".keys"), (key) => shown() !== "case" && key !== "enter");

begin();

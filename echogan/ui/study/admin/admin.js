// Runs as the body of a function of (element, trigger, props, server, upload); the parts before it are admin_*.js.

const root = element.querySelector(".st-app");
const $ = (selector) => root.querySelector(selector);
const site = (window.gradio_config?.root || window.location.origin).replace(/\/$/, "");
const fileUrl = (path) => `${site}/gradio_api/file=${path.split("/").map(encodeURIComponent).join("/")}`;
const STATES = {
  draft: "Draft: nobody can read yet", open: "Open: readers are rating", frozen: "Frozen: no rating is taken any more", closed: "Closed",
};
const EVERY = 4000; // ms between two looks at what changes by itself
let chosen = sessionStorage.getItem("st-study"), shownState = "", link = null, number = 0;

function say(text, bad = false) {
  const live = $(".st-live");
  live.textContent = text;
  live.classList.toggle("st-bad", bad);
}

// A call of the server; null where it was refused, which is said.
async function call(name, data = {}) {
  let answer;
  try {
    answer = await server[`study_${name}`]({ study: chosen, ...data });
  } catch {
    answer = { error: "The server does not answer. Check the connection, or reload the page." };
  }
  if (answer?.error) {
    say(answer.error, true);
    return null;
  }
  return answer ?? {};
}

async function act(name, data) {
  const answer = await call(name, data);
  if (answer) say("");
  await look(true);
  return answer;
}

async function look(fresh = false) {
  const found = await call("look");
  if (!found) return;
  list(found);
  making(found.making);
  // What somebody reads or presses is not replaced by the same again.
  const now = JSON.stringify([found.study, link]);
  if (!fresh && now === shownState) return;
  shownState = now;
  show(found.study);
}

function list(found) {
  const items = found.studies.map((name) => {
    const node = button(name, () => choose(name));
    if (name === chosen) node.setAttribute("aria-current", "true");
    return make("li", {}, node);
  });
  if ($(".st-list").textContent !== found.studies.join("") || $("[aria-current]")?.textContent !== chosen) $(".st-list").replaceChildren(...items);
  if (found.studies.length && !$(".st-none").hidden) $(".st-make").open = false;  // it stays as it is set from then on
  $(".st-none").hidden = found.studies.length > 0;
  $(".st-no-folders").hidden = found.folders;
  const select = $("[name=protocol]");
  const names = { single: "A: single clips, then fidelity", pair: "B: pairs, then fidelity", fidelity: "C: fidelity alone" };
  if (!select.options.length) select.replaceChildren(...found.protocols.map((name) => make("option", { value: name, textContent: names[name] ?? name })));
}

async function choose(name) {
  chosen = name;
  link = null;
  sessionStorage.setItem("st-study", name);
  await look(true);
}

function making(work) {
  const line = $(".st-making");
  if (!work) return line.replaceChildren();
  const words = work.error || work.message || `Making ${work.name}: ${work.done} of ${work.total || "…"} clips`;
  if (line.dataset.words === words) return;
  line.dataset.words = words;
  line.classList.toggle("st-bad", Boolean(work.error));
  line.replaceChildren(words, ...(work.ended ? [] : [button("Stop", () => act("stop"))]));
  if (work.ended && !work.error) {
    $(".st-new").reset();
    choose(work.name);
  }
}

const values = () => Object.fromEntries([...new FormData($(".st-new"))].map(([name, value]) =>
  [name, ["readers", "training", "washout_days"].includes(name) ? (value === "" ? null : +value) : value]));
$(".st-new").addEventListener("submit", async (event) => {
  event.preventDefault();
  delete $(".st-making").dataset.words;
  await act("create", values());
});
$("[data-do=preview]").onclick = async () => {
  const protocol = await call("preview", values());
  if (protocol) $(".st-main").replaceChildren(make("h2", { textContent: "Protocol" }), protocolView(protocol));
};

function show(study) {
  const main = $(".st-main");
  if (!study) return main.replaceChildren(make("p", { className: "st-hint", textContent: "Choose a study, or make one. A reader study asks several readers to rate original and enhanced clips without knowing which is which." }));
  if (study.broken) return main.replaceChildren(make("h2", { textContent: study.name }), make("p", { className: "st-bad", textContent: study.broken }));
  const views = Object.entries(study.views).map(([view, count]) => `${view} ${count}`).join(", ");
  main.replaceChildren(...[
    make("h2", { textContent: study.name }),
    way(study),
    make("p", { className: "st-state" }, make("b", { textContent: STATES[study.state] }), study.unblinded ? ", unblinded" : ", blinded"),
    make("p", { className: "st-hint", textContent: `“${study.title}”, made ${when(study.created)}: ${study.clips} clips of ${study.patients} patients (${views}), ${study.stimuli} stimuli.` }),
    steps(study), link, readersView(study, $(".st-ask"), act, tellLink),
    make("details", {}, make("summary", { textContent: "Protocol" }), protocolView(study.protocol)),
    make("details", {}, make("summary", { textContent: "Log" }), logView(study.log)),
  ].filter(Boolean));
}

// What can be done now, and what must be done before the next step.
function steps(study) {
  const sure = (title, words, yes, name, fields, kind) => button(title, async () => {
    const given = await ask($(".st-ask"), `${title}?`, words, fields, yes);
    if (given) await act(name, given);
  }, kind);
  const ready = study.points.every((point) => point.ok || !point.needed);
  const next = (yes) => (yes ? "st-primary" : "");
  const box = make("section", { className: "st-steps" });
  if (study.state === "draft") {
    box.append(make("ul", { className: "st-points" }, ...study.points.map((point) =>
      make("li", { className: point.ok ? "st-ok" : point.needed ? "st-lacks" : "st-advice" }, make("b", { textContent: point.ok ? "✓" : point.needed ? "✗" : "○" }), point.sentence))),
    make("div", { className: "st-row" },
      button("Look at the stimuli", () => stimulus(0), next(!study.confirmed)),
      button("Look at the masks", masks),
      study.confirmed ? null : sure("Confirm the stimuli", "You have looked at the stimuli and saw no name and no text on them.", "Confirm", "confirm"),
      button("Dry run as a reader", rehearse),
      sure("Open", "Assignments are fixed then, and readers can begin. The protocol cannot change any more.", "Open", "open", [], next(ready))));
  }
  const row = make("div", { className: "st-row" });
  const finished = study.readers.length > 0 && study.readers.every((reader) => reader.total && reader.done === reader.total);
  if (study.state === "open") row.append(sure("Freeze", "No rating is taken any more, and this cannot be undone.", "Freeze", "freeze", [], next(finished)));
  if (study.state === "frozen" && !study.unblinded) row.append(sure("Unblind", "The arms can be read then. It is written to the log and cannot be undone.", "Unblind", "unblind", [["reason", "Reason", { required: true, maxLength: 500 }]], "st-primary"));
  if (study.unblinded) {
    for (const [kind, words] of [["report", "Report (PDF)"], ["results", "All results (ZIP)"], ["table", "Ratings as CSV"], ["export", "Export the study"]]) row.append(button(words, () => fetchFile(kind), next(kind === "report")));
  }
  row.append(button("Back up", async () => {
    const made = await act("backup");
    if (made) say(`Backed up as ${made.name} in the study's folder.`);
  }), button("Check the log", async () => {
    const answer = await call("verify");
    if (answer) say(answer.faults.length ? answer.faults.join(" ") : "The log and the tables are as they were written.", answer.faults.length > 0);
  }));
  if (study.state === "frozen") row.append(sure("Close", "Nothing about the study changes any more.", "Close", "close"));
  box.append(row);
  return box;
}

// Where the study stands on its way; never back.
function way(study) {
  const names = ["Draft", "Open", "Frozen", "Unblinded", "Closed"];
  const now = { draft: 0, open: 1, frozen: study.unblinded ? 3 : 2, closed: 4 }[study.state];
  return make("ol", { className: "st-way" }, ...names.map((textContent, n) => {
    const step = make("li", { textContent, className: n < now ? "st-done" : "" });
    if (n === now) step.setAttribute("aria-current", "step");
    return step;
  }));
}

async function fetchFile(kind) {
  if (kind === "report" || kind === "results") say("Analysing the ratings. This takes up to a minute.");
  const made = await act("file", { kind });
  if (made) make("a", { href: fileUrl(made.path), download: made.name }).click();
}

// A link that was just made. Only its hash is stored, so it cannot be shown again.
function tellLink(reader, token) {
  const field = make("input", { readOnly: true, value: `${site}/read/${token}`, className: "st-url" });
  field.setAttribute("aria-label", `Link of ${reader}`);
  field.onfocus = () => field.select();
  const copy = button("Copy", async () => {
    field.select();
    await navigator.clipboard?.writeText(field.value).then(() => say("Copied."), () => say("Press Ctrl+C to copy."));
  });
  link = make("section", { className: "st-link" }, make("p", { textContent: `The link of ${reader}. It is shown once: send it to the reader now.` }),
    make("div", { className: "st-row" }, field, copy, button("Done", () => { link = null; return look(true); })));
  look(true);
}

async function rehearse() {
  const made = await call("rehearse");
  if (!made) return;
  const url = `${site}/read/${made.token}`;
  link = make("section", { className: "st-link" }, make("p", { textContent: "A copy of the study, to be read as a reader does. What is rated in it is thrown away." }),
    make("a", { href: url, target: "_blank", rel: "noopener", textContent: "Read the copy", className: "st-dry" }));
  await look(true);
}

async function masks() {
  const found = await call("masks");
  if (!found) return;
  $(".st-masks img").src = fileUrl(found.path);
  $(".st-masks").showModal();
}

async function stimulus(at) {
  const found = await call("stimulus", { number: at });
  if (!found) return;
  number = found.number;
  const video = $(".st-show video");
  video.src = fileUrl(found.path);
  video.play().catch(() => {});
  $(".st-show .st-words").textContent = `Stimulus ${number + 1} of ${found.of}, in no order. Look for names, dates and other text.`;
  for (const node of root.querySelectorAll("[data-show]")) node.disabled = (node.dataset.show === "-1" && !number) || (node.dataset.show === "1" && number + 1 === found.of);
  if (!$(".st-show").open) $(".st-show").showModal();
}
for (const node of root.querySelectorAll("[data-show]")) {
  node.onclick = () => (node.dataset.show === "0" ? $(".st-show").close() : stimulus(number + Number(node.dataset.show)));
}
$(".st-show").onclose = () => $(".st-show video").removeAttribute("src");

look(true);
const timer = setInterval(() => {
  if (!root.isConnected) clearInterval(timer);
  else if (root.checkVisibility() && !document.hidden && !root.querySelector("dialog[open]")) look();
}, EVERY);

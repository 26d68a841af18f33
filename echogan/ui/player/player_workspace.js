// The session: which clips it holds, which one is shown, and what the server is asked to do.

const list = makeList({ list: $(".eg-list"), messages: $(".eg-messages"), undo: $(".eg-undo"), url: host.url, chosen: choose,
  removed: (ids) => ask("remove", { ids }) });
const exporting = makeExports({ kinds: $(".eg-kinds"), jobs: $(".eg-jobs"), url: host.url, start: (kind) => save([list.current.id], kind),
  dropped: (id) => ask("drop_export", { export: id }), savePicture, saveAll: () => save(enhancedIds(), "all") });
const strengths = {}; // clip -> strength chosen
const enhanceSoon = new Set();
const RETRY = 5000; // ms
let timer = 0, said = 0, exportsNow = [], seen = "", asking = false;

const enhancedIds = () => list.clips.filter((clip) => clip.has_result).map((clip) => clip.id);
const model = () => $("#eg-model input")?.value || "";

function say(error) {
  if (error.gone && list.clips.length) list.say("", "The server has ended this list of clips, because it was not used or the server is full. Open the clips again.");
  if (error.gone) { begin(); return; }
  list.say("", error.message);
}

// A call whose answer holds the list; what it refused is said.
async function ask(name, data) {
  try {
    const answer = await host.call(name, data);
    took(answer);
    return answer;
  } catch (error) {
    say(error);
    if (!error.gone) again(RETRY); // a server that was busy or restarted is asked again
    return null;
  }
}

function took(answer) {
  if (answer.exports) { exportsNow = answer.exports; exporting.show(exportsNow); }
  for (const { name, sentence } of answer.refused || []) list.say(name.split("/").pop(), sentence);
  if (answer.clips) update(answer.clips);
  again();
}

function update(clips) {
  const refused = clips.filter((clip) => clip.state === "refused");
  for (const clip of refused) list.say(clip.name.split("/").pop(), clip.error);
  if (refused.length) host.call("remove", { ids: refused.map((clip) => clip.id) }).catch(say);
  list.show(clips);
  const now = list.current;
  if (!now) close();
  if (!now && list.clips.length) choose(list.clips[0].id);
  if (now) follow(now);
  enhanceOpened();
  controls();
}

const revision = ({ rev, second }) => `${rev}/${second?.rev ?? ""}`;

// The clip shown: new facts are fetched when they changed, more frames are taken as they come.
async function follow(clip) {
  const { original } = state.streams, waited = original && transport.frame >= original.ready;
  original?.grow(clip.original_ready);
  if (waited && !transport.on) transport.seek(transport.frame);
  if (state.detail?.id === clip.id && revision(state.detail) === revision(clip)) {
    const readyOf = (one, names) => (one ? { [names.picture]: one.ready, [names.maps]: one.maps_ready, [names.flags]: one.flags_ready } : {});
    const ready = { ...readyOf(clip, RESULTS.enhanced), ...readyOf(clip.second, RESULTS.second) };
    const grown = Object.entries(ready).filter(([name, count]) => state.streams[name] && state.streams[name].ready !== count);
    for (const [name, count] of grown) state.streams[name].grow(count);
    if (grown.length && !transport.on) transport.seek(transport.frame);
    if (grown.length) tell(transport.frame);
    return;
  }
  if (clip.state === "opening" || follow.asked === `${clip.id}/${revision(clip)}`) return;
  follow.asked = `${clip.id}/${revision(clip)}`;
  try {
    open(await host.call("clip", { id: clip.id }));
  } catch (error) {
    say(error);
  } finally {
    follow.asked = "";
  }
}

function choose(id) {
  list.select(id);
  sessionStorage.setItem("eg-clip", id || "");
  if (state.detail?.id !== id) close();
  if (list.current) follow(list.current);
  controls();
}

function close() {
  transport.stop();
  for (const stream of Object.values(state.streams)) stream.close();
  [state.detail, state.streams] = [null, {}];
  mmode.close();
  tools.clear();
  root.dataset.state = list.clips.length ? "opening" : "empty";
}

// The clip's facts have come, for the first time or anew: the frame, the view and the marks stay where the clip is the same.
function open(detail) {
  if (detail.id !== list.current?.id) return;
  const same = state.detail?.id === detail.id, had = Boolean(result()), { frame, on } = transport;
  state.detail = detail;
  state.streams = streamsOf(detail, state.streams);
  for (const each of [painter, slicer]) {
    each.load(detail);
    if (detail.mask) each.loadMask(host.url(detail.mask)).then(() => paint()).catch(say);
  }
  root.dataset.state = detail.result ? "result" : "ready";
  describe(detail);
  const step = detail.fps ? 1 / detail.fps : 1;
  if (!same) transport.load(detail.starts || Array.from({ length: detail.frames + 1 }, (_, i) => i * step));
  if (!same) fan.load(detail); else if (!root.classList.contains("eg-editing")) fan.load(detail);
  setMap(detail.result ? Math.min(state.map, detail.result.maps.length - 1) : -1);
  if (!same || had !== Boolean(detail.result)) { layout(); view.load(detail); }
  layout();
  if (!on) transport.seek(same ? frame : 0);
  if (!same && !calm.matches) transport.play();
  controls();
}

// A stream whose folder is still the same goes on with what it has fetched; others are closed.
function streamsOf(detail, before) {
  const of = (shown, names) => ({ [names.picture]: shown, [names.maps]: shown?.map_tiles, [names.flags]: shown?.flag_tiles });
  const parts = Object.entries({ original: detail.original, truth: detail.truth, ...of(detail.result, RESULTS.enhanced), ...of(detail.second?.result, RESULTS.second) }).filter(([, part]) => part);
  const streams = Object.fromEntries(parts.map(([name, { folder, ready }]) => {
    const old = before[name];
    if (old?.folder !== folder) return [name, makeStream((file) => host.url(`${folder}/${file}`), folder, ready)];
    old.grow(ready);
    return [name, old];
  }));
  for (const [name, old] of Object.entries(before)) if (streams[name] !== old) old.close();
  return streams;
}

// While there is work, the server answers as soon as something has changed.
function again(least = 50) {
  clearTimeout(timer);
  if (asking) return;
  const making = exportsNow.some((job) => job.state === "making"), busy = list.clips.some((clip) => BUSY.has(clip.state) || BUSY.has(clip.second?.state) || clip.original_ready < clip.frames);
  // Without work a call now and then tells the server that the page is still open.
  timer = setTimeout(askNews, making || busy ? least : Math.max(least, 60_000));
}

async function askNews() {
  asking = true;
  const answer = await ask("news", { seen });
  asking = false;
  seen = answer ? answer.seen : "";
  again(answer ? undefined : RETRY);
}

// ---- what the visitor asks for ----
async function add(files) {
  const wanted = [...files].filter((file) => !(file.webkitRelativePath || file.name).split("/").some((part) => part.startsWith(".")));
  if (!wanted.length) return;
  const before = list.clips.length;
  const { sent, refused } = await host.send(wanted, (i, of) => tellLive(`Sending ${i + 1} of ${of}`));
  tellLive("");
  const answer = sent.length ? await ask("add_clips", { files: sent }) : null;
  for (const { name, sentence } of refused) list.say(name, sentence);
  if (answer?.added?.length && !before) choose(answer.added[0]);
}

// An example is there to be seen enhanced: it goes on as soon as it is open.
async function addExample(name) {
  const answer = await ask("example", { name });
  if (!answer?.added?.length) return;
  enhanceSoon.add(answer.added[0]);
  choose(answer.added[0]);
}

function enhanceOpened() {
  const ids = list.clips.filter((clip) => enhanceSoon.has(clip.id) && clip.state !== "opening").map((clip) => clip.id);
  if (!ids.length) return;
  ids.forEach((id) => enhanceSoon.delete(id));
  enhance(ids);
}

const enhance = (ids) => ask("enhance", { ids, model: model() });
const waitingIds = () => list.clips.filter((clip) => !clip.has_result && !BUSY.has(clip.state)).map((clip) => clip.id);

function save(ids, kind) {
  const strength = Object.fromEntries(ids.map((id) => [id, strengths[id] ?? 1]));
  return ask("export", { ids, kind, strength, mark: $(".eg-mark").checked, keep: state.keep });
}

async function redraw(name, data) {
  try {
    open(await host.call(name, { id: state.detail.id, ...data }));
    ask("poll");
  } catch (error) {
    say(error);
  }
}

function tellLive(text) {
  const now = performance.now(), live = $(".eg-live");
  // A screen reader would speak every frame: a new sentence at most every two seconds, and the last one.
  if (text && live.textContent && now - said < 2000 && /Enhancing/.test(text)) return;
  if (live.textContent !== text) { live.textContent = text; said = now; }
}

// A new page, or one loaded again: the clips of this tab are still on the server.
async function begin() {
  try {
    const answer = await host.call("workspace");
    state.mark = answer.mark;
    $(".eg-mark-text").textContent = `“${answer.mark}”`;
    $(".eg-example-list").replaceChildren(...answer.examples.map(({ name, label }) => make("button", label, { type: "button", "data-example": name })));
    comparison.offer(answer.models);
    list.select(sessionStorage.getItem("eg-clip"));
    took(answer);
  } catch (error) {
    list.say("", error.message);
    setTimeout(begin, 5000);
  }
}

// The second model of the clip on show: asked for, shown or put away, and its numbers.

// With a second model; what the server says against it is told where it was asked for.
async function compare(model2) {
  try {
    state.both = true;
    took(await host.call("compare", { id: list.current.id, model: model(), second: model2 }));
    return "";
  } catch (error) {
    if (error.gone) say(error);
    return error.message;
  }
}

const comparison = makeComparison($(".eg-versus"), $(".eg-pair"), { first: model, start: compare });

// The numbers of both under each other, as long as there is a second or one is being made.
function showPair() {
  const { detail } = state, other = detail?.second, clip = list.current, busy = BUSY.has(clip?.state) || BUSY.has(clip?.second?.state);
  const waits = other && (other.error || (BUSY.has(clip?.second?.state) ? list.words(clip.second) : ""));
  const rows = other && [{ name: result()?.model || "", shown: result(), waits: "" }, { name: other.result?.model || other.model, shown: other.result, waits }];
  const value = (number, shown) => (keeping(shown) ? number.kept : number.value) * (number.follows_strength ? state.strength : 1);
  comparison.show(rows, value, !busy && Boolean(result()?.ended && other?.result?.ended));
}

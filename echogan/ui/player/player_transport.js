// The clock: which frame is due, at what speed, within which range; it asks for frames ahead and shows what is there.

// shown(frame) paints; there(frame) says whether it can be painted now; want(frame, "ahead") has it fetched
// and decoded, "ahead" only where little else is being decoded.
function makeTransport({ shown, there, want, playing }) {
  let starts = [0, 1], frame = 0, speed = 1, on = false, from = 0, to = 0, clock = 0, before = 0;

  const count = () => starts.length - 1;
  const clamp = (i) => Math.max(0, Math.min(count() - 1, i));

  function frameAt(seconds) {
    let low = from, high = to;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= seconds + 1e-6) low = middle; else high = middle - 1;
    }
    return low;
  }

  function load(times) {
    stop();
    starts = times;
    [frame, from, to] = [0, 0, count() - 1];
  }

  // The frame itself, wherever the clock is: what is asked last is shown, also if it comes later.
  async function seek(target) {
    frame = clamp(target);
    clock = starts[frame];
    const asked = frame;
    if (!there(asked)) await want(asked).catch(() => {});
    if (asked === frame) shown(asked);
  }

  function play() {
    if (on || count() < 2) return;
    on = true;
    before = performance.now();
    if (frame >= to || frame < from) frame = from;
    clock = starts[frame];
    playing(true);
    requestAnimationFrame(tick);
  }

  function stop() {
    if (!on) return;
    on = false;
    playing(false);
  }

  function tick(now) {
    if (!on) return;
    // After a pause of the page (another tab in front) the clock goes on where it stood.
    clock += (Math.min(250, now - before) / 1000) * speed;
    before = now;
    const begin = starts[from], length = starts[to + 1] - begin;
    if (clock >= begin + length) clock = begin + ((clock - begin) % length);
    const due = frameAt(clock);
    if (due !== frame) {
      const next = nearest(due);
      if (next !== frame) { frame = next; shown(next); }
    }
    ahead(due);
    requestAnimationFrame(tick);
  }

  // The newest frame at hand on the way from the one shown to the one due.
  function nearest(due) {
    const steps = (due - frame + (to - from + 1)) % (to - from + 1);
    for (let back = 0; back < steps; back += 1) {
      const candidate = due - back < from ? due - back + (to - from + 1) : due - back;
      if (there(candidate)) return candidate;
    }
    return frame;
  }

  function ahead(due) {
    for (let i = 1; i <= 6; i += 1) {
      const next = due + i > to ? from + ((due + i - from) % (to - from + 1)) : due + i;
      if (!there(next)) want(next, "ahead").catch(() => {});
    }
  }

  return {
    load, seek, play, stop,
    get frame() { return frame; },
    get on() { return on; },
    get range() { return [from, to]; },
    get starts() { return starts; },
    toggle() { if (on) stop(); else play(); },
    step(by) { stop(); return seek(frame + by); },
    speed(value) { speed = value; },
    loop(a, b) { [from, to] = a <= b ? [clamp(a), clamp(b)] : [clamp(b), clamp(a)]; },
  };
}

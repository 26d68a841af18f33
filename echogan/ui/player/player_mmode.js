// The M-mode slice: the grey along a drawn line in every frame, original above enhanced, time from left to right.

function makeMMode(box, { pictures, painter, pick, spacing }) {
  const canvas = box.querySelector("canvas"), GAP = 18, LEFT = 46;
  let run = 0, ends = null, columns = null, times = [0, 1], now = 0, settings = null;

  // Samples every frame once; a new line, or another strength, ends the work on the one before.
  async function load(line, starts, how) {
    const mine = (run += 1), count = starts.length - 1;
    [ends, times, settings] = [line, starts, how];
    box.hidden = false;
    box.dataset.ready = "false";
    const points = Math.max(32, Math.min(256, Math.round(Math.hypot(line[1][0] - line[0][0], line[1][1] - line[0][1]))));
    columns = { original: [], enhanced: [] };
    for (let i = 0; i < count; i += 1) {
      const shown = await pictures(i);
      if (mine !== run) return;
      painter.frame(shown, how);
      for (const name of ["original", "enhanced"]) {
        const { width, height } = painter.sheet(name);
        columns[name].push(name === "enhanced" && !shown.result ? null : alongLine(painter.read(name, 0, 0, width, height), ...line, points));
      }
      if (i % 8 === 7) render();
    }
    render();
    box.dataset.ready = "true";
  }

  function render() {
    if (!columns) return;
    const dots = Math.min(2, window.devicePixelRatio || 1), width = canvas.clientWidth, height = canvas.clientHeight;
    [canvas.width, canvas.height] = [width * dots, height * dots];
    const ink = canvas.getContext("2d"), half = (height - GAP) / 2;
    ink.scale(dots, dots);
    ["original", "enhanced"].forEach((name, k) => slice(ink, columns[name], LEFT, k * (half + 2), width - LEFT - 8, half));
    axes(ink, width, height, half);
    mark(now);
  }

  function slice(ink, lines, x, y, w, h) {
    const points = lines.find(Boolean)?.length;
    if (!points) return;
    const image = new ImageData(times.length - 1, points);
    lines.forEach((line, i) => line?.forEach((v, k) => image.data.set([v, v, v, 255], 4 * (k * image.width + i))));
    const small = document.createElement("canvas");
    [small.width, small.height] = [image.width, image.height];
    small.getContext("2d").putImageData(image, 0, 0);
    ink.drawImage(small, x, y, w, h);
  }

  function axes(ink, width, height, half) {
    ink.fillStyle = "#a3aeb8";
    ink.font = "11px system-ui, sans-serif";
    const mm = spacing(), depth = mm ? `${distance(...ends, mm).toFixed(0)} mm` : `${Math.hypot(ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]).toFixed(0)} px`;
    for (const y of [0, half + 2]) { ink.fillText("0", 2, y + 10); ink.fillText(depth, 2, y + half - 3); }
    ink.fillText(times[0].toFixed(2), LEFT, height - 4);
    const end = `${times.at(-1).toFixed(2)} s`;
    ink.fillText(end, width - 8 - ink.measureText(end).width, height - 4);
  }

  function mark(frame) {
    now = frame;
    box.style.setProperty("--at", `${LEFT + ((canvas.clientWidth - LEFT - 8) * (frame + 0.5)) / Math.max(1, times.length - 1)}px`);
  }

  canvas.addEventListener("pointerdown", (event) => {
    const share = (event.offsetX - LEFT) / Math.max(1, canvas.clientWidth - LEFT - 8);
    if (columns) pick(Math.floor(share * (times.length - 1)));
  });
  new ResizeObserver(render).observe(canvas);

  return {
    load, mark,
    again(how) { if (ends && Object.keys(how).some((name) => settings[name] !== how[name])) load(ends, times, how); },
    close() { run += 1; box.hidden = true; ends = columns = null; },
  };
}

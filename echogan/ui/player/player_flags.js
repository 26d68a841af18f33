// What is flagged: outlines of the two thresholds over a map, and the list of regions.

const OUTLINES = [["red", "#ff3b30", 2.2], ["amber", "#ffc400", 1.1]]; // told apart by their width, too

// The lines where the codes (grey levels of an image, 128 is nothing) reach a threshold in [0, 1]: a Path2D in pixels of
// the map. Marching squares: through each cell of four pixel centres, from side to side.
function outline({ data, width, height }, threshold) {
  const path = new Path2D(), level = 127 * threshold, size = new Float32Array(width * height);
  for (let i = 0; i < size.length; i += 1) size[i] = Math.abs(data[4 * i] - 128) - level;
  const cut = (a, b) => a / (a - b);
  for (let y = 0; y + 1 < height; y += 1) {
    for (let x = 0, i = y * width; x + 1 < width; x += 1, i += 1) {
      const a = size[i], b = size[i + 1], c = size[i + width + 1], d = size[i + width];
      const inside = (a >= 0) + (b >= 0) + (c >= 0) + (d >= 0);
      if (inside === 0 || inside === 4) continue;
      const ends = [];
      if (a >= 0 !== b >= 0) ends.push([x + cut(a, b), y]);
      if (b >= 0 !== c >= 0) ends.push([x + 1, y + cut(b, c)]);
      if (c >= 0 !== d >= 0) ends.push([x + 1 - cut(c, d), y + 1]);
      if (d >= 0 !== a >= 0) ends.push([x, y + 1 - cut(d, a)]);
      for (let k = 0; k < ends.length; k += 2) {
        path.moveTo(ends[k][0] + 0.5, ends[k][1] + 0.5);
        path.lineTo(ends[k + 1][0] + 0.5, ends[k + 1][1] + 0.5);
      }
    }
  }
  return path;
}

// Strokes both thresholds into a pane's canvas; `box` is where the map lies in the frame.
function drawOutlines(canvas, view, codes, { amber, red }, box) {
  const ink = canvas.getContext("2d"), dots = canvas.width / Math.max(1, canvas.clientWidth);
  const [left, top] = view.toPane([box[0], box[1]]), [right, bottom] = view.toPane([box[2], box[3]]);
  const place = new DOMMatrix([((right - left) * dots) / codes.width, 0, 0, ((bottom - top) * dots) / codes.height, left * dots, top * dots]);
  for (const [name, colour, width] of [...OUTLINES].reverse()) {
    const path = new Path2D();
    path.addPath(outline(codes, { amber, red }[name]), place);
    // Dark on both sides: over a map of any colour, and for eyes that see red and amber alike.
    for (const [style, wide] of [["rgb(0 0 0 / 55%)", width + 1.6], [colour, width]]) {
      [ink.strokeStyle, ink.lineWidth, ink.lineCap] = [style, wide * dots, "round"];
      ink.stroke(path);
    }
  }
}

// The list in its menu; a click goes to the region.
function makeFlagList(menu, go) {
  const list = menu.querySelector(".eg-regions"), count = menu.querySelector(".eg-count"), name = menu.querySelector(".eg-flags-name");
  const none = menu.querySelector(".eg-flags-none"), waiting = menu.querySelector(".eg-flags-waiting"), keep = menu.querySelector(".eg-keep");
  let regions = [];
  list.addEventListener("click", (event) => {
    const at = event.target.closest("button")?.dataset.region;
    if (at !== undefined) go(regions[Number(at)]);
  });
  return (flags) => {
    const ended = Boolean(flags?.ended);
    menu.hidden = !flags;
    waiting.hidden = ended;
    keep.disabled = !ended;
    regions = flags?.regions || [];
    name.textContent = flags?.label || "";
    count.textContent = ended ? regions.length || "" : "…";
    none.hidden = !ended || regions.some((region) => region.kind !== "hidden");
    list.replaceChildren(...regions.map((region, i) => {
      const button = make("button", "", { type: "button", "data-region": i, class: `eg-region eg-${region.kind}` });
      button.append(make("i", "", { class: region.red ? "eg-over-red" : "eg-over-amber", title: region.over }),
        make("b", region.title), make("span", region.text));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
  };
}

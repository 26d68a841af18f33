// One frame as pictures in the clip's own pixels: original, enhanced at a strength, truth, and the map's colours.

// The streams of each result: its pictures, its maps, and what is flagged in it.
const RESULTS = {
  enhanced: { picture: "result", maps: "maps", flags: "flags" },
  second: { picture: "second", maps: "second_maps", flags: "second_flags" },
};

function makePainter() {
  const sheet = () => {
    const canvas = document.createElement("canvas");
    return { canvas, ink: canvas.getContext("2d", { willReadFrequently: true }) };
  };
  const SHEETS = { original: sheet(), enhanced: sheet(), second: sheet(), truth: sheet() };
  const sheets = { ...SHEETS, map: sheet(), part: sheet() }, changedSheets = { enhanced: sheet(), second: sheet() };
  let detail = null, mask = null, maskUrl = "", lut = null, lutKey = "", shown = { pictures: {} }, stale = false, changed = {};

  function load(next) {
    if (detail?.id !== next.id) [mask, maskUrl] = [null, ""];
    detail = next;
    lutKey = "";
    for (const name of Object.keys(SHEETS)) [sheets[name].canvas.width, sheets[name].canvas.height] = [detail.width, detail.height];
  }

  // Black where an export with blackout is black, transparent over the tissue; from a grey PNG, 255 in the tissue.
  async function loadMask(url) {
    if (url === maskUrl) return;
    maskUrl = url;
    const picture = await createImageBitmap(await (await fetch(url)).blob());
    const { canvas, ink } = sheet();
    [canvas.width, canvas.height] = [picture.width, picture.height];
    ink.drawImage(picture, 0, 0);
    const image = ink.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < image.data.length; i += 4) image.data.set([0, 0, 0, 255 - image.data[i]], i);
    ink.putImageData(image, 0, 0);
    mask = canvas;
  }

  // The frame on show, and how: { strength, blackout, keep }. What is measured in it is put together when it is read.
  function frame(next, how) {
    shown = { pictures: next, ...how };
    stale = true;
    changed = {};
  }

  // `draw(picture, box in the frame)` for each layer of a pane: E over O with an opacity of s is O + s (E - O).
  function layers(name, ink, draw) {
    const { pictures, strength, blackout } = shown, whole = [0, 0, detail.width, detail.height];
    const source = name === "truth" ? pictures.truth : pictures.original;
    if (source) draw(source, whole, whole);
    if (!RESULTS[name]) return;
    const full = result(name);
    if (full) {
      ink.globalAlpha = strength;
      draw(full, facts(name).box);
      ink.globalAlpha = 1;
    }
    if (blackout && mask) draw(mask, whole, whole);
  }

  const facts = (name) => (name === "second" ? detail.second?.result : detail.result);

  // A result at full strength, transparent where the original is to be kept; nothing until it is known where.
  function result(name) {
    const { pictures, keep } = shown, full = pictures[RESULTS[name].picture], flags = pictures[RESULTS[name].flags];
    if (!full || !keep || !facts(name).flags?.ended) return full;
    if (!flags) return undefined;
    changed[name] ??= withoutKept(name, full, flags);
    return changed[name];
  }

  function withoutKept(name, full, flags) {
    const { canvas: holes, ink: cut } = sheets.part, image = part(flags, facts(name).flags.kept_tile), { data } = image;
    for (let i = 0; i < data.length; i += 4) data[i + 3] = data[i];
    cut.putImageData(image, 0, 0);
    const { canvas, ink } = changedSheets[name], { width, height } = full;
    [canvas.width, canvas.height] = [width, height]; // cleared by this
    ink.drawImage(full, 0, 0);
    ink.globalCompositeOperation = "destination-out";
    ink.drawImage(holes, 0, 0, width, height);
    return canvas;
  }

  // The codes of a part of a tile of maps or flags, in each of the colours.
  function part(picture, [x, y, w, h]) {
    const { canvas, ink } = sheets.part;
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    ink.globalCompositeOperation = "copy";
    ink.drawImage(picture, x, y, w, h, 0, 0, w, h);
    return ink.getImageData(0, 0, w, h);
  }

  function sheetOf(name) {
    if (stale) for (const each of Object.keys(SHEETS)) {
      const { ink } = sheets[each];
      layers(each, ink, (picture, [l, t, r, b]) => ink.drawImage(picture, l, t, r - l, b - t));
    }
    stale = false;
    return sheets[name];
  }

  // Colour and opacity of each of the 256 codes: the difference shrinks with the strength, the cycle error does not.
  function table(map, strength) {
    const key = `${map.name}/${strength}`;
    if (key === lutKey) return lut;
    lut = new Uint8ClampedArray(1024);
    const span = map.high - map.low;
    for (let code = 0; code < 256; code += 1) {
      const value = (map.low + (code * span) / 255) * (map.follows_strength ? strength : 1);
      const colour = map.colors[Math.max(0, Math.min(255, Math.round(((value - map.low) * 255) / span)))];
      lut.set([...colour, 255 * 0.9 * Math.min(1, Math.abs(value) / map.solid_at)], 4 * code);
    }
    lutKey = key;
    return lut;
  }

  // The map in colours, in the working space; transparent where it is nothing.
  function map(picture, chosen, strength) {
    const { canvas, ink } = sheets.map, image = part(picture, chosen.tile), colours = table(chosen, strength), { data } = image;
    if (canvas.width !== image.width || canvas.height !== image.height) [canvas.width, canvas.height] = [image.width, image.height];
    for (let i = 0; i < data.length; i += 4) {
      const at = 4 * data[i];
      data[i] = colours[at]; data[i + 1] = colours[at + 1]; data[i + 2] = colours[at + 2]; data[i + 3] = colours[at + 3];
    }
    ink.putImageData(image, 0, 0);
    return canvas;
  }

  return {
    load, loadMask, frame, layers, map, part,
    sheet: (name) => sheetOf(name).canvas,
    read: (name, x, y, w, h) => sheetOf(name).ink.getImageData(x, y, w, h),
  };
}

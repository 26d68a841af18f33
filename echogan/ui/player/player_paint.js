// One frame as pictures in the clip's own pixels: original, enhanced at a strength, truth, and the map's colours.

function makePainter() {
  const sheet = () => {
    const canvas = document.createElement("canvas");
    return { canvas, ink: canvas.getContext("2d", { willReadFrequently: true }) };
  };
  const sheets = { original: sheet(), enhanced: sheet(), truth: sheet(), map: sheet() };
  let detail = null, mask = null, lut = null, lutKey = "";

  function load(next) {
    detail = next;
    mask = null;
    lutKey = "";
    for (const name of ["original", "enhanced", "truth"]) [sheets[name].canvas.width, sheets[name].canvas.height] = [detail.width, detail.height];
  }

  // The tissue, opaque where an export with blackout keeps the picture; from a grey PNG.
  async function loadMask(url) {
    const picture = await createImageBitmap(await (await fetch(url)).blob());
    const { canvas, ink } = sheet();
    [canvas.width, canvas.height] = [picture.width, picture.height];
    ink.drawImage(picture, 0, 0);
    const image = ink.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < image.data.length; i += 4) image.data[i + 3] = image.data[i];
    ink.putImageData(image, 0, 0);
    mask = canvas;
  }

  // E over O with an opacity of s is O + s (E - O).
  function frame(pictures, strength, blackout) {
    const { original, enhanced, truth } = sheets;
    original.ink.drawImage(pictures.original, 0, 0);
    if (pictures.truth) truth.ink.drawImage(pictures.truth, 0, 0);
    enhanced.ink.globalCompositeOperation = "source-over";
    enhanced.ink.drawImage(pictures.original, 0, 0);
    if (pictures.result) {
      const [x, y, w, h] = detail.result.enhanced, [left, top] = detail.result.box;
      enhanced.ink.globalAlpha = strength;
      enhanced.ink.drawImage(pictures.result, x, y, w, h, left, top, w, h);
      enhanced.ink.globalAlpha = 1;
    }
    if (!blackout || !mask) return;
    enhanced.ink.globalCompositeOperation = "destination-in";
    enhanced.ink.drawImage(mask, 0, 0);
    enhanced.ink.globalCompositeOperation = "destination-over";
    enhanced.ink.fillStyle = "#000";
    enhanced.ink.fillRect(0, 0, detail.width, detail.height);
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
    const [x, y, w, h] = chosen.tile, { canvas, ink } = sheets.map;
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    ink.drawImage(picture, x, y, w, h, 0, 0, w, h);
    const image = ink.getImageData(0, 0, w, h), colours = table(chosen, strength), { data } = image;
    for (let i = 0; i < data.length; i += 4) {
      const at = 4 * data[i];
      data[i] = colours[at]; data[i + 1] = colours[at + 1]; data[i + 2] = colours[at + 2]; data[i + 3] = colours[at + 3];
    }
    ink.putImageData(image, 0, 0);
    return canvas;
  }

  return {
    load, loadMask, frame, map,
    sheet: (name) => sheets[name].canvas,
    read: (name, x, y, w, h) => sheets[name].ink.getImageData(x, y, w, h),
  };
}

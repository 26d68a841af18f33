// Arithmetic of the tools: distance, mean, gCNR, a line through the picture. No element of the page is touched.

const BINS = 32;

// Millimetres between two points of the frame; spacing is [row, column] in mm.
const distance = ([x0, y0], [x1, y1], [row, column]) => Math.hypot((x1 - x0) * column, (y1 - y0) * row);

// Grey levels (ITU-R BT.601) of an ImageData: Float32Array.
function greyOf({ data }) {
  const grey = new Float32Array(data.length / 4);
  for (let i = 0; i < grey.length; i += 1) grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  return grey;
}

// The grey levels inside an ellipse with opposite corners (x0, y0) and (x1, y1); `read(x, y, w, h)` gives ImageData.
function insideEllipse([x0, y0], [x1, y1], [width, height], read) {
  const left = Math.max(0, Math.floor(Math.min(x0, x1))), right = Math.min(width, Math.ceil(Math.max(x0, x1)));
  const top = Math.max(0, Math.floor(Math.min(y0, y1))), bottom = Math.min(height, Math.ceil(Math.max(y0, y1)));
  if (right <= left || bottom <= top) return new Float32Array(0);
  const grey = greyOf(read(left, top, right - left, bottom - top));
  const cx = (x0 + x1) / 2, cy = (y0 + y1) / 2, rx = Math.abs(x1 - x0) / 2, ry = Math.abs(y1 - y0) / 2;
  return grey.filter((_, i) => {
    const x = left + (i % (right - left)) + 0.5, y = top + Math.floor(i / (right - left)) + 0.5;
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
  });
}

const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

// Generalised contrast-to-noise ratio: 1 - the overlap of two histograms (Rodriguez-Molares et al., 2020), 32 bins.
function gcnr(a, b) {
  const share = (values) => {
    const bins = new Float64Array(BINS);
    for (const v of values) bins[Math.min(BINS - 1, Math.floor((v * BINS) / 256))] += 1 / values.length;
    return bins;
  };
  const p = share(a), q = share(b);
  return 1 - p.reduce((sum, v, i) => sum + Math.min(v, q[i]), 0);
}

// `count` grey levels along a line through an ImageData of the whole frame, bilinear.
function alongLine(image, [x0, y0], [x1, y1], count) {
  const { data, width, height } = image, line = new Float32Array(count);
  const level = (x, y) => {
    const i = 4 * (Math.max(0, Math.min(height - 1, y)) * width + Math.max(0, Math.min(width - 1, x)));
    return 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  };
  for (let k = 0; k < count; k += 1) {
    const x = x0 + ((x1 - x0) * k) / (count - 1) - 0.5, y = y0 + ((y1 - y0) * k) / (count - 1) - 0.5;
    const i = Math.floor(x), j = Math.floor(y), u = x - i, v = y - j;
    line[k] = (1 - v) * ((1 - u) * level(i, j) + u * level(i + 1, j)) + v * ((1 - u) * level(i, j + 1) + u * level(i + 1, j + 1));
  }
  return line;
}

// Frames of a video, as the browser shows them while it plays the file without sound.

import { Clip } from "./clip.js";

const RATE = 0.5; // slower than its own time, so that every frame is caught
const MOST_FRAMES = 1000;
const CANNOT = "This browser cannot play the file. It reads DICOM, and the videos that the browser itself plays.";

export async function readVideo(file, tell) {
  const video = document.createElement("video"), url = URL.createObjectURL(file);
  Object.assign(video, { muted: true, playsInline: true, preload: "auto" });
  try {
    await loaded(video, url);
    if (!video.requestVideoFrameCallback) throw new Error("This browser cannot tell the frames of a video apart. Take a newer one, or a DICOM file.");
    const clip = new Clip(video.videoWidth, video.videoHeight, null, "video");
    const times = await caught(video, clip, tell);
    if (!clip.frames.length) throw new Error(CANNOT);
    const steps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
    clip.fps = steps.length ? Math.round(1000 / steps[steps.length >> 1]) / 1000 : null;
    return clip;
  } finally {
    video.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

function loaded(video, url) {
  return new Promise((resolve, reject) => {
    video.onloadeddata = () => (video.videoWidth ? resolve() : reject(new Error(CANNOT)));
    video.onerror = () => reject(new Error(CANNOT));
    video.src = url;
  });
}

// Adds each frame to the clip; the times in seconds at which they stand in the video.
function caught(video, clip, tell) {
  return new Promise((resolve, reject) => {
    const times = [];
    let shown = 0, missed = 0;
    const take = (_, { mediaTime, presentedFrames }) => {
      try {
        if (mediaTime !== times.at(-1)) {
          times.push(mediaTime);
          clip.addPicture(video);
        }
        if (shown) missed += Math.max(0, presentedFrames - shown - 1);
        shown = presentedFrames;
        tell(`Reading the video, frame ${times.length}`, video.duration ? mediaTime / video.duration : 0);
        if (times.length < MOST_FRAMES) video.requestVideoFrameCallback(take);
        else end([`Only the first ${MOST_FRAMES} frames were taken.`]);
      } catch (error) {
        video.pause();
        reject(error);
      }
    };
    const end = (notes) => {
      video.pause();
      clip.notes.push(...notes, ...(missed ? [`The browser left out ${missed} frames while it played.`] : []));
      resolve(times);
    };
    video.requestVideoFrameCallback(take);
    video.onended = () => end([]);
    video.playbackRate = RATE;
    video.play().catch(() => reject(new Error(CANNOT)));
  });
}

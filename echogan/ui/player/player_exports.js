// Saving: exports made on the server on demand, their progress and links, and the frame in view as a PNG.

function makeExports({ kinds, jobs, url, start, dropped, savePicture, saveAll }) {
  let waiting = new Set(), known = "", offered = "";

  // Drawn anew only where it changed: a button that is replaced under the pointer loses the press.
  function offer(offers, several) {
    const look = JSON.stringify([offers, several]);
    if (look === offered) return;
    offered = look;
    const buttons = offers.map((o) => {
      const button = make("button", o.label, { type: "button", "data-kind": o.kind, title: o.hint, ...(o.waits ? { disabled: "" } : {}) });
      button.append(make("small", o.hint));
      button.addEventListener("click", () => start(o.kind));
      return button;
    });
    const frame = make("button", "PNG of this frame", { type: "button", "data-kind": "frame" });
    frame.append(make("small", "The enhanced picture as shown, at the clip's own size"));
    frame.addEventListener("click", savePicture);
    const all = make("button", "All enhanced clips, zip", { type: "button", "data-kind": "all", ...(several ? {} : { disabled: "" }) });
    all.append(make("small", "MP4 or PNG, and the report, of every clip in the list"));
    all.addEventListener("click", saveAll);
    kinds.replaceChildren(...buttons, ...(offers.length ? [frame] : []), all);
  }

  function save(job) {
    const link = make("a", "", { href: url(job.file), download: job.name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  // A file is saved once, when it is ready; its link stays for as long as the server keeps it.
  function show(list) {
    const look = JSON.stringify(list);
    if (look === known) return;
    known = look;
    jobs.replaceChildren(...list.map((job) => {
      const node = make("li", "", { "data-state": job.state });
      if (job.state === "done") {
        const link = make("a", job.name, { href: url(job.file), download: job.name });
        link.append(make("small", job.size));
        node.append(link);
      } else node.append(make("span", job.state === "failed" ? `${job.label}: ${job.error}` : `${job.label}, ${Math.round(100 * (job.progress || 0))} %`));
      const close = make("button", "×", { type: "button", "aria-label": job.state === "making" ? `Stop ${job.label}` : `Remove ${job.label}` });
      close.addEventListener("click", () => dropped(job.id));
      node.append(close);
      return node;
    }));
    for (const job of list) if (job.state === "done" && waiting.delete(job.id)) save(job);
    waiting = new Set(list.filter((job) => job.state === "making").map((job) => job.id));
  }

  return { offer, show };
}

// A canvas as a PNG file; the mark stands in a line under the picture, where it covers nothing.
async function savePng(canvas, name, mark) {
  const sheet = document.createElement("canvas"), line = mark ? Math.max(16, Math.round(canvas.height / 28)) : 0;
  [sheet.width, sheet.height] = [canvas.width, canvas.height + line];
  const ink = sheet.getContext("2d");
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, sheet.width, sheet.height);
  ink.drawImage(canvas, 0, 0);
  if (mark) {
    ink.fillStyle = "#c8ccd0";
    ink.font = `${Math.round(0.68 * line)}px system-ui, sans-serif`;
    ink.fillText(mark, 4, canvas.height + 0.72 * line);
  }
  const link = make("a", "", { download: name });
  link.href = URL.createObjectURL(await new Promise((done) => sheet.toBlob(done, "image/png")));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

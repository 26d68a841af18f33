// Calls to the server, uploads, and where its files are. A refused call throws an Error with the server's sentence.

function makeServer(server, upload) {
  const root = (window.gradio_config?.root || window.location.origin).replace(/\/$/, "");
  const LOST = "The server does not answer. Check the connection, or reload the page.";
  let visit = sessionStorage.getItem("eg-visit");

  async function call(name, data = {}) {
    let answer;
    try {
      answer = await server[name]({ visit, ...data });
    } catch {
      throw new Error(LOST);
    }
    if (!answer) throw new Error(LOST);
    if (answer.error) throw Object.assign(new Error(answer.error), { gone: Boolean(answer.gone) });
    if (name === "workspace") sessionStorage.setItem("eg-visit", (visit = answer.visit));
    return answer;
  }

  // One after the other: a folder of large clips must not fill the line and the server's memory.
  async function send(files, each) {
    const sent = [], refused = [];
    for (const [number, file] of files.entries()) {
      each(number, files.length);
      const name = file.relative || file.webkitRelativePath || file.name;
      try {
        sent.push({ path: (await upload(file)).path, name });
      } catch {
        refused.push({ name, sentence: "It could not be sent: it may be over the size that this server takes, or the server's disk is full. Cut it, give it to the command line, or try again later." });
      }
    }
    return { sent, refused };
  }

  const url = (path) => `${root}/gradio_api/file=${path.split("/").map(encodeURIComponent).join("/")}`;
  return { call, send, url };
}

// The files behind what was dropped, folders walked through; hidden files left out.
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const files = [];
  async function walk(entry) {
    if (entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      file.relative = entry.fullPath.replace(/^\//, "");
      files.push(file);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const child of some) await walk(child);
    }
  }
  for (const entry of entries) await walk(entry);
  return files;
}

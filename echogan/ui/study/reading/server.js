// Calls to the server, below the reader's own link. A refused call throws an Error with the server's sentence.

const LOST = "No connection to the server.";
const ROOT = location.pathname.replace(/\/$/, "");

// `final`: asking again does not help. `refused`: this very rating will never be taken.
async function ask(path, how = {}) {
  let answer;
  try {
    answer = await fetch(`${ROOT}/${path}`, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(30_000), ...how });
  } catch {
    throw Object.assign(new Error(LOST), { lost: true });
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  const { status } = answer;
  throw Object.assign(new Error(error || LOST), {
    status, lost: status >= 500, final: [403, 404, 410, 423].includes(status), refused: [400, 409, 413, 415].includes(status),
  });
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const server = {
  state: async () => (await ask("state")).json(),
  shown: (id) => post("shown", { assignment: id }),
  rate: async (rating) => (await post("ratings", rating)).json(),
  media: async (id) => (await ask(`media/${id}`)).blob(),
};

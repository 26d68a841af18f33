// Two models side by side: the choice of the second, and the numbers of both under each other.

// `first()` is the name of the first model; `start(name)` asks for a second one and resolves to what is said against it.
function makeComparison(menu, box, { first, start }) {
  const part = (name) => menu.querySelector(`.eg-versus-${name}`), table = box.querySelector("table");
  const swap = box.querySelector("[data-act=swap]"), both = box.querySelector("[data-act=second]");
  let models = [], drawn = "";

  function fill() {
    part("first").textContent = first() || "a model";
    const others = models.filter((name) => name !== first());
    part("models").replaceChildren(...others.map((name) => make("button", name, { type: "button", "data-second": name })));
  }

  async function ask(name) {
    part("why").textContent = await start(name);
    if (!part("why").textContent) menu.open = false;
  }

  // The choice of the first model is Gradio's own: what it holds is looked at when it may have changed.
  for (const name of ["toggle", "pointerenter"]) menu.addEventListener(name, fill);
  menu.addEventListener("click", (event) => {
    const { second } = event.target.closest("button")?.dataset || {};
    if (second !== undefined) ask(second);
  });
  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(part("form").querySelector("input").value.trim());
  });

  const cell = (number, shown, value) => (number.value === null ? number.missing : value(number, shown).toFixed(1));

  function row({ name, shown, waits }, columns, value) {
    const node = document.createElement("tr");
    node.append(make("th", name, { scope: "row", title: name }));
    if (waits) node.append(make("td", waits, { colspan: Math.max(1, columns.length) }));
    else node.append(...columns.map((_, i) => make("td", shown ? cell(shown.numbers[i], shown, value) : "–")));
    return node;
  }

  // Rows of { name, shown, waits }; nothing to compare hides the table. `value(number, shown)` is a number as it is shown.
  function show(rows, value, complete) {
    box.hidden = !rows;
    if (!rows) return;
    swap.disabled = !complete;
    both.disabled = rows.some(({ shown }) => !shown);
    const columns = rows.find(({ shown }) => shown)?.shown.numbers || [];
    const head = document.createElement("tr");
    head.append(make("th", "Model", { scope: "col" }), ...columns.map(({ label, unit, hint }) => {
      const title = make("th", label, { scope: "col", title: hint });
      title.append(make("small", unit));
      return title;
    }));
    const body = [head, ...rows.map((one) => row(one, columns, value))], look = body.map((node) => node.outerHTML).join("");
    if (look !== drawn) table.replaceChildren(...body); // what is replaced under the pointer loses its hint
    drawn = look;
  }

  return { show, offer(names) { models = names; } };
}

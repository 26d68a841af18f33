// The trust card below the viewer: what was found, in words and beside reference clips; what is promised, and what not.

function makeCard(section, url) {
  const body = section.querySelector(".eg-card-body"), waits = section.querySelector(".eg-card-waits");
  let known = "";

  const list = (title, sentences) => {
    const items = make("ul", "");
    items.append(...sentences.map((sentence) => make("li", sentence)));
    return [make("h3", title), items];
  };

  function row({ name, label, text, sentence, compared }) {
    const line = make("tr", "", { "data-name": name }), said = make("td", sentence);
    if (compared) said.append(make("small", compared));
    line.append(make("th", label, { scope: "row" }), make("td", text || "–", { class: "eg-value" }), said);
    return line;
  }

  function fill(card) {
    const table = make("table", ""), rows = make("tbody", ""), figure = make("figure", "");
    rows.append(...card.findings.map(row));
    table.append(rows);
    figure.append(make("img", "", { src: url(card.picture), alt: "", loading: "lazy" }), make("figcaption", card.picture_shows));
    body.replaceChildren(make("p", `${card.made_by}. ${card.strength}`), table, ...list("What the flags promise", card.covers),
      ...list("What they do not", card.does_not_cover), figure);
  }

  // Drawn anew only where it changed: it may be open, and read.
  return (result) => {
    section.hidden = !result;
    const card = result?.card, look = JSON.stringify(card || null);
    waits.hidden = Boolean(card);
    if (look === known) return;
    known = look;
    if (card) fill(card); else body.replaceChildren();
  };
}

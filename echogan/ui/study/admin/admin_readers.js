// The readers of a study: invited, how far they are, and their links; by reader, never by arm.

const READER_STATES = { closed: "no reading now", reading: "may read", washout: "in washout", finished: "finished" };

// `act(name, data)` calls the server and shows the study again; `told` shows a link that was made.
function readersView(study, dialog, act, told) {
  const open = study.state === "open" || study.state === "draft";
  const link = async (name, data) => {
    const made = await act(name, data);
    if (made) told(made.reader, made.token);
  };
  const invite = button("Invite a reader", async () => {
    const given = await ask(dialog, "Invite a reader", "A link is made, which is shown once. Write down elsewhere who gets it: names are not kept here.", [
      ["role", "Role, such as cardiologist or sonographer", { value: "cardiologist", required: true, maxLength: 40 }],
      ["years", "Years of experience (may stay empty)", { type: "number", min: 0, max: 80 }],
      ["days", "Days that the link is valid", { type: "number", min: 1, max: 3650, value: 120, required: true }],
    ], "Invite");
    if (given) await link("invite", { role: given.role, years: given.years === "" ? null : +given.years, days: +given.days });
  }, study.state === "open" && !study.readers.length ? "st-primary" : "");
  const rows = study.readers.map((reader) => {
    const flags = [reader.stalled && "stalled: nothing for a week", reader.gold_missed && `${reader.gold_missed} gold clips missed`,
      reader.link !== "valid" && `link ${reader.link}`].filter(Boolean);
    const agreement = reader.repeat_agreement == null ? "" : `, ${Math.round(100 * reader.repeat_agreement)} % equal`;
    const more = [
      open && button("New link", () => link("renew", { reader: reader.name })),
      open && reader.link === "valid" && button("Revoke", async () => {
        if (await ask(dialog, `Revoke the link of ${reader.name}?`, "The reader can go on with a new link only. Ratings stay.", [], "Revoke")) await act("revoke", { reader: reader.name });
      }),
      reader.state === "washout" && button("End washout", async () => {
        const given = await ask(dialog, `End the washout of ${reader.name}?`, "This departs from the protocol and is written to the log.", [["reason", "Reason", { required: true, maxLength: 500 }]], "End it");
        if (given) await act("washout", { reader: reader.name, reason: given.reason });
      }),
    ].filter(Boolean);
    const share = reader.total ? Math.round(100 * reader.done / reader.total) : 0;
    const bar = make("span", { className: "st-bar" }, make("i"));
    bar.firstChild.style.width = `${share}%`;
    return make("tr", {},
      make("th", { scope: "row", textContent: reader.name }),
      make("td", { textContent: reader.years == null ? reader.role : `${reader.role}, ${reader.years} years` }),
      make("td", {}, bar, ` ${reader.done}/${reader.total}`),
      make("td", { textContent: reader.total && reader.done === reader.total ? "finished" : `${READER_STATES[reader.state]}, session ${reader.session}` }),
      make("td", { textContent: when(reader.last) }),
      make("td", { textContent: reader.repeats ? `${reader.repeats}${agreement}` : "none yet" }),
      make("td", { textContent: `${Math.round(100 * reader.cannot_assess)} %` }),
      make("td", { className: "st-flags", textContent: flags.length ? `⚠ ${flags.join("; ")}` : "" }),
      make("td", {}, make("div", { className: "st-row" }, ...more)));
  });
  const heads = ["reader", "role", "rated", "state", "last rating", "repeats", "cannot assess", "", ""];
  const table = rows.length ? make("table", { className: "st-readers" },
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })))), make("tbody", {}, ...rows))
    : make("p", { className: "st-hint", textContent: "Nobody is invited yet." });
  return make("section", {}, make("h3", { textContent: "Readers" }), table, open ? make("div", { className: "st-row" }, invite) : null);
}

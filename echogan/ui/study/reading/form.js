// The questions about a case: radio buttons that keys, a pointer and a screen reader can all use.

const CANNOT = "null"; // an answer that the reader gives; a question without an answer is missing

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export class Form {
  // `changed` is called when an answer changes.
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    root.addEventListener("change", (event) => {
      this.#explain(event.target.closest("fieldset"));
      changed();
    });
    root.addEventListener("focusin", (event) => this.#activate(event.target.closest("fieldset")));
    root.addEventListener("submit", (event) => event.preventDefault());
  }

  // Items: { id, title, options: [{ value, label, anchor, key }], ends, cannot_assess, text }.
  build(items, answers = {}) {
    this.items = items;
    this.root.replaceChildren(...items.map((item) => (item.text ? this.#textItem(item) : this.#choiceItem(item))));
    for (const [id, value] of Object.entries(answers)) this.#fill(id, value);
    this.root.querySelectorAll("fieldset").forEach((field) => this.#explain(field));
    this.#activate(this.root.querySelector("fieldset"));
  }

  enable(on) {
    for (const field of this.root.querySelectorAll("fieldset")) field.disabled = !on;
  }

  get answers() {
    const found = {};
    for (const field of this.root.querySelectorAll("fieldset")) {
      const text = field.querySelector("input[type=text]");
      const chosen = field.querySelector("input:checked");
      if (text?.value.trim()) found[field.name] = text.value.trim();
      if (chosen) found[field.name] = JSON.parse(chosen.value);
    }
    return found;
  }

  get missing() {
    const answers = this.answers;
    return this.items.filter((item) => !item.text && !(item.id in answers));
  }

  get active() { return this.root.querySelector("fieldset.active"); }

  move(by) {
    const fields = [...this.root.querySelectorAll("fieldset")];
    this.#activate(fields[Math.min(fields.length - 1, Math.max(0, fields.indexOf(this.active) + by))]);
    return this.active;
  }

  activate(id) { this.#activate(this.#field(id)); }

  // Choose in the active question: by number from 1, by the option's own key, or the next one to either side.
  chooseNumber(number) { return this.#choose(this.#radios()[number - 1]); }

  chooseKey(key) { return this.#choose(this.active?.querySelector(`input[data-key="${key}"]`)); }

  chooseCannot() { return this.#choose(this.active?.querySelector(`input[value='${CANNOT}']`)); }

  shift(by) {
    const radios = this.#radios();
    const at = radios.findIndex((radio) => radio.checked);
    const first = by > 0 ? 0 : radios.length - 1;
    return this.#choose(radios[at < 0 ? first : Math.min(radios.length - 1, Math.max(0, at + by))], false);
  }

  #radios() { return this.active ? [...this.active.querySelectorAll(`input[type=radio]:not([value='${CANNOT}'])`)] : []; }

  #choose(radio, onward = true) {
    if (!radio || radio.disabled || radio.closest("fieldset").disabled) return null;
    radio.checked = true;
    const field = radio.closest("fieldset");
    this.#explain(field);
    const said = `${field.dataset.title}: ${radio.dataset.said}`;
    if (onward && this.missing.length) this.activate(this.missing[0].id);
    this.changed();
    return said;
  }

  #field(id) { return [...this.root.querySelectorAll("fieldset")].find((field) => field.name === id); }

  #activate(field) {
    if (!field) return;
    for (const other of this.root.querySelectorAll("fieldset")) other.classList.toggle("active", other === field);
    field.scrollIntoView({ block: "nearest" });
  }

  #fill(id, value) {
    const field = this.#field(id);
    const text = field?.querySelector("input[type=text]");
    if (text) text.value = value;
    for (const radio of field?.querySelectorAll("input[type=radio]") ?? []) radio.checked = radio.value === JSON.stringify(value);
  }

  // What the chosen grade means, in the words of the protocol.
  #explain(field) {
    const means = field?.querySelector(".means");
    if (!means) return;
    means.textContent = field.querySelector("input:checked")?.dataset.anchor ?? "";
    field.querySelector(".ends").hidden = Boolean(means.textContent);
  }

  #choiceItem(item) {
    const option = (value, label, anchor, key, extra = "") => {
      const radio = make("input", { type: "radio", name: item.id, value });
      Object.assign(radio.dataset, { anchor: anchor ?? "", said: anchor ? `${label}, ${anchor}` : label });
      if (key) radio.dataset.key = key;
      if (anchor) radio.setAttribute("aria-label", `${label}: ${anchor}`);
      return make("label", { className: `option ${extra}`, title: anchor ?? "" }, radio, make("span", { textContent: label }));
    };
    const options = make("div", { className: "options" },
      ...item.options.map(({ value, label, anchor, key }) => option(JSON.stringify(value), label, anchor, key)));
    if (item.cannot_assess) options.append(option(CANNOT, "Cannot assess", "", "x", "cannot"));
    const field = make("fieldset", { name: item.id }, make("legend", { textContent: item.title }), options);
    field.dataset.title = item.title;
    if (item.ends) {
      field.append(make("p", { className: "means" }), make("p", { className: "ends" }, ...item.ends.map((end) => make("span", { textContent: end }))));
    }
    return field;
  }

  #textItem(item) {
    const field = make("fieldset", { name: item.id }, make("legend", { textContent: item.title }),
      make("input", { type: "text", maxLength: 500, autocomplete: "off", spellcheck: true }));
    field.dataset.title = item.title;
    field.querySelector("input").setAttribute("aria-label", item.title);
    return field;
  }
}

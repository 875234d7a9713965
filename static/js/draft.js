// What is typed into [data-draft] stays on this device, for this person, until it has arrived. A hidden field says what
// the page says: nothing typed is put there.
{
  const mine = () => `draft:${document.body.dataset.person}:`;
  const key = (form) => mine() + form.dataset.draft;
  const typedInto = ":is(textarea, input[type=text], input:not([type])):not([hidden])";
  const fields = (form) => [...form.elements].filter((field) => field.matches(typedInto));
  const restored = new WeakSet();

  const keep = ({ target: { form } }) => {
    if (!form?.matches("[data-draft]")) return;
    const typed = fields(form).filter((field) => field.value !== field.defaultValue);
    if (!typed.length) return localStorage.removeItem(key(form));
    localStorage.setItem(key(form), JSON.stringify(Object.fromEntries(typed.map((field) => [field.name, field.value]))));
  };

  const restore = () => {
    for (const form of document.querySelectorAll("form[data-draft]")) {
      if (restored.has(form)) continue;
      restored.add(form);
      const typed = JSON.parse(localStorage.getItem(key(form)) ?? "{}");
      for (const field of fields(form)) {
        if (field.value === field.defaultValue) field.value = typed[field.name] ?? field.value;
      }
    }
  };

  // A plain form has arrived when the next page does not show it again.
  const dropSent = () => {
    const { sent } = sessionStorage;
    const shown = [...document.querySelectorAll("form[data-draft]")].some((form) => key(form) === sent);
    if (sent && !shown) localStorage.removeItem(sent);
    delete sessionStorage.sent;
  };

  document.addEventListener("input", keep);
  document.addEventListener("htmx:after:swap", restore);
  document.addEventListener("DOMContentLoaded", () => {
    dropSent();
    restore();
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.matches("[data-draft]") && ctx.response.status < 400) localStorage.removeItem(key(ctx.sourceElement));
  });
  document.addEventListener("click", ({ target }) => {
    const form = target.closest("[data-drop-draft]")?.closest("[data-draft]");
    if (form) localStorage.removeItem(key(form));
  });
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (target.matches("[data-draft]") && !defaultPrevented) sessionStorage.sent = key(target);
    if (!target.matches("[data-sign-out]")) return;
    for (const name of Object.keys(localStorage)) if (name.startsWith(mine())) localStorage.removeItem(name);
  });
}

// [data-once]: a double click sends once, and what is sent again bears the same key, so that it counts once.
{
  const keys = new WeakMap();
  const isOnce = (form) => form?.matches?.("form[data-once]");
  const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
  const setBusy = (form, busy) => (busy ? form.setAttribute("aria-busy", "true") : form.removeAttribute("aria-busy"));

  document.addEventListener(
    "submit",
    (event) => {
      if (!isOnce(event.target) || !event.target.matches("[aria-busy]")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener("submit", ({ target, defaultPrevented }) => isOnce(target) && !defaultPrevented && setBusy(target, true));
  window.addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach((form) => setBusy(form, false)));

  // Other words are another message.
  document.addEventListener("input", ({ target: { form } }) => keys.delete(form));
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    const form = ctx.sourceElement;
    if (!isOnce(form)) return;
    if (!keys.has(form)) keys.set(form, newKey());
    ctx.request.headers["Idempotency-Key"] = keys.get(form);
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => isOnce(ctx.sourceElement) && setBusy(ctx.sourceElement, true));
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => isOnce(ctx.sourceElement) && setBusy(ctx.sourceElement, false));
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const form = ctx.sourceElement;
    if (!isOnce(form) || ctx.response.status >= 400) return;
    keys.delete(form);
    form.reset();
  });
}

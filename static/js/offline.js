// When a change does not arrive, what was typed stays, and is sent again by a press or when the line is back.
{
  const unsent = new Set();
  const setOffline = (offline) => (document.querySelector("[data-offline]").hidden = !offline);
  const hasText = (form) => form.querySelector("textarea, select, input:not([type=hidden], [type=checkbox])");

  const settle = (form, failed) => {
    form.querySelector("[data-unsent]")?.remove();
    unsent.delete(form);
    if (!failed) return;
    if (!hasText(form)) return form.reset();
    unsent.add(form);
    form.append(document.getElementById("not-sent").content.cloneNode(true));
  };

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const send = ctx.fetch;
    ctx.fetch = async (...request) => {
      try {
        return await send(...request);
      } catch (error) {
        if (error?.name === "AbortError") throw error;
        return new Response(null, { status: 503, statusText: "offline" });
      }
    };
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    setOffline(ctx.response.raw.statusText === "offline");
    if (ctx.sourceElement.matches("form")) settle(ctx.sourceElement, ctx.response.status >= 500);
  });
  document.addEventListener("click", ({ target }) => target.closest("[data-again]")?.form.requestSubmit());
  window.addEventListener("offline", () => setOffline(true));
  window.addEventListener("online", () => {
    setOffline(false);
    for (const form of unsent) form.isConnected ? form.requestSubmit() : unsent.delete(form);
  });
}

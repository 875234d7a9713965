// On a calendar [data-moves] is put on another day, by drag or by arrow keys, in the dialog that says what this means.
// The server draws the calendar anew when it was saved; until then, and where it was not, it goes back.
{
  const STEPS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
  let away;

  const dayOf = (element) => element.closest("[data-day]");

  const putBack = () => {
    if (away?.item.isConnected) away.from.insertBefore(away.item, away.next?.parentNode === away.from ? away.next : null);
    away = null;
  };

  const markOver = (day) => {
    for (const other of document.querySelectorAll(".day.over")) other.classList.remove("over");
    day?.classList.add("over");
  };

  const options = () => ({
    ...dragging.options,
    group: "calendar",
    draggable: "[data-moves]",
    filter: ".icon-btn",
    sort: false,

    onStart({ item, from }) {
      away = { item, from, next: item.nextElementSibling };
    },
    onMove({ to }) {
      markOver(dayOf(to));
    },
    async onEnd({ item, from, to }) {
      markOver();
      dragging.drop();
      if (to === from) return putBack();
      await openDialog(item.dataset.moves + dayOf(to).dataset.day);
      if (!document.getElementById("dialog").open) putBack();
    },
  });

  const bind = () => {
    if (!window.Sortable) return;
    for (const list of document.querySelectorAll("[data-items]")) if (!Sortable.get(list)) Sortable.create(list, options());
  };

  document.addEventListener("DOMContentLoaded", bind);
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.request && ctx.request.method !== "GET" && ctx.response.status < 400) away = null;
    bind();
  });
  document.addEventListener("close", ({ target }) => target.id === "dialog" && putBack(), true);
  document.addEventListener("keydown", (event) => {
    const item = event.target.closest(".t")?.closest("[data-moves]");
    const step = STEPS.indexOf(event.key);
    if (!item || step < 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    openDialog(item.dataset.moves + dayOf(item).dataset.around.split(" ")[step]);
  });
}

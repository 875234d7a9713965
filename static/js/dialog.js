// The one dialog: opens when something came into it, closes when it is empty, and gives the focus back.
const openDialog = (() => {
  const dialog = () => document.getElementById("dialog");
  let opener, wanted, pressed;

  const enter = () => {
    const box = dialog();
    const field = (wanted && box.querySelector(wanted)) || box.querySelector("[autofocus], [aria-invalid=true]");
    if (field || !box.contains(document.activeElement)) {
      (field ?? box.querySelector("input:not([type=hidden]), select, button, a"))?.focus();
    }
    wanted = null;
  };

  const settle = () => {
    const box = dialog();
    if (!box.childElementCount) return box.open && box.close();
    if (!box.open) {
      opener = { element: document.activeElement, card: document.activeElement.closest(".card")?.id };
      box.showModal();
    }
    if (wanted || !box.contains(document.activeElement)) enter();
  };

  const giveBack = () => {
    dialog().replaceChildren();
    const { element, card } = opener ?? {};
    const back = element?.isConnected ? element : card && document.getElementById(card)?.querySelector("a.t");
    back?.focus({ preventScroll: true });
  };

  const open = (address, focus) => {
    wanted = focus;
    return htmx.ajax("GET", address, { source: "#dialog", swap: "none" });
  };

  document.addEventListener("htmx:after:swap", settle);
  document.addEventListener("close", ({ target }) => target === dialog() && giveBack(), true);
  document.addEventListener("pointerdown", ({ target }) => (pressed = target));
  document.addEventListener("click", (event) => {
    const { target } = event;
    if (target.closest("[data-close-dialog]") || (target === dialog() && pressed === target)) return dialog().close();
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = target.closest("a[data-dialog]");
    const card = target.closest("[data-move]")?.closest("[data-task-id]");
    if (!link && !card) return;
    event.preventDefault();
    open(link ? link.href : `/tasks/${card.dataset.taskId}/moves/new`);
  });

  return (content, focus) => {
    if (typeof content === "string") return open(content, focus);
    dialog().replaceChildren(content);
    settle();
  };
})();

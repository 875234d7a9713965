// What can be dragged is taken up at once with a mouse and after a long press with a finger, so that a scroll is never
// a drag.
const dragging = (() => {
  let dropped;

  // The mouse button that lets a thing go is not a click on its link; a long press is not the link's menu.
  document.addEventListener("click", (event) => dropped && (event.preventDefault(), event.stopImmediatePropagation()), true);
  document.addEventListener("contextmenu", (event) => {
    if (event.pointerType === "touch" && event.target.closest("[data-cell] > .card, [data-moves]")) event.preventDefault();
  });

  return {
    options: {
      preventOnFilter: false,
      delay: 350,
      delayOnTouchOnly: true,
      touchStartThreshold: 6,
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 5,
      animation: 110,
      ghostClass: "ghost",
      dragClass: "drag",
      scroll: true,
      forceAutoScrollFallback: true,
      scrollSensitivity: 56,
      scrollSpeed: 14,
      bubbleScroll: true,
    },
    drop() {
      dropped = true;
      setTimeout(() => (dropped = false));
    },
  };
})();

{
  const ids = ["stageId", "phaseId"];
  const snake = { stageId: "stage_id", phaseId: "phase_id" };
  let start;

  const neighbour = (card, step) => {
    const next = card[step];
    return next?.matches(".card") ? next.dataset.taskId : undefined;
  };

  const target = (card) => {
    const column = card.closest(".col");
    const name = ids.find((id) => id in column.dataset);
    const values = { [snake[name]]: column.dataset[name] };
    const lane = card.closest("[data-lane]");
    if (lane && lane !== start.lane) {
      const kind = lane.dataset.lane;
      Object.assign(values, kind === "platform" ? { platform: lane.dataset.platform } : { [`${kind}_id`]: lane.dataset[`${kind}Id`] });
    }
    const before = neighbour(card, "nextElementSibling");
    const after = neighbour(card, "previousElementSibling");
    const seenIn = start.cell.closest(".col").dataset.stageId;
    if (seenIn) values.from_id = seenIn;
    if (before) values.before_id = before;
    if (after) values.after_id = after;
    return values;
  };

  const putBack = (card, { cell, next }) => {
    if (card.isConnected) cell.insertBefore(card, next?.parentNode === cell ? next : cell.querySelector(":scope > .more"));
  };

  const markOver = (cell) => {
    for (const other of document.querySelectorAll(".cards.over")) other.classList.remove("over");
    cell?.classList.add("over");
  };

  const options = {
    ...dragging.options,
    group: "board",
    draggable: ".card",
    filter: "button, .more",

    onStart({ item, from }) {
      start = { cell: from, next: item.nextElementSibling, lane: item.closest("[data-lane]") };
      from.closest(".board").style.scrollSnapType = "none";
      Sortable.ghost.style.opacity = "";
    },
    onMove({ to }) {
      markOver(to);
    },
    async onEnd({ item, from, to }) {
      const origin = start;
      markOver(null);
      from.closest(".board").style.scrollSnapType = "";
      dragging.drop();
      if (to === origin.cell && item.nextElementSibling === origin.next) return;
      const status = await ask("POST", `/tasks/${item.dataset.taskId}/moves`, target(item));
      if (!status || status >= 400) putBack(item, origin);
    },
  };

  const bind = () => {
    if (!window.Sortable) return;
    for (const cell of document.querySelectorAll("[data-board]:not([data-read-only]) [data-cell]")) if (!Sortable.get(cell)) Sortable.create(cell, options);
  };

  document.addEventListener("DOMContentLoaded", bind);
  document.addEventListener("htmx:after:swap", bind);
}

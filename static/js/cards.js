// Cards that came with an answer (#incoming) go to their cells, in the order of their positions.
{
  const waiting = [];

  const collect = (seen) => {
    for (const child of document.getElementById("incoming")?.children ?? []) {
      if (child.dataset.gone) waiting.push({ id: child.dataset.gone });
      else for (const card of child.children) waiting.push({ id: card.dataset.taskId, card, key: child.dataset.into, seen });
    }
    document.getElementById("incoming")?.replaceChildren();
  };

  const place = () => {
    if (window.Sortable?.dragged) return;
    for (const change of waiting.splice(0)) put(change);
  };

  const put = ({ id, card, key, seen }) => {
    const old = document.querySelector(`[data-cell] > #task-${id}`);
    if (!card) return leave(old);
    const cell = document.querySelector(`[data-cell="${key}"]`);
    if (!cell) return reloadWhenCalm();
    const more = cell.querySelector(":scope > .more");
    const position = Number(card.dataset.position);
    const behindTheRest = more && position >= Number(more.dataset.more);
    if (behindTheRest && !seen) return leave(old);

    const same = old && old.parentNode === cell && drawn(old) === drawn(card);
    const behind = [...cell.querySelectorAll(":scope > .card")].find(
      (other) => other !== old && Number(other.dataset.position) > position,
    );
    const focused = old?.contains(document.activeElement) && (document.activeElement.matches("a") ? "a" : "button");
    if (!same) old?.remove();
    if (!same || old.nextElementSibling !== (behind ?? more ?? null)) {
      cell.insertBefore(same ? old : card, behind ?? more);
    }
    if (focused && !same) card.querySelector(focused).focus({ preventScroll: true });
    if (!same && !seen && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      card.animate({ backgroundColor: ["var(--tint)", "var(--paper)"] }, { duration: 1600, easing: "ease-in" });
    }
  };

  // A card that goes where scrolling has not come yet hands the focus to the one beside it.
  const leave = (card) => {
    const beside = card?.nextElementSibling?.querySelector("a.t") ?? card?.previousElementSibling?.querySelector("a.t");
    if (card?.contains(document.activeElement)) beside?.focus({ preventScroll: true });
    card?.remove();
  };

  // One's own new card stands at the foot of a long column until scrolling brings it at its place.
  const dropDoubles = () => {
    const seen = new Map();
    for (const card of document.querySelectorAll("[data-cell] > .card")) {
      seen.get(card.id)?.remove();
      seen.set(card.id, card);
    }
  };

  // Sortable leaves a mark on the links in a card that was taken up.
  const drawn = (card) => card.dataset.position + card.dataset.version + card.innerHTML.replaceAll(' draggable="false"', "");

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    dropDoubles();
    collect(!ctx.live);
    place();
  });
  document.addEventListener("unchoose", () => setTimeout(place));
}

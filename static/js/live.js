// An open board asks every two seconds what changed: only while it is seen, and never in the middle of a drag.
const reloadWhenCalm = (() => {
  const EVERY = 2000;
  const SLOWEST = 30000;
  let wait = EVERY;
  let asking = false;
  let timer, leaving;

  const busy = () =>
    window.Sortable?.dragged ||
    document.querySelector("dialog[open]") ||
    [...document.querySelectorAll("form:not(#filters) :is(textarea, input)")].some((field) => field.value !== field.defaultValue);

  const leaveWhenCalm = (leave) => {
    clearTimeout(leaving);
    if (busy()) leaving = setTimeout(leaveWhenCalm, EVERY, leave);
    else leave();
  };

  const reload = () => leaveWhenCalm(() => location.reload());

  /** Whether to ask again. */
  const look = async (board) => {
    const { live } = board.dataset;
    const address = new URL(live, location.href);
    address.searchParams.set("since", document.getElementById("revision").value);
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    if (answer.status >= 500) throw new Error(answer.statusText);
    const text = await answer.text();
    if (answer.status === 401) leaveWhenCalm(() => location.assign(answer.headers.get("HX-Redirect")));
    else if (answer.headers.get("HX-Refresh")) reload();
    else if (text && board.isConnected && board.dataset.live === live) await htmx.swap({ sourceElement: board, text, swap: "none", live: true });
    return answer.ok;
  };

  const tick = async () => {
    clearTimeout(timer);
    if (asking) return;
    const board = document.querySelector("[data-live]");
    let on = true;
    if (board && !document.hidden && navigator.onLine && !window.Sortable?.dragged) {
      asking = true;
      try {
        on = await look(board);
        wait = EVERY;
      } catch {
        wait = Math.min(wait * 2, SLOWEST);
      }
      asking = false;
    }
    if (on) timer = setTimeout(tick, wait);
  };

  const now = () => {
    wait = EVERY;
    if (!document.hidden) tick();
  };

  document.addEventListener("DOMContentLoaded", () => (timer = setTimeout(tick, EVERY)));
  document.addEventListener("visibilitychange", now);
  window.addEventListener("online", now);

  return reload;
})();

// The badge of the inbox follows what arrives, while the page is seen.
{
  const EVERY = 20000;
  const SLOWEST = 300000;
  let wait = EVERY;
  let timer;

  const look = async (badge) => {
    const address = new URL(badge.dataset.unread, location.href);
    address.searchParams.set("shown", badge.textContent.trim());
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    if (answer.status >= 500) throw new Error(answer.statusText);
    const text = answer.ok ? await answer.text() : "";
    if (text && badge.isConnected) badge.outerHTML = text;
    return answer.ok;
  };

  const tick = async () => {
    clearTimeout(timer);
    const badge = document.querySelector("[data-unread]");
    if (!badge) return;
    let on = true;
    if (!document.hidden && navigator.onLine) {
      try {
        on = await look(badge);
        wait = EVERY;
      } catch {
        wait = Math.min(wait * 2, SLOWEST);
      }
    }
    if (on) timer = setTimeout(tick, wait);
  };

  document.addEventListener("DOMContentLoaded", () => (timer = setTimeout(tick, EVERY)));
  document.addEventListener("visibilitychange", () => document.hidden || tick());
}

// The browser is asked whether it shows notices of its own; the server is told where it is reached.
{
  const able = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  const token = () => document.querySelector("meta[name=csrf-token]").content;
  const call = async (address, options) => {
    const answer = await fetch(address, { ...options, headers: { "X-CSRFToken": token(), "HX-Request": "true" } });
    if (!answer.ok) throw new Error(answer.statusText);
  };
  const current = async () => (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription();

  const show = (place, state) => {
    for (const each of place.querySelectorAll("[data-push-state]")) each.hidden = each.dataset.pushState !== state;
  };

  const turnOn = async ({ dataset: { push, to, worker } }) => {
    if ((await Notification.requestPermission()) !== "granted") return;
    await navigator.serviceWorker.register(worker);
    const { pushManager } = await navigator.serviceWorker.ready;
    await (await pushManager.getSubscription())?.unsubscribe();
    const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: push });
    const { endpoint, keys } = made.toJSON();
    await call(to, { method: "POST", body: new URLSearchParams({ endpoint, ...keys }) });
    location.reload();
  };

  const turnOff = async ({ dataset: { to } }) => {
    const made = await current();
    await made?.unsubscribe();
    await call(`${to}?endpoint=${encodeURIComponent(made?.endpoint ?? "")}`, { method: "DELETE" });
    location.reload();
  };

  const look = async (place) => {
    if (Notification.permission === "denied") return show(place, "denied");
    const made = await current();
    show(place, made && JSON.parse(place.dataset.known).includes(made.endpoint) ? "on" : "off");
  };

  const place = () => document.querySelector("[data-push]");
  document.addEventListener("DOMContentLoaded", () => place() && able() && look(place()));
  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-push-on]") ? turnOn : event.target.closest("[data-push-off]") ? turnOff : null;
    act?.(place())
      .then(() => look(place()))
      .catch(() => show(place(), "failed"));
  });
  // whoever signs out here is shown nothing here any more
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-sign-out]") && able()) current().then((made) => made?.unsubscribe());
  });
}

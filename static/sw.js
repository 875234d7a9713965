// Shows what is pushed to this browser, also while no page is open. It keeps nothing and answers for no page.
self.addEventListener("push", (event) => {
  const told = event.data.json();
  const { body, lang, key: tag, address } = told;
  event.waitUntil(self.registration.showNotification(told.title, { body, lang, tag, data: { address } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data.address, self.location.origin).href;
  const show = async () => {
    const open = await self.clients.matchAll({ type: "window" });
    const there = open.find((page) => page.url === address);
    return there ? there.focus() : self.clients.openWindow(address);
  };
  event.waitUntil(show());
});

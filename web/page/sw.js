"use strict";
// Keeps the page's files, so that it opens without a connection. Another version is another store.

const STORE = "chorale-{{version}}";
const FILES = {{files}};

self.addEventListener("install", event => {
  event.waitUntil(caches.open(STORE).then(store => store.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", event => {
  const isOld = name => name.startsWith("chorale-") && name !== STORE;
  event.waitUntil(caches.keys().then(names => Promise.all(names.filter(isOld).map(name => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", event => {
  if (event.request.method === "GET") event.respondWith(caches.match(event.request, { ignoreSearch: true }).then(found => found || fetch(event.request)));
});

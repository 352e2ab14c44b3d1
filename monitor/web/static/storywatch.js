// What the page does beyond plain HTML: times in the reader's own zone, and new revisions as they come.
"use strict";

(() => {
  // The page's language, in the reader's own variant of it (13 January or January 13).
  const page = document.documentElement.lang;
  const lang = navigator.languages.find((one) => one.split("-")[0] === page) || page;
  const local = new Intl.DateTimeFormat(lang, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  const showLocalTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.getTime())) time.textContent = local.format(moment);
    }
  };
  showLocalTimes(document);

  for (const form of document.querySelectorAll("form[data-auto]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }

  const list = document.querySelector("[data-live]");
  if (!list || !("EventSource" in window)) return;
  const status = document.querySelector("[data-live-status]");
  const source = new EventSource(list.dataset.live);
  source.addEventListener("revision", (event) => {
    const holder = document.createElement("template");
    holder.innerHTML = event.data;  // rendered and escaped by our own server, from the template of this very list
    const item = holder.content.firstElementChild;
    if (!item || document.getElementById(item.id)) return;
    item.classList.add("is-new");
    showLocalTimes(holder.content);
    list.prepend(holder.content);
    if (status) status.textContent = status.dataset.liveStatus;
  });
  addEventListener("pagehide", () => source.close());
})();

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

  const list = document.querySelector("[data-live]");
  if (!list || !("EventSource" in window)) return;
  const status = document.querySelector("[data-live-status]");
  const empty = document.querySelector("[data-live-empty]");
  // A browser opens six connections to a host, for all its windows together. So a page that nobody sees holds none, and
  // of those that are seen so many hold one; the others ask now and then, and hang up as soon as they know everything.
  const most = 3;
  const pause = 5000;
  const address = new URL(list.dataset.live, location.href);
  let source = null;  // the open stream
  let later = 0;      // the timer of the next asking
  let letGo = null;   // gives back the right to hold a stream
  let turn = 0;       // tells the newest call of `open` from those that it overtook

  const show = (event) => {
    address.searchParams.set("after", event.lastEventId);  // where the next stream begins
    const holder = document.createElement("template");
    holder.innerHTML = event.data;  // rendered and escaped by our own server, from the template of this very list
    const item = holder.content.firstElementChild;
    if (!item || document.getElementById(item.id)) return;
    item.classList.add("is-new");
    showLocalTimes(holder.content);
    list.prepend(holder.content);
    if (empty) empty.hidden = true;
    if (status) status.textContent = status.dataset.liveStatus;
  };

  const close = () => {
    turn += 1;
    clearTimeout(later);
    if (source) source.close();
    if (letGo) letGo();
    source = letGo = null;
  };

  const again = () => {
    close();
    later = setTimeout(open, pause);
  };

  const listen = () => {
    const opened = source = new EventSource(address);
    opened.addEventListener("revision", show);
    opened.addEventListener("error", () => {
      // Of itself a browser tries again after a broken line, and not after a refusal.
      if (opened === source && (!letGo || opened.readyState === EventSource.CLOSED)) again();
    });
    if (!letGo) opened.addEventListener("current", again);
  };

  // Resolves to what gives the right back, or to null when others hold all there are.
  const takeRight = (number = 0) => new Promise((resolve) => {
    if (number === most) return resolve(null);
    navigator.locks.request(`storywatch live ${number}`, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(takeRight(number + 1));
      return new Promise(resolve);
    });
  });

  const open = async () => {
    close();
    const mine = turn;
    if (document.visibilityState === "hidden") return;
    // Only pages that came over a safe connection may agree with others; the rest ask now and then.
    const right = "locks" in navigator ? await takeRight() : null;
    if (mine !== turn) return right && right();
    letGo = right;
    listen();
  };

  document.addEventListener("visibilitychange", open);
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();  // back from the cache of whole pages
  });
  open();
})();

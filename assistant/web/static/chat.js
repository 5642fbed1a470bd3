// What the founders' page does in the browser: names for assistive technology, the page's language, choices remembered,
// questions to go on with, copying, saving, judging an answer. Requests go to this server alone. Kept in the browser:
// language, field and stage, and what was sent and saved, so that it can be deleted.
"use strict";

(() => {
  const SENT = "usanext_sent";
  const YEAR_SECONDS = 31536000;
  const judged = new Map(); // number of the exchange -> {helpful, id}
  let exchanges = 0;
  let awaited = false; // the latest question has no answer yet
  let saved = null; // the link of the conversation on the screen

  const find = (selector, under = document) => under.querySelector(selector);
  const say = (name) => (find(`#say-${name}`) || {}).textContent || "";
  const reader = () => document.documentElement.lang || "en";

  // ---- The name that stands there before Gradio ----

  function dismissGreeting() {
    const splash = find("#splash");
    if (splash && find(".banner:not(.unsettled)")) splash.remove();
  }

  // ---- Names and language ----

  function name(element, attributes) {
    if (!element) return;
    for (const [key, value] of Object.entries(attributes)) {
      if (element.getAttribute(key) !== value) element.setAttribute(key, value);
    }
  }

  // Gradio's choices are no group to a browser: each would be a stop of its own, and the arrow keys would do nothing.
  const CHOICES = "#language, #segment, #stage";

  function groupChoices() {
    for (const group of document.querySelectorAll(CHOICES)) {
      const chosen = find("input:checked", group);
      for (const choice of group.querySelectorAll("input")) {
        name(choice, { tabindex: !chosen || choice === chosen ? "0" : "-1" });
      }
    }
  }

  function chooseByArrow(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const group = step && event.target instanceof Element && event.target.closest(CHOICES);
    if (!group || event.ctrlKey || event.metaKey || event.altKey) return;
    const choices = [...group.querySelectorAll("input")];
    const next = choices[(choices.indexOf(event.target) + step + choices.length) % choices.length];
    event.preventDefault();
    next.focus();
    next.click();
  }

  function nameParts() {
    // The region must stand still while its content changes, or screen readers stay silent.
    name(find("#announcement"), { role: "status", "aria-live": "polite", "aria-atomic": "true" });
    for (const id of ["language", "segment", "stage"]) {
      const label = find(`#${id} [data-testid='block-info']`);
      if (label) name(find(`#${id}`), { role: "group", "aria-label": label.textContent.trim() });
    }
    name(find("#side"), { role: "complementary", "aria-label": say("sources") });
    for (const told of document.querySelectorAll(".told, #saved-link, #erased")) name(told, { role: "status" });
    document.querySelectorAll(".cite").forEach((cite, place) => {
      const peek = find(".peek", cite);
      name(peek, { id: `peek-${place}` });
      name(find(".marker", cite), { "aria-describedby": `peek-${place}` });
    });
    for (const judge of document.querySelectorAll(".judge")) {
      const mine = judged.get(numberOf(judge));
      const pressed = Boolean(mine) && mine.helpful === judge.classList.contains("helpful");
      name(judge, { "aria-pressed": String(pressed) });
    }
  }

  function addSkipLink() {
    if (find("#skip") || !say("skip")) return;
    const link = document.createElement("a");
    link.id = "skip";
    link.href = "#box";
    link.textContent = say("skip");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      focusBox();
    });
    document.body.prepend(link);
  }

  function followLanguage() {
    const banner = find(".banner:not(.unsettled)");
    const language = banner && banner.getAttribute("lang");
    const title = banner && find(".page-title", banner);
    if (!language || !title) return;
    if (document.documentElement.lang !== language) document.documentElement.lang = language;
    if (document.title !== title.textContent) document.title = title.textContent;
    const skip = find("#skip");
    if (skip && say("skip") && skip.textContent !== say("skip")) skip.textContent = say("skip");
  }

  function remember(cookie, value) {
    document.cookie = `${cookie}=${value}; path=/; max-age=${YEAR_SECONDS}; samesite=strict`;
  }

  // ---- The conversation ----

  function showNewest() {
    const all = document.querySelectorAll("#conversation .exchange");
    const latest = all[all.length - 1];
    const waits = Boolean(latest) && Boolean(find(".reply.reading", latest));
    // Once when the question is asked, and once more when there is enough below it to bring it to the top.
    if (all.length > exchanges || (awaited && !waits && latest)) toTop(latest);
    if (all.length !== exchanges) forgetLink();
    if (all.length < exchanges) judged.clear();
    exchanges = all.length;
    awaited = waits;
  }

  function toTop(exchange) {
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    // The first one stands under the head of the page, which may stay.
    const block = exchange === find(".exchange") ? "nearest" : "start";
    exchange.scrollIntoView({ block, behavior: calm ? "auto" : "smooth" });
  }

  function focusBox() {
    const box = find("#box textarea");
    if (box) box.focus({ preventScroll: true });
  }

  function askNow(question) {
    const box = find("#box textarea");
    const button = find("#ask");
    if (!box || !button) return;
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    // Gradio takes the words in first; then the button sends them.
    requestAnimationFrame(() => requestAnimationFrame(() => button.click()));
    focusBox();
  }

  function numberOf(element) {
    const foot = element.closest(".foot");
    return foot ? Number(foot.id.slice("foot-".length)) : 0;
  }

  function keyedAddress(what) {
    const link = find("#along .file");
    const match = link && /^conversation\/[\w-]+\//.exec(link.getAttribute("href"));
    return match ? match[0] + what : null;
  }

  async function post(address, body) {
    const reply = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw Object.assign(new Error(reply.statusText), { status: reply.status });
    return reply.json();
  }

  async function copy(button) {
    const said = find(".said", button);
    const before = said.textContent;
    try {
      await navigator.clipboard.writeText(written(button.closest(".exchange")));
      said.textContent = say("copied");
    } catch {
      said.textContent = say("copy_failed");
    }
    setTimeout(() => { said.textContent = before; }, 2500);
  }

  // An exchange as plain words: the question, the answer with its markers, and each quote with its source and address.
  function written(exchange) {
    const quotes = new Map();
    for (const cite of exchange.querySelectorAll(".cite")) {
      const marker = find(".marker", cite);
      const number = numberIn(marker);
      const words = find(".peek-quote", cite).textContent;
      quotes.set(number, `[${number}] “${words}” (${find(".peek-facts", cite).textContent})\n${marker.href}`);
    }
    const reply = find(".reply", exchange).cloneNode(true);
    for (const cite of reply.querySelectorAll(".cite")) cite.replaceWith(` [${numberIn(find(".marker", cite))}]`);
    for (const hidden of reply.querySelectorAll(".hidden")) hidden.remove();
    const lines = [...reply.querySelectorAll("h3, p, li")].map(
      (block) => `${block.matches("li") ? "- " : ""}${block.textContent.trim()}`,
    );
    const question = find(".question p", exchange).textContent;
    return [question, lines.filter(Boolean).join("\n"), ...quotes.values()].join("\n\n");
  }

  function numberIn(marker) {
    return [...marker.childNodes].find((node) => node.nodeType === Node.TEXT_NODE).textContent.trim();
  }

  // ---- The source beside the answer ----

  const WIDE = "(min-width: 900px)"; // narrower, a tab of its own is easier to read

  function showBeside(link, event) {
    const otherwise = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !window.matchMedia(WIDE).matches;
    if (otherwise || typeof HTMLDialogElement === "undefined") return;
    event.preventDefault();
    const title = find(".peek-facts", link.closest(".cite") || document) || link.closest(".card");
    const name = title ? title.textContent.split(" · ")[0].trim() : link.textContent.trim();
    const dialog = document.createElement("dialog");
    dialog.id = "beside";
    dialog.setAttribute("aria-label", name);
    const frame = document.createElement("iframe");
    frame.title = name;
    frame.src = link.href;
    // The keys that are pressed inside the frame are its own.
    frame.addEventListener("load", () => {
      frame.contentWindow.addEventListener("keydown", (pressed) => {
        if (pressed.key === "Escape") dialog.close();
      });
    });
    const bar = element("div", "beside-bar", "");
    const tab = element("a", "", say("open_in_tab"));
    tab.href = link.href;
    tab.target = "_blank";
    tab.rel = "noopener";
    const closing = element("button", "", say("close"));
    closing.type = "button";
    closing.addEventListener("click", () => dialog.close());
    bar.append(tab, closing);
    dialog.append(bar, frame);
    dialog.addEventListener("click", (pressed) => {
      if (pressed.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus({ preventScroll: true });
      // Its words were just read in the source: the card would only cover what stands below.
      const cite = link.closest(".cite");
      if (cite) cite.classList.add("dismissed");
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  // ---- Judging an answer ----

  function tell(number, sentence) {
    const told = find(`#told-${number}`);
    if (told) told.textContent = sentence;
  }

  async function judge(number, helpful, why, share) {
    const address = keyedAddress("feedback");
    const before = judged.get(number);
    const body = { number, helpful, why, share, ...(before ? { id: before.id } : {}) };
    try {
      const { id } = await post(address, body);
      judged.set(number, { helpful, id });
      keepSent((sent) => { sent.feedback = [...new Set([...sent.feedback, id])]; });
      tell(number, say("feedback_thanks"));
      return true;
    } catch (error) {
      tell(number, say(error.status === 404 ? "gone" : "feedback_failed"));
      return false;
    } finally {
      nameParts();
    }
  }

  async function pressJudge(button) {
    const number = numberOf(button);
    const form = find(`#feedback-${number}`);
    const helpful = button.classList.contains("helpful");
    if (await judge(number, helpful, "", false) && form) {
      form.classList.remove("closed");
      const why = find(".why", form);
      if (why && !helpful) why.focus();
    }
  }

  async function sendForm(form) {
    const number = numberOf(form);
    const mine = judged.get(number);
    if (!mine) return;
    if (await judge(number, mine.helpful, find(".why", form).value, find(".share", form).checked)) {
      form.classList.add("closed");
      const pressed = find(`#foot-${number} .judge[aria-pressed="true"]`);
      if (pressed) pressed.focus();
    }
  }

  // ---- Saving ----

  function forgetLink() {
    saved = null;
    const place = find("#saved-link");
    if (place) place.replaceChildren();
  }

  async function save() {
    const place = find("#saved-link");
    try {
      saved = await post(keyedAddress("save"), { language: reader() });
      keepSent((sent) => { sent.saved.push({ delete: saved.delete }); });
      showLink(place);
    } catch (error) {
      place.textContent = say(error.status === 404 ? "gone" : "save_failed");
    }
  }

  function showLink(place) {
    const until = new Date(`${saved.expires}T12:00:00`);
    const date = new Intl.DateTimeFormat(reader(), { dateStyle: "long" }).format(until);
    const sentence = document.createElement("p");
    sentence.textContent = say("saved").replace("{date}", date);
    const link = element("a", "saved-address", new URL(saved.link, document.baseURI).href);
    link.href = saved.link;
    link.target = "_blank";
    link.rel = "noopener";
    const copying = element("button", "act", say("saved_copy"));
    copying.type = "button";
    copying.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(link.href);
        copying.textContent = say("copied");
      } catch {
        copying.textContent = say("copy_failed");
      }
    });
    const deleting = element("a", "act", say("saved_delete"));
    deleting.href = saved.delete;
    deleting.target = "_blank";
    deleting.rel = "noopener";
    const acts = element("div", "acts", "");
    acts.append(copying, deleting);
    place.replaceChildren(sentence, link, acts);
    acts.scrollIntoView({ block: "nearest" });
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  // ---- What was sent and saved, so that it can be deleted ----

  function sentSoFar() {
    try {
      const { feedback, saved: links } = JSON.parse(localStorage.getItem(SENT)) || {};
      return { feedback: feedback || [], saved: links || [] };
    } catch {
      return { feedback: [], saved: [] };
    }
  }

  function keepSent(change) {
    const sent = sentSoFar();
    change(sent);
    try {
      localStorage.setItem(SENT, JSON.stringify(sent));
    } catch {
      // Private windows may keep nothing: the links on the screen still delete.
    }
    showErase();
  }

  function showErase() {
    const button = find("#erase");
    const sent = sentSoFar();
    if (button) button.classList.toggle("closed", !sent.feedback.length && !sent.saved.length);
  }

  async function erase() {
    const sent = sentSoFar();
    const told = find("#erased");
    try {
      if (sent.feedback.length) await post("feedback/delete", { ids: sent.feedback.slice(-200) });
      for (const link of sent.saved) {
        const address = new URL(link.delete, document.baseURI);
        const reply = await fetch(address.pathname, { method: "POST", body: address.searchParams });
        if (!reply.ok && reply.status !== 404) throw new Error(reply.statusText);
      }
      localStorage.removeItem(SENT);
      judged.clear();
      forgetLink();
      told.textContent = say("erased");
      focusBox();
    } catch {
      told.textContent = say("erase_failed");
    }
    nameParts();
    showErase();
  }

  // ---- What happens when ----

  const PRESSED = [
    [".follow", (button) => askNow(button.textContent)],
    [".marker, .card .open", showBeside],
    [".copy", (button) => copy(button)],
    [".judge", (button) => pressJudge(button)],
    ["#save", () => save()],
    ["#erase", () => erase()],
    // These go when they have done their work; whoever pressed one goes on in the question box.
    ["#stop, #again, .starter", () => focusBox()],
  ];

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    for (const [selector, act] of PRESSED) {
      const pressed = event.target.closest(selector);
      if (pressed) act(pressed, event);
    }
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".feedback")) return;
    event.preventDefault();
    sendForm(event.target);
  });

  document.addEventListener("keydown", chooseByArrow);

  document.addEventListener("change", (event) => {
    groupChoices();
    if (!(event.target instanceof Element) || !/^[a-z_]{2,20}$/.test(event.target.value || "")) return;
    if (event.target.closest("#language")) remember("usanext_language", event.target.value);
    if (event.target.closest("#segment, #stage")) {
      const chosen = (id) => (find(`#${id} input:checked`) || { value: "any" }).value;
      remember("usanext_about", `${chosen("segment")}.${chosen("stage")}`);
    }
  });

  // A card that covers what one wants to read goes with Escape, until pointer and keyboard have left the marker.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const cite of document.querySelectorAll(".cite:hover, .cite:focus-within")) cite.classList.add("dismissed");
  });
  for (const [left, still] of [["mouseout", ":focus-within"], ["focusout", ":hover"]]) {
    document.addEventListener(left, (event) => {
      const cite = event.target instanceof Element && event.target.closest(".cite.dismissed");
      if (cite && !cite.contains(event.relatedTarget) && !cite.matches(still)) cite.classList.remove("dismissed");
    });
  }

  function settle() {
    dismissGreeting();
    addSkipLink();
    nameParts();
    groupChoices();
    followLanguage();
    showNewest();
    showErase();
  }

  function begin() {
    // Nodes only: Gradio watches classes itself, and two watchers that answer each other never end.
    new MutationObserver(settle).observe(document.body, { childList: true, subtree: true });
    settle();
  }

  if (document.body) {
    begin();
  } else {
    // At the first sight of a body: DOMContentLoaded waits for all of Gradio.
    new MutationObserver((_, observer) => {
      if (!document.body) return;
      observer.disconnect();
      begin();
    }).observe(document.documentElement, { childList: true });
  }
})();

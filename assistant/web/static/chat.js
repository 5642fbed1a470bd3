// What the founders' page does in the browser: names for assistive technology, the page's language, scrolling to
// a new question, and where the keyboard goes on after a stop. No request is made here, and nothing is stored but the chosen language.
"use strict";

(() => {
  let exchanges = 0;

  function name(id, attributes) {
    const element = document.getElementById(id);
    if (!element) return;
    for (const [key, value] of Object.entries(attributes)) {
      if (element.getAttribute(key) !== value) element.setAttribute(key, value);
    }
  }

  function followLanguage() {
    const banner = document.querySelector(".banner:not(.unsettled)");
    const language = banner && banner.getAttribute("lang");
    const title = banner && banner.querySelector(".page-title");
    if (!language || !title) return;
    if (document.documentElement.lang !== language) document.documentElement.lang = language;
    if (document.title !== title.textContent) document.title = title.textContent;
  }

  function showNewest() {
    const all = document.querySelectorAll("#conversation .exchange");
    if (all.length > exchanges) {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      all[all.length - 1].scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    }
    exchanges = all.length;
  }

  function settle() {
    // The region must stand still while its content changes, or screen readers stay silent.
    name("announcement", { role: "status", "aria-live": "polite", "aria-atomic": "true" });
    const choice = document.querySelector("#language [data-testid='block-info']");
    if (choice) name("language", { role: "group", "aria-label": choice.textContent.trim() });
    name("side", { role: "complementary" });
    followLanguage();
    showNewest();
  }

  document.addEventListener("change", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("#language")) return;
    const language = event.target.value;
    if (!/^[a-z]{2}$/.test(language)) return;
    document.cookie = `usanext_language=${language}; path=/; max-age=31536000; samesite=strict`;
  });

  // The button goes when it has done its work; whoever pressed it goes on in the question box.
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("#stop")) return;
    const box = document.querySelector("#box textarea");
    if (box) box.focus({ preventScroll: true });
  });

  function begin() {
    // Nodes only: Gradio watches classes itself, and two watchers that answer each other never end.
    new MutationObserver(settle).observe(document.body, { childList: true, subtree: true });
    settle();
  }

  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();

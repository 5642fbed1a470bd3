// What the desk's pages do in the browser beyond forms and links: files dropped or chosen are sent one after the other,
// each with its progress, and pages that show a reading follow it. Requests go to this server alone.
"use strict";

(() => {
  const POLL_MS = 1200;
  const SYSTEM_FILES = /^(\.|~\$|thumbs\.db$|desktop\.ini$|__macosx$)/i;
  const find = (selector, under = document) => under.querySelector(selector);
  const say = (name) => (find(`#say [data-say="${name}"]`) || {}).textContent || "";

  document.body.classList.add("scripted");

  async function reading() {
    const reply = await fetch("reading", { headers: { accept: "application/json" }, cache: "no-store" });
    if (!reply.ok) throw new Error(`${reply.status}`);
    return reply.json();
  }

  function element(name, text = "", attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  // ---- Sending files ----

  const form = find("#upload");
  if (form) sendFrom(form);

  function sendFrom(form) {
    const line = []; // rows that wait
    const rows = []; // all rows
    const single = form.hasAttribute("data-single");
    const most = Number(form.dataset.most);
    let skipped = 0;
    let sending = false;
    let following = false;

    for (const input of form.querySelectorAll("input[type=file]")) {
      const takeChosen = () => {
        take([...input.files]);
        input.value = "";
      };
      input.addEventListener("change", takeChosen);
      // Chosen while this script was on its way: nothing else would send them, and the button is gone.
      if (input.files.length) takeChosen();
    }
    form.addEventListener("submit", (event) => event.preventDefault());

    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => {
        if (![...(event.dataTransfer ? event.dataTransfer.types : [])].includes("Files")) return;
        event.preventDefault();
        form.classList.add("over");
      });
    }
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) form.classList.remove("over");
    });
    document.addEventListener("drop", async (event) => {
      if (!event.dataTransfer || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault(); // else the browser would leave the page for the file
      form.classList.remove("over");
      take(await dropped(event.dataTransfer));
    });
    window.addEventListener("beforeunload", (event) => {
      if (sending || line.length) event.preventDefault();
    });

    function take(files) {
      const wanted = files.filter((file) => !SYSTEM_FILES.test(file.name));
      skipped += files.length - wanted.length;
      for (const file of single ? wanted.slice(0, 1) : wanted) {
        const row = { file, drafts: [], state: "waiting", item: element("li") };
        row.bar = element("progress", "", { max: "100", value: "0", "aria-label": file.name });
        row.says = element("span", say("left_in_line"), { class: "says" });
        row.item.append(element("b", file.name, { dir: "auto" }), element("span", size(file.size)), row.bar, row.says);
        find("#sent-files").append(row.item);
        rows.push(row);
        line.push(row);
      }
      if (rows.length || skipped) find("#sent").hidden = false;
      tell();
      next();
    }

    function next() {
      if (sending) return;
      const row = line.shift();
      tell();
      if (!row) return;
      if (row.file.size > most) return end(row, find("#say").dataset.large);
      sending = true;
      row.state = "sending";
      row.says.textContent = say("sending");
      const body = new FormData();
      body.append("file", row.file, row.file.name);
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) row.bar.value = (100 * event.loaded) / event.total;
      });
      request.addEventListener("load", () => came(row, request));
      for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => end(row, say("not_sent")));
      request.send(body);
    }

    function came(row, request) {
      let reply = null;
      try {
        reply = JSON.parse(request.responseText);
      } catch {
        // A sentence in plain text: the gate's, or the door's.
      }
      const drafts = (reply && reply.drafts) || [];
      if (!drafts.length) {
        const plain = (request.getResponseHeader("content-type") || "").startsWith("text/plain");
        return end(row, (reply && reply.error) || (plain && request.responseText) || say("not_sent"));
      }
      if (single) {
        sending = false;
        line.length = 0;
        window.location.assign(drafts[0].href);
        return undefined;
      }
      row.state = "sent";
      row.drafts = drafts;
      row.bar.removeAttribute("value"); // it goes on, and nobody knows how far it is
      show(row, reply.error);
      follow();
      return end(row);
    }

    function end(row, problem) {
      sending = false;
      if (problem) {
        row.state = "failed";
        row.item.classList.add("failed");
        row.bar.remove();
        row.says.textContent = problem;
      }
      next();
    }

    function show(row, problem) {
      if (row.drafts.length === 1) {
        const [draft] = row.drafts;
        row.says.replaceChildren(element("span", draft.says), " ", element("a", say("to_draft"), { href: draft.href }));
      } else {
        row.says.replaceChildren();
        for (const draft of row.drafts) {
          const one = element("span", "", { dir: "auto" });
          one.append(element("a", draft.title, { href: draft.href }), ` – ${draft.says}`, document.createElement("br"));
          row.says.append(one);
        }
      }
      if (problem) row.says.append(` ${problem}`);
      const open = row.drafts.filter((draft) => draft.state === "waiting" || draft.state === "reading");
      if (open.length) return;
      row.bar.remove();
      row.item.classList.toggle("failed", row.drafts.every((draft) => draft.state === "failed"));
    }

    function tell(reply) {
      const waiting = line.length + (sending ? 1 : 0);
      const passed = skipped ? ` ${say("skipped_files")} ${skipped}.` : "";
      const now = reply && reply.done < reply.total ? `${reply.sentence} ` : "";
      const all = rows.length && !waiting ? say("all_sent") : "";
      const text = `${now}${all}${passed}`;
      if (find("#sent-line").textContent !== text) find("#sent-line").textContent = text;
    }

    async function follow() {
      if (following) return;
      following = true;
      while (rows.some((row) => row.drafts.some((draft) => draft.state === "waiting" || draft.state === "reading"))) {
        await new Promise((done) => setTimeout(done, POLL_MS));
        let reply;
        try {
          reply = await reading();
        } catch {
          continue; // the next time may be better
        }
        const known = new Map(reply.drafts.map((draft) => [draft.id, draft]));
        for (const row of rows) {
          if (!row.drafts.length) continue;
          // One that is there no more was published or thrown away meanwhile.
          row.drafts = row.drafts.map((draft) => known.get(draft.id) || { ...draft, state: "gone" });
          show(row);
        }
        tell(reply);
      }
      following = false;
      tell();
    }
  }

  async function dropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    if (!entries.some((entry) => entry && entry.isDirectory)) return [...transfer.files];
    const files = [];
    for (const entry of entries) if (entry) await gather(entry, files);
    return files;
  }

  async function gather(entry, files) {
    if (entry.isFile) {
      files.push(await new Promise((done, failed) => entry.file(done, failed)));
      return;
    }
    if (SYSTEM_FILES.test(entry.name)) return;
    const reader = entry.createReader();
    for (;;) {
      // A folder is given in parts of about a hundred.
      const part = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!part.length) return;
      for (const inside of part) await gather(inside, files);
    }
  }

  function size(bytes) {
    if (bytes < 1000) return `${bytes} B`;
    return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }

  // ---- Following the reading of drafts ----

  const watched = find("#reading");
  if (watched && watched.dataset.watch) watch(watched);

  async function watch(shown) {
    const states = new Map(shown.dataset.watch.split(" ").map((one) => one.split(":")));
    if (![...states.values()].some((state) => state === "waiting" || state === "reading")) return;
    for (;;) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      let reply;
      try {
        reply = await reading();
      } catch {
        continue;
      }
      find("p", shown).textContent = reply.sentence;
      const bar = find("progress", shown);
      bar.max = Math.max(reply.total, 1);
      bar.value = reply.done;
      const now = new Map(reply.drafts.map((draft) => [draft.id, draft.state]));
      const changed = [...states].some(([id, state]) => now.get(id) !== state);
      // Nobody's choice is taken away by loading the page again.
      if (changed && !find("form :checked")) {
        window.location.reload();
        return;
      }
    }
  }
})();

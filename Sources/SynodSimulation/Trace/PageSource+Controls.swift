extension PageSource {
  /// Clicks, keys, filters, the map of the whole run; then the first drawing.
  static let controlsScript = #"""
    const KEYS = [
      ["j k", "next and previous event of this lane"],
      ["n p", "next and previous event of what is followed, or of all"],
      ["→ ←", "to the other end of a message"],
      ["+ −", "larger and smaller rows"],
      ["/", "find"], ["v", "to what was broken"], ["Esc", "follow nothing"],
    ];
    let tab = "guide";

    function showTab(name) {
      tab = name;
      for (const button of $("tabs").children) {
        const isIt = button.dataset.tab === name;
        button.setAttribute("aria-selected", isIt);
        $(button.dataset.tab).hidden = !isIt;
      }
    }

    function follow(thread) {
      state.follow = thread;
      state.hits = thread ? following(thread.kind, thread.id) : null;
      showEvent();
      redraw(true);
      drawMap();
    }

    function pick(i, isKept = false) {
      const event = E[i];
      if (!event) return;
      if (!event.on) clearFilters();
      state.picked = i;
      if (!(isKept && state.hits?.has(i))) {
        const [thread] = threads(event);
        state.follow = thread ? { kind: thread[0], id: thread[1] } : null;
        state.hits = thread ? following(thread[0], thread[1]) : null;
      }
      showTab("event");
      showEvent();
      $("event").scrollTop = 0;
      const box = $("scroll"), y = event.y + 38;
      if (y < box.scrollTop + 80 || y > box.scrollTop + box.clientHeight - 60)
        box.scrollTop = y - box.clientHeight / 2;
      redraw(true);
      drawMap();
    }

    function clearFilters() {
      state.ballot = state.key = null;
      state.text = "";
      state.kinds = new Set(Object.keys(FAMILIES));
      $("ballot").value = $("key").value = $("find").value = "";
      showKinds();
      relayout();
    }

    function step(by, isIts) {
      let i = state.picked ?? (by > 0 ? -1 : E.length);
      for (i += by; i >= 0 && i < E.length; i += by)
        if (E[i].on && E[i].k !== "dropped" && isIts(E[i])) return pick(i, true);
    }

    function crossOver(isForward) {
      const event = E[state.picked];
      if (event?.m === undefined) return;
      const target = isForward ? event.ends[0] : event.from;
      if (target) pick(target.i, true);
    }

    document.addEventListener("keydown", press => {
      if (press.ctrlKey || press.metaKey || press.altKey) return;
      if (press.target.matches?.("input, select")) {
        if (press.key === "Escape") press.target.blur();
        return;
      }
      const lane = E[state.picked]?.v;
      const ofLane = event => lane === undefined || event.v === lane;
      const ofThread = event => !state.hits || state.hits.has(event.i);
      const actions = {
        j: () => step(1, ofLane), k: () => step(-1, ofLane),
        n: () => step(1, ofThread), p: () => step(-1, ofThread),
        ArrowRight: () => crossOver(true), ArrowLeft: () => crossOver(false),
        "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(.8),
        "/": () => $("find").focus(), v: goToViolation,
        Escape: () => { state.picked = null; follow(null); },
      };
      const action = actions[press.key];
      if (!action) return;
      press.preventDefault();
      action();
    });

    function goToViolation() {
      const event = E.findLast(event => event.k === "violation") || E[E.length - 1];
      if (event) pick(event.i);
    }

    // The row in the middle stays where it is.
    function zoom(by) {
      const box = $("scroll"), middle = box.scrollTop + box.clientHeight / 2;
      const anchor = place.shown.find(event => event.y >= middle) || place.shown.at(-1);
      const before = anchor ? anchor.y : 0;
      state.row = Math.max(5, Math.min(48, state.row * by));
      relayout();
      if (anchor) box.scrollTop += anchor.y - before;
      redraw(true);
    }

    function showKinds() {
      $("kinds").replaceChildren(...Object.keys(FAMILIES).map(kind =>
        html("button", { "aria-pressed": state.kinds.has(kind), onclick: () => {
          state.kinds.has(kind) ? state.kinds.delete(kind) : state.kinds.add(kind);
          showKinds();
          relayout();
        } }, kind)));
    }

    function drawMap() {
      const map = $("map"), box = $("scroll"), ratio = window.devicePixelRatio || 1;
      const width = map.clientWidth, height = map.clientHeight;
      map.width = width * ratio;
      map.height = height * ratio;
      const pen = map.getContext("2d"), look = getComputedStyle(document.documentElement);
      const colour = name => look.getPropertyValue(name).trim();
      const tone = hue => `oklch(${colour("--tone-l")} ${colour("--tone-c")} ${hue})`;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const isDark = document.documentElement.dataset.theme
        ? document.documentElement.dataset.theme === "dark" : dark;
      pen.scale(ratio, ratio);
      const at = y => y / place.height * height, lane = (width - 10) / Math.max(1, lanes.length);
      pen.fillStyle = isDark ? "#f0b04a2b" : "#a35f0026";
      for (const band of bands) {
        const from = at(band.from.y), to = at(yOf(band.to, place.height));
        const isOfNode = band.from.v !== undefined;
        pen.fillRect(isOfNode ? 5 + laneOf.get(band.from.v) * lane : 0, from,
          isOfNode ? lane : width, Math.max(1, to - from));
      }
      for (const event of place.shown) {
        const isBad = event.k === "violation" || event.k === "crashed" || event.k === "retired";
        pen.globalAlpha = state.hits && !state.hits.has(event.i) ? .12 : .9;
        pen.fillStyle = isBad ? (isDark ? "#ff6e66" : "#c4211c")
          : event.b === undefined ? (isDark ? "#969ea7" : "#8a9198") : tone(hueOf(event.b));
        const isWide = event.k === "violation" || event.v === undefined;
        pen.fillRect(isWide ? 0 : 5 + laneOf.get(event.v) * lane, at(event.y) - .5,
          isWide ? width : Math.max(2, lane - 1), isBad ? 2.5 : 1.2);
      }
      pen.globalAlpha = 1;
      pen.strokeStyle = isDark ? "#7fb0ff" : "#1f5fbf";
      pen.lineWidth = 1.5;
      pen.strokeRect(1, at(box.scrollTop) + 1, width - 2,
        Math.max(6, at(box.clientHeight) - 2));
    }

    function jump(press) {
      if (!(press.buttons & 1)) return;
      const box = $("scroll");
      box.scrollTop = press.offsetY / $("map").clientHeight * place.height - box.clientHeight / 2;
    }

    function start() {
      $("title").textContent = run.title;
      const [verdict, what] = run.outcome || [];
      if (verdict) {
        $("badge").hidden = false;
        $("badge").textContent = verdict;
        $("badge").classList.add(verdict);
      }
      if (what) $("what").append(html("a", { onclick: goToViolation }, what));
      const facts = run.facts.filter(([, value]) => value.length < 40)
        .map(([name, value]) => html("span", {}, `${name} `, html("b", {}, value)));
      if (run.leftOut) facts.push(html("span", { class: "bad" },
        `${run.leftOut.toLocaleString("en")} earlier events are not on this page`));
      if (run.command) facts.push(html("span", {}, "again: ", html("code", {}, run.command)));
      $("facts").replaceChildren(...facts);
      for (const round of rounds) $("ballot").append(html("option", { value: round.place },
        `${round.short}${round.key === undefined ? "" : " on " + round.key}`));
      const keys = [...new Set(E.map(event => event.key))].filter(key => key !== undefined).sort();
      keys.forEach((key, i) => $("key").append(html("option", { value: i }, key)));
      $("keys").hidden = keys.length < 2;
      const chosen = (id, set) => $(id).addEventListener("change", () => {
        set($(id).value === "" ? null : +$(id).value);
        relayout();
      });
      chosen("ballot", value => state.ballot = value);
      chosen("key", value => state.key = value === null ? null : keys[value]);
      $("find").addEventListener("input", () => {
        state.text = $("find").value.toLowerCase();
        relayout();
      });
      $("smaller").addEventListener("click", () => zoom(.8));
      $("larger").addEventListener("click", () => zoom(1.25));
      $("theme").addEventListener("click", () => {
        const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
        const isDark = (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
        root.dataset.theme = isDark ? "light" : "dark";
        drawMap();
      });
      $("tabs").addEventListener("click", click => {
        if (click.target.dataset.tab) showTab(click.target.dataset.tab);
      });
      $("chart").addEventListener("click", click => {
        const hit = click.target.closest("[data-i]");
        if (hit) pick(+hit.dataset.i);
      });
      document.querySelector("aside").addEventListener("click", click => {
        const line = click.target.closest("[data-go]"), round = click.target.closest("[data-round]");
        if (line) pick(+line.dataset.go, true);
        if (round) pick(rounds[+round.dataset.round].events[0].i);
      });
      let isWaiting = false;
      $("scroll").addEventListener("scroll", () => {
        if (isWaiting) return;
        isWaiting = true;
        requestAnimationFrame(() => {
          isWaiting = false;
          redraw();
          drawMap();
        });
      });
      $("map").addEventListener("pointerdown", jump);
      $("map").addEventListener("pointermove", jump);
      window.addEventListener("resize", relayout);
      showKinds();
      showGuide();
      showRounds();
      showEvent();
      showTab("guide");
      relayout();
      if (verdict === "failed") goToViolation();
    }
    start();
    """#
}

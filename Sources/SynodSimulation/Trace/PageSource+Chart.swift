extension PageSource {
  static let elementsScript = #"""
    const SVG = "http://www.w3.org/2000/svg";
    const $ = id => document.getElementById(id);
    function svg(name, attributes = {}, ...children) {
      const element = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.append(...children);
      return element;
    }
    function html(name, attributes = {}, ...children) {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else element.setAttribute(key, value);
      }
      element.append(...children);
      return element;
    }
    const fit = (text, width) => {
      const room = Math.max(4, Math.floor(width / 6.4));
      return text.length > room ? text.slice(0, room - 1) + "…" : text;
    };
    """#

  /// Draws what is in view and one screen around it, and again when that has been left behind.
  static let chartScript = #"""
    const view = { from: 0, to: -1 };

    function relayout() {
      layRows();
      layColumns($("scroll").clientWidth);
      $("tall").style.width = $("heads").style.width = place.width + "px";
      $("tall").style.height = place.height + "px";
      $("count").textContent = place.shown.length === E.length ? `${E.length} events`
        : `${place.shown.length} of ${E.length} events`;
      drawHeads();
      view.to = -1;
      redraw();
      drawMap();
    }

    function redraw(always = false) {
      const box = $("scroll"), top = box.scrollTop, bottom = top + box.clientHeight;
      const isCovered = top >= view.from && bottom <= view.to;
      if (isCovered && !always) return;
      view.from = top - box.clientHeight;
      view.to = bottom + box.clientHeight;
      const chart = $("chart"), height = Math.min(place.height, view.to) - Math.max(0, view.from);
      chart.style.top = Math.max(0, view.from) + "px";
      chart.setAttribute("width", place.width);
      chart.setAttribute("height", Math.max(0, height));
      chart.setAttribute("viewBox",
        `0 ${Math.max(0, view.from)} ${place.width} ${Math.max(0, height)}`);
      chart.classList.toggle("focus", state.hits !== null);
      chart.replaceChildren(...drawBands(), ...drawLanes(), ...drawCuts(), ...drawCalls(),
        ...drawArrows(), ...drawMarks());
    }

    const inView = (from, to) => to >= view.from && from <= view.to;

    function drawHeads() {
      const heads = $("heads");
      heads.setAttribute("width", place.width);
      const parts = [svg("text", { x: 12, y: 24, class: "sub" }, "ms")];
      for (const voter of lanes)
        parts.push(svg("text", { x: laneX(voter), y: 24, class: "head", "text-anchor": "middle" },
          `node ${voter}`));
      if (clientCount) {
        parts.push(svg("text", { x: place.clients + 2, y: place.client > 60 ? 14 : 16,
          class: "head" }, "clients"));
        columns.forEach(({ clients }) => parts.push(svg("text", { x: clientX(clients[0]), y: 31,
          class: "sub", "text-anchor": "middle" },
        clients.length > 1 ? `${clients[0]}…` : `${clients[0]}`)));
      }
      heads.replaceChildren(...parts);
    }

    // A bar for each; one shade however many there are at a time.
    function drawBands() {
      const parts = [], shadedTo = new Map(), columns = new Map();
      if (!state.kinds.has("faults")) return parts;
      for (const band of bands) {
        const { v } = band.from, from = band.from.y, to = yOf(band.to, place.height);
        const x = v === undefined ? place.gutter - 6 : laneX(v) - 34;
        const width = v === undefined ? place.lane * lanes.length + 6 : 68;
        const shadeFrom = Math.max(from, shadedTo.get(v) ?? 0);
        const ends = columns.get(v) || [];
        columns.set(v, ends);
        let column = ends.findIndex(end => end <= from);
        if (column < 0) column = Math.min(ends.length, 3);
        ends[column] = to;
        if (inView(from, to)) {
          const bar = x + 5 * column;
          const shapes = [svg("path", { d: `M${bar} ${from}V${Math.max(to, from + 2)}` })];
          if (to > shadeFrom)
            shapes.push(svg("rect", { x, y: shadeFrom, width, height: to - shadeFrom }));
          parts.push(svg("g", { class: "band" }, ...shapes));
        }
        shadedTo.set(v, Math.max(to, shadedTo.get(v) ?? 0));
      }
      return parts;
    }

    function drawLanes() {
      const parts = [];
      lanes.forEach((voter, lane) => {
        const x = laneX(voter);
        for (const piece of lives[lane]) {
          const from = yOf(piece.from, 0), to = yOf(piece.to, place.height);
          if (inView(from, to))
            parts.push(svg("path", { class: `lane ${piece.state}`,
              d: `M${x} ${Math.max(from, view.from)}V${Math.min(to, view.to)}` }));
        }
        if (!state.kinds.has("disks")) return;
        for (const sync of syncs[lane]) {
          const from = sync.from.y, to = yOf(sync.to, place.height);
          if (inView(from, to) && to > from && (sync.from.on || sync.to?.on))
            parts.push(svg("rect", { class: sync.torn ? "sync torn" : "sync", x: x - 4, y: from,
              width: 8, height: to - from, rx: 4 }));
        }
      });
      return parts;
    }

    function drawCuts() {
      const right = place.gutter + place.lane * lanes.length;
      return place.cuts.filter(cut => inView(cut.y - 9, cut.y + 9)).map(cut => {
        let path = `M${place.gutter} ${cut.y}`;
        for (let x = place.gutter; x + 12 <= right; x += 12) path += "l3 -3 l6 6 l3 -3";
        return svg("g", { class: "cut" }, svg("path", { d: path }),
          svg("text", { x: place.gutter - 8, y: cut.y + 4, "text-anchor": "end" },
            `⌇ ${span(cut.gap)}`));
      });
    }

    function drawCalls() {
      if (!state.kinds.has("clients")) return [];
      const parts = [];
      for (const [, [first, last]] of calls) {
        if (first.c === undefined || !(first.on || last?.on)) continue;
        const from = first.y, to = yOf(last, place.height);
        if (!inView(from, to)) continue;
        const x = clientX(first.c), group = eventGroup(first, last ? "call" : "call open");
        if (state.hits && last && state.hits.has(last.i)) group.classList.add("hit");
        group.append(svg("rect", { x: x - 5, y: from, width: 10, height: Math.max(4, to - from),
          rx: 5 }));
        if (place.client > 60) for (const [end, y] of [[first, from + 4], [last, to + 4]])
          if (end?.on) group.append(svg("text", { class: "word soft", x: x + 10, y },
            fit(end.x, place.client - 22)));
        if (first.on && first.v !== undefined)
          group.append(svg("path", { d: `M${laneX(first.v)} ${from}H${x - 5}` }));
        if (last?.on && last.v !== undefined)
          group.append(svg("path", { d: `M${laneX(last.v)} ${to}H${x - 5}` }));
        parts.push(group);
      }
      return parts;
    }
    """#
}

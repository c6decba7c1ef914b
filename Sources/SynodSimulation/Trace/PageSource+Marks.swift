extension PageSource {
  /// Arrows, marks and words of events.
  static let marksScript = #"""
    function eventGroup(event, more = "") {
      const shown = event.leads || event, isPick = state.picked === shown.i;
      const isHit = state.hits?.has(event.i) || state.hits?.has(shown.i);
      return svg("g", { class: `ev ${more}${isHit ? " hit" : ""}${isPick ? " pick" : ""}`,
        style: toneOf(shown), "data-i": shown.i });
    }

    function drawArrows() {
      const parts = [];
      if (!state.kinds.has("messages")) return parts;
      for (const event of place.shown) {
        const isOpen = event.k === "sent" && !event.ends.length;
        if (isOpen && inView(event.y, event.y + state.row)) parts.push(stub(event));
      }
      for (const { from, to, isAgain } of arrows) {
        const top = from ? from.y : to.y - state.row;
        if ((from?.on || to.on) && inView(top, to.y + state.row))
          parts.push(arrow(from, to, isAgain));
      }
      return parts;
    }

    // Still on its way when the run ended.
    function stub(event) {
      const x = laneX(event.v), to = x + (laneX(event.o) - x) * .3;
      const group = eventGroup(event);
      group.append(svg("path", { class: "arrow open",
        d: `M${x} ${event.y}L${to} ${event.y + state.row * .6}` }));
      return group;
    }

    function arrow(from, event, isAgain) {
      const isLost = event.k === "dropped";
      const group = eventGroup(isLost ? from : event);
      const source = from ? from.v : event.o, target = isLost ? from.o : event.v;
      const x1 = laneX(source), y1 = from ? from.y : event.y - state.row * 1.2;
      let x2 = laneX(target), y2 = event.y;
      if (isLost) {
        const isAtOnce = event.joined || y2 - y1 < state.row * .5;
        x2 = x1 + (x2 - x1) * (isAtOnce ? .42 : .86);
        y2 = isAtOnce ? y1 + state.row * .62 : y2;
      }
      const line = `M${x1} ${y1}L${x2} ${y2}`;
      const look = isLost ? " gone" : isAgain ? " again" : from ? "" : " open";
      group.append(svg("path", { class: "grab", d: line }),
        svg("path", { class: "arrow" + look, d: line }));
      if (isLost) {
        group.append(svg("path", { class: "cross",
          d: `M${x2 - 4} ${y2 - 4}l8 8m0 -8l-8 8` }));
      } else {
        const angle = Math.atan2(y2 - y1, x2 - x1) * 180 / Math.PI;
        group.append(svg("path", { class: "tip", d: "M-4 0L-13 -4.5V4.5Z",
          transform: `translate(${x2} ${y2}) rotate(${angle.toFixed(1)})` }));
      }
      return group;
    }

    const LOOKS = {
      crashed: ["bad", "✕"], restarted: ["good", "▲"], paused: ["warn", "‖"],
      resumed: ["good", "▶"], retired: ["bad", "■"], fault: ["warn", "⚡"], healed: ["good", "✓"],
    };

    function drawMarks() {
      const parts = [];
      let shownTime = null;
      for (const event of place.shown) {
        if (!inView(event.y - 20, event.y + 20)) continue;
        if (!event.joined && event.t !== shownTime) {
          shownTime = event.t;
          parts.push(svg("text", { class: "time", x: place.gutter - 14, y: event.y + 4,
            "text-anchor": "end" }, time(event.t)));
        }
        parts.push(mark(event));
      }
      return parts;
    }

    function mark(event) {
      if (event.k === "violation") return violation(event);
      if (event.k === "dropped") return svg("g");
      const [look, sign] = LOOKS[(event.leads || event).k] || ["", ""];
      const group = eventGroup(event, look);
      const isOfWorld = event.v === undefined;
      const x = isOfWorld ? place.gutter + 20 : laneX(event.v), y = event.y;
      group.append(svg("circle", { class: "halo", cx: x, cy: y, r: 12 }));
      if (sign && event.joined) return group;
      if (sign) {
        group.append(svg("text", { class: "word strong", x, y: y + 5, "text-anchor": "middle",
          style: "font-size:15px" }, sign));
      } else if (event.k === "appended") {
        group.append(svg("rect", { class: "ring", x: x - 4, y: y - 4, width: 8, height: 8 }));
      } else if (event.k === "durable") {
        group.append(svg("rect", { class: "dot", x: x - 5, y: y - 5, width: 10, height: 10 }));
      } else if (event.k === "delivered") {
        group.append(svg("circle", { class: "ring", cx: x, cy: y, r: 3.5 }));
      } else if (event.k === "invoked" || event.k === "completed") {
        const way = event.k === "invoked" ? "M7 -5V5L-3 0Z" : "M-5 -5V5L5 0Z";
        group.append(svg("path", { class: "dot", d: way, transform: `translate(${x} ${y})` }));
      } else if (event.k === "sent") {
        group.append(svg("circle", { class: "dot", cx: x, cy: y, r: 5.5 }));
      } else if (!event.joined && !event.leads) {
        group.append(svg("path", { class: "arrow", d: `M${x - 7} ${y}H${x + 7}` }));
      }
      if (!event.joined && state.row >= 15) group.append(word(event, x));
      return group;
    }

    function word(event, x) {
      const isLeft = event.k === "delivered" && laneOf.get(event.o) > laneOf.get(event.v);
      const attributes = { class: "word", x: x + (isLeft ? -11 : 11), y: event.y + 4,
        "text-anchor": isLeft ? "end" : "start" };
      const isOfWorld = event.v === undefined;
      const isLast = laneOf.get(event.v) === lanes.length - 1;
      const room = isOfWorld ? place.lane * lanes.length
        : isLast && !isLeft ? place.lane / 2 + 24 : place.lane - 30;
      const ballot = event.b === undefined ? "" : rounds[event.b].short;
      const isSoft = ["delivered", "appended", "durable", "syncBegan", "syncEnded"]
        .includes(event.k);
      const isSynced = event.k === "durable" || event.leads?.k === "durable";
      const title = isSynced ? durableWords(event.leads || event)
        : ["crashed", "restarted", "paused", "resumed", "retired"]
          .includes(event.k) && event.x === "" ? event.k : event.x;
      const text = svg("text", attributes,
        svg("tspan", { class: isSoft ? "soft" : event.k === "sent" ? "strong" : "" },
          isSoft ? fit(title, room * 1.12) : fit(title, room - ballot.length * 6.4)));
      if (ballot && !isSoft) text.append(svg("tspan", { class: "tint strong", dx: 5 }, ballot));
      return text;
    }

    const durableWords = event => event.x === "durable" || event.x === "" ? "durable"
      : `${event.x} · durable`;

    function violation(event) {
      const group = eventGroup(event, "bad");
      group.append(
        svg("path", { class: "wreck", d: `M${place.gutter} ${event.y}H${place.width}` }),
        svg("text", { class: "word strong", x: place.gutter + 4, y: event.y + 20,
          style: "font-size:13px" }, fit(event.x, place.width - place.gutter)));
      if (event.v !== undefined)
        group.append(svg("circle", { class: "dot", cx: laneX(event.v), cy: event.y, r: 7 }));
      return group;
    }
    """#
}

extension PageSource {
  /// A round in a picture, and what the signs in the chart mean.
  static let lessonScript = #"""
    function lesson() {
      const x = [52, 170, 288], tone = toneOf({ b: 0 });
      const picture = svg("svg", { viewBox: "0 0 340 224", style: tone, role: "img" });
      x.forEach((at, i) => picture.append(
        svg("text", { x: at, y: 14, "text-anchor": "middle", class: "head" }, `node ${i + 1}`),
        svg("path", { class: "lane", d: `M${at} 22V218` })));
      const names = run.guide.steps.map(([name]) => name);
      const arrow = (from, to, y, height) => {
        const angle = Math.atan2(height, to - from) * 180 / Math.PI;
        picture.append(svg("path", { class: "arrow", d: `M${from} ${y}L${to} ${y + height}` }),
          svg("path", { class: "tip", d: "M-2 0L-11 -4.5V4.5Z",
            transform: `translate(${to} ${y + height}) rotate(${angle.toFixed(1)})` }));
      };
      const sync = (at, y) => picture.append(svg("rect", { class: "sync", x: at - 4, y,
        width: 8, height: 20, rx: 4 }));
      const say = (at, y, text, anchor = "start") => picture.append(svg("g", { class: "ev" },
        svg("text", { class: "word strong tint", x: at, y, "text-anchor": anchor }, text)));
      [[34, names[0], names[1]], [134, names[2], names[3]]].forEach(([y, ask, answer]) => {
        arrow(x[0], x[1], y, 16);
        arrow(x[0], x[2], y, 26);
        sync(x[1], y + 18);
        sync(x[2], y + 28);
        sync(x[0], y + 4);
        arrow(x[1], x[0], y + 40, 16);
        arrow(x[2], x[0], y + 50, 26);
        say(x[0] + 10, y - 1, ask || "");
        say(x[1] + 10, y + 48, answer || "");
      });
      return picture;
    }

    function signs() {
      const list = html("dl", { style: "grid-template-columns: 46px 1fr" });
      const sign = (meaning, ...shapes) => list.append(html("dt", {}, svg("svg",
        { viewBox: "0 0 46 20", width: 46, height: 20, style: toneOf({ b: 0 }) },
        ...shapes)), html("dd", {}, meaning));
      const ev = (more, ...shapes) => svg("g", { class: `ev ${more}` }, ...shapes);
      const line = look => svg("path", { class: `arrow ${look}`, d: "M2 5L40 15" });
      const tip = () => svg("path", { class: "tip", d: "M-1 0L-10 -4.5V4.5Z",
        transform: "translate(42 15.4) rotate(15)" });
      sign("a message, from where it was sent to where it arrived; steep means slow", line(""), tip());
      sign("it arrived once more", line("again"), tip());
      sign("it was lost", svg("path", { class: "arrow gone", d: "M2 5L26 12" }),
        svg("path", { class: "cross", d: "M24 8l8 8m0 -8l-8 8" }));
      sign("a sync, from its begin until it is durable; red where a crash tore it",
        svg("rect", { class: "sync", x: 3, y: 6, width: 18, height: 8, rx: 4 }),
        svg("rect", { class: "sync torn", x: 25, y: 6, width: 18, height: 8, rx: 4 }));
      sign("records handed to the store; records durable",
        ev("", svg("rect", { class: "ring", x: 8, y: 6, width: 8, height: 8 }),
          svg("rect", { class: "dot", x: 28, y: 5, width: 10, height: 10 })));
      sign("crashed and started again: no line between", ev("bad",
        svg("text", { class: "word", x: 6, y: 15 }, "✕")), ev("good",
        svg("text", { class: "word", x: 28, y: 15 }, "▲")));
      sign("stands still and goes on: a dotted line between", ev("warn",
        svg("text", { class: "word", x: 8, y: 15 }, "‖")), ev("good",
        svg("text", { class: "word", x: 28, y: 15 }, "▶")));
      sign("a fault of the network or a disk, shaded while it lasts", ev("warn",
        svg("text", { class: "word", x: 6, y: 15 }, "⚡")), svg("g", { class: "band" },
        svg("rect", { x: 24, y: 1, width: 20, height: 18 }),
        svg("path", { d: "M24 1V19" })));
      sign("a client's call, from asking to the answer; grey where none came",
        ev("call", svg("rect", { x: 6, y: 5, width: 14, height: 10, rx: 5 })),
        ev("call open", svg("rect", { x: 26, y: 5, width: 14, height: 10, rx: 5 })));
      sign("time in which nothing happened, cut out", svg("g", { class: "cut" },
        svg("path", { d: "M3 10l3 -3 l6 6 l3 -3l3 -3 l6 6 l3 -3l3 -3 l6 6 l3 -3" })));
      return list;
    }
    """#
}

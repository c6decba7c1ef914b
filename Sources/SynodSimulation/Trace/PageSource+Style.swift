extension PageSource {
  static let style = #"""
    :root {
      color-scheme: light dark;
      --paper: light-dark(#fcfcfa, #15181c); --card: light-dark(#ffffff, #1d2126);
      --ink: light-dark(#1d2125, #e4e7ea); --dim: light-dark(#666d74, #969ea7);
      --rule: light-dark(#dcdfdd, #30363d); --lane: light-dark(#b9bfc2, #4b535c);
      --plain: light-dark(#4c545b, #b4bcc4); --accent: light-dark(#1f5fbf, #7fb0ff);
      --bad: light-dark(#c4211c, #ff6e66); --good: light-dark(#187a3c, #5ed28a);
      --warn: light-dark(#a35f00, #f0b04a); --shade: light-dark(#a35f0014, #f0b04a17);
      --tone-l: 56%; --tone-c: .16;
    }
    @media (prefers-color-scheme: dark) { :root { --tone-l: 76%; --tone-c: .14; } }
    :root[data-theme=light] { color-scheme: light; --tone-l: 56%; --tone-c: .16; }
    :root[data-theme=dark] { color-scheme: dark; --tone-l: 76%; --tone-c: .14; }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    html, body { height: 100%; margin: 0; }
    body { display: flex; flex-direction: column; background: var(--paper); color: var(--ink);
      font: 14px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
    button, select, input { font: inherit; color: inherit; background: var(--card);
      border: 1px solid var(--rule); border-radius: 6px; padding: 2px 9px; }
    button { cursor: pointer; } button:hover { border-color: var(--accent); }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
    code, .mono { font: 12.5px/1.45 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas,
      monospace; overflow-wrap: anywhere; }
    .grow { flex: 1; } .dim { color: var(--dim); }

    header { padding: 10px 16px 8px; border-bottom: 1px solid var(--rule); background: var(--card); }
    .top, .tools { display: flex; align-items: center; gap: 10px; flex-wrap: wrap; }
    h1 { font-size: 18px; margin: 0; font-weight: 650; letter-spacing: -.01em; }
    .badge { padding: 1px 10px; border-radius: 99px; font-weight: 600; color: var(--paper); }
    .badge.passed { background: var(--good); } .badge.failed { background: var(--bad); }
    .badge.undecided { background: var(--warn); }
    #what { color: var(--bad); max-width: 70ch; } #what a { color: inherit; cursor: pointer; }
    .facts { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 8px; color: var(--dim);
      max-height: 4.7em; font-size: 13px; overflow: auto; }
    .facts b { font-weight: 550; color: var(--ink); } .facts code { user-select: all; }
    .kinds { display: flex; gap: 4px; } .kinds button[aria-pressed=false] { opacity: .45;
      text-decoration: line-through; }
    #find { width: 15ch; } select { max-width: 19ch; } .count { color: var(--dim); }

    main { flex: 1; min-height: 0; display: flex; }
    #scroll { flex: 1; min-width: 0; overflow: auto; position: relative; outline-offset: -3px; }
    #heads { position: sticky; top: 0; z-index: 2; display: block; height: 38px;
      background: var(--paper); border-bottom: 1px solid var(--rule); }
    #tall { position: relative; } #chart { position: absolute; left: 0; display: block; }
    #map { width: 54px; height: 100%; border-left: 1px solid var(--rule); cursor: pointer; }
    aside { width: 372px; border-left: 1px solid var(--rule); background: var(--card);
      display: flex; flex-direction: column; }
    #tabs { display: flex; gap: 4px; padding: 8px 12px 0; border-bottom: 1px solid var(--rule); }
    #tabs button { border: 0; border-bottom: 3px solid transparent; border-radius: 0;
      background: none; padding: 4px 8px; color: var(--dim); }
    #tabs button[aria-selected=true] { color: var(--ink); border-color: var(--accent); }
    section { overflow: auto; padding: 12px 16px 28px; flex: 1; min-height: 0; }
    h2 { font-size: 16px; margin: 0 0 2px; display: flex; align-items: center; gap: 8px; }
    h3 { font-size: 12px; text-transform: uppercase; letter-spacing: .06em; color: var(--dim);
      margin: 18px 0 4px; } p { margin: 6px 0; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 12px; margin: 8px 0; }
    dt { color: var(--dim); } dd { margin: 0; } .steps { grid-template-columns: 1fr; }
    .steps dt { color: var(--ink); font-weight: 600; margin-top: 6px; }
    .swatch { width: 12px; height: 12px; border-radius: 4px; flex: none; display: inline-block;
      background: var(--tone, var(--plain)); }
    .means { border-left: 3px solid var(--tone, var(--rule)); padding: 2px 0 2px 10px;
      margin: 8px 0; }
    .chips { display: flex; flex-wrap: wrap; gap: 6px; margin: 8px 0; }
    .chips button[aria-pressed=true] { border-color: var(--accent); color: var(--accent);
      box-shadow: inset 0 0 0 1px var(--accent); }
    .list { list-style: none; margin: 4px 0; padding: 0; }
    .list button { display: flex; gap: 8px; width: 100%; border: 0; background: none;
      text-align: left; padding: 2px 6px; align-items: baseline; }
    .list button:hover { background: var(--paper); }
    .list .sends { font-weight: 600; } .list .lost { color: var(--bad); }
    .list .here { background: var(--paper); font-weight: 600; }
    .list .when { color: var(--dim); min-width: 8ch; text-align: right;
      font-variant-numeric: tabular-nums; }
    kbd { font: 12px ui-monospace, monospace; border: 1px solid var(--rule); border-radius: 4px;
      padding: 0 5px; background: var(--paper); }
    .keys { grid-template-columns: 9ch 1fr; }
    #guide svg { display: block; width: 100%; margin: 6px 0; }
    @media (max-width: 860px) { main { flex-direction: column; } #map { display: none; }
      aside { width: auto; height: 45%; border-left: 0; border-top: 1px solid var(--rule); } }

    svg text { font: 12px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
      fill: var(--ink); }
    .head { font-weight: 650; font-size: 13px; } .sub { fill: var(--dim); font-size: 11px; }
    .time, .cut text { fill: var(--dim); font-size: 11px; font-variant-numeric: tabular-nums; }
    .lane { stroke: var(--lane); stroke-width: 2; }
    .lane.paused { stroke-dasharray: 2 5; } .lane.down { display: none; }
    .lane.retired { stroke-dasharray: 1 9; opacity: .7; }
    .cut path { stroke: var(--rule); fill: none; }
    .band rect { fill: var(--shade); } .band path { stroke: var(--warn); stroke-width: 3; }
    .band text { fill: var(--warn); font-size: 11px; }
    .sync { fill: var(--lane); opacity: .75; } .sync.torn { fill: var(--bad); opacity: .5; }
    .ev { cursor: pointer; } .ev .dot { fill: var(--tone, var(--plain)); stroke: var(--paper); }
    .ev .ring { fill: var(--paper); stroke: var(--tone, var(--plain)); stroke-width: 2; }
    .ev .word { paint-order: stroke; stroke: var(--paper); stroke-width: 4px;
      stroke-linejoin: round; }
    .ev .soft { fill: var(--dim); font-size: 11px; } .ev .strong { font-weight: 600; }
    .ev .tint { fill: var(--tone, var(--ink)); }
    .ev:hover .word { text-decoration: underline; }
    .arrow { stroke: var(--tone, var(--plain)); stroke-width: 1.5; fill: none; }
    .arrow.again { stroke-dasharray: 6 3; } .arrow.open { stroke-dasharray: 2 4; }
    .arrow.gone { opacity: .65; } .tip { fill: var(--tone, var(--plain)); }
    .grab { stroke: transparent; stroke-width: 10; fill: none; }
    .cross { stroke: var(--bad); stroke-width: 2.2; fill: none; stroke-linecap: round; }
    .bad .word, .bad.word { fill: var(--bad); } .bad .dot { fill: var(--bad); }
    .good .word { fill: var(--good); } .good .dot { fill: var(--good); }
    .warn .word { fill: var(--warn); } .warn .dot { fill: var(--warn); }
    .call rect { fill: var(--accent); opacity: .28; } .call.open rect { fill: var(--dim); }
    .call path { stroke: var(--accent); opacity: .55; fill: none; stroke-dasharray: 1 4; }
    .wreck { stroke: var(--bad); stroke-width: 2; }
    .focus .ev:not(.hit), .focus .sync { opacity: .2; }
    .ev.pick .halo { fill: var(--accent); opacity: .25; } .halo { fill: none; }
    """#
}

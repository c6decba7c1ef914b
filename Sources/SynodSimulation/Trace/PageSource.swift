/// The parts of a trace page that are the same in every page.
enum PageSource {
  static let scripts = [
    modelScript, layoutScript, elementsScript, chartScript, marksScript, panelScript, lessonScript,
    controlsScript,
  ]

  /// A page may load nothing, whatever is in it.
  static let head = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">

    """#

  static let body = #"""
    </head>
    <body>
    <header>
      <div class="top">
        <h1 id="title"></h1>
        <span id="badge" class="badge" hidden></span>
        <span id="what"></span>
        <span class="grow"></span>
        <button id="theme" title="Light or dark">◐</button>
      </div>
      <div class="facts" id="facts"></div>
      <div class="tools" role="toolbar" aria-label="What is shown">
        <label>Ballot <select id="ballot"><option value="">all</option></select></label>
        <label id="keys">Key <select id="key"><option value="">all</option></select></label>
        <span class="kinds" id="kinds"></span>
        <input id="find" type="search" placeholder="Find ( / )" aria-label="Find in events">
        <span class="count" id="count"></span>
        <span class="grow"></span>
        <button id="smaller" title="Smaller rows ( − )">−</button>
        <button id="larger" title="Larger rows ( + )">+</button>
      </div>
    </header>
    <noscript>This page draws itself with a script inside it; let it run.</noscript>
    <main>
      <div id="scroll" tabindex="0" aria-label="The run: nodes as columns, time downwards">
        <svg id="heads" aria-hidden="true"></svg>
        <div id="tall"><svg id="chart"></svg></div>
      </div>
      <canvas id="map" title="The whole run; click to go there"></canvas>
      <aside>
        <nav id="tabs" role="tablist">
          <button role="tab" data-tab="guide">How to read this</button>
          <button role="tab" data-tab="event">Event</button>
          <button role="tab" data-tab="rounds">Rounds</button>
        </nav>
        <section id="guide"></section>
        <section id="event" hidden></section>
        <section id="rounds" hidden></section>
      </aside>
    </main>
    """#
}

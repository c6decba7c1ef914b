#!/usr/bin/env python3
"""Opens a page that `synod simulate --trace` drew in a real browser and uses it.

usage: trace_page.py SYNOD [--screenshot FILE.png]

Needs chromium (Debian: apt-get install chromium); says so and succeeds where there is none.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Runs behind the page's own script and leaves what it found in the document's title.
SCRIPT = """
const found = [], errors = [];
window.addEventListener("error", event => errors.push(event.message));
const check = (name, isTrue) => { if (!isTrue) found.push(name); };
const press = key => document.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true }));
const shown = () => document.querySelectorAll("#chart .ev").length;
try {
  const box = document.getElementById("scroll"), panel = document.getElementById("event");
  check("it draws events", shown() > 5);
  const first = E.find(event => event.k === "sent" && E.filter(
    other => other.v === event.v && other.i > event.i && other.k !== "dropped").length > 10);
  box.scrollTop = first.y - 100;
  redraw(true);
  const group = document.querySelector(`#chart .ev[data-i="${first.i}"] .dot`);
  group.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  check("a click picks", state.picked !== null && document.querySelector("#chart .ev.pick"));
  check("its content is shown", panel.textContent.includes("event " + E[state.picked].n));
  const lane = E[state.picked].v;
  for (let i = 0; i < 8; i++) {
    const before = state.picked;
    press("j");
    check("j goes on in the lane", E[state.picked].v === lane && state.picked > before);
  }
  press("k");
  const message = E.findIndex(event => event.k === "sent" && event.ends.length);
  pick(message);
  check("a round is followed", state.hits.size > 1
    && document.querySelectorAll("#chart .ev.hit").length > 1);
  check("a word is explained or has content", panel.querySelector(".means, dd"));
  press("ArrowRight");
  check("an arrow key crosses over", E[state.picked].m === E[message].m
    && state.picked !== message);
  press("Escape");
  check("Escape follows nothing", state.hits === null);
  const all = place.shown.length, select = document.getElementById("ballot");
  select.value = select.options[1].value;
  select.dispatchEvent(new Event("change"));
  check("a ballot filters", place.shown.length < all && place.shown.length > 0);
  clearFilters();
  check("filters are cleared", place.shown.length === all);
  const height = place.height;
  press("-");
  check("it gets smaller", place.height < height);
  press("+");
  for (const y of [place.height, place.height / 2, 0]) {
    box.scrollTop = y;
    redraw();
    check("it draws at " + y, shown() > 0);
  }
  const begin = performance.now();
  for (let i = 0; i < 20; i++) redraw(true);
  check("a drawing takes under 100 ms", (performance.now() - begin) / 20 < 100);
} catch (error) { errors.push(String(error)); }
document.body.dataset.found = JSON.stringify({ found, errors, events: E.length });
"""


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return name
    return None


def open_page(program, page, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            "--window-size=1400,1000", "--virtual-time-budget=5000", *arguments, page.as_uri(),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def try_page(program, page):
    """What is wrong with it."""
    text = page.read_text()
    place = text.rindex("</body>")
    used = page.with_suffix(".used.html")
    used.write_text(f"{text[:place]}<script>{SCRIPT}</script>{text[place:]}")
    document = open_page(program, used, "--dump-dom")
    found = re.search(r'data-found="([^"]*)"', document)
    if not found:
        return ["the page's script did not run"], 0
    result = json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))
    return result["found"] + result["errors"], result["events"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("synod")
    parser.add_argument("--screenshot", help="leaves a picture of a small run")
    options = parser.parse_args()
    program = browser()
    if not program:
        print("skipped: there is no chromium here")
        return 0
    runs = [
        ["--seed", "3", "--nodes", "3", "--operations", "8"],
        ["--seed", "4", "--nodes", "5", "--steps", "4000", "--trace-events", "3000"],
    ]
    with tempfile.TemporaryDirectory() as directory:
        for number, arguments in enumerate(runs):
            page = pathlib.Path(directory) / f"run{number}.html"
            subprocess.run(
                [options.synod, "simulate", *arguments, "--trace", str(page)], check=True,
                stdout=subprocess.DEVNULL)
            wrong, events = try_page(program, page)
            if wrong:
                print(f"{' '.join(arguments)}: {'; '.join(wrong)}")
                return 1
            print(f"{' '.join(arguments)}: {events} events are drawn, and all of it works")
            if options.screenshot and number == 0:
                open_page(program, page, f"--screenshot={options.screenshot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

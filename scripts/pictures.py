"""Draw the README's pictures from a demo's home: `pictures.py HOME FOLDER`. Called by scripts/pictures."""

import io
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDE, HIGH = 1200, 1960
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin:0; padding:22px 26px; background:#12171d; color:#dfe5ec; width:max-content; }
pre { margin:0; font:15px/1.45 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace; } .soft { color:#8b98a7; }
</style>"""
"""A terminal's window, as plain as they come."""


def on_a_terminal(words: list[str], home: Path) -> str:
    """What a command writes to a terminal, colours and all."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"DR_HOME": str(home), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-m", "dr", *words], stdout=theirs, env=environment):
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 65536):
                said += piece
        except OSError:  # how a pty says that the other side is closed
            pass
    os.close(ours)
    return said.decode().replace("\r", "")


def as_html(ansi: str) -> str:
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(ansi))
    body: str = console.export_html(inline_styles=True, theme=MONOKAI, code_format="{code}")
    return f'{TERMINAL}<pre><span class="soft">$</span> dr status\n\n{body}</pre>'


def draw(browser: Browser, home: Path, folder: Path) -> None:
    evidence = sorted((home / "evidence").glob("drill-online-*.html"))[-1]
    page = browser.new_page(viewport={"width": WIDE, "height": HIGH})
    page.goto(evidence.as_uri())
    page.locator("details", has_text="content-equals-source").first.evaluate("d => d.open = true")
    page.locator("details details", has_text="tables,").first.evaluate("d => d.open = true")
    page.screenshot(path=folder / "evidence.png")
    page.set_content(as_html(on_a_terminal(["status"], home)))
    page.locator("body").screenshot(path=folder / "status.png")


def main(home: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        draw(browser, home, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())

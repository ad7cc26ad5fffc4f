"""Opens pages in Chromium and says what a reader would meet, in an environment of its own. Not a bar.

    PYTHON bench/browser.py SCHEME FOLDER WIDTH URL [WIDTH URL ...]

SCHEME is `light` or `dark`. For each page a line of JSON: how wide it is and how wide the window, what the console was
told, and the color of its paper. A picture of each goes into FOLDER unless that is `-`. The browser is the Chromium of
PyQt6-WebEngine, which comes from the package registry; nothing of ours is imported. `tests/web/test_routes.py` runs it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

SCHEME, FOLDER, *REST = sys.argv[1:]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = f"--blink-settings=preferredColorScheme={0 if SCHEME == 'dark' else 1}"

from PyQt6.QtCore import QTimer, QUrl  # noqa: E402
from PyQt6.QtWebEngineCore import QWebEnginePage  # noqa: E402
from PyQt6.QtWebEngineWidgets import QWebEngineView  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

SEEN = """(() => {
  const root = document.documentElement, wide = root.clientWidth;
  const beyond = one => one.getBoundingClientRect().right > wide + 1 && !one.closest('.scroll, .skip')
    && getComputedStyle(one).position !== 'absolute';
  const named = one => `${one.tagName}.${one.className.baseVal ?? one.className} ${one.textContent.slice(0, 40)}`;
  return JSON.stringify({width: root.scrollWidth, window: wide, height: root.scrollHeight,
    paper: getComputedStyle(root).backgroundColor,
    out: [...document.querySelectorAll('main *, header *')].filter(beyond).slice(0, 5).map(named)});
})()"""
"""What is asked of each page: how wide it is, and what juts out of the window."""
_SETTLES_MS = 250
_TALLEST = 3_000


class Page(QWebEnginePage):
    """A page whose console is listened to."""

    said: list[str]

    def javaScriptConsoleMessage(self, level: Any, message: str, line: int, source: str) -> None:
        """Keep what was said."""
        self.said.append(f"{message} ({source}:{line})")


class Visit:
    """One page after another."""

    def __init__(self, app: QApplication) -> None:
        self.app, self.left = app, list(zip(REST[::2], REST[1::2], strict=True))
        self.view, self.page = QWebEngineView(), Page()
        self.view.setPage(self.page)
        self.page.loadFinished.connect(lambda ok: QTimer.singleShot(_SETTLES_MS, self.look))

    def go(self) -> None:
        """To the next page, or end."""
        if not self.left:
            self.app.quit()
            return
        width, self.url = self.left.pop(0)
        self.page.said, self.tall = [], False
        self.view.resize(int(width), 900)
        self.view.show()
        self.page.load(QUrl(self.url))

    def look(self) -> None:
        """Ask the page how it lies."""
        self.page.runJavaScript(SEEN, self.tell)

    def tell(self, answer: str) -> None:
        """Print it, after the window has been made as high as the page."""
        seen = json.loads(answer)
        if not self.tall and FOLDER != "-":
            self.tall = True
            self.view.resize(self.view.width(), min(seen["height"], _TALLEST))
            QTimer.singleShot(4 * _SETTLES_MS, self.look)
            return
        print(json.dumps({"url": self.url, "asked": self.view.width(), "console": self.page.said, **seen}), flush=True)
        if FOLDER != "-":
            name = self.url.split("/ui", 1)[1].strip("/").replace("/", "-").split("?")[0] or "overview"
            self.view.grab().save(f"{FOLDER}/{name}-{self.view.width()}-{SCHEME}.png")
        self.go()


def main() -> None:
    """Visit all of them."""
    app = QApplication(sys.argv[:1])
    visit = Visit(app)
    QTimer.singleShot(0, visit.go)
    app.exec()


if __name__ == "__main__":
    main()

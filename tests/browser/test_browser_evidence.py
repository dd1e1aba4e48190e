"""The pages of evidence and status as Chromium shows them: phone and desk, day and night, folded and unfolded, on paper."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from dr.model.base import sha256
from dr.model.evidence import Evidence
from dr.report.page import page
from tests.support.report_evidence import broken, crowded, empty, evidence, failed, incomplete, night
from tests.unit.report.test_status_page import GRAVE, page_of, shown

pytestmark = pytest.mark.browser
PAGES = {"pass": evidence(), "fail": failed(), "broken": broken(), "incomplete": incomplete(), "empty": empty(), "night": night()}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]

CONTRAST = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = el => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; }
    return rgb(getComputedStyle(document.documentElement).backgroundColor); };
  const poor = [];
  for (const el of document.querySelectorAll('body *')) {
    const own = [...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !el.getClientRects().length) continue;
    const style = getComputedStyle(el), svg = el instanceof SVGElement;
    const [a, b] = [light(rgb(svg ? style.fill : style.color)), light(behind(el))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) poor.push(el.tagName + '.' + el.getAttribute('class') + ' ' + ratio.toFixed(2) + ' ' + el.textContent.slice(0, 30));
  }
  return poor;
}"""
"""Every element that bears text, against the nearest background behind it: WCAG AA asks for 4.5."""
OVERFLOW = """() => [document.documentElement.scrollWidth - document.documentElement.clientWidth,
  [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.hidden, thead'))
    .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))]"""

FOLDS = "[...document.querySelectorAll('details > .in')].map(e => +e.checkVisibility())"
"""1 for each folded part that is seen, 0 for each that is not."""
COLLISIONS = """() => { const poor = [];
  for (const svg of document.querySelectorAll('svg.timeline')) { const all = [...svg.querySelectorAll('text')];
    for (let i = 0; i + 1 < all.length; i += 2) { const [a, b] = [all[i].getBoundingClientRect(), all[i + 1].getBoundingClientRect()];
      if (a.right > b.left - 2) poor.push(all[i].textContent + ' | ' + all[i + 1].textContent); } }
  return poor; }"""
"""Steps whose name reaches into their time."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=QUIET)


def put(what: Evidence, folder: Path) -> str:
    file = folder / "page.html"
    file.write_text(page(what, sha256(b"file"), "key"), encoding="utf-8")
    return file.as_uri()


def opened(browser: Browser, uri: str, *, width: int = 1200, dark: bool = False) -> Page:
    shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    shown.goto(uri)
    return shown


def unfold(shown: Page) -> None:
    shown.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_quiet(browser: Browser, tmp_path: Path, name: str) -> None:
    """Nothing is asked of any network, and the console has nothing to say."""
    said: list[str] = []
    asked: list[str] = []
    shown = browser.new_page()

    def hear(message: ConsoleMessage) -> None:
        said.append(message.text)

    def see(request: Request) -> None:
        asked.append(request.url)

    shown.on("console", hear)
    shown.on("request", see)
    uri = put(PAGES[name], tmp_path)
    shown.goto(uri)
    shown.wait_for_load_state("networkidle")
    assert said == []
    assert [url for url in asked if url != uri and not url.startswith("data:")] == []


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows(browser: Browser, tmp_path: Path, name: str, width: int) -> None:
    """A phone shows the whole page without scrolling sideways, everything unfolded."""
    shown = opened(browser, put(PAGES[name], tmp_path), width=width)
    unfold(shown)
    assert shown.evaluate(OVERFLOW) == [0, []]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["pass", "fail", "incomplete", "night"])
def test_everything_can_be_read_by_day_and_by_night(browser: Browser, tmp_path: Path, name: str, dark: bool) -> None:
    shown = opened(browser, put(PAGES[name], tmp_path), dark=dark)
    unfold(shown)
    assert shown.evaluate(CONTRAST) == []


@pytest.mark.positive_control
def test_a_pale_page_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    """The two looks above do see what is pale, and what is too wide."""
    shown = opened(browser, put(evidence(), tmp_path), width=390)
    shown.add_style_tag(content="dd { color: #bbb !important; } h1 { width: 500px; }")
    assert shown.evaluate(CONTRAST) != []
    assert shown.evaluate(OVERFLOW)[0] > 0


def test_the_verdict_is_seen_without_scrolling_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    """In 20 seconds: the verdict, the time against the objective and the loss are on the first screen."""
    shown = browser.new_page(viewport={"width": 390, "height": 844})
    shown.goto(put(evidence(), tmp_path))
    for words in ("PASS", "Usable again after", "Would be lost"):
        box = shown.get_by_text(words).first.bounding_box()
        assert box and box["y"] + box["height"] < 844, words


def test_a_proof_unfolds_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Folded at first; Tab reaches it, Enter opens it, and the tables' digests are there."""
    shown = opened(browser, put(evidence(), tmp_path))
    digest = shown.get_by_text(sha256(b"2"))
    assert not digest.is_visible()
    for fold in ("content-equals-source", "hmis: 3 tables"):
        shown.locator("summary", has_text=fold).first.focus()
        shown.keyboard.press("Enter")
    assert digest.is_visible()
    assert shown.get_by_role("table", name="hmis: 3 tables").get_by_role("row").count() == 4


def test_a_failure_is_open_at_once(browser: Browser, tmp_path: Path) -> None:
    shown = opened(browser, put(failed(), tmp_path))
    assert shown.get_by_role("table", name="Different (40)").is_visible()


def test_paper_shows_what_is_folded(browser: Browser, tmp_path: Path) -> None:
    """An auditor's print has every digest, in dark letters, and no list of links that paper cannot follow."""
    shown = opened(browser, put(evidence(), tmp_path), dark=True)
    assert 0 in shown.evaluate(FOLDS), "folded on the screen"
    shown.emulate_media(media="print", color_scheme="dark")
    assert set(shown.evaluate(FOLDS)) == {1}
    assert shown.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not shown.get_by_role("navigation").is_visible()
    assert shown.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_long_names_and_many_things_stay_in_their_places(browser: Browser, tmp_path: Path, width: int) -> None:
    """A step's name never runs into its time; 300 tables, 60 findings and names without a break make nothing wider than the screen."""
    shown = opened(browser, put(crowded(), tmp_path), width=width)
    unfold(shown)
    assert shown.evaluate(OVERFLOW) == [0, []]
    assert shown.evaluate(COLLISIONS) == []


@pytest.mark.positive_control
def test_words_over_words_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    shown = opened(browser, put(crowded(), tmp_path), width=320)
    shown.add_style_tag(content=".timeline text { font-size: 26px !important; }")
    assert shown.evaluate(COLLISIONS) != []


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_words_and_every_link_a_place(browser: Browser, tmp_path: Path, name: str) -> None:
    """For who hears the page: each graphic says what it shows, and the list of chapters leads to headings that are there."""
    shown = opened(browser, put(PAGES[name], tmp_path))
    assert shown.evaluate("[...document.querySelectorAll('svg')].filter(s => s.getAttribute('role') !== 'img').length") == 0
    for picture in shown.get_by_role("img").all():
        assert picture.get_attribute("aria-label") or (picture.locator("title").count() and picture.locator("desc").text_content())
    links = shown.get_by_role("navigation").get_by_role("link").all()
    assert links
    for link in links:
        place = link.get_attribute("href") or ""
        assert shown.locator(f"h2{place}").count() == 1, place


def test_the_chapters_are_all_linked(browser: Browser, tmp_path: Path) -> None:
    shown = opened(browser, put(failed(), tmp_path))
    headings = shown.evaluate("[...document.querySelectorAll('h2[id]')].map(h => '#' + h.id)")
    links = shown.evaluate("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert [h for h in headings if h != "#worth"] == links


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_the_status_is_read_without_scrolling_sideways(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    """Every word has contrast enough (WCAG AA) and fits the screen, by day and by night, long words too; every drawing has words."""
    file, long = tmp_path / "status.html", GRAVE.model_copy(update={"message": "x" * 300, "hint": "look/at/" * 30})
    file.write_text(page_of(shown(findings=(GRAVE, long)), shown(), notes=("y" * 200,)), encoding="utf-8")
    page = opened(browser, file.as_uri(), width=width, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(OVERFLOW) == [0, []]
    assert page.evaluate("[...document.querySelectorAll('svg')].every(one => one.getAttribute('aria-label'))")
    page.close()

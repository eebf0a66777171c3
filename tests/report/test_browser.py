"""The page in a real browser: every figure is drawn, nothing is too wide for a phone, nothing leads nowhere."""

import shutil
from contextlib import contextmanager
from urllib.parse import unquote, urlparse

import pytest

from foretell.report.page import write_report

CHROME = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
LANGUAGES = ("report.html", "report.zh.html")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    """A real one."""
    sync = pytest.importorskip("playwright.sync_api")
    if CHROME is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    with sync.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROME, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(whole, tmp_path_factory):
    """The pages and their data."""
    out = tmp_path_factory.mktemp("pages")
    write_report(whole, out / "report.html")
    return out


@contextmanager
def opened(browser, folder, name, viewport=DESK, **how):
    """A page, from its file, that asks for nothing but itself and has no error at its end."""
    context = browser.new_context(viewport=viewport, **how)
    asked, errors = [], []
    context.on("request", lambda one: asked.append(one.url))
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
    page.goto((folder / name).as_uri())
    yield page
    context.close()
    assert asked == [(folder / name).as_uri()]
    assert errors == []


SEEN = """([kind]) => [...document.querySelectorAll(`figure .${kind} svg`)].map((svg) => {
    const box = svg.getBoundingClientRect();
    return [box.width, box.height, svg.querySelectorAll("path, rect, use, text").length];
})"""


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(("viewport", "kind"), [(DESK, "wide"), (PHONE, "narrow")])
def test_every_figure_is_drawn_and_seen(browser, folder, name, viewport, kind):
    with opened(browser, folder, name, viewport) as page:
        figures = page.evaluate(SEEN, [kind])
        assert len(figures) > 15
        for width, height, shapes in figures:
            assert width > 250
            assert height > 50
            assert shapes > 5


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_the_page_is_never_wider_than_the_screen(browser, folder, name, viewport):
    with opened(browser, folder, name, viewport) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_link_arrives(browser, folder, name):
    with opened(browser, folder, name) as page:
        links = page.eval_on_selector_all("a", "all => all.map((a) => a.getAttribute('href'))")
        ids = set(page.eval_on_selector_all("[id]", "all => all.map((one) => one.id)"))
    assert len(links) > 50
    for link in links:
        if link.startswith("#"):
            assert link[1:] in ids, link
        elif not link.startswith("data:text/csv"):
            assert urlparse(link).scheme == "", link
            assert (folder / unquote(link)).is_file(), link
    beside = [link for link in links if link.startswith("report.data/")]
    assert {unquote(link).partition("/")[2] for link in beside} == {p.name for p in (folder / "report.data").iterdir()}


def test_a_table_sorts_both_ways_by_numbers_and_back(browser, folder):
    with opened(browser, folder, "report.html") as page:
        table = page.locator("#claims table")
        numbers = lambda: [int(x) for x in table.locator("tbody tr td:first-child").all_inner_texts()]  # noqa: E731
        assert numbers() == list(range(1, 11))
        table.locator("th button").first.click()
        assert numbers() == list(range(1, 11))
        table.locator("th button").first.click()
        assert numbers() == list(range(10, 0, -1))
        assert table.locator("th").first.get_attribute("aria-sort") == "descending"


def test_without_its_script_everything_is_there(browser, folder):
    with opened(browser, folder, "report.html", java_script_enabled=False) as page:
        assert page.locator("#claims tbody tr").count() == 10
        page.locator(".samples summary").first.click()
        assert page.locator(".samples details[open] pre").first.is_visible()


def test_dark_is_dark_and_light_is_light(browser, folder):
    shades = {}
    for scheme in ("light", "dark"):
        with opened(browser, folder, "report.html", color_scheme=scheme) as page:
            for part, what in (("backgroundColor", "paper"), ("color", "ink")):
                shades[scheme, what] = page.evaluate(f"getComputedStyle(document.body).{part}")
    red = {key: int(value.partition("(")[2].partition(",")[0]) for key, value in shades.items()}
    assert red["light", "paper"] - red["light", "ink"] > 150
    assert red["dark", "ink"] - red["dark", "paper"] > 150


@pytest.mark.parametrize("name", LANGUAGES)
def test_it_prints_with_every_sample_open(browser, folder, name, tmp_path):
    with opened(browser, folder, name) as page:
        page.pdf(path=str(tmp_path / "page.pdf"), format="A4")
        written = (tmp_path / "page.pdf").read_bytes()
        assert page.locator("details:not([open])").count() == 0
    assert written.startswith(b"%PDF-")
    assert written.count(b"/Type /Page") > 5 or len(written) > 100_000


def test_the_languages_lead_to_each_other(browser, folder):
    for name, other in (LANGUAGES, LANGUAGES[::-1]):
        with opened(browser, folder, name) as page:
            link = page.locator("a.other")
            assert link.get_attribute("href") == other
            assert link.get_attribute("lang") != page.locator("html").get_attribute("lang")

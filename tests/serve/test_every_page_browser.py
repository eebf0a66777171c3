"""Every page in a real browser: as wide as a phone, light and dark, in both languages, and as axe judges it."""

import contextlib
import threading

import pytest

from foretell.align.records import Output, Prompt
from foretell.align.store import add_outputs, add_prompts, close, prompts
from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.accounts.accounts import account
from foretell.serve.accounts.sessions import begin
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from foretell.serve.labelling.study import Study, read_quiz
from foretell.serve.settings import Limits
from foretell.tasks.news import Article
from foretell.tasks.news_quiz import quiz, write_quiz
from tests.serve.test_dashboard import made_run, metrics, root  # noqa: F401
from tests.serve.test_pages import browser, watched  # noqa: F401

SCRIPT = "<script>alert(1)</script>"
LONG = "a_name_without_any_place_to_break_it_" * 6
PATHS = [
    "/playground",
    "/playground/chat",
    "/compare",
    "/arena",
    "/arena/results",
    "/label",
    "/label/instructions",
    "/label/demonstration",
    "/label/rank",
    "/label/agreement",
    "/label/studies",
    "/label/studies/results",
    "/label/pairwise",
    "/label/toxicity",
    "/label/red-team",
    "/label/news",
    "/admin/labellers",
    "/admin/tasks",
    "/admin/instructions",
    "/admin/exports",
    "/admin/audit",
    "/password",
    "/runs",
    "/runs/demo-one-run",
    "/corpora",
    "/corpora/demo-corpora-mine",
    "/evaluations",
    "/evaluations/demo-results-zero_shot.json",
    "/reports",
]
GRAVE = ("serious", "critical")


@contextlib.contextmanager
def serving(models, folder, runs):
    """The address of a server with something on every page, and the cookie of its admin."""
    asked = [Article(title=f"Title {i}", subtitle="below", text=f"Human text {i}.") for i in range(4)]
    write_quiz([quiz(asked, [f"Model text {i}. {LONG}" for i in range(4)], "gpt-x")], folder / "quiz")
    entries, key = read_quiz(folder / "quiz")
    desk = open_desk(str(folder / "labels.db"), "boss")
    add_prompts(desk.store, [Prompt(text=f"Say {name} {LONG}") for name in ("one", "two", "three")])
    for one in prompts(desk.store):
        for model in ("old", "new"):
            add_outputs(desk.store, one.prompt_id, [Output(text=f"{model} {SCRIPT} {LONG}", model=model)])
    study = Study(baseline="old", entries=entries, key=key)
    app = make_app({name: models[name] for name in ("one", "two")}, Limits(), {}, desk, runs, study)
    listening = listen("127.0.0.1", 0)
    running = server(Ready(app, listening, "", []))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", begin(desk.store, account(desk.store, "boss").id), desk
    finally:
        running.should_exit = True
        thread.join()
        listening.close()
        close(desk.store)


@pytest.fixture
def site(models, tmp_path, root):  # noqa: F811
    made_run(root / "going", metrics(400), begun="2026-01-01")
    with serving(models, tmp_path, root) as opened:
        yield opened


@contextlib.contextmanager
def signed_in(browser, site, **how):  # noqa: F811
    """A page of the admin that asks nothing of any other host and has no error at its end."""
    address, secret, _ = site
    cookies = [{"name": "foretell", "value": secret, "url": address}]
    with watched(browser, address, cookies, **how) as page:
        yield page


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_fits_a_phone_and_has_what_a_screen_reader_needs(browser, site, tmp_path, language):  # noqa: F811
    size = {"width": 390, "height": 800}
    wrong = []
    with signed_in(browser, site, viewport=size, color_scheme="dark" if language == "zh" else "light") as page:
        page.goto(f"/playground?language={language}")
        for path in PATHS:
            page.goto(path)
            page.screenshot(path=tmp_path / f"{path.strip('/').replace('/', '-')}-{language}.png", full_page=True)
            found = page.evaluate(CHECKS)
            wrong += [(path, one) for one in found]
            if page.evaluate("document.documentElement.lang") != {"en": "en", "zh": "zh-Hans"}[language]:
                wrong.append((path, "language"))
    assert not wrong


CHECKS = """() => {
  const wrong = [];
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`wide: ${document.documentElement.scrollWidth}`);
  if (document.querySelectorAll("main").length !== 1) wrong.push("main");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("h1");
  let level = 1;
  for (const one of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(one.tagName[1]);
    if (next > level + 1) wrong.push(`heading ${one.textContent}`);
    level = next;
  }
  for (const one of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!one.labels.length && !one.getAttribute("aria-label")) wrong.push(`no label: ${one.id || one.name}`);
  }
  for (const one of document.querySelectorAll("button, a[href]")) {
    if (!(one.textContent.trim() || one.getAttribute("aria-label"))) wrong.push(`no name: ${one.outerHTML}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id twice");
  return wrong;
}"""


def axe():
    """The file of axe-core, as the package for Playwright brings it."""
    package = pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    from pathlib import Path

    return Path(package.__file__).with_name("axe.min.js")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser, site, scheme):  # noqa: F811
    file, wrong = axe(), []
    with signed_in(browser, site, color_scheme=scheme, bypass_csp=True) as page:
        for path in PATHS:
            page.goto(path)
            page.add_script_tag(path=file)
            for one in page.evaluate("axe.run().then((found) => found.violations)"):
                if one["impact"] in GRAVE:
                    wrong.append((path, one["id"], one["nodes"][0]["html"]))
    assert not wrong


@pytest.mark.slow
def test_the_language_is_switched_by_a_link_and_stays(browser, site):  # noqa: F811
    with signed_in(browser, site) as page:
        page.goto("/label/studies")
        page.get_by_role("link", name="中文").click()
        assert page.url.endswith("/label/studies")
        assert page.locator("h1").inner_text() == "其他任务"
        page.get_by_role("link", name="竞技场").click()
        page.wait_for_url("**/arena", wait_until="load")  # then its script listens
        page.get_by_role("button", name="开始这一轮").click()
        assert page.get_by_role("alert").inner_text() == "请先写提示。"
        page.get_by_role("link", name="English").click()
        assert page.locator("h1").inner_text() == "Arena"

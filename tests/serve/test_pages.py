"""The playground in a real browser: texts are texts, tokens can be looked at, Stop reaches the server."""

import contextlib
import shutil
import threading

import pytest

from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.api import make_app
from foretell.serve.keys import digest
from foretell.serve.settings import Limits
from tests.serve.conftest import asked

CHROME = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


@contextlib.contextmanager
def live(models, keys):
    """The address of a server."""
    app = make_app(models, Limits(), keys)
    listening = listen("127.0.0.1", 0)
    running = server(Ready(app, listening, "", []))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", app.state.models["one"].scheduler
    finally:
        running.should_exit = True
        thread.join()
        listening.close()


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


@contextlib.contextmanager
def page_at(browser, address, path, **how):
    """A watched page at an address."""
    with watched(browser, address, viewport={"width": 1100, "height": 800}, **how) as page:
        page.goto(path)
        yield page


@contextlib.contextmanager
def watched(browser, address, cookies=(), **how):
    """A page that asks nothing of any other host and has no error at its end."""
    context = browser.new_context(base_url=address, **how)
    context.add_cookies(list(cookies))
    outside, errors = [], []

    def route(one):
        if one.request.url.startswith((address, "data:")):
            one.continue_()
        else:
            outside.append(one.request.url)
            one.abort()

    context.route("**/*", route)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert not outside
    assert not errors


def settle(page, said="done"):
    from playwright.sync_api import expect

    expect(page.get_by_role("status")).to_contain_text(said)


@pytest.fixture(scope="module")
def one(models):
    with live({name: models[name] for name in ("one", "two")}, {}) as address:
        yield address


@pytest.mark.slow
def test_a_completion_grows_in_place_and_its_tokens_tell(browser, one):
    address, _ = one
    with page_at(browser, address, "/") as page:
        page.get_by_label("Text", exact=True).fill("Return the")
        page.get_by_label("Seed").fill("3")
        page.get_by_label("Maximum length").fill("12")
        page.get_by_label("Also of the prompt").check()
        page.get_by_role("button", name="Submit").click()
        settle(page)
        text = page.get_by_label("Text", exact=True).input_value()
        assert text.startswith("Return the")
        tokens = page.locator("#tokens button")
        assert "".join(tokens.all_text_contents()).startswith("Return the")
        assert page.locator("#tokens button.prompt").count() >= 2
        tokens.nth(1).click()
        assert page.locator("#likely tr").count() in (6, 7)
        assert "% of all" in page.locator("#likely").inner_text()
        other = page.locator("#likely button:enabled").first
        word = other.inner_text().removesuffix(" (chosen)")
        begins = tokens.first.text_content()
        other.click()
        settle(page)
        assert page.get_by_label("Text", exact=True).input_value().startswith(begins + word)
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Undo").click()
        assert page.get_by_label("Text", exact=True).input_value() == "Return the"


@pytest.mark.slow
def test_the_same_seed_regenerates_the_same_text_and_presets_fill_the_form(browser, one):
    address, _ = one
    with page_at(browser, address, "/playground") as page:
        page.get_by_label("Begin with").select_option(label="Add")
        text = page.get_by_label("Text", exact=True)
        assert text.input_value().endswith("A:")
        assert page.get_by_label("Stop texts").input_value() == "\\n"
        page.get_by_label("Seed").fill("5")
        page.get_by_label("Show probabilities").select_option("off")
        page.get_by_role("button", name="Submit").click()
        settle(page)
        first = text.input_value()
        page.get_by_role("button", name="Regenerate").click()
        settle(page)
        assert text.input_value() == first
        assert page.locator("#told").is_hidden()


@pytest.mark.slow
def test_a_chat_is_streamed_and_can_be_stopped_and_regenerated(browser, one, monkeypatch):
    address, scheduler = one
    let, step = threading.Semaphore(0), scheduler.batch.step

    def held():
        assert let.acquire(timeout=10)
        step()

    with page_at(browser, address, "/playground/chat") as page:
        page.get_by_label("SYSTEM").fill("Be <b>brief</b>.")
        page.get_by_label("Message").fill("<img src=x onerror=alert(1)>")
        page.get_by_label("Maximum length").fill("30")
        page.get_by_role("button", name="Send").click()
        settle(page)
        said = page.locator("#turns .said")
        assert said.count() == 2
        assert said.first.inner_text() == "<img src=x onerror=alert(1)>"
        assert page.locator("#turns img").count() == 0
        monkeypatch.setattr(scheduler.batch, "step", held)
        page.get_by_role("button", name="Regenerate").click()
        let.release(2)
        page.get_by_role("button", name="Stop").click()
        settle(page, "stopped")
        let.release(100)
        monkeypatch.undo()
        page.get_by_role("button", name="Clear").click()
        assert said.count() == 0
    assert scheduler.made < 100


@pytest.mark.slow
def test_two_models_stand_side_by_side_and_the_address_brings_it_back(browser, one):
    address, _ = one
    with page_at(browser, address, "/compare") as page:
        page.get_by_label("Prompt").fill("Return the <b>value</b>")
        page.get_by_label("Maximum length").fill("12")
        page.get_by_role("button", name="Submit").click()
        settle(page)
        said = page.locator(".pair .said").all_text_contents()
        assert said[0]
        assert said[0] != said[1]
        assert page.locator("h2").all_text_contents() == ["A: one", "B: two"]
        again = page.url.removeprefix(address)
    with page_at(browser, address, again) as page:
        assert page.get_by_label("Prompt").input_value() == "Return the <b>value</b>"
        page.get_by_role("button", name="Submit").click()
        settle(page)
        assert page.locator(".pair .said").all_text_contents() == said


@pytest.mark.slow
def test_what_the_server_refuses_is_shown(browser, one):
    address, _ = one
    with page_at(browser, address, "/playground") as page:
        page.get_by_label("Text", exact=True).fill("word " * 200)
        page.get_by_label("Temperature").fill("9")
        page.get_by_role("button", name="Submit").click()
        assert "cannot be" in page.get_by_role("alert").inner_text()


@pytest.mark.slow
def test_with_keys_the_page_lists_nothing_until_it_has_one(browser, models):
    served = live({"one": models["one"]}, {"anna": digest("secret")})
    with served as (address, _), page_at(browser, address, "/playground") as page:
        assert page.locator("#model option").count() == 0
        page.get_by_label("API key").fill("secret")
        page.get_by_role("button", name="List the models").click()
        page.locator("#model option").first.wait_for(state="attached")
        page.get_by_label("Text", exact=True).fill("Return")
        page.get_by_role("button", name="Submit").click()
        settle(page)
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/playground", "/playground/chat", "/compare"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_all_of_it_and_every_field_has_a_name(browser, one, path, scheme):
    address, _ = one
    with page_at(browser, address, path, color_scheme=scheme) as page:
        page.set_viewport_size({"width": 360, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        fields = "[...document.querySelectorAll('input, select, textarea')].filter(f => !f.labels.length).length"
        assert page.evaluate(fields) == 0
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.locator("h1").count() == 1


def test_pages_have_a_policy_without_inline_code_and_hold_none(client):
    for path in ("/playground", "/playground/chat", "/compare"):
        answer = client.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert not [
            part for part in answer.text.split("<script")[1:] if not part.startswith(' type="module" src="/static/')
        ]
        assert "http://" not in answer.text
        assert "https://" not in answer.text
    for name in ("page.css", "api.js", "completion.js", "chat.js", "compare.js"):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert "innerHTML" not in answer.text
        assert "insertAdjacentHTML" not in answer.text


def test_with_keys_pages_name_no_model_and_what_they_ask_needs_one(models):
    with asked({"one": models["one"]}, Limits(hosts=("testserver",)), {"anna": digest("secret")}) as client:
        assert 'value="one"' not in client.get("/playground").text
        assert client.get("/static/api.js").status_code == 200
        assert client.get("/v1/models").status_code == 401


@pytest.mark.slow
def test_the_words_that_made_the_last_one_likely_are_shown(browser, one):
    address, _ = one
    with page_at(browser, address, "/") as page:
        page.get_by_label("Text", exact=True).fill("Something else.\nReturn the value of <b>the</b> key")
        page.get_by_role("button", name="Which words?").click()
        settle(page)
        why = page.get_by_role("region", name="Which words made the last one likely")
        lines = why.locator(".tokens")
        assert lines.count() == 3
        assert "".join(lines.first.locator("span").all_text_contents()) == "<|endoftext|>Return the value of <b>the</b>"
        assert lines.first.locator(".up3, .down3").count() >= 1
        assert 'log P of "key"' in why.inner_text()
        layers, heads = why.locator("table").nth(0), why.locator("table").nth(1)
        assert layers.locator("tbody tr").count() == heads.locator("tbody tr").count() >= 2

"""Labelling in a real browser, from an empty store to the files that train: consent, writing, rating, ranking."""

import contextlib
import json
import threading

import pytest

from foretell.align.records import Output
from foretell.align.store import add_outputs, close, demonstrations, prompts, rankings
from foretell.cli import main
from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.accounts.accounts import account
from foretell.serve.accounts.sessions import begin
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from foretell.serve.settings import Limits
from tests.serve.test_pages import browser, page_at  # noqa: F401

PATHS = ("/label", "/label/demonstration", "/label/rank", "/label/agreement", "/label/instructions", "/sign-in")
PATHS += ("/admin/labellers", "/admin/tasks", "/admin/instructions", "/admin/exports", "/admin/audit", "/password")
SCRIPT = "<img src=x onerror=alert(1)>"


@contextlib.contextmanager
def live(path, models, labeller="ana"):
    """The address of a server and its store."""
    desk = open_desk(str(path), labeller)
    listening = listen("127.0.0.1", 0)
    running = server(Ready(make_app(models, Limits(), {}, desk), listening, "", []))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", desk.store
    finally:
        running.should_exit = True
        thread.join()
        listening.close()
        close(desk.store)


def signed_in(store, name="ana"):
    """What a browser holds in which somebody is signed in."""
    cookie = {"name": "foretell", "value": begin(store, account(store, name).id), "domain": "127.0.0.1", "path": "/"}
    more = {"expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}
    return {"storage_state": {"cookies": [cookie | more], "origins": []}}


def said(page, words):
    from playwright.sync_api import expect

    expect(page.locator("#status")).to_contain_text(words)


@pytest.mark.slow
def test_from_an_empty_store_to_the_files_that_train(browser, models, tmp_path):  # noqa: F811
    path = tmp_path / "labels.db"
    with live(path, {"one": models["one"]}) as (address, store):
        with page_at(browser, address, "/playground", **signed_in(store)) as page:
            keep_a_prompt(page, store)
        with page_at(browser, address, "/label", **signed_in(store)) as page:
            write(page)
            add_outputs(store, prompts(store)[0].prompt_id, [Output(text=t) for t in ("one", SCRIPT, "three", "four")])
            rate_then_rank(page)
        (written,), (one,) = demonstrations(store), rankings(store)
    assert written.completion == "The value."
    assert one.ranks == (3, 1, 1, 4)
    assert [output.likert for output in one.outputs] == [3, 7, 6, 1]
    assert one.outputs[1].flags["hallucination"]
    assert not one.outputs[0].flags["hallucination"]
    assert one.seconds > 0
    for what in ("rankings", "demonstrations"):
        assert (
            main(["label", "export", "--db", str(path), "--out", str(tmp_path / f"{what}.jsonl"), "--what", what]) == 0
        )
        (row,) = map(json.loads, (tmp_path / f"{what}.jsonl").read_text().splitlines())
        assert row["prompt"] == "Return the value"


def keep_a_prompt(page, store):
    """Nothing is kept until consent is given, which the tab remembers."""
    page.get_by_label("Maximum length").fill("2")
    page.get_by_label("Text", exact=True).fill("Nobody keeps this")
    page.get_by_role("button", name="Submit").click()
    said(page, "done")
    assert not prompts(store)
    consent = page.get_by_label("Keep what I submit")
    assert not consent.is_checked()
    consent.check()
    page.reload()
    assert consent.is_checked()
    page.get_by_label("Maximum length").fill("2")
    page.get_by_label("Text", exact=True).fill("Return the value")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("The prompt was kept.").wait_for()
    assert [one.text for one in prompts(store)] == ["Return the value"]


def write(page):
    """A draft comes back after a reload; what is saved does not."""
    page.get_by_role("link", name="Write an answer").click()
    page.wait_for_load_state()  # before it, what is typed is heard by nobody
    assert "Return the value" in page.locator(".asked").inner_text()
    page.get_by_label("Your answer").fill("The value.")
    page.reload()
    assert page.get_by_label("Your answer").input_value() == "The value."
    page.get_by_label("Your answer").press("Control+Enter")
    said(page, "Saved.")
    assert page.get_by_role("heading", name="Nothing waits").is_visible()
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.includes('draft')).length") == 0


def rate_then_rank(page):
    """With keys alone; halfway the page is loaded again."""
    page.goto("/label/rank")
    assert page.locator(".asked img, .output img").count() == 0
    page.keyboard.press("Enter")
    assert "quality" in page.get_by_role("alert").inner_text()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.keyboard.press("7")
    page.keyboard.press("c")
    page.reload()
    said(page, "where you left off")
    assert page.get_by_role("heading", name="Output B").is_visible()
    assert page.get_by_label("7").and_(page.locator(":visible")).is_checked()
    page.keyboard.press("n")
    page.keyboard.press("6")
    page.keyboard.press("n")
    page.keyboard.press("1")
    page.keyboard.press("n")
    assert page.get_by_role("heading", name="Rank all 4").is_visible()
    page.get_by_role("button", name="Save").click()
    assert "A, B, C, D" in page.get_by_role("alert").inner_text()
    for place, key in (("A", "3"), ("B", "1"), ("C", "1")):
        page.get_by_role("listitem", name=f"Output {place}").focus()
        page.keyboard.press(key)
    said(page, "tied with B")
    page.reload()
    letters = "[...document.querySelectorAll('#order li')].map((item) => item.dataset.letter).join('')"
    assert page.evaluate(letters) == "BCAD"
    page.get_by_label("Rank of output D").select_option("4")
    page.keyboard.press("Control+Enter")
    said(page, "Saved.")


@pytest.mark.slow
def test_outputs_are_dragged_moved_and_tied(browser, tmp_path):  # noqa: F811
    with live(tmp_path / "labels.db", {}) as (address, store):
        from foretell.align.records import Candidates
        from foretell.align.store import add_candidates

        add_candidates(store, [Candidates(prompt="Say it.", outputs=tuple(Output(text=text) for text in "wxyz"))])
        with page_at(browser, address, "/label/rank", **signed_in(store)) as page:
            for _ in range(4):
                page.keyboard.press("4")
                page.keyboard.press("Enter")
            item = {letter: page.get_by_role("listitem", name=f"Output {letter}") for letter in "ABCD"}
            for letter in "DCBA":
                page.get_by_role("button", name=f"Move output {letter} up").click()
            order = "[...document.querySelectorAll('#order li')].map((one) => one.dataset.letter).join('')"
            ranks = "[...document.querySelectorAll('#order select')].map((one) => one.value).join('')"
            assert (page.evaluate(order), page.evaluate(ranks)) == ("DCBA", "1234")
            item["A"].drag_to(item["D"], target_position={"x": 60, "y": 4})
            assert (page.evaluate(order), page.evaluate(ranks)) == ("ADCB", "1234")
            item["C"].focus()
            page.keyboard.press("t")
            assert (page.evaluate(order), page.evaluate(ranks)) == ("ACDB", "1224")
            page.keyboard.press("Shift+ArrowUp")
            assert (page.evaluate(order), page.evaluate(ranks)) == ("ACDB", "1234")
            page.keyboard.press("Shift+ArrowDown")
            page.keyboard.press("Shift+ArrowDown")
            assert (page.evaluate(order), page.evaluate(ranks)) == ("ADBC", "1234")
            page.get_by_role("button", name="Save").click()
            said(page, "Saved.")
        (one,) = rankings(store)
        assert one.ranks == (1, 3, 4, 2)


@pytest.mark.slow
def test_what_another_run_of_the_server_refuses_is_told_and_the_draft_stays(browser, tmp_path):  # noqa: F811
    from foretell.align.records import Prompt
    from foretell.align.store import add_prompts

    with live(tmp_path / "labels.db", {}) as (address, store):
        add_prompts(store, [Prompt(text=SCRIPT)])
        context = browser.new_context(base_url=address, **signed_in(store))
        page = context.new_page()
        page.goto("/label/demonstration")
        page.get_by_label("Your answer").fill("Mine.")
        page.evaluate("document.querySelector('meta[name=token]').content = 'old'")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("load it again").wait_for()
        page.reload()
        assert page.get_by_label("Your answer").input_value() == "Mine."
        page.get_by_text("Skip this prompt").click()
        page.get_by_label("Reason").select_option(index=1)
        page.get_by_role("button", name="Skip it").click()
        said(page, "Saved.")
        assert page.evaluate("Object.keys(localStorage).filter((name) => name.includes('draft')).length") == 0
        context.close()
    assert not demonstrations(open_again(tmp_path / "labels.db"))


def open_again(path):
    from foretell.align.store import open_store

    store = open_store(path)
    close(store)
    return store


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_all_and_every_field_has_a_name(browser, tmp_path, scheme):  # noqa: F811
    from foretell.align.records import Candidates
    from foretell.align.store import add_candidates

    with live(tmp_path / "labels.db", {}) as (address, store):
        texts = ("A long word: " + "w" * 90, "Short.")
        add_candidates(store, [Candidates(prompt="Say it.", outputs=tuple(Output(text=text) for text in texts))])
        for path in PATHS:
            with page_at(browser, address, path, color_scheme=scheme, **signed_in(store)) as page:
                page.set_viewport_size({"width": 360, "height": 700})
                assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
                fields = "[...document.querySelectorAll('input, select, textarea')]"
                unnamed = f"{fields}.filter((f) => f.type !== 'hidden' && !f.labels.length && !f.ariaLabel).length"
                assert page.evaluate(unnamed) == 0
                assert page.locator("h1").count() == 1

"""A team in a real browser, from an empty store to rankings that train: link, invitation, test, labels, export."""

import json

import pytest

from foretell.align.records import Candidates, Output, Prompt, prompt_id
from foretell.align.store import add_candidates, add_prompts, close, rankings
from foretell.cli import main
from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from foretell.serve.settings import Limits
from tests.align import reward_folders as made
from tests.serve.test_label_browser import said
from tests.serve.test_pages import browser, page_at  # noqa: F401
from tests.serve.threads import running

WORDS = "four quite plain words"
SCRIPT = "<img src=x onerror=alert(1)>"
ORDER = sorted(["a fine answer", "a good one", "no", SCRIPT])


def rank(page):
    """Rate and rank what is shown: the texts in their alphabet's order, with the keyboard alone."""
    page.goto("/label/rank")
    assert page.locator(".asked img, .output img").count() == 0
    shown = page.locator("#order .output").all_text_contents()
    for text in shown:
        page.keyboard.press(str(7 - ORDER.index(text)))
        page.keyboard.press("Enter")
    for place, text in enumerate(shown):
        page.get_by_role("listitem", name=f"Output {'ABCD'[place]}").focus()
        page.keyboard.press(str(ORDER.index(text) + 1))
    page.keyboard.press("Control+Enter")
    said(page, "Saved.")


@pytest.mark.slow
def test_from_the_first_link_to_rankings_that_train(browser, tmp_path):  # noqa: F811
    desk = open_desk(str(tmp_path / "labels.db"), "boss")
    asked = sorted((f"Say it {i}." for i in range(6)), key=prompt_id)
    add_prompts(desk.store, [Prompt(text=text, split="valid" if i > 3 else "train") for i, text in enumerate(asked)])
    texts = tuple(Output(text=text) for text in ORDER)
    add_candidates(desk.store, [Candidates(prompt=text, outputs=texts) for text in asked])
    listening = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with (
            running(server(Ready(make_app({}, Limits(), {}, desk), listening, "", [])), listening),
            page_at(browser, address, f"/link/{desk.link}") as boss,
        ):
            invitation = begin(boss)
            test_is_set(boss, desk.store)
            with page_at(browser, address, invitation) as ana:
                enter_and_read(ana)
                take_the_test(ana)
                work(ana)
            boss.goto("/admin/labellers")
            assert boss.get_by_role("combobox", name="Test of ana").input_value() == "passed"
            rows = download(boss, tmp_path / "exported")
            sign_out_and_in(boss)
    finally:
        close(desk.store)
    assert len(rows) == 4
    assert {row["labeller"] for row in rows} == {"ana"}
    trains(tmp_path)


def begin(page):
    """The first admin gets in, chooses a password, and invites a labeller; the invitation's link."""
    page.get_by_label("Choose a password").fill(WORDS)
    page.get_by_role("button", name="Enter").click()
    page.wait_for_load_state("networkidle")
    page.get_by_role("link", name="Admin").click()
    page.wait_for_load_state()  # before it, what is typed is heard by nobody
    page.get_by_label("Name").fill("ana")
    page.get_by_role("button", name="Make the account").dispatch_event("click")  # no page is waited for: this one stays
    link = page.locator("#shown output")
    link.wait_for()
    return link.inner_text()


def test_is_set(page, store):
    """The admin makes a prompt a test, and gives its answer."""
    page.get_by_role("link", name="Tasks").click()
    page.wait_for_load_state()  # before it, what is typed is heard by nobody
    page.get_by_label("Purpose").first.select_option("screening")
    page.wait_for_load_state("networkidle")
    page.get_by_role("link", name="screening").click()
    page.wait_for_load_state()  # before it, what is typed is heard by nobody
    assert page.get_by_role("heading", name="1 prompts").is_visible()
    rank(page)
    (one,) = rankings(store)
    assert (one.labeller, one.labeller_group) == ("boss", "researcher")


test_is_set.__test__ = False


def enter_and_read(page):
    """The labeller chooses a password, reads, and is where the test begins."""
    page.get_by_label("Choose a password").fill("some more plain words")
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("button", name="I have read them").click()
    page.get_by_role("link", name="Take the test").wait_for()
    assert page.get_by_role("link", name="Admin").count() == 0


def take_the_test(page):
    """One prompt, after which the work begins."""
    rank(page)
    page.goto("/label")
    assert page.get_by_role("heading", name="Rate and rank outputs").is_visible()


def work(page):
    """The four that are left, since the admin has one open; a draft follows to another browser."""
    page.goto("/label/rank")
    page.keyboard.press("5")
    with page.expect_response("**/label/draft"):
        pass
    page.evaluate("localStorage.clear()")
    page.reload()
    said(page, "where you left off")
    for _ in range(4):
        page.goto("/label/rank")
        page.evaluate("localStorage.clear()")
        rank_again(page)
    page.goto("/label/rank")
    assert page.get_by_role("heading", name="Nothing waits").is_visible()


def rank_again(page):
    """Rank what is shown, whatever is in its draft."""
    while not page.locator("#all").is_visible():
        place = int(page.locator(".alone:visible h2").get_attribute("id").removeprefix("alone-"))
        text = page.locator("#order .output").all_text_contents()
        shown = page.locator(".alone:visible .output").text_content()
        assert shown in text
        page.locator(f"[name=likert-{place}]").nth(6 - ORDER.index(shown)).check()
        page.get_by_role("button", name="Next").click()
    for letter in "ABCD":
        item = page.get_by_role("listitem", name=f"Output {letter}")
        shown = item.locator(".output").text_content()
        page.get_by_label(f"Rank of output {letter}").select_option(str(ORDER.index(shown) + 1))
    page.get_by_role("button", name="Save").click()
    said(page, "Saved.")


def download(page, folder):
    """The rankings that training reads."""
    folder.mkdir()
    page.goto("/admin/exports")
    with page.expect_download() as under_way:
        page.get_by_role("link", name="rankings of both sides").click()
        page.wait_for_load_state()  # before it, what is typed is heard by nobody
    under_way.value.save_as(folder / "rankings.jsonl")
    return [json.loads(line) for line in (folder / "rankings.jsonl").read_text().splitlines()]


def sign_out_and_in(page):
    """Signed out there is nothing to see; the password leads back to where one wanted to go."""
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.goto("/admin/audit")
    page.get_by_label("Name").fill("boss")
    page.get_by_label("Password").fill(WORDS)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Changes").wait_for()
    assert page.get_by_role("cell", name="export", exact=True).count() == 1


def trains(folder):
    """A smoke reward model learns from the file as it was downloaded."""
    words = made.tokenizer()
    made.reward_folder(folder / "lm", words, made.Heads())
    words.save(folder / "exported" / "tokens", 64)
    sizes = {"n-vocab": 400, "n-ctx": 64, "n-layers": 2, "d-model": 32, "n-heads": 2, "d-head": 16, "d-ff": 64}
    given = {**{f"model.{name}": n for name, n in sizes.items()}, "data.length": 48, "steps": 2, "threads": 1}
    flags = [word for name, n in given.items() for word in (f"--{name}", str(n))]
    paths = ["--data", str(folder / "exported"), "--start", str(folder / "lm"), "--out", str(folder / "reward")]
    assert main(["train", "instructgpt.reward:smoke", *flags, *paths, "--quiet"]) == 0

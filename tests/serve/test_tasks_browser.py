"""The arena, the other kinds of task, presets and a live run in a real browser."""

import json

import pytest

from foretell.align.answers import answers_of
from foretell.align.presets import kept_presets
from tests.serve.test_dashboard import metrics, root, write_lines  # noqa: F401
from tests.serve.test_every_page_browser import SCRIPT, signed_in, site  # noqa: F401
from tests.serve.test_pages import browser  # noqa: F401


def expect(locator):
    from playwright.sync_api import expect as of_playwright

    of_playwright.set_options(timeout=30_000)  # where the cores are busy
    return of_playwright(locator)


@pytest.mark.slow
def test_a_round_is_blind_until_the_vote(browser, site):  # noqa: F811
    _, _, desk = site
    with signed_in(browser, site) as page:
        page.goto("/arena")
        page.get_by_label("Prompt").fill("Say <b>hello</b>")
        page.get_by_label("Maximum length").fill("8")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Begin the round").click()
        expect(page.locator("#round")).to_be_visible()
        assert page.locator("#name-left").inner_text() == "Left"
        for name in ("one", "two"):
            assert name not in page.locator("#round h2").all_inner_texts()
        page.get_by_role("button", name="Tie").click()
        expect(page.get_by_role("status")).to_contain_text("Your vote is kept")
        named = page.locator("#round h2").all_inner_texts()
        assert sorted(text.split(": ")[1] for text in named) == ["one", "two"]
        expect(page.get_by_role("button", name="Left is better")).to_be_disabled()
        page.get_by_role("button", name="New round").click()
        expect(page.locator("#round")).to_be_hidden()
        page.goto("/arena/results")
        expect(page.get_by_role("table").first).to_contain_text("one")
    (kept,) = answers_of(desk.store, "arena")
    assert kept.given == {"winner": "tie"}
    assert kept.seconds > 0


@pytest.mark.slow
def test_a_comparison_is_made_with_the_keyboard_alone(browser, site):  # noqa: F811
    _, _, desk = site
    with signed_in(browser, site) as page:
        page.goto("/label/pairwise")
        assert page.locator("main img, main script").count() == 0
        assert SCRIPT in page.locator(".pair").inner_text()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("alert")).to_contain_text("Answer every question")
        with page.expect_response("**/label/studies/draft"):
            page.keyboard.press("2")
        page.reload()
        assert page.get_by_label("Right is better").is_checked()
        with page.expect_response("**/label/studies/answer"):
            page.keyboard.press("Control+Enter")
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        assert not page.get_by_label("Right is better").is_checked()
    assert [one.given for one in answers_of(desk.store, "pairwise")] == [{"winner": "right"}]


@pytest.mark.slow
def test_a_conversation_is_led_to_a_failure_and_handed_in(browser, site):  # noqa: F811
    _, _, desk = site
    with signed_in(browser, site) as page:
        page.goto("/label/red-team")
        page.get_by_label("Message").fill("<b>Hi")  # short: either model may be asked, and one has 48 tokens
        page.keyboard.press("Control+Enter")
        expect(page.locator("#turns li")).to_have_count(2)
        assert page.locator("#turns .said").first.inner_text() == "<b>Hi"
        page.reload()
        expect(page.locator("#turns li")).to_have_count(2)
        page.get_by_label("It failed here").check()
        page.get_by_role("button", name="Hand in").click()
        expect(page.get_by_role("alert")).to_contain_text("kind of failure")
        page.get_by_label("Kind of failure").select_option("Something else")
        with page.expect_response("**/label/red-team/mark"):
            page.get_by_role("button", name="Hand in").click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        expect(page.locator("#turns li")).to_have_count(0)
        page.goto("/label/studies/results")
        with page.expect_download() as given:
            page.get_by_role("link", name="All answers as JSON Lines").click()
            page.wait_for_load_state()  # before it, what is typed is heard by nobody
        (row,) = map(json.loads, given.value.path().read_text().splitlines())
    assert (row["failed"], row["category"]) == (1, "Something else")
    assert answers_of(desk.store, "red_team")[0].given["turns"] == row["turns"]


@pytest.mark.slow
def test_a_preset_is_kept_and_offered_again(browser, site):  # noqa: F811
    _, _, desk = site
    with signed_in(browser, site) as page:
        page.goto("/playground")
        page.get_by_label("Text", exact=True).fill("1 + 1 =")
        page.get_by_text("Keep as a preset").click()
        page.get_by_label("Name").fill("<b>sum</b>")
        page.get_by_label("Stop texts").fill("\\n")
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_role("status").last).to_contain_text("The preset is kept.")
        page.reload()
        page.get_by_label("Begin with").select_option(label="<b>sum</b>")
        assert page.get_by_label("Text", exact=True).input_value() == "1 + 1 ="
        assert page.get_by_label("Stop texts").input_value() == "\\n"
    assert kept_presets(desk.store)["<b>sum</b>"]["stop"] == ["\n"]


@pytest.mark.slow
def test_a_run_that_goes_on_is_drawn_again(browser, site, root):  # noqa: F811
    with signed_in(browser, site) as page:
        page.clock.install()
        page.goto("/runs/going")
        line = page.locator('[data-chart="loss"] [data-line="loss"]')
        before = line.get_attribute("d")
        expect(page.locator("#figures")).to_contain_text("400 of 20")
        write_lines(root / "going" / "metrics.jsonl", metrics(450))
        page.clock.run_for(3000)
        expect(page.locator("#figures")).to_contain_text("450 of 20")
        expect(line).not_to_have_attribute("d", before)
        expect(page.locator('[data-chart="loss"] .said-last')).to_contain_text("at step 450")
        page.goto("/runs")
        write_lines(root / "going" / "metrics.jsonl", metrics(460))
        page.clock.run_for(5000)
        expect(page.locator('[data-slug="going"] [data-of="step"]')).to_have_text("460 of 20")

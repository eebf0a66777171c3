import json

import pytest

from foretell.errors import BadUse, Failed
from foretell.tasks.news import N_TRIES, Article, n_words, news, only_article, prompt, written
from foretell.tasks.source import Source

ROWS = [
    {"title": f"Title {n}", "subtitle": f"Subtitle {n}", "text": f"Text {n}. It goes on.", "date": f"2020-01-{30 - n}"}
    for n in range(6)
]


def file_of(tmp_path, rows, name="news"):
    (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Source(folders=(tmp_path,))


def article(n_words=4, title="T"):
    return Article(title=title, subtitle="S", text=" ".join(["word"] * n_words))


def test_the_three_earliest_articles_stand_before_the_next_ones(tmp_path):
    found = news(file_of(tmp_path, ROWS), n_asked=2)
    assert [one.title for one in found.before] == ["Title 5", "Title 4", "Title 3"]
    assert [one.title for one in found.asked] == ["Title 2", "Title 1"]
    assert found.origin == "news.jsonl"


def test_without_dates_the_order_is_the_files(tmp_path):
    rows = [{key: value for key, value in row.items() if key != "date"} for row in ROWS]
    assert [one.title for one in news(file_of(tmp_path, rows)).before] == ["Title 0", "Title 1", "Title 2"]


def test_the_prompt_is_the_papers(tmp_path):
    found = news(file_of(tmp_path, ROWS), n_asked=1)
    assert prompt(found.asked[0], found.before[:2]) == (
        "Title: Title 5\nSubtitle: Subtitle 5\nArticle: Text 5. It goes on.\n\n"
        "Title: Title 4\nSubtitle: Subtitle 4\nArticle: Text 4. It goes on.\n\n"
        "Title: Title 2\nSubtitle: Subtitle 2\nArticle:"
    )
    assert prompt(found.asked[0]) == "Title: Title 2\nSubtitle: Subtitle 2\nArticle:"  # the control's


def test_five_texts_are_asked_for_and_the_nearest_length_is_kept():
    asked = [article(4, "a"), article(9, "b")]
    lengths = iter([1, 6, 3, 9, 5, 20, 2, 11, 1, 7])
    seen = []

    def generate(prompts):
        seen.extend(prompts)
        return [" " + " ".join(["x"] * next(lengths)) for _ in prompts]

    kept = written(asked, (article(2, "before"),), generate)
    assert [n_words(text) for text in kept] == [3, 11]  # 3 and 5 are equally near to 4: the first; 11 and 7 to 9: 11
    assert [seen.count(one) for one in dict.fromkeys(seen)] == [N_TRIES, N_TRIES] == [5, 5]
    assert seen[0] == prompt(asked[0], (article(2, "before"),))


def test_what_follows_the_models_own_next_title_is_cut_off():
    assert only_article(" One.\n\nTwo.\n\nTitle: Next\nSubtitle: x\nArticle: y") == "One.\n\nTwo."


def test_a_model_that_writes_nothing_or_too_little_is_named():
    with pytest.raises(Failed, match="wrote nothing below 'T'"):
        written([article()], (), lambda prompts: [" \n\nTitle: other"] * len(prompts))
    with pytest.raises(Failed, match="5 articles were asked for and 1 came"):
        written([article()], (), lambda prompts: ["one"])
    kept = written([article()], (), lambda prompts: ["", "", "one", "", ""])
    assert kept == ["one"]


def test_too_few_articles_and_an_empty_one_are_named(tmp_path):
    with pytest.raises(BadUse, match=r"news.jsonl has 3 articles; 3 stand before the titles, give 1 more"):
        news(file_of(tmp_path, ROWS[:3]))
    with pytest.raises(BadUse, match="news-1 has an empty title or text"):
        news(file_of(tmp_path, [ROWS[0], {"title": "t", "subtitle": "s", "text": " "}]))
    with pytest.raises(BadUse, match="news-0 has no field 'subtitle'"):
        news(file_of(tmp_path, [{"title": "t", "text": "x"}]))


def sentence(n):
    letters = "abcdefghij"
    return f"The {letters[n % 10] * (n // 10 + 2)} is a thing of which this text has something to say."


def test_articles_are_made_of_text_without_titles(tmp_path):
    text = " ".join(sentence(n) for n in range(90))
    source = file_of(tmp_path, [{"id": "1", "text": text}, {"id": "2", "text": "Too short."}], "wiki_articles")
    with pytest.raises(BadUse, match="has 2 articles"):
        news(source)
    (tmp_path / "wiki_articles.jsonl").write_text(
        "".join(json.dumps({"text": " ".join(sentence(n + at) for n in range(40))}) + "\n" for at in (0, 100, 200))
    )
    found = news(source)
    for one in (*found.before, *found.asked):
        assert 60 <= n_words(one.text) <= 200
        assert not one.title.endswith(".")
        assert one.title not in one.text
    assert len({one.title for one in (*found.before, *found.asked)}) == len(found.before) + len(found.asked) == 6
    assert news(source) == found != news(Source(folders=source.folders, seed=1))


@pytest.mark.slow
def test_a_machine_without_files_has_enough_articles_for_a_study():
    found = news(Source())
    assert (len(found.before), len(found.asked), found.origin) == (3, 25, "generated")
    assert found == news(Source())

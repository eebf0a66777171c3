"""Passages with questions, from the nested files and the hub's columns: one row a question, with what was asked before.

A row is {title, passage, before: [(question, answer)], question, texts}: texts are the accepted answers. The layouts
are those of the data sets' own pages (SQuAD, QuAC, CoQA, RACE, DROP) and of the hub.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from foretell.tasks.options import place
from foretell.tasks.source import Row, field

UNANSWERABLE = ("I don't know", "unanswerable", "no answer")
"""what a question without an answer is answered by; a demonstration shows the first. The paper does not say: ours"""
NO_ANSWER = "CANNOTANSWER"  # QuAC's


def squad(rows: Sequence[Row]) -> list[Row]:
    """SQuAD: {data: [{title, paragraphs: [{context, qas}]}]}, or a row a question {title, context, question, answers}.

    The questions before one are those of its paragraph, as in figure G.28.
    """
    return passages_with_history(list(nested(rows)) if rows and "data" in rows[0] else [hub_squad(row) for row in rows])


def nested(rows: Sequence[Row]) -> Iterator[Row]:
    """The questions of files {data: [{title, paragraphs}]}, as SQuAD and QuAC have them."""
    for article in (article for row in rows for article in row["data"]):
        title = " - ".join(article[part] for part in ("title", "section_title") if article.get(part))
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                texts = [answer["text"] for answer in (asked.get("orig_answer"), *asked["answers"]) if answer]
                texts = [] if asked.get("is_impossible") else texts
                yield {"title": title, "passage": paragraph["context"], "question": asked["question"], "texts": texts}


def hub_squad(row: Row) -> Row:
    """A row of the hub's squad and squad_v2: answers {text: [...]}, none where there is no answer."""
    at = str(row.get("id", "a row"))
    title, passage, question = (field(row, part, at) for part in ("title", "context", "question"))
    return {"title": title, "passage": passage, "question": question, "texts": list(field(row, "answers", at)["text"])}


def quac(rows: Sequence[Row]) -> list[Row]:
    """QuAC: the nested layout with section titles, or a row a dialogue with lists of questions and answers."""
    if rows and "data" in rows[0]:
        return passages_with_history([without_mark(row) for row in nested(rows)])
    found = []
    for row in rows:
        at = str(row.get("dialogue_id", "a row"))
        title = f"{field(row, 'wikipedia_page_title', at)} - {field(row, 'section_title', at)}"
        first = field(row, "orig_answers", at)["texts"]
        others = field(row, "answers", at)["texts"]
        for i, question in enumerate(field(row, "questions", at)):
            texts = [first[i], *others[i]]
            found.append({"title": title, "passage": field(row, "context", at), "question": question, "texts": texts})
    return passages_with_history([without_mark(row) for row in found])


def without_mark(row: Row) -> Row:
    """The row of QuAC with no mark for `no answer` in its passage and in its answers."""
    texts = [] if row["texts"] and row["texts"][0] == NO_ANSWER else [t for t in row["texts"] if t != NO_ANSWER]
    return {**row, "passage": row["passage"].removesuffix(NO_ANSWER).rstrip(), "texts": texts}


def coqa(rows: Sequence[Row]) -> list[Row]:
    """CoQA: {data: [{story, questions: [{input_text}], answers, additional_answers}]}, or the hub's lists."""
    stories = [one for row in rows for one in row.get("data", [row])]
    found = []
    for story in stories:
        at = str(story.get("id", "a story"))
        passage, questions, answers = (field(story, part, at) for part in ("story", "questions", "answers"))
        said = questions if isinstance(answers, dict) else [one["input_text"] for one in questions]
        first = answers["input_text"] if isinstance(answers, dict) else [one["input_text"] for one in answers]
        others = list(story.get("additional_answers", {}).values())
        for i, question in enumerate(said):
            texts = [first[i], *(other[i]["input_text"] for other in others)]
            found.append({"title": "", "passage": passage, "question": question, "texts": texts})
    return passages_with_history(found)


def race(rows: Sequence[Row]) -> list[Row]:
    """RACE: a row an article {article, questions, options, answers}, or the hub's row a question."""
    found = []
    for row in rows:
        at = str(row.get("example_id", row.get("id", "a row")))
        several = "questions" in row
        names = ("questions", "options", "answers") if several else ("question", "options", "answer")
        parts = [field(row, part, at) if several else [field(row, part, at)] for part in names]
        for question, options, letter in zip(*parts, strict=True):
            gold = place(letter, "ABCD", at)
            more = {"options": options, "gold": gold, "texts": [options[gold]]}
            found.append({"title": "", "passage": field(row, "article", at), "question": question, **more})
    return passages_with_history(found)


def drop(rows: Sequence[Row]) -> list[Row]:
    """DROP: {section: {passage, qa_pairs}}, or the hub's {passage, question, answers_spans: {spans}}.

    The hub mixes what several people answered: there, each span is accepted.
    """
    found = []
    for row in rows:
        if "passage" in row:
            texts = list(dict.fromkeys(field(row, "answers_spans", "a row")["spans"]))
            found.append({"passage": row["passage"], "question": row["question"], "texts": texts})
            continue
        for section in row.values():
            for asked in section["qa_pairs"]:
                texts = [drop_answer(one) for one in (asked["answer"], *asked.get("validated_answers", ()))]
                found.append({"passage": section["passage"], "question": asked["question"], "texts": texts})
    return found


def drop_answer(answer: dict[str, Any]) -> str:
    """What one person answered, in words: a number, a date, or spans joined with commas."""
    date = " ".join(answer["date"][part] for part in ("day", "month", "year") if answer.get("date", {}).get(part))
    return str(answer.get("number", "")) or ", ".join(answer.get("spans", ())) or date


def passages_with_history(rows: Sequence[Row]) -> list[Row]:
    """The rows with what was asked and answered before about the same passage, in order."""
    before: dict[tuple[str, str], list[tuple[str, str]]] = {}
    found = []
    for row in rows:
        texts = [text for text in row["texts"] if text.strip()] or list(UNANSWERABLE)
        told = before.setdefault((row["title"], row["passage"]), [])
        found.append({**row, "texts": texts, "before": list(told)})
        told.append((row["question"].strip(), texts[0].strip()))
    return found

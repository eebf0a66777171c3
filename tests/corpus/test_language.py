"""Languages of texts: known ones, the certainty beside its formula and the detectors beside their own functions."""
# ruff: noqa: RUF001

import math
import random
import re
from pydoc_data.topics import topics

import pytest

from foretell.corpus import careful_language, language
from foretell.corpus.language import LEAST_MARGIN, SEEN, SHORT, WORST_RANK, certainty, identify, seen

TEXTS = {
    "en": "The committee met on Tuesday to discuss the new bridge, which nobody had asked for. ",
    "de": "Der Ausschuss traf sich am Dienstag, um über die neue Brücke zu sprechen, die niemand gewollt hatte. ",
    "fr": "Le comité s'est réuni mardi pour discuter de la nouvelle gare, que personne n'avait demandée. ",
    "es": "El comité se reunió el martes para hablar del nuevo puente, que nadie había pedido hasta entonces. ",
    "ru": "Комитет собрался во вторник, чтобы обсудить новый мост, которого никто раньше не просил строить. ",
    "uk": "Комітет зібрався у вівторок, щоб обговорити новий міст, якого досі ніхто не просив будувати. ",
    "pl": "Komisja zebrała się we wtorek, aby omówić nowy most, o który dotychczas nikt się nie upominał. ",
    "zh": "委员会星期二开会讨论那座新桥，此前没有人要求建造它，但现在大家都想要。",
    "ja": "委員会は火曜日に集まり、これまで誰も頼んでいなかった新しい橋について話し合いました。",
    "ko": "위원회는 화요일에 모여서 지금까지 아무도 요청하지 않았던 새 다리에 대해 논의했습니다. ",
    "ar": "اجتمعت اللجنة يوم الثلاثاء لمناقشة الجسر الجديد الذي لم يطلبه أحد من قبل ولكن الجميع يريده الآن. ",
    "el": "Η επιτροπή συνεδρίασε την Τρίτη για να συζητήσει τη νέα γέφυρα, που κανείς δεν είχε ζητήσει. ",
    "hi": "समिति मंगलवार को नए पुल पर चर्चा करने के लिए मिली, जिसकी पहले किसी ने माँग नहीं की थी। ",
    "th": "คณะกรรมการประชุมกันเมื่อวันอังคารเพื่อหารือเรื่องสะพานใหม่ที่ไม่มีใครเคยขอมาก่อน ",
    "ms": "Jawatankuasa itu bermesyuarat pada hari Selasa untuk membincangkan jambatan baharu yang tidak diminta. ",
    "id": "Panitia bertemu pada hari Selasa untuk membahas jembatan baru yang sebelumnya tidak diminta siapa pun. ",
}
PROSE = [text for text in topics.values() if len(text) > SHORT]


@pytest.mark.parametrize("times", [1, 5, 30])
def test_languages_are_told_of_short_and_long_texts(times):
    found = identify([text * times for text in TEXTS.values()])
    assert [code for code, _ in found] == list(TEXTS)
    assert all(0.5 < score <= 1 for _, score in found)


def test_capitals_and_decomposed_letters_change_nothing():
    import unicodedata

    for code in ("fr", "de", "ru", "ko"):
        text = TEXTS[code] * 5
        assert [identify([one])[0][0] for one in (text.upper(), unicodedata.normalize("NFD", text))] == [code, code]


def test_texts_without_letters_have_no_language():
    assert identify(["", " \n", "12, 34 %", "!!! ??? 🙂", "_ _"]) == [("", 0.0)] * 5
    assert identify([]) == []


def test_text_of_code_and_scraps_is_not_certain():
    scraps = ["x", "Hello", "a1 b2", "ok ok", "for i in x: y"]
    assert all(score < 0.6 for _, score in identify(scraps))


def test_certainties_are_numbers_and_codes_have_two_letters():
    rng = random.Random(0)
    texts = ["".join(chr(rng.randrange(32, 0x3000)) for _ in range(rng.randrange(2 * SEEN))) for _ in range(60)]
    texts += ["\ud800", "a\udfff" * 400, "\0" * 400 + "a", "a" * 5000, "ab " * 300, "\u0300" * 500 + "e"]
    for code, score in identify(texts):
        assert 0 <= score <= 1
        assert re.fullmatch("[a-z]{2}|", code)
        assert code or score == 0


def test_each_text_is_judged_by_itself():
    texts = [text * times for text in TEXTS.values() for times in (1, 4)]
    found = identify(texts)
    order = random.Random(1).sample(range(len(texts)), len(texts))
    assert identify([texts[i] for i in order]) == [found[i] for i in order]
    assert [identify([text])[0] for text in texts] == found


def test_the_middle_of_a_text_counts():
    text = TEXTS["en"] * 5 + TEXTS["fr"] * 40 + TEXTS["en"] * 5
    assert identify([text])[0][0] == "fr"
    assert seen(text) in text
    assert len(seen(text)) == SEEN
    assert seen("1" * 9000 + "word and word") == "word and word"
    assert seen(" " * 4000 + "left" + " " * 40_000).strip() == "left"


def test_the_fast_detectors_certainty_is_its_formula():
    from resiliparse.parse.lang import detect_fast

    told = 0
    for text in PROSE:
        (code, rank), (_, second) = detect_fast(seen(text), n_results=2, cutoff=10**6)
        if second - rank >= LEAST_MARGIN and rank <= WORST_RANK:
            told += 1
            odds = math.exp((second - rank) / 7)
            assert identify([text]) == [(code, pytest.approx(odds / (1 + odds)))]
    assert told >= 0.7 * len(PROSE)
    assert certainty(0) == 0.5
    assert [certainty(margin) for margin in range(100)] == sorted(certainty(margin) for margin in range(100))


def test_letters_without_sense_are_asked_of_the_careful_detector_and_uncertain():
    rng = random.Random(0)
    for letters in ("abcdefghijklmnopqrstuvwxyz", "0123456789abcdef", "AbCdEfGhIjKlMnOpQrStUvWxYz+/"):
        text = " ".join("".join(rng.choices(letters, k=rng.randrange(2, 9))) for _ in range(300))
        assert identify([text])[0][1] < 0.9


def test_short_texts_are_told_by_py3langid():
    from py3langid.langid import LanguageIdentifier

    oracle = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    for code, text in TEXTS.items():
        assert len(text) < SHORT
        theirs, score = oracle.classify(text)
        assert identify([text])[0][0] == theirs == code
        assert identify([text])[0][1] == pytest.approx(score, abs=0.35)  # it knows languages of three letters besides


def test_many_texts_are_judged_as_py3langid_judges_each():
    model, _ = careful_language._model()
    texts = [text * times for text in TEXTS.values() for times in (1, 3)] + ["", "x", "12", "\ud800a", "a" * 900]
    found = careful_language.classify(texts)
    for text, (code, sure) in zip(texts, found, strict=True):
        theirs, score = model.classify(text)
        assert (code, sure) == (theirs, pytest.approx(score, abs=1e-4))
        assert careful_language.classify([text]) == [(code, sure)]
    assert careful_language.classify([]) == []


def test_long_texts_are_rarely_asked_of_the_slow_detector(monkeypatch):
    asked = []
    monkeypatch.setattr(careful_language, "classify", lambda texts: asked.extend(texts) or [("xx", 0.5)] * len(texts))
    found = identify(PROSE)
    assert found.count(("xx", 0.5)) == len(asked) <= 0.3 * len(PROSE)
    assert found.count(("xx", 0.5)) + [code for code, _ in found].count("en") >= 0.95 * len(PROSE)
    assert all(len(text) <= language.SEEN_CAREFULLY for text in asked)


def test_sentences_of_multi30k_are_told(shared_data):
    import gzip

    for code in ("en", "de", "fr"):
        with gzip.open(shared_data / "multi30k" / f"val.{code}.gz", "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
        single = [found for found, _ in identify(lines)]
        joined = [found for found, _ in identify([" ".join(lines[i : i + 10]) for i in range(0, 1000, 10)])]
        assert single.count(code) >= 0.98 * len(lines)
        assert joined.count(code) == len(joined)

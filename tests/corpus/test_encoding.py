"""Text of bytes: every encoding of the web there and back, wrong names, broken bytes, and texts that were misread."""
# ruff: noqa: RUF001

import codecs
import random

import pytest

from foretell.corpus.encoding import charset, declared, decoded, mended

TEXTS = {
    "ru": "Быстрая коричневая лиса перепрыгивает через ленивую собаку, а потом идёт домой. ",
    "fr": "Où êtes-vous allé cet été, à l’école ? Ça marche très bien, déjà — « voilà » pour 5 €. ",
    "de": "Der Fuß tritt über die Straße, weil die Ämter öffnen; „schön“, sagt die Bäckerin. ",
    "tr": "Bugün her şey çok güzel, parka yürüyüşe gidelim mi? Şimdi değil, ığdır. ",
    "pl": "Zażółć gęślą jaźń, dziś jest piękna pogoda, chodźmy na spacer do łąki. ",
    "zh": "今天天气很好，我们去公园散步吧。这是一个用来测试编码的句子，后面还有很多字。",
    "ja": "今日は天気がいいので、公園へ散歩に行きましょう。これは文字コードのテストです。",
    "ko": "오늘은 날씨가 좋아서 공원에 산책하러 갑시다. 이것은 문자 인코딩 시험입니다. ",
    "el": "Η γρήγορη καφέ αλεπού πηδά πάνω από το τεμπέλικο σκυλί και πάει σπίτι. ",
    "en": "Nothing but plain letters, and the sign of the pound: £5. ",
}
CODECS = {
    "ru": ["cp1251", "koi8-r", "iso8859-5"],
    "fr": ["cp1252", "iso8859-15"],
    "de": ["cp1252"],
    "tr": ["cp1254"],
    "pl": ["cp1250", "iso8859-2"],
    "zh": ["gbk", "gb18030"],
    "ja": ["shift_jis", "euc_jp", "iso2022_jp"],
    "ko": ["euc_kr"],
    "el": ["cp1253", "iso8859-7"],
    "en": ["cp1252"],
}
PAIRS = [(language, name) for language, names in CODECS.items() for name in [*names, "utf-8", "utf-16-le", "utf-16-be"]]
WINDOWS = [bytes([i]).decode("cp1252", "ignore") or chr(i) for i in range(256)]


def misread(text):
    """The slow twin of what went wrong: each byte of UTF-8 as a character of windows-1252."""
    return "".join(WINDOWS[byte] for byte in text.encode())


def writable(text, name):
    return "".join(one for one in text if one.encode(name, "ignore"))


@pytest.mark.parametrize(("language", "name"), PAIRS)
def test_what_http_names_is_believed(language, name):
    text = writable(TEXTS[language] + "\n", name) * 3
    assert decoded(text.encode(name), name) == text
    assert decoded(text.encode(name), f'text/html; Charset="{name}"') == text


@pytest.mark.parametrize(("language", "name"), [pair for pair in PAIRS if "utf-16" not in pair[1]])
def test_what_a_page_names_is_believed(language, name):
    text = writable(TEXTS[language], name) * 3
    for tag in (f'<meta charset="{name}">', f"<META http-equiv=Content-Type content='text/html; charset={name}'>"):
        page = f"<!doctype html><html><head>{'<!-- -->' * 200}{tag}</head><body>{text}"
        assert decoded(page.encode(name)) == page
    page = f'<?xml version="1.0" encoding="{name}"?><html>{text}</html>'
    assert decoded(page.encode(name)) == page


@pytest.mark.parametrize(
    ("language", "name"), [(a, b) for a, b in PAIRS if b in ("utf-8", "cp1251", "gbk", "shift_jis")]
)
def test_an_encoding_that_nobody_names_is_found(language, name):
    text = TEXTS[language] * 20
    assert decoded(text.encode(name)) == text


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-32-be"])
def test_a_byte_order_mark_comes_before_every_name(name):
    text = TEXTS["ru"]
    mark = b"" if name in ("utf-8-sig", "utf-16", "utf-32") else "\ufeff".encode(name)
    assert decoded(mark + text.encode(name), "shift_jis") == text


def test_names_mean_what_the_web_means_by_them():
    assert charset("ISO-8859-1") == charset("ascii") == charset("latin1") == "cp1252"
    assert charset("gb2312") == charset(" text/html;charset=GBK; x=y") == "gbk"
    assert charset("x-sjis") == "shift_jis"
    assert decoded("“curly”".encode("cp1252"), "iso-8859-1") == "“curly”"
    assert [charset(name) for name in ("", "text/html", "utf-7", "nonsense", "é", "x" * 1000, "rot13", "\0")] == [
        ""
    ] * 8


def test_http_is_believed_before_the_page():
    page = '<meta charset="windows-1251">' + TEXTS["pl"]
    assert decoded(page.encode("cp1250"), "cp1250") == page


def test_utf_16_is_believed_only_of_bytes_that_can_be_it():
    for text in (TEXTS["en"], "plain"):
        assert decoded(text.encode(), "utf-16") == text
    assert decoded("<html>日本</html>".encode("utf-16-be")) == "<html>日本</html>"


def test_a_page_that_calls_itself_utf_16_is_not_that():
    assert declared(b'<meta charset="utf-16">') == "utf-8"


def test_a_name_in_a_comment_does_not_count():
    assert declared(b'<!-- <meta charset="koi8-r"> --><meta charset="big5">') == "big5"
    assert declared(b'<!-- <meta charset="koi8-r">') == ""


def test_utf_8_is_not_taken_for_a_single_byte_encoding_that_a_server_names():
    for name in ("iso-8859-1", "windows-1251", "koi8-r"):
        assert decoded(TEXTS["fr"].encode(), name) == TEXTS["fr"]
        page = f'<meta charset="{name}">{TEXTS["ru"]}'
        assert decoded(page.encode()) == page


def test_a_name_that_does_not_fit_is_passed_over():
    assert decoded((TEXTS["ru"] * 5).encode("cp1251"), "utf-8") == TEXTS["ru"] * 5
    assert decoded((TEXTS["zh"] * 5).encode(), "gbk") == TEXTS["zh"] * 5


def test_a_few_letters_that_are_utf_8_by_chance_are_what_the_page_says():
    assert decoded("联通".encode("gbk"), "gbk") == "联通"
    assert decoded("联通".encode("gbk") + b" <meta charset=gbk>") == "联通 <meta charset=gbk>"


def test_one_broken_byte_does_not_change_the_encoding():
    for language in ("ru", "zh", "ja"):
        whole = TEXTS[language] * 10
        for hint in ("utf-8", ""):
            found = decoded(whole.encode()[:-1], hint)
            assert found.startswith(whole[:-8])
            assert found.count("\ufffd") == ("�" in found)


def test_control_characters_go_and_lines_stay():
    assert decoded(b"a\0b\x01\tc\r\nd\x0ce\x7f\x1b[0m") == "ab\tc\r\nd\ne[0m"
    assert decoded("é\0\x08ü".encode()) == "éü"


def test_control_characters_are_those_of_the_slow_twin():
    text = "".join(chr(i) + "é" for i in range(300))
    plain = "".join(
        one for one in text.replace("\x0b", "\n").replace("\x0c", "\n") if one in "\t\n\r" or ord(one) >= 32
    )
    assert decoded(text.encode()) == plain.replace("\x7f", "")
    for i in range(128):
        kept = chr(i) if (i >= 32 and i != 127) or chr(i) in "\t\n\r" else "\n" if i in (11, 12) else ""
        assert decoded(b"a" + bytes([i]) + b"b") == f"a{kept}b"


def test_no_bytes_raise_and_every_text_can_be_written():
    rng = random.Random(0)
    hints = ["", "utf-8", "gbk", "utf-16", "iso-2022-jp", "nonsense", "shift_jis", "text/html; charset=", "\ud800"]
    marks = [b"", b"<meta charset=", *(mark for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE))]
    for _ in range(2000):
        content = rng.choice(marks) + rng.randbytes(rng.randrange(60))
        decoded(content, rng.choice(hints)).encode()


def test_empty_stays_empty():
    assert decoded(b"") == decoded(b"", "utf-16") == ""


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_misread_text_is_mended_and_right_text_is_not_changed(text):
    assert mended(text) == text
    assert mended(text.lower()) == text.lower()
    assert mended(text.upper()) == text.upper()
    if sum(not one.isascii() for one in text) > 1:
        assert mended(misread(text)) == text
        assert mended(misread(misread(text))) == text
        assert decoded(misread(text).encode()) == text


def test_a_text_that_is_misread_in_part_stays_as_it_is():
    for text in (misread("é, è") + "é", misread("é"), misread("é") + "日", "A" + misread("à la")[:-3] + "Ã"):
        assert mended(text) == text


def test_no_random_words_of_western_letters_are_changed():
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz" * 3 + "ÀÂÃÄÅÇÉÊËÍÎÑÓÔÕÖÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿŸŒœŠšŽž"
    for _ in range(3000):
        words = ["".join(rng.choices(letters, k=rng.randrange(1, 9))) for _ in range(30)]
        text = " ".join(words)
        assert mended(text) == text
        assert mended(misread(text)) == text


def test_real_pages_are_not_changed(shared_data):
    import io
    import json

    import zstandard

    with (shared_data / "webpages" / "webpages.jsonl.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            row = json.loads(line)
            for text in (row["html"], row["gold_text"] or "é"):
                assert decoded(text.encode()) == text

"""Every word of every page is in the catalogue, and the language is that of whoever reads."""

import re
from importlib.resources import files

import pytest
from jinja2 import nodes

from foretell.align.stored import COUNTED
from foretell.serve.accounts.people import ROLES
from foretell.serve.accounts.rules import MODES
from foretell.serve.admin import routes as admin
from foretell.serve.admin.figures import ONLY
from foretell.serve.dashboard import routes as dashboard
from foretell.serve.dashboard.runs import ALWAYS
from foretell.serve.labelling import routes as labelling
from foretell.serve.labelling.questions import CATEGORIES, QUESTIONS, TITLES, TOLD
from foretell.serve.labelling.told import FLAGS, INSTRUCTIONS, REASONS
from foretell.serve.pages.presets import PRESETS
from foretell.serve.pages.routes import engine
from foretell.serve.pages.words import VISIT, Visit, chinese, say
from tests.serve.accounts_made import serving

PAGES = files("foretell.serve.pages")
TEMPLATES = sorted(one.name for one in (PAGES / "templates").iterdir() if one.name.endswith(".jinja"))
SCRIPTS = sorted(one.name for one in (PAGES / "static").iterdir() if one.name.endswith(".js"))
PARTS = re.compile(
    r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<(code|kbd|output)\b.*?</\1>|<(?:[^<>{}]|\{\{.*?\}\}|\{%.*?%\})*>", re.S
)
NAMES = {
    "foretell",
    "English",
    "Elo",
    "rankings.jsonl",
    "prompts.jsonl",
    ".jsonl",
    "n",
    "A",
    "B",
    "p",
    "t",
    "- foretell",
}
SAID = re.compile(r"""\bsay\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


def text_of(folder, name):
    return (PAGES / folder / name).read_text(encoding="utf-8")


def said_in(template):
    """Every text that a template says and that stands in it."""
    tree = engine().parse(text_of("templates", template))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say":
            yield from (one.value for one in call.args[0].find_all(nodes.Const))
            if isinstance(call.args[0], nodes.Const):
                yield call.args[0].value


def holes(text):
    return sorted(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("name", TEMPLATES)
def test_all_that_a_template_says_is_in_the_catalogue(name):
    assert not [text for text in said_in(name) if isinstance(text, str) and text and text not in chinese()]


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_word_of_a_template_is_left_unsaid(name):
    bare = {" ".join(text.split()) for text in PARTS.sub("\0", text_of("templates", name)).split("\0")}
    words = {re.sub(r"&\w+;", "", text).strip() for text in bare}
    assert not {text for text in words if re.search(r"[A-Za-z]", text)} - NAMES
    unsaid = re.findall(
        r'\b(?:aria-label|placeholder|title|data-ask)="([^"{]*[A-Za-z]{2}[^"{]*)"', text_of("templates", name)
    )
    assert not unsaid


@pytest.mark.parametrize("name", SCRIPTS)
def test_all_that_a_script_says_is_in_the_catalogue(name):
    said = [first or second for first, second in SAID.findall(text_of("static", name))]
    assert not [text for text in said if text not in chinese()]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_shows_no_word_that_is_not_said(name):
    shown = r'(?:textContent = |complain\(|new Error\(|replaceChildren\(|new Option\()["`]([^"`]*[A-Za-z]{2}[^"`]*)["`]'
    left = [re.sub(r"\$\{[^}]*\}*", "", text) for text in re.findall(shown, text_of("static", name))]
    assert not [text for text in left if re.search(r"[A-Za-z]{2}", text)]


def test_what_pages_are_given_to_say_is_in_the_catalogue():
    of_lists = [*ROLES, *REASONS, *FLAGS.values(), *CATEGORIES, *TITLES.values(), *TOLD.values(), *COUNTED, *ALWAYS]
    of_lists += [one.words for one in MODES] + [one.name for one in PRESETS] + [one or "all" for one in ONLY]
    of_lists += [name for parts in (admin.PARTS, dashboard.PARTS, labelling.PARTS) for name, _ in parts]
    of_lists += [one.asked for some in QUESTIONS.values() for one in some]
    of_lists += [
        words for some in QUESTIONS.values() for one in some for _, words in one.answers if not words.isdigit()
    ]
    of_lists += [INSTRUCTIONS, "running", "finished", "stopped", "state", "system", "user", "assistant"]
    assert not [text for text in of_lists if text not in chinese()]


def test_the_catalogue_has_the_same_holes_and_no_word_twice_or_in_vain():
    for english, other in chinese().items():
        assert holes(english) == holes(other), english
        assert other.strip(), english
        assert re.search(r"[\u4e00-\u9fff]", other), english


def test_what_is_said_is_escaped_whatever_is_put_into_it():
    assert say("{n} prompts", n="<b>") == "&lt;b&gt; prompts"
    token = VISIT.set(Visit(language="zh"))
    try:
        assert say("{n} prompts", n="<b>") == "&lt;b&gt; 条提示"
        assert say("<i>unknown</i>") == "&lt;i&gt;unknown&lt;/i&gt;"
    finally:
        VISIT.reset(token)


def test_a_language_is_chosen_once_and_kept_in_a_cookie(client):
    assert '<html lang="en">' in client.get("/playground").text
    asked = client.get("/playground?language=zh&x=1", follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (303, "./playground?x=1")
    assert "HttpOnly" in asked.headers["set-cookie"]
    for path in ("/playground", "/playground/chat", "/compare"):
        page = client.get(path).text
        assert '<html lang="zh-Hans">' in page
        assert "提示" in page or "对话" in page
    client.get("/playground?language=en")
    assert '<html lang="en">' in client.get("/playground").text
    client.cookies.clear()


def test_scripts_get_the_catalogue_of_whoever_asks(client):
    assert client.get("/static/catalogue.js").text == "export default {};\n"
    told = client.get("/static/catalogue.js", headers={"cookie": "language=zh"})
    assert "请先写提示。" in told.text
    assert told.headers["content-type"].startswith("text/javascript")
    assert told.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("language", ["", "xx", "zh%00", "en-US", "<script>"])
def test_another_language_is_not_kept(client, language):
    answer = client.get(f"/playground?language={language}")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert '<html lang="en">' in client.get("/playground", headers={"cookie": f"language={language}"}).text


def test_no_address_leads_to_another_host(client):
    for path in ("//evil.example?language=zh", "/\\evil.example?language=zh"):
        answer = client.get(f"http://testserver{path}", follow_redirects=False)
        assert answer.headers.get("location", "./").startswith("./")


def test_chinese_pages_of_labelling_say_no_english(models, tmp_path):
    known = {
        "foretell",
        "English",
        "label",
        "sample",
        "export",
        "init",
        "Ctrl",
        "Enter",
        "boss",
        "MODEL",
        "NAME",
        "FOLDER",
    }
    known |= {"labels", "serve", "jsonl", "PROMPTS", "baseline", "quiz", "JSON", "Lines", "JavaScript", "Ouyang", "UTC"}
    with serving(tmp_path / "labels.db", {"one": models["one"]}) as (enter, _):
        boss = enter("boss", "admin")
        boss.cookies.set("language", "zh")
        for path in ("/label", "/label/demonstration", "/label/rank", "/label/studies", "/label/studies/results"):
            body = re.sub(r"<(code|style|script)\b.*?</\1>|<[^>]*>", " ", boss.get(path).text, flags=re.S)
            assert not set(re.findall(r"[A-Za-z]{2,}", body)) - known, path

"""A stranger's chat template may write text and nothing else: no objects, no endless loop, no flood."""

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from foretell.errors import BadUse
from foretell.text.chat import Turn
from foretell.text.sandbox import MAX_TEMPLATE, render_chat
from foretell.text.specials import CHAT_TEMPLATE

TALK = [Turn("system", "Be brief."), Turn("user", "Hello {{ 7 * 7 }} <b>"), Turn("assistant", "Hi."), Turn("user", "")]
NAMES = {"bos_token": "<s>", "eos_token": "</s>"}
CHATML = """
{%- for message in messages -%}
    {%- if loop.index0 == 9 %}{% break %}{% endif %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- generation -%}
    {{- message['content'] | trim + eos_token + '\\n' }}
    {%- endgeneration -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{% endif -%}
{{ {'a': '<\u00e9>'} | tojson }}
"""


@pytest.mark.parametrize("template", [CHATML, CHAT_TEMPLATE], ids=["chatml", "ours"])
def test_a_harmless_template_renders_as_in_transformers(template):
    messages = [{"role": turn.role, "content": turn.text} for turn in TALK]
    theirs, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=True, **NAMES)
    assert render_chat(template, TALK, answer=True, names=NAMES) == theirs[0]


def refused(template):
    with pytest.raises(BadUse, match=r"^the chat template was refused: .*; use another template") as caught:
        render_chat(template, TALK, answer=False, names=NAMES)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('touch PROOF').read() }}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
        "{{ messages.append(1) }}",
        "{{ raise_exception.__globals__['subprocess'] }}",
    ],
)
def test_a_template_that_reaches_for_objects_is_refused(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "SecurityError" in refused(template)
    assert not list(tmp_path.iterdir())


def test_a_template_cannot_read_or_include_files():
    assert "TypeError" in refused("{% include '/etc/passwd' %}")


@pytest.mark.parametrize("template", ["{% for", "{{ 1 / 0 }}", "{{ nothing.at.all }}"])
def test_a_broken_template_is_one_line(template):
    refused(template)


def test_a_template_may_refuse_a_conversation_itself():
    assert "it says: no tools here" in refused("{{ raise_exception('no tools here') }}")


@pytest.mark.slow
def test_an_endless_template_is_stopped():
    loops = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
    assert "more than 2 s" in refused(loops)


@pytest.mark.parametrize("template", ["{{ 'a' * 10**10 }}", "{% set x = 'a' * 2**29 %}{{ x + x }}"])
def test_a_template_that_eats_memory_is_stopped(template):
    assert "1024 MiB" in refused(template)


@pytest.mark.parametrize("template", ["{{ 'a' * 200000 }}", "{% for a in range(99999) %}aa{% endfor %}"])
def test_a_flood_is_stopped(template):
    assert "it writes more than" in refused(template)


def test_a_huge_template_is_not_even_read():
    with pytest.raises(BadUse, match=rf"the chat template has {MAX_TEMPLATE + 1} bytes; at most {MAX_TEMPLATE}"):
        render_chat("a" * (MAX_TEMPLATE + 1), TALK, answer=False, names=NAMES)


def test_the_words_of_a_turn_are_no_template():
    assert render_chat("{{ messages[1]['content'] }}", TALK, answer=False, names=NAMES) == "Hello {{ 7 * 7 }} <b>"

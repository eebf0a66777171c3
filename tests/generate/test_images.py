import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.engine import Batch, generate
from foretell.generate.images import answers, pictured, pixels, said_with_images, seen
from foretell.generate.model import Model
from foretell.model.config import NetworkConfig, VisionConfig
from foretell.model.init import build
from foretell.text.chat import Turn, marked, prompt_ids
from foretell.text.specials import BPE, IMAGE, IMAGE_MARK
from foretell.text.train import train_tokenizer

TEXT = ["What colour is the circle? It is red, and the square is blue."] * 4


def model_of(vision=True):
    tokenizer = train_tokenizer("bpe", TEXT, 256 + len(BPE) + 10, quiet=True).with_specials([IMAGE])
    n = tokenizer.n_vocab
    sees = VisionConfig(placeholder=n - 1, image_size=8, patch_size=4, n_layers=1, d_model=8, n_heads=2, d_ff=16)
    cfg = NetworkConfig(
        kind="decoder", n_vocab=n, n_ctx=96, n_layers=2, d_model=16, n_heads=2, d_head=8, d_ff=24, norm_place="pre",
        norm="rms_gain", activation="silu", gated=True, positions="rotary", bias=False, vision=sees if vision else None,
    )  # fmt: skip
    network = build(cfg, 3)
    torch.manual_seed(1)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return Model(network, tokenizer)


@pytest.fixture(scope="module")
def model():
    return model_of()


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def asked(model, text, images):
    return prompt_ids(model.tokenizer, (Turn("user", marked(text, len(images))),))


def plain(model, text, images, n):
    """Greedy tokens by whole forward passes, without cache or engine."""
    ids = [
        i for one in asked(model, text, images) for i in ([one] * 4 if one == model.tokenizer.special(IMAGE) else [one])
    ]
    found = []
    given = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2) / 127.5 - 1).float() if images else None
    for _ in range(n):
        row = torch.tensor([ids + found])
        logits = model.logits(row) if given is None else model.logits(row, images=given)
        found.append(int(logits[0, -1].argmax()))
    return found


QUESTIONS = [
    ("What colour is the circle?", [image(0)]),
    ("What colour is the circle?", [image(1)]),
    ("What colour is the circle?", []),
    ("First <image> and then <image> it is", [image(1), image(2)]),
    ("First <image> and then <image> it is", [image(2), image(1)]),
]


def test_the_engine_says_what_whole_passes_say(model):
    end = model.tokenizer.special("<|end|>")
    found = answers(model, QUESTIONS, max_new_tokens=6)
    for (text, images), one in zip(QUESTIONS, found, strict=True):
        want = plain(model, text, images, 6)
        assert one.ids == (want[: want.index(end)] if end in want else want)
    assert found[0].ids != found[1].ids, "equal questions of different images are different prompts"


def test_neither_sharing_nor_the_size_of_a_batch_changes_an_answer(model):
    prompts, looked = pictured(model, [asked(model, *one) for one in QUESTIONS], [images for _, images in QUESTIONS])
    how = Sampling(max_new_tokens=5, temperature=0.0)
    want = [one.ids for one in generate(model.network, model.words, prompts, how, seen=looked)]
    for options in ({"share": False}, {"largest": 1}, {"largest": 2}):
        assert [one.ids for one in generate(model.network, model.words, prompts, how, seen=looked, **options)] == want


def test_an_image_that_two_prompts_share_is_looked_at_once(model):
    one, two = image(0), image(1)
    ids = [asked(model, "What is it?", [one])] * 3
    prompts, looked = pictured(model, ids, [[one], [two], [one]])
    assert prompts[0] == prompts[2] != prompts[1]
    assert len(looked) == 8
    torch.testing.assert_close(looked, seen(model, [one, two]))


def test_measures_against_repetition_take_no_image_for_a_word(model):
    found = model.generate(
        ["it <image> is"], images=[[image(0)]], max_new_tokens=4, repetition_penalty=1.3, no_repeat_ngram=2
    )
    assert len(found) == 1


def test_generate_and_answer_take_files(model, tmp_path):
    Image.fromarray(image(0)).save(tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    said = [model.answer("What is it?", [one], max_new_tokens=5) for one in (image(0), content, tmp_path / "x.png")]
    assert len(set(said)) == 1
    one, two = (
        model.generate(["What is <image> it?"], images=[[given]], max_new_tokens=5, temperature=0.0)[0].ids
        for given in (content, image(4))
    )
    assert one != two


def test_a_prompt_without_images_is_read_as_ever(model):
    assert pictured(model, [[1, 2]], [[]]).seen is None
    assert model.answer("What is it?") == model_of().answer("What is it?")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m: m.answer("<image> and <image>", [image(0)]), "2 places <image> for 1 images"),
        (lambda m: m.answer("what?", ["none.png"]), r"none\.png cannot be read"),
        (lambda m: m.answer("what?", [b"no image"]), "image 1 is no PNG"),
        (lambda m: m.generate(["a", "b"], images=[[image(0)]]), "2 prompts and images for 1"),
        (lambda m: m.generate(["a <image>"], images=[[image(0)]]), "ends with an image; put a word after it"),
        (lambda m: m.generate(["a"], images=[[image(0)]], beam=2), "a search reads no images"),
        (lambda m: pictured(m, [[1]], [[image(0)]]), "has 0 places for images and is given 1 images"),
        (lambda m: m.answer("what?", [image(i) for i in range(30)]), "the context holds 96"),
        (lambda m: Batch(m.network, m.words).add([[m.tokenizer.n_vocab]], Sampling(max_new_tokens=1)), "0 patches are"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(model, ask, told):
    with pytest.raises(BadUse, match=told) as error:
        ask(model)
    assert "\n" not in str(error.value)


def test_a_model_that_does_not_see_refuses_images():
    for ask in (lambda m: m.answer("what?", [image(0)]), lambda m: pixels(m, [image(0)])):
        with pytest.raises(BadUse, match="does not see"):
            ask(model_of(vision=False))


def url(array, head="data:image/png;base64,"):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return head + base64.b64encode(file.getvalue()).decode()


def test_parts_of_a_message_become_text_with_marks_and_images(model):
    parts = [
        {"type": "text", "text": f"Is{IMAGE_MARK} "},
        {"type": "image_url", "image_url": {"url": url(image(0))}},
        {"type": "text", "text": " red?"},
    ]
    text, images = said_with_images(parts)
    assert text == f"Is  {IMAGE_MARK} red?"
    assert np.array_equal(pixels(model, images)[0], image(0))
    assert said_with_images(f"a{IMAGE_MARK}") == ("a ", [])


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}, "send the image itself"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "send the image itself"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}}, "holds no base64"),
        ({"type": "image_url"}, "send the image itself"),
        ({"type": "audio"}, "of type 'audio'"),
    ],
)
def test_other_parts_are_refused(part, told):
    with pytest.raises(BadUse, match=told):
        said_with_images([part])

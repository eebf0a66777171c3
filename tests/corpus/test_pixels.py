import io
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from foretell.corpus import pixels
from foretell.corpus.pixels import decoded, normalised, pixels_of, squared
from foretell.errors import BadUse


def file(image, kind="PNG", **how):
    content = io.BytesIO()
    image.save(content, kind, **how)
    return content.getvalue()


def noise(width=20, height=10, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def png_that_claims(width, height):
    """A PNG whose head says that it is huge."""
    head = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\x00\x00\x00"
    found = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + head, b"IDAT" + zlib.compress(bytes(10_000)), b"IEND"):
        found += (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    return found


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_the_same_pixels_come_back_from_a_file_its_content_an_image_and_an_array(tmp_path, kind):
    array = noise()
    content = file(Image.fromarray(array), kind, **({"lossless": True} if kind == "WEBP" else {}))
    (tmp_path / "x").write_bytes(content)
    want = squared(Image.fromarray(array), 16)
    for given in (content, tmp_path / "x", str(tmp_path / "x"), Image.fromarray(array), array):
        assert np.array_equal(pixels_of(given, 16), want)


def test_an_image_of_the_right_size_is_left_as_it_is():
    array = noise(16, 16)
    assert np.array_equal(pixels_of(array, 16), array)


def test_what_shines_through_is_on_white():
    array = np.zeros((4, 4, 4), np.uint8)
    array[0, 0] = (10, 20, 30, 255)
    found = pixels_of(file(Image.fromarray(array)), 4)
    assert found[0, 0].tolist() == [10, 20, 30]
    assert (found[1:] == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_images_of_every_mode_become_colours(mode):
    image = Image.fromarray(noise()).convert("L") if mode == "I;16" else Image.fromarray(noise())
    image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    found = pixels_of(file(image, "JPEG" if mode == "CMYK" else "PNG"), 8)
    assert found.shape == (8, 8, 3)
    assert 60 < found.mean() < 200


def test_a_photograph_stands_as_its_camera_was_held():
    array = np.zeros((8, 8, 3), np.uint8)
    array[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    found = pixels_of(file(Image.fromarray(array), exif=exif), 8)
    assert found[:4].mean() > 200 > 50 > found[4:].mean()


@pytest.mark.slow
def test_numbers_are_those_of_siglip():
    transformers = pytest.importorskip("transformers")
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    assert transformers
    arrays = [noise(37, 21), noise(9, 50), noise(16, 16)]
    theirs = SiglipImageProcessorPil(size={"height": 16, "width": 16})(
        [Image.fromarray(one) for one in arrays], return_tensors="np"
    )
    found = normalised(np.stack([pixels_of(one, 16) for one in arrays]))
    np.testing.assert_allclose(found, theirs["pixel_values"], atol=1e-6)


def test_normalising_is_plain_arithmetic():
    one = noise(4, 4)
    found = normalised(one[None])
    want = [[[one[y, x, c] / 255 * 2 - 1 for x in range(4)] for y in range(4)] for c in range(3)]
    np.testing.assert_allclose(found[0], np.array(want), atol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_told_in_one_line_or_read_whole(kind, share):
    content = file(Image.fromarray(noise(64, 64)), kind)
    with pytest.raises(BadUse, match=r"(broken|is no PNG)") as told:
        decoded(content[: int(len(content) * share)], "x.png")
    assert "\n" not in str(told.value)
    assert str(told.value).startswith("x.png")


def test_bytes_that_are_no_image_are_refused():
    for content in (b"", b"hello", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", bytes(1000)):
        with pytest.raises(BadUse, match=r"^note\.txt is "):
            decoded(content, "note.txt")


def test_damage_anywhere_ends_in_an_image_or_in_one_line():
    draw = np.random.default_rng(1)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        content = bytearray(file(Image.fromarray(noise(24, 24)), kind))
        for _ in range(60):
            broken = bytearray(content)
            for place in draw.integers(0, len(broken), 3):
                broken[place] = draw.integers(256)
            try:
                told = decoded(bytes(broken)).mode
            except BadUse as error:
                told = str(error)
            assert told == "RGB" or (told.startswith("the image ") and "\n" not in told)


def test_formats_that_are_rarely_read_are_not_decoded_at_all():
    for kind in ("TIFF", "PPM", "TGA"):
        with pytest.raises(BadUse, match="is no PNG, JPEG"):
            decoded(file(Image.fromarray(noise()), kind))


@pytest.mark.parametrize("size", [(5000, 5000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_small_file_never_becomes_a_huge_image(size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BadUse, match="pixels"):
            decoded(png_that_claims(*size), "bomb.png")


def test_an_image_that_is_given_open_has_the_same_bound(monkeypatch):
    monkeypatch.setattr(pixels, "MOST_PIXELS", 100)
    for given in (Image.fromarray(noise()), noise()):
        with pytest.raises(BadUse, match="20 x 10 pixels; an image may have 100"):
            pixels_of(given, 8)


def test_a_huge_file_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "MOST_BYTES", 50)
    (tmp_path / "x.png").write_bytes(bytes(51))
    with pytest.raises(BadUse, match="has 51 bytes; an image may have 50"):
        pixels_of(tmp_path / "x.png", 8)
    with pytest.raises(BadUse, match="has 51 bytes"):
        decoded(bytes(51))


def test_a_file_that_is_absent_or_a_folder_is_named(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(BadUse, match="cannot be read"):
            pixels_of(path, 8)


@pytest.mark.parametrize("given", [noise().astype(float), noise(channels=4), noise()[0, 0], 5, None])
def test_what_is_no_image_is_refused(given):
    with pytest.raises(BadUse, match="give "):
        pixels_of(given, 8)

import pytest

from foretell.report import words
from foretell.report.measured import Measured

M = Measured(value=0.6124, low=0.5701, high=0.6512, n=9)


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0"),
        (980, "980"),
        (999.6, "1k"),
        (1333760, "1.33M"),
        (12_345, "12.3k"),
        (999_600, "1M"),
        (175e9, "175B"),
        (0.5, "0.500"),
    ],
)
def test_a_count_has_three_digits_and_a_unit(n, text):
    assert words.count(n) == text


@pytest.mark.parametrize(
    ("x", "text"), [(0, "0"), (400_000, "400k"), (1_200_000, "1.2M"), (1_000_000, "1M"), (0.5, "0.5")]
)
def test_a_tick_has_no_zeros_to_spare(x, text):
    assert words.tick(x) == text


def test_a_measured_value_never_comes_without_its_interval():
    assert words.share(M) == "61.2 % [57.0, 65.1]"
    assert words.points(M) == "+61.2 points [+57.0, +65.1]"
    assert words.score(Measured(value=14.2, low=12.0, high=16.0, n=9)) == "14.2 [12.0, 16.0]"


def test_bytes_in_powers_of_ten():
    assert [words.size(n) for n in (12, 9_810_000, 45e12)] == ["12 bytes", "9.81 MB", "45 TB"]


def test_a_label_is_cut_where_it_is_too_long():
    assert words.label("abc\n", 5) == "abc\\n"
    assert words.label("abcdefgh", 5) == "abc.."


def test_control_characters_are_written_out():
    assert words.visible("a\n\t\x00\x1b[31m b") == "a\\n\\t\\x00\\x1b[31m b"
    assert words.visible("\u202e\u4e2d") == "\\u202e\u4e2d"

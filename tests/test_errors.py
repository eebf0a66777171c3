import pytest

from foretell.errors import first_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one line"), "one line"),
        (OSError("\n  first\nsecond"), "first"),
        (EOFError(), "EOFError"),
        (ValueError(" \n"), "ValueError"),
        (KeyError("name"), "'name'"),
    ],
)
def test_the_first_line_of_an_exception_is_what_it_says_or_its_kind(error, said):
    assert first_line(error) == said

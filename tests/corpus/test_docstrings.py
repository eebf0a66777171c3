import inspect
import shutil
import textwrap

import pytest

from foretell.corpus.docstrings import module_text

SOURCE = '''
"""What the module is for."""

import wrong.and_absent

def first(a, /, b: int = 3, *rest: str, key=None, **more) -> list:
    """Return the first.

    More of it.
    """

def _hidden():
    """Not shown."""

def silent(x):
    return x

async def long(value="a string that nobody wants to read in a signature"):
    """Wait."""

class Thing(Base):
    """A thing."""

    def __init__(self, size, *, colour="red"):
        """Made."""

    def turn(self, angle=0.5):
        """Turn it."""

    @classmethod
    def made(cls, n):
        """Make one."""

    @staticmethod
    def free(n):
        """Belong to none."""

class Plain:
    """Made of nothing."""
'''


def test_a_module_is_told_by_its_docstrings():
    assert module_text("pkg.mod", SOURCE) == textwrap.dedent(
        """\
        pkg.mod

        What the module is for.

        pkg.mod.first(a, /, b=3, *rest, key=None, **more)
        Return the first.

        More of it.

        pkg.mod.long(value=...)
        Wait.

        class pkg.mod.Thing(size, *, colour='red')
        A thing.

        pkg.mod.Thing.turn(angle=0.5)
        Turn it.

        pkg.mod.Thing.made(n)
        Make one.

        pkg.mod.Thing.free(n)
        Belong to none.

        class pkg.mod.Plain
        Made of nothing.
        """
    )


def test_a_module_without_documentation_gives_nothing():
    assert module_text("m", "x = 1\ndef f(): pass") == ""


def test_what_is_no_python_is_an_error():
    with pytest.raises(SyntaxError):
        module_text("m", "def (")


def test_headings_are_those_that_python_itself_tells():
    text = module_text("shutil", inspect.getsource(shutil))
    for function in (shutil.copyfileobj, shutil.copymode, shutil.get_terminal_size, shutil.rmtree, shutil.make_archive):
        assert f"shutil.{function.__name__}{inspect.signature(function)}\n{inspect.getdoc(function).strip()}\n" in text

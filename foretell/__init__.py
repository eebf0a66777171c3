"""From raw text to an aligned chat model, rung by rung as the papers climbed. Importing this imports no torch."""

from typing import TYPE_CHECKING, Any

from foretell.version import VERSION

if TYPE_CHECKING:
    from foretell.api import Model, load, train

__version__ = VERSION
__all__ = ["Model", "__version__", "load", "train"]


def __getattr__(name: str) -> Any:
    """`foretell.load`, `foretell.train` and `foretell.Model`, imported when first asked for."""
    if name in ("Model", "load", "train"):
        from foretell import api

        return getattr(api, name)
    raise AttributeError(f"module 'foretell' has no attribute {name!r}")

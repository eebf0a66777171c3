"""What the pages of accounts send."""

from typing import Annotated

from pydantic import Field

from foretell.serve.accounts.accounts import MOST_NAME
from foretell.serve.accounts.passwords import LONGEST
from foretell.serve.wire import Strict, Text

Name = Annotated[Text, Field(min_length=1, max_length=MOST_NAME)]
Password = Annotated[Text, Field(max_length=LONGEST)]
Secret = Annotated[Text, Field(min_length=1, max_length=100)]


class SignIn(Strict):
    """A name and a password, and where to go then."""

    name: Name
    password: Password
    next: Annotated[Text, Field(max_length=300)] = ""


class UsedLink(Strict):
    """A one-time link, and the password that is chosen with it."""

    link: Secret
    password: Password = ""


class NewPassword(Strict):
    """The password until now, and the one from now on."""

    password: Password
    new: Password


class Nothing(Strict):
    """A request that says all by its path."""

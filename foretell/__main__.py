"""`python -m foretell ...`: the command line, also as `torchrun ... -m foretell train ...`."""

import sys

from foretell.cli import main

if __name__ == "__main__":
    sys.exit(main())

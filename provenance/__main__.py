"""`python -m provenance`, and what the `provenance` command runs."""

from __future__ import annotations

import sys

from provenance import imports
from provenance.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    imports.leave_out()
    sys.exit(run())


if __name__ == "__main__":
    main()

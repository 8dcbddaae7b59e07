"""`python -m provenance`, and what the `provenance` command runs."""

from __future__ import annotations

import os
import sys

from provenance.core.processes import blocked_imports, interruption, shipped_kernels
from provenance.core.scratch import scratch_folders

_HELP = {"--help", "-h", "--version"}


def main() -> None:
    """Run the command line and exit with its code; this process is ours alone."""
    occupy()
    interruption.install_handlers()
    blocked_imports.block_imports()
    if sys.argv[1:] and not _HELP & set(sys.argv):
        shipped_kernels.use_shipped_kernels()
    from provenance.cli import INCOMPLETE, run

    try:
        code = run()
        interruption.ignore()
    except KeyboardInterrupt:  # after the last output, which has said what there is to say
        interruption.ignore()
        code = INCOMPLETE
    if interruption.is_interrupted():
        scratch_folders.remove_all_folders()
        os._exit(code)  # threads that are still at work would keep us
    sys.exit(code)


def occupy() -> None:
    """Open what of the standard streams was closed, on nothing: no file of ours may get one of their numbers.

    Python has set such a stream to None; standard output stays so, for what is printed there is lost.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", ""), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None and mode:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Boot a kernel that has DMA-BUF heaps and run one command of this machine in it.

``rig.py [--kernel stock|cma] [--output DIR] COMMAND…`` runs it from the repository's
root, as root, with the same interpreter, packages and checkout; DIR is its /mnt.
``rig.py --build`` builds the kernel of ``cma`` once. See docs/live.md.

Environment: ``HEAPKIT_ACCEL`` (default ``tcg``), ``HEAPKIT_KERNEL`` (a bzImage to
boot instead of Debian's), ``HEAPKIT_KERNEL_CMA`` (a vmlinux instead of the built
one), ``HEAPKIT_LIVE_TIMEOUT`` (seconds for the whole guest).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

# A program in a folder that is no package: its modules are found from the root.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.live import boot, kernel_build, kernels
from tests.live.debian import RigError


def main(words: list[str]) -> int:
    """Do what is asked; 99 if the command in the guest never ended."""
    arguments = _arguments(words)
    name = "cma" if arguments.build else arguments.kernel
    if reason := boot.missing(name):
        print(reason, file=sys.stderr)
        return 0 if arguments.build else 1
    try:
        if arguments.build:
            print(f"the kernel with a CMA heap: {kernel_build.build(print)}")
            return 0
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(arguments.output or scratch).resolve()
            return _show(boot.run(name, arguments.command, output))
    except RigError as error:
        print(error, file=sys.stderr)
        return 1


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rig.py", description=__doc__)
    parser.add_argument("--kernel", choices=kernels.NAMES, default="stock")
    parser.add_argument("--output", metavar="DIR")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(words)
    if not arguments.build and not arguments.command:
        parser.error("a command to run in the guest is missing")
    return arguments


def _show(result: boot.Result) -> int:
    sys.stdout.write(result.console)
    sys.stdout.write(f"status {result.status} after {result.seconds:.1f} s\n")
    return 99 if result.status is None else result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: MIT
"""Write the C wrapper of the Python extension: ``build_native.py OUT.c``."""

import sys
from pathlib import Path

from cffi import FFI

INCLUDE = Path(__file__).resolve().parent / "include"


def main(out: str) -> None:
    ffi = FFI()
    ffi.cdef((INCLUDE / "heapkit_abi.h").read_text())
    ffi.cdef((INCLUDE / "uapi.cdef.h").read_text())
    ffi.set_source("heapkit._native", '#include "heapkit.h"\n#include "uapi.h"\n')
    ffi.emit_c_code(out)


if __name__ == "__main__":
    main(sys.argv[1])

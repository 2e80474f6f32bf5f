# SPDX-License-Identifier: MIT
"""Write the C wrapper of the Python extension: ``build_native.py OUT.c``."""

import sys
from pathlib import Path

from cffi import FFI

INCLUDE = Path(__file__).resolve().parent / "include"


def main(out: str) -> None:
    ffi = FFI()
    ffi.cdef((INCLUDE / "heapkit_abi.h").read_text())
    ffi.cdef((INCLUDE / "measure_abi.h").read_text())
    ffi.cdef((INCLUDE / "uapi.cdef.h").read_text())
    headers = ("heapkit.h", "measure.h", "uapi.h")
    ffi.set_source("heapkit._native", "".join(f'#include "{h}"\n' for h in headers))
    ffi.emit_c_code(out)


if __name__ == "__main__":
    main(sys.argv[1])

# SPDX-License-Identifier: MIT
"""The kernel's numbers: as the headers say, as uapi.h declares, as Python has them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from heapkit import _ffi, uapi
from tests.conftest import skip_or_fail

INCLUDE = Path(__file__).resolve().parents[2] / "native" / "include"
CDEF = (INCLUDE / "uapi.cdef.h").read_text()
CONSTANTS = re.findall(r"^#define (\w+) \.\.\.$", CDEF, re.MULTILINE)
STRUCTS = {
    name: re.findall(r"(\w+);", body)
    for name, body in re.findall(r"^struct (\w+) \{([^}]*)\};", CDEF, re.MULTILINE)
}

# include/uapi/linux/dma-heap.h and dma-buf.h of Linux 6.12, evaluated on x86-64 and
# arm64, whose _IOC encodings are the same (asm-generic/ioctl.h).
KERNEL = {
    "DMA_HEAP_IOCTL_ALLOC": 0xC0184800,
    "DMA_HEAP_VALID_HEAP_FLAGS": 0,
    "DMA_BUF_IOCTL_SYNC": 0x40086200,
    "DMA_BUF_SET_NAME_B": 0x40086201,
    "DMA_BUF_SYNC_READ": 1,
    "DMA_BUF_SYNC_WRITE": 2,
    "DMA_BUF_SYNC_RW": 3,
    "DMA_BUF_SYNC_START": 0,
    "DMA_BUF_SYNC_END": 4,
    "DMA_BUF_NAME_LEN": 32,
    "sizeof dma_heap_allocation_data": 24,
    "dma_heap_allocation_data.len": 0,
    "dma_heap_allocation_data.fd": 8,
    "dma_heap_allocation_data.fd_flags": 12,
    "dma_heap_allocation_data.heap_flags": 16,
    "sizeof dma_buf_sync": 8,
    "dma_buf_sync.flags": 0,
}


def program() -> str:
    """C that prints every constant, size and offset of uapi.cdef.h."""
    wanted = {name: name for name in CONSTANTS}
    for struct, fields in STRUCTS.items():
        wanted[f"sizeof {struct}"] = f"sizeof(struct {struct})"
        for field in fields:
            wanted[f"{struct}.{field}"] = f"offsetof(struct {struct}, {field})"
    prints = "\n".join(
        f'printf("%s=%llu\\n", "{name}", (unsigned long long)({value}));'
        for name, value in wanted.items()
    )
    head = "#include <stddef.h>\n#include <stdio.h>\n#include <uapi.h>\n"
    return f"{head}int main(void) {{\n{prints}\nreturn 0;\n}}\n"


def compiled(directory: Path, *flags: str) -> dict[str, int]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        skip_or_fail("no C compiler to read the kernel's headers with")
    source, binary = directory / "values.c", directory / "values"
    source.write_text(program())
    line = [compiler, "-std=gnu11", "-Werror", f"-I{INCLUDE}", *flags]
    subprocess.run([*line, "-o", binary, source], check=True)
    said = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
    values = (line.partition("=")[::2] for line in said.splitlines())
    return {name: int(value) for name, value in values}


@pytest.fixture(params=["system headers", "own declarations"])
def values(request, tmp_path):
    own = ["-DHEAPKIT_OWN_UAPI"] if request.param == "own declarations" else []
    return compiled(tmp_path, *own)


def test_the_values_are_the_kernels(values):
    assert {name: values[name] for name in KERNEL} == KERNEL


def test_every_constant_python_has_is_the_compilers(values):
    assert {name: _ffi.uapi_constant(name) for name in CONSTANTS} == {
        name: values[name] for name in CONSTANTS
    }


@pytest.mark.parametrize("struct", STRUCTS)
def test_every_struct_python_has_is_the_compilers(values, struct):
    assert len(uapi.KernelStruct(struct).buffer) == values[f"sizeof {struct}"]


@pytest.mark.parametrize(
    ("struct", "field"), [(s, f) for s, fields in STRUCTS.items() for f in fields]
)
def test_every_field_python_writes_is_where_the_compiler_has_it(values, struct, field):
    written = bytes(uapi.KernelStruct(struct, **{field: 0xA5}).buffer)
    assert written.index(b"\xa5") == values[f"{struct}.{field}"]


def test_the_own_declarations_agree_with_the_system_headers(tmp_path):
    assert compiled(tmp_path) == compiled(tmp_path, "-DHEAPKIT_OWN_UAPI")


def test_sync_flags_are_read_from_the_header():
    assert uapi.Sync.READ | uapi.Sync.WRITE == uapi.Sync.RW
    assert uapi.Sync.START == 0
    assert uapi.Sync.END not in uapi.Sync.RW

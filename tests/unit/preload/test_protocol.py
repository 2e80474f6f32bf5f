# SPDX-License-Identifier: MIT
"""Both ends have the same words: wire.h is read and compared."""

import re
import subprocess
from pathlib import Path

import pytest

from heapkit.preload.protocol import (
    DATA,
    MAGIC,
    NODE_MODE,
    REPLY,
    REQUEST,
    Call,
    Kind,
    Reply,
    packed,
    parse,
)

HEADER = Path(__file__).resolve().parents[3] / "native/preload/wire.h"
PROGRAM = """
#include <stdio.h>
#include "wire.h"
int main(void)
{
    printf("%zu %zu %x %d %o", sizeof(struct preload_request),
           sizeof(struct preload_reply), PRELOAD_MAGIC, PRELOAD_DATA, PRELOAD_MODE);
}
"""


@pytest.fixture(scope="module")
def in_c(tmp_path_factory):
    made = tmp_path_factory.mktemp("wire") / "wire"
    command = ["cc", f"-I{HEADER.parent}", "-x", "c", "-o", str(made), "-"]
    subprocess.run(command, input=PROGRAM, text=True, check=True)
    done = subprocess.run([str(made)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_packets_have_the_size_of_the_structures(in_c):
    assert in_c[:2] == [str(REQUEST.size), str(REPLY.size)]


def test_the_constants_are_those_of_the_header(in_c):
    assert in_c[2:] == [f"{MAGIC:x}", str(DATA), f"{NODE_MODE:o}"]


@pytest.mark.parametrize(("enum", "names"), [("call", Call), ("kind", Kind)])
def test_the_enumerations_are_those_of_the_header(enum, names):
    text = re.search(rf"enum preload_{enum} {{(.*?)}};", HEADER.read_text(), re.DOTALL)
    found = re.findall(r"PRELOAD_(\w+)", text[1])
    assert [name for name in found if name != "NONE"] == [name.name for name in names]
    assert [name.value for name in names] == list(range(1, len(names) + 1))


def test_a_request_survives_the_wire():
    packet = REQUEST.pack(MAGIC, Call.MMAP, 1, 2, 3, 4, 5, 6, b"data")
    request = parse(packet)
    assert (request.call, request.key, request.args) == (
        Call.MMAP,
        (1, 2),
        (3, 4, 5, 6),
    )
    assert request.data.rstrip(b"\0") == b"data"


def test_a_reply_is_filled_up():
    status, _, sleep, *values, data = REPLY.unpack(packed(Reply(-12, 7, (1,), b"x")))
    assert (status, sleep, values, data[:2]) == (-12, 7, [1, 0, 0, 0], b"x\0")

# SPDX-License-Identifier: MIT
"""Whatever a file of /proc or /sys holds, it is read or refused with FormatError."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heapkit.errors import FormatError
from heapkit.importers import bufinfo
from heapkit.introspection import (
    buddyinfo,
    dmabuf_iter,
    extfrag,
    fdinfo,
    maps,
    meminfo,
    pagetypeinfo,
)
from tests.unit.introspection import test_sources
from tests.unit.introspection.texts import bufinfo as bufinfo_of
from tests.unit.introspection.texts import fdinfo as fdinfo_of
from tests.unit.introspection.texts import maps as maps_of

TEXTS = {
    "bufinfo": (bufinfo.parse, bufinfo_of((4096, 1, "system", 15, "a name"))),
    "buddyinfo": (buddyinfo.parse, test_sources.BUDDY),
    "dmabuf_iter": (dmabuf_iter.parse, test_sources.ITER),
    "extfrag": (extfrag.parse, test_sources.UNUSABLE),
    "fdinfo": (fdinfo.parse, fdinfo_of(name="a name")),
    "maps": (maps.parse, maps_of(name="a name")),
    "meminfo": (meminfo.parse, "MemFree:  12 kB\nHugePages_Total:  3\n"),
    "pagetypeinfo": (pagetypeinfo.parse, test_sources.PAGETYPES),
}
fuzzed = settings(max_examples=60, deadline=None)
every_source = pytest.mark.parametrize("source", sorted(TEXTS))
bounded = pytest.mark.timeout(60)
# 31 bytes, the longest name that the kernel takes, of any characters but NUL.
names = st.text(
    st.characters(codec="ascii", exclude_characters="\0\r")
    | st.sampled_from("\n\t: 0"),
    min_size=1,
    max_size=31,
)


def check(parse, text):
    with contextlib.suppress(FormatError):
        parse(text)


@bounded
@every_source
@fuzzed
@given(data=st.data())
def test_any_text_is_read_or_refused(source, data):
    parse, _ = TEXTS[source]
    check(parse, data.draw(st.text()))


@bounded
@every_source
@fuzzed
@given(data=st.data())
def test_changed_text_is_read_or_refused(source, data):
    parse, text = TEXTS[source]
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 20)))
    put = data.draw(st.text(max_size=5) | st.sampled_from(["\n", "\t", "9" * 30, "-1"]))
    check(parse, text[:at] + put + text[end:])


@bounded
@fuzzed
@given(names)
@example("a\n\tAttached Devices:\n\tgpu 0")
@example("a\nTotal 0 objects, 0 bytes")
@example("\n\n\n")
def test_no_name_makes_bufinfo_unreadable_or_hides_a_buffer(name):
    rows = [(4096, 1, "system", 15, name), (8192, 2, "system", 14, name)]
    seen = bufinfo.parse(bufinfo_of(*rows)).buffers
    assert [(b.size, b.count, b.inode) for b in seen] == [(4096, 1, 15), (8192, 2, 14)]


@bounded
@fuzzed
@given(names)
def test_no_name_makes_fdinfo_say_something_else(name):
    info = fdinfo.parse(fdinfo_of(14, 4096, count=3, name=name))
    assert info == fdinfo.FdInfo(14, 4096, 3, "system", name)

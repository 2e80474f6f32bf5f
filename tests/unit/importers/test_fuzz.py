# SPDX-License-Identifier: MIT
"""Whatever a file holds, it is read or refused: there is no third outcome."""

import contextlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from heapkit.errors import FormatError
from heapkit.importers import (
    bufinfo,
    cma_bitmap,
    cma_trace,
    formats,
    read,
    rk_dma_heap_alloc_map,
    rk_dma_heap_info,
)
from heapkit.importers.text import decode
from heapkit.samples import sample
from heapkit.trace import Op, Trace

PARSERS = {
    "bufinfo_amdgpu_5_14": bufinfo.parse,
    "bufinfo_aosp_libdmabufinfo_test": bufinfo.parse,
    "bufinfo_etnaviv_2017": bufinfo.parse,
    "bufinfo_sima_mla_fixture": bufinfo.parse,
    "rk_dma_heap_alloc_map_rv1106": rk_dma_heap_alloc_map.parse,
    "rk_dma_heap_info_rv1106": rk_dma_heap_info.parse,
    "bitmap": cma_bitmap.parse,
    "cma_trace_16M": cma_trace.parse,
}
TEXTS = {name: sample(name).read_bytes() for name in PARSERS}
# What ends where a line ends, so that a cut there leaves a whole, shorter file.
OPEN_ENDED = {
    "bufinfo_aosp_libdmabufinfo_test",
    "rk_dma_heap_alloc_map_rv1106",
    "rk_dma_heap_info_rv1106",
}
SMALL = [name for name in PARSERS if len(TEXTS[name]) < 4096]

fuzzed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# A parser that goes over the same text again and again ends here, not tomorrow.
bounded = pytest.mark.timeout(60)


def outcome(parse, raw):
    """What a parser makes of bytes: an object, or None where it refuses."""
    try:
        return parse(decode(raw))
    except FormatError as error:
        refusal = error
    assert len(str(refusal)) < 1000
    return None


def outcome_of_file(path, raw):
    """The same for a file, by way of the registry."""
    path.write_bytes(raw)
    return outcome(lambda _: read(path, format="trace"), b"-")


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "trace.parquet"
    Trace.from_columns(
        op=[Op.ALLOC, Op.ALLOC, Op.FREE],
        buffer=[1, 2, 1],
        size=[4096, 8192, 0],
        heap="camera|system",
        time_ns=[0, 5, 9],
        meta={"origin": "test"},
    ).write(path)
    return path.read_bytes()


@st.composite
def mutated(draw, raw):
    """A sample with a few faults: cut, doubled, deleted or foreign pieces."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.integers(0, 40)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.just(raw[at:to] * 2),
                st.binary(max_size=8),
                st.sampled_from(
                    [b"\n", b"-1", b"9" * 30, b"Total 0 objects, 0 bytes\n", b"[]"]
                ),
            )
        )
        raw = raw[:at] + piece + raw[to:]
    return raw


@st.composite
def relined(draw, raw):
    """A sample whose lines were dropped, doubled or swapped."""
    lines = raw.split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        if len(lines) < 2:
            break
        a = draw(st.integers(0, len(lines) - 1))
        b = draw(st.integers(0, len(lines) - 1))
        lines[a], lines[b] = lines[b], lines[a]
        if draw(st.booleans()):
            del lines[a]
    return b"\n".join(lines)


@st.composite
def redigited(draw, raw):
    """A sample in which one digit is another."""
    digits = [i for i, byte in enumerate(raw) if byte in b"0123456789"]
    at = draw(st.sampled_from(digits))
    return raw[:at] + draw(st.sampled_from("0123456789")).encode() + raw[at + 1 :]


@bounded
@pytest.mark.parametrize("change", [mutated, relined, redigited])
@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
@fuzzed
def test_damaged_sample_is_read_or_refused(name, change, data):
    outcome(PARSERS[name], data.draw(change(TEXTS[name])))


@bounded
@pytest.mark.parametrize("name", SMALL)
def test_small_sample_cut_anywhere_is_read_or_refused(name):
    raw = TEXTS[name]
    whole = outcome(PARSERS[name], raw)
    for end in range(len(raw.rstrip())):
        part = outcome(PARSERS[name], raw[:end])
        assert part is None or name in OPEN_ENDED, f"cut at byte {end}"
        assert part != whole


@bounded
@given(end=st.integers(0, len(TEXTS["cma_trace_16M"].rstrip()) - 1))
@fuzzed
def test_recording_cut_anywhere_is_refused(end):
    assert outcome(cma_trace.parse, TEXTS["cma_trace_16M"][:end]) is None


@bounded
@pytest.mark.parametrize("change", [mutated, redigited])
@given(data=st.data())
@fuzzed
def test_damaged_parquet_is_read_or_refused(tmp_path, parquet, change, data):
    outcome_of_file(tmp_path / "trace", data.draw(change(parquet)))


@bounded
@given(data=st.data())
@fuzzed
def test_parquet_cut_anywhere_is_refused(tmp_path, parquet, data):
    end = data.draw(st.integers(0, len(parquet) - 1))
    assert outcome_of_file(tmp_path / "trace", parquet[:end]) is None


@bounded
@pytest.mark.parametrize("parse", sorted(set(PARSERS.values()), key=repr))
@given(text=st.text(max_size=300))
@fuzzed
def test_any_text_is_read_or_refused(parse, text):
    outcome(parse, text.encode())


@bounded
@pytest.mark.parametrize("name", [None, *formats()])
@given(raw=st.binary(max_size=300))
@example(raw=b"\x1c")  # white space to str.strip(), but not to bytes.strip()
@fuzzed
def test_any_bytes_are_read_or_refused(tmp_path, name, raw):
    path = tmp_path / "file"
    path.write_bytes(raw)
    with contextlib.suppress(FormatError):
        read(path, format=name)


@bounded
@pytest.mark.parametrize(
    "head", ["00004096 00000002 00080007 00000003 ", "\t", "Alloc by ("]
)
@pytest.mark.parametrize("filler", [" ", "\t ", "0", "00000001 ", "a", "\n", "("])
@pytest.mark.parametrize("parse", sorted(set(PARSERS.values()), key=repr))
def test_long_line_is_read_or_refused_in_one_pass(parse, head, filler):
    outcome(parse, (head + filler * 200_000 + "!").encode())

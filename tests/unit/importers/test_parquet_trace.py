# SPDX-License-Identifier: MIT
"""heapkit's own traces go through the registry like any other file."""

import pytest

from heapkit import importers
from heapkit.errors import FormatError
from heapkit.importers import cma_trace
from heapkit.samples import sample


def test_recording_survives_as_a_trace_of_heapkit(tmp_path):
    trace = cma_trace.read(sample("cma_trace_16M"))
    path = tmp_path / "no suffix"
    trace.write(path)
    assert importers.read(path).equals(trace)


def test_parquet_that_is_no_trace_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"op": [1]}), path)
    with pytest.raises(FormatError) as caught:
        importers.read(path)
    assert caught.value.path == path

# SPDX-License-Identifier: MIT
"""``hk.calibrate()`` on this machine's memory, small; and its arguments."""

import json

import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.calibration import Place
from heapkit.cli import main

SMALL = {"sizes": (4 * KiB, 64 * KiB, 256 * KiB), "rounds": 3, "max_bytes": 8 * MiB}


@pytest.fixture(scope="module")
def here(open_files):
    before = open_files()
    found = hk.calibrate({}, progress=False, **SMALL)
    assert open_files() == before
    return found


def test_this_processs_memory_is_measured_without_a_heap(here):
    assert [place.kind for place in here.places] == ["memfd", "anonymous", "area"]
    assert {"allocate", "zero by 4 KiB", "read", "free"} <= {
        operation for _, operation, _ in here.fit
    }


def test_whatever_is_measured_is_a_constant_with_a_status_of_its_own(here):
    default = hk.Costs.default()
    for name, cost in here.costs.items():
        if not here.why_unmeasured(name):
            assert cost.status.startswith("measured")
            assert str(here.machine) in cost.source
        else:
            assert cost == default[name]


def test_untrusted_or_not_it_says_so_in_every_status(here):
    statuses = {c.status for c in here.costs.values() if "measured" in c.status}
    assert (statuses <= {"measured here"}) == (here.trusted or not statuses)


def test_a_base_is_kept_where_nothing_was_measured():
    base = hk.Costs.preset("cubox-i4")
    found = hk.calibrate({}, base=base, progress=False, **SMALL)
    assert found.costs["migrate_page"] == base["migrate_page"]


def test_simulated_heaps_are_refused():
    board = hk.Board(
        name="b", memory=hk.Memory(total=64 * MiB), heaps=(hk.SystemHeap(),)
    )
    with (
        hk.simulate(board) as heaps,
        pytest.raises(ValueError, match="simulated ones cost what their board says"),
    ):
        hk.calibrate(heaps, **SMALL)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("sizes", ()),
        ("sizes", "4096"),
        ("sizes", (100,)),
        ("sizes", (0,)),
        ("rounds", 0),
        ("rounds", 1.5),
        ("max_bytes", 4096),
        ("heap", "nowhere"),
        ("heaps", 7),
        ("base", {"clean_line": 4}),
    ],
)
def test_a_wrong_argument_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=argument):
        hk.calibrate(**{"heaps": {}, **SMALL, argument: value})


def test_a_place_is_called_what_it_is():
    assert str(Place("reserved", "cma")) == "reserved heap"
    assert str(Place("memfd", "memfd")) == "memfd"
    assert str(Place("area", "area")) == "this process's memory"


# --- The command -----------------------------------------------------------------


def test_the_command_prints_constants_saves_and_says_whether_to_trust(tmp_path, capsys):
    path = tmp_path / "here.json"
    command = ["calibrate", "--host", "--rounds", "3", "--save", str(path)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert hk.Calibration.read(path).samples
    assert "constants were measured" in out
    assert "migrate_page: it takes other programs' pages" in out


def test_the_command_prints_json_and_is_strict_when_asked(capsys):
    status = main(["calibrate", "--host", "--rounds", "3", "--json", "--strict"])
    told = json.loads(capsys.readouterr().out)
    assert status == (0 if told["trusted"] else 1)
    assert told["trusted"] == (not told["why_not"])
    assert [one["name"] for one in told["constants"]] == list(hk.Costs.default())


def test_the_command_refuses_a_folder_that_is_not_there(tmp_path, capsys):
    missing = str(tmp_path / "no" / "here.json")
    assert main(["calibrate", "--host", "--save", missing]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_the_command_refuses_a_heap_that_is_not_there(capsys):
    assert main(["calibrate", "--heap", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err

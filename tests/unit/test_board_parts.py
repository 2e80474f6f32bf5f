# SPDX-License-Identifier: MIT
"""The policies of a heap as fields: what is taken, and what is refused by name."""

import pytest

import heapkit as hk
from heapkit import GiB, KiB, MiB


def board_of(*heaps, **more):
    return hk.Board(name="b", memory=hk.Memory(total=GiB), heaps=heaps, **more)


def test_every_policy_has_a_default_that_is_mainlines():
    system, cma = hk.SystemHeap(), hk.CmaHeap(size=MiB)
    assert (system.encrypted, system.reencrypt_failures, system.max_share) == (
        *(False, 0.0),
        None,
    )
    assert (cma.chunk, cma.discard, cma.uncached) == (None, False, False)
    secure = hk.SecureHeap(name="s", size=MiB)
    assert (secure.align, secure.private_flags, secure.handback_failures) == (
        *(4096, 0),
        None,
    )
    load = hk.PageLoad(name="apps")
    assert (load.clean, load.dirty, load.mapcount) == (False, False, 1)
    assert hk.UdmabufHeap() == hk.UdmabufHeap(name="udmabuf", size_limit=64 * MiB)
    assert (hk.PagePool().shrink, hk.PagePool().unwind) == ("ascending", "buddy")
    assert (board_of(system).seed, board_of(system).sync) == (0, hk.SyncRules())


@pytest.mark.parametrize(
    ("make", "changes", "named"),
    [
        (hk.SystemHeap, {"encrypted": 1}, "encrypted=1"),
        (hk.SystemHeap, {"max_share": "third"}, r"max_share='third'.*None or 'half'"),
        (hk.SystemHeap, {"reencrypt_failures": 0.5}, "0 for a heap that is not encr"),
        (
            hk.SystemHeap,
            {"encrypted": True, "reencrypt_failures": 1.5},
            "reencrypt_failures=1.5; allowed: a number from 0 to 1",
        ),
        (
            hk.SystemHeap,
            {"encrypted": True, "pool": hk.PagePool()},
            "None for an encrypted heap",
        ),
        (hk.UdmabufHeap, {"size_limit": 5}, "size_limit=5"),
        (hk.UdmabufHeap, {"name": "a/b"}, "name='a/b'"),
        (hk.PagePool, {"shrink": "random"}, "shrink='random'.*'descending'"),
        (hk.PagePool, {"unwind": None}, "unwind=None.*'pool'"),
    ],
)
def test_a_paged_heaps_wrong_policy_is_refused_by_name(make, changes, named):
    with pytest.raises(ValueError, match=named):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"clean": 1}, "clean=1"),
        ({"dirty": "yes"}, "dirty='yes'"),
        ({"clean": True, "dirty": True}, "dirty=True; allowed: False for pages that"),
        ({"pinned": True, "clean": True}, "clean=True; allowed: False for pages that"),
        ({"clean": True, "migratetype": "unmovable"}, "clean=True.*never move"),
        ({"mapcount": -1}, "mapcount=-1"),
        ({"mapcount": 2**31 + 1}, "mapcount=2147483649"),
        ({"mapcount": 1.5}, "mapcount=1.5"),
    ],
)
def test_a_loads_wrong_policy_is_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        hk.PageLoad(**{"name": "apps", **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"chunk": 3 * 4096}, "chunk=12288"),
        ({"chunk": 2048}, "chunk=2048"),
        ({"chunk": 8 * MiB}, "chunk=8388608"),
        ({"chunk": 8 * KiB, "order_per_bit": 2}, "chunk=8192"),
        ({"discard": 1}, "discard=1"),
        ({"uncached": "wc"}, "uncached='wc'"),
    ],
)
def test_a_cma_heaps_wrong_policy_is_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        hk.CmaHeap(**{"size": 16 * MiB, **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"align": 12288}, "align=12288"),
        ({"private_flags": -1}, "private_flags=-1"),
        ({"private_flags": 2**64}, "private_flags=18446744073709551616"),
        ({"handback_failures": -0.1}, "handback_failures=-0.1"),
        ({"handback_failures": True}, "handback_failures=True"),
        ({"handback_failures": float("nan")}, "handback_failures=nan"),
        ({"handback_failures": "often"}, "handback_failures='often'"),
    ],
)
def test_a_secure_heaps_wrong_policy_is_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        hk.SecureHeap(**{"name": "s", "size": MiB, **changes})


@pytest.mark.parametrize("make", [hk.CarveoutHeap, hk.ChunkHeap])
def test_uncached_is_true_or_false(make):
    assert make(name="c", size=MiB, uncached=True).uncached
    with pytest.raises(ValueError, match="uncached=1"):
        make(name="c", size=MiB, uncached=1)


@pytest.mark.parametrize("heap", [hk.UdmabufHeap(), hk.SystemHeap(encrypted=True)])
def test_a_paged_heap_needs_a_memory(heap):
    with pytest.raises(ValueError, match="memory"):
        hk.Board(name="b", heaps=(heap,))


def test_a_part_of_a_whole_is_kept_as_a_number():
    assert hk.SecureHeap(name="s", size=MiB, handback_failures=1).handback_failures == 1
    heap = hk.SystemHeap(encrypted=True, reencrypt_failures=0)
    assert isinstance(heap.reencrypt_failures, float)


def test_policies_can_be_replaced_by_name():
    board = board_of(
        hk.CmaHeap(name="cma", size=16 * MiB),
        hk.UdmabufHeap(),
        hk.PageLoad(name="apps"),
    )
    changed = board.replace(
        {"cma.discard": True, "udmabuf.size_limit": MiB, "apps.clean": True, "seed": 7}
    )
    assert changed.heap("cma").discard
    assert changed.heap("udmabuf").size_limit == MiB
    assert changed.heap("apps").clean
    assert changed.seed == 7
    assert board.heap("cma").base == changed.heap("cma").base


def test_a_board_shows_heaps_without_memory_of_their_own():
    board = board_of(hk.SystemHeap(encrypted=True), hk.UdmabufHeap())
    kinds = dict(board.to_frame()[["name", "kind"]].to_numpy())
    assert kinds == {"system": "system", "udmabuf": "udmabuf"}
    assert "udmabuf" in board._repr_html_()
    assert "udmabuf" in repr(board)

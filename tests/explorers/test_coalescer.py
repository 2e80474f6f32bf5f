# SPDX-License-Identifier: MIT
"""Latest wins: who is drawn when, and on whose behalf."""

import threading
import time

import pytest

from heapkit.explorers.coalescer import Coalescer


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def make(drawn):
    """Coalescers that note what they draw; closed at the end."""
    made = []

    def one(**options):
        coalescer = Coalescer(drawn.append, **options)
        made.append(coalescer)
        return coalescer

    yield one
    for coalescer in made:
        coalescer.close()


def until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_without_a_browser_each_request_is_drawn_at_once(make, drawn):
    coalescer = make()
    for _ in range(3):
        coalescer.request()
    assert drawn == [1, 2, 3]


def test_a_request_waits_for_the_answer_to_the_picture_before(make, drawn):
    coalescer = make(min_interval=0, patience=60)
    coalescer.request()
    coalescer.painted(1)
    coalescer.request()
    coalescer.request()
    coalescer.request()
    assert drawn == [1, 2]
    coalescer.painted(2)
    assert drawn == [1, 2, 3]


def test_many_requests_while_waiting_are_one_picture(make, drawn):
    coalescer = make(min_interval=0, patience=60)
    coalescer.request()
    coalescer.painted(1)
    for _ in range(100):
        coalescer.request()
    coalescer.painted(2)
    coalescer.painted(3)
    assert drawn == [1, 2, 3]


def test_repeated_and_late_answers_do_no_harm(make, drawn):
    coalescer = make(min_interval=0, patience=60)
    coalescer.request()
    for number in (1, 1, -1, 99, 1):
        coalescer.painted(number)
    coalescer.request()
    coalescer.painted(1)
    coalescer.request()
    assert drawn == [1, 2]


def test_a_browser_that_went_away_is_not_waited_for_for_ever(make, drawn):
    coalescer = make(min_interval=0, patience=0.02)
    coalescer.request()
    coalescer.painted(1)
    coalescer.request()
    coalescer.request()
    until(lambda: drawn == [1, 2, 3])


def test_what_waits_can_be_drawn_now(make, drawn):
    coalescer = make(min_interval=0, patience=60)
    coalescer.request()
    coalescer.painted(1)
    coalescer.request()
    coalescer.request()
    coalescer.flush()
    coalescer.flush()
    assert drawn == [1, 2, 3]


def test_a_closed_one_draws_nothing(make, drawn):
    coalescer = make()
    coalescer.close()
    coalescer.request()
    coalescer.flush()
    assert drawn == []


def test_a_picture_that_fails_does_not_end_drawing():
    calls = []

    def draw(number):
        calls.append(number)
        if number == 1:
            raise RuntimeError("first")

    coalescer = Coalescer(draw)
    with pytest.raises(RuntimeError, match="first"):
        coalescer.request()
    coalescer.request()
    assert calls == [1, 2]


def test_two_threads_never_draw_at_once():
    inside, most, lock = 0, 0, threading.Lock()

    def draw(_):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.001)
        with lock:
            inside -= 1

    coalescer = Coalescer(draw, min_interval=0, patience=0.001)
    coalescer.painted(0)

    def hammer():
        for _ in range(50):
            coalescer.request()
            coalescer.painted(coalescer.sent)

    threads = [threading.Thread(target=hammer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    coalescer.close()
    assert most == 1

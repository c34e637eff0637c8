"""edge_tts.side_by_side: jobs at work at once, heard in order."""

import gc
import threading

import pytest

from edge_tts.side_by_side import AHEAD, side_by_side
from tests.runtime.straying import PATIENCE_S, wait_for_threads


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def never():
    return False


class Jobs:
    """Job n makes n + 1 pieces (n, 0), (n, 1)… Counts what is at work, and keeps the order of what happened."""

    def __init__(self, before_piece=lambda number, piece, halted: None):
        self.before_piece, self.lock = before_piece, threading.Lock()
        self.begun, self.at_work, self.most_at_work = [], 0, 0

    def __call__(self, number, halted):
        with self.lock:
            self.begun.append(number)
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            for piece in range(number + 1):
                self.before_piece(number, piece, halted)
                if halted():
                    return
                yield number, piece
        finally:
            with self.lock:
                self.at_work -= 1


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
def test_pieces_come_in_order(threads):
    jobs = Jobs()
    assert list(side_by_side(jobs, 9, threads, never)) == [(n, p) for n in range(9) for p in range(n + 1)]
    assert sorted(jobs.begun) == list(range(9)) and jobs.most_at_work <= threads


def test_no_job_at_all():
    assert list(side_by_side(Jobs(), 0, 2, never)) == []


def test_as_many_jobs_as_threads_are_at_work():
    together = threading.Barrier(3, timeout=PATIENCE_S)

    def meet(number, piece, halted):
        if number in (1, 2, 3) and piece == 0:
            together.wait()  # breaks unless all three get here

    jobs = Jobs(meet)
    assert len(list(side_by_side(jobs, 4, 3, never))) == 10 and jobs.most_at_work == 3


def test_the_first_job_is_alone_until_it_is_heard():
    begun = []

    def note(number, piece, halted):
        if number == 0:
            begun.extend(jobs.begun)

    jobs = Jobs(note)
    pieces = side_by_side(jobs, 5, 3, never)
    next(pieces)
    assert begun == [0] and len(list(pieces)) == 14


def test_pieces_come_while_their_job_is_at_work():
    heard = [threading.Event() for _ in range(3)]

    def wait(number, piece, halted):
        if number == 2 and piece > 0:
            assert heard[piece - 1].wait(PATIENCE_S)

    pieces = side_by_side(Jobs(wait), 3, 2, never)
    for number, piece in pieces:
        if number == 2:
            heard[piece].set()


@pytest.mark.parametrize("threads", [2, 3])
def test_no_more_is_begun_than_may_wait(threads):
    """Who stops listening leaves threads that end, and a bounded number of jobs; who goes on hears all the rest."""
    jobs = Jobs()
    pieces = side_by_side(jobs, 30, threads, never)
    rest = [next(pieces)]
    wait_for_threads()
    assert sorted(jobs.begun) == list(range(AHEAD * threads))
    rest += [next(pieces), next(pieces)]
    wait_for_threads()
    assert sorted(jobs.begun) == list(range(AHEAD * threads + 1))
    assert rest + list(pieces) == [(n, p) for n in range(30) for p in range(n + 1)]


def test_nothing_begins_before_it_is_asked_for():
    jobs = Jobs()
    pieces = side_by_side(jobs, 5, 2, never)
    assert jobs.begun == [] and not [t for t in threading.enumerate() if t.name == "edge-tts-sentence"]
    pieces.close()
    assert jobs.begun == []


@pytest.mark.parametrize("broken", [0, 1, 4])
def test_an_error_comes_after_what_was_made_before_it(broken):
    def fail(number, piece, halted):
        if number == broken and piece == broken:
            raise KeyError(number)

    pieces, heard = side_by_side(Jobs(fail), 8, 3, never), []
    with pytest.raises(KeyError, match=str(broken)):
        for piece in pieces:
            heard.append(piece)
    assert heard == [(n, p) for n in range(broken + 1) for p in range(n + 1)][:-1]
    assert list(pieces) == []


def endless(number, halted):
    """Makes pieces until it shall stop."""
    piece = 0
    while not halted():
        yield number, piece
        piece += 1


def test_closing_stops_all_jobs():
    pieces = side_by_side(endless, 5, 3, never)
    assert [next(pieces) for _ in range(3)] == [(0, 0), (0, 1), (0, 2)]
    pieces.close()
    assert list(pieces) == []


def test_an_abandoned_iterator_stops_all_jobs():
    pieces = side_by_side(endless, 5, 3, never)
    next(pieces)
    del pieces
    gc.collect()


def test_stopping_ends_it():
    stop = threading.Event()
    pieces = side_by_side(endless, 5, 3, stop.is_set)
    next(pieces)
    stop.set()
    assert list(pieces) == []


def test_stopping_wakes_a_listener_who_waits():
    stop, waits = threading.Event(), threading.Event()

    def silent(number, halted):
        waits.set()
        while not halted():
            stop.wait(0.001)
        return
        yield

    threading.Thread(target=lambda: waits.wait(PATIENCE_S) and stop.set()).start()
    assert list(side_by_side(silent, 3, 2, stop.is_set)) == []


def test_what_stopping_raises_is_raised():
    over = threading.Event()

    def stopped():
        if over.is_set():
            raise TimeoutError("too late")
        return False

    pieces = side_by_side(endless, 5, 2, stopped)
    next(pieces)
    over.set()
    with pytest.raises(TimeoutError, match="too late"):
        list(pieces)


def test_all_that_was_asked_for_has_come_before_it_stops():
    """Who has heard the last piece is not told that it was stopped."""
    over = threading.Event()

    def stopped():
        if over.is_set():
            raise TimeoutError
        return False

    pieces = side_by_side(Jobs(), 3, 2, stopped)
    heard = [next(pieces) for _ in range(6)]
    over.set()
    assert list(pieces) == [] and heard[-1] == (2, 2)


def test_an_iterator_that_one_of_its_own_threads_closes():
    """As the garbage collector may do."""
    box, may_close, closed = [], threading.Event(), threading.Event()

    def close(number, piece, halted):
        if number == 1 and piece == 1:
            assert may_close.wait(PATIENCE_S)
            box.pop().close()
            closed.set()

    box.append(side_by_side(Jobs(close), 5, 2, never))
    next(box[0])
    may_close.set()
    assert closed.wait(PATIENCE_S)
    wait_for_threads()

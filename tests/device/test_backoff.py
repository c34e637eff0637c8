from device.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_cap_and_the_wait_lies_below_it():
    backoff = Backoff(base_s=1.0, cap_s=10.0, random_=lambda: 0.5)
    assert [backoff.next_s() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_reset_begins_again():
    backoff = Backoff(base_s=1.0, cap_s=10.0, random_=lambda: 1.0)
    assert [backoff.next_s(), backoff.next_s()] == [1.0, 2.0]
    backoff.reset()
    assert backoff.next_s() == 1.0


def test_a_year_of_attempts_does_not_overflow():
    backoff = Backoff(random_=lambda: 1.0)
    assert max(backoff.next_s() for _ in range(5000)) == 30.0


def test_jitter_is_full():
    assert Backoff(random_=lambda: 0.0).next_s() == 0.0

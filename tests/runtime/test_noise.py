"""edge_tts.noise: a pure function of seed, sentence and place."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from edge_tts.noise import SEEDS, SamplingNoise, frame_noise, sampling_noise


def test_frames_do_not_depend_on_the_window():
    whole = frame_noise(7, 2, 0, 50, 240)
    assert whole.dtype == np.float32 and whole.shape == (50, 240)
    for start, stop in ((0, 1), (3, 17), (49, 50)):
        np.testing.assert_array_equal(frame_noise(7, 2, start, stop, 240), whole[start:stop])


def test_frames_of_an_odd_length_do_not_depend_on_the_window_either():
    np.testing.assert_array_equal(frame_noise(7, 2, 5, 9, 13), frame_noise(7, 2, 0, 9, 13)[5:])


def test_frames_are_standard_normal():
    values = frame_noise(1, 0, 0, 500, 240).ravel().astype(np.float64)
    # 120,000 values: five standard errors of mean, variance and fourth moment.
    assert abs(values.mean()) < 5 / np.sqrt(values.size)
    assert abs(values.var() - 1) < 5 * np.sqrt(2 / values.size)
    assert abs((values**4).mean() - 3) < 5 * np.sqrt(96 / values.size)
    assert abs(np.corrcoef(values[0::2], values[1::2])[0, 1]) < 5 / np.sqrt(values.size / 2)


def test_sampling_noise_is_exponential():
    values = np.concatenate([sampling_noise(3, 0, 0, step, 1025) for step in range(100)]).astype(np.float64)
    assert (values > 0).all()
    assert abs(values.mean() - 1) < 5 / np.sqrt(values.size)
    assert abs(np.median(values) - np.log(2)) < 5 / np.sqrt(values.size)


def test_made_ahead_it_is_the_same_in_any_order():
    """A sentence goes on, goes back, and tries again."""
    noise = SamplingNoise(7, 3)
    places = [(0, step) for step in range(21)] + [(0, 4), (0, 5), (1, 5), (1, 6), (0, 6), (2, 100), (2, 99)]
    for attempt, step in places:
        np.testing.assert_array_equal(noise(attempt, step, 1025), sampling_noise(7, 3, attempt, step, 1025))
    np.testing.assert_array_equal(noise(2, 99, 9), sampling_noise(7, 3, 2, 99, 9))


def test_threads_do_not_disturb_each_other():
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda step: sampling_noise(1, 2, 0, step, 1025), range(400)))
    for step, values in enumerate(made):
        np.testing.assert_array_equal(values, sampling_noise(1, 2, 0, step, 1025))


def test_everything_that_names_the_place_changes_the_noise():
    places = [(1, 0, 0, 0), (2, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1), (SEEDS - 1, 0, 0, 0)]
    values = [sampling_noise(*place, 8) for place in places]
    assert len({tuple(value) for value in values}) == len(places)


def test_the_stream_is_the_same_on_every_machine():
    # Recorded once; a change here changes every voice's tokens for every seed.
    np.testing.assert_allclose(sampling_noise(42, 1, 2, 3, 4), RECORDED_EXPONENTIAL, rtol=1e-6)
    np.testing.assert_allclose(frame_noise(42, 1, 5, 6, 240)[0, :4], RECORDED_NORMAL, rtol=1e-5)


RECORDED_EXPONENTIAL = [1.82404, 1.61616, 0.5532958, 0.4165805]
RECORDED_NORMAL = [-0.7660425, -1.267139, 0.7373531, -0.6879905]

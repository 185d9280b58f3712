"""Series without gaps and of one length: what stands in for what is missing."""

import numpy as np

from mtcs.classifiers.fixed_length import fixed_length

NAN = np.nan


def test_whole_series_are_as_they_are():
    series = np.arange(12, dtype=np.float32).reshape(2, 6)
    result = fixed_length(series, 6)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, series[:, np.newaxis])


def test_gaps_are_interpolated_and_ends_stay_at_the_nearest_value():
    result = fixed_length(np.array([[NAN, 1, NAN, 3, NAN, NAN]]), 7)
    np.testing.assert_array_equal(result[0, 0], [1, 1, 2, 3, 3, 3, 3])


def test_a_longer_series_is_resampled():
    result = fixed_length(np.arange(9.0)[np.newaxis], 5)
    np.testing.assert_array_equal(result[0, 0], [0, 2, 4, 6, 8])
    padded = fixed_length(np.array([[0, 1, 2, NAN, NAN, NAN]]), 5)  # longer by padding alone
    np.testing.assert_array_equal(padded[0, 0], [0, 1, 2, 2, 2])


def test_a_series_depends_on_itself_alone():
    series = np.array([[1, NAN, 2, 5, NAN, NAN], [3, 4, 5, 6, 7, 8]])
    for length in (3, 5, 8):
        both = fixed_length(series, length)
        for row in range(2):
            np.testing.assert_array_equal(fixed_length(series[row : row + 1], length)[0], both[row])
            more = np.pad(series[row : row + 1], ((0, 0), (0, 4)), constant_values=NAN)
            np.testing.assert_array_equal(fixed_length(more, length)[0], both[row])


def test_channels_end_together():
    series = np.array([[[0, 1, 2, 3, NAN], [4, NAN, NAN, NAN, NAN], [NAN] * 5]])
    np.testing.assert_array_equal(fixed_length(series, 2)[0], [[0, 3], [4, 4], [0, 0]])

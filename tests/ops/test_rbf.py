"""The kernel in blocks against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel as reference

from mtcs.ops.rbf import ROWS, rbf_kernel, scale_gamma


@pytest.mark.parametrize("n", [0, 1, ROWS, 2 * ROWS + 3])
@pytest.mark.parametrize("workers", [1, 3])
def test_it_is_the_kernel(n, workers):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n, 7)).astype(np.float32), rng.normal(size=(9, 7)).astype(np.float32)
    expected = reference(a.astype(float), b.astype(float), gamma=0.3) if n else np.empty((0, 9))
    np.testing.assert_allclose(rbf_kernel(a, b, 0.3, workers), expected, rtol=1e-12)


def test_the_width_is_that_of_scale():
    x = np.random.default_rng(0).normal(size=(20, 5))
    assert scale_gamma(x) == 1 / (5 * x.var())
    assert scale_gamma(np.ones((20, 5))) == 1.0

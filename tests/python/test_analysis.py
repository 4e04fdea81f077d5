"""openmmscore.evaluation.analysis against answers that are known exactly."""

import numpy as np
import pytest
from openmmscore.evaluation import analysis, metrics


def ar1(coefficient: float, copies: int, frames: int, seed: int) -> np.ndarray:
    """A stationary AR(1) process of unit variance: tau = (1 + a) / (1 - a) / 2."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((copies, frames))
    series = np.empty((copies, frames))
    series[:, 0] = noise[:, 0]
    for k in range(1, frames):
        series[:, k] = coefficient * series[:, k - 1] + np.sqrt(1 - coefficient**2) * noise[:, k]
    return series


@pytest.mark.parametrize("coefficient", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("copies", "frames"), [(1, 100_000), (100, 1_000)])
def test_autocorrelation_time_of_ar1_process(coefficient, copies, frames):
    expected = 0.5 * (1 + coefficient) / (1 - coefficient)
    found = analysis.autocorrelation_time(ar1(coefficient, copies, frames, seed=1))
    # Five windows truncate a share exp(-5) of an exponential; the rest is statistical.
    assert abs(found.tau - expected) < 4 * found.error + np.exp(-5) * expected
    assert found.error < 0.1 * expected
    assert found.reliable
    assert found.inefficiency == 2 * found.tau


def test_reported_error_of_autocorrelation_time_is_the_scatter():
    found = [analysis.autocorrelation_time(ar1(0.8, 10, 1_000, seed)) for seed in range(200)]
    scatter = np.std([each.tau for each in found], ddof=1)
    # 200 samples give the standard deviation to 5 %; the formula neglects terms of tau / window.
    assert 0.8 < scatter / np.mean([each.error for each in found]) < 1.2


def test_short_copies_are_not_biased_by_their_ends():
    """Copies of 40 frames: a lag's mean must be over the pairs that there are."""
    found = analysis.autocorrelation_time(ar1(0.7, 20_000, 40, seed=13))
    expected = 0.5 * 1.7 / 0.3
    # The window closes after 5 tau, 14 frames; 800,000 frames have a standard error of .024.
    assert abs(found.tau - expected) < 4 * 0.024 + np.exp(-5) * expected


def test_frames_that_do_not_count_have_no_say():
    series = ar1(0.7, 1_000, 200, seed=4)
    away = np.zeros(series.shape, bool)
    away[:, 60:120] = True
    away[:5] = True  # copies none of whose frames count
    series[away] = 1e3
    found = analysis.autocorrelation_time(series, counted=~away)
    expected = 0.5 * 1.7 / 0.3
    # Pieces of 60 and 80 frames have up to a quarter fewer pairs at the lags of the window.
    assert abs(found.tau - expected) < 4 * found.error / 0.75 + np.exp(-5) * expected
    assert found.error == pytest.approx(
        found.tau * np.sqrt(2 * (2 * found.window + 1) / (~away).sum())
    )
    assert analysis.autocorrelation_time(series).tau > 10


def test_groups_remove_the_part_that_never_relaxes():
    series = ar1(0.5, 20, 2_000, seed=2)
    labels = np.arange(20) % 2
    offset = series + 10 * labels[:, None]
    within = analysis.autocorrelation_time(offset, labels)
    # tau = 1.5, window 8, 40,000 frames: a standard error of .044
    assert abs(within.tau - 1.5) < 4 * 0.044
    assert analysis.autocorrelation_time(offset).tau > 100


def test_a_series_shorter_than_its_correlation_is_called_unreliable():
    assert not analysis.autocorrelation_time(ar1(0.99, 2, 200, seed=3)).reliable
    assert not analysis.autocorrelation_time(np.ones((3, 10))).reliable
    with pytest.raises(ValueError, match="not finite"):
        analysis.autocorrelation_time([0.0, np.nan, 1.0])


def test_kish_number():
    assert analysis.kish_number(np.full(7, 0.3)) == pytest.approx(7, rel=1e-14)
    assert analysis.kish_number([1, 0, 0]) == 1
    assert analysis.kish_number([3.0, 1.0]) == pytest.approx(16 / 10, rel=1e-14)
    assert analysis.kish_number([1e-300, 1e-300]) == pytest.approx(2, rel=1e-14)
    for bad in ([], [0, 0], [1, -1], [1, np.nan]):
        with pytest.raises(ValueError):
            analysis.kish_number(bad)


def test_js_divergence_of_known_distributions():
    p = np.array([[0.1, 0.2], [0.3, 0.4]])
    # sqrt and square of a sum of terms that cancel: the root of the machine's precision
    assert 0 <= metrics.js_divergence(p, p) < 1e-12
    nearly = np.random.default_rng(0).random((200, 1000))
    for each in nearly:  # rounding gives some of these a sum below 0
        assert 0 <= metrics.js_divergence(each, 3 * each) < 1e-12
    assert metrics.js_divergence([1, 0], [0, 1]) == pytest.approx(np.log(2), rel=1e-12)
    expected = 0.5 * (np.log(4 / 3) + 0.5 * np.log(2 / 3) + 0.5 * np.log(2))
    assert metrics.js_divergence([2, 0], [3, 3]) == pytest.approx(expected, rel=1e-12)
    for bad in ([0, 0], [np.nan, 1]):
        with pytest.raises(ValueError):
            metrics.js_divergence([1, 0], bad)
    with pytest.raises(ValueError, match="shapes"):
        metrics.js_divergence([1, 0], [1, 0, 0])


def test_js_divergence_of_two_gaussians_agrees_with_quadrature():
    x = np.linspace(-12, 12, 48_001)
    p, q = (np.exp(-((x - shift) ** 2) / 2) / np.sqrt(2 * np.pi) for shift in (0, 1))
    m = (p + q) / 2
    expected = np.trapezoid((p * np.log(p / m) + q * np.log(q / m)) / 2, x)
    assert metrics.js_divergence(p, q) == pytest.approx(expected, rel=1e-10)


def test_noise_floor_is_the_chi_squared_limit_where_bins_are_full():
    bins, first, second = 50, 40_000, 10_000
    floor = analysis.noise_floor(np.full(bins, 1 / bins), first, second, repeats=400, seed=4)
    expected = (bins - 1) / 8 * (1 / first + 1 / second)
    # 400 draws of a chi-squared of 49 degrees; the next order is of the size bins / second.
    assert floor.mean == pytest.approx(expected, rel=4 * np.sqrt(2 / 49 / 400) + bins / second)
    assert floor.deviation == pytest.approx(expected * np.sqrt(2 / 49), rel=0.2)


def test_noise_floor_is_what_independent_draws_show():
    generator = np.random.default_rng(5)
    draws = [generator.standard_normal((n, 2)) for n in (2_000, 10_000, 400_000)]
    edges = metrics.shared_edges(draws[0], draws[2], bins=32)
    few, more, truth = (analysis.histogram_2d(each, edges) for each in draws)
    floor = analysis.noise_floor(truth, 2_000, 10_000, seed=6)
    assert abs(metrics.js_divergence(few, more) - floor.mean) < 4 * floor.deviation


@pytest.mark.parametrize("repeated", [1, 10])
def test_effective_number_counts_repeated_draws_once(repeated):
    copies, draws, bins = 200, 50, 40
    generator = np.random.default_rng(9)
    share = np.linspace(1, 3, bins) / np.linspace(1, 3, bins).sum()
    # every draw is seen `repeated` times, as by frames that follow each other closely
    counts = repeated * generator.multinomial(draws, share, size=copies)
    found = analysis.effective_number(counts / counts.sum(axis=1, keepdims=True))
    # a sum of `bins` variances, each of 200 copies: relative error sqrt(2 / 200 / 40)
    assert found == pytest.approx(copies * draws, rel=4 * np.sqrt(2 / copies / bins))


def test_effective_number_of_copies_that_never_move_is_their_number():
    copies, bins = 4_000, 20
    chosen = np.random.default_rng(10).integers(bins, size=copies)
    found = analysis.effective_number(np.eye(bins)[chosen])
    # the variance of a bin that is hit or not is known exactly: only copies / (copies - 1) is left
    assert found == pytest.approx(copies, rel=2 / copies)


def test_floor_at_the_effective_number_is_what_correlated_copies_show():
    """Copies walk on a ring; the floor must meet their divergence from the known truth."""
    copies, frames, bins = 100, 400, 50
    generator = np.random.default_rng(11)
    start = generator.integers(bins, size=(copies, 1))
    steps = generator.integers(-2, 3, size=(copies, frames))
    place = (start + np.cumsum(steps, axis=1)) % bins
    each = np.array([np.bincount(copy, minlength=bins) for copy in place]) / frames
    number = analysis.effective_number(each)
    assert copies < number < copies * frames / 5
    truth = np.full(bins, 1 / bins)
    floor = analysis.noise_floor(truth, number, 1e9, seed=12)
    found = metrics.js_divergence(each.mean(axis=0), truth)
    # 49 bins whose noise is correlated along the ring: fewer degrees of freedom, a wider spread
    assert 0.4 * floor.mean < found < 2 * floor.mean


def test_shared_edges_span_both_sets():
    edges = metrics.shared_edges([[0, 5], [1, 6]], [[-1.0, 5.5], [0.0, 8.0]], bins=4)
    np.testing.assert_allclose(edges, [[-1, -0.5, 0, 0.5, 1], [5, 5.75, 6.5, 7.25, 8]])


def test_weighted_histogram_undoes_a_bias():
    generator = np.random.default_rng(7)
    samples = generator.uniform(-1, 1, (200_000, 2))
    weights = np.where(samples[:, 0] > 0, 3.0, 1.0)
    edges = [np.array([-1.0, 0.0, 1.0])] * 2
    found = analysis.histogram_2d(samples, edges, weights)
    assert found.sum() == pytest.approx(1, rel=1e-12)
    # a share has a standard error below sqrt(1 / (4 n)) of unweighted frames, times 3 / 2
    assert np.abs(found - [[0.125, 0.125], [0.375, 0.375]]).max() < 4 * 1.5 / np.sqrt(4 * 200_000)
    with pytest.raises(ValueError, match="within the edges"):
        analysis.histogram_2d(samples + 10, edges)


def test_dihedral_sign_and_shape():
    # Looking along the middle bond, the far bond is turned clockwise by the angle: IUPAC's sign.
    angles = np.array([-2.5, -0.3, 0.7, 3.0])
    positions = np.zeros((2, 2, 5, 3))
    flat = positions.reshape(4, 5, 3)
    flat[:, 0] = [0.1, 0, 0]
    flat[:, 2] = [0, 0, 0.15]
    flat[:, 3, 0], flat[:, 3, 1], flat[:, 3, 2] = np.cos(angles), np.sin(angles), 0.15
    flat[:, 4] = flat[:, 3] + [0, 0, 0.1]
    found = analysis.dihedrals(positions, [[0, 1, 2, 3]])
    assert found.shape == (2, 2, 1)
    # positions are held in float32: 6e-8 relative, amplified by a few
    np.testing.assert_allclose(found.ravel(), angles, atol=2e-6)


def test_free_energy_of_a_boltzmann_distribution():
    energy = np.array([[0.0, 3.0], [7.5, 20.0]])
    share = np.exp(-energy / (analysis.BOLTZMANN_KJ * 300))
    np.testing.assert_allclose(analysis.free_energy_2d(5 * share, 300), energy, atol=1e-12)
    share[0, 1] = 0
    assert np.isnan(analysis.free_energy_2d(share, 300)[0, 1])


def test_bootstrap_over_copies_gives_the_standard_error_of_a_mean():
    values = np.random.default_rng(8).standard_normal(100)
    weights = analysis.bootstrap_weights(100, repeats=4_000)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    # the standard deviation of 4,000 draws is known to 1.1 %
    assert (weights @ values).std() == pytest.approx(values.std() / 10, rel=0.05)


def test_pmf_edges_have_an_outlier_bin_on_each_side():
    edges = metrics.pmf_edges([(0.0, 2.0)], bins=4)
    np.testing.assert_array_equal(edges, [[-np.inf, 0, 1, 2, np.inf]])
    found = analysis.histogram(np.array([[-1.0], [0.0], [0.5], [1.0], [2.0], [3.0]]), edges)
    # the high limit itself is an outlier, as with numpy.digitize
    np.testing.assert_allclose(found, np.array([1, 2, 1, 2]) / 6, rtol=1e-15)
    with pytest.raises(ValueError, match="bins is 2"):
        metrics.pmf_edges([(0, 1)], bins=2)


def test_bin_numbers_include_the_last_edge_and_mark_what_is_outside():
    edges = [np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 3.0])]
    samples = np.array([[0, 0], [0.5, 2.5], [1, 0], [2, 3], [2.1, 1], [1, -0.1]])
    np.testing.assert_array_equal(analysis.bin_numbers(samples, edges), [0, 2, 3, 5, -1, -1])
    with pytest.raises(ValueError, match="shape"):
        analysis.bin_numbers([[0.0]], edges)
    with pytest.raises(ValueError, match="not finite"):
        analysis.bin_numbers([[0.0, np.nan]], edges)


def test_histogram_agrees_with_numpy_in_one_and_two_columns():
    generator = np.random.default_rng(14)
    samples, weights = generator.standard_normal((500, 2)), generator.uniform(size=500)
    edges = metrics.shared_edges(samples, samples, bins=7)
    two = np.histogram2d(samples[:, 0], samples[:, 1], bins=edges, weights=weights)[0]
    np.testing.assert_allclose(
        analysis.histogram(samples, edges, weights), two / two.sum(), atol=1e-14
    )
    one = np.histogram(samples[:, 0], edges[0])[0]
    np.testing.assert_allclose(analysis.histogram(samples[:, :1], edges[:1]), one / 500, rtol=1e-13)
    with pytest.raises(ValueError, match="weights"):
        analysis.histogram(samples, edges, weights[:-1])


def test_pmf_error_by_hand():
    p, q = [0.5, 0.5, 0, 0], [1, 2, 1, 0]
    weights = np.array([0.375, 0.5, (0.25 + 1e-6) / 2])
    squares = np.array([np.log(2) ** 2, 0, np.log(0.25e6) ** 2])
    expected = (squares * weights).sum() / weights.sum()
    assert metrics.pmf_error(p, q) == pytest.approx(expected, rel=1e-13)
    assert metrics.pmf_error(q, p) == pytest.approx(expected, rel=1e-13)
    assert metrics.pmf_error(p, p) == 0
    assert metrics.pmf_error(p, q, empty=0.25) < 1
    for bad in ([0, 0, 0, 0], [1, np.nan, 0, 0], [1, 0, 0]):
        with pytest.raises(ValueError):
            metrics.pmf_error(p, bad)


def test_total_variation_is_the_largest_difference_of_any_set_of_bins():
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([4.0, 1.0, 3.0, 2.0])
    sets = np.array(list(np.ndindex(2, 2, 2, 2)))
    largest = (sets @ (p - q / 10)).max()
    assert metrics.total_variation(p, q) == pytest.approx(largest, rel=1e-14)
    assert metrics.total_variation(q, p) == pytest.approx(largest, rel=1e-14)
    assert metrics.total_variation(p, 3 * p) < 1e-15
    assert metrics.total_variation([1, 0], [0, 2]) == 1
    with pytest.raises(ValueError, match="finite"):
        metrics.total_variation([1, np.nan], [1, 1])


@pytest.mark.parametrize(
    ("measure", "factor"), [(metrics.js_divergence, 1 / 8), (metrics.pmf_error, 1)]
)
@pytest.mark.parametrize("second", [10_000, np.inf])
def test_floors_are_the_chi_squared_limit(measure, factor, second):
    bins, first = 50, 40_000
    share = np.full(bins, 1 / bins)
    floor = analysis.noise_floor(share, first, second, measure=measure, repeats=400, seed=4)
    expected = factor * (bins - 1) * (1 / first + 1 / second)
    # 400 draws of a chi-squared of 49 degrees; the next order is of the size bins / number
    least = min(first, second)
    assert floor.mean == pytest.approx(expected, rel=4 * np.sqrt(2 / 49 / 400) + bins / least)
    each_bin = analysis.noise_floor(
        share, np.full(bins, first), second, measure=measure, repeats=400, seed=5
    )
    # counts are Poisson's here, so that their total varies: one more degree, then normalised away
    assert each_bin.mean == pytest.approx(expected, rel=4 * np.sqrt(2 / 49 / 400) + bins / least)
    with pytest.raises(ValueError, match="positive"):
        analysis.noise_floor(share, 0, second)


def test_smoothed_reference_gives_the_floor_of_sparse_bins():
    """10,000 frames in 64 x 64 bins, most of them empty or nearly so."""
    generator = np.random.default_rng(15)
    number, found, floors, raw = 10_000, [], [], []
    for _ in range(8):
        first, second = generator.standard_normal((2, number, 2))
        edges = metrics.shared_edges(first, second)
        p, q = analysis.histogram(first, edges), analysis.histogram(second, edges)
        found.append(metrics.js_divergence(p, q))
        source = analysis.smoothed(p, number)
        assert source.sum() == pytest.approx(1, rel=1e-12)
        floors.append(analysis.noise_floor(source, number, number, repeats=20).mean)
        raw.append(analysis.noise_floor(p, number, number, repeats=20).mean)
    # eight pairs whose JS scatters by 2 % give the mean to .7 %; the smoothing is good to 3 %
    assert np.mean(floors) == pytest.approx(np.mean(found), rel=0.05)
    assert np.mean(raw) < 0.85 * np.mean(found)


def test_smoothed_by_hand():
    found = analysis.smoothed([1.0, 0.0, 0.0], 1)
    # the first keeps 1/2 of itself and has 1/2 of its neighbourhood's 3/4; its neighbour has 1/4
    np.testing.assert_allclose(found, np.array([0.875, 0.25, 0]) / 1.125, rtol=1e-14)
    flat = np.full((3, 4), 1 / 12)
    np.testing.assert_allclose(analysis.smoothed(flat, np.full((3, 4), 7.0)), flat, rtol=1e-14)


def test_bin_effective_numbers_by_hand():
    found = analysis.bin_effective_numbers([0, 0, 1, 1, -1], [1, 3, 2, 2, 2], bins=3)
    # (sum w) (sum in the bin) / (sum of squares in the bin); the empty bin has Kish's number
    np.testing.assert_allclose(found, [10 * 4 / 10, 10 * 4 / 8, 100 / 22], rtol=1e-14)


def test_floor_of_weighted_frames_is_what_they_show():
    """Frames drawn evenly and weighted by a density that varies thousandfold."""
    generator = np.random.default_rng(16)
    frames, bins, found = 4_000, 40, []
    edges = [np.linspace(-1, 1, bins + 1)]
    for _ in range(100):
        pair = generator.uniform(-1, 1, (2, frames, 1))
        histograms = [analysis.histogram(x, edges, np.exp(-7 * x[:, 0] ** 2)) for x in pair]
        found.append(metrics.js_divergence(*histograms))
    weights = np.exp(-7 * pair[0, :, 0] ** 2)
    number = analysis.bin_effective_numbers(analysis.bin_numbers(pair[0], edges), weights, bins)
    floor = analysis.noise_floor(analysis.histogram(pair[0], edges, weights), number, number)
    # 100 and 200 values of 39 degrees of freedom: 2.8 %; the reference has 100 a bin
    assert floor.mean == pytest.approx(np.mean(found), rel=4 * 0.028)
    kish = analysis.kish_number(weights)
    wrong = analysis.noise_floor(analysis.histogram(pair[0], edges, weights), kish, kish)
    assert wrong.mean > 1.25 * np.mean(found)


def test_effective_number_of_copies_of_unequal_length():
    generator = np.random.default_rng(17)
    bins, lengths = 40, np.tile([50, 150], 200)
    counts = np.array([generator.multinomial(n, np.full(bins, 1 / bins)) for n in lengths])
    # as of 400 copies of 100: a sum of 40 variances, a few per cent more for the unequal lengths
    expected = pytest.approx(lengths.sum(), rel=4 * 1.3 * np.sqrt(2 / 400 / bins))
    assert analysis.effective_number(counts) == expected
    assert analysis.effective_number(7 * counts) == expected

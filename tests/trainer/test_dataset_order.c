/* Which frame comes when: the split, the permutations of the epochs, and draws by weight. */
#include "frame_files.h"

#include <math.h>
#include <string.h>

#include "data/dataset.h"
#include "data/dataset_order.h"

enum { BEADS = 2, VALUES = 6 };

/* -------- permutations -------- */

static void permutations_reach_every_place_once(void **state) {
    (void)state;
    enum { MOST = 300 };
    for (uint64_t size = 1; size <= MOST; size++)
        for (uint32_t epoch = 0; epoch < 5; epoch++) {
            bool seen[MOST] = {false};
            for (uint64_t k = 0; k < size; k++) {
                uint64_t place = score_permute(3, SCORE_PURPOSE_PERMUTATION, epoch, size, k);
                assert_true(place < size && !seen[place]);
                seen[place] = true;
            }
        }
}

static void permutations_of_the_largest_size_stay_inside(void **state) {
    (void)state;
    uint64_t size = (uint64_t)1 << 32, last[2] = {0, 0};
    for (uint64_t k = size - 1000; k < size; k++) {
        uint64_t place = score_permute(3, SCORE_PURPOSE_PERMUTATION, 0, size, k);
        uint64_t other = score_permute(3, SCORE_PURPOSE_PERMUTATION, 0, size - 1, k - 1);
        assert_true(place < size && other < size - 1 && place != last[0] && other != last[1]);
        last[0] = place;
        last[1] = other;
    }
}

/* How often number k comes to place p, over many epochs: the N^2 counts of a random permutation
 * have E/N each on average, and sum (count - E/N)^2/(E/N) (N - 1)/N is chi-square with (N - 1)^2
 * degrees of freedom. Its quantile at probability 1e-6 above, by Wilson and Hilferty (1931), has
 * the normal quantile 4.753. The same for pairs of neighbours (k, k + 1) -> (p, q), p != q. */
static double chi_square_limit(double freedom) {
    double root = 1 - 2 / (9 * freedom) + 4.753 * sqrt(2 / (9 * freedom));
    return freedom * root * root * root;
}

static void permutations_are_uniform_over_epochs(void **state) {
    (void)state;
    enum { SIZE = 11, EPOCHS = 20000 };
    static double counts[SIZE][SIZE], pairs[SIZE][SIZE];
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        uint64_t place[SIZE];
        for (uint64_t k = 0; k < SIZE; k++) {
            place[k] = score_permute(5, SCORE_PURPOSE_PERMUTATION, epoch, SIZE, k);
            counts[k][place[k]]++;
        }
        pairs[place[3]][place[4]]++;
    }
    double sum = 0, pair_sum = 0, each = (double)EPOCHS / SIZE, each_pair = each / (SIZE - 1);
    for (int k = 0; k < SIZE; k++)
        for (int p = 0; p < SIZE; p++) {
            sum += (counts[k][p] - each) * (counts[k][p] - each) / each;
            if (k != p)
                pair_sum += (pairs[k][p] - each_pair) * (pairs[k][p] - each_pair) / each_pair;
            else
                assert_true(pairs[k][p] == 0);
        }
    sum *= (SIZE - 1.0) / SIZE;
    assert_true(sum < chi_square_limit((SIZE - 1) * (SIZE - 1)));
    assert_true(pair_sum < chi_square_limit(SIZE * (SIZE - 1) - 1));
}

/* -------- the split -------- */

static void split_is_disjoint_complete_and_in_blocks(void **state) {
    (void)state;
    enum { MOST = 400 };
    double fractions[] = {0, 0.01, 0.05, 0.3, 0.5};
    for (uint64_t frames = 1; frames <= MOST; frames++)
        for (size_t f = 0; f < sizeof fractions / sizeof fractions[0]; f++) {
            score_partition partition = score_partition_make(frames, fractions[f], frames);
            int held[MOST + 1] = {0}, seen[MOST] = {0}, blocks = 0;
            uint64_t before = 0;
            assert_int_equal(partition.held_out, (uint64_t)(fractions[f] * (double)frames));
            for (uint64_t k = 0; k < partition.held_out; k++) {
                uint64_t frame = score_partition_held_out(&partition, k);
                assert_true(frame < frames);
                held[frame]++;
                seen[frame]++;
            }
            for (uint64_t k = 0; k < frames - partition.held_out; k++) {
                uint64_t frame = score_partition_training(&partition, k);
                assert_true(frame < frames && (k == 0 || frame > before));
                seen[frame]++;
                before = frame;
            }
            for (uint64_t k = 0; k < frames; k++) {
                assert_int_equal(seen[k], 1);
                blocks += held[k] && !held[k + 1];
            }
            assert_true(blocks <= SCORE_MOST_PARTS);
        }
}

static void split_depends_on_the_seed(void **state) {
    (void)state;
    int equal = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        score_partition a = score_partition_make(100000, 0.1, seed);
        score_partition b = score_partition_make(100000, 0.1, seed + 1);
        equal += memcmp(a.part, b.part, sizeof a.part) == 0;
    }
    assert_int_equal(equal, 0);
}

/* -------- draws -------- */

static score_dataset *open_file(char *path, uint64_t frames, const double *log_weights,
                                double held_out) {
    hdf5_file file = {
        .frames = frames, .beads = BEADS, .dimensions = 3, .log_weights = log_weights};
    write_hdf5(path, &file);
    score_recipe recipe = recipe_for(path, BEADS, 3);
    recipe.data.log_weights = log_weights == NULL ? NULL : "log_weights";
    recipe.data.held_out = held_out;
    score_dataset *dataset = NULL;
    score_error error = {0};
    if (score_dataset_open(&recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return dataset;
}

/* The number of the frame that is drawn. */
static uint64_t drawn(const score_dataset *dataset, score_split split, uint64_t sample) {
    double x[VALUES];
    score_error error = {0};
    if (score_dataset_draw(dataset, split, sample, x, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return (uint64_t)lround(x[0]);
}

static void an_epoch_visits_every_frame_once(void **state) {
    (void)state;
    enum { FRAMES = 103 };
    score_dataset *dataset = open_file("a.h5", FRAMES, NULL, 0.2);
    uint64_t training = score_dataset_frames(dataset, SCORE_SPLIT_TRAINING);
    uint64_t validation = score_dataset_frames(dataset, SCORE_SPLIT_VALIDATION);
    assert_int_equal(training, 83);
    assert_int_equal(validation, 20);
    assert_true(score_dataset_effective_frames(dataset, SCORE_SPLIT_TRAINING) == 83);
    int same_place = 0;
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        int visits[FRAMES] = {0};
        for (uint64_t k = 0; k < training; k++) {
            uint64_t frame = drawn(dataset, SCORE_SPLIT_TRAINING, epoch * training + k);
            visits[frame]++;
            same_place += epoch > 0 && frame == drawn(dataset, SCORE_SPLIT_TRAINING, k);
        }
        for (uint64_t k = 0; k < validation; k++)
            visits[drawn(dataset, SCORE_SPLIT_VALIDATION, epoch * validation + k)]++;
        for (int f = 0; f < FRAMES; f++)
            assert_int_equal(visits[f], 1);
    }
    /* Each of 249 draws is at its old place with probability 1/83: 3 on average. */
    assert_true(same_place < 25);
    score_dataset_close(dataset);
}

/* Frame k is drawn with probability w_k/sum in the mean. In one epoch of n draws, one in each n-th of
 * the total weight, a frame that covers n p of them is drawn more than n p - 2 and less than n p + 2
 * times. Over E epochs its count is a constant plus 2 E independent draws of yes or no (the two
 * strata it covers in part), so by Hoeffding it is off by more than tau with probability at most
 * 2 exp(-tau^2/E), here 1e-9 for all frames together. */
static void check_weighted(const score_dataset *dataset, score_split split, const double *weights,
                           const int *frames, int frame_count, int epochs) {
    double total = 0, counts[64] = {0};
    for (int k = 0; k < frame_count; k++)
        total += weights[frames[k]];
    for (int epoch = 0; epoch < epochs; epoch++) {
        int in_epoch[64] = {0};
        for (int k = 0; k < frame_count; k++)
            in_epoch[drawn(dataset, split,
                           (uint64_t)epoch * (uint64_t)frame_count + (uint64_t)k)]++;
        for (int k = 0; k < frame_count; k++) {
            int count = in_epoch[frames[k]];
            double expected = frame_count * weights[frames[k]] / total;
            assert_true(fabs(count - expected) < 2);
            assert_true(count == 0 || weights[frames[k]] > 0);
            counts[k] += count;
        }
    }
    double limit = sqrt(epochs * log(2 * frame_count / 1e-9));
    for (int k = 0; k < frame_count; k++) {
        double expected = epochs * frame_count * weights[frames[k]] / total;
        if (!(fabs(counts[k] - expected) < limit))
            fail_msg("frame %d: %g draws, expected %g", frames[k], counts[k], expected);
    }
}

static void draws_follow_the_weights(void **state) {
    (void)state;
    enum { FRAMES = 60, EPOCHS = 4000 };
    double weights[FRAMES], log_weights[FRAMES];
    for (int k = 0; k < FRAMES; k++) {
        weights[k] = k % 7 == 3 ? 0 : exp(3 * sin(k)); /* from e^-3 to e^3, and some 0 */
        log_weights[k] = log(weights[k]) - 800;        /* exp of it alone is 0 */
    }
    score_dataset *dataset = open_file("a.h5", FRAMES, log_weights, 0.25);
    score_partition partition = score_partition_make(FRAMES, 0.25, 11);
    int training[FRAMES], held_out[FRAMES];
    for (uint64_t k = 0; k < 45; k++)
        training[k] = (int)score_partition_training(&partition, k);
    for (uint64_t k = 0; k < 15; k++)
        held_out[k] = (int)score_partition_held_out(&partition, k);
    check_weighted(dataset, SCORE_SPLIT_TRAINING, weights, training, 45, EPOCHS);
    check_weighted(dataset, SCORE_SPLIT_VALIDATION, weights, held_out, 15, EPOCHS);
    double sum = 0, squares = 0;
    for (int k = 0; k < 45; k++) {
        sum += weights[training[k]];
        squares += weights[training[k]] * weights[training[k]];
    }
    /* Sums of 45 positive terms, and exp of a difference of two numbers near 800, whose rounding of
     * 800 eps is that of the weights: (2 + 2) 800 eps. */
    double effective = score_dataset_effective_frames(dataset, SCORE_SPLIT_TRAINING);
    assert_true(fabs(effective / (sum * sum / squares) - 1) < 8e-13);
    score_dataset_close(dataset);
}

static void equal_weights_are_no_weights(void **state) {
    (void)state;
    enum { FRAMES = 40 };
    double log_weights[FRAMES];
    for (int k = 0; k < FRAMES; k++)
        log_weights[k] = -3;
    score_dataset *weighted = open_file("a.h5", FRAMES, log_weights, 0.1);
    score_dataset *plain = open_file("b.h5", FRAMES, NULL, 0.1);
    for (uint64_t sample = 0; sample < 200; sample++)
        assert_int_equal(drawn(weighted, SCORE_SPLIT_TRAINING, sample),
                         drawn(plain, SCORE_SPLIT_TRAINING, sample));
    assert_true(score_dataset_effective_frames(weighted, SCORE_SPLIT_TRAINING) == 36);
    score_partition partition = score_partition_make(FRAMES, 0.1, 11);
    double x[VALUES], y[VALUES];
    assert_int_equal(score_dataset_start_frame(weighted, x, NULL), SCORE_OK);
    assert_int_equal(score_dataset_start_frame(plain, y, NULL), SCORE_OK);
    assert_true(x[0] == (double)score_partition_training(&partition, 0) && y[0] == x[0]);
    score_dataset_close(weighted);
    score_dataset_close(plain);
}

static void one_frame_may_carry_all_weight(void **state) {
    (void)state;
    enum { FRAMES = 40 };
    double log_weights[FRAMES];
    for (int k = 0; k < FRAMES; k++)
        log_weights[k] = k == 29 ? -5 : -INFINITY;
    score_dataset *dataset = open_file("a.h5", FRAMES, log_weights, 0);
    for (uint64_t sample = 0; sample < 200; sample++)
        assert_int_equal(drawn(dataset, SCORE_SPLIT_TRAINING, sample), 29);
    double x[VALUES];
    score_error error = {0};
    assert_int_equal(score_dataset_start_frame(dataset, x, &error), SCORE_OK);
    assert_true(x[0] == 29);
    assert_true(score_dataset_effective_frames(dataset, SCORE_SPLIT_TRAINING) == 1);
    score_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permutations_reach_every_place_once),
        cmocka_unit_test(permutations_of_the_largest_size_stay_inside),
        cmocka_unit_test(permutations_are_uniform_over_epochs),
        cmocka_unit_test(split_is_disjoint_complete_and_in_blocks),
        cmocka_unit_test(split_depends_on_the_seed),
        cmocka_unit_test(an_epoch_visits_every_frame_once),
        cmocka_unit_test(draws_follow_the_weights),
        cmocka_unit_test(equal_weights_are_no_weights),
        cmocka_unit_test(one_frame_may_carry_all_weight),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

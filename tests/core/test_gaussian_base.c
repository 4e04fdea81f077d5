/* Models with a base, as whoever evaluates batches sees them: with a network of zero weights they
 * are the diffused Gaussian, with any other the base is added. Double and float. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "gaussians.h"
#include "ladder.h"
#include "random_models.h"
#include "score/batch.h"
#include "unit_test.h"

enum { MOLECULES = 3, SIZE = MOLECULES * GAUSSIAN_MOST };
#define SCALE_NM 0.25
static score_noise_schedule schedule; /* every kind in turn */
static const double TIMES[] = {1e-5, 1e-3, 0.03, 0.3, 1};
enum { TIME_COUNT = sizeof TIMES / sizeof TIMES[0] };

typedef struct batch_case {
    gaussian_kind kind;
    score_model *model;
    score_model *plain; /* without the base */
    int rows;
    score_molecule molecules[MOLECULES];
    double x[SIZE]; /* normalised */
} batch_case;

typedef struct result {
    double energy[MOLECULES];
    double score[SIZE]; /* of normalised coordinates */
    double rate[MOLECULES];
} result;

static score_model_config config_of(const gaussian_kind *kind) {
    const bool of_features = kind->gaussian.over == SCORE_OVER_ALL;
    score_model_config config = of_features ? feature_config(0)
                                            : molecule_config(SCORE_MAX_GAUSSIAN + 1);
    config.feature_count = of_features;
    config.bead_count = of_features ? 0 : kind->beads; /* misuse takes more of the list */
    config.dimensions = kind->dimensions;
    config.centred = kind->centred;
    config.scale_nm = SCALE_NM;
    config.schedule = schedule;
    config.gaussian = &kind->gaussian;
    if (kind->dimensions < 3 || kind->gaussian.over == SCORE_OVER_COORDINATES)
        config.experts[0] = mlp_expert(SCORE_OUTPUT_ENERGY, 0, 1);
    config.experts[0].base = SCORE_BASE_GAUSSIAN;
    return config;
}

/* Of a kind, with molecules of two sizes where it is over all. */
static batch_case set_up(int k, double weights) {
    static const int features[GAUSSIAN_MOST] = {0, 1, 2, 0, 1, 2};
    batch_case c = {.kind = gaussian_of_kind(k)};
    const int over_all = c.kind.gaussian.over == SCORE_OVER_ALL;
    score_model_config config = config_of(&c.kind);
    c.model = make_model(&config, 70, weights);
    config.experts[0].base = SCORE_BASE_NONE;
    c.plain = make_model(&config, 70, weights);
    for (int m = 0; m < MOLECULES; m++) {
        c.molecules[m] = (score_molecule){c.kind.beads - (over_all && m == 1 ? 2 : 0),
                                          over_all ? features : NULL};
        c.rows += c.molecules[m].beads;
    }
    fill_normal(71 + (unsigned)k, 1, c.rows * c.kind.dimensions, c.x);
    return c;
}

static void tear_down(batch_case *c) {
    score_model_destroy(c->model);
    score_model_destroy(c->plain);
}

static void evaluate(const batch_case *c, const score_model *model, score_precision precision,
                     double t, bool wants_rate, result *found) {
    const score_executor serial = score_executor_serial();
    const int size = c->rows * c->kind.dimensions;
    score_error error = {0};
    score_batch *batch;
    double positions_nm[SIZE];
    for (int k = 0; k < size; k++)
        positions_nm[k] = SCALE_NM * c->x[k];
    memset(found, 0, sizeof *found);
    if (score_batch_create(model, precision, MOLECULES, c->molecules, 1, &batch, &error) ||
        score_batch_evaluate(batch, positions_nm, t, &serial, found->energy, found->score,
                             wants_rate ? found->rate : NULL, &error))
        fail_msg("%s: %s", c->kind.name, error.message);
    for (int k = 0; k < size; k++)
        found->score[k] *= SCALE_NM;
    score_batch_destroy(batch);
}

/* log g_t of molecule m where its coordinate k, or the time, is moved. */
static double moved(const batch_case *c, int m, int first, int k, double x_step, double t) {
    double x[GAUSSIAN_MOST];
    memcpy(x, c->x + first, sizeof x);
    x[k] += x_step;
    return exact_log_density(&c->kind, schedule, c->molecules[m].beads, t, x);
}

static double slope_in_x(const batch_case *c, int m, int first, int k, double t) {
    const double h = 1e-3; /* log g is a square in x: differences of second order are exact */
    return (moved(c, m, first, k, h, t) - moved(c, m, first, k, -h, t)) / (2 * h);
}

/* Of fourth order, at t inside (0, 1). */
static double slope_in_t(const batch_case *c, int m, int first, double t) {
    const double h = fmin(t, 1 - t) / 400;
    return (8 * (moved(c, m, first, 0, 0, t + h) - moved(c, m, first, 0, 0, t - h)) -
            (moved(c, m, first, 0, 0, t + 2 * h) - moved(c, m, first, 0, 0, t - 2 * h))) /
           (12 * h);
}

/* epsilon of the precision, for sums of some ten terms over variances of .15. */
static double rounding(score_precision precision) {
    return 1e3 * DBL_EPSILON + (precision == SCORE_SINGLE_PRECISION ? 10 * FLT_EPSILON : 0);
}

static void check_exact(const batch_case *c, score_precision precision, double t, bool wants_rate) {
    const int d = c->kind.dimensions;
    const double relative = rounding(precision);
    result found;
    evaluate(c, c->model, precision, t, wants_rate, &found);
    for (int m = 0, first = 0; m < MOLECULES; first += c->molecules[m].beads * d, m++) {
        const double exact = moved(c, m, first, 0, 0, t);
        check_close(-found.energy[m], exact, relative * (10 + fabs(exact)),
                    "%s: log q of molecule %d at %g", c->kind.name, m, t);
        for (int k = 0; k < c->molecules[m].beads * d; k++) {
            const double score = slope_in_x(c, m, first, k, t);
            /* differences lose 1e3 */
            check_close(found.score[first + k], score, (relative + 1e-11) * (100 + fabs(score)),
                        "%s: score %d of %d at %g", c->kind.name, k, m, t);
        }
        if (wants_rate && t < 1 && t > 1e-5) {
            const double rate = slope_in_t(c, m, first, t);
            check_close(-found.rate[m], rate, (relative + 1e-8) * (100 + fabs(rate)),
                        "%s: time derivative of molecule %d at %g", c->kind.name, m, t);
        }
    }
}

static void without_weights_log_q_is_that_of_the_diffused_gaussian(void **state) {
    (void)state;
    for (int k = 0; k < GAUSSIAN_KINDS; k++) {
        batch_case c = set_up(k, 0);
        for (int n = 0; n < TIME_COUNT; n++)
            for (int p = 0; p < 2; p++)
                for (int wants_rate = 0; wants_rate < 2; wants_rate++)
                    check_exact(&c, p == 0 ? SCORE_DOUBLE_PRECISION : SCORE_SINGLE_PRECISION,
                                TIMES[n], wants_rate);
        tear_down(&c);
    }
}

static void check_difference(const batch_case *c, score_precision precision, double t,
                             bool wants_rate) {
    const int d = c->kind.dimensions;
    const double relative = 10 * rounding(precision);
    result with, without;
    evaluate(c, c->model, precision, t, wants_rate, &with);
    evaluate(c, c->plain, precision, t, wants_rate, &without);
    for (int m = 0, first = 0; m < MOLECULES; first += c->molecules[m].beads * d, m++) {
        const double exact = moved(c, m, first, 0, 0, t);
        check_close(with.energy[m] - without.energy[m], -exact,
                    relative * (10 + fabs(exact) + fabs(with.energy[m])),
                    "%s: energy of molecule %d at %g", c->kind.name, m, t);
        for (int k = first; k < first + c->molecules[m].beads * d; k++)
            check_close(with.score[k] - without.score[k], slope_in_x(c, m, first, k - first, t),
                        (relative + 1e-11) * (100 + fabs(with.score[k])),
                        "%s: score %d of %d at %g", c->kind.name, k - first, m, t);
        if (wants_rate && t < 1 && t > 1e-5)
            check_close(with.rate[m] - without.rate[m], -slope_in_t(c, m, first, t),
                        (relative + 1e-8) * (100 + fabs(with.rate[m])),
                        "%s: time derivative of molecule %d at %g", c->kind.name, m, t);
    }
}

static void the_network_adds_to_the_base(void **state) {
    (void)state;
    for (int k = 0; k < GAUSSIAN_KINDS; k++) {
        batch_case c = set_up(k, 1);
        for (int p = 0; p < 2; p++)
            for (int wants_rate = 0; wants_rate < 2; wants_rate++)
                check_difference(&c, p == 0 ? SCORE_DOUBLE_PRECISION : SCORE_SINGLE_PRECISION, 0.1,
                                 wants_rate);
        tear_down(&c);
    }
}

/* A network's slope is bounded; beyond the data the base pulls back the harder the farther. */
static void what_strays_is_pulled_back(void **state) {
    (void)state;
    batch_case c = set_up(0, 1);
    double before = 0;
    for (int power = 1; power <= 5; power++) {
        const double factor = pow(10, power);
        result found;
        double pull = 0, square = 0;
        batch_case far = c;
        for (int k = 0; k < c.rows * c.kind.dimensions; k++)
            far.x[k] *= factor;
        evaluate(&far, c.model, SCORE_SINGLE_PRECISION, 1e-5, false, &found);
        for (int k = 0; k < c.rows * c.kind.dimensions; k++) {
            pull -= found.score[k] * c.x[k];
            square += c.x[k] * c.x[k];
        }
        assert_true(pull > 2 * before && pull > 0.1 * factor * square);
        before = pull;
    }
    tear_down(&c);
}

/* -------- misuse -------- */

static void refuse(const score_model_config *config, const char *message) {
    score_error error = {0};
    score_model *model;
    assert_int_equal(score_model_create(config, &model, &error), SCORE_ERROR_ARGUMENT);
    assert_null(model);
    if (strstr(error.message, message) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, message);
}

static void what_is_no_gaussian_is_refused(void **state) {
    (void)state;
    gaussian_kind kind = gaussian_of_kind(0), flat = gaussian_of_kind(3);
    score_model_config config = config_of(&kind);
    double numbers[GAUSSIAN_MOST * GAUSSIAN_MOST];

    config.gaussian = NULL;
    refuse(&config, "expert 0 has base gaussian, but the model has no Gaussian");
    config.gaussian = &kind.gaussian;
    config.experts[0].output = SCORE_OUTPUT_SCORE;
    refuse(&config, "expert 0 predicts a score and has base gaussian, which only an energy");
    config.experts[0].output = SCORE_OUTPUT_ENERGY;

    config.bead_count = 5;
    refuse(&config, "has 3 modes of 4 numbers, must have 4 of 5");
    config.bead_count = 4;
    config.centred = 0;
    refuse(&config, "has 3 modes of 4 numbers, must have 4 of 4");
    config.centred = 1;
    config.bead_count = SCORE_MAX_GAUSSIAN + 1;
    refuse(&config, "over 1025 beads, more than the limit of 1024");
    config.bead_count = 4;
    config.feature_count = 1;
    config.feature_sizes[0] = 3;
    refuse(&config, "over beads, but beads are known by features");
    config = config_of(&kind);

    const double variances[3] = {1, 0, 1}, negative[3] = {1, 1, -0.5}, no_number[3] = {NAN, 1, 1};
    kind.gaussian.variances = variances;
    refuse(&config, "not positive definite: mode 1 has the variance 0");
    kind.gaussian.variances = negative;
    refuse(&config, "not positive definite: mode 2 has the variance -0.5");
    kind.gaussian.variances = no_number;
    refuse(&config, "not positive definite: mode 0 has the variance nan");
    kind = gaussian_of_kind(0);

    memcpy(numbers, kind.gaussian.directions, 12 * sizeof(double));
    numbers[5] += 1e-6;
    kind.gaussian.directions = numbers;
    refuse(&config, "modes 0 and 1 of the Gaussian is ");
    memcpy(numbers, gaussian_of_kind(1).gaussian.directions, 9 * sizeof(double));
    kind = gaussian_of_kind(0);
    kind.gaussian.directions = numbers;
    const double squares[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    kind.gaussian.directions = squares;
    refuse(&config, "mode 0 of the Gaussian moves the mean over beads by 0.25");
    kind = gaussian_of_kind(0);
    kind.gaussian.mean = numbers;
    refuse(&config, "has a mean, which only one over coordinates can have");
    kind = gaussian_of_kind(0);
    kind.gaussian.variances = NULL;
    refuse(&config, "lacks its variances");

    config = config_of(&flat);
    memcpy(numbers, flat.gaussian.mean, 9 * sizeof(double));
    numbers[4] += 0.3;
    flat.gaussian.mean = numbers;
    refuse(&config, "the mean of the Gaussian moves the mean over beads by 0.1");
    numbers[4] = INFINITY;
    refuse(&config, "the Gaussian has inf in its mean");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_weights_log_q_is_that_of_the_diffused_gaussian),
        cmocka_unit_test(the_network_adds_to_the_base),
        cmocka_unit_test(what_strays_is_pulled_back),
        cmocka_unit_test(what_is_no_gaussian_is_refused),
    };
    int failed = 0;
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++) {
        schedule = score_noise_schedule_usual(kind);
        failed += cmocka_run_group_tests_name(score_noise_schedule_word(kind), tests, NULL, NULL);
    }
    return failed;
}

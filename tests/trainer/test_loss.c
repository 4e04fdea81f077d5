/* The losses and their gradient, in double: each loss against its formula with derivatives from
 * differences of energies, the gradient against differences of the loss by every parameter. */
#include <math.h>

#include "base/random.h"
#include "losses/loss_classification.h"
#include "losses/loss_fokker_planck.h"
#include "losses/losses.h"
#include "temporary_folder.h"
#include "tiny_networks.h"
#include "random_models.h"

enum { SAMPLES = 3 };

/* Every how manieth parameter is moved: all, or, where an argument says so, fewer. */
static size_t stride = 1;

typedef struct fixture {
    score_model *model;
    const score_network *network;
    score_loss_setting setting;
    score_packed *packed;
    score_losses *losses;
    int coordinates;
    double x[SAMPLES * 9];
    double noise[SAMPLES * 9];
    double probes[2][SAMPLES * 9];
    double t[SAMPLES];
    double weight[SAMPLES];
    double other_t[SAMPLES];
    double other_log_odds[SAMPLES];
    double frames[SAMPLES * 9];
    double forces[SAMPLES * 9];
    unsigned use;
} fixture;

#define BIT(kind) (1u << (kind))

/* Sets of losses that are trained together; others than the first are of energies. */
static const unsigned SETS[] = {
    BIT(SCORE_LOSS_DENOISING),
    BIT(SCORE_LOSS_DENOISING) | BIT(SCORE_LOSS_FOKKER_PLANCK),
    BIT(SCORE_LOSS_DENOISING) | BIT(SCORE_LOSS_CLASSIFICATION),
    BIT(SCORE_LOSS_DENOISING) | BIT(SCORE_LOSS_FOKKER_PLANCK) | BIT(SCORE_LOSS_CLASSIFICATION),
    BIT(SCORE_LOSS_DENOISING) | BIT(SCORE_LOSS_FORCE_MATCHING),
    BIT(SCORE_LOSS_DENOISING) | BIT(SCORE_LOSS_FOKKER_PLANCK) | BIT(SCORE_LOSS_CLASSIFICATION) |
        BIT(SCORE_LOSS_FORCE_MATCHING),
};

static int set_count(const tiny_network *tiny) {
    if (tiny->output != SCORE_OUTPUT_ENERGY)
        return 1;
    return (int)(sizeof SETS / sizeof *SETS) - (tiny->t_begin > 0 ? 2 : 0); /* forces are at t_0 */
}

static void set_up(fixture *f, const tiny_network *tiny, unsigned use) {
    const int *features;
    score_error error = {0};
    f->model = make_tiny_model(tiny, &features);
    f->network = score_model_network(f->model, 0);
    f->coordinates = TINY_BEADS * tiny->dimensions;
    f->setting = (score_loss_setting){.schedule = RANDOM_MODEL_SCHEDULE,
                                      .t_begin = tiny->t_begin,
                                      .t_end = tiny->t_end,
                                      .weight_middle = 0.7 * tiny->t_begin + 0.3 * tiny->t_end,
                                      .losses = {[SCORE_LOSS_DENOISING] = {1.5, 1, {0}}},
                                      .beads = TINY_BEADS,
                                      .features = features};
    f->use = use;
    /* Both weights of Fokker-Planck: the published one where it is alone. */
    if (use & BIT(SCORE_LOSS_FOKKER_PLANCK))
        f->setting.losses[SCORE_LOSS_FOKKER_PLANCK] = (score_loss_config){
            0.02, 1, {use & BIT(SCORE_LOSS_CLASSIFICATION) ? 0.05 : -1}};
    if (use & BIT(SCORE_LOSS_CLASSIFICATION))
        f->setting.losses[SCORE_LOSS_CLASSIFICATION] = (score_loss_config){0.7, 1, {0}};
    if (use & BIT(SCORE_LOSS_FORCE_MATCHING))
        f->setting.losses[SCORE_LOSS_FORCE_MATCHING] = (score_loss_config){0.3, 1, {0}};
    assert_int_equal(score_packed_create(f->network, &f->packed, &error), SCORE_OK);
    const score_executor serial = score_executor_serial();
    score_packed_update(f->packed, score_model_parameters(f->model, 0), &serial);
    assert_int_equal(score_losses_create(f->network, &f->setting, SAMPLES, &f->losses, &error),
                     SCORE_OK);
    score_random random = score_random_stream(6, 0, 0, 0);
    score_random of_frames = score_random_stream(6, 1, 0, 0);
    for (int k = 0; k < SAMPLES * f->coordinates; k++) {
        f->x[k] = score_random_normal(&random);
        f->noise[k] = score_random_normal(&random);
        f->probes[0][k] = score_random_normal(&random);
        f->probes[1][k] = score_random_normal(&random);
        f->frames[k] = score_random_normal(&of_frames);
        f->forces[k] = 3 * score_random_normal(&of_frames);
    }
    for (int m = 0; m < SAMPLES; m++) { /* strictly inside: energies are differentiated there */
        f->t[m] = tiny->t_begin + (tiny->t_end - tiny->t_begin) * (m + 0.4) / SAMPLES;
        f->weight[m] = 0.4 + 0.9 * m;
        f->other_t[m] = tiny->t_begin + (tiny->t_end - tiny->t_begin) * 0.9 / (m + 1);
        f->other_log_odds[m] = 0.3 * m - 0.2;
    }
}

static void tear_down(fixture *f) {
    score_losses_destroy(f->losses);
    score_packed_destroy(f->packed);
    score_model_destroy(f->model);
}

/* share times the sums over the first `samples` samples. */
static double evaluate(fixture *f, int samples, double share, double *gradient) {
    score_loss_samples room = score_losses_room(f->losses, samples, f->use);
    for (int k = 0; k < samples * f->coordinates; k++) {
        room.x[k] = f->x[k];
        room.noise[k] = f->noise[k];
        for (int p = 0; p < 2 && room.probes[p] != NULL; p++)
            room.probes[p][k] = f->probes[p][k];
    }
    for (int m = 0; m < samples; m++) {
        room.t[m] = f->t[m];
        room.weight[m] = f->weight[m];
        double *other = room.drawn[SCORE_LOSS_CLASSIFICATION];
        if (other != NULL) {
            other[m * SCORE_OTHER_NUMBERS + SCORE_OTHER_TIME] = f->other_t[m];
            other[m * SCORE_OTHER_NUMBERS + SCORE_OTHER_LOG_ODDS] = f->other_log_odds[m];
        }
        double *forces = room.drawn[SCORE_LOSS_FORCE_MATCHING];
        for (int d = 0; d < f->coordinates && forces != NULL; d++) {
            forces[2 * m * f->coordinates + d] = f->frames[m * f->coordinates + d];
            forces[(2 * m + 1) * f->coordinates + d] = f->forces[m * f->coordinates + d];
        }
    }
    double shares[SCORE_LOSS_KINDS], sums[SCORE_LOSS_KINDS] = {0}, sum = 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        shares[k] = share;
    score_losses_evaluate(f->losses, f->packed, shares, gradient, sums);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        sum += share * sums[k];
    return sum;
}

static double *fold(fixture *f, double *gradient) {
    score_packed_fold_gradient(f->packed, gradient);
    return gradient;
}

/* -------- the value -------- */

/* Energy (output 0) or score components of one sample at x, from a tile of its own. */
static void forward(fixture *f, score_tile *tile, const double *x, double t, double *output) {
    const int beads = TINY_BEADS;
    score_tile_view view = score_tile_set_molecules(tile, 1, &beads, f->setting.features);
    for (int d = 0; d < f->coordinates; d++)
        view.x[d] = x[d];
    view.t[0] = t;
    score_forward(f->packed, tile, &(score_pass){.streams = 1});
    for (int k = 0; k < f->network->outputs; k++)
        output[k] = view.output[k];
}

/* The score at x and t: what a score expert puts out, or -dE/dx by differences of fourth order,
 * whose error is some 1e-12: h^4 = 1e-12 and rounding epsilon |E|/h = 1e-13. */
static void score_of(fixture *f, score_tile *tile, double *x, double t, double *score) {
    const double h = 1e-3;
    if (f->network->expert.output == SCORE_OUTPUT_SCORE) {
        forward(f, tile, x, t, score);
        return;
    }
    for (int d = 0; d < f->coordinates; d++) {
        double energy[4], old = x[d];
        const double steps[4] = {h, -h, 2 * h, -2 * h};
        for (int k = 0; k < 4; k++) {
            x[d] = old + steps[k];
            forward(f, tile, x, t, &energy[k]);
        }
        x[d] = old;
        score[d] = -(8 * (energy[0] - energy[1]) - (energy[2] - energy[3])) / (12 * h);
    }
}

static double energy_at(fixture *f, score_tile *tile, const double *x, double t) {
    double energy = NAN;
    forward(f, tile, x, t, &energy);
    return energy;
}

/* log q_t at x + e z, e a step, of sample m. */
static double along(fixture *f, score_tile *tile, int m, const double *z, double e) {
    double x[9];
    for (int d = 0; d < f->coordinates; d++)
        x[d] = f->x[m * f->coordinates + d] + e * z[m * f->coordinates + d];
    return -energy_at(f, tile, x, f->t[m]);
}

/* z . H z of log q_t by differences of fourth order, and its derivative by time. With h = 1e-3 the
 * truncation, h^4 f^(6)/90 (falling as h^4 down to here), is below 1e-8, the rounding some 10 epsilon
 * |E|/h^2 = 1e-9 |E|. */
static double curvature(fixture *f, score_tile *tile, int m, const double *z) {
    const double h = 1e-3;
    double even[3];
    for (int k = 0; k < 3; k++)
        even[k] = along(f, tile, m, z, k * h) + along(f, tile, m, z, -k * h);
    return (16 * even[1] - even[2] - 15 * even[0]) / (12 * h * h);
}

static double rate(fixture *f, score_tile *tile, int m) {
    const double h = 1e-3 * (f->setting.t_end - f->setting.t_begin), t = f->t[m];
    const double *x = f->x + m * f->coordinates;
    double odd[2];
    for (int k = 0; k < 2; k++)
        odd[k] = energy_at(f, tile, x, t + (k + 1) * h) - energy_at(f, tile, x, t - (k + 1) * h);
    return -(8 * odd[0] - odd[1]) / (12 * h);
}

/* The tent is 1/(2 (m - t0)/(t1 - t0)) below m. */
static double time_weight(const fixture *f, double t) {
    const double t0 = f->setting.t_begin, t1 = f->setting.t_end, peak = f->setting.weight_middle;
    return (t1 - t0) / (2 * (t <= peak ? peak - t0 : t1 - peak));
}

/* w(t) mean (eps + sigma s)^2 written out. */
static double denoising_loss(fixture *f, int m, const double *score) {
    const double t = f->t[m], signal = exp(-t * t * 19.9 / 4 - 0.05 * t);
    const double sigma = sqrt(1 - signal * signal);
    double square = 0;
    for (int d = 0; d < f->coordinates; d++) {
        double residual = f->noise[m * f->coordinates + d] + sigma * score[d];
        square += residual * residual;
    }
    return 1.5 * time_weight(f, t) * square / f->coordinates;
}

/* w(t) / D^2, or the inverse square of (sigma^2)' / (sigma^2 + variance), sigma^2 = 1 - m^2. */
static double residual_weight(const fixture *f, double t) {
    const double variance = f->setting.losses[SCORE_LOSS_FOKKER_PLANCK]
                                .settings[SCORE_FOKKER_PLANCK_VARIANCE];
    const double square = exp(-t * t * 19.9 / 2 - 0.1 * t), slope = (0.1 + 19.9 * t) * square;
    if (variance < 0)
        return time_weight(f, t) / (f->coordinates * f->coordinates);
    return pow((1 - square + variance) / slope, 2);
}

/* That times r_1 r_2, D_r = D without the mean over beads. */
static double fokker_planck_loss(fixture *f, score_tile *tile, int m, const double *score) {
    const double half = (0.1 + 19.9 * f->t[m]) / 2;
    const int dimensions = f->network->dimensions;
    double inner = f->network->centred ? f->coordinates - dimensions : f->coordinates, r[2];
    for (int d = 0; d < f->coordinates; d++)
        inner += score[d] * (score[d] + f->x[m * f->coordinates + d]);
    for (int k = 0; k < 2; k++)
        r[k] = rate(f, tile, m) - half * (inner + curvature(f, tile, m, f->probes[k]));
    return 0.02 * residual_weight(f, f->t[m]) * r[0] * r[1];
}

/* -log of q(x, t) / (q(x, t) + q(x, t') exp(-odds)) */
static double classification_loss(fixture *f, score_tile *tile, int m) {
    const double *x = f->x + m * f->coordinates;
    const double right = exp(f->other_log_odds[m] - energy_at(f, tile, x, f->t[m]));
    const double wrong = exp(-energy_at(f, tile, x, f->other_t[m]));
    return -0.7 * log(right / (right + wrong));
}

/* The mean of (F - s)^2 at the frame and t = 1e-5. */
static double force_matching_loss(fixture *f, score_tile *tile, int m) {
    double score[9], square = 0;
    score_of(f, tile, f->frames + m * f->coordinates, 1e-5, score);
    for (int d = 0; d < f->coordinates; d++)
        square += pow(f->forces[m * f->coordinates + d] - score[d], 2);
    return 0.3 * square / f->coordinates;
}

static double expected_loss(fixture *f) {
    const score_streams streams = {.count = 1};
    const score_tile_limits limits = {
        .molecules = 1, .rows = TINY_BEADS, .pairs = TINY_BEADS * TINY_BEADS};
    score_tile *tile = NULL;
    score_error error = {0};
    assert_int_equal(score_tile_create(f->network, &streams, &limits, &tile, &error), SCORE_OK);
    double sum = 0;
    for (int m = 0; m < SAMPLES; m++) {
        double score[9] = {0};
        score_of(f, tile, f->x + m * f->coordinates, f->t[m], score);
        sum += f->weight[m] * denoising_loss(f, m, score);
        if (f->use & BIT(SCORE_LOSS_FOKKER_PLANCK))
            sum += f->weight[m] * fokker_planck_loss(f, tile, m, score);
        if (f->use & BIT(SCORE_LOSS_CLASSIFICATION))
            sum += f->weight[m] * classification_loss(f, tile, m);
        if (f->use & BIT(SCORE_LOSS_FORCE_MATCHING))
            sum += force_matching_loss(f, tile, m);
    }
    score_tile_destroy(tile);
    return sum;
}

static void loss_is_its_formula(void **state) {
    (void)state;
    for (int n = 0; n < TINY_NETWORK_COUNT; n++)
        for (int s = 0; s < set_count(&TINY_NETWORKS[n]); s++) {
            fixture f;
            set_up(&f, &TINY_NETWORKS[n], SETS[s]);
            double expected = expected_loss(&f), loss = evaluate(&f, SAMPLES, 1, NULL);
            /* The residuals are of order 1 to 10, the scores exact to 1e-11, the
             * curvatures to 1e-8. */
            const double part = f.use & BIT(SCORE_LOSS_FOKKER_PLANCK) ? 1e-7 : 1e-9;
            if (!(fabs(loss - expected) <= part * fabs(expected)))
                fail_msg("%s, losses %x: %.15g, expected %.15g", TINY_NETWORKS[n].name, f.use, loss,
                         expected);
            tear_down(&f);
        }
}

/* -------- the gradient -------- */

static double loss_with(fixture *f, double *parameter, double value) {
    double old = *parameter;
    *parameter = value;
    const score_executor serial = score_executor_serial();
    score_packed_update(f->packed, score_model_parameters(f->model, 0), &serial);
    double loss = evaluate(f, SAMPLES, 1.0 / SAMPLES, NULL);
    *parameter = old;
    return loss;
}

/* Half the difference of the losses at parameter + step and parameter - step. */
static double odd_part(fixture *f, double *parameter, double step) {
    const double p = *parameter;
    return (loss_with(f, parameter, p + step) - loss_with(f, parameter, p - step)) / 2;
}

/* The derivative of the loss by differences of fourth order, of step h, and what it may be off by:
 * a fifteenth of how far it is from that of step 2h, three times over, and rounding, a few epsilon
 * |loss|/h. */
static double difference(fixture *f, double *parameter, double loss, double *tolerance) {
    const double h = 1e-3, one = odd_part(f, parameter, h), two = odd_part(f, parameter, 2 * h);
    const double four = odd_part(f, parameter, 4 * h);
    const double fine = (8 * one - two) / (6 * h), coarse = (8 * two - four) / (12 * h);
    *tolerance = fabs(coarse - fine) / 5 + 100 * 2.2e-16 * fabs(loss) / h;
    return fine;
}

static void check_gradient(fixture *f, const char *name) {
    double *gradient = calloc(score_packed_gradient_size(f->packed), sizeof *gradient);
    const double loss = evaluate(f, SAMPLES, 1.0 / SAMPLES, gradient);
    fold(f, gradient);
    double *parameters = score_model_parameters(f->model, 0), largest = 0;
    for (size_t k = 0; k < f->network->parameter_count; k++)
        largest = fmax(largest, fabs(gradient[k]));
    assert_true(isfinite(largest) && largest > 0);
    for (size_t k = 0; k < f->network->parameter_count; k += stride) {
        double tolerance, expected = difference(f, &parameters[k], loss, &tolerance);
        assert_true(tolerance < 1e-4 * largest);
        if (!(fabs(gradient[k] - expected) <= tolerance))
            fail_msg("%s, losses %x, parameter %zu: %.12g, expected %.12g +- %.1g", name, f->use, k,
                     gradient[k], expected, tolerance);
    }
    free(gradient);
}

static void gradient_is_the_difference_of_the_loss(void **state) {
    (void)state;
    for (int n = 0; n < TINY_NETWORK_COUNT; n++)
        for (int s = 0; s < set_count(&TINY_NETWORKS[n]); s++) {
            fixture f;
            set_up(&f, &TINY_NETWORKS[n], SETS[s]);
            check_gradient(&f, TINY_NETWORKS[n].name);
            tear_down(&f);
        }
}

static void gradients_of_tiles_add_up(void **state) {
    (void)state;
    for (int n = 0; n < TINY_NETWORK_COUNT; n++) {
        fixture f;
        set_up(&f, &TINY_NETWORKS[n], SETS[set_count(&TINY_NETWORKS[n]) - 1]);
        const size_t size = score_packed_gradient_size(f.packed);
        double *together = calloc(size, sizeof *together), *apart = calloc(size, sizeof *apart);
        double loss = evaluate(&f, SAMPLES, 0.25, together), sum = 0;
        for (int m = 0; m < SAMPLES; m++) { /* each sample alone, moved to the first place */
            fixture one = f;
            for (int d = 0; d < f.coordinates; d++) {
                one.x[d] = f.x[m * f.coordinates + d];
                one.noise[d] = f.noise[m * f.coordinates + d];
                one.frames[d] = f.frames[m * f.coordinates + d];
                one.forces[d] = f.forces[m * f.coordinates + d];
                for (int p = 0; p < 2; p++)
                    one.probes[p][d] = f.probes[p][m * f.coordinates + d];
            }
            one.t[0] = f.t[m];
            one.weight[0] = f.weight[m];
            one.other_t[0] = f.other_t[m];
            one.other_log_odds[0] = f.other_log_odds[m];
            sum += evaluate(&one, 1, 0.25, apart);
        }
        fold(&f, together);
        fold(&f, apart);
        double largest = 0;
        for (size_t k = 0; k < f.network->parameter_count; k++)
            largest = fmax(largest, fabs(together[k]));
        assert_true(fabs(loss - sum) <= 1e-12 * fabs(loss));
        for (size_t k = 0; k < f.network->parameter_count; k++)
            assert_true(fabs(together[k] - apart[k]) <= 1e-12 * largest);
        free(together);
        free(apart);
        tear_down(&f);
    }
}

int main(int count, char **arguments) {
    if (count > 1)
        stride = strtoul(arguments[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_its_formula),
        cmocka_unit_test(gradient_is_the_difference_of_the_loss),
        cmocka_unit_test(gradients_of_tiles_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "model/diffused_gaussian.h"

#include <math.h>

enum { MOST_DIMENSIONS = 3, ORDERS = 4 };

/* Functions of t with their first three derivatives. */
typedef struct time_functions {
    double signal[ORDERS]; /* m */
    double square[ORDERS]; /* m^2 */
    double noise_square;   /* sigma^2, which is not 1 - m^2 where it is small */
} time_functions;

typedef struct mode_functions {
    double precision[ORDERS]; /* P = 1/v */
    double log_width[ORDERS]; /* c L */
} mode_functions;

/* One mode: z is the sum over i of direction[i] x[i], with `components` numbers to an x[i]. */
typedef struct gaussian_mode {
    int components;          /* of z */
    int width;               /* numbers of `direction` */
    const double *direction; /* NULL: z is bead `bead` */
    int bead;
    double variance;
    double mean;       /* u . mu; 0 where z has several components */
    double dimensions; /* c */
} gaussian_mode;

/* A mode of one molecule at its time, and the direction under way. */
typedef struct projection {
    gaussian_mode mode;
    mode_functions f;
    const double *signal;          /* m and its derivatives */
    double z[MOST_DIMENSIONS];     /* and, along the direction, */
    double along[MOST_DIMENSIONS]; /* z' */
    double rate;                   /* t' */
    double bend;                   /* the component of z'' */
} projection;

/* f = value exp(h) with its derivatives by t where h is 0, h' = slope, h'' = bend and
 * h''' = twist. */
static void exponential(double value, double slope, double bend, double twist, double f[ORDERS]) {
    f[0] = value;
    f[1] = slope * value;
    f[2] = (slope * slope + bend) * value;
    f[3] = (slope * (slope * slope + 3 * bend) + twist) * value;
}

/* m' = -beta m/2. */
static time_functions functions_of_time(score_noise_schedule schedule, double t) {
    time_functions f;
    const double m = score_signal(schedule, t), sigma = score_noise(schedule, t);
    double beta[3];
    score_beta_derivatives(schedule, t, beta);
    exponential(m, -beta[0] / 2, -beta[1] / 2, -beta[2] / 2, f.signal);
    exponential(m * m, -beta[0], -beta[1], -beta[2], f.square);
    f.noise_square = sigma * sigma;
    return f;
}

/* v = m^2 g + sigma^2 = 1 + (g - 1) m^2; P v = 1 and L' = P v', differentiated by Leibniz' rule. */
static mode_functions functions_of_mode(const time_functions *time, const gaussian_mode *mode) {
    mode_functions f;
    double v[ORDERS], *p = f.precision, *l = f.log_width;
    v[0] = time->square[0] * mode->variance + time->noise_square;
    for (int n = 1; n < ORDERS; n++)
        v[n] = (mode->variance - 1) * time->square[n];
    p[0] = 1 / v[0];
    p[1] = -p[0] * p[0] * v[1];
    p[2] = -p[0] * (2 * p[1] * v[1] + p[0] * v[2]);
    p[3] = -p[0] * (3 * p[2] * v[1] + 3 * p[1] * v[2] + p[0] * v[3]);
    l[0] = log(2 * 3.14159265358979323846 * v[0]);
    l[1] = p[0] * v[1];
    l[2] = p[1] * v[1] + p[0] * v[2];
    l[3] = p[2] * v[1] + 2 * p[1] * v[2] + p[0] * v[3];
    for (int n = 0; n < ORDERS; n++)
        l[n] *= mode->dimensions;
    return f;
}

static int mode_count(const score_diffused_gaussian *shape, int molecule) {
    return shape->gaussian->over == SCORE_OVER_ALL
               ? shape->first_row[molecule + 1] - shape->first_row[molecule]
               : shape->gaussian->modes;
}

static gaussian_mode mode_of(const score_diffused_gaussian *shape, int molecule, int k) {
    const score_gaussian *gaussian = shape->gaussian;
    const int width = gaussian->width, d = shape->dimensions;
    if (gaussian->over == SCORE_OVER_ALL) {
        const bool unseen = shape->centred && k == mode_count(shape, molecule) - 1;
        return (gaussian_mode){.components = d,
                               .bead = k,
                               .variance = gaussian->variances[0],
                               .dimensions = unseen ? 0 : d};
    }
    gaussian_mode found = {.components = gaussian->over == SCORE_OVER_BEADS ? d : 1,
                           .width = width,
                           .direction = gaussian->directions + (ptrdiff_t)k * width,
                           .variance = gaussian->variances[k]};
    found.dimensions = found.components;
    for (int i = 0; i < width && gaussian->mean != NULL; i++)
        found.mean += found.direction[i] * gaussian->mean[i];
    return found;
}

/* z = u . x - mean. */
static void project(const gaussian_mode *mode, const score_real *x, double mean,
                    double z[MOST_DIMENSIONS]) {
    for (int c = 0; c < mode->components; c++) {
        double sum = -mean;
        if (mode->direction == NULL)
            sum += (double)x[mode->bead * mode->components + c];
        else
            for (int i = 0; i < mode->width; i++)
                sum += mode->direction[i] * (double)x[i * mode->components + c];
        z[c] = sum;
    }
}

/* x_bar += z_bar u. */
static void spread(const gaussian_mode *mode, const double z_bar[MOST_DIMENSIONS],
                   score_real *x_bar) {
    for (int c = 0; c < mode->components; c++) {
        if (mode->direction == NULL)
            x_bar[mode->bead * mode->components + c] += (score_real)z_bar[c];
        else
            for (int i = 0; i < mode->width; i++)
                x_bar[i * mode->components + c] += (score_real)(mode->direction[i] * z_bar[c]);
    }
}

static double dot(const gaussian_mode *mode, const double *a, const double *b) {
    double sum = 0;
    for (int c = 0; c < mode->components; c++)
        sum += a[c] * b[c];
    return sum;
}

/* z of the value. */
static projection project_value(const score_diffused_gaussian *shape, const time_functions *time,
                                int molecule, int k, const score_real *x) {
    projection p = {.mode = mode_of(shape, molecule, k), .signal = time->signal};
    p.f = functions_of_mode(time, &p.mode);
    project(&p.mode, x, p.signal[0] * p.mode.mean, p.z);
    return p;
}

/* z' and z'' along a direction. */
static void project_direction(projection *p, const score_real *x, double rate) {
    p->rate = rate;
    project(&p->mode, x, p->signal[1] * p->mode.mean * rate, p->along);
    p->bend = -p->signal[2] * p->mode.mean * rate * rate;
}

static double value_of(const projection *p) {
    return (dot(&p->mode, p->z, p->z) * p->f.precision[0] + p->f.log_width[0]) / 2;
}

static double first_order_of(const projection *p) {
    const double *precision = p->f.precision, r = p->rate;
    return dot(&p->mode, p->z, p->along) * precision[0] +
           (dot(&p->mode, p->z, p->z) * precision[1] + p->f.log_width[1]) / 2 * r;
}

static double second_order_of(const projection *p) {
    const double *precision = p->f.precision, r = p->rate;
    return (dot(&p->mode, p->along, p->along) + p->z[0] * p->bend) * precision[0] +
           2 * dot(&p->mode, p->z, p->along) * precision[1] * r +
           (dot(&p->mode, p->z, p->z) * precision[2] + p->f.log_width[2]) / 2 * r * r;
}

/* Molecule `molecule` of a stream's x or of the value's. */
static const score_real *stream_x(const score_diffused_gaussian *shape, const score_real *x,
                                  int stream, int molecule) {
    const ptrdiff_t row = (ptrdiff_t)stream * shape->rows + shape->first_row[molecule];
    return x + row * shape->dimensions;
}

/* Stream `stream` has an order above 0: its direction. */
static void turn_to(projection *p, const score_streams *layout,
                    const score_diffused_gaussian *shape, const score_real *x, const score_real *t,
                    int stream, int molecule) {
    const int first = stream - layout->order[stream] + 1;
    const double rate = layout->moves_time[stream] ? (double)t[first * shape->molecules + molecule]
                                                   : 0;
    project_direction(p, stream_x(shape, x, first, molecule), rate);
}

void score_diffused_gaussian_forward(const score_streams *layout, unsigned streams,
                                     const score_diffused_gaussian *shape, const score_real *x,
                                     const score_real *t, score_real *energy) {
    for (int m = 0; m < shape->molecules; m++) {
        const time_functions time = functions_of_time(shape->schedule, (double)t[m]);
        double sum[SCORE_MAX_STREAMS] = {0};
        for (int k = 0; k < mode_count(shape, m); k++) {
            projection p = project_value(shape, &time, m, k, stream_x(shape, x, 0, m));
            for (int s = 0; s < layout->count; s++) {
                if (!score_has_stream(streams, s))
                    continue;
                if (s > 0)
                    turn_to(&p, layout, shape, x, t, s, m);
                sum[s] += layout->order[s] == 0   ? value_of(&p)
                          : layout->order[s] == 1 ? first_order_of(&p)
                                                  : second_order_of(&p);
            }
        }
        for (int s = 0; s < layout->count; s++)
            if (score_has_stream(streams, s))
                energy[s * shape->molecules + m] =
                    (score_real)((double)energy[s * shape->molecules + m] + sum[s]);
    }
}

/* Adds bar times the derivative of one order of E by z (of the value), and returns that by t. */
static double value_backward(const projection *p, double bar, double z_bar[MOST_DIMENSIONS]) {
    const double *precision = p->f.precision;
    const double z_t = -p->signal[1] * p->mode.mean;
    for (int c = 0; c < p->mode.components; c++)
        z_bar[c] += bar * p->z[c] * precision[0];
    return bar * ((dot(&p->mode, p->z, p->z) * precision[1] + p->f.log_width[1]) / 2 +
                  p->z[0] * z_t * precision[0]);
}

static double first_order_backward(const projection *p, double bar, double z_bar[MOST_DIMENSIONS]) {
    const double *precision = p->f.precision, r = p->rate;
    const double z_t = -p->signal[1] * p->mode.mean, along_t = -p->signal[2] * p->mode.mean * r;
    for (int c = 0; c < p->mode.components; c++)
        z_bar[c] += bar * (p->along[c] * precision[0] + p->z[c] * precision[1] * r);
    return bar * (dot(&p->mode, p->z, p->along) * precision[1] +
                  (dot(&p->mode, p->z, p->z) * precision[2] + p->f.log_width[2]) / 2 * r +
                  (z_t * p->along[0] + p->z[0] * along_t) * precision[0] +
                  p->z[0] * z_t * precision[1] * r);
}

static double second_order_backward(const projection *p, double bar,
                                    double z_bar[MOST_DIMENSIONS]) {
    const double *precision = p->f.precision, r = p->rate;
    const double z_t = -p->signal[1] * p->mode.mean, along_t = -p->signal[2] * p->mode.mean * r;
    const double bend_t = -p->signal[3] * p->mode.mean * r * r;
    for (int c = 0; c < p->mode.components; c++)
        z_bar[c] += bar * (p->bend * precision[0] + 2 * p->along[c] * precision[1] * r +
                           p->z[c] * precision[2] * r * r);
    return bar * ((dot(&p->mode, p->along, p->along) + p->z[0] * p->bend) * precision[1] +
                  2 * dot(&p->mode, p->z, p->along) * precision[2] * r +
                  (dot(&p->mode, p->z, p->z) * precision[3] + p->f.log_width[3]) / 2 * r * r +
                  (2 * p->along[0] * along_t + z_t * p->bend + p->z[0] * bend_t) * precision[0] +
                  2 * (z_t * p->along[0] + p->z[0] * along_t) * precision[1] * r +
                  p->z[0] * z_t * precision[2] * r * r);
}

void score_diffused_gaussian_backward(const score_streams *layout, unsigned streams,
                                      const score_diffused_gaussian *shape, const score_real *x,
                                      const score_real *t, const score_real *energy_bar,
                                      score_real *x_bar, score_real *t_bar) {
    for (int m = 0; m < shape->molecules; m++) {
        const time_functions time = functions_of_time(shape->schedule, (double)t[m]);
        score_real *bar_of_x = x_bar + (ptrdiff_t)shape->first_row[m] * shape->dimensions;
        double by_time = 0;
        for (int k = 0; k < mode_count(shape, m); k++) {
            projection p = project_value(shape, &time, m, k, stream_x(shape, x, 0, m));
            double z_bar[MOST_DIMENSIONS] = {0};
            for (int s = 0; s < layout->count; s++) {
                if (!score_has_stream(streams, s))
                    continue;
                const double bar = (double)energy_bar[s * shape->molecules + m];
                if (s > 0)
                    turn_to(&p, layout, shape, x, t, s, m);
                by_time += layout->order[s] == 0   ? value_backward(&p, bar, z_bar)
                           : layout->order[s] == 1 ? first_order_backward(&p, bar, z_bar)
                                                   : second_order_backward(&p, bar, z_bar);
            }
            spread(&p.mode, z_bar, bar_of_x);
        }
        if (t_bar != NULL)
            t_bar[m] = (score_real)((double)t_bar[m] + by_time);
    }
}

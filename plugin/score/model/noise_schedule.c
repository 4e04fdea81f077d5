#include "model/noise_schedule.h"

#include <math.h>
#include <string.h>

typedef struct schedule_kind {
    const char *word;  /* in files */
    const char *title; /* for readers */
    const score_setting *settings;
    /* What must hold of several settings together. */
    score_status (*check)(const double *settings, score_error *error);
    double (*signal)(const double *settings, double t);
    double (*noise)(const double *settings, double t);
    void (*beta)(const double *settings, double t, double beta[3]);
    double (*time_of_noise)(const double *settings, double noise);
} schedule_kind;

/* The place of setting number k. */
#define AT(k) (offsetof(score_noise_schedule, settings) + (k) * sizeof(double))

/* -------- beta linear in time: beta(t) = betaMin + (betaMax - betaMin) t --------
 * (arXiv 2506.17139, section 2; Song et al., arXiv 2011.13456, eq. 32 and 33) */

enum { BETA_MIN, BETA_MAX };

static const score_setting linear_settings[] = {
    {.name = "betaMin", .offset = AT(BETA_MIN), .kind = SCORE_SETTING_NUMBER, .usual = 0.1},
    {.name = "betaMax", .offset = AT(BETA_MAX), .kind = SCORE_SETTING_NUMBER, .usual = 20},
    {.name = NULL}};

static score_status check_linear(const double *s, score_error *error) {
    if (s[BETA_MAX] < s[BETA_MIN])
        return score_fail(error, SCORE_ERROR_ARGUMENT, "betaMax is %g, less than betaMin %g",
                          s[BETA_MAX], s[BETA_MIN]);
    return SCORE_OK;
}

/* log m(t) = -t^2 (betaMax - betaMin)/4 - betaMin t/2 */
static double linear_log_signal(const double *s, double t) {
    return -t * t * (s[BETA_MAX] - s[BETA_MIN]) / 4 - s[BETA_MIN] * t / 2;
}

static double linear_signal(const double *s, double t) {
    return exp(linear_log_signal(s, t));
}

static double linear_noise(const double *s, double t) {
    return sqrt(-expm1(2 * linear_log_signal(s, t)));
}

static void linear_beta(const double *s, double t, double beta[3]) {
    beta[0] = s[BETA_MIN] + (s[BETA_MAX] - s[BETA_MIN]) * t;
    beta[1] = s[BETA_MAX] - s[BETA_MIN];
    beta[2] = 0;
}

/* The root of t^2 (betaMax - betaMin)/4 + betaMin t/2 + log m = 0, in the form that does not
 * cancel. */
static double linear_time_of_noise(const double *s, double noise) {
    const double log_m = log1p(-noise * noise) / 2, half = s[BETA_MIN] / 2;
    const double slope = s[BETA_MAX] - s[BETA_MIN];
    return -2 * log_m / (half + sqrt(half * half - slope * log_m));
}

/* -------- cosine: m(t) = cos(theta)/cos(theta_0), theta = theta_0 + w t --------
 * (Nichol and Dhariwal, arXiv 2102.09672, eq. 17; Arts et al., "Two for one", arXiv 2302.00600, with
 * an offset of .008)
 *
 * theta_0 = (pi/2) offset/(1 + offset) keeps sigma from growing too slowly at first. In the papers
 * theta ends at pi/2, where beta = 2 w tan(theta) is infinite, and beta is clipped at .999 a step of
 * 1/1000. Here theta ends a little earlier, where m(1) = COSINE_END: every function is smooth on all
 * of [0, 1], and beta, of up to 2 w/COSINE_END = 620, is below that clip. */

enum { OFFSET };

static const double COSINE_END = 0.005;

static const score_setting cosine_settings[] = {
    {.name = "offset", .offset = AT(OFFSET), .kind = SCORE_SETTING_NUMBER, .usual = 0.008},
    {.name = NULL}};

static score_status check_cosine(const double *s, score_error *error) {
    if (s[OFFSET] > 1)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "offset is %g, must be at most 1",
                          s[OFFSET]);
    return SCORE_OK;
}

static double first_angle(const double *s) {
    return acos(-1) / 2 * s[OFFSET] / (1 + s[OFFSET]);
}

/* w */
static double turn(const double *s) {
    const double first = first_angle(s);
    return acos(COSINE_END * cos(first)) - first;
}

static double cosine_signal(const double *s, double t) {
    const double first = first_angle(s);
    return cos(first + turn(s) * t) / cos(first);
}

/* cos^2(theta_0) - cos^2(theta) = sin(theta - theta_0) sin(theta + theta_0) */
static double cosine_noise(const double *s, double t) {
    const double first = first_angle(s), turned = turn(s) * t;
    return sqrt(sin(turned) * sin(turned + 2 * first)) / cos(first);
}

static void cosine_beta(const double *s, double t, double beta[3]) {
    const double w = turn(s), tangent = tan(first_angle(s) + w * t);
    const double slope = 1 + tangent * tangent; /* of the tangent by theta */
    beta[0] = 2 * w * tangent;
    beta[1] = 2 * w * w * slope;
    beta[2] = 4 * w * w * w * tangent * slope;
}

/* sin(theta) from sin^2(theta) - sin^2(theta_0) = sigma^2 cos^2(theta_0), and w t from
 * sin(theta) - sin(theta_0) = 2 cos((theta + theta_0)/2) sin(w t/2), which does not cancel. */
static double cosine_time_of_noise(const double *s, double noise) {
    const double first = first_angle(s), square = noise * noise * cos(first) * cos(first);
    const double sine = sqrt(sin(first) * sin(first) + square);
    const double angle = atan2(sine, sqrt((1 - noise) * (1 + noise)) * cos(first));
    const double rise = square / (sine + sin(first));
    return 2 * asin(rise / (2 * cos((angle + first) / 2))) / turn(s);
}

/* -------- the table -------- */

static const schedule_kind kinds[] = {
    {"variance-preserving", "variance-preserving, beta linear in time", linear_settings,
     check_linear, linear_signal, linear_noise, linear_beta, linear_time_of_noise},
    {"cosine", "cosine", cosine_settings, check_cosine, cosine_signal, cosine_noise, cosine_beta,
     cosine_time_of_noise},
};

static const schedule_kind *find(int kind) {
    return kind >= 0 && kind < (int)(sizeof kinds / sizeof kinds[0]) ? &kinds[kind] : NULL;
}

const char *score_noise_schedule_word(int kind) {
    return find(kind) == NULL ? NULL : kinds[kind].word;
}

int score_noise_schedule_find(const char *word) {
    int kind = 0;
    while (find(kind) != NULL && strcmp(kinds[kind].word, word) != 0)
        kind++;
    return find(kind) == NULL ? -1 : kind;
}

const char *score_noise_schedule_title(int kind) {
    return kinds[kind].title;
}

const char *score_noise_schedule_setting(int kind, int index) {
    return kinds[kind].settings[index].name;
}

const score_setting *score_noise_schedule_settings(int kind) {
    return kinds[kind].settings;
}

score_noise_schedule score_noise_schedule_usual(int kind) {
    score_noise_schedule schedule = {.kind = kind};
    for (const score_setting *setting = kinds[kind].settings; setting->name != NULL; setting++)
        score_setting_set(&schedule, setting, setting->usual);
    return schedule;
}

score_status score_noise_schedule_check(const score_noise_schedule *schedule, score_error *error) {
    const schedule_kind *kind = find(schedule->kind);
    if (kind == NULL)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "there is no noise schedule of number %d",
                          schedule->kind);
    const score_status status = score_settings_check(schedule, kind->settings, error);
    return status == SCORE_OK ? kind->check(schedule->settings, error) : status;
}

double score_signal(score_noise_schedule schedule, double t) {
    return kinds[schedule.kind].signal(schedule.settings, t);
}

double score_noise(score_noise_schedule schedule, double t) {
    return kinds[schedule.kind].noise(schedule.settings, t);
}

void score_beta_derivatives(score_noise_schedule schedule, double t, double beta[3]) {
    kinds[schedule.kind].beta(schedule.settings, t, beta);
}

double score_beta(score_noise_schedule schedule, double t) {
    double beta[3];
    score_beta_derivatives(schedule, t, beta);
    return beta[0];
}

double score_time_of_noise(score_noise_schedule schedule, double noise) {
    return kinds[schedule.kind].time_of_noise(schedule.settings, noise);
}

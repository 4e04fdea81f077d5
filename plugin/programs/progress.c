#define _POSIX_C_SOURCE 200809L
#include "programs/progress.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double TERMINAL_INTERVAL_S = 0.25, PLAIN_INTERVAL_S = 10;

double score_now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

score_progress score_progress_begin(FILE *stream) {
    return (score_progress){
        .stream = stream, .terminal = isatty(fileno(stream)) == 1, .last = -INFINITY};
}

bool score_progress_is_due(const score_progress *progress, bool is_row, double now) {
    if (progress->terminal)
        return is_row || now - progress->last >= TERMINAL_INTERVAL_S;
    return is_row && now - progress->last >= PLAIN_INTERVAL_S;
}

const char *score_duration_text(double seconds, char text[32]) {
    if (!(seconds < 3.6e9))
        snprintf(text, 32, "unknown time");
    else if (seconds >= 3600)
        snprintf(text, 32, "%.0f h %02.0f min", floor(seconds / 3600),
                 floor(fmod(seconds, 3600) / 60));
    else if (seconds >= 60)
        snprintf(text, 32, "%.0f min %02.0f s", floor(seconds / 60), floor(fmod(seconds, 60)));
    else
        snprintf(text, 32, "%.0f s", floor(seconds));
    return text;
}

void score_progress_show(score_progress *progress, const score_progress_values *values,
                         double now) {
    char line[256], left[32], stage[32] = "", loss[32] = "", validation[48] = "";
    if (values->stages > 1)
        snprintf(stage, sizeof stage, "stage %d/%d  ", values->stage, values->stages);
    if (!isnan(values->loss))
        snprintf(loss, sizeof loss, "  loss %.5f", values->loss);
    if (!isnan(values->validation_loss))
        snprintf(validation, sizeof validation, "  validation %.5f", values->validation_loss);
    snprintf(line, sizeof line, "%sepoch %.2f/%.4g%s%s  %.0f samples/s  %s left", stage,
             values->epoch, values->epochs, loss, validation, values->samples_per_s,
             score_duration_text(values->seconds_left, left));
    score_progress_write(progress, line, now);
}

void score_progress_write(score_progress *progress, const char *line, double now) {
    if (progress->terminal) {
        const int width = (int)strlen(line);
        /* Blanks over what a longer line before has left. */
        int blanks = progress->width > width ? progress->width - width : 0;
        fprintf(progress->stream, "\r%s%*s", line, blanks, "");
        progress->width = width;
    } else {
        fprintf(progress->stream, "%s\n", line);
    }
    fflush(progress->stream);
    progress->last = now;
}

void score_progress_end(score_progress *progress) {
    if (progress->terminal && progress->width > 0)
        fprintf(progress->stream, "\n");
    progress->width = 0;
}

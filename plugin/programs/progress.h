/* What a person sees of a run: on a terminal one line that is kept up to date, elsewhere (a file, a
 * pipe) a line now and then. */
#ifndef SCORE_PROGRESS_H
#define SCORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct score_progress {
    FILE *stream;
    bool terminal;
    double last; /* time of the last line, s */
    int width;   /* of the line on the terminal now */
} score_progress;

typedef struct score_progress_values {
    int stage; /* from 1 */
    int stages;
    double epoch;
    double epochs;          /* of the whole run */
    double loss;            /* not a number: not known yet */
    double validation_loss; /* not a number: there is none */
    double samples_per_s;
    double seconds_left;
} score_progress_values;

/* Seconds of a clock that never goes back. */
double score_now_s(void);

score_progress score_progress_begin(FILE *stream);

/* Whether it is time for score_progress_show. `is_row`: a row of the log has just been written. */
bool score_progress_is_due(const score_progress *progress, bool is_row, double now);
void score_progress_show(score_progress *progress, const score_progress_values *values, double now);
/* The same with any text. */
void score_progress_write(score_progress *progress, const char *line, double now);

/* Moves on from the line on the terminal, so that other text may follow. */
void score_progress_end(score_progress *progress);

/* "2 h 05 min", "3 min 20 s", "12 s"; returns `text`. */
const char *score_duration_text(double seconds, char text[32]);

#endif

#define _POSIX_C_SOURCE 200809L
#include "run/log_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "losses/loss.h"

typedef char log_header[512];

static const char *write_header(unsigned columns, log_header header) {
    size_t used = (size_t)snprintf(header, sizeof(log_header), "stage,step,samples,epoch,rate");
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        if ((columns & SCORE_BIT(k)) != 0)
            used += (size_t)snprintf(header + used, sizeof(log_header) - used, ",%s",
                                     score_loss_table[k]->column);
    snprintf(header + used, sizeof(log_header) - used,
             ",validation_denoising,gradient_norm,samples_per_s,seconds\n");
    return header;
}

static score_status fail(const char *path, const char *what, score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FILE, path, 0, "%s: %s", what, strerror(errno));
}

score_status score_log_create(const char *path, unsigned columns, FILE **log, score_error *error) {
    log_header header;
    *log = fopen(path, "w");
    if (*log == NULL || fputs(write_header(columns, header), *log) == EOF || fflush(*log) != 0)
        return fail(path, "cannot be written", error);
    return SCORE_OK;
}

/* Whether `line` is a whole row of a run that was not further than `samples`: its third number. */
static int is_kept(const char *line, ssize_t length, uint64_t samples) {
    const char *field = line;
    for (int k = 0; k < 2 && field != NULL; k++) {
        field = strchr(field, ',');
        field = field == NULL ? NULL : field + 1;
    }
    if (field == NULL || line[length - 1] != '\n')
        return 0;
    char *end;
    unsigned long long done = strtoull(field, &end, 10);
    return end != field && *end == ',' && done <= samples;
}

score_status score_log_resume(const char *path, unsigned columns, uint64_t samples, FILE **log,
                              score_error *error) {
    log_header header;
    write_header(columns, header);
    *log = fopen(path, "r+");
    if (*log == NULL)
        return errno == ENOENT ? score_log_create(path, columns, log, error)
                               : fail(path, "cannot be opened", error);
    char *line = NULL;
    size_t room = 0;
    off_t kept = 0;
    score_status status = SCORE_OK;
    ssize_t length = getline(&line, &room, *log);
    if (length >= 0 && strcmp(line, header) == 0) {
        do
            kept += length;
        while ((length = getline(&line, &room, *log)) > 0 && is_kept(line, length, samples));
        if (ftruncate(fileno(*log), kept) != 0 || fseeko(*log, kept, SEEK_SET) != 0)
            status = fail(path, "cannot be written", error);
    } else if (length >= 0 && strncmp(line, header, (size_t)length) != 0) {
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 1,
                               "is not the log of a training run");
    } else { /* killed before the header was written */
        fclose(*log);
        status = score_log_create(path, columns, log, error);
    }
    free(line);
    return status;
}

/* ",value", or "," where there is none. */
static int write_optional(FILE *log, double value, bool is_there) {
    return is_there ? fprintf(log, ",%.8g", value) : fprintf(log, ",");
}

score_status score_log_write(FILE *log, const char *path, const score_log_row *row,
                             score_error *error) {
    bool written = fprintf(log, "%d,%" PRIu64 ",%" PRIu64 ",%.6g,%.6g", row->stage, row->step,
                           row->samples, row->epoch, row->rate) > 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        if ((row->columns & SCORE_BIT(k)) != 0)
            written = written && write_optional(log, row->losses[k], row->losses[k] != 0) > 0;
    written = written &&
              write_optional(log, row->validation_loss, !isnan(row->validation_loss)) > 0;
    written = written && fprintf(log, ",%.6g,%.5g,%.2f\n", row->gradient_norm, row->samples_per_s,
                                 row->seconds) > 0;
    if (!written || fflush(log) != 0)
        return fail(path, "cannot be written", error);
    return SCORE_OK;
}

score_status score_log_sync(FILE *log, const char *path, score_error *error) {
    if (fflush(log) != 0 || fsync(fileno(log)) != 0)
        return fail(path, "cannot be written", error);
    return SCORE_OK;
}

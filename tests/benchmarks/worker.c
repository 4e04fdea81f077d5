/* One participant of a benchmark: does what it is told on standard input and answers on standard
 * output, a line each, so that a run can have its participants take turns.
 *
 *     model PATH BEADS HIDDEN LAYERS HEADS WIDTH   writes a model with random weights
 *     force MODEL single|double MOLECULES THREADS POSITIONS
 *     read BYTES THREADS
 *     train RECIPE THREADS INITIAL                 these three make the job (job.h)
 *     time CALLS WARM                              calls the job, WARM times untimed before
 *     write PATH                                   what the calls gave, as doubles
 *     memory                                       the most memory the process had, in KiB
 *
 * Words are separated by tabs. The answer is "ok", for `time` followed by the seconds of processor
 * time that the timed calls took together and the seconds of each, or "error" and what is wrong. */
#define _XOPEN_SOURCE 700 /* clock_gettime, getrusage */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench_model.h"
#include "job.h"

enum { MOST_WORDS = 8, LINE_SIZE = 8192 };

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int number(const char *word) {
    return (int)strtol(word, NULL, 10);
}

static score_status time_calls(bench_job *job, int calls, int warm, score_error *error) {
    if (job == NULL)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "no job");
    double *times = calloc((size_t)calls, sizeof *times);
    if (times == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    score_status status = SCORE_OK;
    for (int k = 0; k < warm && status == SCORE_OK; k++)
        status = job->call(job, error);
    const double processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int k = 0; k < calls && status == SCORE_OK; k++) {
        const double begin = seconds(CLOCK_MONOTONIC);
        status = job->call(job, error);
        times[k] = seconds(CLOCK_MONOTONIC) - begin;
    }
    if (status == SCORE_OK) {
        printf("ok\t%.9g", seconds(CLOCK_PROCESS_CPUTIME_ID) - processor);
        for (int k = 0; k < calls; k++)
            printf("\t%.9g", times[k]);
        printf("\n");
    }
    free(times);
    return status;
}

static score_status write_results(const bench_job *job, const char *path, score_error *error) {
    if (job == NULL)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "no job");
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return score_fail(error, SCORE_ERROR_FILE, "cannot write %s", path);
    job->write(job, file);
    if (ferror(file) | fclose(file))
        return score_fail(error, SCORE_ERROR_FILE, "cannot write %s", path);
    printf("ok\n");
    return SCORE_OK;
}

static score_status print_memory(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("ok\t%ld\n", usage.ru_maxrss);
    return SCORE_OK;
}

static score_status answer_ok(score_status status) {
    if (status == SCORE_OK)
        printf("ok\n");
    return status;
}

static score_status make_job(int words, char **word, bench_job **job, score_error *error) {
    if (*job != NULL)
        (*job)->destroy(*job);
    *job = NULL;
    if (strcmp(word[0], "force") == 0 && words == 6)
        return force_job_create(word[1], word[2], number(word[3]), number(word[4]), word[5], job,
                                error);
    if (strcmp(word[0], "read") == 0 && words == 3)
        return read_job_create(strtoul(word[1], NULL, 10), number(word[2]), job, error);
    if (strcmp(word[0], "train") == 0 && words == 4)
        return training_job_create(word[1], number(word[2]), word[3], job, error);
    return score_fail(error, SCORE_ERROR_ARGUMENT, "%s: not known, or not so many words", word[0]);
}

static score_status write_model(char **word, score_error *error) {
    score_model *model = bench_model(number(word[2]), number(word[3]), number(word[4]),
                                     number(word[5]), number(word[6]));
    const score_status status = score_model_write(model, word[1], error);
    score_model_destroy(model);
    return status;
}

static score_status obey(int words, char **word, bench_job **job, score_error *error) {
    if (strcmp(word[0], "time") == 0 && words == 3)
        return time_calls(*job, number(word[1]), number(word[2]), error);
    if (strcmp(word[0], "write") == 0 && words == 2)
        return write_results(*job, word[1], error);
    if (strcmp(word[0], "memory") == 0)
        return print_memory();
    if (strcmp(word[0], "model") == 0 && words == 7)
        return answer_ok(write_model(word, error));
    return answer_ok(make_job(words, word, job, error));
}

int main(void) {
    static char line[LINE_SIZE];
    bench_job *job = NULL;
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *word[MOST_WORDS], text[1024];
        int words = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *rest = line; rest != NULL && words < MOST_WORDS; words++) {
            word[words] = rest;
            if ((rest = strchr(rest, '\t')) != NULL)
                *rest++ = '\0';
        }
        score_error error = {0};
        if (obey(words, word, &job, &error) != SCORE_OK)
            printf("error\t%s\n", score_error_text(&error, text, sizeof text));
        fflush(stdout);
    }
    if (job != NULL)
        job->destroy(job);
    return 0;
}

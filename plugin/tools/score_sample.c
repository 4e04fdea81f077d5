/* score-sample: draws independent samples of a model by the reverse diffusion process. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "programs/command_line.h"
#include "programs/executor_openmp.h"
#include "programs/interrupt.h"
#include "sample_file.h"
#include "sample_run.h"
#include "score/sample.h"

static const char HELP[] =
    "usage: score-sample [options] -n N -o FILE MODEL\n"
    "\n"
    "Draws N independent samples of MODEL (.xml or .xml.gz) by the reverse diffusion process. "
    "FILE\n"
    "  *.h5   MDTraj's HDF5 layout, of models in three dimensions, with the data set log_density\n"
    "  *.npy  samples x beads x dimensions, float32, in nm; log-densities in *.log_density.npy\n"
    "log_density is -E(x, t0) of every sample at the diffusion time t0 of a force, where the "
    "model\n"
    "has an energy there: the model's own log-density up to a constant, not that of the sampler.\n"
    "The same model, seed, solver and steps give the same samples, for any number of threads; the\n"
    "first of many samples are those of few.\n"
    "\n"
    "  -n, --samples N    how many\n"
    "  -o, --output FILE  replaced when all samples are drawn, and left alone if they are not; "
    "until\n"
    "                     then they go to FILE.unfinished, whose room is taken from the start\n"
    "      --solver NAME  sde-dpm-solver++ (the default, of second order, 100 steps) or\n"
    "                     euler-maruyama (the reference, 1000 steps)\n"
    "      --steps S      evaluations of the model's score, at least 2\n"
    "      --seed K       of the random numbers (default: 1)\n"
    "      --threads T    threads to use (default: OMP_NUM_THREADS, or all processors)\n"
    "      --help         print this\n"
    "      --version      print the version\n";

enum { USAGE_ERROR = 2, MAX_THREADS = 4096 };

static int refuse(const char *option, const char *value, const char *must) {
    fprintf(stderr, "score-sample: %s is '%s', must %s\n", option, value, must);
    return 1 + USAGE_ERROR;
}

static int take_integer(const char *option, const char *text, int64_t least, int64_t most,
                        int64_t *value) {
    if (score_option_integer("score-sample", option, text, least, most, value))
        return 0;
    return 1 + USAGE_ERROR;
}

/* One option with its value; what parse returns. */
static int take(int option, const char *value, score_sample_options *options) {
    int64_t number = 0;
    int result = 0;
    switch (option) {
    case 'n':
        result = take_integer("--samples", value, 1, UINT32_MAX, &number);
        options->count = (uint32_t)number;
        break;
    case 'S':
        result = take_integer("--steps", value, 2, SCORE_MAX_SAMPLE_STEPS, &number);
        options->steps = (int)number;
        break;
    case 'k':
        result = take_integer("--seed", value, 0, INT64_MAX, &number);
        options->seed = (uint64_t)number;
        break;
    case 't':
        result = take_integer("--threads", value, 1, MAX_THREADS, &number);
        options->threads = (int)number;
        break;
    case 's':
        options->solver = score_solver_find(value);
        if (options->solver == NULL)
            return refuse("--solver", value, "be sde-dpm-solver++ or euler-maruyama");
        break;
    case 'o':
        options->output = value;
        if (!score_sample_file_knows(value))
            return refuse("--output", value, "end in .h5 or .npy");
        break;
    default:
        fputs("score-sample --help lists the options\n", stderr);
        return 1 + USAGE_ERROR;
    }
    return result;
}

/* 0: go on; else exit with status result - 1. */
static int parse(int count, char **arguments, score_sample_options *options) {
    static const struct option known[] = {
        {"samples", required_argument, NULL, 'n'},
        {"output", required_argument, NULL, 'o'},
        {"solver", required_argument, NULL, 's'},
        {"steps", required_argument, NULL, 'S'},
        {"seed", required_argument, NULL, 'k'},
        {"threads", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "n:o:", known, NULL)) != -1;) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return 1 + EXIT_SUCCESS;
        }
        if (option == 'v') {
            puts("score-sample " SCORE_VERSION);
            return 1 + EXIT_SUCCESS;
        }
        const int result = take(option, optarg, options);
        if (result != 0)
            return result;
    }
    if (optind != count - 1 || options->count == 0 || options->output == NULL) {
        fprintf(stderr, "score-sample: needs -n, -o and one model%s; --help lists the options\n",
                optind < count - 1 ? " only" : "");
        return 1 + USAGE_ERROR;
    }
    options->model = arguments[optind];
    return 0;
}

int main(int count, char **arguments) {
    score_sample_options options = {
        .solver = &SCORE_SOLVERS[0], .seed = 1, .threads = score_openmp_default_threads()};
    score_hold_standard_streams();
    const int result = parse(count, arguments, &options);
    if (result != 0)
        return result - 1;
    score_interrupt_install();
    score_error error = {0};
    return score_exit_status("score-sample", score_sample(&options, &error), &error);
}

/* score-train: trains a model as a recipe says. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "programs/command_line.h"
#include "programs/executor_openmp.h"
#include "programs/interrupt.h"
#include "run/train.h"

static const char HELP[] =
    "usage: score-train [options] RECIPE.xml\n"
    "\n"
    "Trains a diffusion model as the recipe says. In the output folder it leaves\n"
    "  model.xml.gz   the averaged weights, written with every checkpoint\n"
    "  log.csv        loss, validation loss and speed over the course of the run\n"
    "  checkpoint     the whole state of the run\n"
    "Ctrl-C, SIGTERM and SIGHUP end the run with a checkpoint, a second Ctrl-C at once. The\n"
    "same recipe, data, build and kind of processor give the same bytes, for any number of\n"
    "threads and however often the run was interrupted and resumed.\n"
    "\n"
    "  --threads N    threads to use (default: OMP_NUM_THREADS, or all processors); no more\n"
    "                 than %d are used\n"
    "  --output DIR   output folder, made where it is missing (default: .)\n"
    "  --seed N       of the run, in place of the recipe's\n"
    "  --resume       go on from the checkpoint in the output folder, if there is one\n"
    "  --help         print this\n"
    "  --version      print the version\n";

enum { USAGE_ERROR = 2, MAX_THREADS = 4096 };

/* 0: go on; else exit with status result - 1. */
static int parse(int count, char **arguments, score_train_options *options) {
    static const struct option known[] = {
        {"threads", required_argument, NULL, 't'},
        {"output", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, 's'},
        {"resume", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int64_t threads;
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        switch (option) {
        case 't':
            if (!score_option_integer("score-train", "--threads", optarg, 1, MAX_THREADS, &threads))
                return 1 + USAGE_ERROR;
            options->threads = (int)threads;
            break;
        case 'o':
            options->output = optarg;
            break;
        case 's':
            if (!score_option_integer("score-train", "--seed", optarg, 0, INT64_MAX,
                                      &options->seed))
                return 1 + USAGE_ERROR;
            break;
        case 'r':
            options->resume = true;
            break;
        case 'h':
            printf(HELP, SCORE_TRAIN_MOST_THREADS);
            return 1 + EXIT_SUCCESS;
        case 'v':
            puts("score-train " SCORE_VERSION);
            return 1 + EXIT_SUCCESS;
        default:
            fputs("score-train --help lists the options\n", stderr);
            return 1 + USAGE_ERROR;
        }
    }
    if (optind != count - 1) {
        fprintf(stderr, "score-train: needs one recipe, got %d; --help lists the options\n",
                count - optind);
        return 1 + USAGE_ERROR;
    }
    options->recipe = arguments[optind];
    return 0;
}

int main(int count, char **arguments) {
    score_train_options options = {
        .output = ".", .threads = score_openmp_default_threads(), .seed = SCORE_TRAIN_RECIPE_SEED};
    score_hold_standard_streams();
    int result = parse(count, arguments, &options);
    if (result != 0)
        return result - 1;
    score_interrupt_install();
    score_error error = {0};
    return score_exit_status("score-train", score_train(&options, &error), &error);
}

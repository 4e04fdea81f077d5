/* score-peptide-md: simulates copies of a peptide, all atoms in implicit solvent. */
#define _POSIX_C_SOURCE 200809L
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "check.h"
#include "programs/command_line.h"
#include "programs/executor_openmp.h"
#include "programs/interrupt.h"
#include "run.h"

static const char HELP[] =
    "usage: score-peptide-md SYSTEM --output FILE.h5 --time PS [options]\n"
    "       score-peptide-md SYSTEM --check FILE\n"
    "\n"
    "Simulates independent copies of a molecule (build.py writes SYSTEM), one a lane of the\n"
    "processor's vectors, with the steps of OpenMM's LangevinMiddleIntegrator, and writes frames "
    "in\n"
    "MDTraj's layout. The same options give the same bytes, for any number of threads and however\n"
    "often the run was killed and resumed (of one build, on one kind of processor).\n"
    "\n"
    "  --output FILE        FILE.unfinished while it is made, with FILE.checkpoint beside it\n"
    "  --time PS            length of the production of each copy\n"
    "  --equilibration PS   before it, without frames (default: 100)\n"
    "  --interval STEPS     between frames (default: 2500)\n"
    "  --copies N           (default: 16)\n"
    "  --temperature K      (default: 310)\n"
    "  --ladder K,K,...     in its place: each copy has one of these temperatures, and neighbours\n"
    "                       swap theirs (replica exchange); N must be whole ladders\n"
    "  --exchange-interval STEPS   between attempts (default: 500)\n"
    "  --timestep FS        (default: 2)\n"
    "  --friction 1/PS      (default: 0.3; 0: constant energy)\n"
    "  --bias FILE          a bias along a dihedral; its weights are written\n"
    "  --atoms              frames of all atoms, not of the beads\n"
    "  --seed N             (default: 1)\n"
    "  --first-copy K       number of the first copy (default: 0): a copy's run depends on it\n"
    "  --threads N          (default: OMP_NUM_THREADS, or all processors)\n"
    "  --checkpoint S       seconds between checkpoints (default: 60)\n"
    "  --resume             go on from the checkpoint, if there is one\n"
    "  --continue FILE      begin where the run of this checkpoint has ended\n"
    "  --check FILE         compare energies and forces with OpenMM's (build.py writes FILE)\n"
    "  --help, --version    print this; the version\n";

enum { USAGE_ERROR = 2, MAX_THREADS = 4096, MAX_COPIES = 100000 };

/* Errors of these forces are rounding, some 2e-5 at most; of others there is more. */
static const double CHECK_BOUND = 1e-4;

typedef struct command {
    peptide_options run;
    const char *check;
} command;

static bool refuse(const char *option, const char *value, const char *must) {
    fprintf(stderr, "score-peptide-md: %s is '%s', must be %s\n", option, value, must);
    return false;
}

static bool take_integer(const char *option, const char *text, int64_t least, int64_t most,
                         int64_t *value) {
    return score_option_integer("score-peptide-md", option, text, least, most, value);
}

static bool take_number(const char *option, const char *text, double least, double most,
                        double *value) {
    if (score_parse_double(text, value) && *value >= least && *value <= most)
        return true;
    char must[80];
    snprintf(must, sizeof must, "a number in [%g, %g]", least, most);
    return refuse(option, text, must);
}

static bool take_ladder(const char *text, peptide_options *run) {
    char *words = strdup(text), *rest = NULL;
    bool good = words != NULL;
    run->levels = 0;
    for (char *word = good ? strtok_r(words, ",", &rest) : NULL; word != NULL && good;
         word = strtok_r(NULL, ",", &rest)) {
        if (run->levels == PEPTIDE_MAX_LEVELS)
            good = refuse("--ladder", text, "at most 64 temperatures");
        else
            good = take_number("--ladder", word, 1, 1e5, &run->temperatures_k[run->levels++]);
        if (good && run->levels > 1 &&
            run->temperatures_k[run->levels - 1] <= run->temperatures_k[run->levels - 2])
            good = refuse("--ladder", text, "rising temperatures");
    }
    free(words);
    return good && (run->levels > 1 || refuse("--ladder", text, "two temperatures or more"));
}

/* Options that are words. */
static bool take_word(int option, const char *value, command *to) {
    const char **const words[] = {['o'] = &to->run.output,
                                  ['b'] = &to->run.bias,
                                  ['p'] = &to->run.previous,
                                  ['k'] = &to->check};
    *words[option] = value;
    if (option == 'o' && (strlen(value) < 4 || strcmp(value + strlen(value) - 3, ".h5") != 0))
        return refuse("--output", value, "a name that ends in .h5");
    return true;
}

static bool take_count(int option, const char *value, peptide_options *run) {
    int64_t number = 0;
    bool good = false;
    switch (option) {
    case 'i':
        good = take_integer("--interval", value, 1, 2000000000, &number);
        run->interval = (uint32_t)number;
        break;
    case 'x':
        good = take_integer("--exchange-interval", value, 1, 2000000000, &number);
        run->swap_steps = (uint32_t)number;
        break;
    case 'n':
        good = take_integer("--copies", value, 1, MAX_COPIES, &number);
        run->copies = (int)number;
        break;
    case 'f':
        good = take_integer("--first-copy", value, 0, MAX_COPIES, &number);
        run->first_copy = (int)number;
        break;
    case 't':
        good = take_integer("--threads", value, 1, MAX_THREADS, &number);
        run->threads = (int)number;
        break;
    default:
        good = take_integer("--seed", value, 0, INT64_MAX, &number);
        run->seed = (uint64_t)number;
    }
    return good;
}

static bool take(int option, const char *value, command *to) {
    peptide_options *run = &to->run;
    switch (option) {
    case 'o':
    case 'b':
    case 'p':
    case 'k':
        return take_word(option, value, to);
    case 'T':
        return take_number("--time", value, 1e-6, 1e12, &run->time_ps);
    case 'e':
        return take_number("--equilibration", value, 0, 1e12, &run->equilibration_ps);
    case 'K':
        return take_number("--temperature", value, 1e-3, 1e5, &run->temperatures_k[0]);
    case 'l':
        return take_ladder(value, run);
    case 'd':
        return take_number("--timestep", value, 1e-6, 1000, &run->timestep_fs);
    case 'g':
        return take_number("--friction", value, 0, 1e6, &run->friction_per_ps);
    case 'c':
        return take_number("--checkpoint", value, 0, 1e9, &run->checkpoint_s);
    case 'a':
        return run->all_atoms = true;
    case 'r':
        return run->resume = true;
    case 'i':
    case 'x':
    case 'n':
    case 'f':
    case 't':
    case 's':
        return take_count(option, value, run);
    default:
        fputs("score-peptide-md --help lists the options\n", stderr);
        return false;
    }
}

static bool finish(command *to, int words, char **arguments) {
    peptide_options *run = &to->run;
    if (words != 1 || (to->check == NULL && (run->output == NULL || run->time_ps == 0))) {
        fprintf(stderr, "score-peptide-md: needs one system%s; --help lists the options\n",
                words == 1 ? ", --output and --time, or --check" : "");
        return false;
    }
    run->system = arguments[0];
    if (run->levels == 1)
        run->swap_steps = 0;
    return true;
}

/* 0: go on; else exit with status result - 1. */
static int parse(int count, char **arguments, command *to) {
    static const struct option known[] = {
        {"output", required_argument, NULL, 'o'},
        {"time", required_argument, NULL, 'T'},
        {"equilibration", required_argument, NULL, 'e'},
        {"interval", required_argument, NULL, 'i'},
        {"copies", required_argument, NULL, 'n'},
        {"temperature", required_argument, NULL, 'K'},
        {"ladder", required_argument, NULL, 'l'},
        {"exchange-interval", required_argument, NULL, 'x'},
        {"timestep", required_argument, NULL, 'd'},
        {"friction", required_argument, NULL, 'g'},
        {"bias", required_argument, NULL, 'b'},
        {"atoms", no_argument, NULL, 'a'},
        {"seed", required_argument, NULL, 's'},
        {"first-copy", required_argument, NULL, 'f'},
        {"threads", required_argument, NULL, 't'},
        {"checkpoint", required_argument, NULL, 'c'},
        {"resume", no_argument, NULL, 'r'},
        {"continue", required_argument, NULL, 'p'},
        {"check", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        if (option == 'h' || option == 'v') {
            fputs(option == 'h' ? HELP : "score-peptide-md " SCORE_VERSION "\n", stdout);
            return 1 + EXIT_SUCCESS;
        }
        if (!take(option, optarg, to))
            return 1 + USAGE_ERROR;
    }
    return finish(to, count - optind, arguments + optind) ? 0 : 1 + USAGE_ERROR;
}

static score_status check(const command *from, score_error *error) {
    peptide_molecule molecule;
    peptide_check_result result;
    score_status status = peptide_molecule_read(from->run.system, &molecule, error);
    if (status != SCORE_OK)
        return status;
    status = peptide_check(&molecule, from->check, &result, error);
    if (status == SCORE_OK) {
        printf(
            "%s, %d atoms, %d structures: largest difference of a force %.2g of their rms, of an "
            "energy %.2g kJ/mol\n",
            molecule.name, molecule.atoms, result.structures, result.force, result.energy_kj_mol);
        if (!(result.force <= CHECK_BOUND))
            status = score_fail_at(error, SCORE_ERROR_NUMERIC, from->check, 0,
                                   "forces differ by %g of their rms, at most %g is rounding",
                                   result.force, CHECK_BOUND);
    }
    peptide_molecule_free(&molecule);
    return status;
}

int main(int count, char **arguments) {
    command to = {.run = {.copies = 16,
                          .levels = 1,
                          .temperatures_k = {310},
                          .timestep_fs = 2,
                          .friction_per_ps = 0.3,
                          .equilibration_ps = 100,
                          .checkpoint_s = 60,
                          .interval = 2500,
                          .swap_steps = 500,
                          .seed = 1,
                          .threads = score_openmp_default_threads()}};
    score_hold_standard_streams();
    const int result = parse(count, arguments, &to);
    if (result != 0)
        return result - 1;
    score_interrupt_install();
    score_error error = {0};
    const score_status status = to.check != NULL ? check(&to, &error)
                                                 : peptide_run(&to.run, &error);
    return score_exit_status("score-peptide-md", status, &error);
}

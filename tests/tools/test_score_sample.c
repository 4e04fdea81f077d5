/* score-sample as a program: its options, its refusals, its end by a signal. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sampled_models.h"

static int write_models(void **state) {
    static const char *const paths[] = {
        [MODEL_MOLECULE] = "molecule.xml.gz",
        [MODEL_FEATURES] = "features.xml",
        [MODEL_TOY] = "toy.xml",
        [MODEL_SCORES] = "scores.xml",
        [MODEL_LATE] = "late.xml",
    };
    if (enter_folder(state) != 0)
        return -1;
    for (int k = 0; k < MODEL_COUNT; k++) {
        score_model *model = make_sampled_model((sampled_model)k);
        const score_status status = score_model_write(model, paths[k], NULL);
        score_model_destroy(model);
        if (status != SCORE_OK)
            return -1;
    }
    return 0;
}

/* Runs score-sample; returns its exit status. Its output is in the files "out" and "err". */
static int run(const char *arguments) {
    char command[1024];
    snprintf(command, sizeof command, "'%s' %s >out 2>err", SCORE_SAMPLE, arguments);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_says(const char *path, const char *expected) {
    char text[8192] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    if (expected[0] == '\0' ? size > 0 : strstr(text, expected) == NULL)
        fail_msg("'%s' is not in %s: %s", expected, path, text);
}

static void assert_runs(const char *arguments) {
    const int status = run(arguments);
    assert_says("err", "");
    assert_int_equal(status, 0);
}

static void samples_are_written_and_summed_up(void **state) {
    (void)state;
    assert_runs("-n 20 --steps 5 -o molecule.h5 molecule.xml.gz");
    assert_says("out", "molecule.h5: 20 samples, sde-dpm-solver++, 5 steps, ");
    assert_runs("-n 20 --steps 5 -o features.h5 features.xml");
    assert_runs("toy.xml --samples=20 --solver euler-maruyama --output=toy.npy");
    assert_says("out", "toy.npy: 20 samples, euler-maruyama, 1000 steps, ");
    assert_int_equal(access("toy.log_density.npy", F_OK), 0);
    assert_runs("-n 20 --solver sde-dpm-solver++ -o scores.npy scores.xml");
    assert_says("out", "sde-dpm-solver++, 100 steps, ");
    assert_true(access("scores.npy", F_OK) == 0 && access("scores.log_density.npy", F_OK) != 0);
}

static void a_seed_says_it_all(void **state) {
    (void)state;
    assert_runs("-n 33 --steps 5 --threads 1 -o a.h5 molecule.xml.gz");
    assert_runs("-n 33 --steps 5 --threads 3 --seed 1 -o b.h5 molecule.xml.gz");
    assert_int_equal(system("cmp a.h5 b.h5"), 0);
    assert_runs("-n 33 --steps 5 --threads 1 -o a.npy molecule.xml.gz");
    assert_runs("-n 33 --steps 5 --threads 1 --seed 4294967297 -o b.npy molecule.xml.gz");
    assert_int_equal(system("cmp -s a.npy b.npy"), 1 << 8);
}

static void bad_input_is_refused(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *arguments;
        const char *message;
    } all[] = {
        {2, "", "needs -n, -o and one model; --help"},
        {2, "-n 5 toy.xml", "needs -n, -o and one model;"},
        {2, "-o a.npy toy.xml", "needs -n, -o and one model;"},
        {2, "-n 5 -o bad.npy toy.xml toy.xml", "one model only"},
        {2, "-n 0 -o bad.npy toy.xml", "--samples is '0', must be in [1, 4294967295]"},
        {2, "-n -3 -o bad.npy toy.xml", "--samples is '-3'"},
        {2, "-n 1e3 -o bad.npy toy.xml", "--samples is '1e3'"},
        {2, "-n 5 --steps 1 -o bad.npy toy.xml", "--steps is '1', must be in [2, 1000000]"},
        {2, "-n 5 --threads 0 -o bad.npy toy.xml", "--threads is '0', must be in [1, 4096]"},
        {2, "-n 5 --seed -1 -o bad.npy toy.xml", "--seed is '-1', must be in [0, "},
        {2, "-n 5 --solver heun -o bad.npy toy.xml",
         "--solver is 'heun', must be sde-dpm-solver++ or euler-maruyama"},
        {2, "-n 5 -o bad.xtc toy.xml", "--output is 'bad.xtc', must end in .h5 or .npy"},
        {2, "-n 5 --dance -o bad.npy toy.xml", "--help lists the options"},
        {1, "-n 5 -o bad.npy none.xml", "score-sample: none.xml: cannot be opened"},
        {1, "-n 5 -o bad.npy out", "out"},
        {1, "-n 5 -o bad.h5 toy.xml", "bad.h5: beads of MDTraj's layout have 3 coordinates"},
        {1, "-n 5 -o no/bad.npy toy.xml", "no/bad.npy.unfinished: cannot be opened: No such file"},
        {1, "-n 5 -o bad.h5 late.xml",
         "no expert of the model owns diffusion times 0.1 to 1: independent samples need all of "
         "1e-05 to 1"},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        assert_int_equal(run(all[k].arguments), all[k].status);
        assert_says("err", all[k].message);
        assert_says("out", "");
    }
    assert_int_equal(system("ls | grep -q bad"), 1 << 8);
}

static void help_and_version_are_printed(void **state) {
    (void)state;
    assert_runs("--help");
    assert_says("out", "usage: score-sample [options] -n N -o FILE MODEL");
    assert_says("out", "sde-dpm-solver++ (the default");
    assert_runs("--version");
    assert_says("out", "score-sample ");
}

/* Waits until the unfinished file says that the run is under way, then sends the signal. */
static void an_interrupted_run_leaves_nothing(void **state) {
    (void)state;
    const struct timespec moment = {0, 20000000};
    assert_int_equal(system("echo before >stopped.npy"), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("out", "w", stdout) != NULL && freopen("err", "w", stderr) != NULL)
            execl(SCORE_SAMPLE, SCORE_SAMPLE, "-n", "10000000", "--threads", "2", "-o",
                  "stopped.npy", "toy.xml", (char *)NULL);
        _exit(99);
    }
    while (system("ls | grep -q 'stopped.npy.unfinished'") != 0)
        nanosleep(&moment, NULL);
    nanosleep(&moment, NULL);
    kill(child, SIGTERM);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
    assert_says("err", "score-sample: interrupted after ");
    assert_says("err", " of 10000000 samples; nothing was written");
    assert_says("stopped.npy", "before");
    assert_int_equal(system("ls | grep -q -e unfinished -e stopped.log_density"), 1 << 8);
}

/* Whatever becomes of stdout and stderr: nobody reads them, they are full, they are closed. */
static void what_cannot_be_said_costs_no_sample(void **state) {
    (void)state;
    static const char *const ways[] = {">/dev/full 2>&1", "| true", ">&- 2>&-", "<&- >&- 2>&-"};
    assert_runs("-n 20 --steps 5 -o expected.h5 molecule.xml.gz");
    for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
        char command[1024];
        snprintf(command, sizeof command,
                 "{ '%s' -n 20 --steps 5 -o said.h5 molecule.xml.gz; echo $? >status; } %s; "
                 "grep -qx 0 status && cmp said.h5 expected.h5",
                 SCORE_SAMPLE, ways[k]);
        assert_int_equal(system(command), 0);
        unlink("said.h5");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_written_and_summed_up),
        cmocka_unit_test(a_seed_says_it_all),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(help_and_version_are_printed),
        cmocka_unit_test(an_interrupted_run_leaves_nothing),
        cmocka_unit_test(what_cannot_be_said_costs_no_sample),
    };
    return cmocka_run_group_tests(tests, write_models, leave_folder);
}

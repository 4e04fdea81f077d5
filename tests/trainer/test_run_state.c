/* A checkpoint may have a CRC that fits and a state that no run comes to. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <zlib.h>

#include "frame_files.h"
#include "programs/interrupt.h"
#include "run/run_state.h"
#include "temporary_folder.h"
#include "run/train.h"

static const char RECIPE[] =
    "<ScoreRecipe version='1'><Data file='frames.npy' unit='nm' heldOut='.1'/>"
    "<Model temperatureK='300' centred='false' dimensions='1'><Bead name='A' mass='1'/>"
    "<Expert architecture='mlp' hidden='4' layers='1' timeBegin='.1' timeEnd='1'/>"
    "<Expert architecture='mlp' hidden='4' layers='1' timeBegin='0' timeEnd='.1'/></Model>"
    "<Training checkpointSamples='64'>"
    "<Stage expert='0' samples='640' batch='32'><AdamW rate='1e-3'/>"
    "<DenoisingScoreMatching antithetic='true'/></Stage>"
    "<Stage expert='1' epochs='4' batch='32'><AdamW rate='1e-3'/><DenoisingScoreMatching/></Stage>"
    "</Training></ScoreRecipe>";

enum { STATE_AT = 24, ROOM = 1 << 16 };

typedef struct forgery {
    const char *name;
    size_t offset; /* in score_run_state */
    double number;
    uint64_t count;
    const char *message;
} forgery;

#define COUNT(member, value, message)                                                              \
    { #member, offsetof(score_run_state, member), 0, value, message }
#define NUMBER(member, value, message)                                                             \
    { #member, offsetof(score_run_state, member), value, 0, message }
static const char OTHER[] = "samples", NONE[] = "numbers that no run has";

static score_status resume(score_error *error) {
    const score_train_options options = {
        .recipe = "recipe.xml", .output = "run", .threads = 1, .seed = -1, .resume = true};
    return score_train(&options, error);
}

static size_t read_bytes(const char *path, unsigned char *bytes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, ROOM, file);
    fclose(file);
    assert_true(size > STATE_AT + sizeof(score_run_state) && size < ROOM);
    return size;
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void check_forgeries(const forgery *forgeries, size_t count) {
    static unsigned char good[ROOM], bad[ROOM];
    const size_t size = read_bytes("run/checkpoint", good);
    for (size_t k = 0; k < count; k++) {
        const forgery *it = &forgeries[k];
        memcpy(bad, good, size);
        unsigned char *member = bad + STATE_AT + it->offset;
        if (it->number == 0)
            memcpy(member, &it->count, 8);
        else
            memcpy(member, &it->number, 8);
        const uint32_t crc = (uint32_t)crc32_z(0, bad, size - 4);
        memcpy(bad + size - 4, &crc, 4);
        write_bytes("run/checkpoint", bad, size);
        score_error error = {0};
        const score_status status = resume(&error);
        if (status != SCORE_ERROR_FORMAT || strcmp(error.file, "run/checkpoint") != 0 ||
            strstr(error.message, it->message) == NULL)
            fail_msg("%s: status %d, %s: %s", it->name, (int)status, error.file, error.message);
        static unsigned char after[ROOM];
        assert_int_equal(read_bytes("run/checkpoint", after), size);
        assert_memory_equal(after, bad, size);
    }
    write_bytes("run/checkpoint", good, size);
}

static void states_of_a_run_under_way_are_checked(void **state) {
    (void)state;
    static const forgery forgeries[] = {
        COUNT(stage, 3, "is in stage 3, the recipe has 2"),
        COUNT(stage, 64, "is in stage 64, the recipe has 2"),
        COUNT(stage, UINT64_MAX, "is in stage 18446744073709551615, the recipe has 2"),
        COUNT(stage, UINT64_C(1) << 32, "is in stage 4294967296, the recipe has 2"),
        COUNT(stage, 1, OTHER),
        COUNT(stage, 2, "is in step 1 of stage 2, which has 0"),
        COUNT(step, 21, "is in step 21 of stage 0, which has 20"),
        COUNT(step, UINT64_MAX, "is in step 18446744073709551615 of stage 0"),
        COUNT(step, 2, OTHER),
        COUNT(samples, 31, OTHER),
        COUNT(samples, UINT64_MAX, OTHER),
        COUNT(frames, 16, OTHER),
        COUNT(frames, UINT64_MAX, OTHER),
        COUNT(interval_steps, 2, "has losses over 2 steps, of 1 done"),
        NUMBER(seconds, -1, NONE),
        NUMBER(seconds, INFINITY, NONE),
        NUMBER(interval_losses, NAN, NONE),
        NUMBER(interval_norm, INFINITY, NONE),
        NUMBER(last_loss, INFINITY, NONE),
        NUMBER(last_validation_loss, -INFINITY, NONE),
    };
    score_interrupt_install();
    assert_int_equal(raise(SIGINT), 0);
    score_error error = {0};
    assert_int_equal(resume(&error), SCORE_ERROR_INTERRUPTED);
    assert_string_equal(error.message, "interrupted after 32 samples; continue with --resume");
    check_forgeries(forgeries, sizeof forgeries / sizeof forgeries[0]);
    assert_int_equal(resume(&error), SCORE_ERROR_INTERRUPTED); /* what is not forged is resumed */
    assert_string_equal(error.message, "interrupted after 64 samples; continue with --resume");
}

/* 20 steps of 16 frames, then 12 of 32 with 90 training frames. */
static void states_of_a_finished_run_are_checked(void **state) {
    (void)state;
    static const forgery forgeries[] = {
        COUNT(stage, 0, OTHER),
        COUNT(stage, 1, OTHER),
        COUNT(step, 1, "is in step 1 of stage 2, which has 0"),
        COUNT(samples, 1023, OTHER),
        COUNT(frames, 703, OTHER),
    };
    for (int k = 0; k < 100; k++) { /* a step each, interrupted as above */
        score_error error = {0};
        const score_status status = resume(&error);
        if (status == SCORE_OK)
            break;
        assert_int_equal(status, SCORE_ERROR_INTERRUPTED);
    }
    check_forgeries(forgeries, sizeof forgeries / sizeof forgeries[0]);
    assert_int_equal(resume(NULL), SCORE_OK);
}

/* Two of the frames change places: number, scale and size stay. */
static void other_frames_are_another_run(void **state) {
    (void)state;
    FILE *frames = fopen("frames.npy", "r+b");
    fseek(frames, -8, SEEK_END);
    const float swapped[2] = {99, 98};
    fwrite(swapped, sizeof swapped, 1, frames);
    fclose(frames);
    score_error error = {0};
    assert_int_equal(resume(&error), SCORE_ERROR_ARGUMENT);
    if (strstr(error.message, "it has 'CRC-32 of the frames: ") == NULL)
        fail_msg("%s", error.message);
}

static int set_up(void **state) {
    if (enter_folder(state) != 0)
        return -1;
    signal(SIGINT, SIG_DFL); /* where the tests run in the background it is ignored */
    write_npy("frames.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (100, 1), }", 100,
              1);
    FILE *recipe = fopen("recipe.xml", "w");
    fputs(RECIPE, recipe);
    fclose(recipe);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_of_a_run_under_way_are_checked),
        cmocka_unit_test(states_of_a_finished_run_are_checked),
        cmocka_unit_test(other_frames_are_another_run),
    };
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}

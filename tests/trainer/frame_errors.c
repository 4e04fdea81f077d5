#include "frame_errors.h"

#include <string.h>

#include "data/dataset.h"

hdf5_file good_file(void) {
    return (hdf5_file){.frames = FRAMES, .beads = BEADS, .dimensions = 3, .units = "nanometers"};
}

void check_error(const score_recipe *recipe, score_status code, const char *message) {
    score_dataset *dataset = (score_dataset *)recipe;
    score_error error = {0};
    score_status status = score_dataset_open(recipe, ".", &dataset, &error);
    if (status != code || error.code != code || strstr(error.message, message) == NULL)
        fail_msg("expected '%s', got %d: %s", message, (int)status, error.message);
    assert_null(dataset);
    assert_string_equal(error.file, recipe->data.path);
}

void check_good(const score_recipe *recipe, uint64_t frames) {
    score_dataset *dataset = NULL;
    score_error error = {0};
    if (score_dataset_open(recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s: %s", error.file, error.message);
    assert_int_equal(score_dataset_frames(dataset, SCORE_SPLIT_TRAINING), frames);
    score_dataset_close(dataset);
}

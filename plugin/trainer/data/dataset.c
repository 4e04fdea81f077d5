#include "data/dataset.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/random.h"
#include "data/dataset_frames.h"
#include "data/dataset_open.h"
#include "data/dataset_order.h"

/* Training or validation frames. */
typedef struct frame_side {
    uint64_t frames;
    double *cumulative; /* weights, summed up to and with frame k; NULL: all weigh 1 */
    double effective;
} frame_side;

struct score_dataset {
    uint64_t seed;
    int beads;
    int dimensions;
    size_t values; /* beads x dimensions */
    bool centred;
    double scale_nm;
    double force_unit; /* of a force normalised, in kJ/mol/nm */
    uint32_t checksum; /* of all that was read */
    uint64_t start_frame;
    score_partition partition;
    score_frames frames;
    score_frames forces; /* values 0: no loss needs them */
    frame_side sides[2];
    double *emphasised; /* like `cumulative` of the training frames, in its place; or NULL */
};

static uint64_t frame_of(const score_dataset *dataset, score_split split, uint64_t index) {
    return split == SCORE_SPLIT_TRAINING ? score_partition_training(&dataset->partition, index)
                                         : score_partition_held_out(&dataset->partition, index);
}

static void centre(const score_dataset *dataset, double *x) {
    for (int d = 0; d < dataset->dimensions; d++) {
        double mean = 0;
        for (int b = 0; b < dataset->beads; b++)
            mean += x[b * dataset->dimensions + d];
        mean /= dataset->beads;
        for (int b = 0; b < dataset->beads; b++)
            x[b * dataset->dimensions + d] -= mean;
    }
}

/* One frame in units of `unit` (in what the file has), centred where the model is. */
static score_status read_frame(const score_dataset *dataset, uint64_t frame, double unit, double *x,
                               score_error *error) {
    const score_status status = score_frames_get(&dataset->frames, frame, unit, x, error);
    if (status == SCORE_OK && dataset->centred)
        centre(dataset, x);
    return status;
}

/* -------- weights -------- */

/* Weights relative to the largest of the side, so that no exponential overflows. */
static score_status weigh_side(score_dataset *dataset, const score_data_config *data,
                               score_split split, const double *log_weights, score_error *error) {
    frame_side *side = &dataset->sides[split];
    double most = -INFINITY, sum = 0, squares = 0;
    for (uint64_t k = 0; k < side->frames; k++) {
        double log_weight = log_weights[frame_of(dataset, split, k)];
        if (log_weight > most) {
            most = log_weight;
            if (split == SCORE_SPLIT_TRAINING)
                dataset->start_frame = frame_of(dataset, split, k);
        }
    }
    if (side->frames > 0 && most == -INFINITY)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "all %llu %s frames have weight 0", (unsigned long long)side->frames,
                             split == SCORE_SPLIT_TRAINING ? "training" : "held-out");
    side->cumulative = malloc((side->frames + 1) * sizeof *side->cumulative);
    if (side->cumulative == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %llu weights",
                          (unsigned long long)side->frames);
    for (uint64_t k = 0; k < side->frames; k++) {
        double weight = exp(log_weights[frame_of(dataset, split, k)] - most);
        sum += weight;
        squares += weight * weight;
        side->cumulative[k] = sum;
    }
    side->effective = side->frames > 0 ? sum * sum / squares : 0;
    return SCORE_OK;
}

static score_status read_weights(score_dataset *dataset, score_frame_source *source,
                                 score_error *error) {
    const score_data_config *data = source->data;
    double *log_weights = malloc(source->frames * sizeof *log_weights);
    if (log_weights == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %llu log-weights",
                          (unsigned long long)source->frames);
    score_status status = source->kind->read_log_weights(source, log_weights, error);
    if (status == SCORE_OK)
        dataset->checksum = (uint32_t)crc32_z(dataset->checksum, (const Bytef *)log_weights,
                                              source->frames * sizeof *log_weights);
    for (uint64_t k = 0; k < source->frames && status == SCORE_OK; k++)
        if (isnan(log_weights[k]) || log_weights[k] == INFINITY)
            status = score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                                   "frame %llu has log-weight %g", (unsigned long long)k,
                                   log_weights[k]);
    for (int split = 0; split < 2 && status == SCORE_OK; split++)
        status = weigh_side(dataset, data, (score_split)split, log_weights, error);
    free(log_weights);
    return status;
}

static double weight_of(const frame_side *side, uint64_t k) {
    if (side->cumulative == NULL)
        return 1;
    return k == 0 ? side->cumulative[0] : side->cumulative[k] - side->cumulative[k - 1];
}

/* -------- the scale -------- */

/* The weighted mean over the training frames of sum over k of (x_k - shift)^power. */
static score_status training_moment(const score_dataset *dataset, double shift, int power,
                                    double *x, double *moment, score_error *error) {
    const frame_side *side = &dataset->sides[SCORE_SPLIT_TRAINING];
    double sum = 0, weights = 0;
    for (uint64_t index = 0; index < side->frames; index++) {
        uint64_t frame = score_partition_training(&dataset->partition, index);
        score_status status = read_frame(dataset, frame, dataset->frames.unit, x, error);
        if (status != SCORE_OK)
            return status;
        double weight = weight_of(side, index), in_frame = 0;
        for (size_t k = 0; k < dataset->values; k++)
            in_frame += power == 1 ? x[k] - shift : (x[k] - shift) * (x[k] - shift);
        sum += weight * in_frame;
        weights += weight;
    }
    *moment = sum / (weights * (double)dataset->values);
    return SCORE_OK;
}

static score_status compute_scale(score_dataset *dataset, const char *path, score_error *error) {
    double *x = malloc(dataset->values * sizeof *x);
    if (x == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a frame");
    double mean = 0, variance = 0;
    score_status status = training_moment(dataset, 0, 1, x, &mean, error);
    if (status == SCORE_OK)
        status = training_moment(dataset, mean, 2, x, &variance, error);
    free(x);
    if (status != SCORE_OK)
        return status;
    dataset->scale_nm = sqrt(variance);
    if (!(dataset->scale_nm > 0) || !isfinite(dataset->scale_nm))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "the coordinates have standard deviation %g nm", dataset->scale_nm);
    return SCORE_OK;
}

/* -------- emphasis -------- */

/* Sums weight times g over the training frames into `emphasised`; weights: of the frames outside
 * and inside the emphasised range. */
static score_status sum_emphasised(score_dataset *dataset, const score_emphasis *emphasis,
                                   double *x, double weights[2], score_error *error) {
    const frame_side *side = &dataset->sides[SCORE_SPLIT_TRAINING];
    double sum = 0;
    for (uint64_t k = 0; k < side->frames; k++) {
        score_status status = read_frame(dataset, frame_of(dataset, SCORE_SPLIT_TRAINING, k), 1, x,
                                         error);
        if (status != SCORE_OK)
            return status;
        const double weight = weight_of(side, k), factor = score_emphasis_at(emphasis, x);
        weights[factor != 1] += weight;
        sum += weight * factor;
        dataset->emphasised[k] = sum;
    }
    return SCORE_OK;
}

static score_status emphasise_frames(score_dataset *dataset, const score_emphasis *emphasis,
                                     const char *recipe, score_error *error) {
    const uint64_t frames = dataset->sides[SCORE_SPLIT_TRAINING].frames;
    double *x = malloc(dataset->values * sizeof *x), weights[2] = {0};
    dataset->emphasised = malloc(frames * sizeof *dataset->emphasised);
    score_status status;
    if (x == NULL || dataset->emphasised == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %llu weights",
                            (unsigned long long)frames);
    else
        status = sum_emphasised(dataset, emphasis, x, weights, error);
    free(x);
    if (status == SCORE_OK && (weights[0] == 0 || weights[1] == 0))
        return score_fail_at(error, SCORE_ERROR_FORMAT, recipe, emphasis->line,
                             "<Emphasis> from=\"%g\" to=\"%g\": %s of the training frames that "
                             "weigh anything have dihedral %d-%d-%d-%d there",
                             emphasis->from, emphasis->to, weights[0] == 0 ? "all" : "none",
                             emphasis->beads[0], emphasis->beads[1], emphasis->beads[2],
                             emphasis->beads[3]);
    return status;
}

static void draw_by_weight(score_dataset *dataset) {
    free(dataset->emphasised);
    dataset->emphasised = NULL;
}

score_status score_dataset_emphasise(score_dataset *dataset, const score_emphasis *emphasis,
                                     const char *recipe, score_error *error) {
    draw_by_weight(dataset);
    if (emphasis->factor == 0)
        return SCORE_OK;
    score_status status = emphasise_frames(dataset, emphasis, recipe, error);
    if (status != SCORE_OK)
        draw_by_weight(dataset);
    return status;
}

/* -------- opening -------- */

static score_status split_frames(score_dataset *dataset, const score_frame_source *source,
                                 score_error *error) {
    double fraction = source->data->held_out;
    dataset->partition = score_partition_make(source->frames, fraction, dataset->seed);
    uint64_t held_out = dataset->partition.held_out;
    if (fraction > 0 && held_out == 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, source->data->path, 0,
                             "has %llu frames: heldOut=\"%g\" of them is less than one frame",
                             (unsigned long long)source->frames, fraction);
    dataset->sides[SCORE_SPLIT_TRAINING].frames = source->frames - held_out;
    dataset->sides[SCORE_SPLIT_VALIDATION].frames = held_out;
    for (int split = 0; split < 2; split++)
        dataset->sides[split].effective = (double)dataset->sides[split].frames;
    dataset->start_frame = frame_of(dataset, SCORE_SPLIT_TRAINING, 0);
    return SCORE_OK;
}

static score_status read_forces(score_dataset *dataset, const score_recipe *recipe,
                                const char *scratch, score_error *error) {
    const score_data_config *data = &recipe->data;
    score_force_source forces;
    score_status status = score_force_source_open(
        &forces, data, dataset->beads, dataset->dimensions, dataset->partition.frames, error);
    if (status == SCORE_OK)
        status = score_frames_read(&dataset->forces, forces.source, "force", 0, data->memory,
                                   scratch, &dataset->checksum, error);
    score_frame_source_close(forces.source);
    return status;
}

static score_status fill(score_dataset *dataset, const score_recipe *recipe, const char *scratch,
                         score_error *error) {
    const score_data_config *data = &recipe->data;
    score_frame_source *source = NULL;
    score_status status = score_frame_source_open(data, dataset->beads, dataset->dimensions,
                                                  &source, error);
    if (status != SCORE_OK)
        return status;
    dataset->values = source->values;
    if (source->kind->check_beads != NULL && recipe->model.beads != NULL)
        status = source->kind->check_beads(source, recipe->model.beads, dataset->beads, error);
    if (status == SCORE_OK && (status = split_frames(dataset, source, error)) == SCORE_OK &&
        (status = score_frames_read(&dataset->frames, source, "coordinate", dataset->dimensions,
                                    data->memory, scratch, &dataset->checksum, error)) ==
            SCORE_OK &&
        data->log_weights != NULL)
        status = read_weights(dataset, source, error);
    score_frame_source_close(source);
    if (status == SCORE_OK && score_recipe_needs_forces(recipe))
        status = read_forces(dataset, recipe, scratch, error);
    if (status != SCORE_OK)
        return status;
    dataset->scale_nm = data->scale_nm;
    if (!(data->scale_nm > 0))
        status = compute_scale(dataset, data->path, error);
    dataset->force_unit = dataset->scale_nm / (SCORE_BOLTZMANN_KJ * recipe->model.temperature_k);
    return status;
}

score_status score_dataset_open(const score_recipe *recipe, const char *scratch,
                                score_dataset **result, score_error *error) {
    *result = NULL;
    score_dataset *dataset = calloc(1, sizeof *dataset);
    if (dataset == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a data set");
    dataset->seed = recipe->seed;
    dataset->beads = recipe->model.bead_count;
    dataset->dimensions = recipe->model.dimensions;
    dataset->centred = recipe->model.centred != 0;
    dataset->frames.store.file = dataset->forces.store.file = -1;
    score_status status = fill(dataset, recipe, scratch, error);
    if (status == SCORE_OK)
        *result = dataset;
    else
        score_dataset_close(dataset);
    return status;
}

void score_dataset_close(score_dataset *dataset) {
    if (dataset == NULL)
        return;
    for (int split = 0; split < 2; split++)
        free(dataset->sides[split].cumulative);
    free(dataset->emphasised);
    score_frames_close(&dataset->frames);
    score_frames_close(&dataset->forces);
    free(dataset);
}

/* -------- asking -------- */

uint64_t score_dataset_frames(const score_dataset *dataset, score_split split) {
    return dataset->sides[split].frames;
}

double score_dataset_effective_frames(const score_dataset *dataset, score_split split) {
    return dataset->sides[split].effective;
}

uint32_t score_dataset_checksum(const score_dataset *dataset) {
    return dataset->checksum;
}

double score_dataset_scale_nm(const score_dataset *dataset) {
    return dataset->scale_nm;
}

/* The first frame whose cumulative weight is above `target`, which is below the total: a frame of
 * weight 0 adds nothing and is never the first. */
static uint64_t search(const double *cumulative, uint64_t frames, double target) {
    uint64_t low = 0, high = frames - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (cumulative[middle] > target)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The frame that sample number `sample` of a split is. */
static uint64_t drawn_frame(const score_dataset *dataset, score_split split, uint64_t sample) {
    const frame_side *side = &dataset->sides[split];
    uint32_t epoch = (uint32_t)(sample / side->frames);
    uint32_t purpose = SCORE_PURPOSE_PERMUTATION + 0x10 * (uint32_t)split;
    uint64_t index = score_permute(dataset->seed, purpose, epoch, side->frames,
                                   sample % side->frames);
    const double *cumulative = side->cumulative;
    if (split == SCORE_SPLIT_TRAINING && dataset->emphasised != NULL)
        cumulative = dataset->emphasised;
    if (cumulative != NULL) {
        double total = cumulative[side->frames - 1];
        score_random random = score_random_stream(
            dataset->seed, SCORE_PURPOSE_STRATUM + (uint32_t)split, epoch, (uint32_t)index);
        double place = ((double)index + score_random_uniform(&random)) / (double)side->frames;
        double target = place * total;
        index = search(cumulative, side->frames, target < total ? target : nextafter(total, 0));
    }
    return frame_of(dataset, split, index);
}

score_status score_dataset_draw(const score_dataset *dataset, score_split split, uint64_t sample,
                                double *x, score_error *error) {
    return read_frame(dataset, drawn_frame(dataset, split, sample),
                      dataset->frames.unit / dataset->scale_nm, x, error);
}

score_status score_dataset_draw_forces(const score_dataset *dataset, score_split split,
                                       uint64_t sample, double *forces, score_error *error) {
    const score_status status = score_frames_get(
        &dataset->forces, drawn_frame(dataset, split, sample),
        dataset->forces.unit * dataset->force_unit, forces, error);
    if (status == SCORE_OK && dataset->centred)
        centre(dataset, forces);
    return status;
}

/* From the origin where `from` is NULL. */
static double length(int dimensions, const double *from, const double *to) {
    double sum = 0;
    for (int d = 0; d < dimensions; d++) {
        const double step = from == NULL ? to[d] : to[d] - from[d];
        sum += step * step;
    }
    return sqrt(sum);
}

static void extend_range(const score_dataset *dataset, const double *x, score_data_range *range) {
    const int dimensions = dataset->dimensions;
    for (int b = 0; b < dataset->beads; b++, x += dimensions) {
        range->centre_nm = fmax(range->centre_nm, length(dimensions, NULL, x));
        if (b > 0)
            range->neighbours_nm = fmax(range->neighbours_nm,
                                        length(dimensions, x - dimensions, x));
    }
}

score_status score_dataset_range(const score_dataset *dataset, score_data_range *range,
                                 score_error *error) {
    *range = (score_data_range){0};
    const frame_side *side = &dataset->sides[SCORE_SPLIT_TRAINING];
    double *x = malloc(dataset->values * sizeof *x);
    score_status status = SCORE_OK;
    if (x == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a frame");
    for (uint64_t k = 0; k < side->frames && status == SCORE_OK; k++) {
        if (weight_of(side, k) == 0)
            continue;
        status = read_frame(dataset, frame_of(dataset, SCORE_SPLIT_TRAINING, k),
                            dataset->frames.unit, x, error);
        if (status == SCORE_OK)
            extend_range(dataset, x, range);
    }
    free(x);
    return status;
}

score_status score_dataset_training_frame(const score_dataset *dataset, uint64_t index, double *x,
                                          double *weight, score_error *error) {
    *weight = weight_of(&dataset->sides[SCORE_SPLIT_TRAINING], index);
    return read_frame(dataset, frame_of(dataset, SCORE_SPLIT_TRAINING, index),
                      dataset->frames.unit / dataset->scale_nm, x, error);
}

score_status score_dataset_start_frame(const score_dataset *dataset, double *positions_nm,
                                       score_error *error) {
    return read_frame(dataset, dataset->start_frame, dataset->frames.unit, positions_nm, error);
}

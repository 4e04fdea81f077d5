#define _POSIX_C_SOURCE 200809L
#include "run/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "losses/loss.h"
#include "model/noise_schedule.h"
#include "run/learning_rate.h"
#include "run/optimizer.h"

/* Lines that begin like this say where a run is computed, not which it is. They come last. */
static const char PROGRAM[] = "program: ", PROCESSOR[] = "processor: ";

static void write_settings(FILE *out, const score_setting *settings, const void *owner) {
    for (const score_setting *setting = settings; setting->name != NULL; setting++)
        fprintf(out, ", %s %.17g", setting->name, score_setting_get(owner, setting));
}

/* Checkpoints of the first kind have this line from when there was no other. */
static void write_schedule(FILE *out, const score_noise_schedule *schedule) {
    if (schedule->kind == 0) {
        fprintf(out, "beta: %.17g to %.17g\n", schedule->settings[0], schedule->settings[1]);
        return;
    }
    fprintf(out, "noise schedule: %s", score_noise_schedule_title(schedule->kind));
    write_settings(out, score_noise_schedule_settings(schedule->kind), schedule);
    fprintf(out, "\n");
}

static void write_model(FILE *out, const score_model_config *model) {
    fprintf(out, "dimensions: %d\ncentred: %d\n", model->dimensions, model->centred);
    fprintf(out, "temperature (K): %.17g\n", model->temperature_k);
    write_schedule(out, &model->schedule);
    for (int k = 0; k < model->feature_count; k++)
        fprintf(out, "size of feature %d: %d\n", k, model->feature_sizes[k]);
    fprintf(out, "beads: %d\n", model->bead_count);
    for (int k = 0; k < model->bead_count; k++) {
        const score_bead *bead = &model->beads[k];
        fprintf(out, "bead %d: %s of %s %d, %.17g amu", k, bead->name, bead->residue,
                bead->residue_index, bead->mass_amu);
        for (int f = 0; f < model->feature_count; f++)
            fprintf(out, ", %d", bead->features[f]);
        fprintf(out, "\n");
    }
    fprintf(out, "experts: %d\n", model->expert_count);
    for (int k = 0; k < model->expert_count; k++) {
        const score_expert_config *expert = &model->experts[k];
        fprintf(out, "expert %d: %s for the %s, %d layers, hidden %d", k,
                score_architecture_title(expert->architecture),
                expert->output == SCORE_OUTPUT_ENERGY ? "energy" : "score", expert->layers,
                expert->hidden);
        write_settings(out, score_architecture_settings(expert->architecture), expert);
        fprintf(out, ", t in [%.17g, %.17g], time variance %.17g, float%d%s\n", expert->t_begin,
                expert->t_end, expert->time_variance, expert->dtype == SCORE_FLOAT32 ? 32 : 64,
                expert->base == SCORE_BASE_GAUSSIAN ? ", base gaussian" : "");
    }
}

static void write_optimizer(FILE *out, int k, const score_optimizer_config *optimizer) {
    fprintf(out, "stage %d, learning rate: %.17g to %.17g", k, optimizer->rate,
            optimizer->final_rate);
    if (optimizer->decay != 0) /* checkpoints from when there was no other say nothing */
        fprintf(out, ", %s", score_rate_decay_word(optimizer->decay));
    fprintf(out, "\n");
    fprintf(out, "stage %d, warm-up (samples): %" PRIu64 "\n", k, optimizer->warm_up);
    score_optimizer_at(optimizer->kind)->identify(out, k, optimizer->settings);
    fprintf(out, "stage %d, weight decay: %.17g\n", k, optimizer->weight_decay);
    fprintf(out, "stage %d, largest gradient norm: %.17g\n", k, optimizer->clip_norm);
    fprintf(out, "stage %d, half-life of the average (samples): %.17g\n", k,
            optimizer->average_half_life);
}

static void write_loss(FILE *out, int k, const score_loss *loss, const score_loss_config *config) {
    fprintf(out, "stage %d, %s: weight %.17g", k, loss->title, config->weight);
    if (loss->has_share)
        fprintf(out, ", share %.17g", config->share);
    for (int s = 0; s < SCORE_LOSS_SETTINGS && loss->attributes[s].name != NULL; s++)
        fprintf(out, ", %s %.17g", loss->attributes[s].name, config->settings[s]);
    fprintf(out, "\n");
}

static void write_stage(FILE *out, int k, const score_stage *stage, unsigned listed) {
    fprintf(out, "stage %d, expert: %d\n", k, stage->expert);
    fprintf(out, "stage %d, t: %.17g to %.17g, variance %.17g, middle of the weights %.17g\n", k,
            stage->t_begin, stage->t_end, stage->time_variance, stage->weight_middle);
    fprintf(out, "stage %d, length: %" PRIu64 " samples, %.17g epochs\n", k, stage->samples,
            stage->epochs);
    fprintf(out, "stage %d, batch: %d\n", k, stage->batch);
    write_optimizer(out, k, &stage->optimizer);
    for (int loss = 0; loss < SCORE_LOSS_KINDS; loss++)
        if ((listed & SCORE_BIT(loss)) != 0)
            write_loss(out, k, score_loss_table[loss], &stage->losses[loss]);
    const score_emphasis *emphasis = &stage->emphasis;
    if (emphasis->factor > 0)
        fprintf(out, "stage %d, emphasis: %.17g where dihedral %d-%d-%d-%d is in [%.17g, %.17g]\n",
                k, emphasis->factor, emphasis->beads[0], emphasis->beads[1], emphasis->beads[2],
                emphasis->beads[3], emphasis->from, emphasis->to);
}

static void write_recipe(FILE *out, const score_recipe *recipe) {
    fprintf(out, "seed: %" PRIu64 "\n", recipe->seed);
    fprintf(out, "random rotations: %d\n", recipe->rotate);
    fprintf(out, "held-out fraction: %.17g\n", recipe->data.held_out);
    fprintf(out, "unit (nm, 0 as the file says): %.17g\n", recipe->data.unit_nm);
    fprintf(out, "log-weights: %s\n",
            recipe->data.log_weights == NULL ? "none" : recipe->data.log_weights);
    fprintf(out, "scale (nm, 0 as the data says): %.17g\n", recipe->data.scale_nm);
    write_model(out, &recipe->model);
    fprintf(out, "stages: %d\n", recipe->stage_count);
    for (int k = 0; k < recipe->stage_count; k++)
        write_stage(out, k, &recipe->stages[k], score_recipe_listed_losses(recipe));
    fprintf(out, "validation interval (samples): %" PRIu64 "\n", recipe->validation_interval);
}

static void write_place(FILE *out) {
    fprintf(out, "%sscore-train %s, compiler %s\n", PROGRAM, SCORE_VERSION, __VERSION__);
    fprintf(out, "%s%s\n", PROCESSOR, score_host_in_use()->name);
}

score_status score_identity_create(const score_recipe *recipe, const score_dataset *dataset,
                                   char **text, score_error *error) {
    *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(text, &size);
    if (out == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "out of memory");
    write_recipe(out, recipe);
    fprintf(out, "training frames: %" PRIu64 "\n",
            score_dataset_frames(dataset, SCORE_SPLIT_TRAINING));
    fprintf(out, "validation frames: %" PRIu64 "\n",
            score_dataset_frames(dataset, SCORE_SPLIT_VALIDATION));
    fprintf(out, "CRC-32 of the frames: %08" PRIx32 "\n", score_dataset_checksum(dataset));
    fprintf(out, "scale of the data (nm): %.17g\n", score_dataset_scale_nm(dataset));
    write_place(out);
    int failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
        return score_fail(error, SCORE_ERROR_MEMORY, "out of memory");
    }
    return SCORE_OK;
}

/* Where the lines that say where a run is computed begin in `text`. */
static const char *find_place(const char *text) {
    while (*text != '\0' && strncmp(text, PROGRAM, sizeof PROGRAM - 1) != 0 &&
           strncmp(text, PROCESSOR, sizeof PROCESSOR - 1) != 0) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

/* Sets *saved and *current to the first lines that are not the same; false where all are. */
static bool find_difference(const char **saved, const char *saved_end, const char **current,
                            const char *current_end) {
    while (*saved < saved_end || *current < current_end) {
        size_t saved_size = strcspn(*saved, "\n"), current_size = strcspn(*current, "\n");
        if (*saved == saved_end || *current == current_end || saved_size != current_size ||
            memcmp(*saved, *current, saved_size) != 0)
            return true;
        *saved += saved_size + ((*saved)[saved_size] == '\n');
        *current += current_size + ((*current)[current_size] == '\n');
    }
    return false;
}

/* The size of the line at `text`, 0 at the end. */
static int line_size(const char *text, const char *end) {
    return text == end ? 0 : (int)strcspn(text, "\n");
}

static score_status warn(const char *path, const char *saved, const char *current, char **warning,
                         score_error *error) {
    size_t size = strlen(path) + strlen(saved) + strlen(current) + 200;
    *warning = malloc(size);
    if (*warning == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "out of memory");
    int saved_size = line_size(saved, saved + strlen(saved));
    snprintf(*warning, size,
             "%s: was computed elsewhere, by '%.*s', now it is '%.*s': the last bits of the "
             "result are not those of a run in one place",
             path, saved_size > 0 ? saved_size : 16, saved_size > 0 ? saved : "an older version",
             line_size(current, current + strlen(current)), current);
    return SCORE_OK;
}

score_status score_identity_compare(const char *saved, const char *path, const char *current,
                                    char **warning, score_error *error) {
    *warning = NULL;
    const char *saved_end = find_place(saved), *current_end = find_place(current);
    if (find_difference(&saved, saved_end, &current, current_end))
        return score_fail_at(error, SCORE_ERROR_ARGUMENT, path, 0,
                             "belongs to another run: it has '%.*s', the recipe and its data "
                             "have '%.*s'",
                             line_size(saved, saved_end), saved, line_size(current, current_end),
                             current);
    if (find_difference(&saved, saved + strlen(saved), &current, current + strlen(current)))
        return warn(path, saved, current, warning, error);
    return SCORE_OK;
}

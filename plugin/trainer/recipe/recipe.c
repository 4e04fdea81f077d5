#define _POSIX_C_SOURCE 200809L
#include "recipe/recipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "data/dataset_beads.h"
#include "model/network.h"
#include "model/noise_schedule.h"
#include "recipe/recipe_training.h"
#include "recipe/recipe_xml.h"
#include "weights/format.h"

static const score_number_range HELD_OUT = {0, 0.5, false, false, "in [0, 0.5]"};

/* An array that grows by one zeroed element, which is returned; NULL where memory is short. */
static void *append(score_xml_reader *reader, void **array, int *count, size_t size) {
    char *grown = realloc(*array, ((size_t)*count + 1) * size);
    if (grown == NULL) {
        score_xml_fail_memory(reader);
        return NULL;
    }
    *array = grown;
    return memset(grown + (size_t)(*count)++ * size, 0, size);
}

/* -------- data -------- */

/* `file` as seen from the folder that the recipe lies in. */
static char *resolve(const char *recipe, const char *file) {
    const char *slash = strrchr(recipe, '/');
    size_t folder = slash == NULL || file[0] == '/' ? 0 : (size_t)(slash - recipe) + 1;
    char *path = malloc(folder + strlen(file) + 1);
    if (path != NULL) {
        memcpy(path, recipe, folder);
        memcpy(path + folder, file, strlen(file) + 1);
    }
    return path;
}

/* The attribute as a file that can be read; NULL without it. */
static char *read_path(score_xml_reader *reader, const xmlNode *node, const char *name,
                       bool required) {
    char *file = score_xml_text(reader, node, name, required);
    if (file == NULL)
        return NULL;
    char *path = resolve(reader->file, file);
    free(file);
    if (path == NULL)
        score_xml_fail_memory(reader);
    else if (reader->status == SCORE_OK && access(path, R_OK) != 0)
        reader->status = score_fail_at(reader->error, SCORE_ERROR_FILE, reader->file,
                                       score_xml_line(node), "cannot read data file %s: %s", path,
                                       strerror(errno));
    return path;
}

static void read_data(score_xml_reader *reader, const xmlNode *node, score_data_config *data) {
    static const double unit_nm[] = {1, 0.1}, force_unit[] = {1, SCORE_KCAL_MOL_ANGSTROM};
    score_xml_allow_attributes(reader, node,
                               "file unit logWeights heldOut scaleNm memoryMiB forces forceUnits");
    score_xml_allow_children(reader, node, "");
    data->line = score_xml_line(node);
    data->log_weights = score_xml_text(reader, node, "logWeights", false);
    if (data->log_weights != NULL && strcmp(data->log_weights, "none") == 0) {
        data->no_weights = true;
        free(data->log_weights);
        data->log_weights = NULL;
    }
    data->held_out = score_xml_double(reader, node, "heldOut", HELD_OUT, 0.05);
    data->scale_nm = score_xml_double(reader, node, "scaleNm", SCORE_POSITIVE, 0);
    data->memory = (uint64_t)score_xml_int(reader, node, "memoryMiB", 0, (int64_t)1 << 32, 1024)
                   << 20;
    if (xmlHasNsProp(node, (const xmlChar *)"unit", NULL) != NULL)
        data->unit_nm = unit_nm[score_xml_choice(reader, node, "unit", "nm angstrom", -1)];
    data->path = read_path(reader, node, "file", true);
    data->forces = read_path(reader, node, "forces", false);
    const int unit = score_xml_choice(reader, node, "forceUnits", "kJ/mol/nm kcal/mol/angstrom",
                                      data->forces == NULL ? 0 : -1);
    data->force_unit = data->forces == NULL ? 0 : force_unit[unit];
    if (data->forces == NULL && xmlHasNsProp(node, (const xmlChar *)"forceUnits", NULL) != NULL)
        score_xml_fail(reader, node, "<Data> has forceUnits without forces");
}

/* -------- model -------- */

static void read_features(score_xml_reader *reader, const xmlNode *node, score_bead *bead,
                          const score_model_config *model) {
    xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)"features");
    if ((text == NULL || text[0] == '\0') && model->feature_count > 0)
        score_xml_fail(reader, node, "<Bead> lacks its attribute 'features' (%d numbers)",
                       model->feature_count);
    const char *rest = text == NULL ? "" : (const char *)text;
    int count = 0;
    while (reader->status == SCORE_OK && *(rest += strspn(rest, " ")) != '\0') {
        char number[24];
        size_t length = strcspn(rest, " ");
        int64_t value = -1;
        int size = count < model->feature_count ? model->feature_sizes[count] : 0;
        snprintf(number, sizeof number, "%.*s", (int)(length < 23 ? length : 23), rest);
        if (size == 0)
            score_xml_fail(reader, node, "<Bead> has features=\"%.80s\", must be %d numbers",
                           (const char *)text, model->feature_count);
        else if (!score_parse_int(number, 0, size - 1, &value))
            score_xml_fail(reader, node, "<Bead> has feature %d = '%s', must be in [0, %d)", count,
                           number, size);
        else
            bead->features[count++] = (int)value;
        rest += length;
    }
    if (count < model->feature_count)
        score_xml_fail(reader, node, "<Bead> has %d features, must be %d", count,
                       model->feature_count);
    xmlFree(text);
}

static void read_bead(score_xml_reader *reader, const xmlNode *node, score_recipe *recipe) {
    score_model_config *model = &recipe->model;
    score_xml_allow_attributes(reader, node, "name residue residueIndex mass features");
    score_xml_allow_children(reader, node, "");
    if (model->bead_count == SCORE_MAX_BEADS)
        score_xml_fail(reader, node, "has more than %d beads", SCORE_MAX_BEADS);
    if (reader->status != SCORE_OK)
        return;
    int before = model->bead_count == 0 ? 0 : recipe->beads[model->bead_count - 1].residue_index;
    void *beads = recipe->beads;
    score_bead *bead = append(reader, &beads, &model->bead_count, sizeof *bead);
    recipe->beads = beads;
    model->beads = beads;
    if (bead == NULL)
        return;
    score_xml_copy_text(reader, node, "name", true, bead->name, sizeof bead->name);
    score_xml_copy_text(reader, node, "residue", false, bead->residue, sizeof bead->residue);
    bead->residue_index = (int)score_xml_int(reader, node, "residueIndex", before, SCORE_MAX_BEADS,
                                             before);
    bead->mass_amu = score_xml_double(reader, node, "mass", SCORE_POSITIVE, SCORE_REQUIRED);
    read_features(reader, node, bead, model);
}

/* All beads, from the topology of the data. */
static void read_beads(score_xml_reader *reader, const xmlNode *node, score_recipe *recipe) {
    score_model_config *model = &recipe->model;
    score_xml_allow_attributes(reader, node, "fromData mass");
    score_xml_allow_children(reader, node, "");
    if (!score_xml_bool(reader, node, "fromData", false))
        score_xml_fail(reader, node, "<Beads> must have fromData=\"true\"");
    for (const xmlNode *other = score_xml_first(node->parent); other != NULL;
         other = score_xml_next(other))
        if (score_xml_is(other, "Bead") || score_xml_is(other, "Feature"))
            score_xml_fail(reader, other,
                           "<%s> beside <Beads>, which takes all beads from the data",
                           (const char *)other->name);
    const double mass_amu = score_xml_double(reader, node, "mass", SCORE_POSITIVE, 0);
    if (reader->status == SCORE_OK)
        reader->status = score_dataset_read_beads(recipe->data.path, mass_amu, &recipe->beads,
                                                  &model->bead_count, reader->error);
    model->beads = recipe->beads;
}

static void read_feature(score_xml_reader *reader, const xmlNode *node, score_model_config *model) {
    score_xml_allow_attributes(reader, node, "size");
    score_xml_allow_children(reader, node, "");
    int size = (int)score_xml_int(reader, node, "size", 1, SCORE_MAX_WIDTH, SCORE_REQUIRED_INT);
    if (model->bead_count > 0)
        score_xml_fail(reader, node, "<Feature> must stand before the first <Bead>");
    else if (model->feature_count == SCORE_MAX_FEATURES)
        score_xml_fail(reader, node, "has more than %d features", SCORE_MAX_FEATURES);
    else
        model->feature_sizes[model->feature_count++] = size;
}

static void read_setting(score_xml_reader *reader, const xmlNode *node,
                         const score_setting *setting, void *owner) {
    char words[256] = "";
    double value = 0;
    switch (setting->kind) {
    case SCORE_SETTING_INT:
        value = (double)score_xml_int(reader, node, setting->name, setting->least, setting->most,
                                      (int)setting->usual);
        break;
    case SCORE_SETTING_NUMBER:
        value = score_xml_double(reader, node, setting->name, SCORE_POSITIVE, setting->usual);
        break;
    case SCORE_SETTING_CHOICE:
        for (int k = 0; setting->choices[k] != NULL; k++)
            score_xml_add_word(words, sizeof words, setting->choices[k]);
        value = score_xml_choice(reader, node, setting->name, words, (int)setting->usual);
        break;
    }
    score_setting_set(owner, setting, value);
}

/* An element's settings, which has no attributes but those and `others`. */
static void read_settings(score_xml_reader *reader, const xmlNode *node, const char *others,
                          const score_setting *settings, void *owner) {
    char names[512] = "";
    score_xml_add_word(names, sizeof names, others);
    for (const score_setting *setting = settings; setting->name != NULL; setting++)
        score_xml_add_word(names, sizeof names, setting->name);
    score_xml_allow_attributes(reader, node, names);
    for (const score_setting *setting = settings; setting->name != NULL; setting++)
        read_setting(reader, node, setting, owner);
}

static void read_diffusion(score_xml_reader *reader, const xmlNode *node,
                           score_noise_schedule *schedule) {
    score_error error = {0};
    score_xml_allow_children(reader, node, "");
    *schedule = (score_noise_schedule){
        .kind = score_xml_kind(reader, node, "type", score_noise_schedule_word, 0)};
    read_settings(reader, node, "type", score_noise_schedule_settings(schedule->kind), schedule);
    if (score_noise_schedule_check(schedule, &error) != SCORE_OK)
        score_xml_fail(reader, node, "<Diffusion>: %s", error.message);
}

static void read_expert(score_xml_reader *reader, const xmlNode *node, score_model_config *model) {
    static const score_output outputs[] = {SCORE_OUTPUT_ENERGY, SCORE_OUTPUT_SCORE};
    static const score_base bases[] = {SCORE_BASE_NONE, SCORE_BASE_GAUSSIAN};
    static const score_dtype dtypes[] = {SCORE_FLOAT32, SCORE_FLOAT64};
    if (model->expert_count == SCORE_MAX_EXPERTS) {
        score_xml_fail(reader, node, "has more than %d experts", SCORE_MAX_EXPERTS);
        return;
    }
    score_expert_config *expert = &model->experts[model->expert_count++];
    expert->architecture = (score_architecture)score_xml_kind(reader, node, "architecture",
                                                              score_architecture_word, -1);
    read_settings(reader, node,
                  "architecture output hidden layers timeBegin timeEnd timeVariance base dtype",
                  score_architecture_settings(expert->architecture), expert);
    score_xml_allow_children(reader, node, "");
    expert->output = outputs[score_xml_choice(reader, node, "output", "energy score", 0)];
    expert->base = bases[score_xml_choice(reader, node, "base", "none gaussian", 0)];
    if (expert->base == SCORE_BASE_GAUSSIAN && expert->output == SCORE_OUTPUT_SCORE)
        score_xml_fail(reader, node,
                       "<Expert> has output=\"score\" and base=\"gaussian\", which only an energy "
                       "can have");
    expert->dtype = dtypes[score_xml_choice(reader, node, "dtype", "float32 float64", 0)];
    expert->hidden = (int)score_xml_int(
        reader, node, "hidden", 1, SCORE_MAX_WIDTH / SCORE_FEEDFORWARD_FACTOR, SCORE_REQUIRED_INT);
    expert->layers = (int)score_xml_int(reader, node, "layers", 1, SCORE_MAX_LAYERS,
                                        SCORE_REQUIRED_INT);
    expert->t_begin = score_xml_double(reader, node, "timeBegin", SCORE_TIME, 0);
    expert->t_end = score_xml_double(reader, node, "timeEnd", SCORE_TIME, 1);
    expert->time_variance = score_xml_double(reader, node, "timeVariance", SCORE_POSITIVE, 0);
    if (!(expert->t_begin < expert->t_end) || expert->t_end <= SCORE_TIME_MIN)
        score_xml_fail(reader, node,
                       "<Expert> owns diffusion times [%g, %g], must be a range that "
                       "reaches beyond %g",
                       expert->t_begin, expert->t_end, SCORE_TIME_MIN);
}

/* Experts may stand in any order; their ranges meet at their ends, without gap or overlap. */
static void check_ranges(score_xml_reader *reader, const xmlNode *node,
                         const score_model_config *model) {
    for (int k = 0; k < model->expert_count; k++) {
        const score_expert_config *expert = &model->experts[k];
        double next = INFINITY; /* where the nearest later expert begins */
        for (int j = 0; j < model->expert_count; j++) {
            const score_expert_config *other = &model->experts[j];
            if (j != k && expert->t_begin <= other->t_begin && other->t_begin < expert->t_end)
                score_xml_fail(reader, node,
                               "<Model>: experts %d and %d overlap, they own diffusion times [%g, "
                               "%g] and [%g, %g]",
                               k, j, expert->t_begin, expert->t_end, other->t_begin, other->t_end);
            if (other->t_begin >= expert->t_end)
                next = fmin(next, other->t_begin);
        }
        if (next > expert->t_end && next < INFINITY)
            score_xml_fail(reader, node,
                           "<Model>: no expert owns the diffusion times between %g and %g",
                           expert->t_end, next);
    }
}

static void read_model(score_xml_reader *reader, const xmlNode *node, score_recipe *recipe) {
    score_model_config *model = &recipe->model;
    score_xml_allow_attributes(reader, node, "temperatureK dimensions centred");
    score_xml_allow_children(reader, node, "Diffusion Feature Bead Beads Expert");
    model->temperature_k = score_xml_double(reader, node, "temperatureK", SCORE_POSITIVE,
                                            SCORE_REQUIRED);
    model->dimensions = (int)score_xml_int(reader, node, "dimensions", 1, 3, 3);
    model->centred = score_xml_bool(reader, node, "centred", model->dimensions == 3);
    model->schedule = score_noise_schedule_usual(0);
    const xmlNode *diffusion = score_xml_only(reader, node, "Diffusion", false);
    if (diffusion != NULL)
        read_diffusion(reader, diffusion, &model->schedule);
    const xmlNode *beads = score_xml_only(reader, node, "Beads", false);
    if (beads != NULL && reader->status == SCORE_OK)
        read_beads(reader, beads, recipe);
    for (const xmlNode *child = score_xml_first(node); child != NULL && reader->status == SCORE_OK;
         child = score_xml_next(child)) {
        if (score_xml_is(child, "Feature"))
            read_feature(reader, child, model);
        else if (score_xml_is(child, "Bead"))
            read_bead(reader, child, recipe);
        else if (score_xml_is(child, "Expert"))
            read_expert(reader, child, model);
    }
    if (model->bead_count == 0)
        score_xml_fail(reader, node, "<Model> has no <Bead>, nor <Beads fromData=\"true\"/>");
    if (model->expert_count == 0)
        score_xml_fail(reader, node, "<Model> has no <Expert>");
    check_ranges(reader, node, model);
    if (reader->status != SCORE_OK)
        return;
    /* What is left, the checks of one value against another, is the model's own. */
    score_error error = {0};
    score_model_config config = *model;
    config.scale_nm = 1;
    if (score_model_check(&config, &error) != SCORE_OK)
        score_xml_fail(reader, node, "<Model>: %s", error.message);
}

score_over score_recipe_over(const score_recipe *recipe) {
    if (recipe->model.feature_count > 0)
        return SCORE_OVER_ALL;
    return recipe->rotate ? SCORE_OVER_BEADS : SCORE_OVER_COORDINATES;
}

bool score_recipe_has_base(const score_recipe *recipe) {
    for (int k = 0; k < recipe->model.expert_count; k++)
        if (recipe->model.experts[k].base == SCORE_BASE_GAUSSIAN)
            return true;
    return false;
}

/* That its Gaussian is not too large, before the data are read. */
static void check_base(score_xml_reader *reader, const xmlNode *model, const score_recipe *recipe) {
    score_error error = {0};
    const score_gaussian gaussian = {.over = score_recipe_over(recipe)};
    score_model_config config = recipe->model;
    config.gaussian = &gaussian;
    if (score_recipe_has_base(recipe) && score_gaussian_check_size(&config, &error) != SCORE_OK)
        score_xml_fail(reader, model, "<Model>: %s", error.message);
}

/* -------- the whole -------- */

static void check_note_name(score_xml_reader *reader, const xmlNode *node,
                            const score_recipe *recipe, const char *name) {
    static const char *const taken[SCORE_RUN_NOTES] = {SCORE_NOTE_RECIPE, SCORE_NOTE_FRAMES,
                                                       SCORE_NOTE_SEED, SCORE_NOTE_TRAINING};
    for (int k = 0; k < SCORE_RUN_NOTES; k++)
        if (strcmp(name, taken[k]) == 0)
            score_xml_fail(reader, node, "<Note> has name=\"%s\", which score-train writes itself",
                           name);
    for (int k = 0; k + 1 < recipe->model.note_count; k++)
        if (strcmp(recipe->notes[k].name, name) == 0)
            score_xml_fail(reader, node, "has a second <Note> named '%s'", name);
    if (score_control_character(name) != NULL)
        score_xml_fail(reader, node, "<Note> has name=\"%s\", must be without control characters",
                       name);
    if (strlen(name) >= SCORE_MAX_NOTE_NAME)
        score_xml_fail(reader, node, "<Note> has name=\"%.60s...\" of %zu bytes, must be below %d",
                       name, strlen(name), SCORE_MAX_NOTE_NAME);
}

static void read_note(score_xml_reader *reader, const xmlNode *node, score_recipe *recipe) {
    score_xml_allow_attributes(reader, node, "name");
    if (score_xml_first(node) != NULL)
        score_xml_fail(reader, score_xml_first(node), "<Note> has text alone");
    if (recipe->model.note_count == SCORE_MAX_NOTES - SCORE_RUN_NOTES)
        score_xml_fail(reader, node, "has more than %d notes", SCORE_MAX_NOTES - SCORE_RUN_NOTES);
    if (reader->status != SCORE_OK)
        return;
    void *notes = recipe->notes;
    score_note *note = append(reader, &notes, &recipe->model.note_count, sizeof *note);
    recipe->notes = notes;
    recipe->model.notes = notes;
    if (note == NULL)
        return;
    note->name = score_xml_text(reader, node, "name", true);
    if (note->name != NULL)
        check_note_name(reader, node, recipe, note->name);
    xmlChar *text = xmlNodeGetContent(node);
    note->text = text == NULL ? NULL : strdup((const char *)text);
    xmlFree(text);
    if (note->text == NULL)
        score_xml_fail_memory(reader);
}

static void read_root(score_xml_reader *reader, const xmlNode *root, score_recipe *recipe) {
    if (!score_xml_is(root, "ScoreRecipe")) {
        score_xml_fail(reader, root, "is not a recipe: its root is <%s>, must be <ScoreRecipe>",
                       (const char *)root->name);
        return;
    }
    score_xml_allow_attributes(reader, root, "version seed");
    score_xml_allow_children(reader, root, "Note Data Model Training");
    score_xml_choice(reader, root, "version", "1", -1);
    recipe->seed = (uint64_t)score_xml_int(reader, root, "seed", 0, INT64_MAX, 0);
    for (const xmlNode *child = score_xml_first(root); child != NULL && reader->status == SCORE_OK;
         child = score_xml_next(child))
        if (score_xml_is(child, "Note"))
            read_note(reader, child, recipe);
    const xmlNode *data = score_xml_only(reader, root, "Data", true);
    if (data != NULL)
        read_data(reader, data, &recipe->data);
    const xmlNode *model = score_xml_only(reader, root, "Model", true);
    if (model != NULL && reader->status == SCORE_OK)
        read_model(reader, model, recipe);
    const xmlNode *training = score_xml_only(reader, root, "Training", true);
    if (training != NULL && reader->status == SCORE_OK)
        score_recipe_read_training(reader, training, recipe);
    if (reader->status == SCORE_OK)
        check_base(reader, model, recipe);
}

score_status score_recipe_read(const char *path, score_recipe **result, score_error *error) {
    *result = NULL;
    score_xml_reader reader = {.file = path, .error = error};
    xmlDoc *document = score_xml_load(&reader, path);
    if (document == NULL)
        return reader.status;
    score_recipe *recipe = calloc(1, sizeof *recipe);
    if (recipe != NULL)
        recipe->path = strdup(path);
    if (recipe == NULL || recipe->path == NULL)
        score_xml_fail_memory(&reader);
    else
        read_root(&reader, xmlDocGetRootElement(document), recipe);
    xmlFreeDoc(document);
    if (reader.status == SCORE_OK)
        *result = recipe;
    else
        score_recipe_destroy(recipe);
    return reader.status;
}

void score_recipe_destroy(score_recipe *recipe) {
    if (recipe == NULL)
        return;
    for (int k = 0; k < recipe->model.note_count; k++) {
        free((char *)recipe->notes[k].name);
        free((char *)recipe->notes[k].text);
    }
    free(recipe->notes);
    free(recipe->beads);
    free(recipe->data.path);
    free(recipe->data.log_weights);
    free(recipe->data.forces);
    free(recipe->path);
    free(recipe);
}

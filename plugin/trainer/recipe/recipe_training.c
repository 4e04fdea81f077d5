#include "recipe/recipe_training.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "losses/loss.h"
#include "losses/loss_denoising.h"
#include "run/learning_rate.h"
#include "run/optimizer.h"

static const score_number_range LIKE_RATE = {0, FLT_MAX, true, false,
                                             "above 0 and at most 3.4e38, as float"};
static const score_number_range DEGREES = {-180, 180, false, false, "in [-180, 180], degrees"};
static const score_number_range ABOVE_ONE = {1, 1e6, true, false, "above 1 and at most 1e6"};
static const score_number_range SHARE = {0, 1, true, false, "in (0, 1]"};

static void read_rate(score_xml_reader *reader, const xmlNode *node, uint64_t stage_samples,
                      score_optimizer_config *optimizer) {
    optimizer->rate = score_xml_double(reader, node, "rate", LIKE_RATE, SCORE_REQUIRED);
    optimizer->final_rate = score_xml_double(reader, node, "finalRate", SCORE_NOT_NEGATIVE,
                                             0.01 * optimizer->rate);
    optimizer->decay = score_xml_kind(reader, node, "rateDecay", score_rate_decay_word, 0);
    optimizer->warm_up = score_xml_count(reader, node, "warmUpSamples", 0, 0);
    if (optimizer->final_rate > optimizer->rate)
        score_xml_fail(reader, node, "<%s> has finalRate %g, above its rate %g",
                       (const char *)node->name, optimizer->final_rate, optimizer->rate);
    if (stage_samples > 0 && optimizer->warm_up > stage_samples)
        score_xml_fail(reader, node, "<%s> warms up over %llu samples, the stage has %llu",
                       (const char *)node->name, (unsigned long long)optimizer->warm_up,
                       (unsigned long long)stage_samples);
}

/* Where a list of names goes. */
typedef char name_list[256];

static void add_attributes(name_list names, const score_number_attribute *attributes, int most) {
    for (int k = 0; k < most && attributes[k].name != NULL; k++)
        score_xml_add_word(names, sizeof(name_list), attributes[k].name);
}

static void read_attributes(score_xml_reader *reader, const xmlNode *node,
                            const score_number_attribute *attributes, int most, double *values) {
    for (int k = 0; k < most && attributes[k].name != NULL; k++) {
        const score_number_attribute *each = &attributes[k];
        values[k] = each->range == NULL
                        ? score_xml_bool(reader, node, each->name, each->fallback != 0)
                        : score_xml_double(reader, node, each->name, *each->range, each->fallback);
    }
}

static void read_optimizer(score_xml_reader *reader, const xmlNode *node,
                           const score_optimizer *kind, score_stage *stage) {
    score_optimizer_config *optimizer = &stage->optimizer;
    name_list names = "rate finalRate rateDecay warmUpSamples weightDecay clipNorm";
    add_attributes(names, kind->attributes, SCORE_OPTIMIZER_SETTINGS);
    score_xml_allow_attributes(reader, node, names);
    score_xml_allow_children(reader, node, "");
    read_rate(reader, node, stage->samples, optimizer);
    read_attributes(reader, node, kind->attributes, SCORE_OPTIMIZER_SETTINGS, optimizer->settings);
    optimizer->weight_decay = score_xml_double(reader, node, "weightDecay", SCORE_NOT_NEGATIVE,
                                               1e-4);
    optimizer->clip_norm = score_xml_double(reader, node, "clipNorm", SCORE_POSITIVE, 0);
}

static void read_stage_optimizer(score_xml_reader *reader, const xmlNode *node,
                                 const score_expert_config *expert, score_stage *stage) {
    const xmlNode *found = NULL;
    char words[128] = "";
    const score_optimizer *kind;
    for (int k = 0; (kind = score_optimizer_at(k)) != NULL; k++) {
        const xmlNode *element = score_xml_only(reader, node, kind->element, false);
        const size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s<%s>", k == 0 ? "" : " or ", kind->element);
        if (element == NULL)
            continue;
        if (found != NULL)
            score_xml_fail(reader, element, "<Stage> has both <%s> and <%s>",
                           (const char *)found->name, kind->element);
        else if (kind->update_matrix != NULL && expert->architecture == SCORE_MLP &&
                 expert->layers == 1)
            score_xml_fail(reader, element,
                           "<%s> moves matrices between layers, expert %d has one layer",
                           kind->element, stage->expert);
        else
            read_optimizer(reader, element, kind, stage);
        stage->optimizer.kind = k;
        found = element;
    }
    if (found == NULL)
        score_xml_fail(reader, node, "<Stage> lacks its %s", words);
}

static void allow_loss_attributes(score_xml_reader *reader, const xmlNode *node,
                                  const score_loss *loss) {
    name_list names = "weight";
    if (loss->has_share)
        score_xml_add_word(names, sizeof(name_list), "share");
    add_attributes(names, loss->attributes, SCORE_LOSS_SETTINGS);
    score_xml_allow_attributes(reader, node, names);
}

static void read_loss(score_xml_reader *reader, const xmlNode *node, const score_loss *loss,
                      const score_loss_stage *at, score_loss_config *config) {
    score_loss_message message;
    allow_loss_attributes(reader, node, loss);
    score_xml_allow_children(reader, node, "");
    config->weight = score_xml_double(reader, node, "weight", SCORE_POSITIVE, loss->default_weight);
    config->share = loss->has_share ? score_xml_double(reader, node, "share", SHARE, 1) : 1;
    read_attributes(reader, node, loss->attributes, SCORE_LOSS_SETTINGS, config->settings);
    if (loss->check != NULL && !loss->check(at, config, message))
        score_xml_fail(reader, node, "%s", message);
}

/* After the stage's times, which some losses depend on. */
static void read_losses(score_xml_reader *reader, const xmlNode *node,
                        const score_model_config *model, score_stage *stage) {
    const score_expert_config *expert = &model->experts[stage->expert];
    const score_loss_stage at = {model->schedule, expert, stage};
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        const score_loss *loss = score_loss_table[k];
        const xmlNode *element = score_xml_only(reader, node, loss->element, loss->is_required);
        if (element == NULL)
            continue;
        if (loss->needs_energy && expert->output != SCORE_OUTPUT_ENERGY)
            score_xml_fail(reader, element, "<%s> needs an energy, expert %d puts out a score",
                           loss->element, stage->expert);
        else
            read_loss(reader, element, loss, &at, &stage->losses[k]);
    }
}

bool score_stage_is_antithetic(const score_stage *stage) {
    return stage->losses[SCORE_LOSS_DENOISING].settings[SCORE_DENOISING_ANTITHETIC] != 0;
}

bool score_recipe_needs_forces(const score_recipe *recipe) {
    bool needs = false;
    for (int s = 0; s < recipe->stage_count; s++)
        for (int k = 0; k < SCORE_LOSS_KINDS; k++)
            needs = needs ||
                    (score_loss_table[k]->needs_forces && recipe->stages[s].losses[k].weight > 0);
    return needs;
}

unsigned score_recipe_listed_losses(const score_recipe *recipe) {
    unsigned listed = 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        bool is_listed = score_loss_table[k]->is_listed;
        for (int s = 0; s < recipe->stage_count; s++)
            is_listed = is_listed || recipe->stages[s].losses[k].weight > 0;
        listed |= is_listed ? SCORE_BIT(k) : 0;
    }
    return listed;
}

/* "0 1 2 3" */
static void read_corners(score_xml_reader *reader, const xmlNode *node, int bead_count,
                         int beads[4]) {
    char *text = score_xml_text(reader, node, "dihedral", true);
    if (text == NULL)
        return;
    int64_t values[4] = {-1, -1, -1, -1};
    char words[4][12], after;
    bool good = sscanf(text, "%11s %11s %11s %11s %c", words[0], words[1], words[2], words[3],
                       &after) == 4;
    for (int k = 0; k < 4 && good; k++) {
        good = strlen(words[k]) < sizeof words[k] - 1 && /* else cut off, its rest is the next */
               score_parse_int(words[k], 0, bead_count - 1, &values[k]);
        for (int j = 0; j < k; j++)
            good = good && values[j] != values[k];
        beads[k] = (int)values[k];
    }
    if (!good)
        score_xml_fail(reader, node,
                       "<Emphasis> has dihedral=\"%.80s\", must be four different beads of 0 to %d",
                       text, bead_count - 1);
    free(text);
}

static void read_emphasis(score_xml_reader *reader, const xmlNode *node,
                          const score_model_config *model, score_emphasis *emphasis) {
    score_xml_allow_attributes(reader, node, "dihedral from to factor");
    score_xml_allow_children(reader, node, "");
    emphasis->line = score_xml_line(node);
    if (model->dimensions != 3)
        score_xml_fail(reader, node, "<Emphasis> needs a model in 3 dimensions");
    read_corners(reader, node, model->bead_count, emphasis->beads);
    emphasis->from = score_xml_double(reader, node, "from", DEGREES, SCORE_REQUIRED);
    emphasis->to = score_xml_double(reader, node, "to", DEGREES, SCORE_REQUIRED);
    emphasis->factor = score_xml_double(reader, node, "factor", ABOVE_ONE, SCORE_REQUIRED);
}

/* Where t is drawn and how it is weighted. */
static void read_times(score_xml_reader *reader, const xmlNode *node,
                       const score_expert_config *expert, score_stage *stage) {
    double begin = expert->t_begin > SCORE_TIME_MIN ? expert->t_begin : SCORE_TIME_MIN;
    stage->t_begin = score_xml_double(reader, node, "timeBegin", SCORE_TIME, begin);
    stage->t_end = score_xml_double(reader, node, "timeEnd", SCORE_TIME, expert->t_end);
    if (!(stage->t_begin >= begin && stage->t_begin < stage->t_end &&
          stage->t_end <= expert->t_end)) {
        score_xml_fail(reader, node,
                       "<Stage> draws diffusion times in [%g, %g], must be a range "
                       "inside its expert's [%g, %g]",
                       stage->t_begin, stage->t_end, begin, expert->t_end);
        return;
    }
    stage->time_variance = score_xml_double(reader, node, "timeVariance", SCORE_NOT_NEGATIVE, -1);
    double middle = 0.5 * (stage->t_begin + stage->t_end);
    stage->weight_middle = score_xml_double(reader, node, "weightMiddle", SCORE_TIME, middle);
    if (!(stage->weight_middle > stage->t_begin && stage->weight_middle < stage->t_end))
        score_xml_fail(reader, node, "<Stage> has weightMiddle=\"%g\", must be inside (%g, %g)",
                       stage->weight_middle, stage->t_begin, stage->t_end);
}

score_times score_stage_times(score_noise_schedule schedule, const score_stage *stage) {
    return (score_times){.scale = {.schedule = schedule,
                                   .t_begin = fmax(stage->t_begin, SCORE_TIME_MIN),
                                   .t_end = stage->t_end,
                                   .variance = fmax(stage->time_variance, 0)},
                         .even_in_t = stage->time_variance < 0};
}

static void read_length(score_xml_reader *reader, const xmlNode *node, score_stage *stage) {
    stage->samples = score_xml_count(reader, node, "samples", 1, 0);
    stage->epochs = score_xml_double(reader, node, "epochs", SCORE_POSITIVE, 0);
    if ((stage->samples > 0) == (stage->epochs > 0))
        score_xml_fail(reader, node, "<Stage> must have exactly one of 'samples' and 'epochs'");
}

static void read_stage(score_xml_reader *reader, const xmlNode *node, score_recipe *recipe) {
    score_xml_allow_attributes(reader, node,
                               "expert samples epochs batch timeBegin timeEnd "
                               "timeVariance weightMiddle");
    name_list children = "MovingAverage";
    for (int k = 0; score_optimizer_at(k) != NULL; k++)
        score_xml_add_word(children, sizeof(name_list), score_optimizer_at(k)->element);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        score_xml_add_word(children, sizeof(name_list), score_loss_table[k]->element);
    score_xml_add_word(children, sizeof(name_list), "Emphasis");
    score_xml_allow_children(reader, node, children);
    if (recipe->stage_count == SCORE_MAX_STAGES)
        score_xml_fail(reader, node, "has more than %d stages", SCORE_MAX_STAGES);
    if (reader->status != SCORE_OK)
        return;
    score_stage *stage = &recipe->stages[recipe->stage_count++];
    stage->line = score_xml_line(node);
    stage->expert = (int)score_xml_int(reader, node, "expert", 0, recipe->model.expert_count - 1,
                                       0);
    stage->batch = (int)score_xml_int(reader, node, "batch", 1, 1 << 24, SCORE_REQUIRED_INT);
    read_length(reader, node, stage);
    read_times(reader, node, &recipe->model.experts[stage->expert], stage);
    read_stage_optimizer(reader, node, &recipe->model.experts[stage->expert], stage);
    const xmlNode *average = score_xml_only(reader, node, "MovingAverage", false);
    if (average != NULL) {
        score_xml_allow_attributes(reader, average, "halfLifeSamples");
        score_xml_allow_children(reader, average, "");
        stage->optimizer.average_half_life = score_xml_double(reader, average, "halfLifeSamples",
                                                              SCORE_POSITIVE, SCORE_REQUIRED);
    }
    read_losses(reader, node, &recipe->model, stage);
    const xmlNode *emphasis = score_xml_only(reader, node, "Emphasis", false);
    if (emphasis != NULL)
        read_emphasis(reader, emphasis, &recipe->model, &stage->emphasis);
}

void score_recipe_read_training(score_xml_reader *reader, const xmlNode *node,
                                score_recipe *recipe) {
    score_xml_allow_attributes(reader, node, "rotate validationSamples checkpointSamples");
    score_xml_allow_children(reader, node, "Stage");
    bool turns = recipe->model.dimensions == 3 && recipe->model.centred;
    recipe->rotate = score_xml_bool(reader, node, "rotate", turns);
    if (recipe->rotate && !turns)
        score_xml_fail(reader, node, "rotate=\"true\" needs a centred model in 3 dimensions");
    recipe->validation_interval = score_xml_count(reader, node, "validationSamples", 1, 200000);
    recipe->checkpoint_interval = score_xml_count(reader, node, "checkpointSamples", 1, 200000);
    bool trained[SCORE_MAX_EXPERTS] = {false};
    for (const xmlNode *child = score_xml_first(node); child != NULL && reader->status == SCORE_OK;
         child = score_xml_next(child)) {
        read_stage(reader, child, recipe);
        if (reader->status == SCORE_OK)
            trained[recipe->stages[recipe->stage_count - 1].expert] = true;
    }
    if (recipe->stage_count == 0)
        score_xml_fail(reader, node, "<Training> has no <Stage>");
    for (int k = 0; k < recipe->model.expert_count; k++)
        if (!trained[k])
            score_xml_fail(reader, node, "expert %d is trained in no <Stage>", k);
}

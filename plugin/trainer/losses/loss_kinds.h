/* The losses that a stage can be trained on, in the order of the log's columns. A new one is a line
 * here, its loss_<name>.c, which defines score_loss_<name> (loss.h), and its element in
 * score-recipe.rng. */
#ifndef SCORE_LOSS_KINDS_H
#define SCORE_LOSS_KINDS_H

#define SCORE_LOSS_LIST(LOSS)                                                                      \
    LOSS(DENOISING, denoising)                                                                     \
    LOSS(FOKKER_PLANCK, fokker_planck)                                                             \
    LOSS(CLASSIFICATION, classification)                                                           \
    LOSS(FORCE_MATCHING, force_matching)

typedef enum score_loss_kind {
#define SCORE_LOSS_KIND(kind, name) SCORE_LOSS_##kind,
    SCORE_LOSS_LIST(SCORE_LOSS_KIND)
#undef SCORE_LOSS_KIND
        SCORE_LOSS_KINDS
} score_loss_kind;

enum { SCORE_LOSS_SETTINGS = 4 };

/* What a recipe says of a loss in a stage; all zero where the stage does not have it. */
typedef struct score_loss_config {
    double weight;                        /* in the sum of the losses; 0: not used */
    double share;                         /* of the samples that have it, in (0, 1] */
    double settings[SCORE_LOSS_SETTINGS]; /* its own, in the order of its attributes (loss.h) */
} score_loss_config;

#endif

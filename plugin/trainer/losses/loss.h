/* What a loss is: how a recipe writes it, what it needs of the samples and of the network, and its
 * formula. What the losses of a step share, and the way from their formulas to the gradient, is in
 * losses.h. */
#ifndef SCORE_LOSS_H
#define SCORE_LOSS_H

#include "base/random.h"
#include "host/tile.h"
#include "losses/sampler.h"
#include "model/diffusion.h"
#include "recipe/number_range.h"
#include "recipe/recipe.h"

#define score_loss_table SCORE_TYPED(score_loss_table)
#define score_loss_stream_x SCORE_TYPED(score_loss_stream_x)
#define score_loss_stream_of SCORE_TYPED(score_loss_stream_of)
#define score_loss_weight_at SCORE_TYPED(score_loss_weight_at)
#define score_loss_differentiate SCORE_TYPED(score_loss_differentiate)
#define score_loss_fill SCORE_TYPED(score_loss_fill)

#define SCORE_BIT(number) (1u << (number))

/* Streams of an energy expert's tile; without probes it has the first two. A tile of a loss's own has
 * the first, or the first two. */
enum {
    SCORE_VALUE,
    SCORE_DIRECTION,
    SCORE_PROBE_1,
    SCORE_PROBE_1_SECOND,
    SCORE_PROBE_2,
    SCORE_PROBE_2_SECOND,
    SCORE_LOSS_STREAMS
};

/* -------- what the samples of a step have in common -------- */

typedef struct score_loss_setting {
    score_noise_schedule schedule;
    double t_begin; /* w(t) = score_equal_weight(t, weight_middle, t_begin, t_end) */
    double t_end;
    double weight_middle;
    score_loss_config losses[SCORE_LOSS_KINDS];
    int beads;           /* of every sample */
    const int *features; /* beads x feature_count, or NULL where the network has none */
} score_loss_setting;

/* -------- samples: D = beads x dimensions numbers each -------- */

/* Where the samples of a tile go. */
typedef struct score_loss_samples {
    score_real *x;                   /* [samples][D] x_t */
    score_real *noise;               /* [samples][D] eps */
    double *t;                       /* [samples] */
    double *weight;                  /* [samples] of all losses at x_t */
    score_real *probes[2];           /* [samples][D] z_1 and z_2, or NULL: no loss has them */
    double *drawn[SCORE_LOSS_KINDS]; /* [samples][what the loss draws], or NULL */
} score_loss_samples;

/* A sample for which a loss draws what it alone needs. */
typedef struct score_loss_draw {
    const score_sampler *sampler;
    uint32_t step;
    int index;
    const double *frame; /* [D] x_0, turned as the sample is */
    double t;
} score_loss_draw;

/* A tile of samples that a loss weighs. An energy is E = -l, l = log q_t. */
typedef struct score_loss_tile {
    const score_loss_setting *setting;
    const score_packed *packed;
    int samples;
    int coordinates; /* of a sample, D */
    int density;     /* D_r: D without the mean over beads where the model is centred */
    /* Of x_t. Of an energy, output has E, and the second orders along the probes where there are
     * any; x_bar has s = dl/dx, and, with probes, t_bar dl/dt. */
    score_tile_view view;
    const score_real *noise;  /* [samples][D] */
    const double *t;          /* [samples] */
    const double *weight;     /* [samples] */
    const score_real *score;  /* [samples][D] s, of an energy or of a score */
    score_real *along_score;  /* [samples][D] takes the derivative of the loss by s */
    struct score_loss_own {   /* of each loss, where it has them */
        score_tile *tile;     /* of as many samples, wherever the loss puts them */
        score_tile_view view; /* of `tile` */
        double *drawn;        /* as in score_loss_samples */
    } own[SCORE_LOSS_KINDS];
} score_loss_tile;

/* -------- a loss -------- */

/* The stage that has the loss. */
typedef struct score_loss_stage {
    score_noise_schedule schedule;
    const score_expert_config *expert;
    const score_stage *stage;
} score_loss_stage;

typedef char score_loss_message[256];

typedef struct score_loss {
    /* In a recipe: <element weight="" share="" ...> */
    const char *element;
    bool is_required;      /* every stage has it */
    bool needs_energy;     /* the expert must be one */
    bool has_share;        /* else all samples have it */
    double default_weight; /* its weight where the recipe does not say; NAN: it must */
    score_number_attribute attributes[SCORE_LOSS_SETTINGS]; /* its own; a name NULL ends them */
    /* Completes the values and checks them against the stage; false, with a message, where they do
     * not fit it. NULL: they always do. */
    bool (*check)(const score_loss_stage *at, score_loss_config *config,
                  score_loss_message message);

    /* In the identity of a run and in its log. */
    const char *title;
    const char *column;
    bool is_listed; /* also of a recipe that does not use it */

    /* Of the samples and the network. */
    bool needs_forces;                /* on the frames */
    bool has_probes;                  /* along two random vectors, to second order, and dl/dt */
    const score_streams *own_streams; /* of a tile of its own, or NULL */
    int drawn;                        /* numbers a sample, */
    int drawn_a_coordinate;           /* and times D */
    /* Fills its numbers of sample m, and the probes where it has them, from a random stream of its
     * own. NULL: it needs nothing. */
    score_status (*draw)(const score_loss_setting *setting, const score_loss_draw *of,
                         score_random *random, const score_loss_samples *room, int m,
                         score_error *error);

    /* The sum of the loss over the samples of a tile. Adds `share` times its derivative by the score
     * to along_score, and sets its derivatives by second orders, and by what its own tile puts out,
     * in their output_bar; to the value's output_bar of the samples' tile it adds. */
    double (*weigh)(const score_loss_tile *tile, double share);
} score_loss;

/* Of all kinds. */
extern const score_loss *const score_loss_table[SCORE_LOSS_KINDS];

/* -------- for those who write one -------- */

/* A stream of a view's x, and of one of its arrays with one number a sample. */
score_real *score_loss_stream_x(const score_loss_tile *tile, const score_tile_view *view,
                                int stream);
score_real *score_loss_stream_of(const score_tile_view *view, score_real *array, int stream);

/* The loss's weight times w(t). */
double score_loss_weight_at(const score_loss_setting *setting, score_loss_kind kind, double t);

/* After the value's forward pass: dl/dx and, where asked for, dl/dt in x_bar and t_bar. */
void score_loss_differentiate(const score_loss_tile *samples, score_tile *tile,
                              const score_tile_view *view, bool wants_time);

void score_loss_fill(score_real *values, size_t count, score_real value);

#endif

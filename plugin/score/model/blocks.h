/* What a network is made of: a list of STEPS, each one layer of nn/ with its parameters and
 * activations. Forward runs the list, backward runs it from its end (traversal.c).
 *
 * Several threads may walk through one tile together, each doing its SHARE of every step: some
 * rows, heads or columns of what the step writes, as its split says. Between two steps with
 * different splits they wait for each other; with the same split, a part reads what it has written
 * itself. A product is split by columns, so that each part reads its own part of the weights. */
#ifndef SCORE_BLOCKS_H
#define SCORE_BLOCKS_H

#include "model/tile.h"
#include "nn/attention.h"
#include "nn/embedding.h"
#include "nn/linear.h"

#define score_graph_transformer_layout SCORE_TYPED(score_graph_transformer_layout)
#define score_graph_transformer_steps SCORE_TYPED(score_graph_transformer_steps)
#define score_mlp_layout SCORE_TYPED(score_mlp_layout)
#define score_mlp_steps SCORE_TYPED(score_mlp_steps)
#define score_inputs_forward SCORE_TYPED(score_inputs_forward)
#define score_inputs_backward SCORE_TYPED(score_inputs_backward)
#define score_base_forward SCORE_TYPED(score_base_forward)
#define score_base_backward SCORE_TYPED(score_base_backward)
#define score_negate_outputs SCORE_TYPED(score_negate_outputs)
#define score_step_linear_forward SCORE_TYPED(score_step_linear_forward)
#define score_step_linear_backward SCORE_TYPED(score_step_linear_backward)

typedef void (*score_step_run)(const score_packed *packed, score_tile *tile, const score_pass *pass,
                               int layer, score_share share);

typedef enum score_split {
    SCORE_SPLIT_NONE, /* the first part does it all */
    SCORE_SPLIT_ROWS,
    SCORE_SPLIT_HEADS,
    SCORE_SPLIT_HIDDEN, /* columns of [R][h] */
    SCORE_SPLIT_WIDE,   /* columns of [R][4h] */
    SCORE_SPLIT_INPUTS, /* columns of the input of attention's output layer */
} score_split;

typedef struct score_step {
    score_step_run forward;
    score_split forward_split;
    score_step_run backward;
    score_split backward_split;
    int layer;
} score_step;

/* A dense layer: offsets into the parameters and a gradient, and the weights as nn/linear.h wants
 * them. */
typedef struct score_dense {
    int in;
    int out;
    size_t weight;
    size_t bias;
    score_real *panels;
    score_real *transposed;
} score_dense;

/* Offsets into the parameters and into a gradient, and dense layers, one set a layer. */
typedef struct score_layer_parameters {
    size_t attention_scale, attention_bias, edge_weight, edge_bias, attention_gate;
    size_t feedforward_scale, feedforward_bias, feedforward_gate;
    size_t edge_a, edge_c; /* derived: A [3][H w] and c [H w] of nn/attention.h */
    score_dense qkv, out, in, shrink;
    score_dense dense; /* MLP */
} score_layer_parameters;

struct score_packed {
    const score_network *network;
    /* SIZE_MAX where the network has no such tensor. */
    size_t embedding_weight, embedding_bias, edge_weight, edge_bias;
    score_dense readout;
    score_layer_parameters *layers;
    int step_count;
    score_step *steps;
    size_t gradient_size;
    score_real *values; /* gradient_size: parameters, then what is derived from them */
    int dense_count;
    score_dense **dense; /* all of them, in the order of the forward sweep */
    score_real *panels;  /* of all of them, in the order in which they are read */
};

/* Activations of one layer, kept from forward to backward; h = hidden, A = H w, R = rows. All are
 * [streams][...]. */
typedef struct score_layer_state {
    score_real *node;               /* [R][h], input of the layer */
    score_real *attention_centred;  /* [R][h] */
    score_real *attention_variance; /* [R] */
    score_real *attention_norm;     /* [R][h] */
    score_real *qkv;                /* [R][3A] */
    score_attention_state attention;
    score_real *attention_heads; /* [R][A] */
    score_real *attention_out;   /* [R][h] */
    score_real *attention_gate;  /* [R] */
    score_real *middle;          /* [R][h] */
    score_real *feedforward_centred, *feedforward_variance, *feedforward_norm;
    score_real *wide;             /* [R][4h], before GELU */
    score_real *wide_active;      /* [R][4h] */
    score_real *slope;            /* [R][4h] of the value alone; MLP: [M][h] */
    score_real *feedforward_out;  /* [R][h] */
    score_real *feedforward_gate; /* [R] */
    score_real *dense;            /* MLP: [M][h], before swish */
    score_real *dense_active;     /* MLP: [M][h] */
} score_layer_state;

struct score_tile {
    const score_network *network;
    score_streams streams;
    score_tile_limits most;
    int max_beads; /* of one molecule that the limit of pairs allows */
    score_arena arena;
    score_tile_view view;
    ptrdiff_t pairs;
    int *first_row;
    int *features;             /* [R][feature_count] */
    score_real *centred;       /* [streams][R][d] */
    score_real *time;          /* [streams][M][T] */
    score_real *time_bar;      /* [streams][M][T] */
    double *time_derivatives;  /* [M][4][SCORE_MAX_TIME_FEATURES] */
    score_layer_state *layers; /* layers + 1: the last has only its input, `node` or `dense` */
    score_real *output_work;   /* [streams][M][O] */
    size_t work_size;          /* attention's scratch, one a part */
    score_real *work;
    /* adjoints, [streams][...] */
    int centred_bar_parts;   /* H, or 1 for the MLP */
    score_real *centred_bar; /* [centred_bar_parts][R][d], the value's alone */
    score_real *node_bar;    /* [R][h], of a layer's input and output */
    score_real *middle_bar;  /* [R][h], between attention and feed-forward */
    score_real *norm_bar;    /* [R][h] */
    score_real *fresh_bar;   /* [R][h] */
    score_real *heads_bar;   /* [R][A] */
    score_real *qkv_bar;     /* [R][3A] */
    /* Of molecules with a constant first attention, tiles for inputs only: its input and, not
     * transposed, the adjoint. A run of molecules of a kind has a place of its own. */
    score_real *constant_input;             /* [K][rows of the run + SCORE_LANES] */
    score_real *constant_input_bar;         /* [rows of the run][K] */
    score_real *probe_bar;                  /* [R][H][3] */
    score_real *wide_bar;                   /* [R][4h] */
    score_real *input;                      /* MLP: [streams][M][D + T] */
    score_real *input_bar;                  /* MLP: the same */
    score_real *dense_bar, *dense_next_bar; /* MLP: [M][h] */
};

/* Hands out a tile's arrays for its limits (measures first). */
void score_graph_transformer_layout(score_tile *tile, score_arena *arena);
void score_mlp_layout(score_tile *tile, score_arena *arena);

/* Writes the steps, in order of the forward sweep, if `steps` is not NULL; returns their number. */
int score_graph_transformer_steps(const score_network *network, score_step *steps);
int score_mlp_steps(const score_network *network, score_step *steps);

/* The first step of every network: centred coordinates and time features from the tile's inputs;
 * backward, the adjoints of the inputs. */
void score_inputs_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share);
void score_inputs_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share);

/* The last step of an energy with a base (base_step.c). */
void score_base_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                        int layer, score_share share);
void score_base_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                         int layer, score_share share);

/* out = -in, [streams][M][O]: a score expert's last layer gives minus the score. */
void score_negate_outputs(const score_tile *tile, unsigned streams, const score_real *in,
                          score_real *out);

/* A dense layer as part of a step: y = x W + b, the columns of `range`; and x_bar = y_bar W^T, with
 * the parameters' gradient where the pass wants it. */
void score_step_linear_forward(const score_packed *packed, const score_dense *dense,
                               unsigned streams, int rows, score_range range, const score_real *x,
                               score_real *y);
void score_step_linear_backward(const score_dense *dense, unsigned streams, int rows,
                                score_range range, const score_pass *pass, const score_real *x,
                                const score_real *y_bar, score_real *x_bar);

#endif

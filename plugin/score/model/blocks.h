/* What a backend is made of. A network is a list of steps, each a BLOCK with its layer; forward
 * runs the list, backward runs it from its end (traversal.c). A block is large enough to fuse
 * bias, activation, gate and norm with its products. The generic blocks (graph_transformer.c,
 * mlp.c) compose the layers of nn/; a backend overrides some of them. */
#ifndef SCORE_BLOCKS_H
#define SCORE_BLOCKS_H

#include "model/tile.h"
#include "nn/attention.h"
#include "nn/embedding.h"

#define score_graph_transformer_layout SCORE_TYPED(score_graph_transformer_layout)
#define score_graph_transformer_steps SCORE_TYPED(score_graph_transformer_steps)
#define score_mlp_layout SCORE_TYPED(score_mlp_layout)
#define score_mlp_steps SCORE_TYPED(score_mlp_steps)

typedef void (*score_block_run)(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer);

typedef struct score_block {
    score_block_run forward;
    score_block_run backward;
} score_block;

typedef struct score_step {
    score_block block;
    int layer;
} score_step;

/* Offsets into the parameters and into a gradient, one set a layer. */
typedef struct score_layer_offsets {
    size_t attention_scale, attention_bias, qkv_weight, qkv_bias, edge_weight, edge_bias;
    size_t out_weight, out_bias, attention_gate, feedforward_scale, feedforward_bias;
    size_t in_weight, in_bias, shrink_weight, shrink_bias, feedforward_gate;
    size_t edge_a, edge_c; /* derived: A [3][H w] and c [H w] of nn/attention.h */
} score_layer_offsets;

/* The same of what belongs to no layer; SIZE_MAX where the network has no such tensor. */
typedef struct score_network_offsets {
    size_t embedding_weight, embedding_bias, edge_weight, edge_bias;
    size_t readout_weight, readout_bias;
} score_network_offsets;

struct score_packed {
    const score_network *network;
    score_network_offsets at;
    int step_count;
    score_step *steps;
    score_layer_offsets *layers;
    size_t gradient_size;
    score_real *values; /* gradient_size: parameters, then what is derived from them */
};

/* Activations of one layer, kept from forward to backward; h = hidden, A = H w, R = rows. All are
 * [streams][...]. */
typedef struct score_layer_state {
    score_real *node;               /* [R][h], input of the layer */
    score_real *attention_centred;  /* [R][h] */
    score_real *attention_variance; /* [R] */
    score_real *attention_norm;     /* [R][h] */
    score_attention_state attention;
    score_real *attention_heads; /* [R][A] */
    score_real *attention_out;   /* [R][h] */
    score_real *attention_gate;  /* [R] */
    score_real *middle;          /* [R][h] */
    score_real *feedforward_centred, *feedforward_variance, *feedforward_norm;
    score_real *wide;             /* [R][4h], before GELU */
    score_real *wide_active;      /* [R][4h] */
    score_real *feedforward_out;  /* [R][h] */
    score_real *feedforward_gate; /* [R] */
    score_real *dense;            /* MLP: [M][h], before swish */
    score_real *dense_active;     /* MLP: [M][h] */
} score_layer_state;

struct score_tile {
    const score_network *network;
    score_streams streams;
    int max_molecules;
    int max_rows;
    size_t max_pairs;
    int max_beads; /* of one molecule that max_pairs allows */
    score_arena arena;
    score_tile_view view;
    ptrdiff_t pairs;
    int *first_row;
    int *features;             /* [R][feature_count] */
    score_real *centred;       /* [streams][R][d] */
    score_real *centred_bar;   /* [R][d] */
    score_real *time;          /* [streams][M][T] */
    score_real *time_bar;      /* [streams][M][T] */
    double *time_derivatives;  /* [M][4][SCORE_MAX_TIME_FEATURES] */
    score_layer_state *layers; /* layers + 1: the last has only its input, `node` or `dense` */
    score_real *output_work;   /* [streams][M][O] */
    /* adjoints, [streams][...] */
    score_real *node_bar;                     /* [R][h], of the layer at hand */
    score_real *norm_bar;                     /* [R][h] */
    score_real *fresh_bar;                    /* [R][h] */
    score_real *heads_bar;                    /* [R][A] */
    score_real *qkv_bar;                      /* [R][3A] */
    score_real *probe_bar, *shift_bar;        /* [R][H][3] */
    score_real *wide_bar, *wide_active_bar;   /* [R][4h] */
    score_real *input;                        /* MLP: [streams][M][D + T] */
    score_real *input_bar;                    /* MLP: the same */
    score_real *dense_bar, *dense_active_bar; /* MLP: [M][h] */
};

/* Hands out a tile's arrays for max_molecules, max_rows and max_pairs (measures first). */
void score_graph_transformer_layout(score_tile *tile, score_arena *arena);
void score_mlp_layout(score_tile *tile, score_arena *arena);

/* Writes the generic steps, in order of the forward sweep, if `steps` is not NULL; returns their
 * number. */
int score_graph_transformer_steps(const score_network *network, score_step *steps);
int score_mlp_steps(const score_network *network, score_step *steps);

#endif

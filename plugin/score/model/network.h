/* The tensors of one expert: their names, shapes and places in its parameter vector. A weight
 * matrix is inputs x outputs, row-major, so that a layer is rows(x) times weight plus bias.
 *
 * Graph transformer (hidden h, L layers, H heads of width w, T time features, layer l from 0):
 *   feature.k                      feature_sizes[k] x 16, one per integer feature
 *   embedding.weight, .bias        (I + T) x h, h; I = beads, or 16 x features
 *   edge.weight, .bias             3 x h, h
 *   layer.l.attention_norm.scale, .bias       h
 *   layer.l.query_key_value.weight, .bias     h x 3Hw, 3Hw; columns query | key | value, each
 *                                             head after head
 *   layer.l.attention_edge.weight, .bias      h x Hw, Hw
 *   layer.l.attention_out.weight, .bias       Hw x h, h
 *   layer.l.attention_gate.weight             3h: parts for new, old, new - old
 *   layer.l.feedforward_norm.scale, .bias     h
 *   layer.l.feedforward_in.weight, .bias      h x 4h, 4h
 *   layer.l.feedforward_out.weight, .bias     4h x h, h
 *   layer.l.feedforward_gate.weight           3h
 *   readout.weight, .bias          energy: h x 1, 1; score: (beads h) x D, D
 * MLP (D coordinates, T time features):
 *   layer.l.weight, .bias          (D + T, then h) x h, h
 *   readout.weight, .bias          h x 1, 1; score: h x D, D */
#ifndef SCORE_NETWORK_H
#define SCORE_NETWORK_H

#include "model/diffusion.h"
#include "score/model.h"

typedef struct score_network {
    score_expert_config expert;
    int dimensions;
    int centred;
    int beads; /* of every molecule, or 0: any number */
    int feature_count;
    int feature_sizes[SCORE_MAX_FEATURES];
    score_time_encoding time;   /* its schedule is the model's */
    const score_gaussian *base; /* the model's, or NULL */
    int time_features;
    int outputs; /* of one molecule: 1 for an energy, D for a score */
    int tensor_count;
    score_tensor *tensors;
    const score_tensor **by_name; /* sorted, [tensor_count] */
    size_t parameter_count;
} score_network;

/* The checks of score_model_create alone: SCORE_ERROR_ARGUMENT names the value out of range. */
score_status score_model_check(const score_model_config *config, score_error *error);

/* The part of it that is about config->gaussian, which is not NULL. */
score_status score_gaussian_check(const score_model_config *config, score_error *error);
/* What can be said of it before it has its numbers. */
score_status score_gaussian_check_size(const score_model_config *config, score_error *error);
/* The numbers of a mode, and how many modes there must be, of a Gaussian over `over`. A molecule must
 * be known, or it is over all. */
int score_gaussian_width(const score_model_config *config, score_over over);
int score_gaussian_modes(const score_model_config *config, score_over over);

/* `config` has been checked by score_model_check; it must outlive the network where the expert has a
 * base. SCORE_ERROR_MEMORY. */
score_status score_network_create(const score_model_config *config, int expert,
                                  score_network *network, score_error *error);
score_status score_network_copy(const score_network *source, score_network *network,
                                score_error *error);
void score_network_destroy(score_network *network);

/* The parameters of an expert of a configuration that has been checked, without a network. */
size_t score_network_count(const score_model_config *config, int expert);

/* The place of tensor `name` in the list, or -1. */
int score_network_find(const score_network *network, const char *name);

/* A weight matrix between hidden layers: of a graph transformer every one of a layer, query, key and
 * value apart; of an MLP every one of a layer but the first, which takes the inputs. */
typedef struct score_hidden_matrix {
    int tensor;    /* that it is in */
    size_t offset; /* of its first value in the parameter vector */
    int rows;
    int columns;
    int stride; /* from row to row */
} score_hidden_matrix;

/* How many there are, in the order of their tensors; `matrices` is NULL or has room for all. */
int score_network_hidden_matrices(const score_network *network, score_hidden_matrix *matrices);

const score_network *score_model_network(const score_model *model, int expert);

#endif

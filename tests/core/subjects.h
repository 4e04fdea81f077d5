/* The layers of nn/ and whole networks as subjects of the ladder, at tiny sizes. */
#ifndef SUBJECTS_H
#define SUBJECTS_H

#include "ladder.h"

typedef void (*subject_test)(const subject *self);

/* Each makes its subject for stream_set(set), runs `test` on it and takes it down. */
void with_linear(int set, subject_test test);
void with_gelu(int set, subject_test test);
void with_gelu_erf(int set, subject_test test);
void with_swish(int set, subject_test test);
void with_layernorm(int set, subject_test test);
void with_gate(int set, subject_test test);
void with_attention(int set, subject_test test);
void with_embedding_kinds(int set, subject_test test);
void with_embedding_features(int set, subject_test test);

/* The whole network of `config`'s only expert over molecules of the given sizes. Inputs are the
 * coordinates, then the times; outputs those of the network; parameters its own. */
void with_network(const char *name, const score_model_config *config, int molecules,
                  const int *beads, const int *features, int set, subject_test test);

#endif

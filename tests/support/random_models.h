/* Small models of random weights, for the tests of all areas and for benchmarks: a configuration,
 * in which a test changes what it is about, and the model of it. Beads and Gaussian of a
 * configuration are there as long as the program; the Gaussian is changed by the next set_base. */
#ifndef RANDOM_MODELS_H
#define RANDOM_MODELS_H

#include <stdint.h>

#include "score/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of all configurations below. */
#define RANDOM_MODEL_SCHEDULE                                                                      \
    {                                                                                              \
        0, {                                                                                       \
            0.1, 20                                                                                \
        }                                                                                          \
    }

/* Experts that are stored as float64: hidden 8, 2 layers; 2 heads of 4. */
score_expert_config graph_expert(score_output output, double t_begin, double t_end);
score_expert_config mlp_expert(score_output output, double t_begin, double t_end);

/* A molecule of beads known one by one, in three dimensions, centred, with a length of 0.1 nm and
 * the energy of a graph transformer at all times. Bead i is "B<i>" of residue "R<i/2>", has a mass
 * of 12 + i and its place in an irregular zigzag chain. */
score_model_config molecule_config(int beads);

/* The same of beads known by two features, of 3 and 2 values: bead i has i % 3 and i % 2. */
score_model_config feature_config(int beads);

/* Points in 1 to 3 dimensions, not centred, with a length of 1 nm and the energy of an MLP at all
 * times. */
score_model_config toy_config(int beads, int dimensions);

/* Puts the first expert upon a Gaussian of the kind that suits: over all where beads are known by
 * features, over beads where centred, else over coordinates, with a mean. Mode k has the variance
 * 1.8/(k + 1). */
void set_base(score_model_config *config);

/* Every parameter is normal, of the deviation `width`, in a matrix `width` by the root of its inputs:
 * with 1 the outputs of a layer are as large as its inputs. Ends the program with a message where
 * there is no such model. */
score_model *make_model(const score_model_config *config, uint64_t seed, double width);

/* Normal numbers of the deviation `width` that depend on `seed` alone. */
void fill_normal(uint64_t seed, double width, int count, double *x);

#ifdef __cplusplus
}
#endif
#endif

/* A trained diffusion model: what it describes (beads, units, diffusion) and its experts, each a
 * network that owns a range of diffusion time (arXiv 2506.17139, sections 3 and 4).
 *
 * Coordinates: x = (r - mean over beads of r) / scale_nm, or r / scale_nm where `centred` is 0.
 * Forward process, variance preserving, on t in [1e-5, 1]: x_t = m x_0 + sigma eps,
 * m^2 + sigma^2 = 1 (score_noise_schedule). Energy experts give E(x, t),
 * log q_t(x) = -E(x, t) + const; as a potential, U(r) = k temperature_k E(x, t0) with t0 = 1e-5. */
#ifndef SCORE_MODEL_H
#define SCORE_MODEL_H

#include <stddef.h>

#include "score/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SCORE_MAX_FEATURES = 8,
    SCORE_MAX_EXPERTS = 16,
    SCORE_MAX_NOTES = 1000,
    SCORE_NAME_SIZE = 64,
    SCORE_MAX_BEADS = 65536, /* of one molecule */
    SCORE_MAX_WIDTH = 65536, /* of any layer */
    SCORE_MAX_LAYERS = 1024,
    SCORE_MAX_GAUSSIAN = 1024,   /* beads, or coordinates, that a Gaussian is over */
    SCORE_FEATURE_WIDTH = 16,    /* width of one feature's embedding */
    SCORE_SCHEDULE_SETTINGS = 2, /* of a noise schedule, at most */
    SCORE_FEEDFORWARD_FACTOR = 4
};
#define SCORE_MAX_PARAMETERS ((size_t)1 << 28) /* of all experts together */
#define SCORE_TIME_MIN 1e-5                    /* t0: the diffusion time of a force */
#define SCORE_BOLTZMANN_KJ 0.00831446261815324 /* kJ/mol/K */

/* The architectures, each described in a source of plugin/score/model. */
#define SCORE_ARCHITECTURE_LIST(ARCHITECTURE) ARCHITECTURE(GRAPH_TRANSFORMER) ARCHITECTURE(MLP)
#define SCORE_ARCHITECTURE_VALUE(kind) SCORE_##kind,
typedef enum score_architecture {
    SCORE_ARCHITECTURE_LIST(SCORE_ARCHITECTURE_VALUE) SCORE_ARCHITECTURE_COUNT
} score_architecture;
#undef SCORE_ARCHITECTURE_VALUE
typedef enum score_output { SCORE_OUTPUT_ENERGY, SCORE_OUTPUT_SCORE } score_output;
typedef enum score_dtype { SCORE_FLOAT32, SCORE_FLOAT64 } score_dtype; /* as stored in a file */

/* What the energy of an expert is made of: the network alone, or the network and, beneath it, the
 * model's Gaussian: E = E_network - log g_t. */
typedef enum score_base { SCORE_BASE_NONE, SCORE_BASE_GAUSSIAN } score_base;

/* What the directions of a Gaussian are made of. */
typedef enum score_over {
    SCORE_OVER_ALL,   /* one variance, of every coordinate of molecules of any size; no mean */
    SCORE_OVER_BEADS, /* a mode is the same along every dimension: data that may be turned in any
                              way, which have no mean */
    SCORE_OVER_COORDINATES /* data as they are */
} score_over;

/* The Gaussian of the training data at t = 0, in normalised coordinates x; at t its density g_t has
 * the mean m mu and, along a mode of variance g, the variance m^2 g + sigma^2. It is a density of
 * the coordinates that the model sees: where that is centred, modes leave the mean over beads alone.
 * n beads in d dimensions have n modes over beads, n d over coordinates, where centred n - 1 and
 * (n - 1) d. */
typedef struct score_gaussian {
    score_over over;
    int modes;                /* 1 where over all */
    int width;                /* n, or n d; 0 where over all */
    const double *variances;  /* [modes], above 0 */
    const double *directions; /* [modes][width], orthonormal to 1e-9; NULL where over all */
    const double *mean;       /* [width], mu; NULL: 0. Over coordinates alone */
} score_gaussian;

typedef struct score_bead {
    char name[SCORE_NAME_SIZE];    /* atom name, e.g. "CA" */
    char residue[SCORE_NAME_SIZE]; /* residue name, e.g. "ALA" */
    int residue_index;             /* counts from 0, never decreases along the list */
    double mass_amu;
    double frame_nm[3]; /* one frame to start from; unused dimensions are 0 */
    int features[SCORE_MAX_FEATURES];
} score_bead;

typedef struct score_expert_config {
    score_architecture architecture;
    score_output output;
    int hidden;
    int layers;
    int heads;      /* graph transformer only, else 0 */
    int head_width; /* graph transformer only, else 0 */
    double t_begin; /* owns the closed range [t_begin, t_end] of diffusion time */
    double t_end;
    /* 0: the network sees its time as in arXiv 2506.17139. Above 0: also on the scale of
     * log(sigma(t)^2 + time_variance), in normalised coordinates squared; about the variance of the
     * data in their stiffest direction. */
    double time_variance;
    score_dtype dtype;
    score_base base; /* of an energy; a score has none */
    /* Graph transformer only, else 0: the feed-forward's activation, score_activation of
     * nn/activation_kind.h, and what is added to the variance in a norm, 0 for 1e-6. */
    int activation;
    double norm_epsilon;
} score_expert_config;

/* How noise grows with the diffusion time. `kind` 0, "variance-preserving" in files: settings are
 * betaMin and betaMax, beta(t) = betaMin + (betaMax - betaMin) t, m' = -beta m/2. Others have a
 * number that score_noise_schedule_find gives. */
typedef struct score_noise_schedule {
    int kind;
    /* In the order of model files; the rest is not read. */
    double settings[SCORE_SCHEDULE_SETTINGS];
} score_noise_schedule;

/* The kind of this word in model files, or -1; the word of a kind, or NULL. */
SCORE_EXPORT int score_noise_schedule_find(const char *word);
SCORE_EXPORT const char *score_noise_schedule_word(int kind);
/* The name of setting number `index` of a kind that there is, NULL after the last. */
SCORE_EXPORT const char *score_noise_schedule_setting(int kind, int index);

/* How far the frames of training reach. Both are 0 where it is not known. */
typedef struct score_data_range {
    double neighbours_nm; /* the largest distance of beads next to each other in the list; of one
                             bead 0 */
    double centre_nm;     /* the largest distance of a bead from the mean over the molecule's beads;
                             where the model is not `centred`, from the origin */
} score_data_range;

/* A structure has fallen apart where one of its distances is beyond so many times that of the data:
 * good ones of alanine dipeptide reach 1.003 times as far, torn ones tens of times. */
#define SCORE_RANGE_FACTOR 2.0

/* Free text about where the model came from: data, recipe, commit, figures reached. */
typedef struct score_note {
    const char *name;
    const char *text;
} score_note;

/* feature_count 0: the model knows its beads one by one (one-hot) and every molecule has
 * bead_count beads. feature_count > 0: beads are known by integer features alone, a molecule may
 * have any number of them, and the bead list is one example (possibly empty). */
typedef struct score_model_config {
    int dimensions; /* 3; 1 or 2 for a toy potential of an MLP */
    int centred;    /* 1: the mean over beads is removed inside every model call */
    double scale_nm;
    double temperature_k;
    score_noise_schedule schedule;
    int feature_count;
    int feature_sizes[SCORE_MAX_FEATURES]; /* feature k is in [0, feature_sizes[k]) */
    int bead_count;
    const score_bead *beads;
    score_data_range range;
    const score_gaussian *gaussian; /* or NULL: no expert has it as its base */
    int expert_count;
    score_expert_config experts[SCORE_MAX_EXPERTS];
    int note_count;
    const score_note *notes;
} score_model_config;

typedef struct score_model score_model;

typedef enum score_role {
    SCORE_ROLE_TABLE,  /* embeddings of a feature's values */
    SCORE_ROLE_WEIGHT, /* of a linear layer: inputs x outputs; of a gate */
    SCORE_ROLE_BIAS,
    SCORE_ROLE_SCALE, /* of a norm */
} score_role;

/* A named view into an expert's parameter vector, row-major, rank 1 or 2. */
typedef struct score_tensor {
    char name[SCORE_NAME_SIZE];
    score_role role;
    int hidden; /* of a weight between hidden layers: the matrices side by side in it; else 0 */
    int rank;
    int shape[2]; /* shape[1] is 1 where rank is 1 */
    size_t offset;
    size_t size;
} score_tensor;

/* Checks `config` and makes a model with all parameters zero. Beads, Gaussian and notes are copied.
 * SCORE_ERROR_ARGUMENT names the value that is out of range; SCORE_ERROR_MEMORY. */
SCORE_EXPORT score_status score_model_create(const score_model_config *config, score_model **model,
                                             score_error *error);
SCORE_EXPORT score_status score_model_copy(const score_model *source, score_model **model,
                                           score_error *error);
SCORE_EXPORT void score_model_destroy(score_model *model);

/* Owned by the model, valid until it is destroyed or its notes are set anew. */
SCORE_EXPORT const score_model_config *score_model_get_config(const score_model *model);

/* Replaces the text of note `name`, or adds it. SCORE_ERROR_MEMORY. */
SCORE_EXPORT score_status score_model_set_note(score_model *model, const char *name,
                                               const char *text, score_error *error);

/* The expert that owns diffusion time t: of those whose closed range holds it the last in the list
 * that has an energy, or the last.
 * SCORE_ERROR_ARGUMENT names t where none does. */
SCORE_EXPORT score_status score_model_expert_at(const score_model *model, double t, int *expert,
                                                score_error *error);

/* m(t) and sigma(t) of the model's noise schedule, for t in [0, 1], and the t of a sigma in [0, 1). */
SCORE_EXPORT double score_model_signal(const score_model *model, double t);
SCORE_EXPORT double score_model_noise(const score_model *model, double t);
SCORE_EXPORT double score_model_time_of_noise(const score_model *model, double noise);

SCORE_EXPORT size_t score_model_parameter_count(const score_model *model, int expert);
SCORE_EXPORT double *score_model_parameters(score_model *model, int expert);
SCORE_EXPORT const double *score_model_parameters_const(const score_model *model, int expert);
SCORE_EXPORT int score_model_tensor_count(const score_model *model, int expert);
SCORE_EXPORT const score_tensor *score_model_tensor(const score_model *model, int expert,
                                                    int index);

/* Reads `path` (.xml or .xml.gz). On an error *model is NULL and the error has file and line:
 * SCORE_ERROR_FILE, SCORE_ERROR_FORMAT, SCORE_ERROR_MEMORY. */
SCORE_EXPORT score_status score_model_read(const char *path, score_model **model,
                                           score_error *error);
/* The same from memory; `name` stands in for the file's name in errors. */
SCORE_EXPORT score_status score_model_read_memory(const char *text, size_t size, const char *name,
                                                  score_model **model, score_error *error);

/* Writes atomically (temporary file beside it, fsync, rename); compressed if `path` ends in .gz.
 * The same model gives the same bytes. SCORE_ERROR_FILE, SCORE_ERROR_MEMORY; SCORE_ERROR_NUMERIC:
 * a parameter is not finite as its expert's dtype; SCORE_ERROR_ARGUMENT: a name or note that XML
 * cannot hold, or notes over 16 MiB. On an error `path` is as it was before. */
SCORE_EXPORT score_status score_model_write(const score_model *model, const char *path,
                                            score_error *error);
/* The same (uncompressed) to memory; the caller frees *text with score_free. */
SCORE_EXPORT score_status score_model_write_memory(const score_model *model, char **text,
                                                   size_t *size, score_error *error);
SCORE_EXPORT void score_free(void *memory);

#ifdef __cplusplus
}
#endif
#endif

/* Documents with one thing wrong, and what must be said of it. */
#ifndef BAD_DOCUMENTS_H
#define BAD_DOCUMENTS_H

#include "sample_models.h"

typedef struct bad_document {
    const char *name;
    sample_model sample;
    int schema;          /* 1 if the schema refuses the document too */
    const char *find;    /* the first place of this in the sample's document ... */
    const char *until;   /* ... up to the end of this, if not NULL ... */
    const char *replace; /* ... is replaced by this */
    const char *message; /* part of the error's message */
    const char *at;      /* the error is in the line of this in the bad document; NULL: of the
                            replacement's beginning */
} bad_document;

extern const bad_document BAD_DOCUMENTS[];
extern const int BAD_DOCUMENT_COUNT;

/* The document, for free(), and the line of its error. */
char *make_bad_document(const bad_document *bad, long *line);

/* Tensors whose content is wrong, under a correct checksum: the whole element "readout.bias" of
 * SAMPLE_TRANSFORMER, which has one value, is replaced. */
typedef struct bad_tensor {
    const char *name;
    const void *bytes;
    size_t size;
    size_t cut;       /* compressed bytes left out at the end */
    const char *more; /* what follows the compressed bytes */
    const char *message;
} bad_tensor;

extern const bad_tensor BAD_TENSORS[];
extern const int BAD_TENSOR_COUNT;

char *make_bad_tensor(const bad_tensor *bad, long *line);

/* The document of a sample with other numbers in one tensor of its Gaussian, under a correct
 * checksum, and the line of its <Gaussian>. */
typedef struct bad_gaussian {
    const char *name;
    sample_model sample;
    const char *tensor;
    double values[4];
    const char *message;
} bad_gaussian;

extern const bad_gaussian BAD_GAUSSIANS[];
extern const int BAD_GAUSSIAN_COUNT;

char *make_bad_gaussian(const bad_gaussian *bad, long *line);

/* `document` with the text from `find` to the end of `until` (or of `find`) replaced; for free(). */
char *replace_text(const char *document, const char *find, const char *until, const char *replace);

#endif

/* A number's allowed range; `text` says it in an error: "must be <text>". */
#ifndef SCORE_NUMBER_RANGE_H
#define SCORE_NUMBER_RANGE_H

#include <stdbool.h>

typedef struct score_number_range {
    double least;
    double most;
    bool without_least;
    bool without_most;
    const char *text;
} score_number_range;

/* A setting of a recipe's element. */
typedef struct score_number_attribute {
    const char *name;
    const score_number_range *range; /* NULL: true or false, stored as 1 or 0 */
    double fallback;                 /* where the recipe does not have it; NAN: it must */
} score_number_attribute;

extern const score_number_range SCORE_POSITIVE;     /* above 0 */
extern const score_number_range SCORE_NOT_NEGATIVE; /* of at least 0 */
extern const score_number_range SCORE_TIME;         /* in [0, 1] */

#endif

/* Who takes which random numbers (base/random.h): the `purpose` of each stream. The data set takes
 * those from 0x100 to 0x1ff (dataset_order.h). */
#ifndef SCORE_PURPOSES_H
#define SCORE_PURPOSES_H

enum {
    SCORE_PURPOSE_WEIGHTS = 0x200,    /* + expert */
    SCORE_PURPOSE_TRAINING = 0x300,   /* + stage */
    SCORE_PURPOSE_VALIDATION = 0x400, /* + stage */
    /* + 0x100 loss + stage. The first loss, denoising, has no numbers of its own. */
    SCORE_PURPOSE_LOSSES = 0x400,
    SCORE_PURPOSES_A_LOSS = 0x100,
};

#endif

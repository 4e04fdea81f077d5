/* Classification over diffusion time (arXiv 2601.21025): of a sample x_t, with t' and the odds of
 * time_scale.h,
 *     log(1 + exp(l(x_t, t') - l(x_t, t) - odds)),
 * -log of the probability that the model gives to t against t'. */
#ifndef SCORE_LOSS_CLASSIFICATION_H
#define SCORE_LOSS_CLASSIFICATION_H

enum {
    SCORE_CLASSIFICATION_WIDTH,   /* score_time_pairs */
    SCORE_CLASSIFICATION_VARIANCE /* of its scale */
};

/* What it draws: t' and the logarithm of the odds of having drawn (t, t') and not (t', t). */
enum { SCORE_OTHER_TIME, SCORE_OTHER_LOG_ODDS, SCORE_OTHER_NUMBERS };

#endif

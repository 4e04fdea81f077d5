/* Denoising score matching (arXiv 2506.17139, section 2): of a sample x_t = m x_0 + sigma eps
 *     w/D |eps + sigma s|^2,  s the score at (x_t, t). */
#ifndef SCORE_LOSS_DENOISING_H
#define SCORE_LOSS_DENOISING_H

/* Samples come in pairs that share frame, t and rotation: +eps and -eps. */
enum { SCORE_DENOISING_ANTITHETIC };

#endif

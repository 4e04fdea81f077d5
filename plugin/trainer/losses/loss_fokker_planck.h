/* The residual of the Fokker-Planck equation (arXiv 2506.17139, section 3): of a sample x_t
 *     w/D^2 r_1 r_2,  r_k = dl/dt - beta/2 [z_k . H z_k + |s|^2 + x . s + D_r],
 * H the Hessian of l. r is zero for the true log q_t; z_1 and z_2 are independent, so r_1 r_2 is an
 * unbiased estimate of r^2. With a variance its weight w/D^2 is 1/h'(t)^2 instead, h(t) =
 * log(sigma^2 + variance) the scale of time_scale.h: r/h' is the error of log q_t gained per unit of
 * h, in which early times, where r is largest and lasts shortest, count no more than late ones. */
#ifndef SCORE_LOSS_FOKKER_PLANCK_H
#define SCORE_LOSS_FOKKER_PLANCK_H

/* Of h(t); below 0: the published weight. */
enum { SCORE_FOKKER_PLANCK_VARIANCE };

#endif

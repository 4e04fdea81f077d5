#include "losses/loss.h"

#define DECLARE(kind, name) extern const score_loss SCORE_TYPED(score_loss_##name);
SCORE_LOSS_LIST(DECLARE)

#define ENTRY(kind, name) [SCORE_LOSS_##kind] = &SCORE_TYPED(score_loss_##name),
const score_loss *const score_loss_table[SCORE_LOSS_KINDS] = {SCORE_LOSS_LIST(ENTRY)};

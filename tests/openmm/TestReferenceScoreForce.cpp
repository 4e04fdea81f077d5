#include "ScoreForceTests.h"

int main(int argc, char **argv) {
    return OpenMMScore::runScoreForceTests("Reference", SCORE_DOUBLE_PRECISION, argc, argv);
}

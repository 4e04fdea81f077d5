#include "ScoreForceTests.h"

int main(int argc, char **argv) {
    return OpenMMScore::runScoreForceTests("Reference", SCORE_REFERENCE_PRECISION, argc, argv);
}

/* Comparisons that fail on what is not a number, and name the values. */
#ifndef SCORE_TESTS_COMPARISONS_H_
#define SCORE_TESTS_COMPARISONS_H_

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "ScoreErrors.h"
#include "openmm/Vec3.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            OpenMMScore::throwError(__FILE__, ":", __LINE__, ": not so: ", #condition);            \
    } while (0)

/* |found - expected| <= tolerance */
#define CHECK_NEAR(expected, found, tolerance)                                                     \
    checkNear(__FILE__, __LINE__, #found, expected, found, tolerance)
/* The same for every component of every vector. */
#define CHECK_ALL_NEAR(expected, found, tolerance)                                                 \
    checkAllNear(__FILE__, __LINE__, #found, expected, found, tolerance)
/* The statement throws an OpenMMException whose message has `part` in it. */
#define CHECK_THROWS(statement, part)                                                              \
    checkThrows(                                                                                   \
        __FILE__, __LINE__, #statement, [&] { statement; }, part)

inline void checkNear(const char *file, int line, const char *what, double expected, double found,
                      double tolerance) {
    if (!(std::abs(found - expected) <= tolerance))
        OpenMMScore::throwError(file, ":", line, ": ", what, " is ", found, ", expected ", expected,
                                " to within ", tolerance);
}

inline void checkAllNear(const char *file, int line, const char *what,
                         const std::vector<OpenMM::Vec3> &expected,
                         const std::vector<OpenMM::Vec3> &found, double tolerance) {
    if (expected.size() != found.size())
        OpenMMScore::throwError(file, ":", line, ": ", what, " has ", found.size(),
                                " vectors, expected ", expected.size());
    for (size_t i = 0; i < expected.size(); i++)
        for (int k = 0; k < 3; k++) {
            std::string name = std::string(what) + "[" + std::to_string(i) + "][" +
                               std::to_string(k) + "]";
            checkNear(file, line, name.c_str(), expected[i][k], found[i][k], tolerance);
        }
}

template <typename Statement>
void checkThrows(const char *file, int line, const char *what, Statement statement,
                 const std::string &part) {
    try {
        statement();
    } catch (const OpenMM::OpenMMException &e) {
        if (std::string(e.what()).find(part) == std::string::npos)
            OpenMMScore::throwError(file, ":", line, ": ", what, " threw '", e.what(),
                                    "', which does not say '", part, "'");
        return;
    }
    OpenMMScore::throwError(file, ":", line, ": ", what, " threw no OpenMMException");
}

inline double largest(const std::vector<OpenMM::Vec3> &vectors) {
    double most = 0;
    for (const OpenMM::Vec3 &vector : vectors)
        for (int k = 0; k < 3; k++)
            most = std::max(most, std::abs(vector[k]));
    return most;
}

#endif

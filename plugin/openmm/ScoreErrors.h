#ifndef OPENMM_SCORE_ERRORS_H_
#define OPENMM_SCORE_ERRORS_H_

#include <sstream>
#include <string>

#include "openmm/OpenMMException.h"
#include "score/status.h"

namespace OpenMMScore {

/** Throws an OpenMMException whose message is all the parts, one after another. */
template <typename... Parts> [[noreturn]] void throwError(const Parts &...parts) {
    std::ostringstream message;
    message.precision(17); // a double is named so that it can be found again
    (message << ... << parts);
    throw OpenMM::OpenMMException(message.str());
}

/** Throws unless `index` is in [0, count); `function` is the one that was given it. */
inline void checkIndex(const char *function, int index, int count) {
    if (index < 0 || index >= count)
        throwError(function, ": index ", index, " is not in [0, ", count, ")");
}

/** Turns an error of the model core into an OpenMMException. */
inline void throwUnlessOk(score_status status, const score_error &error, const std::string &where) {
    if (status == SCORE_OK)
        return;
    char text[sizeof(error.file) + sizeof(error.message) + 32];
    throwError(where, ": ", score_error_text(&error, text, sizeof(text)));
}

} // namespace OpenMMScore

#endif

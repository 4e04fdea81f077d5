/* Text for an XML attribute that comes back byte for byte. XML lets a reader turn line ends and tabs
 * in an attribute into spaces, and readers differ in what they do with bytes that are not ASCII; so
 * all of these, and the sign itself, are written as '%' and two hexadecimal digits. */
#ifndef OPENMM_SCORE_PERCENT_ENCODING_H_
#define OPENMM_SCORE_PERCENT_ENCODING_H_

#include <string>

namespace OpenMMScore {

std::string encodePercent(const std::string &text);

/** Throws an OpenMMException where a '%' is not followed by two hexadecimal digits. */
std::string decodePercent(const std::string &text);

} // namespace OpenMMScore

#endif

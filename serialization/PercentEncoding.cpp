#include "PercentEncoding.h"

#include "ScoreErrors.h"

using std::string;

namespace OpenMMScore {

namespace {

const char hexadecimal[] = "0123456789ABCDEF";

bool isPlain(char c) {
    return c >= ' ' && c <= '~' && c != '%';
}

int digitValue(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char decodeByte(const string &text, size_t percent) {
    int high = percent + 2 < text.size() ? digitValue(text[percent + 1]) : -1;
    int low = percent + 2 < text.size() ? digitValue(text[percent + 2]) : -1;
    if (high < 0 || low < 0)
        throwError("ScoreForce: '%' at byte ", percent, " of a text of ", text.size(),
                   " is not followed by two hexadecimal digits");
    return static_cast<char>(16 * high + low);
}

} // namespace

string encodePercent(const string &text) {
    string encoded;
    encoded.reserve(text.size());
    for (char c : text) {
        unsigned char byte = static_cast<unsigned char>(c);
        if (isPlain(c))
            encoded += c;
        else
            encoded.append({'%', hexadecimal[byte / 16], hexadecimal[byte % 16]});
    }
    return encoded;
}

string decodePercent(const string &text) {
    string decoded;
    decoded.reserve(text.size());
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            decoded += text[i];
        } else {
            decoded += decodeByte(text, i);
            i += 2;
        }
    }
    return decoded;
}

} // namespace OpenMMScore

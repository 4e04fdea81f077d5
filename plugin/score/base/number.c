#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtod_l */
#endif
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

/* Not isdigit: that depends on the locale. */
static const char *skip_digits(const char *text) {
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

static const char *skip_sign(const char *text) {
    return *text == '+' || *text == '-' ? text + 1 : text;
}

static bool is_decimal(const char *text) {
    const char *whole = skip_sign(text);
    const char *end = skip_digits(whole);
    long digits = end - whole;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits += end - fraction;
    }
    if (digits == 0)
        return false;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = skip_sign(end + 1);
        end = skip_digits(exponent);
        if (end == exponent)
            return false;
    }
    return *end == '\0';
}

bool score_parse_double(const char *text, double *value) {
    if (!is_decimal(text))
        return false;
    /* strtod takes the decimal point from the program's locale, which is not ours to change. */
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (locale == (locale_t)0)
        return false;
    double result = strtod_l(text, NULL, locale);
    freelocale(locale);
    if (!isfinite(result))
        return false;
    *value = result;
    return true;
}

bool score_parse_int(const char *text, int64_t least, int64_t most, int64_t *value) {
    const char *digits = skip_sign(text);
    const char *end = skip_digits(digits);
    if (end == digits || *end != '\0')
        return false;
    bool negative = *text == '-';
    /* Counted downwards: the negative numbers reach one further than the positive ones. */
    int64_t result = 0;
    for (const char *digit = digits; digit < end; digit++) {
        int unit = *digit - '0';
        if (result < (INT64_MIN + unit) / 10)
            return false;
        result = result * 10 - unit;
    }
    if (!negative) {
        if (result == INT64_MIN)
            return false;
        result = -result;
    }
    if (result < least || result > most)
        return false;
    *value = result;
    return true;
}

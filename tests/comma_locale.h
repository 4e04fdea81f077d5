/* A locale whose decimal point is a comma. */
#ifndef COMMA_LOCALE_H
#define COMMA_LOCALE_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Any such locale, made in the working directory where the system has none; false where that
 * cannot be done. */
static inline bool use_comma_locale(void) {
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "de_DE"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (setlocale(LC_ALL, names[k]) != NULL)
            return localeconv()->decimal_point[0] == ',';
    if (system("localedef -i de_DE -f UTF-8 ./de_DE.UTF-8 >made 2>&1") == -1)
        return false;
    setenv("LOCPATH", ".", 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") != NULL && localeconv()->decimal_point[0] == ',';
}

#endif

#include "topology_names.h"

#include <stdlib.h>
#include <string.h>

/* A topology nests 7 levels deep. */
enum { MOST_DEPTH = 32, WORD_SIZE = SCORE_ATOM_NAME_SIZE };

typedef struct parser {
    const char *at;
    score_topology_names *names;
    long *index; /* of the atoms whose names are kept, -1: the text has none */
} parser;

/* What the innermost object of "atoms": [...] says. */
typedef struct atom {
    char name[WORD_SIZE];
    long index;
} atom;

static bool parse_value(parser *p, int depth, bool is_atoms, atom *of_atom, const char *key);

static void skip_spaces(parser *p) {
    p->at += strspn(p->at, " \t\r\n");
}

static bool take(parser *p, char character) {
    skip_spaces(p);
    if (*p->at != character)
        return false;
    p->at++;
    return true;
}

static void add(char *text, size_t *used, unsigned byte) {
    if (*used + 1 < WORD_SIZE)
        text[(*used)++] = (char)byte;
}

/* Of \uXXXX; those of surrogates come out as other bytes, but always the same. */
static void add_code(char *text, size_t *used, unsigned code) {
    if (code < 0x80) {
        add(text, used, code);
    } else if (code < 0x800) {
        add(text, used, 0xc0 | code >> 6);
        add(text, used, 0x80 | (code & 0x3f));
    } else {
        add(text, used, 0xe0 | code >> 12);
        add(text, used, 0x80 | (code >> 6 & 0x3f));
        add(text, used, 0x80 | (code & 0x3f));
    }
}

static bool parse_escape(parser *p, char *text, size_t *used) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (*p->at == 'u') {
        char digits[5] = "";
        if (strspn(p->at + 1, "0123456789abcdefABCDEF") < 4)
            return false;
        memcpy(digits, p->at + 1, 4);
        add_code(text, used, (unsigned)strtoul(digits, NULL, 16));
        p->at += 5;
        return true;
    }
    const char *found = *p->at == '\0' ? NULL : strchr(names, *p->at);
    if (found == NULL)
        return false;
    add(text, used, (unsigned char)values[found - names]);
    p->at++;
    return true;
}

static bool parse_text(parser *p, char text[WORD_SIZE]) {
    size_t used = 0;
    if (!take(p, '"'))
        return false;
    while (*p->at != '"') {
        if ((unsigned char)*p->at < 0x20) /* or the end */
            return false;
        if (*p->at == '\\') {
            p->at++;
            if (!parse_escape(p, text, &used))
                return false;
        } else {
            add(text, &used, (unsigned char)*p->at++);
        }
    }
    p->at++;
    text[used] = '\0';
    return true;
}

/* A number, true, false, null, or what Python calls NaN. */
static bool parse_word(parser *p, char text[WORD_SIZE]) {
    const size_t size = strspn(p->at, "+-.0123456789abcdefghijklmnopqrstuvwxyzEINT");
    if (size == 0 || size >= WORD_SIZE)
        return false;
    memcpy(text, p->at, size);
    text[size] = '\0';
    p->at += size;
    return true;
}

static void keep(parser *p, const atom *found) {
    score_topology_names *names = p->names;
    const int place = names->count++;
    if (place >= names->most)
        return;
    memcpy(names->name[place], found->name, sizeof found->name);
    p->index[place] = found->index;
}

static bool parse_object(parser *p, int depth, bool is_atom) {
    atom own = {"", -1};
    char key[WORD_SIZE];
    if (!take(p, '}'))
        do {
            if (!parse_text(p, key) || !take(p, ':') ||
                !parse_value(p, depth + 1, strcmp(key, "atoms") == 0, is_atom ? &own : NULL, key))
                return false;
        } while (take(p, ','));
    else
        p->at--;
    if (is_atom)
        keep(p, &own);
    return take(p, '}');
}

static bool parse_array(parser *p, int depth, bool is_atoms) {
    if (take(p, ']'))
        return true;
    do {
        skip_spaces(p);
        if (is_atoms && *p->at == '{') {
            p->at++;
            if (depth >= MOST_DEPTH || !parse_object(p, depth + 1, true))
                return false;
        } else if (!parse_value(p, depth + 1, false, NULL, "")) {
            return false;
        }
    } while (take(p, ','));
    return take(p, ']');
}

static bool parse_value(parser *p, int depth, bool is_atoms, atom *of_atom, const char *key) {
    char text[WORD_SIZE] = "";
    skip_spaces(p);
    if (depth > MOST_DEPTH)
        return false;
    if (*p->at == '{') {
        p->at++;
        return parse_object(p, depth, false);
    }
    if (*p->at == '[') {
        p->at++;
        return parse_array(p, depth, is_atoms);
    }
    if (!(*p->at == '"' ? parse_text(p, text) : parse_word(p, text)))
        return false;
    if (of_atom != NULL && strcmp(key, "name") == 0)
        memcpy(of_atom->name, text, sizeof text);
    if (of_atom != NULL && strcmp(key, "index") == 0)
        of_atom->index = strtol(text, NULL, 10);
    return true;
}

static void sort(long *index, score_topology_names *names) {
    const int count = names->count;
    bool *seen = calloc((size_t)count, sizeof *seen);
    bool all = seen != NULL && count <= names->most;
    for (int k = 0; k < count && all; k++) {
        all = index[k] >= 0 && index[k] < count && !seen[index[k]];
        if (all)
            seen[index[k]] = true;
    }
    free(seen);
    for (int k = 0; k < count && all; k++)
        while (index[k] != k) {
            const long to = index[k];
            char name[WORD_SIZE];
            memcpy(name, names->name[to], sizeof name);
            memcpy(names->name[to], names->name[k], sizeof name);
            memcpy(names->name[k], name, sizeof name);
            index[k] = index[to];
            index[to] = to;
        }
}

bool score_topology_names_read(const char *text, score_topology_names *names) {
    parser p = {text, names, malloc(((size_t)names->most + 1) * sizeof *p.index)};
    names->count = 0;
    bool good = p.index != NULL && parse_value(&p, 0, false, NULL, "");
    skip_spaces(&p);
    good = good && *p.at == '\0' && names->count > 0;
    if (good)
        sort(p.index, names);
    free(p.index);
    return good;
}

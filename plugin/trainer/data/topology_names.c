#include "data/topology_names.h"

#include <stdlib.h>
#include <string.h>

/* A topology nests 7 levels deep. */
enum { MOST_DEPTH = 32, WORD_SIZE = SCORE_ATOM_NAME_SIZE };

typedef struct parser {
    const char *at;
    score_topology_names *names;
    long *index; /* of the atoms whose names are kept, -1: the text has none */
} parser;

/* What the elements of an array are: of "atoms": [...], and of "residues": [...]. */
typedef enum kind { OTHER, ATOM, RESIDUE } kind;

/* What an atom or a residue says. */
typedef struct entry {
    char name[WORD_SIZE];
    char element[WORD_SIZE];
    long index;
} entry;

/* elements: if the value is an array; of: what the value is said of, or NULL. */
static bool parse_value(parser *p, int depth, kind elements, entry *of, const char *key);

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

static void keep(parser *p, const entry *found) {
    score_topology_names *names = p->names;
    const int place = names->count++;
    if (place >= names->most)
        return;
    memcpy(names->atom[place].name, found->name, sizeof found->name);
    memcpy(names->atom[place].element, found->element, sizeof found->element);
    p->index[place] = found->index;
}

static void name_residue(score_topology_names *names, int first, const entry *residue) {
    for (int k = first; k < names->count && k < names->most; k++) {
        memcpy(names->atom[k].residue, residue->name, sizeof residue->name);
        names->atom[k].residue_index = names->residues;
    }
    names->residues++;
}

static kind elements_of(const char *key) {
    if (strcmp(key, "atoms") == 0)
        return ATOM;
    return strcmp(key, "residues") == 0 ? RESIDUE : OTHER;
}

static bool parse_object(parser *p, int depth, kind is) {
    entry own = {"", "", -1};
    char key[WORD_SIZE];
    const int first = p->names->count;
    if (!take(p, '}'))
        do {
            if (!parse_text(p, key) || !take(p, ':') ||
                !parse_value(p, depth + 1, elements_of(key), is == OTHER ? NULL : &own, key))
                return false;
        } while (take(p, ','));
    else
        p->at--;
    if (is == ATOM)
        keep(p, &own);
    if (is == RESIDUE)
        name_residue(p->names, first, &own);
    return take(p, '}');
}

static bool parse_array(parser *p, int depth, kind elements) {
    if (take(p, ']'))
        return true;
    do {
        skip_spaces(p);
        if (elements != OTHER && *p->at == '{') {
            p->at++;
            if (depth >= MOST_DEPTH || !parse_object(p, depth + 1, elements))
                return false;
        } else if (!parse_value(p, depth + 1, OTHER, NULL, "")) {
            return false;
        }
    } while (take(p, ','));
    return take(p, ']');
}

static bool parse_value(parser *p, int depth, kind elements, entry *of, const char *key) {
    char text[WORD_SIZE] = "";
    skip_spaces(p);
    if (depth > MOST_DEPTH)
        return false;
    if (*p->at == '{') {
        p->at++;
        return parse_object(p, depth, OTHER);
    }
    if (*p->at == '[') {
        p->at++;
        return parse_array(p, depth, elements);
    }
    const bool is_text = *p->at == '"';
    if (!(is_text ? parse_text(p, text) : parse_word(p, text)))
        return false;
    if (of != NULL && is_text && strcmp(key, "name") == 0)
        memcpy(of->name, text, sizeof text);
    if (of != NULL && is_text && strcmp(key, "element") == 0)
        memcpy(of->element, text, sizeof text);
    if (of != NULL && strcmp(key, "index") == 0)
        of->index = strtol(text, NULL, 10);
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
            const score_topology_atom atom = names->atom[to];
            names->atom[to] = names->atom[k];
            names->atom[k] = atom;
            index[k] = index[to];
            index[to] = to;
        }
}

bool score_topology_names_read(const char *text, score_topology_names *names) {
    parser p = {text, names, malloc(((size_t)names->most + 1) * sizeof *p.index)};
    names->count = 0;
    names->residues = 0;
    bool good = p.index != NULL && parse_value(&p, 0, OTHER, NULL, "");
    skip_spaces(&p);
    good = good && *p.at == '\0' && names->count > 0;
    if (good)
        sort(p.index, names);
    free(p.index);
    return good;
}

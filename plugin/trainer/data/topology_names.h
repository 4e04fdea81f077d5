/* The atoms and their residues in a topology of MDTraj's, which is JSON. */
#ifndef SCORE_TOPOLOGY_NAMES_H
#define SCORE_TOPOLOGY_NAMES_H

#include <stdbool.h>

enum { SCORE_ATOM_NAME_SIZE = 64 };

/* Names that are longer are cut; "": there is none. */
typedef struct score_topology_atom {
    char name[SCORE_ATOM_NAME_SIZE];
    char element[SCORE_ATOM_NAME_SIZE]; /* its symbol */
    char residue[SCORE_ATOM_NAME_SIZE];
    int residue_index; /* counts from 0 in the order of the text; 0: it has no residues */
} score_topology_atom;

typedef struct score_topology_names {
    int count; /* of all atoms */
    int most;  /* that there is room for */
    int residues;
    score_topology_atom *atom; /* the first `most` */
} score_topology_names;

/* In the order of the atoms' indices, or, where these are not 0, 1, ..., of the text. Returns false
 * where the text is no JSON, or says nothing of atoms. */
bool score_topology_names_read(const char *text, score_topology_names *names);

#endif

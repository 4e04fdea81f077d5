#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sample_file.h"
#include "weights/text_sink.h"

/* A bead may stand for several atoms, and then has no element. Masses of IUPAC 2021, amu. */
static const char *element_of(double mass_amu) {
    static const struct {
        const char *symbol;
        double mass_amu;
    } elements[] = {
        {"H", 1.008},   {"Li", 6.94},  {"B", 10.81},   {"C", 12.011},  {"N", 14.007},
        {"O", 15.999},  {"F", 18.998}, {"Na", 22.99},  {"Mg", 24.305}, {"Si", 28.085},
        {"P", 30.974},  {"S", 32.06},  {"Cl", 35.45},  {"K", 39.098},  {"Ca", 40.078},
        {"Fe", 55.845}, {"Zn", 65.38}, {"Se", 78.971}, {"Br", 79.904}, {"I", 126.904},
    };
    for (size_t k = 0; k < sizeof elements / sizeof elements[0]; k++)
        if (fabs(elements[k].mass_amu - mass_amu) < 0.01)
            return elements[k].symbol;
    return "VS"; /* MDTraj's virtual site */
}

static void write_text(score_text_sink *sink, const char *text) {
    score_sink_write(sink, "\"", 1);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20)
            score_sink_print(sink, "\\u%04x", (unsigned)(unsigned char)*text);
        else if (*text == '"' || *text == '\\')
            score_sink_print(sink, "\\%c", *text);
        else
            score_sink_write(sink, text, 1);
    }
    score_sink_write(sink, "\"", 1);
}

static void begin_residue(score_text_sink *sink, int index, const score_bead *bead) {
    score_sink_print(sink, "%s{\"index\": %d, \"name\": ", index == 0 ? "" : "]}, ", index);
    write_text(sink, bead->residue);
    score_sink_print(sink, ", \"resSeq\": %d, \"segmentID\": \"\", \"atoms\": [",
                     bead->residue_index + 1);
}

score_status score_sample_topology(const score_model *model, char **json, score_error *error) {
    const score_model_config *config = score_model_get_config(model);
    score_text_sink sink;
    int residue = -1;
    score_sink_open_memory(&sink);
    score_sink_print(&sink, "{\"chains\": [{\"index\": 0, \"residues\": [");
    for (int k = 0; k < config->bead_count; k++) {
        const score_bead *bead = &config->beads[k];
        const bool is_new = k == 0 || bead->residue_index != bead[-1].residue_index;
        if (is_new)
            begin_residue(&sink, ++residue, bead);
        score_sink_print(&sink, "%s{\"index\": %d, \"name\": ", is_new ? "" : ", ", k);
        write_text(&sink, bead->name);
        score_sink_print(&sink, ", \"element\": \"%s\"}", element_of(bead->mass_amu));
    }
    score_sink_print(&sink, "]}]}], \"bonds\": []}");
    const score_status status = score_sink_finish(&sink, error);
    *json = status == SCORE_OK ? sink.text : NULL;
    if (status == SCORE_OK)
        sink.text = NULL;
    score_sink_close(&sink);
    return status;
}

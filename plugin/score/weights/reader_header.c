/* The elements of a model file that come before its experts. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/noise_schedule.h"
#include "weights/attributes.h"
#include "weights/reader.h"

score_status score_read_root(score_reader *reader, score_xml_element *element) {
    int version;
    score_status status = score_attribute_int(element, "version", 1, INT_MAX, &version);
    if (status == SCORE_OK && version > SCORE_FORMAT_VERSION)
        status = score_reader_fail(reader, element->line,
                                   "the file has format version %d; this library reads versions up "
                                   "to %d",
                                   version, SCORE_FORMAT_VERSION);
    return status;
}

score_status score_read_coordinates(score_reader *reader, score_xml_element *element) {
    score_model_config *config = &reader->config;
    score_status status;
    if ((status = score_attribute_int(element, "dimensions", 1, 3, &config->dimensions)) ||
        (status = score_attribute_int(element, "centred", 0, 1, &config->centred)))
        return status;
    return score_attribute_positive(element, "scale", &config->scale_nm);
}

score_status score_read_thermodynamics(score_reader *reader, score_xml_element *element) {
    return score_attribute_positive(element, "temperature", &reader->config.temperature_k);
}

score_status score_read_schedule(score_reader *reader, score_xml_element *element) {
    score_noise_schedule *schedule = &reader->config.schedule;
    score_status status;
    if ((status = score_attribute_kind(element, "type", score_noise_schedule_word,
                                       &schedule->kind)) ||
        (status = score_read_settings(element, score_noise_schedule_settings(schedule->kind),
                                      schedule)))
        return status;
    status = score_noise_schedule_check(schedule, reader->error);
    return score_reader_place(reader, status, element->line);
}

score_status score_read_feature(score_reader *reader, score_xml_element *element) {
    score_model_config *config = &reader->config;
    if (config->feature_count == SCORE_MAX_FEATURES)
        return score_reader_fail(reader, element->line, "there are more than %d <Feature>",
                                 SCORE_MAX_FEATURES);
    return score_attribute_int(element, "size", 1, SCORE_MAX_WIDTH,
                               &config->feature_sizes[config->feature_count++]);
}

static score_status read_features(const score_reader *reader, score_xml_element *element,
                                  score_bead *bead) {
    const score_model_config *config = &reader->config;
    int count;
    if (config->feature_count == 0)
        return SCORE_OK;
    score_status status = score_attribute_ints(element, "features", SCORE_MAX_FEATURES,
                                               bead->features, &count);
    if (status != SCORE_OK)
        return status;
    if (count != config->feature_count)
        return score_reader_fail(reader, element->line, "<Bead> has %d features, must have %d",
                                 count, config->feature_count);
    for (int f = 0; f < count; f++)
        if (bead->features[f] >= config->feature_sizes[f])
            return score_reader_fail(reader, element->line,
                                     "<Bead> has feature %d = %d, must be in [0, %d)", f,
                                     bead->features[f], config->feature_sizes[f]);
    return SCORE_OK;
}

/* One more bead, all zero, or NULL. */
static score_bead *add_bead(score_reader *reader) {
    score_model_config *config = &reader->config;
    if (config->bead_count == reader->bead_room) {
        int room = reader->bead_room == 0 ? 64 : 2 * reader->bead_room;
        score_bead *beads = realloc(reader->beads, (size_t)room * sizeof *beads);
        if (beads == NULL)
            return NULL;
        config->beads = reader->beads = beads;
        reader->bead_room = room;
    }
    score_bead *bead = &reader->beads[config->bead_count++];
    *bead = (score_bead){0};
    return bead;
}

score_status score_read_bead(score_reader *reader, score_xml_element *element) {
    const int k = reader->config.bead_count;
    if (k == SCORE_MAX_BEADS)
        return score_reader_fail(reader, element->line, "there are more than %d <Bead>",
                                 SCORE_MAX_BEADS);
    score_bead *bead = add_bead(reader);
    if (bead == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, element->line,
                             "cannot allocate %d beads", 2 * reader->bead_room);
    int least = k == 0 ? 0 : reader->beads[k - 1].residue_index;
    score_status status;
    if ((status = score_attribute_text(element, "name", bead->name, sizeof bead->name)) ||
        (status = score_attribute_text(element, "residue", bead->residue, sizeof bead->residue)) ||
        (status = score_attribute_int(element, "residueIndex", least, INT_MAX,
                                      &bead->residue_index)) ||
        (status = score_attribute_double(element, "mass", &bead->mass_amu)) ||
        (status = score_attribute_double(element, "x", &bead->frame_nm[0])) ||
        (status = score_attribute_double(element, "y", &bead->frame_nm[1])) ||
        (status = score_attribute_double(element, "z", &bead->frame_nm[2])))
        return status;
    if (bead->mass_amu < 0)
        return score_reader_fail(reader, element->line, "<Bead> has mass %g, must not be negative",
                                 bead->mass_amu);
    return read_features(reader, element, bead);
}

score_status score_check_beads(score_reader *reader, long line) {
    const score_model_config *config = &reader->config;
    if (config->bead_count == 0 && config->feature_count == 0)
        return score_reader_fail(reader, line,
                                 "there is no <Bead>, which only a model of features can do "
                                 "without");
    if (config->bead_count == 1 && config->centred)
        return score_reader_fail(reader, line,
                                 "there is one <Bead>, of which centring would leave nothing");
    return SCORE_OK;
}

score_status score_read_range(score_reader *reader, score_xml_element *element) {
    score_data_range *range = &reader->config.range;
    score_status status = score_attribute_double(element, "neighbours", &range->neighbours_nm);
    if (status == SCORE_OK)
        status = score_attribute_positive(element, "centre", &range->centre_nm);
    if (status == SCORE_OK && range->neighbours_nm < 0)
        status = score_reader_fail(reader, element->line,
                                   "<Range> has neighbours = %g, must not be negative",
                                   range->neighbours_nm);
    return status;
}

score_status score_read_note(score_reader *reader, score_xml_element *element) {
    score_model_config *config = &reader->config;
    char name[SCORE_MAX_NOTE_NAME];
    score_status status = score_attribute_text(element, "name", name, sizeof name);
    if (status != SCORE_OK)
        return status;
    if (config->note_count == SCORE_MAX_NOTES)
        return score_reader_fail(reader, element->line, "there are more than %d <Note>",
                                 SCORE_MAX_NOTES);
    for (int k = 0; k < config->note_count; k++)
        if (strcmp(reader->notes[k].name, name) == 0)
            return score_reader_fail(reader, element->line, "there is more than one <Note> '%s'",
                                     name);
    if (reader->notes == NULL)
        config->notes = reader->notes = calloc(SCORE_MAX_NOTES, sizeof *reader->notes);
    char *copy = malloc(strlen(name) + 1);
    if (reader->notes == NULL || copy == NULL) {
        free(copy);
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, element->line,
                             "cannot allocate a note");
    }
    memcpy(copy, name, strlen(name) + 1);
    reader->notes[config->note_count++] = (score_note){.name = copy};
    reader->note_size = 0;
    return SCORE_OK;
}

/* Makes room for `size` more bytes of text and a final zero. */
static score_status grow_note(score_reader *reader, size_t size, long line) {
    if (reader->note_size + size < reader->note_room)
        return SCORE_OK;
    size_t room = 2 * (reader->note_size + size) + 64;
    char *text = realloc(reader->note_text, room);
    if (text == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, line,
                             "cannot allocate a note of %zu bytes", room);
    reader->note_text = text;
    reader->note_room = room;
    return SCORE_OK;
}

score_status score_read_note_text(score_reader *reader, const char *text, size_t size, long line) {
    if (size > SCORE_MAX_NOTE_BYTES - reader->note_bytes)
        return score_reader_fail(reader, line, "the notes have more than %d bytes",
                                 SCORE_MAX_NOTE_BYTES);
    score_status status = grow_note(reader, size, line);
    if (status != SCORE_OK)
        return status;
    memcpy(reader->note_text + reader->note_size, text, size);
    reader->note_size += size;
    reader->note_bytes += size;
    return SCORE_OK;
}

score_status score_end_note(score_reader *reader, long line) {
    score_status status = grow_note(reader, 0, line);
    if (status != SCORE_OK)
        return status;
    reader->note_text[reader->note_size] = '\0';
    reader->notes[reader->config.note_count - 1].text = reader->note_text;
    reader->note_text = NULL;
    reader->note_room = 0;
    return SCORE_OK;
}

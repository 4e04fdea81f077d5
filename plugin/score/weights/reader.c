/* Reads models: a table of the elements, the rules of their order, and the public functions. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/attributes.h"
#include "weights/reader.h"
#include "weights/source.h"

enum { DOCUMENT = -1, READ_SIZE = 1 << 16 };

/* Children of one element stand in the order of the table. */
typedef struct element_rule {
    const char *name;
    int parent; /* place in the table */
    bool required;
    bool repeats;
    score_status (*start)(score_reader *, score_xml_element *);
    score_status (*text)(score_reader *, const char *, size_t, long); /* NULL: none allowed */
    score_status (*end)(score_reader *, long);
} element_rule;

enum {
    SCORE_MODEL,
    COORDINATES,
    THERMODYNAMICS,
    SCHEDULE,
    FEATURES,
    FEATURE,
    BEADS,
    BEAD,
    RANGE,
    GAUSSIAN,
    GAUSSIAN_TENSOR,
    PROVENANCE,
    NOTE,
    EXPERTS,
    EXPERT,
    TENSOR,
    RULE_COUNT
};

static const element_rule RULES[RULE_COUNT] = {
    [SCORE_MODEL] = {"ScoreModel", DOCUMENT, true, false, score_read_root, NULL, NULL},
    [COORDINATES] = {"Coordinates", SCORE_MODEL, true, false, score_read_coordinates, NULL, NULL},
    [THERMODYNAMICS] = {"Thermodynamics", SCORE_MODEL, true, false, score_read_thermodynamics, NULL,
                        NULL},
    [SCHEDULE] = {"Schedule", SCORE_MODEL, true, false, score_read_schedule, NULL, NULL},
    [FEATURES] = {"Features", SCORE_MODEL, false, false, NULL, NULL, NULL},
    [FEATURE] = {"Feature", FEATURES, true, true, score_read_feature, NULL, NULL},
    [BEADS] = {"Beads", SCORE_MODEL, true, false, NULL, NULL, score_check_beads},
    [BEAD] = {"Bead", BEADS, false, true, score_read_bead, NULL, NULL},
    [RANGE] = {"Range", SCORE_MODEL, false, false, score_read_range, NULL, NULL},
    [GAUSSIAN] = {"Gaussian", SCORE_MODEL, false, false, score_read_gaussian, NULL,
                  score_end_gaussian},
    [GAUSSIAN_TENSOR] = {"Tensor", GAUSSIAN, false, true, score_read_tensor, score_read_tensor_text,
                         score_end_tensor},
    [PROVENANCE] = {"Provenance", SCORE_MODEL, false, false, NULL, NULL, NULL},
    [NOTE] = {"Note", PROVENANCE, true, true, score_read_note, score_read_note_text,
              score_end_note},
    [EXPERTS] = {"Experts", SCORE_MODEL, true, false, NULL, NULL, NULL},
    [EXPERT] = {"Expert", EXPERTS, true, true, score_read_expert, NULL, score_close_tensors},
    [TENSOR] = {"Tensor", EXPERT, false, true, score_read_tensor, score_read_tensor_text,
                score_end_tensor},
};

score_status score_reader_fail(const score_reader *reader, long line, const char *format, ...) {
    char message[sizeof reader->error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return score_fail_at(reader->error, SCORE_ERROR_FORMAT, reader->file, line, "%s", message);
}

score_status score_reader_place(const score_reader *reader, score_status status, long line) {
    if (status == SCORE_OK)
        return SCORE_OK;
    if (status == SCORE_ERROR_ARGUMENT)
        status = SCORE_ERROR_FORMAT;
    char message[sizeof reader->error->message];
    memcpy(message, reader->error->message, sizeof message);
    return score_fail_at(reader->error, status, reader->file, line, "%s", message);
}

static int innermost(const score_reader *reader) {
    return reader->depth == 0 ? DOCUMENT : reader->open[reader->depth - 1];
}

/* Fails if `parent` requires a child between the last it has had and `next`. */
static score_status check_required(const score_reader *reader, int parent, int next, long line) {
    for (int k = reader->last_child[reader->depth] + 1; k < next; k++)
        if (RULES[k].parent == parent && RULES[k].required)
            return score_reader_fail(reader, line, "<%s> is missing in <%s>", RULES[k].name,
                                     RULES[parent].name);
    return SCORE_OK;
}

static score_status refuse_element(const score_reader *reader, const score_xml_element *element,
                                   int parent) {
    if (parent == DOCUMENT)
        return score_reader_fail(reader, element->line,
                                 "the root element is <%.60s>, must be <ScoreModel>",
                                 element->name);
    return score_reader_fail(reader, element->line, "<%.60s> is not known inside <%s>",
                             element->name, RULES[parent].name);
}

static score_status on_start(void *user, score_xml_element *element) {
    score_reader *reader = user;
    const int parent = innermost(reader);
    int *last = &reader->last_child[reader->depth];
    int k = 0;
    while (k < RULE_COUNT &&
           !(RULES[k].parent == parent && strcmp(RULES[k].name, element->name) == 0))
        k++;
    if (k == RULE_COUNT)
        return refuse_element(reader, element, parent);
    if (k == *last && !RULES[k].repeats)
        return score_reader_fail(reader, element->line, "there is more than one <%s>",
                                 element->name);
    if (k < *last)
        return score_reader_fail(reader, element->line, "<%s> must come before <%s>", element->name,
                                 RULES[*last].name);
    score_status status = check_required(reader, parent, k, element->line);
    if (status == SCORE_OK && RULES[k].start != NULL)
        status = RULES[k].start(reader, element);
    if (status == SCORE_OK)
        status = score_attributes_end(element);
    *last = k;
    reader->open[reader->depth++] = k;
    reader->last_child[reader->depth] = DOCUMENT;
    return status;
}

static score_status on_text(void *user, const char *text, size_t size, long line) {
    score_reader *reader = user;
    const element_rule *rule = &RULES[innermost(reader)];
    if (rule->text != NULL)
        return rule->text(reader, text, size, line);
    for (size_t k = 0; k < size; k++)
        if (strchr(" \t\r\n", text[k]) == NULL)
            return score_reader_fail(reader, line,
                                     "<%s> holds text '%.*s', must hold elements only", rule->name,
                                     (int)(size - k < 60 ? size - k : 60), text + k);
    return SCORE_OK;
}

static score_status on_end(void *user, const char *name, long line) {
    score_reader *reader = user;
    (void)name;
    const int k = innermost(reader);
    score_status status = check_required(reader, k, RULE_COUNT, line);
    if (status == SCORE_OK && RULES[k].end != NULL)
        status = RULES[k].end(reader, line);
    reader->depth--;
    return status;
}

/* Feeds the source to the parser. The bytes of XML are bounded by what the elements so far allow,
 * so that a compressed bomb ends early. */
static score_status read_all(score_reader *reader, score_source *source, score_xml_stream *stream) {
    size_t total = 0, count;
    char *bytes = malloc(READ_SIZE);
    if (bytes == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, 0,
                             "cannot allocate a read buffer");
    score_status status;
    while (!(status = score_source_read(source, score_xml_stream_line(stream), bytes, READ_SIZE,
                                        &count, reader->error)) &&
           count > 0) {
        total += count;
        if (total > reader->allowed_bytes) {
            status = score_reader_fail(reader, score_xml_stream_line(stream),
                                       "the file has more than %zu bytes of XML, too many for "
                                       "what it declares up to here",
                                       reader->allowed_bytes);
            break;
        }
        if ((status = score_xml_stream_feed(stream, bytes, count)))
            break;
    }
    if (status == SCORE_OK)
        status = score_xml_stream_finish(stream);
    free(bytes);
    return status;
}

/* Makes the model of what has been read. */
static score_status build(score_reader *reader, score_model **model) {
    score_status status = score_model_create(&reader->config, model, reader->error);
    if (status != SCORE_OK)
        return score_reader_place(reader, status, 0);
    for (int k = 0; k < reader->config.expert_count; k++) {
        memcpy(score_model_parameters(*model, k), reader->parameters[k],
               reader->networks[k].parameter_count * sizeof(double));
        free(reader->parameters[k]); /* so that no more than one expert is held twice */
        reader->parameters[k] = NULL;
    }
    return SCORE_OK;
}

static void clear(score_reader *reader) {
    score_tensor_decoder_close(&reader->decoder);
    for (int k = 0; k < SCORE_MAX_EXPERTS; k++) {
        score_network_destroy(&reader->networks[k]);
        free(reader->parameters[k]);
    }
    for (int k = 0; k < reader->config.note_count; k++) {
        free((char *)reader->notes[k].name);
        free((char *)reader->notes[k].text);
    }
    free(reader->gaussian_numbers);
    free(reader->notes);
    free(reader->note_text);
    free(reader->beads);
    free(reader->present);
    free(reader);
}

static score_status read_source(const char *name, score_source *source, score_model **model,
                                score_error *error) {
    static const score_xml_handlers HANDLERS = {on_start, on_text, on_end};
    score_error unused; /* messages pass through it */
    if (error == NULL)
        error = &unused;
    score_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return score_fail_at(error, SCORE_ERROR_MEMORY, name, 0, "cannot allocate a reader");
    reader->file = name;
    reader->error = error;
    reader->last_child[0] = DOCUMENT;
    reader->stored_bytes = score_source_size(source);
    reader->allowed_bytes = SCORE_MAX_HEADER_BYTES;
    score_xml_stream *stream;
    score_status status = score_xml_stream_create(name, &HANDLERS, reader, &stream, error);
    if (status == SCORE_OK)
        status = read_all(reader, source, stream);
    if (status == SCORE_OK)
        status = build(reader, model);
    score_xml_stream_destroy(stream);
    clear(reader);
    return status;
}

score_status score_model_read(const char *path, score_model **model, score_error *error) {
    *model = NULL;
    score_source *source;
    score_status status = score_source_open_file(path, &source, error);
    if (status == SCORE_OK)
        status = read_source(path, source, model, error);
    score_source_close(source);
    return status;
}

score_status score_model_read_memory(const char *text, size_t size, const char *name,
                                     score_model **model, score_error *error) {
    *model = NULL;
    score_source *source;
    score_status status = score_source_open_memory(text, size, name, &source, error);
    if (status == SCORE_OK)
        status = read_source(name, source, model, error);
    score_source_close(source);
    return status;
}

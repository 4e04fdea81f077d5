/* Writes models. What the reader would refuse is refused here, before a byte is written. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "model/noise_schedule.h"
#include "weights/base64.h"
#include "weights/claim.h"
#include "weights/format.h"
#include "weights/scalar_bytes.h"
#include "weights/text_sink.h"

enum { LINE_BYTES = 96, LINE_TEXT = LINE_BYTES / 3 * 4, RAW_SIZE = 1 << 13 };

static bool is_name(const char *text) {
    return score_is_xml_text(text) && score_control_character(text) == NULL;
}

static score_status check_names(const score_model_config *config, score_error *error) {
    for (int k = 0; k < config->bead_count; k++)
        if (!is_name(config->beads[k].name) || !is_name(config->beads[k].residue))
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "the name or residue of bead %d has characters that XML cannot hold, "
                              "or control characters",
                              k);
    return SCORE_OK;
}

static score_status check_notes(const score_model_config *config, score_error *error) {
    size_t total = 0;
    if (config->note_count > SCORE_MAX_NOTES)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%d notes are more than the limit of %d",
                          config->note_count, SCORE_MAX_NOTES);
    for (int k = 0; k < config->note_count; k++) {
        const score_note *note = &config->notes[k];
        if (strlen(note->name) >= SCORE_MAX_NOTE_NAME)
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "the name of note '%.60s' is longer than %d bytes", note->name,
                              SCORE_MAX_NOTE_NAME - 1);
        if (!is_name(note->name) || !score_is_xml_text(note->text))
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "note %d has characters that XML cannot hold", k);
        total += strlen(note->text);
    }
    if (total > SCORE_MAX_NOTE_BYTES)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "notes of %zu bytes are longer than the limit of %d", total,
                          SCORE_MAX_NOTE_BYTES);
    return SCORE_OK;
}

static score_status check_tensor(const score_tensor *tensor, int expert, score_dtype dtype,
                                 const double *values, score_error *error) {
    for (size_t k = 0; k < tensor->size; k++)
        if (!isfinite(values[k]) || (dtype == SCORE_FLOAT32 && !isfinite((float)values[k])))
            return score_fail(error, SCORE_ERROR_NUMERIC,
                              "tensor '%s' of expert %d has value %g at place %zu, must be finite "
                              "as %s",
                              tensor->name, expert, values[k], k, SCORE_DTYPE_WORDS[dtype]);
    return SCORE_OK;
}

static score_status check_model(const score_model *model, score_error *error) {
    const score_model_config *config = score_model_get_config(model);
    score_status status;
    if ((status = check_names(config, error)) || (status = check_notes(config, error)))
        return status;
    for (int e = 0; e < config->expert_count; e++)
        for (int k = 0; k < score_model_tensor_count(model, e); k++) {
            const score_tensor *tensor = score_model_tensor(model, e, k);
            const double *values = score_model_parameters_const(model, e) + tensor->offset;
            if ((status = check_tensor(tensor, e, config->experts[e].dtype, values, error)))
                return status;
        }
    return SCORE_OK;
}

static void write_text_attribute(score_text_sink *sink, const char *name, const char *value) {
    score_sink_print(sink, " %s=\"", name);
    score_sink_escape_attribute(sink, value);
    score_sink_print(sink, "\"");
}

static void write_number_attribute(score_text_sink *sink, const char *name, double value) {
    score_sink_print(sink, " %s=\"", name);
    score_sink_number(sink, value);
    score_sink_print(sink, "\"");
}

static void write_settings(score_text_sink *sink, const score_setting *settings,
                           const void *owner) {
    char text[SCORE_SETTING_TEXT];
    for (const score_setting *setting = settings; setting->name != NULL; setting++) {
        if (score_setting_is_usual(owner, setting))
            continue;
        if (setting->kind == SCORE_SETTING_NUMBER)
            write_number_attribute(sink, setting->name, score_setting_get(owner, setting));
        else
            write_text_attribute(sink, setting->name, score_setting_text(owner, setting, text));
    }
}

static void write_bead(score_text_sink *sink, const score_bead *bead, int feature_count) {
    score_sink_print(sink, "    <Bead");
    write_text_attribute(sink, "name", bead->name);
    write_text_attribute(sink, "residue", bead->residue);
    score_sink_print(sink, " residueIndex=\"%d\"", bead->residue_index);
    write_number_attribute(sink, "mass", bead->mass_amu);
    write_number_attribute(sink, "x", bead->frame_nm[0]);
    write_number_attribute(sink, "y", bead->frame_nm[1]);
    write_number_attribute(sink, "z", bead->frame_nm[2]);
    for (int f = 0; f < feature_count; f++)
        score_sink_print(sink, "%s%d", f == 0 ? " features=\"" : " ", bead->features[f]);
    score_sink_print(sink, "%s/>\n", feature_count > 0 ? "\"" : "");
}

static void write_header(score_text_sink *sink, const score_model_config *config) {
    score_sink_print(sink, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<!-- Lengths in nm, masses in amu, temperatures in K. Tensors are "
                           "row-major, little-endian,\n"
                           "     zlib-compressed, in base64; crc32 is that of the uncompressed "
                           "bytes. -->\n");
    score_sink_print(sink, "<ScoreModel version=\"%d\">\n", SCORE_FORMAT_VERSION);
    score_sink_print(sink, "  <Coordinates dimensions=\"%d\" centred=\"%d\"", config->dimensions,
                     config->centred != 0);
    write_number_attribute(sink, "scale", config->scale_nm);
    score_sink_print(sink, "/>\n  <Thermodynamics");
    write_number_attribute(sink, "temperature", config->temperature_k);
    score_sink_print(sink, "/>\n  <Schedule type=\"%s\"",
                     score_noise_schedule_word(config->schedule.kind));
    write_settings(sink, score_noise_schedule_settings(config->schedule.kind), &config->schedule);
    score_sink_print(sink, "/>\n");
    if (config->feature_count > 0) {
        score_sink_print(sink, "  <Features>\n");
        for (int f = 0; f < config->feature_count; f++)
            score_sink_print(sink, "    <Feature size=\"%d\"/>\n", config->feature_sizes[f]);
        score_sink_print(sink, "  </Features>\n");
    }
    score_sink_print(sink, "  <Beads>\n");
    for (int k = 0; k < config->bead_count; k++)
        write_bead(sink, &config->beads[k], config->feature_count);
    score_sink_print(sink, "  </Beads>\n");
    if (config->range.centre_nm > 0) {
        score_sink_print(sink, "  <Range");
        write_number_attribute(sink, "neighbours", config->range.neighbours_nm);
        write_number_attribute(sink, "centre", config->range.centre_nm);
        score_sink_print(sink, "/>\n");
    }
}

static void write_notes(score_text_sink *sink, const score_model_config *config) {
    if (config->note_count == 0)
        return;
    score_sink_print(sink, "  <Provenance>\n");
    for (int k = 0; k < config->note_count; k++) {
        score_sink_print(sink, "    <Note");
        write_text_attribute(sink, "name", config->notes[k].name);
        score_sink_print(sink, ">");
        score_sink_escape_text(sink, config->notes[k].text);
        score_sink_print(sink, "</Note>\n");
    }
    score_sink_print(sink, "  </Provenance>\n");
}

/* Compressed bytes on their way to lines of base64. */
typedef struct line_writer {
    score_text_sink *sink;
    unsigned char bytes[LINE_BYTES];
    size_t count;
} line_writer;

static void write_line(line_writer *lines) {
    char text[LINE_TEXT + 1];
    size_t size = score_base64_encode(lines->bytes, lines->count, text);
    text[size] = '\n';
    score_sink_write(lines->sink, text, size + 1);
    lines->count = 0;
}

static void write_bytes(line_writer *lines, const unsigned char *bytes, size_t size) {
    for (size_t k = 0; k < size; k++) {
        lines->bytes[lines->count++] = bytes[k];
        if (lines->count == LINE_BYTES)
            write_line(lines);
    }
}

/* Up to RAW_SIZE / 8 values from values[size] as bytes; returns the number of bytes. */
static size_t store(score_dtype dtype, const double *values, size_t size, unsigned char *raw) {
    const size_t width = score_dtype_bytes(dtype);
    size_t count = size < RAW_SIZE / 8 ? size : RAW_SIZE / 8;
    for (size_t k = 0; k < count; k++)
        score_scalar_store(dtype, values[k], raw + k * width);
    return count * width;
}

static uLong checksum(score_dtype dtype, const double *values, size_t size) {
    unsigned char raw[RAW_SIZE];
    uLong crc = crc32(0, NULL, 0);
    for (size_t done = 0; done < size; done += RAW_SIZE / 8)
        crc = crc32(crc, raw, (uInt)store(dtype, values + done, size - done, raw));
    return crc;
}

static score_status write_values(score_text_sink *sink, score_dtype dtype, const double *values,
                                 size_t size, score_error *error) {
    unsigned char raw[RAW_SIZE], packed[RAW_SIZE];
    line_writer lines = {.sink = sink};
    z_stream zlib = {0};
    if (deflateInit(&zlib, Z_DEFAULT_COMPRESSION) != Z_OK)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot start zlib");
    for (size_t done = 0; done < size; done += RAW_SIZE / 8) {
        zlib.next_in = raw;
        zlib.avail_in = (uInt)store(dtype, values + done, size - done, raw);
        int flush = size - done <= RAW_SIZE / 8 ? Z_FINISH : Z_NO_FLUSH;
        do {
            zlib.next_out = packed;
            zlib.avail_out = sizeof packed;
            deflate(&zlib, flush);
            write_bytes(&lines, packed, sizeof packed - zlib.avail_out);
        } while (zlib.avail_out == 0);
    }
    deflateEnd(&zlib);
    if (lines.count > 0)
        write_line(&lines);
    return SCORE_OK;
}

/* `indent`: spaces in front of its tags. */
static score_status write_tensor(score_text_sink *sink, int indent, const score_tensor *tensor,
                                 score_dtype dtype, const double *values, score_error *error) {
    score_sink_print(sink, "%*s<Tensor name=\"%s\" shape=\"%d", indent, "", tensor->name,
                     tensor->shape[0]);
    if (tensor->rank == 2)
        score_sink_print(sink, " %d", tensor->shape[1]);
    score_sink_print(sink, "\" dtype=\"%s\" crc32=\"%08lx\">\n", SCORE_DTYPE_WORDS[dtype],
                     checksum(dtype, values, tensor->size));
    score_status status = write_values(sink, dtype, values, tensor->size, error);
    score_sink_print(sink, "%*s</Tensor>\n", indent, "");
    return status;
}

/* `values` as a tensor of the Gaussian; NULL: it has none. */
static score_status write_gaussian_tensor(score_text_sink *sink, const char *name, int rank,
                                          int rows, int columns, const double *values,
                                          score_error *error) {
    score_tensor tensor = {
        .rank = rank, .shape = {rows, columns}, .size = (size_t)rows * (size_t)columns};
    if (values == NULL)
        return SCORE_OK;
    snprintf(tensor.name, sizeof tensor.name, "%s", name);
    return write_tensor(sink, 4, &tensor, SCORE_FLOAT64, values, error);
}

static score_status write_gaussian(score_text_sink *sink, const score_gaussian *gaussian,
                                   score_error *error) {
    score_status status;
    if (gaussian == NULL)
        return SCORE_OK;
    score_sink_print(sink, "  <Gaussian over=\"%s\">\n", SCORE_OVER_WORDS[gaussian->over]);
    if ((status = write_gaussian_tensor(sink, "variances", 1, gaussian->modes, 1,
                                        gaussian->variances, error)) ||
        (status = write_gaussian_tensor(sink, "modes", 2, gaussian->modes, gaussian->width,
                                        gaussian->directions, error)) ||
        (status = write_gaussian_tensor(sink, "mean", 1, gaussian->width, 1, gaussian->mean,
                                        error)))
        return status;
    score_sink_print(sink, "  </Gaussian>\n");
    return SCORE_OK;
}

static score_status write_expert(score_text_sink *sink, const score_model *model, int expert,
                                 score_error *error) {
    const score_expert_config *config = &score_model_get_config(model)->experts[expert];
    score_sink_print(sink,
                     "    <Expert architecture=\"%s\" output=\"%s\" hidden=\"%d\" layers=\"%d\"",
                     score_architecture_word((int)config->architecture),
                     SCORE_OUTPUT_WORDS[config->output], config->hidden, config->layers);
    write_settings(sink, score_architecture_settings(config->architecture), config);
    write_number_attribute(sink, "timeBegin", config->t_begin);
    write_number_attribute(sink, "timeEnd", config->t_end);
    if (config->time_variance > 0)
        write_number_attribute(sink, "timeVariance", config->time_variance);
    if (config->base != SCORE_BASE_NONE)
        score_sink_print(sink, " base=\"%s\"", SCORE_BASE_WORDS[config->base]);
    score_sink_print(sink, " dtype=\"%s\">\n", SCORE_DTYPE_WORDS[config->dtype]);
    const double *parameters = score_model_parameters_const(model, expert);
    score_status status = SCORE_OK;
    for (int k = 0; k < score_model_tensor_count(model, expert) && status == SCORE_OK; k++) {
        const score_tensor *tensor = score_model_tensor(model, expert, k);
        status = write_tensor(sink, 6, tensor, config->dtype, parameters + tensor->offset, error);
    }
    score_sink_print(sink, "    </Expert>\n");
    return status;
}

/* The reader would refuse a file of so many weights that is so small. */
static score_status check_claim(const score_model *model, uint64_t bytes, score_error *error) {
    size_t weights = 0;
    for (int k = 0; k < score_model_get_config(model)->expert_count; k++)
        weights += score_model_parameter_count(model, k);
    if (score_claim_fits(weights, bytes))
        return SCORE_OK;
    return score_fail(error, SCORE_ERROR_ARGUMENT,
                      "the model's %zu parameters are so uniform that they take %llu bytes, which "
                      "is not taken for a trained model",
                      weights, (unsigned long long)bytes);
}

static score_status write_model(score_text_sink *sink, const score_model *model,
                                score_error *error) {
    const score_model_config *config = score_model_get_config(model);
    write_header(sink, config);
    score_status status = write_gaussian(sink, config->gaussian, error);
    if (status != SCORE_OK)
        return status;
    write_notes(sink, config);
    score_sink_print(sink, "  <Experts>\n");
    for (int e = 0; e < config->expert_count; e++) {
        status = write_expert(sink, model, e, error);
        if (status != SCORE_OK)
            return status;
    }
    score_sink_print(sink, "  </Experts>\n</ScoreModel>\n");
    return score_sink_finish(sink, error);
}

score_status score_model_write(const score_model *model, const char *path, score_error *error) {
    score_status status = check_model(model, error);
    if (status != SCORE_OK)
        return status;
    score_atomic_file file;
    if ((status = score_atomic_open(path, &file, error)))
        return status;
    score_text_sink sink;
    status = score_sink_open_file(&sink, &file, score_ends_with(path, ".gz"), error);
    if (status == SCORE_OK)
        status = write_model(&sink, model, error);
    if (status == SCORE_OK)
        status = check_claim(model, sink.size, error);
    score_sink_close(&sink);
    if (status == SCORE_OK)
        return score_atomic_commit(&file, error);
    score_atomic_abandon(&file);
    return status;
}

score_status score_model_write_memory(const score_model *model, char **text, size_t *size,
                                      score_error *error) {
    *text = NULL;
    *size = 0;
    score_status status = check_model(model, error);
    if (status != SCORE_OK)
        return status;
    score_text_sink sink;
    score_sink_open_memory(&sink);
    status = write_model(&sink, model, error);
    if (status == SCORE_OK)
        status = check_claim(model, sink.size, error);
    if (status == SCORE_OK) {
        *text = sink.text;
        *size = sink.size;
        sink.text = NULL;
    }
    score_sink_close(&sink);
    return status;
}

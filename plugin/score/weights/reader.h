/* The state of reading one model, shared by the handlers of its elements. */
#ifndef SCORE_READER_H
#define SCORE_READER_H

#include "model/network.h"
#include "weights/format.h"
#include "weights/tensor_decoder.h"
#include "weights/xml_stream.h"

enum { SCORE_READER_DEPTH = 4 }; /* ScoreModel > Experts > Expert > Tensor */

/* The tensors that an expert or the Gaussian must have. */
typedef struct score_tensor_list {
    char owner[24];     /* in errors: "expert 0" */
    const char *kind;   /* "expert" */
    const char *source; /* "architecture": what says which they are */
    int count;
    bool last_is_optional;
    const score_tensor *tensors;  /* [count] */
    const score_network *network; /* whose they are, sorted there; NULL: they are few */
    score_dtype dtype;
    double *values; /* what their offsets are in */
} score_tensor_list;

typedef struct score_reader {
    const char *file;
    score_error *error;

    /* The elements that are open, outermost first, and the last child that each has had: places
     * in the table of reader.c. */
    int depth;
    int open[SCORE_READER_DEPTH];
    int last_child[SCORE_READER_DEPTH + 1];
    uint64_t stored_bytes; /* of the file */
    size_t weights;        /* of the experts so far */
    size_t allowed_bytes;  /* of XML, given what has been declared so far */

    score_model_config config; /* its beads and notes are those below */
    score_bead *beads;
    score_note *notes;
    int bead_room;
    char *note_text; /* of the open note */
    size_t note_size;
    size_t note_room;
    size_t note_bytes; /* of all notes */

    score_network networks[SCORE_MAX_EXPERTS];
    double *parameters[SCORE_MAX_EXPERTS];
    score_gaussian gaussian; /* its numbers are those below */
    double *gaussian_numbers;
    score_tensor gaussian_tensors[3];
    long gaussian_line;

    score_tensor_list list; /* of the open expert or Gaussian */
    bool *present;          /* which of them have been read */
    int next;               /* the tensor that is expected next; files in order are not searched */
    uint32_t crc;           /* of the open tensor, as the file states it */
    score_tensor_decoder decoder;
} score_reader;

/* SCORE_ERROR_FORMAT in the reader's file. */
score_status score_reader_fail(const score_reader *reader, long line, const char *format, ...)
    SCORE_PRINTF(3, 4);

/* Adds file and line to an error of the model core, which then is one of the file's content. */
score_status score_reader_place(const score_reader *reader, score_status status, long line);

/* reader_header.c: everything but the experts. */
score_status score_read_root(score_reader *reader, score_xml_element *element);
score_status score_read_coordinates(score_reader *reader, score_xml_element *element);
score_status score_read_thermodynamics(score_reader *reader, score_xml_element *element);
score_status score_read_schedule(score_reader *reader, score_xml_element *element);
score_status score_read_feature(score_reader *reader, score_xml_element *element);
score_status score_read_bead(score_reader *reader, score_xml_element *element);
score_status score_check_beads(score_reader *reader, long line);
score_status score_read_range(score_reader *reader, score_xml_element *element);
score_status score_read_note(score_reader *reader, score_xml_element *element);
score_status score_read_note_text(score_reader *reader, const char *text, size_t size, long line);
score_status score_end_note(score_reader *reader, long line);

score_status score_read_gaussian(score_reader *reader, score_xml_element *element);
score_status score_end_gaussian(score_reader *reader, long line);

score_status score_read_expert(score_reader *reader, score_xml_element *element);

/* reader_tensors.c: those of the open expert or Gaussian. */
score_status score_open_tensors(score_reader *reader, const score_tensor_list *list, long line);
score_status score_close_tensors(score_reader *reader, long line);
score_status score_read_tensor(score_reader *reader, score_xml_element *element);
score_status score_read_tensor_text(score_reader *reader, const char *text, size_t size, long line);
score_status score_end_tensor(score_reader *reader, long line);

#endif

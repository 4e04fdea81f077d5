#define _POSIX_C_SOURCE 200809L

#include "weights/text_sink.h"

#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

void score_sink_open_memory(score_text_sink *sink) {
    *sink = (score_text_sink){0};
}

score_status score_sink_open_file(score_text_sink *sink, score_atomic_file *file, bool compressed,
                                  score_error *error) {
    *sink = (score_text_sink){.file = file};
    /* Without deflateSetHeader the header has neither time nor name. */
    if (compressed && deflateInit2(&sink->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                                   GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot start zlib");
    sink->compressed = compressed;
    return SCORE_OK;
}

static void append(score_text_sink *sink, const char *text, size_t size) {
    if (sink->room - sink->size <= size) {
        size_t room = 2 * (sink->size + size) + 4096;
        char *grown = realloc(sink->text, room);
        if (grown == NULL) {
            sink->out_of_memory = true;
            return;
        }
        sink->text = grown;
        sink->room = room;
    }
    memcpy(sink->text + sink->size, text, size);
    sink->size += size;
    sink->text[sink->size] = '\0';
}

static void put(score_text_sink *sink, const void *data, size_t size) {
    score_atomic_write(sink->file, data, size);
    sink->size += size;
}

/* Compresses until all input is taken, or with Z_FINISH all output is given. */
static void compress_text(score_text_sink *sink, const char *text, size_t size, int flush) {
    z_stream *zlib = &sink->zlib;
    zlib->next_in = (z_const Bytef *)text;
    zlib->avail_in = (uInt)size;
    do {
        zlib->next_out = sink->buffer;
        zlib->avail_out = sizeof sink->buffer;
        deflate(zlib, flush);
        put(sink, sink->buffer, sizeof sink->buffer - zlib->avail_out);
    } while (zlib->avail_out == 0);
}

void score_sink_write(score_text_sink *sink, const char *text, size_t size) {
    if (sink->out_of_memory)
        return;
    if (sink->file == NULL)
        append(sink, text, size);
    else if (!sink->compressed)
        put(sink, text, size);
    else
        compress_text(sink, text, size, Z_NO_FLUSH);
}

void score_sink_print(score_text_sink *sink, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0)
        score_sink_write(sink, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static void escape(score_text_sink *sink, const char *text, const char *special) {
    while (*text != '\0') {
        size_t plain = strcspn(text, special);
        score_sink_write(sink, text, plain);
        text += plain;
        if (*text != '\0')
            score_sink_print(sink, "&#%d;", *text++);
    }
}

/* A parser turns the end of a line \r\n into \n, and the end of a tag is never written bare. */
void score_sink_escape_text(score_text_sink *sink, const char *text) {
    escape(sink, text, "&<>\r");
}

/* In attributes a parser turns all white space into spaces. */
void score_sink_escape_attribute(score_text_sink *sink, const char *text) {
    escape(sink, text, "&<>\"\t\n\r");
}

void score_sink_number(score_text_sink *sink, double value) {
    char text[32];
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0) {
        sink->out_of_memory = true;
        return;
    }
    locale_t before = uselocale(plain);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    uselocale(before);
    freelocale(plain);
    score_sink_write(sink, text, strlen(text));
}

score_status score_sink_finish(score_text_sink *sink, score_error *error) {
    if (sink->compressed)
        compress_text(sink, "", 0, Z_FINISH);
    if (sink->file == NULL && sink->text == NULL)
        sink->out_of_memory = true;
    return sink->out_of_memory
               ? score_fail(error, SCORE_ERROR_MEMORY, "out of memory while writing")
               : SCORE_OK;
}

void score_sink_close(score_text_sink *sink) {
    if (sink->compressed)
        deflateEnd(&sink->zlib);
    free(sink->text);
    sink->text = NULL;
    sink->compressed = false;
}

/* The bytes of the character at `text`, or 0 if XML cannot hold it. */
static int character_size(const unsigned char *text) {
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (text[0] < 0x80)
        return text[0] >= 0x20 || strchr("\t\n\r", text[0]) != NULL;
    int size = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    uint32_t character = text[0] & (0x7fu >> size);
    for (int k = 1; k < size; k++) {
        if ((text[k] & 0xc0) != 0x80) /* a final zero too */
            return 0;
        character = character << 6 | (text[k] & 0x3f);
    }
    bool good = character >= LEAST[size] && character <= 0x10ffff &&
                !(character >= 0xd800 && character <= 0xdfff) && character != 0xfffe &&
                character != 0xffff;
    return good ? size : 0;
}

bool score_is_xml_text(const char *text) {
    int size;
    for (; *text != '\0'; text += size)
        if ((size = character_size((const unsigned char *)text)) == 0)
            return false;
    return true;
}

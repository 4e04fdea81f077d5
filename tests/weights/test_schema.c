/* The schema that ships with the library accepts what the writer writes, and refuses what it can
 * know to be wrong. */
#include "temporary_folder.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>

#include "bad_documents.h"
#include "model/noise_schedule.h"

static void ignore(void *context, const char *message, ...) {
    (void)context, (void)message;
}

static xmlRelaxNGPtr schema;

static int load_schema(void **state) {
    xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(SCHEMA);
    schema = xmlRelaxNGParse(parser);
    xmlRelaxNGFreeParserCtxt(parser);
    return schema == NULL ? -1 : enter_folder(state);
}

static int free_schema(void **state) {
    xmlRelaxNGFree(schema);
    return leave_folder(state);
}

/* 1 valid, 0 not valid, -1 not XML */
static int validate(const char *text) {
    xmlDocPtr document = xmlReadMemory(text, (int)strlen(text), "memory", NULL,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (document == NULL)
        return -1;
    xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt(schema);
    xmlRelaxNGSetValidErrors(context, ignore, ignore, NULL);
    int result = xmlRelaxNGValidateDoc(context, document) == 0;
    xmlRelaxNGFreeValidCtxt(context);
    xmlFreeDoc(document);
    return result;
}

static void what_the_writer_writes_is_valid(void **state) {
    (void)state;
    for (int kind = 0; kind < SAMPLE_COUNT; kind++) {
        char *text = make_document((sample_model)kind);
        if (validate(text) != 1)
            fail_msg("sample %d is not valid", kind);
        free(text);
    }
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++) {
        score_model *model = make_sample_of_schedule(score_noise_schedule_usual(kind));
        char *text;
        size_t size;
        assert_int_equal(score_model_write_memory(model, &text, &size, NULL), SCORE_OK);
        if (validate(text) != 1)
            fail_msg("a model of schedule %s is not valid", score_noise_schedule_word(kind));
        score_free(text);
        score_model_destroy(model);
    }
}

static void bad_documents_are_not_valid(void **state) {
    (void)state;
    for (int k = 0; k < BAD_DOCUMENT_COUNT; k++) {
        long line;
        char *text = make_bad_document(&BAD_DOCUMENTS[k], &line);
        int refused = validate(text) != 1;
        if (refused != BAD_DOCUMENTS[k].schema)
            fail_msg("'%s' is %s by the schema", BAD_DOCUMENTS[k].name,
                     refused ? "refused" : "accepted");
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_writer_writes_is_valid),
        cmocka_unit_test(bad_documents_are_not_valid),
    };
    int failures = cmocka_run_group_tests(tests, load_schema, free_schema);
    xmlCleanupParser();
    return failures;
}

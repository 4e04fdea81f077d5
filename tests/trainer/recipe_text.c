#include "recipe_text.h"

#include "temporary_folder.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <string.h>

const char *const GOOD_RECIPE =
    "<?xml version=\"1.0\"?>\n"
    "<!-- line 2 -->\n"
    "<ScoreRecipe version=\"1\" seed=\"7\">\n"
    "  <Note name=\"data\">made up</Note>\n"
    "  <Data file=\"frames.npy\" unit=\"angstrom\"/>\n"
    "  <Model temperatureK=\"300\">\n"
    "    <Diffusion betaMin=\"0.2\" betaMax=\"10\"/>\n"
    "    <Bead name=\"C\" residue=\"ACE\" mass=\"12.011\"/>\n"
    "    <Bead name=\"N\" residue=\"ALA\" residueIndex=\"1\" mass=\"14.007\"/>\n"
    "    <Expert architecture=\"graph-transformer\" hidden=\"96\" layers=\"2\"/>\n"
    "  </Model>\n"
    "  <Training>\n"
    "    <Stage samples=\"2e7\" batch=\"128\">\n"
    "      <AdamW rate=\"1e-3\"/>\n"
    "      <DenoisingScoreMatching/>\n"
    "    </Stage>\n"
    "  </Training>\n"
    "</ScoreRecipe>\n";

void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

int enter_recipe_folder(void **state) {
    if (enter_folder(state) != 0)
        return -1;
    write_text("frames.npy", "");
    return 0;
}

char *edited(const char *old, const char *new) {
    const char *at = strstr(GOOD_RECIPE, old);
    assert_non_null(at);
    size_t size = strlen(GOOD_RECIPE) + strlen(new) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(at - GOOD_RECIPE), GOOD_RECIPE, new, at + strlen(old));
    return text;
}

score_status read_text(const char *text, score_recipe **recipe, score_error *error) {
    write_text("recipe.xml", text);
    memset(error, 0, sizeof *error);
    return score_recipe_read("recipe.xml", recipe, error);
}

score_recipe *read_edited(const char *old, const char *new) {
    score_recipe *recipe = NULL;
    score_error error;
    char *text = edited(old, new);
    score_status status = read_text(text, &recipe, &error);
    free(text);
    if (status != SCORE_OK)
        fail_msg("%s", error.message);
    return recipe;
}

#if LIBXML_VERSION >= 21200
static void ignore_message(void *context, const xmlError *error) {
#else
static void ignore_message(void *context, xmlError *error) {
#endif
    (void)context;
    (void)error;
}

bool schema_accepts(const char *text) {
    xmlRelaxNGParserCtxt *parser = xmlRelaxNGNewParserCtxt(SCORE_RECIPE_SCHEMA);
    xmlRelaxNG *schema = xmlRelaxNGParse(parser);
    assert_non_null(schema);
    xmlRelaxNGValidCtxt *context = xmlRelaxNGNewValidCtxt(schema);
    xmlRelaxNGSetValidStructuredErrors(context, ignore_message, NULL);
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), "recipe.xml", NULL, XML_PARSE_NONET);
    assert_non_null(document);
    int result = xmlRelaxNGValidateDoc(context, document);
    assert_true(result >= 0);
    xmlFreeDoc(document);
    xmlRelaxNGFreeValidCtxt(context);
    xmlRelaxNGFree(schema);
    xmlRelaxNGFreeParserCtxt(parser);
    return result == 0;
}

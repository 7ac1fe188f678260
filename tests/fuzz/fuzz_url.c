/* A URL is read or refused: as a whole, within the ranges, and without its password in a message.
 *
 * The input is read as it is, and once more with a secret where its first line ends. */
#include <cairn/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_url: line %d: %s\n", line, condition);
    abort();
}

static char *copy(const void *bytes, size_t size)
{
    char *text = malloc(size + 1);
    REQUIRE(text != NULL);
    if (size) memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

static bool same_bytes(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* What the options say does not depend on the URL's memory. */
static void check_texts(const cairn_options_t *options)
{
    const char *const texts[] = {
        options->scheme,           options->host,        options->path,  options->username,
        options->password,         options->client_name, options->hosts, options->sentinel_service,
        options->sentinel_password};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        REQUIRE(texts[i] == NULL || strlen(texts[i]) < CAIRN_URL_MAX);
}

static void read_url(const char *url, cairn_error_t *error)
{
    static cairn_options_t options, before;
    cairn_options_init(&options);
    int rc = cairn_options_from_url(&options, "redis://u:p@h:1/2?client_name=kept", error);
    REQUIRE(rc == 0);
    memcpy(&before, &options, sizeof options);
    memset(error, 0x7f, sizeof *error);

    char *mortal = copy(url, strlen(url));
    rc = cairn_options_from_url(&options, mortal, error);
    free(mortal);
    if (rc == 0) {
        error->text[0] = '\0';
        check_texts(&options);
        REQUIRE(options.client_name != NULL);
        REQUIRE(cairn_options_check(&options, NULL) == 0);
        return;
    }
    REQUIRE(rc == CAIRN_EURL || rc == CAIRN_ESCHEME || rc == CAIRN_EOPTION);
    REQUIRE(error->code == rc);
    REQUIRE(memchr(error->text, '\0', sizeof error->text) != NULL);
    REQUIRE(error->text[0] != '\0');
    REQUIRE(is_printable(error->text));
    REQUIRE(same_bytes(&before, &options, sizeof options));
}

static char *append(char *at, const char *text)
{
    while (*text) *at++ = *text++;
    return at;
}

/* With an '@' behind it, what comes after the scheme may be user information. */
static void read_with_secret(const char *head, const char *tail, const char *secret)
{
    cairn_error_t error;
    if (!strstr(head, "://") || !strchr(tail, '@')) return;
    if (strstr(head, secret) || strstr(tail, secret)) return;

    char *url = malloc(strlen(head) + strlen(secret) + strlen(tail) + 1);
    REQUIRE(url != NULL);
    *append(append(append(url, head), secret), tail) = '\0';
    read_url(url, &error);
    REQUIRE(strstr(error.text, secret) == NULL);
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cairn_error_t error;
    char *url = copy(data, size);
    read_url(url, &error);

    char *end = strchr(url, '\n');
    if (end) {
        *end = '\0';
        read_with_secret(url, end + 1, "sw0rdfish");
        read_with_secret(url, end + 1, "90417");
    }
    free(url);
    return 0;
}

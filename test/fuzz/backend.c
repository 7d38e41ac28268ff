/*
 * backend.c
 *		As much of a server as the types need, for fuzzing without one.
 */
#include "backend.h"

#include <setjmp.h>

#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

#undef malloc
#undef free

typedef struct Block
{
	struct Block *next;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} Block;

static Block *blocks;
static jmp_buf raised;
static int	sqlstate;

void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

void *
palloc(Size size)
{
	Block	   *block = malloc(offsetof(Block, data) + size);

	block->next = blocks;
	blocks = block;
	return block->data;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

/* What is freed early is freed at the end. */
void
pfree(void *pointer)
{
}

void
free_all(void)
{
	while (blocks != NULL)
	{
		Block	   *block = blocks;

		blocks = block->next;
		free(block);
	}
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

bool
errstart(int elevel, const char *domain)
{
	must(elevel == ERROR, "only errors are raised");
	sqlstate = 0;
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int code)
{
	sqlstate = code;
	return 0;
}

/* Messages are made, for their arguments may be wrong. */
static int
message(const char *format, va_list arguments)
{
	char		text[8192];

	must(vsnprintf(text, sizeof(text), format, arguments) >= 0, "a message can be made");
	return 0;
}

#define MESSAGE(name) \
int \
name(const char *format,...) \
{ \
	va_list		arguments; \
	int			result; \
\
	va_start(arguments, format); \
	result = message(format, arguments); \
	va_end(arguments); \
	return result; \
}

MESSAGE(errmsg)
MESSAGE(errdetail)
MESSAGE(errhint)

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	must(sqlstate == ERRCODE_INVALID_TEXT_REPRESENTATION ||
		 sqlstate == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE ||
		 sqlstate == ERRCODE_INVALID_BINARY_REPRESENTATION ||
		 sqlstate == ERRCODE_PROTOCOL_VIOLATION, "an error says that the input is wrong");
	longjmp(raised, 1);
}

/* from 16 on, where an error may be soft; here none is */
#if PG_VERSION_NUM >= 160000
bool
errsave_start(struct Node *context, const char *domain)
{
	return errstart(ERROR, domain);
}

void
errsave_finish(struct Node *context, const char *filename, int lineno, const char *funcname)
{
	errfinish(filename, lineno, funcname);
}
#endif

/* The network's representation, as pqformat.c reads and writes it. */
static void
get_bytes(StringInfo message, void *to, int n)
{
	if (message->len - message->cursor < n)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("insufficient data left in message")));
	memcpy(to, message->data + message->cursor, n);
	message->cursor += n;
}

unsigned int
pq_getmsgint(StringInfo message, int n)
{
	uint32		value;

	must(n == sizeof(value), "an int has four bytes");
	get_bytes(message, &value, sizeof(value));
	return pg_ntoh32(value);
}

int64
pq_getmsgint64(StringInfo message)
{
	uint64		value;

	get_bytes(message, &value, sizeof(value));
	return pg_ntoh64(value);
}

void
initStringInfo(StringInfo string)
{
	string->maxlen = 64 * 1024;
	string->data = palloc(string->maxlen);
	string->len = 0;
	string->cursor = 0;
}

void
enlargeStringInfo(StringInfo string, int needed)
{
	must(string->len + needed < string->maxlen, "a binary form is small");
}

void
pq_begintypsend(StringInfo string)
{
	initStringInfo(string);
	string->len = VARHDRSZ;
}

bytea *
pq_endtypsend(StringInfo string)
{
	SET_VARSIZE(string->data, string->len);
	return (bytea *) string->data;
}

bool
call(PGFunction function, Datum argument, Datum *result)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = argument;
	fcinfo->args[0].isnull = false;
	if (setjmp(raised) != 0)
		return false;
	*result = function(fcinfo);
	return true;
}

/*
 * type.c
 *		Fuzzes a type's text or binary form; compiled once for each.
 *
 * TYPE is the type's name. BINARY: the input is what a client sends, otherwise
 * it is a text. What is accepted is one value: its canonical text, and its
 * binary form, lead back to it.
 */
#include "backend.h"

#define NAME_(type, function) type##_##function
#define NAME(type, function) NAME_(type, function)

extern Datum NAME(TYPE, in) (PG_FUNCTION_ARGS);
extern Datum NAME(TYPE, out) (PG_FUNCTION_ARGS);
extern Datum NAME(TYPE, recv) (PG_FUNCTION_ARGS);
extern Datum NAME(TYPE, send) (PG_FUNCTION_ARGS);

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static char *
text_of(Datum value)
{
	Datum		text;

	must(call(NAME(TYPE, out), value, &text), "a value has a text");
	return DatumGetCString(text);
}

/* Bytes with a zero after them, in memory of just that size. */
static char *
ended(const void *bytes, size_t size)
{
	char	   *copy = palloc(size + 1);

	memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

static bool
from_text(char *text, Datum *value)
{
	return call(NAME(TYPE, in), CStringGetDatum(text), value);
}

static bool
from_bytes(const void *bytes, int size, Datum *value)
{
	StringInfoData message = {.data = ended(bytes, size),.len = size,.maxlen = size + 1};

	return call(NAME(TYPE, recv), PointerGetDatum(&message), value) &&
		message.cursor == message.len;
}

static void
check_value(Datum value)
{
	char	   *text = text_of(value);
	Datum		again;
	Datum		sent;

	must(from_text(text, &again), "a value's text is read");
	must(strcmp(text_of(again), text) == 0, "and leads back to it");
	must(call(NAME(TYPE, send), value, &sent), "a value is sent");
	must(from_bytes(VARDATA(DatumGetPointer(sent)), VARSIZE(DatumGetPointer(sent)) - VARHDRSZ, &again),
		 "what is sent is received");
	must(strcmp(text_of(again), text) == 0, "and leads back to it, too");
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	Datum		value;

#ifdef BINARY
	if (from_bytes(data, size, &value))
#else
	if (from_text(ended(data, size), &value))
#endif
		check_value(value);
	free_all();
	return 0;
}

/*
 * call_record.c
 *		A row of a call table, mapped: what the record says.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "call_record.h"
#include "compat.h"
#include "increment.h"
#include "phone.h"

#define MAX_TEXT 65536			/* bytes; of longer ones there is no room for several */

static void
append_number(StringInfo buffer, char kind, int64 number)
{
	enlargeStringInfo(buffer, sizeof(char) + sizeof(int64));
	pq_writeint8(buffer, kind);
	pq_writeint64(buffer, number);
}

static void
append_text(StringInfo buffer, const char *text)
{
	Size		size = text == NULL ? 0 : strlen(text) + 1;

	if (size > MAX_TEXT)
	{
		append_number(buffer, 'l', hash_bytes_extended((const unsigned char *) text, size, 0));
		return;
	}
	enlargeStringInfo(buffer, sizeof(char) + size);
	pq_writeint8(buffer, text == NULL ? '-' : 't');
	if (text != NULL)
		memcpy(buffer->data + buffer->len, text, size);
	buffer->len += size;
}

/* A number in whatever notation; what is none stands for itself. */
static void
append_party(StringInfo buffer, const Party *party)
{
	if (party->number == 0)
		append_text(buffer, party->text);
	else
		append_number(buffer, 'n', party->number);
}

/* What a text, or NULL, says of a party. */
Party
party_of(char *text)
{
	Party		party = {.text = text};

	if (text == NULL || !phone_parse(text, strlen(text), &party.number))
		party.number = 0;
	return party;
}

/* Sets the length, which may be none and is kept. */
void
record_lasts(CallRecord *record, Numeric seconds)
{
	record->seconds = seconds;
	if (!seconds_round_up(seconds, &record->whole_seconds))
		record->whole_seconds = -1;
}

/* The same of a length that is known to have no fraction. */
void
record_lasts_whole(CallRecord *record, int64 seconds)
{
	record->seconds = int64_to_numeric(seconds);
	record->is_whole = seconds >= 0;
	record->whole_seconds = record->is_whole ? seconds : -1;
}

/* As numeric_normalize() writes a length. */
static void
append_length(StringInfo buffer, const CallRecord *record)
{
	char		digits[MAXINT8LEN + 1];

	if (record->is_whole)
	{
		pg_lltoa(record->whole_seconds, digits);
		append_text(buffer, digits);
	}
	else
		append_text(buffer, record->seconds ? numeric_normalize(record->seconds) : NULL);
}

/*
 * A hash of all that a record says of its call. Tells apart records that say
 * different things under one id, and finds the exception of a record.
 */
int64
record_content(const CallRecord *record)
{
	StringInfoData buffer;
	int64		hash;

	if (record->hashed)
		return record->content;
	initStringInfo(&buffer);
	pq_sendint64(&buffer, record->has_start ? record->started_at : DT_NOBEGIN);
	append_text(&buffer, record->call_id);
	append_text(&buffer, record->direction);
	append_length(&buffer, record);
	append_party(&buffer, &record->caller);
	append_party(&buffer, &record->callee);
	hash = (int64) hash_bytes_extended((unsigned char *) buffer.data, buffer.len, 0);
	pfree(buffer.data);
	return hash;
}

/* False when the record does nothing: it is not finished, or of 0 seconds. */
bool
record_is_a_call(const CallRecord *record)
{
	return record->finished && record->seconds != NULL && record->whole_seconds != 0;
}

/* Whether billing would do anything about a record. */
bool
record_matters(const CallRecord *record)
{
	return record->problem != NULL || record_is_a_call(record);
}

/*
 * call_record.c
 *		A row of a call table, mapped: what the record says.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

#include "call_record.h"
#include "compat.h"
#include "increment.h"
#include "phone.h"

#define MAX_TEXT 65536			/* bytes; of longer ones there is no room for several */

static void
append_text(StringInfo buffer, const char *text)
{
	Size		size = text == NULL ? 0 : strlen(text) + 1;

	pq_sendbyte(buffer, text == NULL ? '-' : size > MAX_TEXT ? 'l' : 't');
	if (size > MAX_TEXT)
		pq_sendint64(buffer, hash_bytes_extended((const unsigned char *) text, size, 0));
	else if (text != NULL)
		pq_sendbytes(buffer, text, size);
}

/* A number in whatever notation; what is none stands for itself. */
static void
append_party(StringInfo buffer, const Party *party)
{
	if (party->number == 0)
	{
		append_text(buffer, party->text);
		return;
	}
	pq_sendbyte(buffer, 'n');
	pq_sendint64(buffer, party->number);
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
	append_text(&buffer, record->seconds ? numeric_normalize(record->seconds) : NULL);
	append_party(&buffer, &record->caller);
	append_party(&buffer, &record->callee);
	hash = (int64) hash_bytes_extended((unsigned char *) buffer.data, buffer.len, 0);
	pfree(buffer.data);
	return hash;
}

/*
 * False when the record does nothing: it is not finished, or of 0 seconds.
 * The length is rounded up to whole seconds; -1 stands for one that is none.
 */
bool
record_is_a_call(const CallRecord *record, int64 *whole_seconds)
{
	if (!record->finished || record->seconds == NULL)
		return false;
	if (!seconds_round_up(record->seconds, whole_seconds))
		*whole_seconds = -1;
	return *whole_seconds != 0;
}

/* Whether billing would do anything about a record. */
bool
record_matters(const CallRecord *record)
{
	int64		whole_seconds;

	return record->problem != NULL || record_is_a_call(record, &whole_seconds);
}

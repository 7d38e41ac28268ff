/*
 * call_record.c
 *		A row of a call table, mapped: what the record says.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "call_record.h"
#include "compat.h"
#include "increment.h"
#include "phone.h"
#include "put.h"

#define MAX_TEXT 65536			/* bytes; of longer ones there is no room for several */
#define KEPT_LENGTHS 3600		/* from 0 seconds */

static char *
put_number(char *at, char kind, int64 number)
{
	*at++ = kind;
	return put_int64(at, number);
}

/* With its end, so that no two texts in a row say the same as others. */
static char *
put_text(char *at, const char *text)
{
	Size		size = text == NULL ? 0 : strlen(text) + 1;

	if (size > MAX_TEXT)
		return put_number(at, 'l', hash_bytes_extended((const unsigned char *) text, size, 0));
	*at++ = text == NULL ? '-' : 't';
	return size > 0 ? put(at, text, size) : at;
}

/* A number in whatever notation; what is none stands for itself. */
static char *
put_party(char *at, const Party *party)
{
	return party->number == 0 ? put_text(at, party->text) : put_number(at, 'n', party->number);
}

/* The room that a text needs at most, by itself or as a number. */
static Size
room_for(const char *text)
{
	return 1 + Max(sizeof(int64), text == NULL ? 0 : Min(strlen(text) + 1, MAX_TEXT));
}

static Size
room_for_party(const Party *party)
{
	return room_for(party->number == 0 ? party->text : NULL);
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

/* Lengths recur: of an hour's, each is made once a session. */
static Numeric
length_of(int64 seconds)
{
	static Numeric kept[KEPT_LENGTHS];
	MemoryContext old;

	if (seconds < 0 || seconds >= KEPT_LENGTHS)
		return int64_to_numeric(seconds);
	if (kept[seconds] == NULL)
	{
		old = MemoryContextSwitchTo(TopMemoryContext);
		kept[seconds] = int64_to_numeric(seconds);
		MemoryContextSwitchTo(old);
	}
	return kept[seconds];
}

/* The same of a length that is known to have no fraction. */
void
record_lasts_whole(CallRecord *record, int64 seconds)
{
	record->seconds = length_of(seconds);
	record->is_whole = seconds >= 0;
	record->whole_seconds = record->is_whole ? seconds : -1;
}

/* As numeric_normalize() writes a length; into digits what is whole. */
static char *
length_text(const CallRecord *record, char *digits)
{
	if (!record->is_whole)
		return record->seconds ? numeric_normalize(record->seconds) : NULL;
	pg_lltoa(record->whole_seconds, digits);
	return digits;
}

/*
 * A hash of all that a record says of its call. Tells apart records that say
 * different things under one id, and finds the exception of a record.
 */
int64
record_content(const CallRecord *record)
{
	char		digits[MAXINT8LEN + 1];
	const char *length;
	char		usual[512];		/* room for most */
	Size		room;
	char	   *begin;
	char	   *at;
	int64		hash;

	if (record->hashed)
		return record->content;
	length = length_text(record, digits);
	room = sizeof(int64) + room_for(record->call_id) + room_for(record->direction) + room_for(length) +
		room_for_party(&record->caller) + room_for_party(&record->callee);
	begin = room <= sizeof(usual) ? usual : palloc(room);
	at = put_int64(begin, record->has_start ? record->started_at : DT_NOBEGIN);
	at = put_text(at, record->call_id);
	at = put_text(at, record->direction);
	at = put_text(at, length);
	at = put_party(at, &record->caller);
	at = put_party(at, &record->callee);
	hash = (int64) hash_bytes_extended((unsigned char *) begin, at - begin, 0);
	if (begin != usual)
		pfree(begin);
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

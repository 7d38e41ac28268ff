/*
 * words.h
 *		The words of the trade that several files share.
 *
 * Letters are those that the tables store.
 */
#ifndef CCC_WORDS_H
#define CCC_WORDS_H

typedef enum Direction
{
	ANY_DIRECTION = 0,
	OUTBOUND = 'o',
	INBOUND = 'i'
} Direction;

typedef enum Line
{
	LINE_LANDLINE,
	LINE_400
} Line;

typedef enum Owner
{
	OWNER_PLATFORM,
	OWNER_CUSTOMER
} Owner;

/* kinds of ledger entry */
typedef enum EntryKind
{
	ENTRY_CHARGE = 'c',
	ENTRY_SHORTFALL = 's',
	ENTRY_FREE = 'f',
	ENTRY_REPEAT = 'r',
	ENTRY_REPEAT_GONE = 'x'
} EntryKind;

/* reasons of exceptions; docs/exceptions.md says what each asks for */
#define FAULT_NOT_ATTACHED "not_attached"
#define FAULT_MAPPING_FAILED "mapping_failed"
#define FAULT_NO_CALL_ID "no_call_id"
#define FAULT_CALL_ID_TOO_LONG "call_id_too_long"
#define FAULT_NO_START "no_start"
#define FAULT_BAD_START "bad_start"
#define FAULT_BAD_LENGTH "bad_length"
#define FAULT_BAD_DIRECTION "bad_direction"
#define FAULT_UNKNOWN_NUMBER "unknown_number"
#define FAULT_NUMBER_SUSPENDED "number_suspended"
#define FAULT_CALL_REFUSED "call_refused"
#define FAULT_NO_RULE "no_rule"
#define FAULT_UNKNOWN_ACCOUNT "unknown_account"
#define FAULT_BAD_ACCOUNT_ZONE "bad_account_zone"
#define FAULT_GONE_UNSEEN "gone_unseen"
#define FAULT_CONFLICTING_REPEAT "conflicting_repeat"

#define MAX_CALL_ID 255			/* bytes */

#endif							/* CCC_WORDS_H */

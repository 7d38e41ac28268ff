/*
 * known_places.c
 *		Where a session found rows of accounts and packages last, so that it need
 *		not read an index to find them again.
 *
 * A place is only tried. Who finds a row there that is visible and has the key has
 * found the one that there is, for keys are unique. So nobody has to tell of rows
 * that move or go, nor of a table that is written anew: there is no such row then.
 * A page is looked for in the buffer that it was in, and nowhere else; what has
 * been cut off the end of the table is in no buffer.
 */
#include "postgres.h"

#include "utils/rel.h"

#include "compat.h"
#include "known_places.h"

#define MAX_KNOWN 8192			/* rows; one takes the place of another */

typedef struct KnownPlace
{
	int64		account_id;
	int32		number;
	Buffer		buffer;			/* of its page; InvalidBuffer: nothing is known */
	ItemPointerData tid;		/* as the index has it: where versions begin */
} KnownPlace;

static KnownPlace places[MAX_KNOWN];

/* Those of an account lie together. */
static KnownPlace *
place_of(PlaceKey key)
{
	return &places[((uint64) key.account_id * PLACES_OF_ACCOUNT + key.number) % MAX_KNOWN];
}

/* Where the row of a key may be: the page's buffer, pinned. False: nobody knows. */
bool
known_place_pin(Relation rel, PlaceKey key, ItemPointer tid, Buffer *buffer)
{
	const KnownPlace *place = place_of(key);

	if (!BufferIsValid(place->buffer) ||
		place->account_id != key.account_id || place->number != key.number ||
		!read_recent_buffer(rel, ItemPointerGetBlockNumber(&place->tid), place->buffer))
		return false;
	*tid = place->tid;
	*buffer = place->buffer;
	return true;
}

/* The row of a key was found by an index. */
void
known_place_keep(PlaceKey key, const ItemPointerData *tid, Buffer buffer)
{
	*place_of(key) = (KnownPlace) {key.account_id, key.number, buffer, *tid};
}

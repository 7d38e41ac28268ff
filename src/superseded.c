/*
 * superseded.c
 *		Rows that are gone before the statement that stored them is billed.
 *
 * A trigger of the user's may delete or change the very rows that a statement
 * is storing. That inner statement is billed first, and finds neither charge
 * nor exception of such rows: it leaves their contents here, and the outer
 * statement passes over as many rows that say the same. Where it found one,
 * that may have been of a row that the outer statement changed: it leaves
 * that here too, and when the outer statement then finds none, it passes
 * over a row instead.
 *
 * An entry serves only statements that had begun, and were not billed, when
 * the removing statement began: the command that a statement began with
 * tells. So no row is passed over that was stored later. Entries of a rolled
 * back subtransaction go with it, the others with the client's statement.
 *
 * What remains: a row that never was billed (stored before the table was
 * attached, say) is taken for one of the outer statement's, if an inner one
 * deletes it while the outer one stores a row that says the same. Inner
 * statements that no trigger runs, but a function in an expression of the
 * outer one, are not seen.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "grow.h"
#include "int64s.h"
#include "superseded.h"
#include "trigger_depth.h"

/* A row that a statement inside another removed. */
typedef struct Entry
{
	Oid			cdr;			/* what was attached */
	int64		content;
	bool		known;			/* it had a charge or an exception */
	CommandId	command;		/* that the removing statement began with */
	SubTransactionId subxact;
	int			taken;			/* of the first: how many of its like */
} Entry;

/*
 * In the order in which the removing statements were billed, so that those
 * inside another statement are the last ones when that is.
 */
static Entry *entries = NULL;
static int	nentries = 0;
static int	room = 0;
static TimestampTz client_statement;

/* How many rows of one content a statement removes, and how many were known. */
typedef struct Removal
{
	int64		content;		/* hash key */
	int64		rows;
	int64		known;			/* those that had a charge or an exception */
	int64		account_id;		/* at hand, with what it knew on either side */
	int64		outbound;
	int64		inbound;
} Removal;

struct Removals
{
	HTAB	   *by_content;
};

static void
end_transaction(XactEvent event, void *arg)
{
	/* the memory was the transaction's */
	entries = NULL;
	nentries = room = 0;
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subxact,
				   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (nentries > 0 && entries[nentries - 1].subxact == subxact)
			nentries--;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (int i = nentries; i > 0 && entries[i - 1].subxact == subxact; i--)
			entries[i - 1].subxact = parent;
}

/* The command that the statement whose triggers are running began with. */
static CommandId
statement_command(void)
{
	return GetActiveSnapshot()->curcid;
}

static bool
in_a_trigger(void)
{
	/* our own trigger counts too */
	return trigger_depth() > 1;
}

static void
remember(Oid cdr, int64 content, bool known, CommandId command)
{
	static bool registered = false;
	Entry		entry = {
		.cdr = cdr,
		.content = content,
		.known = known,
		.command = command,
		.subxact = GetCurrentSubTransactionId()
	};

	if (!registered)
	{
		RegisterXactCallback(end_transaction, NULL);
		RegisterSubXactCallback(end_subtransaction, NULL);
		registered = true;
	}
	entries = grow(TopTransactionContext, entries, nentries, &room, sizeof(Entry));
	entries[nentries++] = entry;
}

static int
compare_kinds(const Entry *a, const Entry *b)
{
	if (a->content != b->content)
		return compare_int64(&a->content, &b->content);
	if (a->known != b->known)
		return (int) a->known - (int) b->known;
	return a->cdr < b->cdr ? -1 : a->cdr > b->cdr;
}

/* Of each kind the latest commands come first. */
static int
compare_entries(const void *a, const void *b)
{
	CommandId	x = ((const Entry *) a)->command;
	CommandId	y = ((const Entry *) b)->command;
	int			result = compare_kinds(a, b);

	return result != 0 ? result : (x < y) - (x > y);
}

/*
 * What statements inside the present one left. Those of other parts of the
 * same query (a MERGE, for instance) lie among it, but began no later.
 */
Inside
inside_begin(void)
{
	Inside		inside = {0};

	if (client_statement != GetCurrentStatementStartTimestamp())
	{
		client_statement = GetCurrentStatementStartTimestamp();
		nentries = 0;
	}
	inside.first = inside.end = nentries;
	while (inside.first > 0 && entries[inside.first - 1].command >= statement_command())
	{
		inside.first--;
		inside.known |= entries[inside.first].known;
	}
	if (inside.end - inside.first > 1)
		qsort(&entries[inside.first], inside.end - inside.first, sizeof(Entry), compare_entries);
	return inside;
}

/* The first entry of a kind, or where it would be. */
static int
find(const Inside *inside, const Entry *wanted)
{
	int			first = inside->first;
	int			end = inside->end;

	while (first < end)
	{
		int			middle = first + (end - first) / 2;

		if (compare_kinds(&entries[middle], wanted) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

/* Takes an entry of a kind, each once; NULL: there is none any more. */
static const Entry *
take(const Inside *inside, Oid cdr, int64 content, bool known)
{
	Entry		wanted = {.cdr = cdr,.content = content,.known = known};
	int			like = find(inside, &wanted);
	int			next;

	if (like == inside->end)
		return NULL;
	next = like + entries[like].taken;
	if (next >= inside->end || compare_kinds(&entries[next], &wanted) != 0 ||
		entries[next].command == statement_command())
		return NULL;
	entries[like].taken++;
	return &entries[next];
}

/* One that was known, of whatever table: a charge is that of all alike records. */
static const Entry *
take_known(const Inside *inside, Oid cdr, int64 content)
{
	const Entry *entry = take(inside, cdr, content, true);
	Entry		wanted = {.content = content,.known = true};

	for (int i = find(inside, &wanted);
		 entry == NULL && i < inside->end && entries[i].content == content && entries[i].known; i++)
		entry = take(inside, entries[i].cdr, content, true);
	return entry;
}

/* Whether anything was removed. */
bool
inside_any(const Inside *inside)
{
	return inside->first < inside->end;
}

/*
 * Whether a row that the present statement stored is gone already. Of one that
 * it did not change for us the charge may have been found and taken back.
 */
bool
inside_take(const Inside *inside, Oid cdr, const CallRecord *record, bool known_too)
{
	int64		content;

	if (!record_matters(record))
		return false;
	content = record_content(record);
	return take(inside, cdr, content, false) != NULL ||
		(known_too && take(inside, cdr, content, true) != NULL);
}

/* Nothing is taken yet. */
void
inside_again(const Inside *inside)
{
	for (int i = inside->first; i < inside->end; i++)
		entries[i].taken = 0;
}

/* For a second look at the same rows: nothing is taken yet. Gives what was. */
int *
inside_set_aside(const Inside *inside)
{
	int		   *taken = palloc_array(int, inside->end - inside->first);

	for (int i = inside->first; i < inside->end; i++)
		taken[i - inside->first] = entries[i].taken;
	inside_again(inside);
	return taken;
}

/* After it everything is as it was. */
void
inside_put_back(const Inside *inside, int *taken)
{
	for (int i = inside->first; i < inside->end; i++)
		entries[i].taken = taken[i - inside->first];
	pfree(taken);
}

/* Leaves what was not taken to the statements further out. */
void
inside_end(const Inside *inside)
{
	int			kept = inside->first;

	for (int i = inside->first; i < nentries; i++)
	{
		if (entries[i].taken > 0)
			i += entries[i].taken - 1;
		else
			entries[kept++] = entries[i];
	}
	nentries = kept;
}

/* NULL where no other statement's rows, nor the own, can be concerned. */
Removals *
removals_begin(const Inside *inside)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(Removal),.hcxt = CurrentMemoryContext};
	Removals   *removals;

	if (!inside->known && !in_a_trigger())
		return NULL;
	removals = palloc_object(Removals);
	removals->by_content = hash_create("ccc removals", 64, &control,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return removals;
}

/* A row is gone. */
void
removals_add(Removals *removals, const CallRecord *record)
{
	int64		content;
	Removal    *removal;
	bool		found;

	if (!record_matters(record))
		return;
	content = record_content(record);
	removal = hash_search(removals->by_content, &content, HASH_ENTER, &found);
	if (!found)
	{
		memset(removal, 0, sizeof(Removal));
		removal->content = content;
	}
	removal->rows++;
}

/*
 * An account knew of one more row of the content, on a side. Accounts come
 * one after the other; rows that say the same stand for each other.
 */
void
removals_found(Removals *removals, int64 content, int64 account_id,
			   Direction direction)
{
	Removal    *removal = hash_search(removals->by_content, &content, HASH_FIND, NULL);
	int64	   *side;

	if (removal == NULL)
		return;
	if (removal->account_id != account_id)
	{
		removal->account_id = account_id;
		removal->outbound = removal->inbound = 0;
	}
	side = direction == INBOUND ? &removal->inbound : &removal->outbound;
	(*side)++;
	removal->known = Max(removal->known, *side);
}

/* So many rows had exceptions: of neither side, or of one or both. */
void
removals_found_exceptions(Removals *removals, const RowExceptions *gone)
{
	for (int i = 0; i < gone->n;)
	{
		int64		content = gone->items[i].content;
		Removal    *removal = hash_search(removals->by_content, &content, HASH_FIND, NULL);
		int64		of_neither = 0;
		int64		of_sides = 0;

		for (; i < gone->n && gone->items[i].content == content; i++)
			if (gone->items[i].direction == ANY_DIRECTION)
				of_neither += gone->items[i].n;
			else
				of_sides = Max(of_sides, gone->items[i].n);
		if (removal != NULL)
			removal->known = Max(removal->known, of_neither + of_sides);
	}
}

/*
 * What is removed is left to the statements further out. Where nothing was
 * known of a row, an inner statement may have taken its charge for that of
 * another row: then that one is left as not known, to the present statement
 * too, and the charge was this row's.
 */
static void
leave(const Removal *removal, Oid cdr, const Inside *inside, bool nested)
{
	for (int64 i = 0; i < removal->rows; i++)
	{
		bool		known = i < removal->known;
		const Entry *other = known ? NULL : take_known(inside, cdr, removal->content);

		if (other != NULL)
			remember(other->cdr, removal->content, false, other->command);
		if (nested)
			remember(cdr, removal->content, known || other != NULL, statement_command());
	}
}

void
removals_end(Removals *removals, Oid cdr, const Inside *inside)
{
	HASH_SEQ_STATUS scan;
	Removal    *removal;
	bool		nested = in_a_trigger();

	hash_seq_init(&scan, removals->by_content);
	while ((removal = hash_seq_search(&scan)) != NULL)
		leave(removal, cdr, inside, nested);
	hash_destroy(removals->by_content);
}

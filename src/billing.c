/*
 * billing.c
 *		What came to a call table and what went, billed.
 *
 * Rows become records, records become rated calls, rated calls are posted;
 * what cannot be is an exception. An update is its old rows gone and its new
 * ones stored. All of it is the invoker's: only rating and posting run as the
 * ledger's owner.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "billing.h"
#include "compat.h"
#include "exceptions.h"
#include "posting.h"
#include "rights.h"
#include "row_exceptions.h"
#include "superseded.h"

/* Records mapped and rated at a time, at most. Few stay in a processor's cache. */
#define RUN 1000
#define SHORT_RUN 200

/* A statement's records, billed. */
typedef struct Billing
{
	Relation	cdr;
	Rights		rights;
	const Source *source;
	Intake	   *gone;			/* NULL: no rows were updated or deleted */
	Intake	   *stored;			/* NULL: no rows were inserted or updated */
	Faults		faults;
	Faults		gone_faults;	/* rows gone whose charges cannot be found */
	Posting    *posting;
	Numbers    *numbers;		/* known so far */
	const TimestampTz *backfill_since;	/* NULL: no backfill */
	bool		has_exceptions;	/* some may be of the rows */
	Inside		inside;			/* what the user's triggers removed meanwhile */
	Removals   *removals;		/* told what is known of rows gone, or NULL */
	bool		post_gone;
	bool		post_stored;
	bool		posts_again;	/* rows stored, or more of them, are posted later */
	OpenExceptions open;		/* of rows gone, or of rows backfilled */
} Billing;

static bool
same_record(const CallRecord *a, const CallRecord *b)
{
	return a->finished == b->finished && (a->problem == NULL) == (b->problem == NULL) &&
		record_content(a) == record_content(b);
}

/* Leaves out what an update did not change for us. Rows come in pairs. */
static int
drop_unchanged(CallRecord *gone, CallRecord *stored, int n)
{
	int			kept = 0;

	for (int i = 0; i < n; i++)
	{
		if (same_record(&gone[i], &stored[i]))
			continue;
		gone[kept] = gone[i];
		stored[kept++] = stored[i];
	}
	return kept;
}

/* Leaves out what a backfill does not reach back to. */
static int
drop_earlier(CallRecord *records, int n, TimestampTz since)
{
	int			kept = 0;

	for (int i = 0; i < n; i++)
		if (!records[i].has_start || records[i].started_at >= since)
			records[kept++] = records[i];
	return kept;
}

/* Leaves out what is gone already, by a trigger of the statement's own. */
static int
drop_superseded(const Billing *billing, CallRecord *records, int n)
{
	int			kept = 0;

	for (int i = 0; i < n; i++)
		if (!inside_take(&billing->inside, billing->source->cdr, &records[i],
						 billing->backfill_since != NULL))
			records[kept++] = records[i];
	return kept;
}

/* Finds the exceptions, if there are any, that may no longer stand. */
static void
find_exceptions(Billing *billing, const CallRecord *records, int n)
{
	if (billing->has_exceptions && n > 0)
		open_exceptions_find(&billing->open, billing->source->cdr, records, n);
}

/*
 * How many records of a side are at hand, if it has any. Each has room of its
 * own. Runs are short unless they are dear by themselves: expressions are
 * prepared, or exceptions looked for, in each.
 */
static int
at_hand(const Billing *billing, Intake *intake)
{
	bool		dear;

	if (intake == NULL)
		return 0;
	dear = billing->has_exceptions || !intake_is_plain(intake);
	return intake_at_hand(intake, dear ? RUN : SHORT_RUN, work_mem * (Size) 1024 / 4);
}

/*
 * Accounts are locked once a statement: those of records that a later posting
 * of it takes, and of their exceptions, with those of this one.
 */
static void
concern(Billing *billing, const CallRecord *later, int n)
{
	Faults		not_now;
	OpenExceptions open;

	faults_init(&not_now);
	open_exceptions_init(&open);
	rights_as_owner(&billing->rights);
	if (billing->has_exceptions && billing->source->backfilling)
		open_exceptions_find(&open, billing->source->cdr, later, n);
	posting_concern_exceptions(billing->posting, &open);
	rate_records(later, n, billing->source, false, billing->numbers, &not_now,
				 posting_concern, billing->posting);
	rights_as_writer(&billing->rights);
}

/* What an update is to do for a backfill, unchanged rows and all. */
static void
concern_backfilled(Billing *billing, const CallRecord *stored, int n)
{
	CallRecord *later = palloc_array(CallRecord, n);

	memcpy(later, stored, n * sizeof(CallRecord));
	n = drop_earlier(later, n, billing->source->backfill_since);
	if (n > 0)
		concern(billing, later, n);
}

/*
 * One run of records, as many as there is room for: mapped as the writer, rated
 * as the owner. Of pairs both are taken. False when there were none.
 */
static bool
bill_run(Billing *billing)
{
	int			ngone = at_hand(billing, billing->gone);
	int			nstored = at_hand(billing, billing->stored);
	bool		paired = ngone > 0 && nstored > 0;
	CallRecord *gone = NULL;
	CallRecord *stored = NULL;

	if (ngone == 0 && nstored == 0)
		return false;
	/* a row that a trigger keeps from another partition has no pair */
	if (paired)
		ngone = nstored = Min(ngone, nstored);
	if (ngone > 0)
		gone = intake_take(billing->gone, ngone);
	if (nstored > 0)
		stored = intake_take(billing->stored, nstored);
	if (billing->posts_again && billing->source->backfilling && nstored > 0)
		concern_backfilled(billing, stored, nstored);
	if (paired)
		ngone = nstored = drop_unchanged(gone, stored, ngone);
	if (billing->posts_again && !billing->post_stored && nstored > 0)
		concern(billing, stored, nstored);
	if (!billing->post_gone)
		ngone = 0;
	if (!billing->post_stored)
		nstored = 0;
	if (nstored > 0 && inside_any(&billing->inside))
		nstored = drop_superseded(billing, stored, nstored);
	if (billing->backfill_since)
		nstored = drop_earlier(stored, nstored, *billing->backfill_since);
	if (billing->removals != NULL)
		for (int i = 0; i < ngone; i++)
			removals_add(billing->removals, &gone[i]);
	rights_as_owner(&billing->rights);

	/* whose numbers are is read after the exceptions: what was billed since is traced */
	if (billing->has_exceptions)
		numbers_forget(billing->numbers);
	find_exceptions(billing, gone, ngone);
	if (billing->backfill_since)
		find_exceptions(billing, stored, nstored);
	if (ngone > 0 && billing->source->attached)
		trace_records(gone, ngone, billing->source, billing->numbers,
					  &billing->gone_faults, posting_add, billing->posting);
	if (nstored > 0)
		rate_records(stored, nstored, billing->source,
					 billing->backfill_since != NULL, billing->numbers, &billing->faults,
					 posting_add, billing->posting);
	rights_as_writer(&billing->rights);
	return true;
}

static void
bill_runs(Billing *billing)
{
	MemoryContext run_context = AllocSetContextCreate(CurrentMemoryContext,
													  "ccc rating of a run",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(run_context);

	while (bill_run(billing))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(run_context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(run_context);
}

/* Leaves out what is gone and is known to have had no charge. */
static void
drop_seen(Billing *billing, RowExceptions *gone)
{
	Faults	   *faults = &billing->gone_faults;
	int			kept = 0;

	row_exceptions_begin(gone);
	for (int i = 0; i < faults->n; i++)
		if (!row_exceptions_take_unread(gone, faults->items[i].content))
			faults->items[kept++] = faults->items[i];
	faults->n = kept;
}

/* As the ledger's owner: what no longer stands first, then the charges. */
static void
post_all(Billing *billing)
{
	RowExceptions unbilled;

	rights_as_owner(&billing->rights);
	row_exceptions_read(&billing->open, billing->source, &unbilled);
	if (billing->post_gone)
	{
		row_exceptions_gone(&unbilled);
		drop_seen(billing, &unbilled);
	}
	posting_post(billing->posting, &unbilled, billing->removals);
	if (billing->removals != NULL)
	{
		removals_found_exceptions(billing->removals, &unbilled);
		removals_end(billing->removals, billing->source->cdr, &billing->inside);
	}
	if (billing->backfill_since)
		row_exceptions_backfilled(&unbilled, &billing->faults);
	if (billing->backfill_since && billing->faults.n > 0)
		exceptions_drop_billed(&billing->faults);
	rights_as_writer(&billing->rights);
}

/* What the rows come to; false when that is outdated by now. */
static bool
rate(Billing *billing)
{
	bool		locked;

	open_exceptions_init(&billing->open);
	billing->removals = billing->post_gone ? removals_begin(&billing->inside) : NULL;
	billing->posting = posting_begin(&billing->faults);
	billing->numbers = numbers_begin(billing->gone == NULL && billing->backfill_since == NULL);
	if (billing->gone != NULL)
		intake_rewind(billing->gone);
	if (billing->stored != NULL)
		intake_rewind(billing->stored);
	bill_runs(billing);
	if (billing->posts_again && billing->source->backfilling)
		posting_concern_faults(billing->posting);
	rights_as_owner(&billing->rights);
	locked = posting_lock(billing->posting, &billing->open);
	rights_as_writer(&billing->rights);
	return locked;
}

/* The rows gone, those stored, or both: what they come to, and its posting. */
static void
post(Billing *billing, bool gone, bool stored)
{
	int			nfaults = billing->faults.n;
	int			ngone_faults = billing->gone_faults.n;

	billing->post_gone = gone;
	billing->post_stored = stored;
	while (!rate(billing))
	{
		posting_drop(billing->posting);
		inside_again(&billing->inside);
		billing->faults.n = nfaults;
		billing->gone_faults.n = ngone_faults;
	}
	post_all(billing);
}

static void
begin_faults(Billing *billing)
{
	faults_init(&billing->faults);
	faults_init(&billing->gone_faults);
	if (billing->gone != NULL || billing->backfill_since != NULL)
	{
		rights_as_owner(&billing->rights);
		billing->has_exceptions = open_exceptions_any(billing->source->cdr);
		rights_as_writer(&billing->rights);
	}
}

static void
store_faults(Billing *billing)
{
	if (billing->stored != NULL)
		faults_store(&billing->faults, billing->source->cdr, billing->stored);
	if (billing->gone != NULL)
		faults_store(&billing->gone_faults, billing->source->cdr, billing->gone);
}

/* What a statement did, or what a backfill found. */
static void
bill_statement(Billing *billing)
{
	bool		gone = billing->gone != NULL;
	bool		updated = gone && billing->stored != NULL;

	begin_faults(billing);
	if (billing->backfill_since == NULL)
		billing->inside = inside_begin();
	billing->posts_again = updated && (billing->inside.known || billing->source->backfilling);
	if (updated && billing->inside.known)
	{
		/* what is found of the rows gone decides on those stored */
		post(billing, true, false);
		inside_end(&billing->inside);
		billing->inside = inside_begin();
		billing->posts_again = billing->source->backfilling;
		gone = false;
	}
	post(billing, gone, billing->stored != NULL);
	store_faults(billing);
}

/* An update may move rows to where a backfill has been: it does the backfill's work on them. */
static void
backfill_updated(Billing *billing)
{
	Intake	   *gone = billing->gone;
	int		   *taken;

	if (gone == NULL || billing->stored == NULL || !billing->source->backfilling)
		return;
	billing->gone = NULL;
	billing->posts_again = false;
	billing->backfill_since = &billing->source->backfill_since;
	begin_faults(billing);
	taken = inside_set_aside(&billing->inside);
	post(billing, false, true);
	inside_put_back(&billing->inside, taken);
	store_faults(billing);
	billing->gone = gone;
}

/*
 * A table that is not attached any more, a detached partition for instance,
 * may have its triggers still. What is stored there is told, until it is
 * deleted; changes are not, for the rows may have been billed before.
 */
static bool
concerned(const Source *source, bool gone, bool stored)
{
	if (!source->attached)
		return !gone || !stored;
	return stored || !source->keep_deleted;
}

/*
 * Bills rows that went and rows that came, as a statement's transition tables
 * hold them; either may be NULL. SPI must be connected. A backfill bills rows
 * that are there, from a start on, unless they are billed or told already.
 */
void
bill_rows(Relation cdr, Tuplestorestate *gone, Tuplestorestate *stored,
		  const Backfill *backfill)
{
	Billing		billing = {.cdr = cdr,.backfill_since = backfill ? &backfill->since : NULL};

	AcceptInvalidationMessages();
	if (backfill != NULL)
		rights_begin_for(&billing.rights, &backfill->caller);
	else
		rights_begin(&billing.rights);
	billing.source = backfill ? source_usable(cdr, &billing.rights) : source_get(cdr, &billing.rights);
	if (concerned(billing.source, gone != NULL, stored != NULL))
	{
		billing.gone = gone ? intake_begin(billing.source, cdr, gone) : NULL;
		billing.stored = stored ? intake_begin(billing.source, cdr, stored) : NULL;
		bill_statement(&billing);
		backfill_updated(&billing);
		inside_end(&billing.inside);
		if (gone != NULL)
			intake_end(billing.gone);
		if (stored != NULL)
			intake_end(billing.stored);
	}
}

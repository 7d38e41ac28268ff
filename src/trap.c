/*
 * trap.c
 *		Work that may fail for one record without failing the statement.
 *
 * The work runs in a subtransaction. What a record contains is caught; what
 * says nothing of the record (cancel, deadlock, serialization, lack of
 * resources, internal failures) passes through and ends the statement.
 * What a value depends on is pinned before, so that a failure to pin it is
 * none of the record's. Settings that the work changed are as before: what
 * runs next as the ledger's owner must not be led by them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "rights.h"
#include "trap.h"

/* What core raises where a value would be too long for memory, as an internal error. */
static bool
is_too_long(const ErrorData *error)
{
	return error->message_id != NULL &&
		strcmp(error->message_id, "invalid memory alloc request size %zu") == 0;
}

static bool
is_of_the_record(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_CONFIG_FILE_ERROR):
			return false;
		case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
			return is_too_long(error);
		default:
			return error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/*
 * NULL when the work is done, else the message of what failed. The settings
 * that name a locale are pinned only where asked for.
 */
char *
trap(TrappedWork work, void *argument, bool locale)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int			pinned = NewGUCNestLevel();
	char	   *volatile message = NULL;

	pin_values();
	if (locale)
		pin_locale();
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int			guc_level = NewGUCNestLevel();

		work(argument);
		AtEOXact_GUC(false, guc_level);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (!is_of_the_record(error))
			ReThrowError(error);
		message = error->message != NULL ? error->message : pstrdup("missing error text");
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	unpin_settings(pinned);
	return message;
}

/*
 * Runs work in a subtransaction, and in memory of its own. Where it gives
 * false it is as if it had not been, locks and all. Errors pass through.
 */
bool
attempt(AttemptedWork work, void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext work_context = AllocSetContextCreate(context, "ccc attempt",
													   ALLOCSET_DEFAULT_SIZES);
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(work_context);
	PG_TRY();
	{
		done = work(argument);
		if (done)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	MemoryContextDelete(work_context);
	CurrentResourceOwner = owner;
	return done;
}

/*
 * relation_news.c
 *		Who is told when something of a relation changes.
 *
 * Core has room for ten callbacks of all extensions in a session, and ends the
 * session that asks for more: ours are one.
 */
#include "postgres.h"

#include "utils/inval.h"

#include "relation_news.h"

#define MAX_TOLD 8

static RelationNews told[MAX_TOLD];
static int	ntold = 0;

static void
relation_changed(Datum argument, Oid relid)
{
	for (int i = 0; i < ntold; i++)
		told[i] (relid);
}

/* From now on, for the session; who asks again is told once all the same. */
void
relation_news_to(RelationNews news)
{
	for (int i = 0; i < ntold; i++)
		if (told[i] == news)
			return;
	if (ntold == MAX_TOLD)
		elog(ERROR, "too many are told of relations");
	if (ntold == 0)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	told[ntold++] = news;
}

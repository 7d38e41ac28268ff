/*
 * relation_news.h
 *		Who is told when something of a relation changes.
 */
#ifndef CCC_RELATION_NEWS_H
#define CCC_RELATION_NEWS_H

/* InvalidOid: anything may have changed. Runs at any time: it only takes note. */
typedef void (*RelationNews) (Oid relid);

extern void relation_news_to(RelationNews told);

#endif							/* CCC_RELATION_NEWS_H */

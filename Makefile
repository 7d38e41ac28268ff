# ccc_billing: plain PGXS, and eight commands for a bare machine:
#   make demo     bills real call records and shows the result
#   make check    runs every test
#   make coverage tells what the tests do not reach
#   make sanitize runs them on a server built to notice misuse of memory
#   make matrix   runs them on every PostgreSQL that is installed
#   make torture  runs the random tests for longer, with new seeds
#   make fuzz     tries inputs of the types, guided by what they reach
#   make bench    measures, beside what one would use instead
# All work in a throwaway cluster; all but matrix install what they lack (tools/).

ifneq ($(filter demo check coverage sanitize matrix torture fuzz bench,$(MAKECMDGOALS)),)

.PHONY: demo check coverage sanitize matrix torture fuzz bench
demo check coverage sanitize matrix torture fuzz bench:
	@tools/$@

else

EXTENSION  = ccc_billing
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
SCRIPT     = $(EXTENSION)--$(EXTVERSION).sql
PARTS      = $(sort $(wildcard sql/[0-9]*.sql))

MODULE_big = ccc_billing
OBJS       = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
DATA_built = $(SCRIPT)
DATA       = $(wildcard sql/$(EXTENSION)--*.sql)
EXTRA_CLEAN = $(SCRIPT)

# The library's functions call each other directly, and those of the server
# without a stub between.
PG_CFLAGS  += -fno-plt -fno-semantic-interposition
ifeq ($(shell uname -s),Linux)
PG_LDFLAGS += -Wl,-Bsymbolic
endif

REGRESS    = $(sort $(notdir $(basename $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test --load-extension=$(EXTENSION)
ISOLATION  = $(sort $(notdir $(basename $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=$(EXTENSION)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*.h)

$(SCRIPT): $(PARTS) $(EXTENSION).control
	cat $(PARTS) > $@

endif

# Queries at random, over every table, view and function, by an administrator
# without superuser rights: no session breaks down, no error is an internal one
# of the extension, and what is stored stays right.
#
# RANDOM_QUERIES and RANDOM_SEED in the environment: how many, and which.
#
# Makes a server of its own, and uses sqlsmith.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use Test::More;

use harness::Business;
use harness::Server;

plan(skip_all => 'needs sqlsmith') if system('sqlsmith --help >/dev/null 2>&1') != 0;

my $queries = $ENV{RANDOM_QUERIES} // 2000;
my $seed = $ENV{RANDOM_SEED} // 1 + int(rand(1_000_000));

# after a crash sqlsmith waits for the server, and goes on
make_server(<<'CONF');
restart_after_crash = on
log_line_prefix = '%e '
log_error_verbosity = verbose
track_functions = all
CONF
make_business(\&sql);
# sqlsmith does not quote names
sql(<<'SQL');
ALTER SCHEMA "my calls" RENAME TO mine;
ALTER TABLE mine."Calls 2" RENAME TO calls;
CREATE ROLE smith LOGIN IN ROLE ccc_admin;
ALTER ROLE smith SET search_path = ccc, public;
ALTER ROLE smith SET statement_timeout = '2s';
GRANT ALL ON SCHEMA mine, archive TO smith;
ALTER TABLE archive.renamed OWNER TO smith;
ALTER TABLE mine.calls OWNER TO smith;
ALTER TABLE cdr OWNER TO smith;
SELECT pg_stat_reset();
SQL

sub logged
{
	open my $log, '<', "$dir/log" or die $!;
	local $/;
	return <$log>;
}

my $output;
ok( IPC::Run::run(
		[ 'sqlsmith', "--target=host=$dir user=smith dbname=postgres", "--max-queries=$queries", "--seed=$seed", '--exclude-catalog' ],
		'<', '/dev/null', '>', \$output, '2>&1'),
	'all queries are through') or diag($output);

my $log = logged();
my %ours = map { m{([^/]+)$} ? ($1 => 1) : () } glob "$FindBin::RealBin/../../src/*.[ch]";
my @internal;
while ($log =~ /^XX\w{3} ERROR: +(.*)\n(?:(?!\w{5} ERROR:).*\n)*?XX\w{3} LOCATION: +\w+, ([^:]+):(\d+)/mg)
{
	push @internal, "$2:$3: $1" if $ours{$2 =~ s{.*/}{}r};
}
is(join('', $log =~ /^.*(?:PANIC|TRAP:|terminated by signal).*\n/mg), '', 'no session broke down');
is(join("\n", @internal), '', 'no internal error of the extension');
is(sql('SELECT * FROM ccc.check_integrity()'), '', 'nothing violated');

my $errors = () = $log =~ /^\w{5} ERROR: /mg;
my $called = sql(q{SELECT count(*) FROM pg_stat_user_functions WHERE schemaname = 'ccc'});
cmp_ok($errors, '<', $queries, 'some queries have no error');
cmp_ok($called, '>', 0, 'functions of the extension are called');
diag("$queries queries from seed $seed, $errors errors, $called functions of the extension called");
done_testing();

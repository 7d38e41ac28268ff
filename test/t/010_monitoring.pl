# The figures on their way: postgres_exporter with monitoring/queries.yml shows
# each of them as the database has it, and Prometheus with
# monitoring/alerts.yml raises the alarm.
#
# Needs a running server, given by PGHOST and its kin, and a superuser; the
# two programs listen on the loopback.
use strict;
use warnings;

use File::Temp;
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use Test::More;

my $dir = File::Temp->newdir('ccc_monitoring_XXXXXX', TMPDIR => 1);
my $database = 'ccc_monitoring';
my %running;

sub program
{
	my @command = @_;
	my ($out, $err);

	IPC::Run::run(\@command, '<', \'', '>', \$out, '2>', \$err)
	  or die "@command failed:\n$out$err";
	return $out;
}

sub sql
{
	my ($sql) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database ],
		'<', \$sql, '>', \$out, '2>', \$err)
	  or die "psql failed: $err\n$sql";
	chomp $out;
	return $out;
}

sub contents
{
	my ($file) = @_;

	open my $in, '<', $file or die "$file: $!";
	local $/;
	return scalar <$in>;
}

sub free_port
{
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
	return $socket->sockport;
}

sub start
{
	my ($name, @command) = @_;
	my $pid = fork // die $!;

	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/$name.log";
		open STDERR, '>&', \*STDOUT;
		exec @command or exit 127;
	}
	$running{$name} = $pid;
}

sub stop
{
	my ($name) = @_;
	my $pid = delete $running{$name};

	kill 'TERM', $pid;
	waitpid $pid, 0;
}

END
{
	my $status = $?;

	stop($_) foreach keys %running;
	system('dropdb', '--if-exists', '--force', $database);
	system('psql', '-Xq', '-d', 'postgres', '-c', 'DROP ROLE IF EXISTS ccc_test_exporter');
	$? = $status;
}

sub get
{
	my ($url) = @_;
	my $response = HTTP::Tiny->new(timeout => 10, proxy => undef, http_proxy => undef)->get($url);

	return $response->{success} ? $response->{content} : '';
}

# Asks until the answer will do, for a minute at most.
sub until_true
{
	my ($question) = @_;

	foreach (1 .. 240)
	{
		my $answer = $question->();
		return $answer if $answer;
		select(undef, undef, undef, 0.25);
	}
	return;
}

# The rules by themselves: over made-up series each is raised, and is not.
my @alerts = contents('monitoring/alerts.yml') =~ /^ *- alert: (\w+)$/mg;
my @tried = contents('test/t/010_monitoring.yml') =~ /alertname: (\w+)\n +exp_alerts:\n/g;
my %tried = map { $_ => 1 } @tried;
like(program('promtool', 'check', 'rules', 'monitoring/alerts.yml'), qr/SUCCESS: \d+ rules/, 'the rules are rules');
is(join(' ', grep { !$tried{$_} } @alerts), '', 'each is tried');
like(program('promtool', 'test', 'rules', 'test/t/010_monitoring.yml'), qr/SUCCESS/, 'they do what they should');
my $operations = contents('docs/operations.md');
is(join(' ', grep { $operations !~ /`$_`/ } @alerts), '', 'and the manual says what to do about each');

# A business with something to tell in every figure.
program('createdb', '-T', 'template0', $database);
sql(<<'SQL');
CREATE EXTENSION ccc_billing;
CREATE ROLE ccc_test_exporter LOGIN IN ROLE ccc_monitor;
SELECT ccc.open_account(a, 'account ' || a, now() - interval '40 days'), ccc.top_up(a, 10000) FROM generate_series(1, 3) AS a;
SELECT FROM generate_series(1, 3) AS a, ccc.buy(a, 'number_landline', 1, 3, '0755-8601338' || a, now() - interval '39 days');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('tiny', 'package', 'landline_outbound', 10, '30 days');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '-infinity', '0:1');
SELECT FROM ccc.buy(1, 'tiny', bought_at => now() - interval '26 days');
SELECT FROM ccc.buy(2, 'landline_10000', bought_at => now() - interval '1 day');
SELECT FROM ccc.buy(1, 'seat_premium', 3, bought_at => now() - interval '29 days');
SELECT ccc.sign_in(1, 'a', 'premium', now() - interval '1 day'), ccc.sign_in(1, 'b', 'premium', now() - interval '1 day');
SELECT FROM ccc.buy(3, 'seat_standard', 1, 1, bought_at => now() - interval '31 days', auto_renew => true);
SELECT FROM ccc.buy(3, 'number_landline', 1, 1, '0755-86013399', now() - interval '35 days');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013381', 'x', now() - interval '2 hours', 61), ('b', '075586013382', 'x', now() - interval '3 hours', 1200),
	('c', '075586013383', 'x', now() - interval '4 hours', 600), ('d', '1', '2', now() - interval '1 hour', 5), ('e', '075586013383', 'x', now(), -1);
SQL

my $exporter = free_port();
$ENV{DATA_SOURCE_NAME} = "host=$ENV{PGHOST} port=$ENV{PGPORT} user=ccc_test_exporter dbname=$database sslmode=disable";
start('exporter', 'prometheus-postgres-exporter', "--web.listen-address=127.0.0.1:$exporter",
	'--disable-default-metrics', '--disable-settings-metrics', '--extend.query-path=monitoring/queries.yml');
my $metrics = until_true(sub { my $said = get("http://127.0.0.1:$exporter/metrics"); $said =~ /^ccc_accounts/m && $said })
  or die "the exporter says nothing:\n" . contents("$dir/exporter.log");
like($metrics, qr/^pg_up(\{[^}]*\})? 1$/m, 'the exporter reads the database');
like($metrics, qr/^pg_exporter_user_queries_load_error\{.*\} 0$/m, 'and has read all queries');

# Every metric of every query, with what the database says itself.
my $query;
my @labels;
foreach (split /\n/, contents('monitoring/queries.yml'))
{
	($query, @labels) = ($1) if /^(\w+):$/;
	push @labels, $1 if /^    - (\w+): \{usage: LABEL/;
	next unless /^    - (\w+): \{usage: (GAUGE|COUNTER), description: "(.+)"\}$/;
	my ($column, $usage, $description) = ($1, lc $2, $3);
	my $metric = "${query}_$column";

	like($metrics, qr/^# HELP $metric \Q$description\E$/m, "$metric is described");
	like($metrics, qr/^# TYPE $metric $usage$/m, "$metric is a $usage");
	like($metrics, @labels ? qr/^$metric\{.*\b$labels[0]="\w+".*\} \S+$/m : qr/^$metric(\{[^}]*\})? \S+$/m, "$metric has a value");
}
foreach (
	[ 'ccc_accounts', 'SELECT accounts FROM ccc.monitoring' ],
	[ 'ccc_postings_total', 'SELECT postings FROM ccc.monitoring' ],
	[ 'ccc_numbers_suspended', 'SELECT numbers_suspended FROM ccc.monitoring' ],
	[ 'ccc_renewals_due', 'SELECT renewals_due FROM ccc.monitoring' ],
	[ 'ccc_exceptions_open\{.*reason="bad_length".*\}', q{SELECT count(*) FROM ccc.exceptions WHERE reason = 'bad_length'} ],
	[ 'ccc_pool_short_seconds\{.*pool="landline_outbound".*\}', 'SELECT sum(billed) FROM ccc.shortfalls' ],
	[ 'ccc_pool_remaining_seconds\{.*pool="landline_outbound".*\}', 'SELECT sum(remaining_minutes) * 60 FROM ccc.package_balances' ],
	[ 'ccc_pool_expiring_packages\{.*pool="landline_outbound".*\}', 'SELECT 1' ],
	[ 'ccc_seats_online\{.*edition="premium".*\}', 'SELECT 2' ])
{
	my ($metric, $truth) = @$_;
	my ($value) = $metrics =~ /^$metric(?:\{[^}]*\})? (\S+)$/m;

	ok(defined $value && $value != 0 && $value == sql($truth), "$metric as the database has it");
}

# Prometheus, from end to end.
my $prometheus = free_port();
my $directory = program('pwd');
chomp $directory;
open my $config, '>', "$dir/prometheus.yml" or die $!;
print $config <<"YML";
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ["$directory/monitoring/alerts.yml"]
scrape_configs:
  - job_name: ccc_billing
    static_configs: [{targets: ["127.0.0.1:$exporter"]}]
YML
close $config;
start('prometheus', 'prometheus', "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data",
	"--web.listen-address=127.0.0.1:$prometheus");

# The alerts that are raised or about to be, for their time is not over.
sub raised
{
	my $said = get("http://127.0.0.1:$prometheus/api/v1/alerts");
	my $alerts = eval { decode_json($said)->{data}{alerts} } || [];

	return { map { $_->{labels}{alertname} => $_ } @$alerts };
}

ok(until_true(sub { my $all = raised(); $all->{CccRenewalsMissed} && $all->{CccCallsFallShort} && $all->{CccPackagesExpiring} }),
	'Prometheus tells of renewals, shortfalls and packages') or diag(contents("$dir/prometheus.log"));
is(raised()->{CccRenewalsMissed}{labels}{severity}, 'critical', 'and how bad it is');
ok(!raised()->{CccTableNotBilled}, 'not of a table, for it is billed');
sql('ALTER TABLE calls DISABLE TRIGGER ccc_bill_insert; SELECT FROM ccc.renew_due()');
ok(until_true(sub { raised()->{CccTableNotBilled} }), 'it tells that the trigger is off');
ok(until_true(sub { !raised()->{CccRenewalsMissed} }), 'and no longer of renewals');
stop('exporter');
ok(until_true(sub { raised()->{CccNoFigures} }), 'and that there are no figures');
stop('prometheus');

done_testing();

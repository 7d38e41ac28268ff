# Rounds of load that does not end well, and what must be there after each:
# transactions whole or not at all, all that were acknowledged, and the figures
# of a naive count of what is stored.
package harness::Rounds;

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use harness::Load;
use harness::Server;

our @EXPORT = qw(check_round check_total);

# Of all rounds: transactions by their fate, errors by SQLSTATE, what was done
# again.
my %total;

sub differences
{
	my ($got, $wanted) = @_;
	my %all = (%$got, %$wanted);

	return join(', ', map { "$_: " . ($got->{$_} // 'none') . ' for ' . ($wanted->{$_} // 'none') }
		  grep { ($got->{$_} // '') ne ($wanted->{$_} // '') } sort keys %all);
}

sub ones
{
	return { map { $_ => 1 } @_ };
}

# What a transaction that is there adds to what must be there.
my %effects = (
	put => sub { my ($e, $table, $id, $seconds) = @_; $e->{$table}{$id}[0] = $seconds + 0; $e->{$table}{$id}[1]++ },
	again => sub { my ($e, $id) = @_; $e->{calls}{$id}[1]++ if $e->{calls}{$id} },
	less => sub { my ($e, $id) = @_; delete $e->{calls}{$id} if $e->{calls}{$id} && --$e->{calls}{$id}[1] == 0 },
	set => sub { my ($e, $id, $seconds) = @_; $e->{calls}{$id}[0] = $seconds if $e->{calls}{$id} },
	drop => sub { my ($e, $id) = @_; delete $e->{calls}{$id} },
	request => sub { my ($e, $id, $sql) = @_; $e->{requests}{$id} = $sql },
	agent => sub { my ($e, $name, $online) = @_; $e->{agents}{$name} = $online },
	number => sub { my ($e, $number) = @_; $e->{numbers}{$number} = 1 });

sub apply
{
	my ($e, $t) = @_;

	foreach (@{ $t->{effects} })
	{
		my ($what, @of) = @$_;

		$effects{$what}->($e, @of);
	}
}

# The fate of every transaction that was begun, by what is there.
sub judge
{
	my ($name, $prepared, $expected, @sessions) = @_;
	my %marks = set(q{SELECT mark FROM marks});
	my %stored = set(q{SELECT call_id FROM calls});
	my (%count, @lost, @kept, @forgotten);

	foreach my $t (grep { $_->{begun} && @{ $_->{effects} } } map { @{ $_->{transactions} } } @sessions)
	{
		my $what = $t->{mark} // $t->{witness};

		# a later transaction of the session may have deleted a single row
		$t->{there} = $t->{mark} ? $marks{$what} : $stored{$what} || $t->{committed};
		$count{ $t->{committed} ? 'committed' : $t->{aborted} ? 'aborted'
			: $prepared->{$what} ? 'prepared' : $t->{there} ? 'whole' : 'absent' }++;
		push @lost, $what if $t->{committed} && !$t->{there};
		push @kept, $what if $t->{aborted} && $t->{there};
		push @forgotten, $what
		  if $t->{prepared} && ($prepared->{$what} // $t->{verdict} // '') ne ($t->{there} ? 'COMMIT' : 'ROLLBACK');
		apply($expected, $t) if $t->{there};
	}
	is("@lost", '', "$name: all that was acknowledged is there");
	is("@kept", '', "$name: nothing that was rolled back is");
	is("@forgotten", '', "$name: nothing that was prepared is lost");
	return %count;
}

# What is stored, with how many seconds and in how many copies.
sub stored
{
	my ($from, $name) = @_;

	return { mapping("SELECT call_id, trim_scale(min(seconds)) || ' ' || count(*) FROM $from AS c WHERE call_id LIKE '$name-%' GROUP BY 1") };
}

sub check_stored
{
	my ($name, $seed, $expected) = @_;
	my %table = (calls => 'calls', late => 'late', old => '(TABLE old UNION ALL TABLE purged)');

	foreach my $table (sort keys %table)
	{
		my %wanted = map { $_ => "@{ $expected->{$table}{$_} }" } keys %{ $expected->{$table} };

		is(differences(stored($table{$table}, $seed), \%wanted), '', "$name: $table holds the records of whole transactions");
	}
	is(differences({ set("SELECT request_id FROM ccc.requests WHERE request_id LIKE '$seed-%'") }, ones(keys %{ $expected->{requests} })),
		'', "$name: so it is with requests");
	is( differences({ set("SELECT agent FROM ccc.agent_sessions WHERE signed_out_at = 'infinity'") },
			ones(grep { $expected->{agents}{$_} } keys %{ $expected->{agents} })),
		'', "$name: with agents online");
	my %numbers = set("SELECT number FROM ccc.numbers WHERE owner = 'customer'");
	is(join(' ', grep { !$numbers{$_} } keys %{ $expected->{numbers} }), '', "$name: and with numbers");
}

# Clients ask again when they do not know, and some that do: a request that was
# done gives what it gave, another is done once; a statement that was done
# stores repeats, another is done.
sub ask_again
{
	my ($name, $expected, @sessions) = @_;
	my %results = map { %{ $_->{results} // {} } } @sessions;
	my $entries = 'SELECT count(*) FROM ccc.wallet_entries';
	my @wrong;

	foreach my $t (grep { $_->{begun} && !$_->{aborted} } map { @{ $_->{transactions} } } @sessions)
	{
		next if $t->{committed} && rand() >= 0.05;
		if ($t->{witness} && !$t->{committed})
		{
			sql($t->{sql});
			apply($expected, $t);
			$total{'statements again'}++;
		}
		foreach (grep { $_->[0] eq 'request' } @{ $t->{effects} })
		{
			my (undef, $id, $asked) = @$_;
			my $before = sql($entries);
			my $result = sql($asked);

			push @wrong, "$id: $result" if $t->{there} && exists $results{$id} && $results{$id} ne $result;
			push @wrong, "$id: another result" if sql($asked) ne $result;
			push @wrong, "$id: entries" if sql($entries) - $before != ($t->{there} ? 0 : 1);
			apply($expected, { effects => [$_] });
			$total{'requests again'}++;
		}
	}
	is("@wrong", '', "$name: requests made again give what they gave, or are done once");
}

# Each record with what the catalogue says of its number, whatever the ledger.
my $rated = <<'SQL';
	WITH stored AS (
		SELECT call_id, caller AS number, min(seconds) AS seconds, count(*) AS copies
		FROM (TABLE calls UNION ALL TABLE late UNION ALL TABLE old UNION ALL TABLE purged) AS c GROUP BY 1, 2),
	rated AS (
		SELECT s.*, n.account_id, n.owner FROM stored AS s LEFT JOIN ccc.numbers AS n ON n.number::text = s.number)
SQL

my $once = <<'SQL';
	, posted AS (
		SELECT call_id, sum(billed) AS billed, count(*) FILTER (WHERE kind = 'r') - count(*) FILTER (WHERE kind = 'x') AS repeats
		FROM ccc.ledger GROUP BY 1),
	refused AS (SELECT call_id, count(*) AS open FROM ccc.exception_log WHERE resolved_at IS NULL GROUP BY 1)
	SELECT coalesce(r.call_id, p.call_id, e.call_id), r.seconds, r.copies, p.billed, p.repeats, e.open
	FROM rated AS r FULL JOIN posted AS p USING (call_id) FULL JOIN refused AS e ON e.call_id = coalesce(r.call_id, p.call_id)
	WHERE ARRAY[coalesce(p.billed, 0), coalesce(p.repeats, 0), coalesce(e.open, 0)] <>
		CASE WHEN r.call_id IS NULL THEN ARRAY[0, 0, 0]
			WHEN r.account_id IS NULL OR r.seconds < 0 THEN ARRAY[0, 0, r.copies]
			ELSE ARRAY[ceil(r.seconds / 60) * 60, r.copies - 1, 0] END
	LIMIT 5
SQL

# All packages are valid at all calls: the first are used up first.
my $totals = <<'SQL';
	, demand AS (
		SELECT account_id, sum(ceil(seconds / 60) * 60) AS demand FROM rated WHERE owner = 'platform' AND seconds > 0 GROUP BY 1),
	lots AS (
		SELECT p.*, coalesce(sum(granted) OVER (PARTITION BY account_id ORDER BY valid_until, valid_from, package_no
			ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM ccc.packages AS p),
	naive AS (
		SELECT account_id, package_no, least(granted, greatest(0, coalesce(demand, 0) - before)) AS used
		FROM lots LEFT JOIN demand USING (account_id)
		UNION ALL
		SELECT account_id, 0, greatest(0, coalesce(demand, 0) - coalesce((SELECT sum(granted) FROM lots AS l WHERE l.account_id = a.account_id), 0))
		FROM ccc.accounts AS a LEFT JOIN demand USING (account_id)),
	posted AS (
		SELECT account_id, coalesce(package_no, 0) AS package_no, sum(billed) AS used FROM ccc.ledger WHERE kind IN ('c', 's') GROUP BY 1, 2),
	counted AS (SELECT account_id, package_no, sum(billed) AS used FROM ccc.usage GROUP BY 1, 2),
	kept AS (SELECT account_id, package_no, used FROM ccc.packages)
	SELECT account_id, package_no, naive.used, posted.used, counted.used, kept.used
	FROM naive FULL JOIN posted USING (account_id, package_no) FULL JOIN counted USING (account_id, package_no)
		LEFT JOIN kept USING (account_id, package_no)
	WHERE naive.used IS DISTINCT FROM coalesce(posted.used, 0) OR naive.used <> coalesce(counted.used, 0) OR kept.used <> naive.used
SQL

my $wallets = <<'SQL';
	SELECT account_id, a.balance FROM ccc.accounts AS a
	WHERE a.balance::numeric <> (SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.account_id = a.account_id)
		OR a.balance::numeric <> (SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.account_id = a.account_id AND w.reason = 'top_up')
			- (SELECT sum(p.amount::numeric) FROM ccc.purchases AS p WHERE p.account_id = a.account_id)
SQL

sub check_figures
{
	my ($name) = @_;

	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
	is( sql('SELECT DISTINCT call_id FROM (SELECT call_id FROM ccc.ledger GROUP BY 1 HAVING sum(billed) > 0
			EXCEPT SELECT call_id FROM (TABLE calls UNION ALL TABLE late UNION ALL TABLE old UNION ALL TABLE purged) AS c) AS l LIMIT 5'),
		'', "$name: nothing is billed that is not stored");
	# what is left for jobs, a second time for nothing
	sql("CALL ccc.backfill('late'); SELECT ccc.retry_exceptions(); SELECT FROM ccc.renew_due()");
	is(sql('SELECT * FROM ccc.renew_due()'), '', "$name: renewals are paid once");
	is(sql($rated . $once), '', "$name: each record is billed once, or an exception");
	is(sql($rated . $totals), '', "$name: packages are drawn, and shortfalls left, as by a naive count");
	is(sql($wallets), '', "$name: wallets are the sums of top-ups and purchases");
	is(sql('SELECT account_id FROM ccc.accounts WHERE ccc.replay(account_id) <> 0'), '', "$name: replay moves nothing");
	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated in the end");
}

sub figures
{
	my %figures = @_;

	return join ', ', map { "$_ $figures{$_}" } sort keys %figures;
}

# Of all rounds; each of the expected has been met.
sub check_total
{
	my ($what, @expected) = @_;

	note("$what: ", figures(%total));
	cmp_ok($total{$_} // 0, '>', 0, "met: $_") foreach @expected;
}

# The data of a COPY that is refused, which an older psql takes for a command.
my $data_as_command = qr/^42601: syntax error at or near "\d+"/;

# The sessions have ended; ours are the SQLSTATEs that may be met.
sub check_round
{
	my ($seed, $ours, @sessions) = @_;
	my $name = "seed $seed";
	my %expected;
	my %prepared = map { $_ => one_of('COMMIT', 'ROLLBACK') } split /\n/, sql('SELECT gid FROM pg_prepared_xacts ORDER BY 1');

	sql("$prepared{$_} PREPARED '$_'") foreach sort keys %prepared;
	my %count = judge($name, \%prepared, \%expected, @sessions);
	my @errors = map { @{ $_->{errors} } } @sessions;
	my %met;
	$met{ substr $_, 0, 5 }++ foreach @errors;
	note("$name: ", figures(%count, %met));
	$total{$_} += $count{$_} foreach keys %count;
	$total{$_} += $met{$_} foreach keys %met;
	is(join("\n", grep { !/$ours|$data_as_command/ } @errors), '', "$name: no other errors");
	check_stored($name, $seed, \%expected);
	ask_again($name, \%expected, @sessions);
	check_stored("$name, asked again", $seed, \%expected);
	check_figures($name);
	sql("SELECT ccc.sign_out(account_id, agent) FROM ccc.agent_sessions WHERE signed_out_at = 'infinity'");
}

1;

# Rounds of load that does not end well, and what must be there after each:
# transactions whole or not at all, all that were acknowledged, and the figures
# of a naive count of what is stored.
package harness::Rounds;

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(min sum);
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

sub shortest
{
	my ($e, $id) = @_;

	return min(keys %{ $e->{calls}{$id} });
}

# What a transaction that is there adds to what must be there.
my %effects = (
	put => sub { my ($e, $table, $id, $seconds) = @_; $e->{$table}{$id}{ $seconds + 0 }++ },
	again => sub { my ($e, $id) = @_; $e->{calls}{$id}{ shortest($e, $id) }++ if $e->{calls}{$id} },
	also => sub { my ($e, $id, $seconds) = @_; $e->{calls}{$id}{$seconds}++ if $e->{calls}{$id} },
	less => sub {
		my ($e, $id) = @_;
		my $of = $e->{calls}{$id} or return;
		my $shortest = shortest($e, $id);
		delete $of->{$shortest} if --$of->{$shortest} == 0;
		delete $e->{calls}{$id} unless %$of;
	},
	set => sub {
		my ($e, $table, $id, $seconds) = @_;
		$e->{$table}{$id} = { $seconds => sum(values %{ $e->{$table}{$id} }) } if $e->{$table}{$id};
	},
	drop => sub { my ($e, $table, $id) = @_; delete $e->{$table}{$id} },
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

	return { mapping(qq{
		SELECT call_id, string_agg(copies || ' of ' || seconds, ', ' ORDER BY seconds)
		FROM (SELECT call_id, trim_scale(seconds) AS seconds, count(*) AS copies FROM $from AS c
			WHERE call_id LIKE '$name-%' GROUP BY 1, 2) AS c
		GROUP BY 1}) };
}

sub check_stored
{
	my ($name, $seed, $expected) = @_;
	my %table = (calls => 'calls', late => 'late', old => '(TABLE old UNION ALL TABLE purged)');

	foreach my $table (sort keys %table)
	{
		my %wanted;

		while (my ($id, $of) = each %{ $expected->{$table} })
		{
			$wanted{$id} = join ', ', map { "$of->{$_} of $_" } sort { $a <=> $b } keys %$of;
		}
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

# Each record, and what it comes to by what the catalogue and the numbers say
# now, whatever the ledger does; without an account it cannot be billed.
my $rated = <<'SQL';
	WITH stored AS (
		SELECT call_id, caller AS number, started_at, seconds, count(*) AS copies
		FROM (TABLE calls UNION ALL TABLE late UNION ALL TABLE old UNION ALL TABLE purged) AS c GROUP BY 1, 2, 3, 4),
	rounded AS (
		SELECT s.*, n.account_id, n.owner, r.initial,
			r.initial + greatest(0, ceil((s.seconds - r.initial) / r.step) * r.step) AS billed
		FROM stored AS s
			LEFT JOIN ccc.numbers AS n ON n.number::text = s.number AND s.seconds >= 0
				AND n.since <= s.started_at AND s.started_at < least(n.paid_until, n.released_at)
			CROSS JOIN LATERAL (
				SELECT split_part(increment, '/', 1)::numeric AS initial, split_part(increment, '/', 2)::numeric AS step
				FROM coalesce((
					SELECT p.increment::text FROM ccc.pools AS p
					WHERE n.owner = 'platform' AND p.code = 'landline_outbound' AND p.valid_from <= s.started_at
					ORDER BY p.valid_from DESC LIMIT 1), '60/60') AS increment) AS r)
SQL

# Of the records of an id one is billed, its copies are repeats, the others are
# exceptions.
my $once = <<'SQL';
	, posted AS (
		SELECT call_id, sum(billed) AS billed, count(*) FILTER (WHERE kind = 'r') - count(*) FILTER (WHERE kind = 'x') AS repeats
		FROM ccc.ledger GROUP BY 1),
	refused AS (SELECT call_id, count(*) AS open FROM ccc.exception_log WHERE resolved_at IS NULL GROUP BY 1),
	each AS (
		SELECT r.*, sum(copies) OVER w AS total, count(account_id) OVER w AS billable FROM rounded AS r WINDOW w AS (PARTITION BY call_id)),
	wanted AS (
		SELECT call_id, string_agg(format('%s of %s s: account %s', copies, seconds, account_id), ', ') AS records,
			array_agg(CASE WHEN billable = 0 THEN format('0 0 %s', total)
				ELSE format('%s %s %s', trim_scale(billed), copies - 1, total - copies) END)
				FILTER (WHERE billable = 0 OR account_id IS NOT NULL) AS any_of
		FROM each GROUP BY 1),
	found AS (
		SELECT coalesce(p.call_id, e.call_id) AS call_id, format('%s %s %s', coalesce(billed, 0), coalesce(repeats, 0), coalesce(open, 0)) AS what
		FROM posted AS p FULL JOIN refused AS e USING (call_id))
	SELECT call_id, f.what, w.any_of, w.records
	FROM wanted AS w FULL JOIN found AS f USING (call_id)
	WHERE coalesce(f.what, '0 0 0') <> ALL (coalesce(any_of, '{0 0 0}'))
	LIMIT 5
SQL

# Calls of rented numbers charged in the order of their starts, package by
# package; what none covers falls short.
sub naive_use
{
	my (%packages, %used);

	foreach (split /\n/, sql(q{
		SELECT account_id, package_no, extract(epoch FROM valid_from), extract(epoch FROM least(valid_until, refunded_at)), granted - refunded
		FROM ccc.packages ORDER BY valid_until, valid_from, package_no}))
	{
		my ($account, $no, $from, $until, $seconds) = split /\|/;

		push @{ $packages{$account} }, { name => "$account/$no", from => $from, until => $until, left => $seconds };
	}
	foreach (split /\n/, sql(q{
		SELECT l.account_id, extract(epoch FROM l.started_at), sum(l.billed)
		FROM ccc.ledger AS l JOIN ccc.numbers AS n USING (account_id, number)
		WHERE n.owner = 'platform' GROUP BY l.account_id, l.started_at, l.call_id ORDER BY l.started_at, l.call_id}))
	{
		my ($account, $start, $billed) = split /\|/;

		foreach my $package (grep { $_->{from} <= $start && $start < $_->{until} } @{ $packages{$account} })
		{
			my $drawn = min($billed, $package->{left});

			$package->{left} -= $drawn;
			$billed -= $drawn;
			$used{ $package->{name} } += $drawn;
		}
		$used{"$account/0"} += $billed;
	}
	return { map { $_ => $used{$_} } grep { $used{$_} } keys %used };
}

# By account and package; of package 0: shortfalls.
my %use = (
	'the ledger has' => q{SELECT account_id || '/' || coalesce(package_no, 0), sum(billed) FROM ccc.ledger
		WHERE kind IN ('c', 's') GROUP BY 1 HAVING sum(billed) > 0},
	'usage has' => q{SELECT account_id || '/' || package_no, sum(billed) FROM ccc.usage GROUP BY 1 HAVING sum(billed) > 0},
	'packages have, and shortfalls are,' => q{SELECT account_id || '/' || package_no, used FROM ccc.packages WHERE used > 0
		UNION ALL SELECT account_id || '/0', sum(billed) FROM ccc.ledger WHERE kind = 's' GROUP BY 1 HAVING sum(billed) > 0});

my $wallets = <<'SQL';
	SELECT account_id, a.balance FROM ccc.accounts AS a
	WHERE a.balance::numeric <> (SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.account_id = a.account_id)
		OR a.balance::numeric <> (SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.account_id = a.account_id AND w.reason = 'top_up')
			- (SELECT sum(p.amount::numeric - coalesce(p.refunded::numeric, 0)) FROM ccc.purchases AS p WHERE p.account_id = a.account_id)
SQL

sub check_figures
{
	my ($name) = @_;

	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
	is( sql('SELECT DISTINCT call_id FROM (SELECT call_id FROM ccc.ledger GROUP BY 1 HAVING sum(billed) > 0
			EXCEPT SELECT call_id FROM (TABLE calls UNION ALL TABLE late UNION ALL TABLE old UNION ALL TABLE purged) AS c) AS l LIMIT 5'),
		'', "$name: nothing is billed that is not stored");
	# what is left for jobs, a second time for nothing
	sql("CALL ccc.backfill('late'); SELECT ccc.retry_exceptions(); SELECT FROM ccc.renew_due();
		SELECT ccc.rerate(account_id, '-infinity') FROM ccc.accounts");
	is(sql('SELECT * FROM ccc.renew_due()'), '', "$name: renewals are paid once");
	is(sql($rated . $once), '', "$name: each record is billed once, or an exception");
	my $naive = naive_use();
	is(differences({ mapping($use{$_}) }, $naive), '', "$name: $_ what a naive count in order has") foreach sort keys %use;
	is(sql($wallets), '', "$name: wallets are the sums of top-ups, purchases and what was given back");
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

# What others, or an earlier part, have made impossible.
my $too_late = qr/^(55000: (number .* has billed calls after|purchase .* was (used|refunded|voided|renewed))|22023: number .* cannot be released)/;

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
	is(join("\n", grep { !/$ours|$too_late|$data_as_command/ } @errors), '', "$name: no other errors");
	check_stored($name, $seed, \%expected);
	ask_again($name, \%expected, @sessions);
	check_stored("$name, asked again", $seed, \%expected);
	check_figures($name);
	sql("SELECT ccc.sign_out(account_id, agent) FROM ccc.agent_sessions WHERE signed_out_at = 'infinity'");
}

1;

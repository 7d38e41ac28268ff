# Traffic of a few accounts, a session for each, which ends each transaction
# by noting what the account's figures are now: at whatever point of the log a
# copy stands, its figures are those of the last notes that it has.
#
# Servers are functions that run SQL in a database there.
package harness::Traffic;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use Test::More;

our @EXPORT = qw(make_traffic start_traffic await_traffic stop_traffic notes same_notes);

use constant ACCOUNTS => (1 .. 3);

my $traffic = <<'SQL';
	CREATE EXTENSION ccc_billing;
	CREATE TABLE stop ();
	CREATE TABLE notes (account_id bigint, n integer, figures text, PRIMARY KEY (account_id, n));
	SELECT ccc.create_calls_table();
	CREATE INDEX ON calls (call_id);
	CREATE VIEW figures AS
		SELECT a.account_id, a.balance, a.last_posting_no,
			(SELECT concat_ws(' ', count(*), sum(p.used), sum(p.granted)) FROM ccc.packages AS p WHERE p.account_id = a.account_id) AS packages,
			(SELECT concat_ws(' ', count(*), sum(l.billed)) FROM ccc.ledger AS l WHERE l.account_id = a.account_id) AS ledger,
			(SELECT concat_ws(' ', count(*), sum(u.billed)) FROM ccc.usage AS u WHERE u.account_id = a.account_id) AS usage,
			(SELECT count(*) FROM ccc.exceptions AS e WHERE e.account_id = a.account_id) AS exceptions,
			(SELECT concat_ws(' ', count(*), sum(c.billed_minutes), sum(c.short_minutes), sum(c.amount))
				FROM ccc.call_charges AS c WHERE c.account_id = a.account_id) AS charges
		FROM ccc.accounts AS a;
	CREATE PROCEDURE traffic(account bigint, own text) LANGUAGE plpgsql AS $$
	DECLARE
		n integer := (SELECT coalesce(max(o.n), 0) FROM notes AS o WHERE o.account_id = account);
	BEGIN
		WHILE NOT EXISTS (SELECT FROM stop) LOOP
			n := n + 1;
			INSERT INTO calls
				SELECT concat_ws('-', account, n, i), own, '10086',
					timestamptz '2025-02-01 10:00+08' + n * 37 % 89 * interval '1 day', 1800 * i - n % 7
				FROM generate_series(1, 1 + n % 4) AS i;
			IF n % 3 = 0 THEN
				UPDATE calls SET seconds = seconds + 600 WHERE call_id = concat_ws('-', account, n - 2, 1);
			END IF;
			IF n % 4 = 0 THEN
				PERFORM ccc.top_up(account, n);
			END IF;
			IF n % 5 = 0 THEN
				DELETE FROM calls WHERE call_id = concat_ws('-', account, n - 3, 1);
			END IF;
			IF n % 6 = 0 THEN
				INSERT INTO calls VALUES (concat_ws('-', account, n, 'bad'), own, '10086', '2025-02-01 10:00+08', -1);
			END IF;
			IF n % 11 = 0 THEN
				PERFORM ccc.buy(account, 'landline_custom', 1000,
					bought_at => timestamptz '2025-01-01 12:00+08' + n % 60 * interval '1 day');
			END IF;
			INSERT INTO notes SELECT account, n, f::text FROM figures AS f WHERE f.account_id = account;
			COMMIT;
		END LOOP;
	END $$;
SQL

sub own_number
{
	my ($account) = @_;

	return "+867558601338$account";
}

sub make_traffic
{
	my ($sql) = @_;

	$sql->($traffic);
	foreach my $account (ACCOUNTS)
	{
		$sql->(qq{
			SELECT ccc.open_account($account, 'account', '2025-01-01 00:00+08'), ccc.top_up($account, 1000000);
			SELECT FROM ccc.buy($account, 'number_landline', 1, 6, '@{[own_number($account)]}', '2025-01-01 00:00+08');
			SELECT FROM ccc.buy($account, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08')});
	}
}

# The sessions, connected as the string says.
sub start_traffic
{
	my ($connection) = @_;

	return map {
		IPC::Run::start([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $connection,
			'-c', "CALL traffic($_, '" . own_number($_) . "')" ], '<', '/dev/null');
	} ACCOUNTS;
}

sub stop_traffic
{
	my ($sql, @sessions) = @_;

	$sql->('INSERT INTO stop DEFAULT VALUES');
	$_->finish or die 'traffic has failed' foreach @sessions;
}

# How many transactions of each account there are.
sub notes
{
	my ($sql) = @_;

	return map { split /\|/ } split /\n/, $sql->('SELECT account_id, count(*) FROM notes GROUP BY 1');
}

# Waits until there are so many of each, for a minute at most.
sub await_traffic
{
	my ($sql, $count) = @_;

	foreach (1 .. 600)
	{
		my %notes = notes($sql);

		return if (grep { $_ >= $count } values %notes) == (() = ACCOUNTS);
		select(undef, undef, undef, 0.1);
	}
	die "fewer than $count transactions";
}

sub same_notes
{
	my ($sql, $name) = @_;

	is( $sql->(q{
			SELECT f::text, n.figures FROM figures AS f
				LEFT JOIN (SELECT DISTINCT ON (account_id) * FROM notes ORDER BY account_id, n DESC) AS n USING (account_id)
			WHERE f::text IS DISTINCT FROM n.figures}),
		'', "$name: figures are those noted by the last transactions");
	is($sql->('SELECT account_id FROM notes GROUP BY 1 HAVING max(n) <> count(*)'), '', "$name: no earlier one is missing");
	is($sql->('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
}

1;

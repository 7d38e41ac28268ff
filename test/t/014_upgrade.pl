# pg_upgrade keeps every figure and goes on billing: within the running
# version, and to each later one that is installed with the same build of the
# extension.  An updated extension is what a fresh one is.
#
# Makes servers of its own, with PostgreSQL's modules for tests.
use strict;
use warnings;

use File::Basename qw(basename dirname);
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use Test::More;

use harness::Business;

plan(skip_all => 'initdb refuses root') if $> == 0;

# What makes the files of two versions compatible.
my @initdb = ('--data-checksums', '--no-locale', '-E', 'UTF8');

sub output
{
	my @command = @_;
	my $out;

	IPC::Run::run(\@command, '>', \$out) or die "@command failed";
	chomp $out;
	return $out;
}

sub scripts
{
	my ($bindir) = @_;
	my $sharedir = output("$bindir/pg_config", '--sharedir');

	return join '', map { basename($_) . ":\n" . PostgreSQL::Test::Utils::slurp_file($_) } sort glob "$sharedir/extension/ccc_billing--*.sql";
}

# Programs of later versions, where those are installed side by side.
sub later_versions
{
	my ($bindir) = @_;
	my ($version) = $bindir =~ m{/(\d+)/bin$} or return;
	my @found;

	foreach my $other (glob $bindir =~ s{/\d+/bin$}{/*/bin}r)
	{
		next unless $other =~ m{/(\d+)/bin$} && $1 > $version && -x "$other/pg_upgrade" && -x "$other/pg_config";
		push @found, [ $1, $other ];
	}
	return map { $_->[1] } sort { $a->[0] <=> $b->[0] } @found;
}

sub new_node
{
	my ($name, $bindir) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, install_path => dirname($bindir));

	$node->init(extra => \@initdb);
	return $node;
}

sub in_database
{
	my ($node, $database) = @_;

	return sub { $node->safe_psql($database, @_) };
}

# Every object of the extension, with all that the catalogue says of it but
# numbers given by chance.
sub objects
{
	my ($sql) = @_;

	return $sql->(q{
		SET search_path = pg_catalog;
		WITH member AS (
			SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid
			WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'ccc_billing'),
		class AS (SELECT c.* FROM pg_class AS c JOIN member AS m ON m.objid = c.oid AND m.classid = 'pg_class'::regclass)
		SELECT pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name) FROM member
		UNION ALL
		SELECT p.oid::regprocedure::text, concat_ws(' ', p.proowner::regrole, p.proacl::text, p.probin,
			CASE p.prokind WHEN 'a' THEN '' ELSE pg_get_functiondef(p.oid) END)
		FROM pg_proc AS p JOIN member AS m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
		UNION ALL
		SELECT c.oid::regclass::text, concat_ws(' ', c.relkind, c.relowner::regrole, c.relacl::text, c.reloptions::text, c.relrowsecurity,
			CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END)
		FROM class AS c
		UNION ALL
		SELECT format('%s.%s', c.oid::regclass, a.attname), concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			a.attacl::text, col_description(c.oid, a.attnum), pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation)
		FROM class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
			LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		UNION ALL
		SELECT format('%s: constraint %s', coalesce(c.oid::regclass::text, k.contypid::regtype::text), k.conname), pg_get_constraintdef(k.oid)
		FROM pg_constraint AS k LEFT JOIN class AS c ON c.oid = k.conrelid WHERE k.connamespace = 'ccc'::regnamespace
		UNION ALL
		SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN class AS c ON c.oid = i.indrelid
		UNION ALL
		SELECT format('%s: trigger %s', c.oid::regclass, t.tgname), concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'))
		FROM class AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid
		UNION ALL
		SELECT format('%s: policy %s', c.oid::regclass, p.polname), concat_ws(' ', p.polcmd, p.polroles::regrole[]::text, pg_get_expr(p.polqual, p.polrelid))
		FROM class AS c JOIN pg_policy AS p ON p.polrelid = c.oid
		UNION ALL
		SELECT format('%s: dumped', t.config::regclass), t.condition
		FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS t (config, condition) WHERE e.extname = 'ccc_billing'
		UNION ALL
		SELECT 'version', extversion FROM pg_extension WHERE extname = 'ccc_billing'
		UNION ALL
		SELECT 'schema', concat_ws(' ', nspowner::regrole, nspacl::text) FROM pg_namespace WHERE nspname = 'ccc'
		ORDER BY 1, 2});
}

# Expressions that were stored once and read again differ in parentheses and in
# names of columns that nobody asked for.
sub same_objects
{
	my ($sql, $fresh, $name) = @_;
	my ($got, $wanted) = map {
		{ map { s/[()]| AS "?\w+"?(?=,?$)//gr => 1 } split /^/, objects($_) }
	} $sql, $fresh;

	is(join('', sort grep { !$wanted->{$_} } keys %$got), '', "$name: no object that a fresh extension has not");
	is(join('', sort grep { !$got->{$_} } keys %$wanted), '', "$name: all that it has");
}

# Whether the later one can have a table of the earlier: a minor release may be
# too old for what a later one of the earlier version marks.
sub takes_over
{
	my ($old, $new, $new_bindir) = @_;

	$_->start foreach $old, $new;
	$old->safe_psql('postgres', 'CREATE TABLE plain (x integer)');
	my $dump = output("$new_bindir/pg_dump", '-d', $old->connstr('postgres'));
	my $error = $new->psql('postgres', "BEGIN;\n$dump\nROLLBACK", on_error_stop => 1);
	$_->stop foreach $old, $new;
	return $error == 0;
}

sub check_pg_upgrade
{
	my ($old_bindir, $new_bindir, $mode) = @_;
	my ($from, $to) = map { output("$_/postgres", '--version') =~ /(\d\S*)/ } $old_bindir, $new_bindir;
	my $name = "$from to $to by $mode";
	my $old = new_node("old_$from$mode$to", $old_bindir);
	my $new = new_node("new_$from$mode$to", $new_bindir);

	skip("$to cannot have a table of $from", 1) unless takes_over($old, $new, $new_bindir);
	$old->start;
	$old->safe_psql('postgres', 'CREATE DATABASE business');
	make_business(in_database($old, 'business'));
	my $contents = contents(in_database($old, 'business'));
	$old->stop;

	my @command = ("$new_bindir/pg_upgrade", $mode, '-b', $old_bindir, '-B', $new_bindir, '-d', $old->data_dir, '-D', $new->data_dir,
		'-p', $old->port, '-P', $new->port, '-s', $new->host);
	my $out;
	chdir $PostgreSQL::Test::Utils::tmp_check;
	ok(IPC::Run::run(\@command, '>', \$out, '2>&1'), "pg_upgrade from $name")
	  or diag($out, grep { /error|fatal/i } map { split /^/, PostgreSQL::Test::Utils::slurp_file($_) } glob $new->data_dir . '/pg_upgrade_output.d/*/log/*');
	$old->clean_node;
	$new->start;
	my $business = in_database($new, 'business');
	same_contents($business, $contents, $name);

	$new->safe_psql('postgres', 'CREATE DATABASE fresh');
	$new->safe_psql('fresh', 'CREATE EXTENSION ccc_billing');
	same_objects($business, in_database($new, 'fresh'), $name);
	goes_on($business, $name);
	return $new;
}

# Every version that was released can be updated to this one, and is the same
# then.  For that sql/ keeps its script and the one that updates it.
sub check_updates
{
	my ($node) = @_;
	my ($version, @earlier) = PostgreSQL::Test::Utils::slurp_file("$FindBin::RealBin/../../CHANGELOG.md") =~ /^## (\S+)$/mg;

	is($node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'ccc_billing'}),
		$version, 'the version is that of the changelog');
	$node->safe_psql('postgres', 'CREATE DATABASE newest');
	$node->safe_psql('newest', 'CREATE EXTENSION ccc_billing');
	foreach my $earlier (@earlier)
	{
		$node->safe_psql('postgres', 'CREATE DATABASE updated');
		if (ok(eval { $node->safe_psql('updated', "CREATE EXTENSION ccc_billing VERSION '$earlier'; ALTER EXTENSION ccc_billing UPDATE"); 1 },
			"$earlier can be updated") or diag($@), !$@)
		{
			same_objects(in_database($node, 'updated'), in_database($node, 'newest'), "updated from $earlier");
		}
		$node->safe_psql('postgres', 'DROP DATABASE updated');
	}
}

my $bindir = output('pg_config', '--bindir');

check_updates(check_pg_upgrade($bindir, $bindir, '--link'));
foreach my $later (later_versions($bindir))
{
  SKIP:
	{
		skip("$later: not the same build of the extension", 1) if scripts($bindir) ne scripts($later);
		check_pg_upgrade($bindir, $later, '--copy');
	}
}
done_testing();

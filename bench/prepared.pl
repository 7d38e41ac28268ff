# From a script of pgbench, what a server in single-user mode reads: the
# statement, prepared, and executions of it, each with the values that \set has
# for it.
#
#   perl bench/prepared.pl SCRIPT HOW-MANY NAME=VALUE...
use strict;
use warnings;

my ($script, $executions, @given) = @ARGV;
my %value = map { split /=/, $_, 2 } @given;
my (@sets, @names, %place);
my $statement = '';

sub random
{
	my ($from, $to) = @_;

	return $from + int(rand($to - $from + 1));
}

sub evaluated
{
	my ($expression) = @_;

	use integer;
	$expression =~ s/:([a-z]\w*)/$value{$1}/g;
	return eval($expression) // die "$expression: $@";
}

sub place_of
{
	my ($name) = @_;

	push @names, $name unless $place{$name};
	$place{$name} ||= @names;
	return '$' . $place{$name};
}

srand(1);
open my $in, '<', $script or die "$script: $!";
while (my $line = <$in>)
{
	chomp $line;
	if ($line =~ /^\\set (\w+) (.*)/) { push @sets, [ $1, $2 ]; }
	else { $statement .= " $line"; }
}
$statement =~ s/(?<!:):([a-z]\w*)/place_of($1)/ge;
print "PREPARE one AS$statement\n";
for (1 .. $executions)
{
	$value{ $_->[0] } = evaluated($_->[1]) foreach @sets;
	print 'EXECUTE one (', join(', ', map { "'$value{$_}'" } @names), ");\n";
}

# The whole business side by side, undisturbed: whatever sessions do at once to
# the same accounts, numbers and records, transactions are whole, each stored
# record is billed once or an exception, and all figures are those of a naive
# count of what is stored.
#
#   SIDE_BY_SIDE_ROUNDS=3   how often
#   SIDE_BY_SIDE_SEED=1     of the first round: a round's load depends on its
#                           seed alone
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Test::More;

use harness::Load;
use harness::Rounds;
use harness::Server;

use constant TRANSACTIONS => 100;    # of a session

my $first_seed = $ENV{SIDE_BY_SIDE_SEED} || 1;
my $rounds = $ENV{SIDE_BY_SIDE_ROUNDS} || 3;

make_server("fsync = off\n");
foreach my $seed ($first_seed .. $first_seed + $rounds - 1)
{
	srand($seed);
	prepare_business();
	my ($leaver, @others) = sessions($seed, TRANSACTIONS);

	start_sessions(@others);
	end_sessions(@others);
	start_sessions($leaver);
	end_sessions($leaver);
	check_round($seed, qr/^(40P01|40001|25P02|3B001|42704|55006): /, $leaver, @others);
	drop_business();
}
check_total("$rounds rounds, seeds from $first_seed", qw(committed));
done_testing();

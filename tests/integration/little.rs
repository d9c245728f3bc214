//! A little world of three platforms, two agencies and eight banks, for rules worked by hand.

use crate::common::read;
use mandate::random::Key;
use mandate::scenario::Scenario;
use mandate::scenario::parameters::Parameters;
use mandate::world::World;

/// The platforms' places in their roster.
pub const ANT: usize = 0;
pub const BEE: usize = 1;
pub const CAT: usize = 2;
/// The agencies' places in their roster.
pub const NORTH: usize = 0;
pub const SOUTH: usize = 1;

const PLATFORMS: &str = "\
id,name,reach,credit_weight,shopping,payments,travel,local_services,social,finance,skill,waits_for,goodwill,source
ant,Ant,0.5,2,0,0.4,0,0,0,0.2,0.5,0.8,0.1,test
bee,Bee,0.5,1,0,0.2,0.8,0,0,0,0.8,0,0,test
cat,Cat,0.2,7,0,0,0,0,0.1,0,1,1,0.05,test
";
const AGENCIES: &str = "\
id,name,operator,opens,capability,capability_ceiling,capability_learning,fee_query,fee_rule,unit_cost,fixed_cost,revenue_share,payout,regulator_appoints_management,records_loans,source
north,North,licensed,2018-01,0.5,0.9,0.1,20,fixed,1,1000,0.2,0.5,0.25,true,test
south,South,licensed,2021-03,0.6,0.6,0,3,fixed,1,0,,0,0,false,test
";
const STAKES: &str = "\
agency,holder,stake,source
north,ant,0.3,test
north,bee,0.1,test
north,outside:Fund,0.2,test
south,cat,0.4,test
south,outside:Fund,0.6,test
";
const BANKS: &str = "\
class,count,deposit_share,partnership_weight,information_precision,waits_for,source
big,2,0.6,0.25,0.8,0.8,test
small,6,0.4,0.75,0.3,0.5,test
";

/// The little scenario: no rule, no burn-in, one simulated user for 1,000 persons, everybody reviews
/// every month, no tastes, loans of CNY 12,000.
pub fn scenario(change: impl FnOnce(&mut Parameters)) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    let text = "
        title = \"Little\"
        [calendar]
        start = \"2021-01\"
        months = 24
        burn_in_months = 0
        [users]
        sample = 2000
        population = 2_000_000
        [credit]
        loan_cny = 12_000
        [rosters]
        platforms = \"platforms.csv\"
        agencies = \"agencies.csv\"
        stakes = \"stakes.csv\"
        banks = \"banks.csv\"
        [behaviour]
        review_rate = 1
        mu_platforms = 0
        mu_banks = 0
    ";
    for (name, text) in [
        ("platforms.csv", PLATFORMS),
        ("agencies.csv", AGENCIES),
        ("stakes.csv", STAKES),
        ("banks.csv", BANKS),
        ("little.toml", text),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut scenario = read(&folder.path().join("little.toml"), &[]);
    change(&mut scenario.parameters);
    scenario
}

/// The world of a scenario at the start of its month number `month`, rules in force.
pub fn world(scenario: &Scenario, month: u32) -> World<'_> {
    let mut world = World::new(scenario, Key::new(4, 1), 1, true);
    open(&mut world, month);
    world
}

/// Opens the month number `month`: its rules come into force.
pub fn open(world: &mut World, month: u32) {
    world.month = month;
    mandate::accounts::open_month(world);
    mandate::rules::come_into_force(world);
    world.add_tallies();
}

/// Makes what tests have set by hand the state at the end of the month before.
pub fn settle(world: &mut World) {
    for platform in &mut world.platforms {
        platform.before.delivered.clone_from(&platform.delivered);
        platform.before.sells_directly = platform.sells_directly;
    }
}

/// Fails unless two numbers agree to twelve digits.
#[track_caller]
pub fn same(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

/// Fails unless `count` of `trials` is within four standard deviations of `probability`.
#[track_caller]
pub fn likely(count: u64, trials: u64, probability: f64) {
    let (count, trials) = (count as f64, trials as f64);
    let sd = (trials * probability * (1.0 - probability)).sqrt();
    assert!(
        (count - trials * probability).abs() <= 4.0 * sd,
        "{count} of {trials}, expected {}",
        trials * probability
    );
}

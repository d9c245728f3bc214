//! Choices of platforms and banks: every term of every utility, worked by hand in a little world.

use crate::common::{from, written};
use crate::little::{ANT, BEE, CAT, NORTH, SOUTH, likely, open, same, scenario, settle, world};
use mandate::agents::banks::Source;
use mandate::agents::platforms::cost_increase_draw;
use mandate::choice::{Agent, Utility};
use mandate::compliance;
use mandate::month::step_month;
use mandate::panel::Person;
use mandate::random::{Key, Purpose};
use mandate::scenario::Scenario;
use mandate::scenario::parameters::{Parameters, PlatformRow};
use mandate::scenario::value::{Consent, DeliverTo, DirectSale, LoanRecords};
use mandate::screening::LendingTerms;
use mandate::sourcing::{self, Approvals};
use mandate::units::RuleMonth;
use mandate::world::World;

/// An order of January 2021 with a deadline in June, and a ban.
fn ordered(parameters: &mut Parameters) {
    parameters.rules.order = from("2021-01");
    parameters.rules.deadline = from("2021-06");
    parameters.rules.direct_sale_ban = from("2021-01");
}

/// April 2021, two months to the deadline: Ant has delivered a quarter to North, Bee everything to
/// North, Cat everything to both; Bee has stopped selling. A bank in four sources from North, by
/// partnership weight, an eighth of the small ones from both agencies.
fn april(scenario: &Scenario) -> World<'_> {
    let mut world = world(scenario, 3);
    world.platforms[ANT].delivered = vec![0.25, 0.0];
    world.platforms[BEE].delivered = vec![1.0, 0.0];
    world.platforms[CAT].delivered = vec![1.0, 1.0];
    world.platforms[BEE].sells_directly = false;
    world.platforms[ANT].belief = 0.1;
    world.platforms[ANT].direct_queries.push(30_000.0);
    world.platforms[ANT].direct_queries.push(10_000.0);
    world.agencies[NORTH].queries.push(0.0);
    world.agencies[NORTH].queries.push(50_000.0);
    world.agencies[SOUTH].queries.push(8_000.0);
    world.banks.source = [
        [Source::Agency(NORTH), Source::Direct].as_slice(),
        &[Source::AllAgencies, Source::Direct, Source::Direct],
        &[Source::None; 3],
    ]
    .concat();
    world
}

/// Shares of partner banks in April: North 0.25 / 2 + 0.75 / 6, South 0.75 / 6, direct 0.25 / 2 + 0.75 x 2 / 6.
const AT_NORTH: f64 = 0.25;
const AT_SOUTH: f64 = 0.125;
const DIRECT: f64 = 0.375;
/// Own precision of banks by partnership weight: 0.25 x 0.8 + 0.75 x 0.3.
const PARTNERS: f64 = 0.425;

/// Lets platforms choose, and gives the options of one choice of one of them.
fn weighed(world: &mut World, platform: usize, choice: &str) -> (Vec<Utility>, usize) {
    compliance::choose(world);
    last(world, Agent::Platform(platform), choice)
}

/// The last recorded decision of an agent on a choice: options and the one chosen.
fn last(world: &World, agent: Agent, choice: &str) -> (Vec<Utility>, usize) {
    let decisions = world.decisions.as_ref().unwrap();
    let found = decisions.iter().rev().find(|d| d.agent == agent && d.choice == choice);
    let decision = found.unwrap_or_else(|| panic!("{agent:?} has not decided on {choice}"));
    (decision.options.iter().map(|(_, utility)| *utility).collect(), decision.chosen)
}

fn term(utility: &Utility, name: &str) -> f64 {
    let found = utility.terms().iter().find(|(term, _)| *term == name);
    found.unwrap_or_else(|| panic!("no term {name}")).1
}

/// Fails unless a utility has exactly these terms.
#[track_caller]
fn terms_are(utility: &Utility, expected: &[(&str, f64)]) {
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(utility.terms().iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    for ((name, found), (_, expected)) in utility.terms().iter().zip(expected) {
        same(*found, *expected, name);
    }
    same(utility.total(), expected.iter().map(|(_, value)| value).sum(), "total");
}

/// What a platform's applicants among the panel are approved with: the mean by credit weight of the
/// approval at banks of the partners' precision and `bought` precision.
fn approved(world: &World, platform: usize, bought: impl Fn(&Person) -> f64) -> f64 {
    let weights = [2.0, 1.0, 7.0];
    let terms = LendingTerms::new(&world.parameters.credit);
    let (mut sum, mut all) = (0.0, 0.0);
    for person in &world.panel.persons {
        let member = |p: usize| person.memberships >> p & 1 == 1;
        if !member(platform) {
            continue;
        }
        let weight = weights[platform] / (0..3).filter(|p| member(*p)).map(|p| weights[p]).sum::<f64>();
        let own = if person.thin_file { 0.25 * PARTNERS } else { PARTNERS };
        sum += weight * terms.screen(own + bought(person), 0).approval(person.quality);
        all += weight;
    }
    sum / all
}

/// Raw precision of what some platforms know of a person, the best record counting in each domain.
fn raw(person: &Person, platforms: &[usize]) -> f64 {
    let has = |p: usize| f64::from(u8::from(platforms.contains(&p) && person.memberships >> p & 1 == 1));
    let payments = (0.4 * has(ANT)).max(0.2 * has(BEE));
    payments + 0.2 * has(ANT) + 0.8 * has(BEE) + 0.1 * has(CAT)
}

#[test]
fn the_reference_is_the_commission_expected_at_the_start() {
    let scenario = scenario(|_| ());
    let world = world(&scenario, 0);
    let persons = &world.panel.persons;
    let share = |person: &Person| {
        let member = |p: usize| f64::from(u8::from(person.memberships >> p & 1 == 1));
        2.0 * member(ANT) / (2.0 * member(ANT) + member(BEE) + 7.0 * member(CAT)).max(1.0)
    };
    let q = persons.iter().map(share).sum::<f64>() / persons.len() as f64;
    let approval = approved(&world, ANT, |_| 0.5 * 0.6);
    let expected = 2e6 * 0.06 * 0.373 * q * approval * 12_000.0 * 0.0274 * 13.0 / 24.0;
    same(world.platforms[ANT].reference_cny, expected, "reference");
    // x = reach x raw / weight: 0.15, 0.5, 0.02 / 7, with mean (0.3 + 0.5 + 0.02) / 10 by weight.
    let exclusivity = |p: usize| world.platforms[p].exclusivity;
    same(exclusivity(ANT), 0.15 / 0.082, "Ant");
    assert_eq!((exclusivity(BEE), exclusivity(CAT)), (4.0, 0.2), "0.5 / 0.082 and 0.035, in 0.2..4");
}

/// Where no platform has any data, none's are more exclusive than another's.
#[test]
fn without_data_nothing_is_exclusive() {
    let scenario = scenario(|p| {
        for platform in &mut p.platforms {
            platform.row = PlatformRow { reach: 0.5, credit_weight: 1.0, ..PlatformRow::default() };
        }
    });
    assert!(world(&scenario, 0).platforms.iter().all(|platform| platform.exclusivity == 1.0));
}

/// A platform that nobody borrows through expects nothing, and has no choice to make; nor has one whose commission
/// is next to nothing.
#[test]
fn a_platform_without_revenue_at_stake_makes_no_choice() {
    let scenario = scenario(|p| {
        ordered(p);
        p.platforms[BEE].row.reach = 0.0;
        p.platforms[CAT].row.commission = Some(1e-40);
    });
    let mut world = world(&scenario, 3);
    assert!(world.platforms[ANT].reference_cny > 1.0);
    assert_eq!([BEE, CAT].map(|p| world.platforms[p].reference_cny), [0.0; 2]);
    compliance::choose(&mut world);
    let decisions = world.decisions.as_ref().unwrap();
    assert!(!decisions.is_empty() && decisions.iter().all(|d| d.agent == Agent::Platform(ANT)));
}

/// The options of delivering to each agency, two months before the deadline.
#[test]
fn every_term_of_a_delivery() {
    let scenario = scenario(ordered);
    let mut world = april(&scenario);
    let reference = world.platforms[ANT].reference_cny;
    let draw = cost_increase_draw(Key::new(4, 1), ANT, world.parameters.costs.compliance_increase_shape);
    let own_score = approved(&world, ANT, |_| 0.3);
    let gain_north = AT_NORTH / own_score
        * (approved(&world, ANT, |u| 0.5 * raw(u, &[ANT, BEE, CAT]))
            - approved(&world, ANT, |u| 0.5 * raw(u, &[BEE, CAT])));
    let gain_south = AT_SOUTH / own_score
        * (approved(&world, ANT, |u| 0.6 * raw(u, &[ANT, CAT]))
            - approved(&world, ANT, |u| 0.6 * raw(u, &[CAT])));
    assert!(gain_north > 0.0 && gain_south > 0.0);

    let (north, _) = weighed(&mut world, ANT, "deliver:north");
    let (south, _) = last(&world, Agent::Platform(ANT), "deliver:south");
    for (option, c) in [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().enumerate() {
        let wc = 0.5 * c;
        let common =
            [("compliance_cost", -draw * 0.08 * 0.6 * wc), ("exclusivity", -0.06 * 0.15 / 0.082 * wc)];
        // Of North's records 0.5 c are Ant's, 0.5 Bee's, 0.2 Cat's; fee 20, 25,000 queries a month.
        let used = if c > 0.0 { 0.5 * c / (0.5 * c + 0.7) } else { 0.0 };
        // Fine 12 x 0.2 and three months of suspension; of two peers Cat complies.
        let duty = [
            ("goodwill", 0.1 * 0.5 * (1.0 - (1.0 - c) * (1.0 - c))),
            ("sanction", -0.1 * 5.4 * 0.5 * (1.0 - c) * 0.64),
            ("reluctance", -0.08 * (0.8 - 0.5) / 0.8 * wc),
            ("taste", 0.0),
        ];
        let own = [
            ("neutrality", 0.0),
            ("own_stake", 0.15 * 0.3 * 0.75 * wc),
            ("revenue_share", 0.2 * 20.0 * 25_000.0 * used / reference),
            ("credit_gain", gain_north * c),
        ];
        terms_are(&north[option], &[common.as_slice(), &own, &duty].concat());
        // South is Cat's by 40 %, has no share of its own (15 %), and holds Cat's records alone.
        let used = if c > 0.0 { 0.5 * c / (0.5 * c + 0.2) } else { 0.0 };
        let own = [
            ("neutrality", -0.25 * 0.4 * wc),
            ("own_stake", 0.0),
            ("revenue_share", 0.15 * 3.0 * 8_000.0 * used / reference),
            ("credit_gain", gain_south * c),
        ];
        terms_are(&south[option], &[common.as_slice(), &own, &duty].concat());
    }
    // Bee owns a tenth of North, where Ant has 0.3 and the regulator appoints a quarter; it waits for nobody.
    let (bee, _) = last(&world, Agent::Platform(BEE), "deliver:north");
    same(term(&bee[4], "neutrality"), -0.25 * 0.2 * 0.75 * 0.5, "neutrality of Bee");
    same(term(&bee[4], "own_stake"), 0.15 * 0.1 * 0.75 * 0.5, "own stake of Bee");
    assert_eq!(term(&bee[4], "reluctance"), 0.0);
    let (cat, _) = last(&world, Agent::Platform(CAT), "deliver:north");
    same(term(&cat[4], "neutrality"), -0.25 * 0.3 * 0.75 * 0.5, "the largest rival of Cat");
    let gain_of_cat = AT_SOUTH / approved(&world, CAT, |_| 0.1)
        * (approved(&world, CAT, |u| 0.6 * raw(u, &[CAT])) - approved(&world, CAT, |_| 0.0));
    let (cat, _) = last(&world, Agent::Platform(CAT), "deliver:south");
    same(term(&cat[4], "credit_gain"), gain_of_cat, "South has nothing but what Cat delivers");
}

/// From the deadline on the sanction is not discounted; it scales with what is required.
#[test]
fn a_sanction_comes_nearer() {
    let mut scenario = scenario(ordered);
    scenario.parameters.rules.required_share = 0.5;
    // months to the deadline: 5 in January, 1 in May, 0 from June on.
    for (month, discount) in [(0, 0.8f64.powi(5)), (4, 0.8), (5, 1.0), (9, 1.0)] {
        let mut world = world(&scenario, month);
        world.platforms[ANT].belief = 0.2;
        // In January and February South is closed, and North is the only agency.
        let w = if month < 2 { 1.0 } else { 0.5 };
        let (options, _) = weighed(&mut world, ANT, "deliver:north");
        let sanctions: Vec<f64> = options.iter().map(|option| term(option, "sanction")).collect();
        for (found, shortfall) in sanctions.into_iter().zip([1.0, 0.5, 0.0, 0.0, 0.0]) {
            same(found, -0.2 * 5.4 * w * shortfall * discount, "sanction");
        }
    }
    scenario.parameters.rules.deadline = RuleMonth::Never;
    let (options, _) = weighed(&mut world(&scenario, 9), ANT, "deliver:north");
    assert_eq!(term(&options[0], "sanction"), 0.0, "no deadline, no sanction");
}

#[test]
fn without_an_order_nothing_is_owed_and_nobody_leaves() {
    let scenario = scenario(|p| p.platforms[ANT].row.cost_base = Some(1.0));
    let mut world = april(&scenario);
    let (options, _) = weighed(&mut world, ANT, "deliver:north");
    for name in ["sanction", "goodwill", "reluctance"] {
        assert_eq!(term(&options[2], name), 0.0, "{name}");
    }
    same(term(&options[4], "exclusivity"), -0.06 * 0.15 / 0.082 * 0.5, "w = 1 / 2 agencies");
    let decisions = world.decisions.as_ref().unwrap();
    assert!(decisions.iter().all(|decision| decision.choice != "stay_in_partnership"));
    // Before an order that is still to come nothing of it acts, not even its list of agencies.
    let mut later = scenario.clone();
    later.parameters.rules.order = from("2021-12");
    later.parameters.rules.deliver_to = DeliverTo::List(vec!["south".into()]);
    let world = crate::little::world(&later, 3);
    assert_eq!((world.rules.agencies[ANT].as_slice(), world.rules.required_share), ([0, 1].as_slice(), 0.0));
}

/// Where any one agency is enough, the better one has weight 1 and the other gets nothing.
#[test]
fn one_agency_may_be_enough() {
    let mut scenario = scenario(ordered);
    scenario.parameters.rules.deliver_to = DeliverTo::Any;
    let mut world = april(&scenario);
    let (north, chosen) = weighed(&mut world, ANT, "deliver:north");
    let (south, other) = last(&world, Agent::Platform(ANT), "deliver:south");
    same(term(&north[4], "own_stake"), 0.15 * 0.3 * 0.75, "w = 1");
    same(term(&south[4], "neutrality"), -0.25 * 0.4, "w = 1");
    let best = |options: &[Utility]| options.iter().map(Utility::total).fold(f64::NEG_INFINITY, f64::max);
    assert!(best(&north) > best(&south));
    assert_eq!((north[chosen].total(), other), (best(&north), 0));
    assert_eq!(world.platforms[ANT].target[SOUTH], 0.0);
    let (stay, _) = last(&world, Agent::Platform(ANT), "stay_in_partnership");
    same(term(&stay[0], "best_delivery"), best(&north), "the better agency alone");
    // Bee's whole delivery to North now counts whole: both peers of Ant comply.
    assert!(compliance::complies(&world, BEE) && compliance::complies(&world, CAT));
    assert_eq!(term(&north[4], "reluctance"), 0.0);
}

#[test]
fn every_term_of_selling_directly() {
    let scenario = scenario(ordered);
    let mut world = april(&scenario);
    let reference = world.platforms[ANT].reference_cny;
    let with = approved(&world, ANT, |_| 0.3);
    let gain = DIRECT * (with - approved(&world, ANT, |_| 0.0)) / with;
    let (options, _) = weighed(&mut world, ANT, "sell_directly");
    // Fee 6, 20,000 queries a month; the fine is 12 x 0.2; of two peers Bee has stopped.
    terms_are(
        &options[0],
        &[
            ("direct_fees", 6.0 * 20_000.0 / reference),
            ("credit_gain", gain),
            ("sanction", -0.1 * 2.4),
            ("taste", 0.0),
        ],
    );
    terms_are(&options[1], &[("reluctance", -0.08 * (0.8 - 0.5) / 0.8), ("taste", 0.0)]);
    // Once Cat has stopped too, all its peers have, and nothing holds Ant back.
    open(&mut world, 4);
    (world.platforms[BEE].sells_directly, world.platforms[CAT].sells_directly) = (false, false);
    let (options, _) = weighed(&mut world, ANT, "sell_directly");
    assert_eq!(term(&options[1], "reluctance"), 0.0);

    let consented = crate::little::scenario(|p| {
        (p.rules.consent, p.rules.consent_share) = (Consent::OptIn, 0.3);
        p.platforms[BEE].row.direct_sale = DirectSale::Never;
    });
    let mut world = april(&consented);
    world.platforms[BEE].sells_directly = true;
    let key = world.key;
    let consents = |u: &Person| key.uniform(Purpose::Consent, u.user, 0, 0) < 0.3;
    let score = |u: &Person| if consents(u) { 0.3 } else { 0.0 };
    let gain = DIRECT * (approved(&world, ANT, score) - approved(&world, ANT, |_| 0.0)) / with;
    let (options, _) = weighed(&mut world, ANT, "sell_directly");
    same(term(&options[0], "credit_gain"), gain, "gain on those who consent");
    assert_eq!((term(&options[0], "sanction"), term(&options[1], "reluctance")), (0.0, 0.0), "no ban");
    assert!(!world.platforms[BEE].sells_directly, "it has no data business to sell from");
}

/// Leaving is worth nothing, so a platform without a margin leaves once delivering and not delivering
/// both cost it something; who left is not bound and nobody's peer, and may come back.
#[test]
fn partnerships_are_left_where_they_cost_more_than_they_earn() {
    let mut scenario = scenario(ordered);
    scenario.parameters.platforms[CAT].row.cost_base = Some(1.0);
    scenario.parameters.platforms[CAT].row.goodwill = 0.0;
    scenario.parameters.behaviour.exclusivity = 10.0;
    scenario.parameters.behaviour.own_stake = 0.0;
    let mut world = april(&scenario);
    world.platforms[CAT].belief = 0.5;
    let (ant, _) = weighed(&mut world, ANT, "stay_in_partnership");
    same(term(&ant[0], "commission_margin"), 0.4, "1 - 0.6");
    let (options, chosen) = last(&world, Agent::Platform(CAT), "stay_in_partnership");
    let best = |choice: &str| {
        let options = last(&world, Agent::Platform(CAT), choice).0;
        options.iter().map(Utility::total).fold(f64::NEG_INFINITY, f64::max)
    };
    let delivery = best("deliver:north") + best("deliver:south");
    assert!(delivery < 0.0);
    terms_are(&options[0], &[("commission_margin", 0.0), ("best_delivery", delivery), ("taste", 0.0)]);
    terms_are(&options[1], &[("taste", 0.0)]);
    assert_eq!((chosen, world.platforms[CAT].in_partnership), (1, false));
    assert_eq!(world.platforms[CAT].target, [0.0, 0.0]);
    assert_eq!(mandate::supervision::bound_delivery(&world, CAT), None);
    assert_eq!(mandate::observe::month_row(&world).platforms_bound, 2);

    // Cat alone has complied; now that it is gone, none of Ant's peers has.
    open(&mut world, 4);
    world.platforms[CAT].belief = 0.0;
    let (north, _) = weighed(&mut world, ANT, "deliver:north");
    same(term(&north[4], "reluctance"), -0.08 * 0.5, "the whole reluctance");
    let (_, chosen) = last(&world, Agent::Platform(CAT), "stay_in_partnership");
    assert_eq!((chosen, world.platforms[CAT].in_partnership), (0, true), "nothing to fear: it is back");
}

#[test]
fn tastes_stay_and_are_scaled() {
    let mut scenario = scenario(ordered);
    scenario.parameters.behaviour.mu_platforms = 0.5;
    scenario.parameters.behaviour.mu_banks = 0.5;
    let tastes = |scenario: &Scenario, month: u32| -> Vec<(Agent, String, f64)> {
        let mut world = april(scenario);
        open(&mut world, month);
        settle(&mut world);
        sourcing::choose(&mut world);
        compliance::choose(&mut world);
        let decisions = world.decisions.take().unwrap();
        let of = |d: &mandate::choice::Decision| {
            let named = |(option, utility): &(String, Utility)| {
                (d.agent, format!("{} {option}", d.choice), term(utility, "taste"))
            };
            d.options.iter().map(named).collect::<Vec<_>>()
        };
        decisions.iter().flat_map(of).collect()
    };
    let (march, september) = (tastes(&scenario, 2), tastes(&scenario, 8));
    assert_eq!(march, september, "a taste does not change from month to month");
    assert_eq!(march.len(), 3 * (5 + 5 + 2 + 2) + 8 * 5);
    let mut distinct: Vec<u64> = march.iter().map(|(_, _, taste)| taste.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), march.len(), "every agent, choice and option has its own");
    let mean = march.iter().map(|(_, _, taste)| taste).sum::<f64>() / march.len() as f64;
    assert!((mean - 0.5 * 0.577 * 2.0 / 3.0).abs() < 0.3, "{mean}");

    // Alone, with South closed, North has weight 1 instead of 1/2: its tastes double.
    let january = tastes(&scenario, 0);
    for (agent, option, taste) in january.iter().filter(|(_, option, _)| option.starts_with("deliver:")) {
        let later = march.iter().find(|(a, o, _)| a == agent && o == option).unwrap();
        same(*taste, 2.0 * later.2, option);
    }
    scenario.parameters.behaviour.mu_platforms = 0.25;
    scenario.parameters.behaviour.mu_banks = 0.125;
    for ((agent, option, taste), (_, _, scaled)) in march.iter().zip(tastes(&scenario, 2)) {
        let factor = if matches!(agent, Agent::Platform(_)) { 0.5 } else { 0.25 };
        same(scaled, factor * taste, option);
    }
    // Where one agency is enough, deliveries have weight 1 as all else: no two choices have a taste in common.
    scenario.parameters.rules.deliver_to = DeliverTo::Any;
    let mut whole: Vec<u64> = tastes(&scenario, 2).iter().map(|(_, _, taste)| taste.to_bits()).collect();
    whole.sort_unstable();
    whole.dedup();
    assert_eq!(whole.len(), march.len());
}

/// Approvals on the panel are kept from month to month: banks weigh what they would if all were worked out anew, also
/// after changes of what they depend on. Data do not grow, so that they are kept in the calendar too.
#[test]
fn approvals_that_are_kept_are_those_that_would_be_worked_out() {
    let scenario = written(
        "extends = \"{scenarios}/strict-oversight.toml\"
        title = \"Approvals change\"
        [calendar]
        burn_in_months = 14
        months = 30
        [users]
        sample = 2_000
        [rules]
        consent = \"opt-out\"
        loan_records = \"all\"
        lender_reporting = 0.5
        [exposure]
        data_growth_monthly = 0
        [[amendment]]
        from = \"2021-03\"
        set = { \"credit.lending_rate\" = 0.16 }
        [[amendment]]
        from = \"2021-05\"
        set = { \"users.thin_file_discount\" = 0.7 }
        [[amendment]]
        from = \"2021-08\"
        set = { \"rules.consent_share\" = 0.4 }
        [[amendment]]
        from = \"2021-10\"
        set = { \"platforms.ant.skill\" = 0.3 }
        ",
        &[],
    );
    let world = || World::new(&scenario, Key::new(4, 1), 1, true);
    let (mut keeps, mut forgets) = (world(), world());
    let mut weighed = 0;
    for month in 0..scenario.parameters.calendar.all_months() {
        for world in [&mut keeps, &mut forgets] {
            world.month = month;
            step_month(world);
        }
        forgets.approvals = Approvals::default();
        assert_eq!(keeps.decisions, forgets.decisions, "{}", keeps.now());
        assert_eq!(keeps.banks.source, forgets.banks.source, "{}", keeps.now());
        weighed += keeps.decisions.as_ref().map_or(0, Vec::len);
    }
    assert!(weighed > 10_000, "{weighed}");
}

/// Everybody does what is best by its own account of it.
#[test]
fn what_is_chosen_is_done() {
    let mut scenario = scenario(ordered);
    (scenario.parameters.behaviour.mu_platforms, scenario.parameters.behaviour.mu_banks) = (0.5, 0.5);
    scenario.parameters.banks[0].row.count = 200;
    let mut sold = [0, 0];
    for seed in 0..10 {
        let mut world = World::new(&scenario, Key::new(seed, 1), 1, true);
        open(&mut world, 3);
        world.platforms.iter_mut().for_each(|platform| platform.delivered = vec![0.5, 0.5]);
        settle(&mut world);
        sourcing::choose(&mut world);
        compliance::choose(&mut world);
        for decision in world.decisions.as_ref().unwrap() {
            let total = |option: &(String, Utility)| option.1.total();
            let best = decision.options.iter().map(total).fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(total(&decision.options[decision.chosen]), best);
            let chosen = decision.options[decision.chosen].0.as_str();
            match decision.agent {
                Agent::Bank(bank) => {
                    let source = match chosen {
                        "none" => Source::None,
                        "direct" => Source::Direct,
                        "north" => Source::Agency(NORTH),
                        "south" => Source::Agency(SOUTH),
                        _ => Source::AllAgencies,
                    };
                    assert_eq!(world.banks.source[bank], source);
                }
                Agent::Platform(p) => {
                    let platform = &world.platforms[p];
                    let target = |a: usize| if platform.in_partnership { platform.target[a] } else { 0.0 };
                    let done = match decision.choice.as_str() {
                        "sell_directly" => (if platform.sells_directly { "sell" } else { "stop" }).into(),
                        "stay_in_partnership" => {
                            (if platform.in_partnership { "stay" } else { "leave" }).into()
                        }
                        "deliver:north" => target(NORTH).to_string(),
                        _ => target(SOUTH).to_string(),
                    };
                    assert!(done == chosen || !platform.in_partnership && done == "0", "{done} for {chosen}");
                    sold[usize::from(platform.sells_directly)] += 1;
                }
            }
        }
    }
    assert!(sold[0] > 0 && sold[1] > 0, "{sold:?}");
}

/// Who may never sell stops at once, without a review.
#[test]
fn a_platform_that_may_never_sell_stops_without_a_review() {
    let scenario = scenario(|p| {
        (p.calendar.burn_in_months, p.behaviour.review_rate) = (1, 0.0);
        p.platforms[CAT].row.direct_sale = DirectSale::Never;
    });
    let mut world = world(&scenario, 0);
    for (month, cat) in [(0, true), (1, false)] {
        open(&mut world, month);
        compliance::choose(&mut world);
        assert_eq!([ANT, BEE, CAT].map(|p| world.platforms[p].sells_directly), [true, true, cat], "{month}");
    }
}

/// In the first month of all every bank chooses, later a share of them.
#[test]
fn banks_review_now_and_then() {
    let scenario = scenario(|p| {
        p.behaviour.review_rate = 0.25;
        p.banks[1].row.count = 2_000;
    });
    let mut world = world(&scenario, 0);
    let reviews = |world: &mut World, month: u32| {
        open(world, month);
        sourcing::choose(world);
        world.decisions.as_ref().unwrap().len() as u64
    };
    assert_eq!(reviews(&mut world, 0), 2_002);
    let later = (1..5).map(|month| reviews(&mut world, month)).sum();
    likely(later, 4 * 2_002, 0.25);
}

/// What data are worth is worked out on those who may apply.
#[test]
fn the_barred_count_for_no_bank() {
    let scenario = scenario(|p| p.credit.max_loans = 1);
    let mut world = world(&scenario, 3);
    // The last in order of quality alone is neither barred nor at the limit of loans.
    for place in 0..999 {
        if place % 2 == 0 {
            world.blocks[0].lock_out(place, 4);
        } else {
            world.blocks[0].grant(place, 0, 0, false, 2);
        }
    }
    settle(&mut world);
    sourcing::choose(&mut world);
    let person = &world.panel.persons[999];
    let terms = LendingTerms::new(&world.parameters.credit);
    let own = if person.thin_file { 0.25 * 0.8 } else { 0.8 };
    let margin = terms.yearly_margin(person.quality, 0);
    let expected = 12_000.0 * 13.0 / 24.0 * margin * terms.screen(own, 0).approval(person.quality);
    assert!(expected > 1.0);
    same(world.decisions.as_ref().unwrap()[0].reference_cny, expected, "one applicant");
    // When they are free again, they all count.
    open(&mut world, 4);
    sourcing::choose(&mut world);
    assert!(world.decisions.as_ref().unwrap()[0].reference_cny < expected / 2.0);
}

/// Direct data cost a bank by how applicants come to it, and by who consents.
#[test]
fn direct_data_are_paid_for_by_how_applicants_come() {
    for (deposit_share, partnership_weight, consent_share) in
        [(0.6, 0.25, 1.0), (0.6, 0.25, 0.3), (0.0, 0.25, 1.0), (0.6, 0.0, 1.0)]
    {
        let scenario = scenario(|p| {
            (p.rules.consent, p.rules.consent_share) = (Consent::OptIn, consent_share);
            p.banks[0].row.deposit_share = deposit_share;
            p.banks[0].row.partnership_weight = partnership_weight;
        });
        let mut world = april(&scenario);
        settle(&mut world);
        sourcing::choose(&mut world);
        let share = 0.373 * (1.222f64 / 1.125).powf(0.25);
        let (through, home) = (share * partnership_weight, (1.0 - share) * deposit_share);
        let through = through / (through + home);
        let key = world.key;
        // Ant and Cat sell: at home whoever is a member of either is bought, through platforms who comes by them.
        let queries = |person: &Person| {
            let member = |p: usize| f64::from(u8::from(person.memberships >> p & 1 == 1));
            if key.uniform(Purpose::Consent, person.user, 0, 0) >= consent_share || person.memberships == 0 {
                return 0.0;
            }
            let sold = 2.0 * member(ANT) + 7.0 * member(CAT);
            through * sold / (sold + member(BEE)) + (1.0 - through) * member(ANT).max(member(CAT))
        };
        let mean = world.panel.persons.iter().map(queries).sum::<f64>() / 1000.0;
        let (options, _) = last(&world, Agent::Bank(0), "data_source");
        let reference = profit_without_loans(&world);
        same(term(&options[1], "fees"), -6.0 * mean / reference, "fees");
    }
}

/// The mean profit of an application at a big bank without data, of persons without loans.
fn profit_without_loans(world: &World) -> f64 {
    let terms = LendingTerms::new(&world.parameters.credit);
    let of = |person: &Person| {
        let own = if person.thin_file { 0.25 * 0.8 } else { 0.8 };
        terms.yearly_margin(person.quality, 0) * terms.screen(own, 0).approval(person.quality)
    };
    12_000.0 * 13.0 / 24.0 * world.panel.persons.iter().map(of).sum::<f64>() / 1000.0
}

/// Banks of April, with loans on the panel: the `i`-th of the first 600 persons has a loan with its
/// home bank, one elsewhere that was not reported, one elsewhere that was, or none.
fn lent(scenario: &Scenario) -> World<'_> {
    let mut world = april(scenario);
    world.decisions_made.push(1e6);
    world.decisions_made.push(0.6e6);
    world.banks.belief = vec![0.03; 8];
    let block = &mut world.blocks[0];
    for place in 0..600 {
        let home = block.home_bank(place);
        let another = (home + 1) % 8;
        let loans = [(home, false), (another, false), (another, true)];
        if let Some((lender, reported)) = loans.get(place % 4) {
            block.grant(place, *lender, 0, *reported, 2);
        }
    }
    world
}

/// The mean profit of an application, by hand: over the panel, approval at own precision and what is
/// bought times margin, CNY 12,000 for 13/24 years.
fn profit(
    world: &World,
    own: f64,
    sees_reported: bool,
    approval: impl Fn(&Person, &dyn Fn(f64) -> f64) -> f64,
) -> f64 {
    let terms = LendingTerms::new(&world.parameters.credit);
    let persons = world.panel.persons.iter().enumerate();
    let of = |(place, person): (usize, &Person)| {
        let (loans, seen) = match (place < 600, place % 4) {
            (true, 0) => (1, 1),
            (true, 1) => (1, 0),
            (true, 2) => (1, u32::from(sees_reported)),
            _ => (0, 0),
        };
        let own = if person.thin_file { 0.25 * own } else { own };
        let pd = terms.pd(person.quality, f64::from(loans));
        let margin = 0.035 * (1.0 - pd) - 0.65 * pd;
        let screened = |bought: f64| terms.screen(own + bought, seen).approval(person.quality);
        margin * approval(person, &screened)
    };
    12_000.0 * 13.0 / 24.0 * persons.map(of).sum::<f64>() / world.panel.persons.len() as f64
}

#[test]
fn every_term_of_a_data_source() {
    let scenario = scenario(|p| {
        ordered(p);
        (p.rules.order, p.rules.deadline) = (RuleMonth::Never, RuleMonth::Never);
    });
    let mut world = lent(&scenario);
    // Shares between 0 and 1 are drawn person by person, which other tests look at.
    world.platforms[ANT].delivered = vec![0.0, 0.0];
    settle(&mut world);
    sourcing::choose(&mut world);
    let decision = world.decisions.as_ref().unwrap().iter().find(|d| d.agent == Agent::Bank(2)).unwrap();
    let names: Vec<&str> = decision.options.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["none", "direct", "north", "south", "both"]);

    let own = 0.3;
    let none = profit(&world, own, false, |_, approval| approval(0.0));
    assert!(none > 1.0, "a reference of its own: {none}");
    same(decision.reference_cny, none, "reference");
    // Hazard and platforms' share have grown for a quarter of a year; small banks get 0.75 of the
    // partnership applications and 0.4 of the others.
    let share = 0.373 * (1.222f64 / 1.125).powf(0.25);
    let through = share * 0.75 / (share * 0.75 + (1.0 - share) * 0.4);
    // Ant (score 0.3) and Cat (0.1) sell; Bee does not.
    let came = |person: &Person| {
        let member = |p: usize| f64::from(u8::from(person.memberships >> p & 1 == 1));
        let weight = 2.0 * member(ANT) + member(BEE) + 7.0 * member(CAT);
        let by = if weight > 0.0 { through / weight } else { 0.0 };
        let (ant, bee, cat) = (2.0 * member(ANT) * by, member(BEE) * by, 7.0 * member(CAT) * by);
        let home = 1.0 - ant - bee - cat;
        let (best, sold) = match (member(ANT) > 0.0, member(CAT) > 0.0) {
            (true, _) => (0.3, 1.0),
            (false, true) => (0.1, 1.0),
            (false, false) => (0.0, 0.0),
        };
        ([(ant, 0.3), (bee, 0.0), (cat, 0.1), (home, best)], ant + cat + home * sold)
    };
    let direct = profit(&world, own, false, |person, approval| {
        came(person).0.iter().map(|(share, bought)| share * approval(*bought)).sum()
    });
    let queries = world.panel.persons.iter().map(|u| came(u).1).sum::<f64>() / 1000.0;
    // North, which records loans, reads Bee and Cat at 0.5; South reads Cat at 0.6; both at 0.6.
    let north = profit(&world, own, true, |u, approval| approval(0.5 * raw(u, &[BEE, CAT])));
    let south = profit(&world, own, false, |u, approval| approval(0.6 * raw(u, &[CAT])));
    let both = profit(&world, own, true, |u, approval| approval(0.6 * raw(u, &[BEE, CAT])));
    // A fine of 1.6 m over 0.8 m / 8 applications. Four of seven other banks don't buy directly, for a
    // bank that does not itself: more than the half that it waits for.
    let fine = 0.03 * 16.0 / none;
    let expected = [
        (none, 0.0, 0.0),
        (direct, 6.0 * queries, fine),
        (north, 20.0, 0.0),
        (south, 3.0, 0.0),
        (both, 23.0, 0.0),
    ];
    for ((_, utility), (profit, fees, fine)) in decision.options.iter().zip(expected) {
        terms_are(
            utility,
            &[
                ("profit", profit / none),
                ("fees", -fees / none),
                ("sanction", -fine),
                ("reluctance", 0.0),
                ("taste", 0.0),
            ],
        );
    }
    // A big bank waits for 0.8: that of no direct data sees 4 of 7 others without, that of direct 5 of 7.
    for (bank, others) in [(0, 4.0), (1, 5.0)] {
        let (options, _) = last(&world, Agent::Bank(bank), "data_source");
        for (i, option) in options.iter().enumerate() {
            let held = if i == 1 { 0.0 } else { -0.06 * (0.8 - others / 7.0) / 0.8 };
            same(term(option, "reluctance"), held, "reluctance");
        }
    }
}

#[test]
fn reported_loans_are_seen_by_whom_the_rules_say() {
    for (records, none, north, south) in [
        (LoanRecords::None, false, false, false),
        (LoanRecords::Subscribers, false, true, false),
        (LoanRecords::All, true, true, true),
    ] {
        let scenario = scenario(|p| p.rules.loan_records = records);
        let mut world = lent(&scenario);
        world.platforms[ANT].delivered = vec![0.0, 0.0];
        settle(&mut world);
        sourcing::choose(&mut world);
        let (options, _) = last(&world, Agent::Bank(0), "data_source");
        let reference = profit(&world, 0.8, none, |_, approval| approval(0.0));
        let expected = profit(&world, 0.8, north, |u, a| a(0.5 * raw(u, &[BEE, CAT])));
        same(term(&options[2], "profit"), expected / reference, "North");
        let expected = profit(&world, 0.8, south, |u, a| a(0.6 * raw(u, &[CAT])));
        same(term(&options[3], "profit"), expected / reference, "South");
    }
}

#[test]
fn a_menu_has_what_can_be_had() {
    let scenario = scenario(|_| ());
    let names = |change: &dyn Fn(&mut World), month: u32| -> Vec<String> {
        let mut world = april(&scenario);
        open(&mut world, month);
        change(&mut world);
        settle(&mut world);
        sourcing::choose(&mut world);
        let decision = &world.decisions.as_ref().unwrap()[0];
        decision.options.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&|_| (), 3), ["none", "direct", "north", "south", "both"]);
    assert_eq!(names(&|_| (), 1), ["none", "direct", "north"], "South opens in March");
    let nobody_sells = |world: &mut World| world.platforms.iter_mut().for_each(|p| p.sells_directly = false);
    assert_eq!(names(&nobody_sells, 3), ["none", "north", "south", "both"]);
    let empty = |world: &mut World| world.platforms[CAT].delivered[SOUTH] = 0.0;
    assert_eq!(names(&empty, 3), ["none", "direct", "north"], "South holds nothing");
}

/// What platforms have done this month, banks see next month.
#[test]
fn banks_see_how_platforms_ended_the_month_before() {
    let scenario = scenario(|_| {});
    let mut world = world(&scenario, 3);
    world.platforms[ANT].delivered[NORTH] = 1.0;
    world.platforms.iter_mut().for_each(|platform| platform.sells_directly = false);
    assert!(!world.on_menu(NORTH));
    sourcing::choose(&mut world);
    let options = |world: &World| -> Vec<String> {
        let decision = &world.decisions.as_ref().unwrap()[0];
        decision.options.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(options(&world), ["none", "direct"]);
    crate::little::open(&mut world, 4);
    sourcing::choose(&mut world);
    assert_eq!(options(&world), ["none", "north"]);
}

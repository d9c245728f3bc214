//! Step 2 of a month, compliance: each platform that reviews chooses how much to deliver to each
//! agency, whether to sell directly, and whether to stay in loan partnerships.
//!
//! All choices read the state at the end of the month before. Utilities are money per month divided
//! by the platform's reference revenue.

use crate::agents::platforms::COMPLIANT_FROM;
use crate::choice::{Agent, Decision, Utility, best, holding_back};
use crate::panel::PartnerScreens;
use crate::pooling::Delivered;
use crate::random::Purpose;
use crate::scenario::parameters::Stake;
use crate::world::World;

/// Shares of its records that a platform may choose to deliver.
pub const TARGETS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Numbers of choices in the keys of tastes; those of deliveries start at `DELIVER`.
const SELL: u32 = 0;
const STAY: u32 = 1;
const DELIVER: u32 = 2;
/// Options of a choice in the keys of tastes, at most.
const OPTIONS: u32 = 8;

/// Lets platforms choose.
pub fn choose(world: &mut World) {
    for (p, platform) in world.platforms.iter_mut().enumerate() {
        if world.rules.never_sell >> p & 1 == 1 {
            platform.sells_directly = false;
        }
    }
    if world.in_burn_in() {
        return;
    }
    let reviewing: Vec<usize> = (0..world.platforms.len()).filter(|p| reviews(world, *p)).collect();
    if reviewing.is_empty() {
        return;
    }
    let market = Market::new(world);
    let plans: Vec<(usize, Plan)> = reviewing.into_iter().map(|p| (p, plan(world, &market, p))).collect();
    for (p, plan) in plans {
        let platform = &mut world.platforms[p];
        platform.target = plan.target;
        platform.sells_directly = plan.sells_directly;
        platform.in_partnership = plan.in_partnership;
        if let Some(decisions) = &mut world.decisions {
            decisions.extend(plan.decisions);
        }
    }
}

/// Whether a platform reviews its choices this month. One without revenue at stake has none to make.
fn reviews(world: &World, platform: usize) -> bool {
    let luck = world.key.uniform(Purpose::PlatformReview, platform as u32, world.month, 0);
    luck < world.parameters.behaviour.review_rate && world.platforms[platform].reference_cny > 0.0
}

/// What a platform has decided to do.
struct Plan {
    target: Vec<f64>,
    sells_directly: bool,
    in_partnership: bool,
    decisions: Vec<Decision>,
}

/// What all platforms see of each other and of banks.
struct Market {
    screens: PartnerScreens,
    delivered: Delivered,
    /// Share of partner banks that buy directly, by partnership weight.
    banks_direct: f64,
    /// Share of partner banks that source from each agency.
    banks_at: Vec<f64>,
    complying: Vec<bool>,
    /// By agency, its shareholders that are platforms, and their stakes.
    stakes: Vec<Vec<(usize, f64)>>,
    /// Expected fine of one month in months of reference revenue, if found: fine and suspension.
    sanction: f64,
    /// The fine alone.
    fine: f64,
}

impl Market {
    fn new(world: &World) -> Market {
        let partners = |uses: &dyn Fn(usize) -> bool| {
            let share = |class: usize| {
                let banks = world.banks.of_class(class);
                let using = banks.clone().filter(|bank| uses(*bank)).count();
                world.parameters.banks[class].row.partnership_weight * using as f64 / banks.len() as f64
            };
            (0..world.parameters.banks.len()).map(share).sum::<f64>()
        };
        let fine = 12.0 * world.parameters.supervision.fine_rate;
        Market {
            screens: world.partner_screens(),
            delivered: world.delivered(),
            banks_direct: partners(&|bank| world.banks.source[bank] == crate::agents::banks::Source::Direct),
            banks_at: (0..world.agencies.len())
                .map(|a| partners(&|bank| world.banks.source[bank].queries(a)))
                .collect(),
            stakes: world.parameters.stakes.iter().map(|held| held_by_platforms(world, held)).collect(),
            complying: (0..world.platforms.len()).map(|p| complies(world, p)).collect(),
            sanction: fine + f64::from(world.parameters.supervision.suspension_months),
            fine,
        }
    }
}

fn held_by_platforms(world: &World, held: &[Stake]) -> Vec<(usize, f64)> {
    let platform = |holder: &str| world.parameters.platforms.iter().position(|entry| entry.id == holder);
    held.iter().filter_map(|held| Some((platform(&held.holder)?, held.stake))).collect()
}

/// Whether a platform has delivered what is required of it: nothing, where no agency is open to it.
pub fn complies(world: &World, platform: usize) -> bool {
    let delivered = world.rules.counted(platform, &world.platforms[platform].delivered);
    delivered.is_none_or(|share| share >= COMPLIANT_FROM * world.rules.required_share)
}

/// The share of a platform's peers, the other platforms in partnerships, for which `has` is true;
/// 1 where it has no peers.
fn share_of_peers(world: &World, platform: usize, has: impl Fn(usize) -> bool) -> f64 {
    let peers =
        || (0..world.platforms.len()).filter(|p| *p != platform && world.platforms[*p].in_partnership);
    match peers().count() {
        0 => 1.0,
        count => peers().filter(|p| has(*p)).count() as f64 / count as f64,
    }
}

fn plan(world: &World, market: &Market, p: usize) -> Plan {
    let mut decisions = Vec::new();
    let mut decide = |choice: String, names: Vec<String>, options: &[Utility], chosen: usize| {
        if world.decisions.is_some() {
            let options = names.into_iter().zip(options.iter().copied()).collect();
            let reference_cny = world.platforms[p].reference_cny;
            decisions.push(Decision { agent: Agent::Platform(p), choice, options, chosen, reference_cny });
        }
    };

    let menus = delivery_menus(world, market, p);
    let counted = menus.iter().filter(|menu| menu.counts);
    let best_delivery: f64 = counted.map(|menu| menu.options[menu.chosen].total()).sum();
    let mut target = vec![0.0; world.agencies.len()];
    for menu in &menus {
        target[menu.agency] = TARGETS[menu.chosen];
        let names = TARGETS.iter().map(|share| share.to_string()).collect();
        let choice = format!("deliver:{}", world.parameters.agencies[menu.agency].id);
        decide(choice, names, &menu.options, menu.chosen);
    }

    let mut in_partnership = true;
    if world.rules.ordered {
        let options = partnership_options(world, p, best_delivery);
        let chosen = best(&options);
        in_partnership = chosen == 0;
        decide("stay_in_partnership".into(), vec!["stay".into(), "leave".into()], &options, chosen);
    }
    if !in_partnership {
        target.fill(0.0);
    }

    let mut sells_directly = false;
    if world.rules.never_sell >> p & 1 == 0 {
        let options = sale_options(world, market, p);
        let chosen = best(&options);
        sells_directly = chosen == 0;
        decide("sell_directly".into(), vec!["sell".into(), "stop".into()], &options, chosen);
    }
    Plan { target, sells_directly, in_partnership, decisions }
}

/// What a platform weighs for one agency.
struct Menu {
    agency: usize,
    options: Vec<Utility>,
    chosen: usize,
    /// Whether its utility counts towards staying in partnerships.
    counts: bool,
}

/// The menus of deliveries, one an agency. Where any one agency is enough, it is the one of the
/// highest utility; the others get nothing.
fn delivery_menus(world: &World, market: &Market, p: usize) -> Vec<Menu> {
    let agencies = &world.rules.agencies[p];
    let any = world.rules.any_agency[p];
    let w = if any { 1.0 } else { 1.0 / agencies.len() as f64 };
    let menus = agencies.iter().map(|a| {
        let terms = DeliveryTerms::new(world, market, p, *a);
        let options: Vec<Utility> =
            TARGETS.iter().enumerate().map(|(i, share)| terms.utility(world, p, *a, i, *share, w)).collect();
        Menu { agency: *a, chosen: best(&options), options, counts: true }
    });
    let mut menus: Vec<Menu> = menus.collect();
    if any && menus.len() > 1 {
        let tops: Vec<Utility> = menus.iter().map(|menu| menu.options[menu.chosen]).collect();
        let kept = best(&tops);
        for (_, menu) in menus.iter_mut().enumerate().filter(|(i, _)| *i != kept) {
            (menu.chosen, menu.counts) = (0, false);
        }
    }
    menus
}

/// The terms of the utility of delivering a share of 1 with weight 1, for one platform and agency.
struct DeliveryTerms {
    compliance_cost: f64,
    exclusivity: f64,
    neutrality: f64,
    own_stake: f64,
    /// Revenue share if all records used were the platform's, over its reference.
    revenue: f64,
    reach: f64,
    /// Reach times delivered share, of the others.
    others: f64,
    credit_gain: f64,
    goodwill: f64,
    sanction: f64,
    reluctance: f64,
}

impl DeliveryTerms {
    fn new(world: &World, market: &Market, p: usize, a: usize) -> DeliveryTerms {
        let (row, behaviour) = (&world.parameters.platforms[p].row, &world.parameters.behaviour);
        let (platform, agency) = (&world.platforms[p], &world.parameters.agencies[a].row);
        let (own, rival) = stakes(&market.stakes[a], p);
        let independent = 1.0 - agency.regulator_appoints_management;
        let share = agency.revenue_share.unwrap_or(world.parameters.fees.revenue_share);
        let fees = world.agencies[a].fee_cny * world.agencies[a].queries.mean().unwrap_or(0.0);
        let rows = world.parameters.platforms.iter().zip(&world.platforms).enumerate();
        let others = rows
            .filter(|(q, _)| *q != p)
            .map(|(_, (entry, other))| entry.row.reach * other.delivered[a])
            .sum();
        let banks = market.banks_at[a];
        let gain = if banks > 0.0 {
            let capability = world.agencies[a].capability;
            banks * world.panel.gain_of_delivery(p, a, &market.screens, &market.delivered, capability)
        } else {
            0.0
        };
        let ordered = f64::from(u8::from(world.rules.ordered));
        let discount = world
            .rules
            .months_to_deadline
            .map_or(0.0, |m| libm::pow(behaviour.deadline_discount, f64::from(m)));
        let complying = share_of_peers(world, p, |q| market.complying[q]);
        DeliveryTerms {
            compliance_cost: world.cost_increase(p) * world.cost_base(p),
            exclusivity: behaviour.exclusivity * platform.exclusivity,
            neutrality: behaviour.neutrality * (rival - own).max(0.0) * independent,
            own_stake: behaviour.own_stake * own * independent,
            revenue: share * fees / platform.reference_cny,
            reach: row.reach,
            others,
            credit_gain: gain,
            goodwill: ordered * row.goodwill,
            sanction: ordered * platform.belief * market.sanction * discount,
            reluctance: ordered * behaviour.reluctance_platforms * holding_back(row.waits_for, complying),
        }
    }

    /// The utility of delivering `share` (the option `option`) with weight `w`.
    fn utility(&self, world: &World, p: usize, a: usize, option: usize, share: f64, w: f64) -> Utility {
        let used = self.reach * share;
        let of_records = if used > 0.0 { used / (used + self.others) } else { 0.0 };
        Utility::of([
            ("compliance_cost", -self.compliance_cost * w * share),
            ("exclusivity", -self.exclusivity * w * share),
            ("neutrality", -self.neutrality * w * share),
            ("own_stake", self.own_stake * w * share),
            ("revenue_share", self.revenue * of_records),
            ("credit_gain", self.credit_gain * share),
            ("goodwill", self.goodwill * w * (1.0 - (1.0 - share) * (1.0 - share))),
            ("sanction", -self.sanction * w * world.rules.shortfall(share)),
            ("reluctance", -self.reluctance * w * share),
            ("taste", w * taste(world, p, DELIVER + a as u32, option)),
        ])
    }
}

/// A platform's stake in an agency and the largest stake of any other platform, out of the stakes of
/// the agency's shareholders that are platforms.
fn stakes(held: &[(usize, f64)], p: usize) -> (f64, f64) {
    let own = held.iter().find(|(holder, _)| *holder == p).map_or(0.0, |(_, stake)| *stake);
    let rival = held.iter().filter(|(holder, _)| *holder != p).map(|(_, stake)| *stake).fold(0.0, f64::max);
    (own, rival)
}

/// Stay in loan partnerships, worth the commission margin and the best deliveries, or leave.
fn partnership_options(world: &World, p: usize, best_delivery: f64) -> [Utility; 2] {
    let stay = Utility::of([
        ("commission_margin", 1.0 - world.cost_base(p)),
        ("best_delivery", best_delivery),
        ("taste", taste(world, p, STAY, 0)),
    ]);
    [stay, Utility::of([("taste", taste(world, p, STAY, 1))])]
}

/// Sell data directly, or stop.
fn sale_options(world: &World, market: &Market, p: usize) -> [Utility; 2] {
    let platform = &world.platforms[p];
    let fees = world.parameters.fees.direct_query * platform.direct_queries.mean().unwrap_or(0.0);
    let gain = market.banks_direct * world.panel.gain_of_direct_sale(p, &market.screens, world.rules.consent);
    let banned = f64::from(u8::from(world.rules.direct_sale_banned));
    let stopped = share_of_peers(world, p, |q| !world.platforms[q].sells_directly);
    let waits_for = world.parameters.platforms[p].row.waits_for;
    let reluctance =
        banned * world.parameters.behaviour.reluctance_platforms * holding_back(waits_for, stopped);
    let sell = Utility::of([
        ("direct_fees", fees / platform.reference_cny),
        ("credit_gain", gain),
        ("sanction", -banned * platform.belief * market.fine),
        ("taste", taste(world, p, SELL, 0)),
    ]);
    let stop = Utility::of([("reluctance", -reluctance), ("taste", taste(world, p, SELL, 1))]);
    [sell, stop]
}

/// mu x a standard Gumbel number of (platform, choice, option), the same in every month.
fn taste(world: &World, p: usize, choice: u32, option: usize) -> f64 {
    let mu = world.parameters.behaviour.mu_platforms;
    if mu == 0.0 {
        return 0.0;
    }
    mu * world.key.gumbel(Purpose::PlatformTaste, p as u32, choice * OPTIONS + option as u32)
}

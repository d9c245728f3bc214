//! Step 6 of a month, credit: users apply; banks query, score and decide; loans are made and trades
//! of data are booked.

use crate::agents::banks::{BankPicker, Source};
use crate::agents::users::{Block, HOME_SLOT, in_chunks};
use crate::information::{PlatformSet, platforms_in};
use crate::ledger::{Flow, Party};
use crate::pooling::Delivered;
use crate::random::{Key, Purpose, geometric_skip, uniform};
use crate::scenario::value::LoanRecords;
use crate::screening::{LendingTerms, weighted_signal};
use crate::tally::{Groups, Tally, Trade};
use crate::units::Money;
use crate::world::World;

/// The largest share of applications that may come through platforms.
const MOST_THROUGH_PLATFORMS: f64 = 0.9;

/// Lets users apply, banks decide, and books what follows.
pub fn lend(world: &mut World) {
    let lending = Lending::new(world);
    in_chunks(&mut world.blocks, &mut world.tallies, |block, tally| lending.serve(block, tally));
    world.add_tallies();
    book_loans(world);
    book_trades(world);
    remember(world);
}

/// The hazard of applying this month, and the share of applications that comes through platforms.
pub fn demand(world: &World) -> (f64, f64) {
    let credit = &world.parameters.credit;
    let years = f64::from(world.months_since_start()) / 12.0;
    let growth = 1.0 + credit.demand_growth_annual;
    let hazard = credit.application_rate_monthly * libm::pow(growth, years);
    let relative = libm::pow((1.0 + credit.partnership_growth_annual) / growth, years);
    (hazard.min(1.0), (credit.partnership_share * relative).min(MOST_THROUGH_PLATFORMS))
}

/// How a source of data is read.
#[derive(Clone, Copy, Debug)]
struct Bought {
    /// Precision.
    precision: f64,
    /// Whose noise it bears: a platform's index, or the number of platforms + an agency's.
    seller: usize,
}

/// All that a month's lending reads, which stays as it is while users apply.
struct Lending {
    key: Key,
    month: u32,
    terms: LendingTerms,
    max_loans: u32,
    tries: u32,
    /// log(1 - hazard) of coming up for an application.
    log_no_candidate: f64,
    /// Probability that a candidate without, or with, a reported loan goes on to apply.
    goes_on: [f64; 2],
    platform_share: f64,
    diversion: f64,
    lender_reporting: f64,
    loan_records: LoanRecords,
    weights: Vec<f64>,
    refers: PlatformSet,
    sells: PlatformSet,
    /// Precision of platforms' own scores, and platforms by falling precision.
    direct_precision: Vec<f64>,
    by_precision: Vec<usize>,
    partners: BankPicker,
    homes: BankPicker,
    banks: usize,
    class: Vec<u8>,
    source: Vec<Source>,
    /// Own precision by class: thick file, thin file.
    own_precision: Vec<[f64; 2]>,
    agencies: Vec<AgencyOnOffer>,
    delivered: Delivered,
}

/// What an agency offers in a month.
struct AgencyOnOffer {
    open: bool,
    /// Whether it is one of the agencies that a bank gets which sources from all: open, and holding
    /// something.
    on_menu: bool,
    capability: f64,
    records_loans: bool,
}

impl AgencyOnOffer {
    /// Whether it, the agency `agency`, answers banks with this source.
    fn serves(&self, agency: usize, source: Source) -> bool {
        match source {
            Source::Agency(a) => a == agency && self.open,
            Source::AllAgencies => self.on_menu,
            Source::None | Source::Direct => false,
        }
    }
}

/// A person who asks for a loan.
struct Applicant {
    place: usize,
    user: u32,
    quality: f64,
    thin_file: bool,
    memberships: PlatformSet,
    loans: u32,
    creditworthy: bool,
}

impl Lending {
    fn new(world: &World) -> Lending {
        let credit = &world.parameters.credit;
        let (hazard, platform_share) = demand(world);
        let reported = 1.0 + credit.reporting_demand_effect;
        // Candidates come up at the higher of the two hazards, and go on in proportion to theirs.
        let candidate = (hazard * reported.max(1.0)).min(1.0);
        let share = |hazard: f64| if candidate > 0.0 { (hazard / candidate).min(1.0) } else { 0.0 };
        let platforms = world.platforms.len();
        let set = |member: &dyn Fn(usize) -> bool| {
            (0..platforms).fold(0, |set: PlatformSet, p| set | PlatformSet::from(member(p)) << p)
        };
        let counts = world.banks.counts();
        let rows = || world.parameters.banks.iter().map(|entry| &entry.row);
        let direct_precision: Vec<f64> = (0..platforms).map(|p| world.direct_precision(p)).collect();
        let mut by_precision: Vec<usize> = (0..platforms).collect();
        by_precision.sort_by(|a, b| direct_precision[*b].total_cmp(&direct_precision[*a]).then(a.cmp(b)));
        let offer = |a: usize| AgencyOnOffer {
            open: world.open(a),
            on_menu: world.on_menu(a),
            capability: world.agencies[a].capability,
            records_loans: world.parameters.agencies[a].row.records_loans,
        };
        Lending {
            key: world.key,
            month: world.month,
            terms: world.lending_terms(),
            max_loans: credit.max_loans,
            tries: credit.tries,
            log_no_candidate: libm::log1p(-candidate),
            goes_on: [share(hazard), share(hazard * reported)],
            platform_share,
            diversion: credit.diversion,
            lender_reporting: world.rules.lender_reporting,
            loan_records: world.rules.loan_records,
            weights: world.parameters.platforms.iter().map(|entry| entry.row.credit_weight).collect(),
            refers: set(&|p| world.platforms[p].refers_applicants(world.month)),
            sells: set(&|p| world.platforms[p].sells_directly),
            direct_precision,
            by_precision,
            partners: BankPicker::new(&rows().map(|row| row.partnership_weight).collect::<Vec<_>>(), &counts),
            homes: BankPicker::new(&rows().map(|row| row.deposit_share).collect::<Vec<_>>(), &counts),
            banks: world.banks.len(),
            class: world.banks.class.clone(),
            source: world.banks.source.clone(),
            own_precision: (0..counts.len())
                .map(|class| [false, true].map(|thin| world.own_precision(class, thin)))
                .collect(),
            agencies: (0..world.agencies.len()).map(offer).collect(),
            delivered: world.delivered(),
        }
    }

    /// Lets the users of a block apply. Only those who come up are looked at: from one to the next is
    /// a geometric skip, keyed by block and candidate.
    fn serve(&self, block: &mut Block, tally: &mut Tally) {
        let mut place = 0u64;
        for candidate in 0.. {
            let words = self.key.draw(Purpose::Application, block.number, self.month, candidate);
            place += u64::from(geometric_skip(words[0], self.log_no_candidate));
            if place >= block.len() as u64 {
                return;
            }
            self.consider(block, place as usize, words, tally);
            place += 1;
        }
    }

    /// A candidate applies, unless barred, at the limit of loans, or discouraged.
    fn consider(&self, block: &mut Block, place: usize, words: [u32; 4], tally: &mut Tally) {
        let loans = block.loan_count(place);
        if loans >= self.max_loans || block.locked_out(place, self.month) {
            return;
        }
        let user = block.user(place);
        let goes_on = self.goes_on[usize::from(block.reported_count(place) > 0)];
        if goes_on < 1.0 && self.luck(user, 0) >= goes_on {
            return;
        }
        let quality = block.quality(place);
        let applicant = Applicant {
            place,
            user,
            quality,
            thin_file: block.thin_file(place),
            memberships: block.memberships(place),
            loans,
            creditworthy: self.terms.creditworthy(quality, loans),
        };
        let groups = Groups::of(applicant.creditworthy, applicant.thin_file, block.quintile(place));
        tally.ask(groups);
        if self.apply(block, &applicant, words, tally) {
            tally.get(groups);
        }
    }

    /// A person's luck of this month beside the application's own words.
    fn luck(&self, user: u32, word: usize) -> f64 {
        uniform(self.key.draw(Purpose::Demand, user, self.month, 0)[word])
    }

    /// The person goes to a first lender, and after a refusal to others; whether a loan is made.
    fn apply(&self, block: &mut Block, applicant: &Applicant, words: [u32; 4], tally: &mut Tally) -> bool {
        let through = self.platform_of(applicant, words);
        let home = block.home_bank(applicant.place);
        let (mut through, first) = match through {
            Some(p) if self.refers >> p & 1 == 0 => {
                if self.luck(applicant.user, 1) >= self.diversion {
                    return false;
                }
                (None, home)
            }
            Some(_) => (through, self.partners.pick(uniform(words[3]))),
            None => (None, home),
        };
        let mut asked = [0usize; 20];
        for round in 0..(self.tries as usize).min(self.banks) {
            let bank = if round == 0 {
                first
            } else {
                match self.next_lender(applicant.user, &asked[..round]) {
                    Some(bank) => bank,
                    None => return false,
                }
            };
            asked[round] = bank;
            let approved = self.decide(block, applicant, bank, through, tally);
            tally.decide(bank, applicant.creditworthy, approved);
            if approved {
                self.grant(block, applicant, bank, through, tally);
                return true;
            }
            // Another lender's refusal is not visible, and the platform referred to the first alone.
            through = None;
        }
        false
    }

    /// The platform through which the person applies, by credit weight over memberships.
    fn platform_of(&self, applicant: &Applicant, words: [u32; 4]) -> Option<usize> {
        if applicant.memberships == 0 || uniform(words[1]) >= self.platform_share {
            return None;
        }
        let total: f64 = platforms_in(applicant.memberships).map(|p| self.weights[p]).sum();
        let mut left = uniform(words[2]) * total;
        let mut last = None;
        for p in platforms_in(applicant.memberships) {
            last = Some(p);
            left -= self.weights[p];
            if left < 0.0 {
                break;
            }
        }
        last
    }

    /// A lender, by deposit share, that has not been asked; `None` where none is found in many draws.
    fn next_lender(&self, user: u32, asked: &[usize]) -> Option<usize> {
        const DRAWS: u32 = 64;
        (0..DRAWS)
            .map(|draw| {
                self.key.uniform(Purpose::NextLender, user, self.month, (asked.len() as u32) << 8 | draw)
            })
            .map(|u| self.homes.pick(u))
            .find(|bank| !asked.contains(bank))
    }

    /// Whether the bank approves, after it has bought what its source has on the applicant.
    fn decide(
        &self,
        block: &Block,
        applicant: &Applicant,
        bank: usize,
        through: Option<usize>,
        tally: &mut Tally,
    ) -> bool {
        let class = usize::from(self.class[bank]);
        let own = self.own_precision[class][usize::from(applicant.thin_file)];
        let bought = self.buy(applicant, bank, class, through, tally);
        let own_noise = self.key.normal(Purpose::OwnNoise, applicant.user, 0, bank as u32);
        let mut signals = weighted_signal(applicant.quality, own, own_noise);
        let mut precision = own;
        if let Some(bought) = bought.filter(|bought| bought.precision > 0.0) {
            let noise = self.key.normal(Purpose::SellerNoise, applicant.user, 0, bought.seller as u32);
            signals += weighted_signal(applicant.quality, bought.precision, noise);
            precision += bought.precision;
        }
        let loans_seen = self.loans_seen(block, applicant, bank);
        self.terms.approves(signals / (1.0 + precision), precision, loans_seen)
    }

    /// Buys from the bank's source what there is on the applicant, and counts it.
    fn buy(
        &self,
        applicant: &Applicant,
        bank: usize,
        class: usize,
        through: Option<usize>,
        tally: &mut Tally,
    ) -> Option<Bought> {
        match self.source[bank] {
            Source::None => None,
            Source::Direct => {
                let platform = self.seller(applicant, through)?;
                tally.query_platform(bank, class, platform);
                tally.direct_decisions += 1;
                Some(Bought { precision: self.direct_precision[platform], seller: platform })
            }
            source => self.query_agencies(applicant, bank, class, source, tally),
        }
    }

    /// The platform that sells data on the applicant: the one that referred, or else the most
    /// precise of which the person is a member.
    fn seller(&self, applicant: &Applicant, through: Option<usize>) -> Option<usize> {
        let sells = |p: &usize| (applicant.memberships & self.sells) >> p & 1 == 1;
        let platform = match through {
            Some(platform) => Some(platform).filter(|p| sells(p)),
            None => self.by_precision.iter().copied().find(|p| sells(p)),
        };
        platform.filter(|_| self.delivered.consents(applicant.user))
    }

    /// Queries the agencies of a source. Their records are pooled and read by the ablest, whose noise
    /// they bear.
    fn query_agencies(
        &self,
        applicant: &Applicant,
        bank: usize,
        class: usize,
        source: Source,
        tally: &mut Tally,
    ) -> Option<Bought> {
        let consents = self.delivered.consents(applicant.user);
        let mut ablest: Option<usize> = None;
        let mut pooled = 0;
        for (a, agency) in self.agencies.iter().enumerate().filter(|(a, agency)| agency.serves(*a, source)) {
            tally.query_agency(bank, a);
            if consents {
                let held = self.delivered.held(applicant.user, applicant.memberships, a);
                platforms_in(held).for_each(|p| tally.use_record(class, a, p));
                pooled |= held;
            }
            if ablest.is_none_or(|best| agency.capability > self.agencies[best].capability) {
                ablest = Some(a);
            }
        }
        let ablest = ablest?;
        tally.agency_decisions += 1;
        Some(Bought {
            precision: self.agencies[ablest].capability * self.delivered.pool.raw(pooled),
            seller: self.weights.len() + ablest,
        })
    }

    /// Loans of the applicant that the bank sees: its own, and reported ones where it may look.
    fn loans_seen(&self, block: &Block, applicant: &Applicant, bank: usize) -> u32 {
        if applicant.loans == 0 {
            return 0;
        }
        let sees_reported = match self.loan_records {
            LoanRecords::None => false,
            LoanRecords::All => true,
            LoanRecords::Subscribers => {
                let records = |(a, agency): (usize, &AgencyOnOffer)| {
                    agency.records_loans && agency.serves(a, self.source[bank])
                };
                self.agencies.iter().enumerate().any(records)
            }
        };
        let seen = block
            .loans_of(applicant.place)
            .filter(|loan| usize::from(loan.lender) == bank || (sees_reported && loan.reported()));
        seen.count() as u32
    }

    fn grant(
        &self,
        block: &mut Block,
        applicant: &Applicant,
        bank: usize,
        through: Option<usize>,
        tally: &mut Tally,
    ) {
        let slot = through.map_or(HOME_SLOT, |p| p as u8 + 1);
        let reported = self.lender_reporting > 0.0 && self.luck(applicant.user, 2) < self.lender_reporting;
        let place = applicant.place;
        let before = (applicant.loans, block.owes_several_lenders(place));
        block.grant(place, bank, slot, reported, self.month);
        tally.change_of_debt(before, (applicant.loans + 1, block.owes_several_lenders(place)));
        tally.grant(bank, slot, block.quintile(place));
    }
}

/// Puts the month's loans on the books.
fn book_loans(world: &mut World) {
    let instalment = world.instalment();
    world.instalments[(world.month & 0x7f) as usize] = instalment;
    world.loans_by_quintile[(world.month & 0x7f) as usize] = world.tallies[0].granted_to;
    let term = world.parameters.credit.term_months;
    let slots = world.banks.books.slots();
    for bank in 0..world.banks.len() {
        for slot in 0..slots {
            let count = world.tallies[0].granted[bank * slots + slot];
            if count > 0 {
                let lent = world.banks.books.grant(bank, slot, count, instalment, term);
                world.ledger.post(Party::Bank(bank), Party::Users, Flow::PrincipalLent, lent);
                if slot != usize::from(HOME_SLOT) {
                    world.record.partnership_lent += lent;
                }
            }
        }
    }
}

/// Books the fees for the month's queries, bank by bank, and the agencies' revenue shares.
fn book_trades(world: &mut World) {
    let platforms = world.platforms.len();
    let direct_fee = world.parameters.fees.direct_query;
    let fees: Vec<f64> = std::iter::repeat_n(direct_fee, platforms)
        .chain(world.agencies.iter().map(|agency| agency.fee_cny))
        .collect();
    for class in 0..world.parameters.banks.len() {
        let mut sold = vec![(0u64, Money::ZERO); fees.len()];
        for bank in world.banks.of_class(class) {
            for (seller, count) in world.tallies[0].queries(bank).iter().enumerate() {
                if *count > 0 {
                    let amount = Money::from_cny(fees[seller] * world.persons(*count));
                    let (party, flow) = if seller < platforms {
                        (Party::Platform(seller), Flow::DirectFee)
                    } else {
                        (Party::Agency(seller - platforms), Flow::AgencyFee)
                    };
                    world.ledger.post(Party::Bank(bank), party, flow, amount);
                    sold[seller].0 += count;
                    sold[seller].1 += amount;
                }
            }
        }
        for (seller, (queries, amount)) in sold.into_iter().enumerate().filter(|(_, sold)| sold.0 > 0) {
            world.record.trades.push(Trade {
                seller,
                class,
                queries: world.persons(queries),
                records: world.persons(world.tallies[0].records(class, seller)),
                fee_cny: fees[seller],
                amount,
            });
        }
    }
    for agency in 0..world.agencies.len() {
        share_revenue(world, agency);
    }
}

/// An agency passes a share of its fees on to platforms, equally over the records used.
fn share_revenue(world: &mut World, agency: usize) {
    let row = &world.parameters.agencies[agency].row;
    let share = row.revenue_share.unwrap_or(world.parameters.fees.revenue_share);
    let shared = world.ledger.net(Party::Agency(agency), Flow::AgencyFee).share(share);
    let records = world.tallies[0].records_of(agency).to_vec();
    let all: u64 = records.iter().sum();
    for (platform, used) in records.into_iter().enumerate().filter(|(_, used)| *used > 0) {
        let amount = shared.share(used as f64 / all as f64);
        world.ledger.post(Party::Agency(agency), Party::Platform(platform), Flow::RevenueShare, amount);
    }
}

/// Remembers what utilities will look back on.
fn remember(world: &mut World) {
    let platforms = world.platforms.len();
    let mut queries = vec![0u64; platforms + world.agencies.len()];
    for bank in 0..world.banks.len() {
        let counts = world.tallies[0].queries(bank);
        queries.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        world.banks.decisions[bank].push(world.tallies[0].decisions[bank] as f64);
    }
    let weight = world.weight;
    for (p, platform) in world.platforms.iter_mut().enumerate() {
        platform.direct_queries.push(queries[p] as f64 * weight);
    }
    for (a, agency) in world.agencies.iter_mut().enumerate() {
        // The first month with queries is the first that counts: an agency that has just won its first
        // lenders must not look as dear as one that nobody wants.
        let queries = queries[platforms + a];
        if queries > 0 || agency.queries.mean().is_some() {
            agency.queries.push(queries as f64 * weight);
        }
    }
    let decisions = world.persons(world.tallies[0].all_decisions());
    world.decisions_made.push(decisions);
}

//! Step 6 of a month, credit: users apply; banks query, score and decide; loans are made and trades
//! of data are booked.

use crate::agents::banks::{BankPicker, Source};
use crate::agents::users::{BLOCK, Block, HOME_SLOT, quality};
use crate::information::{MOST_PLATFORMS, PlatformSet, platforms_in};
use crate::ledger::{Flow, Party};
use crate::near::{GeometricSkip, NearLog, NearNormal};
use crate::normal::normal_quantile;
use crate::pooling::Delivered;
use crate::random::{Key, Purpose, uniform};
use crate::scenario::value::LoanRecords;
use crate::screening::{LendingTerms, Reading, weighted_signal};
use crate::tally::{Group, Groups, Tally, Trade};
use crate::units::Money;
use crate::world::World;

/// The largest share of applications that may come through platforms.
const MOST_THROUGH_PLATFORMS: f64 = 0.9;

/// Books what follows from the month's applications: loans, and trades of data.
pub fn book(world: &mut World) {
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

/// Data that a bank has bought on an applicant.
#[derive(Clone, Copy, Debug)]
struct Bought {
    /// Precision.
    precision: f64,
    /// Whose noise they bear: a platform's index, or the number of platforms + an agency's.
    seller: u16,
}

/// All that a month's lending reads, which stays as it is while users apply.
pub struct Lending {
    key: Key,
    month: u32,
    terms: LendingTerms,
    max_loans: u32,
    tries: u32,
    /// Persons passed over between two who come up for an application.
    skip: GeometricSkip,
    /// How many of a block come up, as a rule at most.
    candidates: usize,
    /// Probability that a candidate without, or with, a reported loan goes on to apply.
    goes_on: [f64; 2],
    platform_share: f64,
    diversion: f64,
    lender_reporting: f64,
    loan_records: LoanRecords,
    weights: Vec<f64>,
    refers: PlatformSet,
    sells: PlatformSet,
    /// Precision of platforms' own scores.
    direct_precision: Vec<f64>,
    most_precise: MostPrecise,
    partners: BankPicker,
    homes: BankPicker,
    lenders: Vec<Lender>,
    /// Sources, by number.
    sources: Vec<Source>,
    /// Own precision by class: thick file, thin file.
    own_precision: Vec<[f64; 2]>,
    /// How signals are read, by class and file: without bought data, and then by platform with its score.
    readings: Vec<Reading>,
    agencies: Vec<AgencyOnOffer>,
    delivered: Delivered,
    /// The lowest rank of quality, as a word, at which a person with so many loans is creditworthy.
    creditworthy_from: Vec<u32>,
    /// By how much a margin worked out of near values can be off.
    margin_error: f64,
    near_log: &'static NearLog,
    near_normal: &'static NearNormal,
}

/// What lending has to know of a bank.
#[derive(Clone, Copy)]
struct Lender {
    class: u8,
    /// Its source, by number.
    source: u8,
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
#[derive(Clone, Copy)]
struct Applicant {
    memberships: PlatformSet,
    user: u32,
    place: u16,
    /// Rank of quality.
    rank: u16,
    /// Quality, nearly.
    quality: f32,
    loans: u8,
    groups: Groups,
}

impl Applicant {
    fn place(&self) -> usize {
        usize::from(self.place)
    }

    fn thin_file(&self) -> bool {
        self.groups.contain(Group::ThinFile)
    }

    fn creditworthy(&self) -> bool {
        self.groups.contain(Group::Creditworthy)
    }
}

/// An application that lies with a lender.
#[derive(Clone, Copy)]
struct Application {
    applicant: Applicant,
    /// The lender.
    bank: u16,
    /// The platform that referred it.
    through: Option<u8>,
    /// What the lender has bought on the applicant.
    bought: Option<Bought>,
}

/// The desk on which the applications of a block lie. They are dealt with side by side, a step
/// for all before the next one, since that is how draws are quick to make.
#[derive(Default)]
pub struct Desk {
    candidates: Vec<[u32; 4]>,
    open: Vec<Application>,
    /// Banks that open applications have been to before, as many for each.
    been_to: Vec<u16>,
    refused: Vec<Application>,
    /// Banks that have refused those.
    refused_by: Vec<u16>,
    /// Whether open applications are approved.
    decisions: Vec<bool>,
    own_noise: Drawn,
    seller_noise: Drawn,
    next_lender: Drawn,
}

impl Desk {
    /// Takes all open applications off the desk.
    fn clear(&mut self) {
        self.open.clear();
        self.been_to.clear();
        self.own_noise.clear();
        self.seller_noise.clear();
    }
}

/// The first words of draws for some agents and options.
#[derive(Default)]
struct Drawn {
    of: Vec<[u32; 2]>,
    words: Vec<u32>,
}

impl Drawn {
    fn clear(&mut self) {
        self.of.clear();
    }

    fn push(&mut self, agent: u32, option: u32) {
        self.of.push([agent, option]);
    }

    /// Draws the words, in the order of the pushes.
    fn draw(&mut self, key: Key, purpose: Purpose, month: u32) -> impl FnMut() -> u32 {
        // Some more than there are, so that all are drawn side by side.
        self.of.resize(self.of.len().next_multiple_of(DRAWN_SIDE_BY_SIDE), [0; 2]);
        self.words.resize(self.of.len(), 0);
        key.first_words(purpose, month, &self.of, &mut self.words);
        let mut words = self.words.iter();
        move || *words.next().expect("a word is drawn for each")
    }
}

/// How many draws are made side by side, at a time.
const DRAWN_SIDE_BY_SIDE: usize = 8;

impl Lending {
    /// The month's lending.
    pub fn new(world: &World) -> Lending {
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
        let offer = |a: usize| AgencyOnOffer {
            open: world.open(a),
            on_menu: world.on_menu(a),
            capability: world.agencies[a].capability,
            records_loans: world.parameters.agencies[a].row.records_loans,
        };
        let terms = world.lending_terms();
        let own_precision: Vec<[f64; 2]> = (0..counts.len())
            .map(|class| [false, true].map(|thin| world.own_precision(class, thin)))
            .collect();
        let scores = || [0.0].into_iter().chain(direct_precision.iter().copied());
        let readings = |own: &f64| scores().map(|bought| terms.reading(*own, bought)).collect::<Vec<_>>();
        let expected = candidate * BLOCK as f64;
        Lending {
            key: world.key,
            month: world.month,
            max_loans: credit.max_loans,
            tries: credit.tries.min(world.banks.len() as u32),
            skip: GeometricSkip::new(candidate),
            candidates: (expected + libm::sqrt(expected)) as usize,
            goes_on: [share(hazard), share(hazard * reported)],
            platform_share,
            diversion: credit.diversion,
            lender_reporting: world.rules.lender_reporting,
            loan_records: world.rules.loan_records,
            weights: world.parameters.platforms.iter().map(|entry| entry.row.credit_weight).collect(),
            refers: set(&|p| world.platforms[p].refers_applicants(world.month)),
            sells: set(&|p| world.platforms[p].sells_directly),
            most_precise: MostPrecise::new(&direct_precision),
            partners: BankPicker::new(&rows().map(|row| row.partnership_weight).collect::<Vec<_>>(), &counts),
            homes: BankPicker::new(&rows().map(|row| row.deposit_share).collect::<Vec<_>>(), &counts),
            lenders: (world.banks.class.iter().zip(&world.banks.source))
                .map(|(class, source)| Lender { class: *class, source: source.number() as u8 })
                .collect(),
            sources: (0..Source::count(world.agencies.len())).map(Source::of_number).collect(),
            readings: own_precision.as_flattened().iter().flat_map(readings).collect(),
            own_precision,
            direct_precision,
            agencies: (0..world.agencies.len()).map(offer).collect(),
            delivered: world.delivered(),
            creditworthy_from: (0..credit.max_loans).map(|loans| creditworthy_from(&terms, loans)).collect(),
            margin_error: Reading::margin_error(&terms, NearNormal::ERROR),
            terms,
            near_log: NearLog::table(),
            near_normal: NearNormal::table(),
        }
    }

    /// Lets the users of a block apply, and lenders decide on those who do, one lender after another.
    pub fn serve(&self, block: &mut Block, desk: &mut Desk, tally: &mut Tally) {
        desk.clear();
        self.come_up(block, desk, tally);
        for round in 1..=self.tries {
            self.decide(block, desk, round, tally);
            if round == self.tries || desk.refused.is_empty() {
                return;
            }
            self.go_to_next_lenders(desk, round, tally);
        }
    }

    /// Has the users of a block who come up apply. Only they are looked at: from one to the next is
    /// a geometric skip, keyed by block and candidate.
    fn come_up(&self, block: &Block, desk: &mut Desk, tally: &mut Tally) {
        let mut candidates = std::mem::take(&mut desk.candidates);
        let (mut place, mut first) = (0u64, 0);
        let mut at_once = self.candidates.max(1);
        'block: loop {
            candidates.resize(at_once.next_multiple_of(DRAWN_SIDE_BY_SIDE), [0; 4]);
            self.key.draw_options(Purpose::Application, block.number, self.month, first, &mut candidates);
            for words in &candidates {
                place += u64::from(self.skip.of(words[0], self.near_log));
                if place >= block.len() as u64 {
                    break 'block;
                }
                if let Some(applicant) = self.consider(block, place as usize) {
                    tally.ask(applicant.groups);
                    self.go_to_first_lender(block, applicant, words, desk, tally);
                }
                place += 1;
            }
            first += candidates.len() as u32;
            at_once = DRAWN_SIDE_BY_SIDE;
        }
        desk.candidates = candidates;
    }

    /// A candidate applies, unless barred, at the limit of loans, or discouraged.
    #[inline]
    fn consider(&self, block: &Block, place: usize) -> Option<Applicant> {
        let loans = block.loan_count(place);
        if loans >= self.max_loans || block.locked_out(place, self.month) {
            return None;
        }
        let user = block.user(place);
        let goes_on = self.goes_on[usize::from(block.reported_count(place) > 0)];
        if goes_on < 1.0 && self.luck(user, 0) >= goes_on {
            return None;
        }
        let rank = block.quality_rank(place);
        let creditworthy = u32::from(rank) >= self.creditworthy_from[loans as usize];
        Some(Applicant {
            memberships: block.memberships(place),
            user,
            place: place as u16,
            rank,
            quality: self.near_normal.of(middle_word(rank)) as f32,
            loans: loans as u8,
            groups: Groups::of(creditworthy, block.thin_file(place), block.quintile(place)),
        })
    }

    /// A person's luck of this month beside the application's own words.
    fn luck(&self, user: u32, word: usize) -> f64 {
        uniform(self.key.draw(Purpose::Demand, user, self.month, 0)[word])
    }

    /// An applicant goes to a first lender: a partner bank of a platform, or the home bank. Some of those
    /// whose platform refers nobody give up.
    #[inline]
    fn go_to_first_lender(
        &self,
        block: &Block,
        applicant: Applicant,
        words: &[u32; 4],
        desk: &mut Desk,
        tally: &mut Tally,
    ) {
        let (bank, through) = match self.platform_of(applicant.memberships, words) {
            Some(p) if self.refers >> p & 1 == 1 => {
                (self.partners.pick(uniform(words[3])) as u16, Some(p as u8))
            }
            Some(_) if self.luck(applicant.user, 1) >= self.diversion => return,
            _ => (block.home_bank(applicant.place()) as u16, None),
        };
        self.go_to(Application { applicant, bank, through, bought: None }, desk, tally);
    }

    /// An application comes to a lender, who buys from its source what there is on the applicant, which is counted.
    #[inline]
    fn go_to(&self, mut open: Application, desk: &mut Desk, tally: &mut Tally) {
        let Lender { class, source } = self.lenders[usize::from(open.bank)];
        let (bank, class) = (usize::from(open.bank), usize::from(class));
        open.bought = match self.sources[usize::from(source)] {
            Source::None => None,
            Source::Direct => self.seller(&open.applicant, open.through).map(|platform| Bought {
                precision: self.direct_precision[platform],
                seller: platform as u16,
            }),
            source => self.query_agencies(&open.applicant, bank, class, source, tally),
        };
        desk.own_noise.push(open.applicant.user, u32::from(open.bank));
        if let Some(bought) = open.bought {
            desk.seller_noise.push(open.applicant.user, u32::from(bought.seller));
        }
        desk.open.push(open);
    }

    /// The platform through which the person applies, by credit weight over memberships.
    #[inline]
    fn platform_of(&self, memberships: PlatformSet, words: &[u32; 4]) -> Option<usize> {
        if memberships == 0 || uniform(words[1]) >= self.platform_share {
            return None;
        }
        let total: f64 = platforms_in(memberships).map(|p| self.weights[p]).sum();
        let mut left = uniform(words[2]) * total;
        let mut last = None;
        for p in platforms_in(memberships) {
            last = Some(p);
            left -= self.weights[p];
            if left < 0.0 {
                break;
            }
        }
        last
    }

    /// Those whom lenders have refused go to another one that they have not asked, drawn by deposit share. Another
    /// lender's refusal is not visible, and the platform referred to the first alone.
    fn go_to_next_lenders(&self, desk: &mut Desk, asked: u32, tally: &mut Tally) {
        desk.clear();
        desk.next_lender.clear();
        for application in &desk.refused {
            desk.next_lender.push(application.applicant.user, asked << 8);
        }
        let refused = std::mem::take(&mut desk.refused);
        let refused_by = std::mem::take(&mut desk.refused_by);
        let mut next_lender = std::mem::take(&mut desk.next_lender);
        let mut drawn = next_lender.draw(self.key, Purpose::NextLender, self.month);
        for (Application { applicant, .. }, refused_by) in
            refused.iter().zip(refused_by.chunks(asked as usize))
        {
            if let Some(bank) = self.next_lender(applicant.user, drawn(), refused_by) {
                desk.been_to.extend_from_slice(refused_by);
                self.go_to(
                    Application { applicant: *applicant, bank, through: None, bought: None },
                    desk,
                    tally,
                );
            }
        }
        drop(drawn);
        (desk.refused, desk.refused_by, desk.next_lender) = (refused, refused_by, next_lender);
    }

    /// A lender, by deposit share, that has not been asked; `None` where none is found in many draws, of
    /// which `word` is the first.
    fn next_lender(&self, user: u32, word: u32, asked: &[u16]) -> Option<u16> {
        const DRAWS: u32 = 64;
        let option = (asked.len() as u32) << 8;
        let further =
            (1..DRAWS).map(|draw| self.key.draw(Purpose::NextLender, user, self.month, option | draw)[0]);
        std::iter::once(word)
            .chain(further)
            .map(|word| self.homes.pick(uniform(word)) as u16)
            .find(|bank| !asked.contains(bank))
    }

    /// Banks decide on the open applications, who have been to `round` banks with this one; those who are
    /// refused are left.
    fn decide(&self, block: &mut Block, desk: &mut Desk, round: u32, tally: &mut Tally) {
        let mut own_noise = desk.own_noise.draw(self.key, Purpose::OwnNoise, 0);
        let mut seller_noise = desk.seller_noise.draw(self.key, Purpose::SellerNoise, 0);
        desk.decisions.clear();
        for application in &desk.open {
            let noise = [own_noise(), application.bought.map_or(NO_NOISE, |_| seller_noise())];
            let loans_seen = self.loans_seen(block, &application.applicant, usize::from(application.bank));
            desk.decisions.push(self.approves(application, noise, loans_seen));
        }
        // Counts of many banks are far apart in memory: one after another they are waited for together.
        for (application, approved) in desk.open.iter().zip(&desk.decisions) {
            let Application { applicant, bank, through, bought } = application;
            let bank = usize::from(*bank);
            tally.decide(bank, applicant.creditworthy(), *approved, slot(*through));
            let seller = bought.map(|bought| usize::from(bought.seller));
            if let Some(platform) = seller.filter(|seller| *seller < self.weights.len()) {
                tally.query_platform(bank, usize::from(self.lenders[bank].class), platform);
            }
        }
        desk.refused.clear();
        desk.refused_by.clear();
        for (i, (application, approved)) in desk.open.iter().zip(&desk.decisions).enumerate() {
            if *approved {
                self.grant(block, application, tally);
            } else {
                let before = round as usize - 1;
                desk.refused.push(*application);
                desk.refused_by.extend_from_slice(&desk.been_to[i * before..(i + 1) * before]);
                desk.refused_by.push(application.bank);
            }
        }
    }

    /// Whether the bank approves, given the words of the noise of its own judgement and of what it has bought.
    #[inline]
    fn approves(&self, application: &Application, noise: [u32; 2], loans_seen: u32) -> bool {
        let Application { applicant, bank, bought, .. } = application;
        let class = usize::from(self.lenders[usize::from(*bank)].class);
        let thin = usize::from(applicant.thin_file());
        let score = match bought {
            None => 0,
            Some(Bought { seller, .. }) => usize::from(*seller) + 1,
        };
        let scores = self.weights.len() + 1;
        let pooled;
        let reading = if score < scores {
            &self.readings[(2 * class + thin) * scores + score]
        } else {
            pooled = self.terms.reading(self.own_precision[class][thin], bought.map_or(0.0, |b| b.precision));
            &pooled
        };
        let near = |word| self.near_normal.of(word);
        let quality = f64::from(applicant.quality);
        let margin = reading.margin(&self.terms, quality, near(noise[0]), near(noise[1]), loans_seen);
        if margin.abs() > self.margin_error {
            margin > 0.0
        } else {
            let own = self.own_precision[class][thin];
            self.approves_exactly(applicant.rank, own, *bought, noise, loans_seen)
        }
    }

    /// The same where near values are too near to call.
    #[cold]
    fn approves_exactly(
        &self,
        rank: u16,
        own: f64,
        bought: Option<Bought>,
        noise: [u32; 2],
        loans_seen: u32,
    ) -> bool {
        let quality = quality(rank);
        let [own_noise, seller_noise] = noise.map(|word| normal_quantile(uniform(word)));
        let mut signals = weighted_signal(quality, own, own_noise);
        let mut precision = own;
        if let Some(bought) = bought.filter(|bought| bought.precision > 0.0) {
            signals += weighted_signal(quality, bought.precision, seller_noise);
            precision += bought.precision;
        }
        self.terms.approves(signals / (1.0 + precision), precision, loans_seen)
    }

    /// The platform that sells data on the applicant: the one that referred, or else the most
    /// precise of which the person is a member.
    fn seller(&self, applicant: &Applicant, through: Option<u8>) -> Option<usize> {
        let selling = applicant.memberships & self.sells;
        let platform = match through {
            Some(platform) => Some(usize::from(platform)).filter(|p| selling >> p & 1 == 1),
            None => self.most_precise.of(selling),
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
            seller: (self.weights.len() + ablest) as u16,
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
                let source = self.sources[usize::from(self.lenders[bank].source)];
                let records =
                    |(a, agency): (usize, &AgencyOnOffer)| agency.records_loans && agency.serves(a, source);
                self.agencies.iter().enumerate().any(records)
            }
        };
        let seen = block
            .loans_of(applicant.place())
            .filter(|loan| usize::from(loan.lender) == bank || (sees_reported && loan.reported()));
        seen.count() as u32
    }

    fn grant(&self, block: &mut Block, application: &Application, tally: &mut Tally) {
        let Application { applicant, bank, through, .. } = application;
        let (place, loans, bank) = (applicant.place(), u32::from(applicant.loans), usize::from(*bank));
        let reported = self.lender_reporting > 0.0 && self.luck(applicant.user, 2) < self.lender_reporting;
        let several = block.owes_several_lenders(place);
        let another = || block.loans_of(place).next().is_some_and(|loan| usize::from(loan.lender) != bank);
        tally.change_of_debt((loans, several), (loans + 1, several || another()));
        block.grant(place, bank, slot(*through), reported, self.month);
        tally.grant(applicant.groups, block.quintile(place));
    }
}

/// The most precise platform of any set: the first of equals.
struct MostPrecise {
    /// By group of eight platforms, for each of their sets: the lowest rank.
    lowest_rank: Vec<[u8; 256]>,
    /// Platforms by rank, that is by falling precision.
    by_rank: Vec<usize>,
}

impl MostPrecise {
    fn new(precision: &[f64]) -> MostPrecise {
        let mut by_rank: Vec<usize> = (0..precision.len()).collect();
        by_rank.sort_by(|a, b| precision[*b].total_cmp(&precision[*a]).then(a.cmp(b)));
        let mut ranks = vec![NOBODY; precision.len().next_multiple_of(8)];
        by_rank.iter().enumerate().for_each(|(rank, platform)| ranks[*platform] = rank as u8);
        let lowest = |group: &[u8], set: usize| {
            let members = group.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            members.map(|(_, rank)| *rank).min().unwrap_or(NOBODY)
        };
        MostPrecise {
            lowest_rank: ranks.chunks(8).map(|group| std::array::from_fn(|set| lowest(group, set))).collect(),
            by_rank,
        }
    }

    #[inline]
    fn of(&self, set: PlatformSet) -> Option<usize> {
        let (mut rest, mut best) = (set, NOBODY);
        for lowest in &self.lowest_rank {
            best = best.min(lowest[usize::from(rest as u8)]);
            rest >>= 8;
        }
        self.by_rank.get(usize::from(best)).copied()
    }
}

/// A rank that no platform has.
const NOBODY: u8 = MOST_PLATFORMS as u8;

/// The slot of a loan that came through a platform, or none.
fn slot(through: Option<u8>) -> u8 {
    through.map_or(HOME_SLOT, |p| p + 1)
}

/// A word for the noise of what has not been bought: none.
const NO_NOISE: u32 = 1 << 31;

/// The word at the middle of a rank's part of (0, 1).
#[inline]
fn middle_word(rank: u16) -> u32 {
    u32::from(rank) << 16 | 1 << 15
}

/// The lowest rank of quality at which a person with `loans` loans is creditworthy; the number of ranks
/// where none is.
fn creditworthy_from(terms: &LendingTerms, loans: u32) -> u32 {
    let (mut low, mut high) = (0, 1 << 16);
    while low < high {
        let rank = (low + high) / 2;
        if terms.creditworthy(quality(rank as u16), loans) { high = rank } else { low = rank + 1 }
    }
    low
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
                    let amount = Money::from_cny(fees[seller] * world.persons(u64::from(*count)));
                    let (party, flow) = if seller < platforms {
                        (Party::Platform(seller), Flow::DirectFee)
                    } else {
                        (Party::Agency(seller - platforms), Flow::AgencyFee)
                    };
                    world.ledger.post(Party::Bank(bank), party, flow, amount);
                    sold[seller].0 += u64::from(*count);
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
        queries.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(*count));
        world.banks.decisions[bank].push(f64::from(world.tallies[0].decisions[bank].made));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::tests::terms;

    #[test]
    fn the_most_precise_platform_of_a_set_is_found() {
        let precision: Vec<f64> = (0..19).map(|p| f64::from(p * 7 % 11)).collect();
        let most_precise = MostPrecise::new(&precision);
        for set in (0..1u128 << 19).step_by(97) {
            let better = |a: &usize, b: &usize| precision[*a].total_cmp(&precision[*b]).then(b.cmp(a));
            assert_eq!(most_precise.of(set), platforms_in(set).max_by(better), "{set:b}");
        }
        assert_eq!(MostPrecise::new(&[]).of(0), None);
    }

    #[test]
    fn creditworthiness_starts_at_a_rank() {
        let terms = terms();
        for loans in 0..4 {
            let from = creditworthy_from(&terms, loans);
            for rank in (0..1 << 16).step_by(61).chain([from.saturating_sub(1), from]) {
                assert_eq!(terms.creditworthy(quality(rank as u16), loans), rank >= from, "{loans} {rank}");
            }
        }
    }
}

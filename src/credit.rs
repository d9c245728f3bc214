//! Step 6 of a month, credit: users apply; banks query, score and decide; loans are made and trades
//! of data are booked.

use crate::agents::banks::{BankPicker, Source};
use crate::agents::users::{BLOCK, Block, HOME_SLOT, Loan, quality};
use crate::information::{PlatformSet, platforms_in};
use crate::ledger::{Flow, Party};
use crate::near::{GeometricSkip, NearLog, NearNormal};
use crate::normal::normal_quantile;
use crate::platform_tables::{ByWeight, MostPrecise};
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
    platforms: usize,
    by_weight: ByWeight,
    refers: PlatformSet,
    /// By source: the platforms that sell scores to lenders with it.
    sells: Vec<PlatformSet>,
    /// By slot of an application: the platforms that may sell a score on it.
    may_sell: Vec<PlatformSet>,
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
    class: u16,
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
#[derive(Clone, Copy, Default)]
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
    /// Precision of agencies' pooled records, if the lender has bought those.
    pooled: f64,
    /// The applicant, by place on the desk.
    applicant: u16,
    /// The lender.
    bank: u16,
    /// What the lender has bought on the applicant: [`NOTHING`], or the seller's number + 1.
    bought: u16,
    /// The lender's class.
    class: u16,
    /// The platform that referred it, as a slot.
    slot: u8,
}

impl Application {
    /// The application of an applicant with a lender who has yet to look at it.
    fn new(applicant: u16, bank: u16, slot: u8) -> Application {
        Application { pooled: 0.0, applicant, bank, bought: NOTHING, class: 0, slot }
    }
}

/// Nothing has been bought on an applicant. Sellers are numbered from 1: platforms, then agencies.
const NOTHING: u16 = 0;

/// The desk on which the applications of a block lie. They are dealt with side by side, a step for all before
/// the next one, since that is how draws are quick to make. Between steps they are sorted by what comes next:
/// a step that does the same for all has nothing to foresee.
#[derive(Default)]
pub struct Desk {
    candidates: Vec<[u32; 4]>,
    /// Places of the candidates in the block.
    places: Vec<u16>,
    applicants: Sorted<Applicant>,
    /// Applicants through platforms, with the candidates they were.
    through_platforms: Sorted<[u16; 2]>,
    /// All other applicants.
    at_home: Sorted<u16>,
    open: Vec<Application>,
    /// Those of the open applications on which something has been bought.
    bought: Sorted<u16>,
    own_noise: Drawn,
    seller_noise: Drawn,
    /// Open applications that are approved, and those that are refused.
    approved: Sorted<u16>,
    refused: Sorted<u16>,
    /// Applicants whom all lenders so far have refused.
    left: Vec<u16>,
    /// Lenders whom an applicant has been to, `tries` of them an applicant.
    been_to: Vec<u16>,
    next_lender: Drawn,
}

/// A list to which things are added or not without a branch.
#[derive(Default)]
struct Sorted<T> {
    things: Vec<T>,
    len: usize,
}

impl<T: Copy + Default> Sorted<T> {
    /// Empties the list and makes room for so many things.
    fn clear(&mut self, most: usize) {
        self.len = 0;
        // One more, since what is not added is written past the end.
        if self.things.len() <= most {
            self.things.resize(most + 1, T::default());
        }
    }

    #[inline]
    fn push_if(&mut self, thing: T, add: bool) {
        self.things[self.len] = thing;
        self.len += usize::from(add);
    }

    fn as_slice(&self) -> &[T] {
        &self.things[..self.len]
    }
}

/// The first words of draws for some agents and options.
#[derive(Default)]
struct Drawn {
    of: Sorted<[u32; 2]>,
    words: Vec<u32>,
}

impl Drawn {
    /// Forgets all, and makes room for so many draws.
    fn clear(&mut self, most: usize) {
        let room = (most + 1).next_multiple_of(DRAWN_SIDE_BY_SIDE);
        self.of.clear(room);
        if self.words.len() < room {
            self.words.resize(room, 0);
        }
    }

    /// Asks for a draw for an agent and an option, or not.
    #[inline]
    fn ask_if(&mut self, agent: u32, option: u32, asks: bool) {
        self.of.push_if([agent, option], asks);
    }

    /// Has what was asked for drawn, in this order: at least one word more than that, and so many that all are
    /// drawn side by side. What those more are of, which was asked for before, does not matter.
    fn draw(&mut self, key: Key, purpose: Purpose, month: u32) -> &[u32] {
        let drawn = (self.of.len + 1).next_multiple_of(DRAWN_SIDE_BY_SIDE);
        key.first_words(purpose, month, &self.of.things[..drawn], &mut self.words[..drawn]);
        &self.words[..drawn]
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
        let sources: Vec<Source> = (0..Source::count(world.agencies.len())).map(Source::of_number).collect();
        let selling = set(&|p| world.platforms[p].sells_directly);
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
            platforms,
            by_weight: ByWeight::new(
                world.parameters.platforms.iter().map(|entry| entry.row.credit_weight).collect(),
            ),
            refers: set(&|p| world.platforms[p].refers_applicants(world.month)),
            sells: sources.iter().map(|source| if *source == Source::Direct { selling } else { 0 }).collect(),
            may_sell: [PlatformSet::MAX].into_iter().chain((0..platforms).map(|p| 1 << p)).collect(),
            most_precise: MostPrecise::new(&direct_precision),
            partners: BankPicker::new(&rows().map(|row| row.partnership_weight).collect::<Vec<_>>(), &counts),
            homes: BankPicker::new(&rows().map(|row| row.deposit_share).collect::<Vec<_>>(), &counts),
            lenders: (world.banks.class.iter().zip(&world.banks.source))
                .map(|(class, source)| Lender { class: *class, source: source.number() as u8 })
                .collect(),
            sources,
            readings: own_precision.as_flattened().iter().flat_map(readings).collect(),
            own_precision,
            direct_precision,
            agencies: (0..world.agencies.len()).map(offer).collect(),
            delivered: world.delivered(),
            creditworthy_from: (0..=credit.max_loans).map(|loans| creditworthy_from(&terms, loans)).collect(),
            margin_error: Reading::margin_error(&terms, NearNormal::ERROR),
            terms,
            near_log: NearLog::table(),
            near_normal: NearNormal::table(),
        }
    }

    /// Lets the users of a block apply, and lenders decide on those who do, one lender after another.
    pub fn serve(&self, block: &mut Block, desk: &mut Desk, tally: &mut Tally) {
        self.come_up(block, desk);
        self.apply(block, desk, tally);
        self.go_to_first_lenders(block, desk);
        for round in 1..=self.tries {
            self.buy(desk, tally);
            self.decide(block, desk, round, tally);
            if round == self.tries || desk.left.is_empty() {
                return;
            }
            self.go_to_next_lenders(desk, round);
        }
    }

    /// Finds the users of a block who come up for an application. Only they are looked at: from one to
    /// the next is a geometric skip, keyed by block and candidate.
    fn come_up(&self, block: &Block, desk: &mut Desk) {
        let Desk { candidates, places, .. } = desk;
        candidates.clear();
        places.clear();
        let mut place = 0u64;
        let mut at_once = self.candidates.max(1);
        loop {
            let first = candidates.len();
            candidates.resize((first + at_once).next_multiple_of(DRAWN_SIDE_BY_SIDE), [0; 4]);
            let drawn = &mut candidates[first..];
            self.key.draw_options(Purpose::Application, block.number, self.month, first as u32, drawn);
            for words in drawn {
                place += u64::from(self.skip.of(words[0], self.near_log));
                if place >= block.len() as u64 {
                    return;
                }
                places.push(place as u16);
                place += 1;
            }
            at_once = DRAWN_SIDE_BY_SIDE;
        }
    }

    /// Candidates apply, unless barred, at the limit of loans, or discouraged: through a platform or not.
    fn apply(&self, block: &Block, desk: &mut Desk, tally: &mut Tally) {
        let Desk { candidates, places, applicants, through_platforms, at_home, .. } = desk;
        applicants.clear(places.len());
        through_platforms.clear(places.len());
        at_home.clear(places.len());
        let discouraging = self.goes_on[0] < 1.0 || (self.goes_on[1] < 1.0 && block.has_reported_loans());
        for (candidate, (place, words)) in places.iter().zip(&*candidates).enumerate() {
            let place = usize::from(*place);
            let loans = block.loan_count(place);
            let mut applies = (loans < self.max_loans) & !block.locked_out(place, self.month);
            if discouraging {
                applies = applies && self.goes_on(block, place);
            }
            let rank = block.quality_rank(place);
            let creditworthy = u32::from(rank) >= self.creditworthy_from[loans.min(self.max_loans) as usize];
            let applicant = Applicant {
                memberships: block.memberships(place),
                user: block.user(place),
                place: place as u16,
                rank,
                quality: self.near_normal.of(middle_word(rank)) as f32,
                loans: loans as u8,
                groups: Groups::of(creditworthy, block.thin_file(place), block.quintile(place)),
            };
            tally.ask(applicant.groups, applies);
            let through_platform = (applicant.memberships != 0) & (uniform(words[1]) < self.platform_share);
            let number = applicants.len as u16;
            through_platforms.push_if([number, candidate as u16], applies & through_platform);
            at_home.push_if(number, applies & !through_platform);
            applicants.push_if(applicant, applies);
        }
    }

    /// Whether a candidate is not discouraged by what has been reported.
    fn goes_on(&self, block: &Block, place: usize) -> bool {
        let goes_on = self.goes_on[usize::from(block.reported_count(place) > 0)];
        goes_on >= 1.0 || self.luck(block.user(place), 0) < goes_on
    }

    /// A person's luck of this month beside the application's own words.
    fn luck(&self, user: u32, word: usize) -> f64 {
        uniform(self.key.draw(Purpose::Demand, user, self.month, 0)[word])
    }

    /// Applicants go to a first lender: a partner bank of a platform, or the home bank. Some of those
    /// whose platform refers nobody give up.
    fn go_to_first_lenders(&self, block: &Block, desk: &mut Desk) {
        let Desk { candidates, applicants, through_platforms, at_home, open, .. } = desk;
        let applicants = applicants.as_slice();
        open.clear();
        for [number, candidate] in through_platforms.as_slice() {
            let applicant = &applicants[usize::from(*number)];
            let words = &candidates[usize::from(*candidate)];
            let platform = self.by_weight.pick(applicant.memberships, uniform(words[2]));
            if self.refers >> platform & 1 == 1 {
                let bank = self.partners.pick(uniform(words[3])) as u16;
                open.push(Application::new(*number, bank, platform as u8 + 1));
            } else if self.luck(applicant.user, 1) < self.diversion {
                let bank = block.home_bank(applicant.place()) as u16;
                open.push(Application::new(*number, bank, HOME_SLOT));
            }
        }
        open.extend(at_home.as_slice().iter().map(|number| {
            let bank = block.home_bank(applicants[usize::from(*number)].place()) as u16;
            Application::new(*number, bank, HOME_SLOT)
        }));
    }

    /// Lenders buy from their sources what there is on their applicants, which is counted.
    fn buy(&self, desk: &mut Desk, tally: &mut Tally) {
        let Desk { applicants, open, bought, own_noise, seller_noise, .. } = desk;
        let applicants = applicants.as_slice();
        bought.clear(open.len());
        own_noise.clear(open.len());
        seller_noise.clear(open.len());
        for (i, application) in open.iter_mut().enumerate() {
            let (applicant, bank) = (&applicants[usize::from(application.applicant)], application.bank);
            let Lender { class, source } = self.lenders[usize::from(bank)];
            application.class = class;
            application.bought = self.score_for_sale(applicant, usize::from(source), application.slot);
            let source = self.sources[usize::from(source)];
            if source.is_agencies() {
                (application.bought, application.pooled) =
                    self.query_agencies(applicant, usize::from(bank), usize::from(class), source, tally);
            }
            let has_bought = application.bought != NOTHING;
            bought.push_if(i as u16, has_bought);
            own_noise.ask_if(applicant.user, u32::from(bank), true);
            let seller = u32::from(application.bought.wrapping_sub(1));
            seller_noise.ask_if(applicant.user, seller, has_bought);
        }
    }

    /// The platform that sells a lender with this source its score of the person, as a seller's number + 1:
    /// the one that referred, or else the most precise of which the person is a member.
    #[inline]
    fn score_for_sale(&self, applicant: &Applicant, source: usize, slot: u8) -> u16 {
        let selling = applicant.memberships & self.sells[source] & self.may_sell[usize::from(slot)];
        let score = self.most_precise.of(selling);
        if score != NOTHING && !self.delivered.consents(applicant.user) { NOTHING } else { score }
    }

    /// Those whom lenders have refused go to another one that they have not asked, drawn by deposit share. Another
    /// lender's refusal is not visible, and the platform referred to the first alone.
    fn go_to_next_lenders(&self, desk: &mut Desk, asked: u32) {
        let Desk { applicants, left, next_lender, been_to, open, .. } = desk;
        let user = |number: &u16| applicants.things[usize::from(*number)].user;
        next_lender.clear(left.len());
        left.iter().for_each(|number| next_lender.ask_if(user(number), asked << 8, true));
        let words = next_lender.draw(self.key, Purpose::NextLender, self.month);
        open.clear();
        for (number, word) in left.iter().zip(words) {
            let been_to = &been_to[usize::from(*number) * self.tries as usize..][..asked as usize];
            let bank = self.homes.pick(uniform(*word)) as u16;
            let another = || self.next_lender(user(number), been_to);
            let bank = if been_to.contains(&bank) { another() } else { Some(bank) };
            open.extend(bank.map(|bank| Application::new(*number, bank, HOME_SLOT)));
        }
    }

    /// A lender, by deposit share, that has not been asked, where the first one drawn had been; `None` where none
    /// is found in many draws.
    #[cold]
    fn next_lender(&self, user: u32, asked: &[u16]) -> Option<u16> {
        const DRAWS: u32 = 64;
        let option = (asked.len() as u32) << 8;
        (1..DRAWS)
            .map(|draw| self.key.uniform(Purpose::NextLender, user, self.month, option | draw))
            .map(|u| self.homes.pick(u) as u16)
            .find(|bank| !asked.contains(bank))
    }

    /// Banks, the `round`-th of their applicants, decide on the open applications; the applicants who are refused
    /// are left.
    fn decide(&self, block: &mut Block, desk: &mut Desk, round: u32, tally: &mut Tally) {
        let applicants = desk.applicants.as_slice();
        let own_noise = desk.own_noise.draw(self.key, Purpose::OwnNoise, 0);
        let seller_noise = desk.seller_noise.draw(self.key, Purpose::SellerNoise, 0);
        desk.approved.clear(desk.open.len());
        desk.refused.clear(desk.open.len());
        let mut bought_before = 0;
        for (i, application) in desk.open.iter().enumerate() {
            let applicant = &applicants[usize::from(application.applicant)];
            // Noise of what has not been bought weighs nothing.
            let noise = [own_noise[i], seller_noise[bought_before]];
            bought_before += usize::from(application.bought != NOTHING);
            let loans_seen = self.loans_seen(block, applicant, usize::from(application.bank));
            let approved = self.approves(application, applicant, noise, loans_seen);
            desk.approved.push_if(i as u16, approved);
            desk.refused.push_if(i as u16, !approved);
        }
        // Counts of many banks are far apart in memory: one after another they are waited for together.
        for i in desk.bought.as_slice() {
            let Application { bank, bought, class, .. } = desk.open[usize::from(*i)];
            let seller = usize::from(bought) - 1;
            if seller < self.platforms {
                tally.query_platform(usize::from(bank), usize::from(class), seller);
            }
        }
        let of = |i: &u16| {
            let application = &desk.open[usize::from(*i)];
            (application, &applicants[usize::from(application.applicant)])
        };
        desk.left.clear();
        let (tries, asked) = (self.tries as usize, round as usize - 1);
        if desk.been_to.len() < applicants.len() * tries {
            desk.been_to.resize(applicants.len() * tries, 0);
        }
        for (application, applicant) in desk.refused.as_slice().iter().map(of) {
            tally.refuse(usize::from(application.bank), applicant.creditworthy());
            desk.been_to[usize::from(application.applicant) * tries + asked] = application.bank;
            desk.left.push(application.applicant);
        }
        for (application, applicant) in desk.approved.as_slice().iter().map(of) {
            tally.approve(usize::from(application.bank), applicant.creditworthy(), application.slot);
        }
        for (application, applicant) in desk.approved.as_slice().iter().map(of) {
            self.grant(block, application, applicant, tally);
        }
    }

    /// Whether the bank approves, given the words of the noise of its own judgement and of what it has bought.
    #[inline]
    fn approves(
        &self,
        application: &Application,
        applicant: &Applicant,
        noise: [u32; 2],
        loans_seen: u32,
    ) -> bool {
        let class = usize::from(application.class);
        let thin = usize::from(applicant.thin_file());
        let (score, scores) = (usize::from(application.bought), self.platforms + 1);
        let pooled;
        let reading = if score < scores {
            &self.readings[(2 * class + thin) * scores + score]
        } else {
            pooled = self.terms.reading(self.own_precision[class][thin], application.pooled);
            &pooled
        };
        let near = |word| self.near_normal.of(word);
        let quality = f64::from(applicant.quality);
        let margin = reading.margin(quality, near(noise[0]), near(noise[1]), loans_seen);
        if margin.abs() > self.margin_error {
            margin > 0.0
        } else {
            let bought = match score {
                0 => 0.0,
                score if score < scores => self.direct_precision[score - 1],
                _ => application.pooled,
            };
            self.approves_exactly(applicant.rank, self.own_precision[class][thin], bought, noise, loans_seen)
        }
    }

    /// The same where near values are too near to call, given the precision of the bank's own judgement and of
    /// what it has bought.
    #[cold]
    fn approves_exactly(&self, rank: u16, own: f64, bought: f64, noise: [u32; 2], loans_seen: u32) -> bool {
        let quality = quality(rank);
        let [own_noise, seller_noise] = noise.map(|word| normal_quantile(uniform(word)));
        let mut signals = weighted_signal(quality, own, own_noise);
        let mut precision = own;
        if bought > 0.0 {
            signals += weighted_signal(quality, bought, seller_noise);
            precision += bought;
        }
        self.terms.approves(signals / (1.0 + precision), precision, loans_seen)
    }

    /// Queries the agencies of a source. Their records are pooled and read by the ablest, whose noise
    /// they bear. Returns that agency as a seller's number + 1, and the precision of the pool.
    fn query_agencies(
        &self,
        applicant: &Applicant,
        bank: usize,
        class: usize,
        source: Source,
        tally: &mut Tally,
    ) -> (u16, f64) {
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
        let Some(ablest) = ablest else { return (NOTHING, 0.0) };
        tally.agency_decisions += 1;
        let precision = self.agencies[ablest].capability * self.delivered.pool.raw(pooled);
        ((self.platforms + ablest) as u16 + 1, precision)
    }

    /// Loans of the applicant that the bank sees: its own, and reported ones where it may look.
    #[inline]
    fn loans_seen(&self, block: &Block, applicant: &Applicant, bank: usize) -> u32 {
        if block.has_reported_loans() && self.sees_reported(bank) {
            let seen = |loan: &&Loan| usize::from(loan.lender) == bank || loan.reported();
            block.loans_of(applicant.place()).filter(seen).count() as u32
        } else {
            block.loans_from(applicant.place(), bank)
        }
    }

    /// Whether a bank may look at reported loans.
    fn sees_reported(&self, bank: usize) -> bool {
        match self.loan_records {
            LoanRecords::None => false,
            LoanRecords::All => true,
            LoanRecords::Subscribers => {
                let source = self.sources[usize::from(self.lenders[bank].source)];
                let records =
                    |(a, agency): (usize, &AgencyOnOffer)| agency.records_loans && agency.serves(a, source);
                self.agencies.iter().enumerate().any(records)
            }
        }
    }

    fn grant(&self, block: &mut Block, application: &Application, applicant: &Applicant, tally: &mut Tally) {
        let (place, loans) = (applicant.place(), u32::from(applicant.loans));
        let bank = usize::from(application.bank);
        let reported = self.lender_reporting > 0.0 && self.luck(applicant.user, 2) < self.lender_reporting;
        let before = (loans, block.owes_several_lenders(place));
        block.grant(place, bank, application.slot, reported, self.month);
        tally.change_of_debt(before, (loans + 1, block.owes_several_lenders(place)));
        tally.grant(applicant.groups, block.quintile(place));
    }
}

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

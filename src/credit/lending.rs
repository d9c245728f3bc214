//! Lending: users apply, lenders look at what they know and can buy, decide, and lend.

use super::demand;
use super::desk::{
    Applicant, Application, Coming, Decided, Deciding, Desk, List, Open, Purchase, Room, Words,
};
use crate::agents::ahead::Ahead;
use crate::agents::banks::{BankPicker, Source};
use crate::agents::users::{BLOCK, Block, HOME_SLOT, MOST_LOANS, People, quality};
use crate::information::{PlatformSet, platforms_in};
use crate::near::{GeometricSkip, NearLog, NearNormal, SkipTable};
use crate::normal::normal_quantile;
use crate::platform_tables::{ByWeight, MostPrecise};
use crate::pooling::Delivered;
use crate::random::{Key, Purpose, SIDE_BY_SIDE, uniform, words_below};
use crate::scenario::value::LoanRecords;
use crate::screening::{LendingTerms, Reading, weighted_signal};
use crate::tally::{Groups, Tally};
use crate::world::World;

/// All that a month's lending reads, which stays as it is while users apply.
pub struct Lending {
    key: Key,
    month: u32,
    terms: LendingTerms,
    max_loans: u32,
    tries: u32,
    /// Persons passed over between two who come up for an application.
    skip: SkipTable,
    /// How many draws of a block's candidates are made at first, before few more at a time: hardly ever too many.
    at_once: usize,
    /// Probability that a candidate without, or with, a reported loan goes on to apply.
    goes_on: [f64; 2],
    /// Words that send an applicant through a platform, of those who are members of any.
    through_platform: u64,
    /// Words that send one whom the platform does not refer to the home bank.
    diverted: u64,
    lender_reporting: f64,
    platforms: usize,
    by_weight: ByWeight,
    /// Whether a platform refers its applicants to its partner banks.
    refers: Vec<bool>,
    /// By slot of an application: the platforms that sell lenders a score on it.
    may_sell: Vec<PlatformSet>,
    /// Precision of platforms' own scores.
    direct_precision: Vec<f64>,
    most_precise: MostPrecise,
    partners: BankPicker,
    homes: BankPicker,
    lenders: Vec<Lender>,
    /// Sources, by number.
    sources: Vec<Source>,
    /// Whether a lender with this source, by number, may look at reported loans.
    sees_reported: Vec<bool>,
    /// Own precision by class: thick file, thin file.
    own_precision: Vec<[f64; 2]>,
    /// How signals are read, by class, score ([`NO_SCORE`], or that of a platform) and file.
    readings: Vec<[Reading; 2]>,
    agencies: Vec<AgencyOnOffer>,
    delivered: Delivered,
    /// The lowest rank of quality, as a word, at which a person with so many loans is creditworthy.
    creditworthy_from: [u32; MOST_LOANS + 1],
    /// By how much a margin worked out of near values can be off.
    margin_error: f32,
    /// The same where they are those of the finer table.
    finer_margin_error: f32,
    near_log: &'static NearLog,
    near_normal: &'static NearNormal,
}

/// Words in a draw. Who comes up next takes one of them.
const WORDS: usize = 4;

/// Words that the way of a candidate to a first lender takes.
const PER_WAY: usize = 2;

/// In the place of a platform's score, which is the platform's number + 1: none.
const NO_SCORE: u16 = 0;

/// What lending has to know of a bank, in few bytes: lenders are many, and looked up in no order.
#[derive(Clone, Copy)]
struct Lender {
    class: u16,
    /// Its source, by number.
    source: u8,
    buys: Buys,
}

/// What a bank buys on its applicants.
#[derive(Clone, Copy, PartialEq)]
enum Buys {
    Nothing,
    /// Platforms' own scores.
    Scores,
    /// Agencies' pooled records.
    Records,
}

impl Buys {
    fn from(source: Source) -> Buys {
        match source {
            Source::None => Buys::Nothing,
            Source::Direct => Buys::Scores,
            Source::Agency(_) | Source::AllAgencies => Buys::Records,
        }
    }
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

impl Lending {
    /// The month's lending.
    pub fn new(world: &World) -> Lending {
        let credit = &world.parameters.credit;
        let (hazard, platform_share) = demand(world);
        let reported = 1.0 + credit.reporting_demand_effect;
        // Candidates come up at the higher of the two hazards, and go on in proportion to theirs.
        let candidate = (hazard * reported.max(1.0)).min(1.0);
        let share = |hazard: f64| if candidate > 0.0 { (hazard / candidate).min(1.0) } else { 0.0 };
        let near_log = NearLog::table();
        let platforms = world.platforms.len();
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
        let readings = |own: &[f64; 2]| {
            let own = *own;
            scores().map(move |bought| own.map(|own| terms.reading(own, bought))).collect::<Vec<_>>()
        };
        let agencies: Vec<AgencyOnOffer> = (0..world.agencies.len()).map(offer).collect();
        let has_records = |source| {
            agencies.iter().enumerate().any(|(a, agency)| agency.records_loans && agency.serves(a, source))
        };
        let sees_reported = |source| match world.rules.loan_records {
            LoanRecords::None => false,
            LoanRecords::All => true,
            LoanRecords::Subscribers => has_records(source),
        };
        let lender = |(class, source): (&u16, &Source)| Lender {
            class: *class,
            source: source.number() as u8,
            buys: Buys::from(*source),
        };
        let sources: Vec<Source> = (0..Source::count(world.agencies.len())).map(Source::of_number).collect();
        let selling = (0..platforms).filter(|p| world.platforms[*p].sells_directly);
        let selling = selling.fold(0, |set: PlatformSet, p| set | 1 << p);
        let expected = candidate * BLOCK as f64;
        Lending {
            key: world.key,
            month: world.month,
            max_loans: credit.max_loans,
            tries: credit.tries.min(world.banks.len() as u32),
            skip: SkipTable::new(GeometricSkip::new(candidate), near_log),
            at_once: ((expected - libm::sqrt(expected)) as usize / WORDS)
                .next_multiple_of(SIDE_BY_SIDE)
                .max(SIDE_BY_SIDE),
            goes_on: [share(hazard), share(hazard * reported)],
            through_platform: words_below(platform_share),
            diverted: words_below(credit.diversion),
            lender_reporting: world.rules.lender_reporting,
            platforms,
            by_weight: ByWeight::new(
                world.parameters.platforms.iter().map(|entry| entry.row.credit_weight).collect(),
                platform_share,
            ),
            refers: world.platforms.iter().map(|platform| platform.refers_applicants(world.month)).collect(),
            may_sell: [selling].into_iter().chain((0..platforms).map(|p| selling & 1 << p)).collect(),
            most_precise: MostPrecise::new(&direct_precision),
            partners: BankPicker::new(&rows().map(|row| row.partnership_weight).collect::<Vec<_>>(), &counts),
            homes: BankPicker::new(&rows().map(|row| row.deposit_share).collect::<Vec<_>>(), &counts),
            lenders: (world.banks.class.iter().zip(&world.banks.source)).map(lender).collect(),
            sees_reported: sources.iter().map(|source| sees_reported(*source)).collect(),
            sources,
            readings: own_precision.iter().flat_map(readings).collect(),
            own_precision,
            direct_precision,
            agencies,
            delivered: world.delivered(),
            creditworthy_from: std::array::from_fn(|loans| creditworthy_from(&terms, loans as u32)),
            margin_error: Reading::margin_error(&terms, NearNormal::ERROR, credit.max_loans),
            finer_margin_error: Reading::margin_error(&terms, NearNormal::ERROR_OF_ANY, credit.max_loans),
            terms,
            near_log,
            near_normal: NearNormal::table(),
        }
    }

    /// Lets the users of a block apply, and lenders decide on those who do, one lender after another.
    pub fn serve(&self, block: &mut Block, ahead: &mut Ahead, desk: &mut Desk, tally: &mut Tally) {
        let Desk { coming, alone, buying, deciding, been_to, next_lender } = desk;
        let mut open = Open { alone: alone.list(), buying: buying.list() };
        self.go_to_first_lenders(block, ahead, coming, &mut open, tally);
        for round in 0..self.tries as usize {
            let decided = self.decide(block, ahead, &mut open, deciding, tally);
            for application in decided.approved() {
                ahead.bring();
                self.grant(block, application, tally);
            }
            let refused = decided.refused();
            if refused.is_empty() || round + 1 == self.tries as usize {
                return;
            }
            if been_to.len() == round {
                been_to.push(Room::default());
            }
            refused.iter().for_each(|application| been_to[round].put(application.place(), application.bank));
            open.clear();
            self.go_to_next_lenders(block, refused, &been_to[..=round], next_lender, &mut open);
        }
    }

    /// Users of a block come up for an application, and apply unless barred, at the limit of loans, or discouraged.
    /// Only those who come up are looked at: from one to the next is a geometric skip, keyed by block and candidate.
    /// Says how many there are.
    fn apply(&self, block: &Block, drawn: &mut Room<[u32; 4]>, applicants: &mut List<Applicant>) -> usize {
        let people = block.people();
        let (mut place, mut candidates, mut at_once) = (0, 0, self.at_once);
        'candidates: loop {
            let drawn = drawn.of_mut(0..at_once);
            let first = (candidates / WORDS) as u32;
            self.key.draw_options(Purpose::Application, block.number, self.month, first, drawn);
            for word in drawn.as_flattened() {
                place += self.skip.of(*word, self.near_log) as usize;
                let Some(person) = people.get(place) else { break 'candidates };
                let applicant = Applicant { place: place as u16, candidate: candidates as u16 };
                applicants.push_if(applicant, person.may_apply(self.max_loans, self.month));
                candidates += 1;
                place += 1;
            }
            at_once = SIDE_BY_SIDE;
        }
        if self.goes_on[0] < 1.0 || (self.goes_on[1] < 1.0 && block.has_reported_loans()) {
            applicants.retain(|applicant| self.goes_on(block, usize::from(applicant.place)));
        }
        candidates
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

    /// Applicants go to a first lender, through a platform to one of its partner banks or else to the home bank. Some
    /// of those whose platform refers nobody give up.
    fn go_to_first_lenders(
        &self,
        block: &Block,
        ahead: &mut Ahead,
        coming: &mut Coming,
        open: &mut Open,
        tally: &mut Tally,
    ) {
        let Coming { drawn, applicants, through_platforms, at_home } = coming;
        let people = block.people();
        let (mut applicants, mut at_home) = (applicants.list(), at_home.list());
        ahead.bring_some();
        let candidates = self.apply(block, drawn, &mut applicants);
        if self.through_platform > 0 {
            let mut through_platforms = through_platforms.list();
            self.draw_ways(block, candidates, drawn);
            for applicant in applicants.as_slice() {
                let [word, _] = way(drawn, *applicant);
                let is_member = block.memberships(usize::from(applicant.place)) != 0;
                let through_platform = is_member & (u64::from(word) < self.through_platform);
                through_platforms.push_if(*applicant, through_platform);
                at_home.push_if(*applicant, !through_platform);
            }
            for applicant in through_platforms.as_slice() {
                ahead.bring();
                // Given that the first number is below the share of those who go through platforms, its part of
                // that is a number in (0, 1) itself.
                let [first, second] = way(drawn, *applicant);
                let mut application = self.application(&people, applicant.place);
                tally.ask(application.groups);
                let place = application.place();
                let platform = self.by_weight.pick(block.memberships(place), first);
                if self.refers[platform] {
                    application.bank = self.partners.pick(second) as u16;
                    application.slot = platform as u8 + 1;
                } else if u64::from(second) < self.diverted {
                    application.bank = block.home_bank(place) as u16;
                } else {
                    continue;
                }
                self.put_before_lender(application, open);
            }
            applicants = at_home;
        }
        ahead.bring_some();
        for applicant in applicants.as_slice() {
            let mut application = self.application(&people, applicant.place);
            tally.ask(application.groups);
            application.bank = block.home_bank(application.place()) as u16;
            self.put_before_lender(application, open);
        }
    }

    /// Draws the ways of all candidates to a first lender.
    fn draw_ways(&self, block: &Block, candidates: usize, drawn: &mut Room<[u32; 4]>) {
        let draws = (candidates * PER_WAY / WORDS + 1).next_multiple_of(SIDE_BY_SIDE);
        self.key.draw_options(Purpose::Referral, block.number, self.month, 0, drawn.of_mut(0..draws));
    }

    /// The application of a person who has yet to go to a lender.
    #[inline]
    fn application(&self, people: &People, place: u16) -> Application {
        let person = people.get(usize::from(place)).expect("an applicant is one of them");
        let rank = person.quality_rank;
        let creditworthy = u32::from(rank) >= self.creditworthy_from[person.loan_count() as usize];
        let groups = Groups::of_kind(creditworthy, person.kind());
        Application { place, rank, groups, slot: HOME_SLOT, ..Application::default() }
    }

    /// Puts an application with those whose lender buys something, or with those whose lender judges alone: so the
    /// steps of either ask no more which it is.
    #[inline]
    fn put_before_lender(&self, application: Application, open: &mut Open) {
        let buys = self.lenders[usize::from(application.bank)].buys != Buys::Nothing;
        open.alone.push_if(application, !buys);
        open.buying.push_if(application, buys);
    }

    /// Lenders buy from their sources what there is on their applicants, and decide.
    fn decide<'a>(
        &self,
        block: &Block,
        ahead: &mut Ahead,
        Open { alone, buying }: &mut Open,
        deciding: &'a mut Deciding,
        tally: &mut Tally,
    ) -> Decided<'a> {
        let Deciding { own_noise, purchases, seller_noise, decided } = deciding;
        let mut purchases = purchases.list();
        for application in buying.as_slice() {
            ahead.bring();
            match self.buy(block, application, tally) {
                Some(purchase) => purchases.push(purchase),
                None => alone.push(*application),
            }
        }
        let mut decided = self.decide_alone(block, ahead, alone.as_slice(), own_noise, decided, tally);
        if !purchases.as_slice().is_empty() {
            let noise = [own_noise, seller_noise];
            self.decide_with(block, ahead, purchases.as_slice(), noise, &mut decided, tally);
        }
        decided
    }

    /// What a lender buys on an applicant, if there is anything.
    #[inline]
    fn buy(&self, block: &Block, application: &Application, tally: &mut Tally) -> Option<Purchase> {
        let lender = self.lenders[usize::from(application.bank)];
        let (reading, seller, pooled) = match lender.buys {
            Buys::Nothing => return None,
            Buys::Scores => match self.score_for_sale(block, application.place(), application.slot) {
                NO_SCORE => return None,
                score => (*self.reading(lender, score, application), score - 1, 0.0),
            },
            Buys::Records => self.query_agencies(block, application, lender, tally)?,
        };
        Some(Purchase {
            application: *application,
            margin: self.margin_but_for_noise(block, application, lender, &reading),
            on_own_noise: reading.on_own_noise,
            on_noise: reading.on_bought_noise,
            pooled,
            seller,
        })
    }

    /// How a lender reads its own signal beside a platform's score, or [`NO_SCORE`].
    #[inline]
    fn reading(&self, lender: Lender, score: u16, application: &Application) -> &Reading {
        let of_class = usize::from(lender.class) * (1 + self.platforms);
        &self.readings[of_class + usize::from(score)][usize::from(application.thin_file())]
    }

    /// The margin that a lender sees, but for noise.
    #[inline]
    fn margin_but_for_noise(
        &self,
        block: &Block,
        application: &Application,
        lender: Lender,
        reading: &Reading,
    ) -> f32 {
        let loans_seen = self.loans_seen(block, application, lender);
        reading.margin_but_for_noise(self.near_normal.of(middle_word(application.rank)), loans_seen)
    }

    /// Lenders decide who have bought nothing.
    #[inline(never)]
    fn decide_alone<'a>(
        &self,
        block: &Block,
        ahead: &mut Ahead,
        open: &[Application],
        noise: &mut Words,
        decided: &'a mut Room<Application>,
        tally: &mut Tally,
    ) -> Decided<'a> {
        let mut decided = Decided::none(decided);
        ahead.bring_some();
        let noise = self.own_noise(block, open, noise, |application| application);
        for (application, word) in open.iter().zip(noise) {
            ahead.bring();
            let lender = self.lenders[usize::from(application.bank)];
            let reading = self.reading(lender, NO_SCORE, application);
            let margin = self.margin_but_for_noise(block, application, lender, reading)
                + reading.on_own_noise * self.near_normal.of(*word);
            let is_approved = self.approves(block, application, margin, *word, None);
            tally.decide(usize::from(application.bank), application.groups, is_approved);
            decided.put(*application, is_approved);
        }
        decided
    }

    /// Lenders decide who have bought something.
    #[inline(never)]
    fn decide_with(
        &self,
        block: &Block,
        ahead: &mut Ahead,
        purchases: &[Purchase],
        [own_noise, seller_noise]: [&mut Words; 2],
        decided: &mut Decided,
        tally: &mut Tally,
    ) {
        let own_noise = self.own_noise(block, purchases, own_noise, |purchase| &purchase.application);
        let seller_noise = seller_noise.draw(self.key, Purpose::SellerNoise, 0, purchases, |purchase| {
            [block.user(purchase.application.place()), u32::from(purchase.seller)]
        });
        for ((purchase, own_word), seller_word) in purchases.iter().zip(own_noise).zip(seller_noise) {
            ahead.bring();
            let Purchase { application, margin, on_own_noise, on_noise, seller, .. } = purchase;
            let (bank, seller) = (usize::from(application.bank), usize::from(*seller));
            if seller < self.platforms {
                tally.query_platform(bank, seller);
            }
            let margin = margin
                + on_own_noise * self.near_normal.of(*own_word)
                + on_noise * self.near_normal.of(*seller_word);
            let is_approved =
                self.approves(block, application, margin, *own_word, Some((purchase, *seller_word)));
            tally.decide(bank, application.groups, is_approved);
            decided.put(*application, is_approved);
        }
    }

    /// The noise of lenders' own judgement, which stays the same from one application to the next.
    fn own_noise<'a, T>(
        &self,
        block: &Block,
        things: &[T],
        words: &'a mut Words,
        application: impl Fn(&T) -> &Application,
    ) -> &'a [u32] {
        words.draw(self.key, Purpose::OwnNoise, 0, things, |thing| {
            let application = application(thing);
            [block.user(application.place()), u32::from(application.bank)]
        })
    }

    /// Whether a bank approves an application in which it sees this near margin, given the words of the noise of its own
    /// judgement and of what it has bought.
    #[inline(always)]
    fn approves(
        &self,
        block: &Block,
        application: &Application,
        margin: f32,
        own_noise: u32,
        purchase: Option<(&Purchase, u32)>,
    ) -> bool {
        if margin.abs() > self.margin_error {
            margin > 0.0
        } else {
            self.approves_finely(block, application, own_noise, purchase)
        }
    }

    /// The platform that sells a lender its score of a person, as its number + 1: the one that referred, or else
    /// the most precise of which the person is a member.
    #[inline]
    fn score_for_sale(&self, block: &Block, place: usize, slot: u8) -> u16 {
        let score = self.most_precise.of(block.memberships(place) & self.may_sell[usize::from(slot)]);
        if score != NO_SCORE && !self.delivered.consents(block.user(place)) { NO_SCORE } else { score }
    }

    /// Queries the agencies that are a bank's source. Their records on an applicant are pooled and read by the ablest,
    /// whose noise they bear. Returns how the bank reads the pool beside its own signal, whose noise it bears, and the
    /// precision of the pool.
    #[inline(never)]
    fn query_agencies(
        &self,
        block: &Block,
        application: &Application,
        lender: Lender,
        tally: &mut Tally,
    ) -> Option<(Reading, u16, f64)> {
        let (place, bank) = (application.place(), usize::from(application.bank));
        let (user, memberships) = (block.user(place), block.memberships(place));
        let (class, source) = (usize::from(lender.class), self.sources[usize::from(lender.source)]);
        let consents = self.delivered.consents(user);
        let mut ablest: Option<usize> = None;
        let mut held_by_all = 0;
        for (a, agency) in self.agencies.iter().enumerate().filter(|(a, agency)| agency.serves(*a, source)) {
            tally.query_agency(bank, a);
            if consents {
                let held = self.delivered.held(user, memberships, a);
                platforms_in(held).for_each(|p| tally.use_record(class, a, p));
                held_by_all |= held;
            }
            if ablest.is_none_or(|best| agency.capability > self.agencies[best].capability) {
                ablest = Some(a);
            }
        }
        let ablest = ablest?;
        tally.agency_decisions += 1;
        let pooled = self.agencies[ablest].capability * self.delivered.pool.raw(held_by_all);
        let own = self.own_precision[class][usize::from(application.thin_file())];
        Some((self.terms.reading(own, pooled), (self.platforms + ablest) as u16, pooled))
    }

    /// Loans of an applicant that a lender sees: its own, and reported ones where it may look.
    #[inline(always)]
    fn loans_seen(&self, block: &Block, application: &Application, lender: Lender) -> u32 {
        let (place, bank) = (application.place(), usize::from(application.bank));
        if block.has_reported_loans() && self.sees_reported[usize::from(lender.source)] {
            block.loans_from_or_reported(place, bank)
        } else {
            block.loans_from(place, bank)
        }
    }

    /// Those whom lenders have refused go to another one that they have not asked, drawn by deposit share. Another lender's
    /// refusal is not visible, and the platform referred to the first alone.
    fn go_to_next_lenders(
        &self,
        block: &Block,
        refused: &[Application],
        been_to: &[Room<u16>],
        words: &mut Words,
        open: &mut Open,
    ) {
        let asked = been_to.len() as u32;
        let words = words.draw(self.key, Purpose::NextLender, self.month, refused, |application| {
            [block.user(application.place()), asked << 8]
        });
        for (application, word) in refused.iter().zip(words) {
            let place = application.place();
            let been_to = been_to.iter().map(|lenders| *lenders.get(place));
            let mut bank = self.homes.pick(*word) as u16;
            if been_to.clone().any(|lender| lender == bank) {
                match self.next_lender(block.user(place), asked, |bank| {
                    been_to.clone().any(|lender| lender == bank)
                }) {
                    Some(another) => bank = another,
                    None => continue,
                }
            }
            self.put_before_lender(Application { bank, slot: HOME_SLOT, ..*application }, open);
        }
    }

    /// A lender, by deposit share, that has not been asked, where the first one drawn after `asked` others had been;
    /// `None` where none is found in many draws.
    #[cold]
    fn next_lender(&self, user: u32, asked: u32, has_been_asked: impl Fn(u16) -> bool) -> Option<u16> {
        const DRAWS: u32 = 64;
        (1..DRAWS)
            .map(|draw| self.key.draw(Purpose::NextLender, user, self.month, asked << 8 | draw)[0])
            .map(|word| self.homes.pick(word) as u16)
            .find(|bank| !has_been_asked(*bank))
    }

    /// Whether a bank approves, by nearer values: where near ones are too near to call, or there are none, as in the tails of
    /// noise.
    #[cold]
    fn approves_finely(
        &self,
        block: &Block,
        application: &Application,
        own_noise: u32,
        purchase: Option<(&Purchase, u32)>,
    ) -> bool {
        let lender = self.lenders[usize::from(application.bank)];
        let noise = |word| self.near_normal.of_any(word);
        let (reading, bought) = match purchase {
            None => (*self.reading(lender, NO_SCORE, application), 0.0),
            Some((purchase, word)) if usize::from(purchase.seller) < self.platforms => {
                (*self.reading(lender, purchase.seller + 1, application), noise(word))
            }
            Some((purchase, word)) => {
                let own = self.own_precision[usize::from(lender.class)][usize::from(application.thin_file())];
                (self.terms.reading(own, purchase.pooled), noise(word))
            }
        };
        let loans_seen = self.loans_seen(block, application, lender);
        let margin = reading.margin_but_for_noise(noise(middle_word(application.rank)), loans_seen)
            + reading.on_own_noise * noise(own_noise)
            + reading.on_bought_noise * bought;
        if margin.abs() > self.finer_margin_error {
            margin > 0.0
        } else {
            self.approves_exactly(block, application, own_noise, purchase)
        }
    }

    /// Whether a bank approves, by exact values: where nearer ones are too near to call too.
    #[cold]
    fn approves_exactly(
        &self,
        block: &Block,
        application: &Application,
        own_noise: u32,
        purchase: Option<(&Purchase, u32)>,
    ) -> bool {
        let lender = self.lenders[usize::from(application.bank)];
        let own = self.own_precision[usize::from(lender.class)][usize::from(application.thin_file())];
        let quality = quality(application.rank);
        let noise = |word| normal_quantile(uniform(word));
        let mut signals = weighted_signal(quality, own, noise(own_noise));
        let mut precision = own;
        if let Some((purchase, word)) = purchase {
            let bought = self.direct_precision.get(usize::from(purchase.seller)).unwrap_or(&purchase.pooled);
            if *bought > 0.0 {
                signals += weighted_signal(quality, *bought, noise(word));
                precision += bought;
            }
        }
        let loans_seen = self.loans_seen(block, application, lender);
        self.terms.approves(signals / (1.0 + precision), precision, loans_seen)
    }

    fn grant(&self, block: &mut Block, application: &Application, tally: &mut Tally) {
        let (place, bank) = (application.place(), usize::from(application.bank));
        let reported = self.lender_reporting > 0.0 && self.luck(block.user(place), 1) < self.lender_reporting;
        let [before, after] = block.grant(place, bank, application.slot, reported, self.month);
        tally.change_of_debt(before, after);
        tally.grant(bank, application.slot, application.groups);
    }
}

/// The two words of an applicant's way to a first lender.
#[inline]
fn way(drawn: &Room<[u32; 4]>, applicant: Applicant) -> [u32; PER_WAY] {
    let [a, b, c, d] = *drawn.get(usize::from(applicant.candidate) * PER_WAY / WORDS);
    if applicant.candidate.is_multiple_of(2) { [a, b] } else { [c, d] }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::tests::terms;

    /// Where values are near, quality is as near as noise.
    #[test]
    fn quality_is_near_at_every_rank() {
        let near_normal = NearNormal::table();
        for rank in (0..=u16::MAX).step_by(13).chain(0..1_000).chain(u16::MAX - 1_000..=u16::MAX) {
            let off = f64::from(near_normal.of(middle_word(rank))) - quality(rank);
            assert!(off.is_nan() || off.abs() < NearNormal::ERROR, "{rank}: {off}");
            let finer_off = f64::from(near_normal.of_any(middle_word(rank))) - quality(rank);
            assert!(finer_off.abs() < NearNormal::ERROR_OF_ANY, "{rank}: {finer_off}");
        }
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

//! Step 4 of a month, sourcing: each bank that reviews chooses its data source.
//!
//! Banks of a class differ only in tastes and beliefs, so what a source is worth is worked out once
//! a class, on the panel.

use crate::agents::banks::Source;
use crate::choice::{Agent, Decision, Utility, best, holding_back};
use crate::credit::demand;
use crate::information::platforms_in;
use crate::panel::Person;
use crate::random::{Purpose, uniform};
use crate::scenario::value::LoanRecords;
use crate::screening::{LendingTerms, Screen, balance_years};
use crate::world::World;

/// The least profit per application without data, CNY, by which utilities are divided.
const LEAST_REFERENCE_CNY: f64 = 1.0;

/// Lets banks choose. In the first month of all, every bank does.
pub fn choose(world: &mut World) {
    let rate = world.parameters.behaviour.review_rate;
    let mut draws = vec![[0; 4]; world.banks.len()];
    world.key.draw_agents(Purpose::BankReview, 0, world.month, 0, &mut draws);
    let review = |bank: &usize| world.month == 0 || uniform(draws[*bank][0]) < rate;
    let reviewing: Vec<usize> = (0..world.banks.len()).filter(review).collect();
    if reviewing.is_empty() {
        return;
    }
    world.banks.draw_tastes(world.key, Source::count(world.agencies.len()));
    let mut approvals = std::mem::take(&mut world.approvals);
    let market = Market::new(world, &mut approvals);
    world.approvals = approvals;
    let mut plans = Vec::with_capacity(reviewing.len());
    let mut decisions = Vec::new();
    let mut options = Vec::new();
    for bank in reviewing {
        let menu = &market.menus[usize::from(world.banks.class[bank])];
        options.clear();
        options.extend(menu.values.iter().map(|value| market.utility(world, menu, bank, value)));
        let chosen = best(&options);
        plans.push((bank, menu.values[chosen].source));
        if world.decisions.is_some() {
            let names = menu.values.iter().map(|value| name(world, value.source));
            decisions.push(Decision {
                agent: Agent::Bank(bank),
                choice: "data_source".into(),
                options: names.zip(options.iter().copied()).collect(),
                chosen,
                reference_cny: menu.reference_cny,
            });
        }
    }
    plans.into_iter().for_each(|(bank, source)| world.banks.source[bank] = source);
    if let Some(log) = &mut world.decisions {
        log.extend(decisions);
    }
}

/// The name of a source as an option.
fn name(world: &World, source: Source) -> String {
    match source {
        Source::None => "none".into(),
        Source::Direct => "direct".into(),
        Source::Agency(a) => world.parameters.agencies[a].id.clone(),
        Source::AllAgencies => "both".into(),
    }
}

/// Probabilities of approval on the panel without data and with platforms' scores, from month to month: most persons owe
/// as many loans as the month before, and scores are equally precise until the calendar starts, when data begin to grow.
#[derive(Default)]
pub struct Approvals {
    terms: Option<LendingTerms>,
    /// The yearly margin of a loan to a person, by loans.
    yearly_margins: ByLoans<f64>,
    /// Scores on sale, for which `direct` of all classes holds.
    on_sale: OnSale,
    /// Of the first classes only, since there may be as many as banks.
    by_class: Vec<ApprovalsOfClass>,
}

/// Those at banks of a class, by loans that a bank sees.
#[derive(Default)]
struct ApprovalsOfClass {
    /// Own precision: thick file, thin file.
    own: [f64; 2],
    without_data: ByLoans<f64>,
    /// With platforms' scores.
    direct: ByLoans<Ways>,
}

/// The precision of each platform's own scores, if it sells them.
type OnSale = Vec<Option<f64>>;

/// What banks see on sale: who sold at the end of the month before.
fn on_sale(world: &World) -> OnSale {
    let precision = |p: usize| world.platforms[p].before.sells_directly.then(|| world.direct_precision(p));
    (0..world.platforms.len()).map(precision).collect()
}

/// Approval and number of queries of an applicant, through platforms and at the home bank.
#[derive(Clone, Copy)]
struct Ways {
    referred: (f64, f64),
    home: (f64, f64),
}

/// Something on each person of the panel that depends on a number of loans, as it was for the last such number.
struct ByLoans<T>(Vec<Option<(u32, T)>>);

impl<T> Default for ByLoans<T> {
    fn default() -> ByLoans<T> {
        ByLoans(Vec::new())
    }
}

impl<T: Copy> ByLoans<T> {
    /// What it is of the person at this place of the panel, with so many loans: `work_out` says if that is not known.
    fn of(&mut self, place: usize, loans: u32, work_out: impl FnOnce() -> T) -> T {
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        match self.0[place] {
            Some((known, value)) if known == loans => value,
            _ => {
                let value = work_out();
                self.0[place] = Some((loans, value));
                value
            }
        }
    }
}

impl Approvals {
    /// So many classes' approvals are kept, some 70 kB each.
    const CLASSES: usize = 16;

    /// Forgets what is not so any more, where this is on sale.
    fn renew(&mut self, world: &World, on_sale: &OnSale) {
        let terms = world.lending_terms();
        if self.terms != Some(terms) {
            *self = Approvals { terms: Some(terms), ..Approvals::default() };
        }
        let sells_as_before = self.on_sale == *on_sale;
        self.on_sale.clone_from(on_sale);
        let classes = world.parameters.banks.len().min(Self::CLASSES);
        self.by_class.resize_with(classes, ApprovalsOfClass::default);
        for (class, approvals) in self.by_class.iter_mut().enumerate() {
            let own = [false, true].map(|thin| world.own_precision(class, thin));
            if approvals.own != own {
                *approvals = ApprovalsOfClass { own, ..ApprovalsOfClass::default() };
            }
            if !sells_as_before {
                approvals.direct = ByLoans::default();
            }
        }
    }
}

/// A person of the panel as a lender would meet it this month.
struct Applicant {
    /// Place in the panel.
    place: usize,
    /// Yearly margin of a loan to the person per unit of balance, given all its loans.
    yearly_margin: f64,
    /// Loans with the home bank, which it sees as its own.
    own_loans: u32,
    /// Reported loans with other lenders.
    reported_elsewhere: u32,
}

/// The persons of the panel who may apply this month.
fn applicants(world: &World, yearly_margins: &mut ByLoans<f64>) -> Vec<Applicant> {
    let (terms, block) = (world.lending_terms(), &world.blocks[0]);
    let people = block.people();
    let may_apply = |place: &usize| {
        people
            .get(*place)
            .is_some_and(|person| person.may_apply(world.parameters.credit.max_loans, world.month))
    };
    let applicant = |place: usize| {
        let home = block.home_bank(place);
        let own = block.loans_of(place).filter(|loan| usize::from(loan.lender) == home);
        let elsewhere =
            block.loans_of(place).filter(|loan| usize::from(loan.lender) != home && loan.reported());
        let (quality, loans) = (world.panel.persons[place].quality, block.loan_count(place));
        Applicant {
            place,
            yearly_margin: yearly_margins.of(place, loans, || terms.yearly_margin(quality, loans)),
            own_loans: own.count() as u32,
            reported_elsewhere: elsewhere.count() as u32,
        }
    };
    (0..world.panel.persons.len()).filter(may_apply).map(applicant).collect()
}

/// What a source of data is worth to a class of banks, per application.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SourceValue {
    /// The source.
    source: Source,
    /// Expected profit before fees, CNY.
    profit_cny: f64,
    /// Expected fees, CNY.
    fees_cny: f64,
}

/// What every bank of a class can choose from.
struct Menu {
    reference_cny: f64,
    values: Vec<SourceValue>,
}

/// What all banks see.
struct Market {
    menus: Vec<Menu>,
    banned: bool,
    /// Banks that don't buy directly.
    not_direct: usize,
    /// Expected fine per application, if found, CNY.
    fine_per_application_cny: f64,
}

impl Market {
    fn new(world: &World, approvals: &mut Approvals) -> Market {
        let on_sale = on_sale(world);
        approvals.renew(world, &on_sale);
        let valuation = Valuation::new(world, on_sale, &mut approvals.yearly_margins);
        let mut menu = |class: usize| match approvals.by_class.get_mut(class) {
            Some(known) => valuation.menu(world, class, known),
            None => valuation.menu(world, class, &mut ApprovalsOfClass::default()),
        };
        let decisions = world.decisions_made.mean().unwrap_or(0.0) / world.banks.len() as f64;
        Market {
            menus: (0..world.parameters.banks.len()).map(&mut menu).collect(),
            banned: world.rules.direct_sale_banned,
            not_direct: world.banks.len() - world.banks.buying_directly(),
            fine_per_application_cny: if decisions > 0.0 {
                world.parameters.supervision.bank_fine_cny / decisions
            } else {
                0.0
            },
        }
    }

    fn utility(&self, world: &World, menu: &Menu, bank: usize, value: &SourceValue) -> Utility {
        let direct = value.source == Source::Direct;
        let unlawful = direct && self.banned;
        let sanction = if unlawful { world.banks.belief[bank] * self.fine_per_application_cny } else { 0.0 };
        let reluctance = if self.banned && !direct { self.reluctance(world, bank) } else { 0.0 };
        Utility::of([
            ("profit", value.profit_cny / menu.reference_cny),
            ("fees", -value.fees_cny / menu.reference_cny),
            ("sanction", -sanction / menu.reference_cny),
            ("reluctance", -reluctance),
            ("taste", taste(world, bank, value.source)),
        ])
    }

    /// The reluctance to give up direct data before enough other banks have.
    fn reluctance(&self, world: &World, bank: usize) -> f64 {
        let others = world.banks.len() - 1;
        let own = usize::from(world.banks.source[bank] != Source::Direct);
        let share = if others == 0 { 1.0 } else { (self.not_direct - own) as f64 / others as f64 };
        let waits_for = world.parameters.banks[usize::from(world.banks.class[bank])].row.waits_for;
        world.parameters.behaviour.reluctance_banks * holding_back(waits_for, share)
    }
}

fn taste(world: &World, bank: usize, source: Source) -> f64 {
    let mu = world.parameters.behaviour.mu_banks;
    if mu == 0.0 {
        return 0.0;
    }
    mu * world.banks.taste(bank, source)
}

/// What sources are worth, from the closed form on the panel.
struct Valuation {
    terms: LendingTerms,
    applicants: Vec<Applicant>,
    /// Balance-years of a loan, CNY.
    loan_years_cny: f64,
    /// Scores that platforms sell directly.
    on_sale: OnSale,
    /// Share of applications that come through platforms.
    platform_share: f64,
    /// The precision of data on each applicant: of each agency's, and of all agencies' together last.
    agency_precision: Vec<f64>,
    /// Whether reported loans of other lenders are seen, by agency, and with no agency last.
    sees_reported: Vec<bool>,
    on_offer: Vec<usize>,
}

impl Valuation {
    fn new(world: &World, on_sale: OnSale, yearly_margins: &mut ByLoans<f64>) -> Valuation {
        let delivered = world.delivered_before();
        let applicants = applicants(world, yearly_margins);
        let on_offer: Vec<usize> = (0..world.agencies.len()).filter(|a| world.on_menu(*a)).collect();
        let ablest = on_offer.iter().map(|a| world.agencies[*a].capability).fold(0.0, f64::max);
        let mut agency_precision = Vec::with_capacity(applicants.len() * (on_offer.len() + 1));
        for applicant in &applicants {
            let person = &world.panel.persons[applicant.place];
            let consents = !on_offer.is_empty() && delivered.consents(person.user);
            let mut union = 0;
            agency_precision.extend(on_offer.iter().map(|a| {
                let held = if consents { delivered.held(person.user, person.memberships, *a) } else { 0 };
                union |= held;
                world.agencies[*a].capability * delivered.pool.raw(held)
            }));
            agency_precision.push(ablest * delivered.pool.raw(union));
        }
        let records = |a: &usize| world.parameters.agencies[*a].row.records_loans;
        let sees = |subscribed: bool| match world.rules.loan_records {
            LoanRecords::None => false,
            LoanRecords::Subscribers => subscribed,
            LoanRecords::All => true,
        };
        Valuation {
            terms: world.lending_terms(),
            loan_years_cny: world.parameters.credit.loan_cny
                * balance_years(world.parameters.credit.term_months),
            on_sale,
            platform_share: demand(world).1,
            agency_precision,
            sees_reported: on_offer
                .iter()
                .map(|a| sees(records(a)))
                .chain([sees(on_offer.iter().any(records)), sees(false)])
                .collect(),
            applicants,
            on_offer,
        }
    }

    /// The menu of a class: no data; direct where somebody sells; each agency that is open and holds
    /// something; all of them where there are two at least.
    fn menu(&self, world: &World, class: usize, known: &mut ApprovalsOfClass) -> Menu {
        let approvals = self.approvals_without_data(world, class, &mut known.without_data);
        let without = self.expected_profit(|i, _| approvals[i]);
        let mut values = vec![SourceValue { source: Source::None, profit_cny: without, fees_cny: 0.0 }];
        if self.on_sale.iter().any(Option::is_some) {
            values.push(self.direct(world, class, &approvals, &mut known.direct));
        }
        let fee = |a: usize| world.agencies[a].fee_cny;
        for (place, a) in self.on_offer.iter().enumerate() {
            values.push(self.agency(world, class, place, Source::Agency(*a), fee(*a), &approvals));
        }
        if self.on_offer.len() >= 2 {
            let fees = self.on_offer.iter().map(|a| fee(*a)).sum();
            let all = self.on_offer.len();
            values.push(self.agency(world, class, all, Source::AllAgencies, fees, &approvals));
        }
        Menu { reference_cny: without.max(LEAST_REFERENCE_CNY), values }
    }

    /// The mean over the panel of approval x yearly margin, in CNY per application.
    fn expected_profit(&self, approval: impl Fn(usize, &Applicant) -> f64) -> f64 {
        let margins = self.applicants.iter().enumerate();
        let sum: f64 = margins.map(|(i, applicant)| approval(i, applicant) * applicant.yearly_margin).sum();
        self.loan_years_cny * sum / self.applicants.len().max(1) as f64
    }

    /// Loans of an applicant that a bank sees.
    fn seen(&self, applicant: &Applicant, source: usize) -> u32 {
        applicant.own_loans + if self.sees_reported[source] { applicant.reported_elsewhere } else { 0 }
    }

    /// By applicant, the probability of approval without data.
    fn approvals_without_data(&self, world: &World, class: usize, known: &mut ByLoans<f64>) -> Vec<f64> {
        let screens = self.screens(world, class, &[0.0]);
        let source = self.on_offer.len() + 1;
        let approval = |applicant: &Applicant| {
            let person = &world.panel.persons[applicant.place];
            let seen = self.seen(applicant, source);
            known.of(applicant.place, seen, || screens.at(0, person.thin_file, seen).approval(person.quality))
        };
        self.applicants.iter().map(approval).collect()
    }

    /// Data of the agency, or of all, at this place of `agency_precision`. `without` has approvals without.
    fn agency(
        &self,
        world: &World,
        class: usize,
        place: usize,
        source: Source,
        fee: f64,
        without: &[f64],
    ) -> SourceValue {
        let places = self.on_offer.len() + 1;
        let profit_cny = self.expected_profit(|i, applicant| {
            let person = &world.panel.persons[applicant.place];
            let own = world.own_precision(class, person.thin_file);
            let bought = self.agency_precision[i * places + place];
            let seen = self.seen(applicant, place);
            if bought == 0.0 && seen == self.seen(applicant, places) {
                return without[i];
            }
            self.terms.screen(own + bought, seen).approval(person.quality)
        });
        SourceValue { source, profit_cny, fees_cny: fee }
    }

    /// Direct data: applicants who come through a platform are enriched by it, others by the most
    /// precise platform that sells; a fee is paid where there is a seller.
    fn direct(&self, world: &World, class: usize, without: &[f64], known: &mut ByLoans<Ways>) -> SourceValue {
        let precision: Vec<f64> = self.on_sale.iter().map(|sold| sold.unwrap_or(0.0)).collect();
        let screens = self.screens(world, class, &precision);
        let through = self.share_through_platforms(world, class);
        let source = self.on_offer.len() + 1;
        let consent = world.rules.consent;
        // Over the ways in which the applicant, who would be approved without data with a known probability, may come.
        let ways = |person: &Person, seen: u32, otherwise: f64| {
            let (mut home, mut referred) = ((otherwise, 0.0), (0.0, 0.0));
            let mut most_precise = f64::NEG_INFINITY;
            for p in platforms_in(person.memberships) {
                let Some(sold) = self.on_sale[p] else { continue };
                let approval = screens.at(p, person.thin_file, seen).approval(person.quality);
                if sold > most_precise {
                    (most_precise, home) = (sold, (approval, 1.0));
                }
                let share = world.panel.share_of(person, p);
                referred.0 += share * approval;
                referred.1 += share;
            }
            if referred.1 < 1.0 {
                referred.0 += (1.0 - referred.1) * otherwise;
            }
            Ways { referred, home }
        };
        let outcome = |(applicant, without): (&Applicant, &f64)| -> (f64, f64) {
            let person = &world.panel.persons[applicant.place];
            if consent.is_some_and(|share| person.consent_threshold >= share) {
                return (*without, 0.0);
            }
            let seen = self.seen(applicant, source);
            let Ways { referred, home } = known.of(applicant.place, seen, || ways(person, seen, *without));
            if person.memberships == 0 {
                return home;
            }
            let mix = |referred: f64, home: f64| through * referred + (1.0 - through) * home;
            (mix(referred.0, home.0), mix(referred.1, home.1))
        };
        let outcomes: Vec<(f64, f64)> = self.applicants.iter().zip(without).map(outcome).collect();
        let queries: f64 = outcomes.iter().map(|(_, queries)| queries).sum();
        SourceValue {
            source: Source::Direct,
            profit_cny: self.expected_profit(|i, _| outcomes[i].0),
            fees_cny: world.parameters.fees.direct_query * queries / outcomes.len().max(1) as f64,
        }
    }

    /// The share of a class's first applications that come through platforms.
    fn share_through_platforms(&self, world: &World, class: usize) -> f64 {
        let row = &world.parameters.banks[class].row;
        let through = self.platform_share * row.partnership_weight;
        let home = (1.0 - self.platform_share) * row.deposit_share;
        if through + home > 0.0 { through / (through + home) } else { 0.0 }
    }

    /// The screens of a class for each of some precisions of bought data.
    fn screens(&self, world: &World, class: usize, bought: &[f64]) -> Screens {
        let most_loans = world.parameters.credit.max_loans as usize;
        let own = [false, true].map(|thin| world.own_precision(class, thin));
        let mut screens = Vec::with_capacity(bought.len() * 2 * most_loans);
        for precision in bought {
            for own in own {
                screens.extend((0..most_loans).map(|seen| self.terms.screen(own + precision, seen as u32)));
            }
        }
        Screens { screens, most_loans }
    }
}

/// Screens by precision of bought data, file and loans seen.
struct Screens {
    screens: Vec<Screen>,
    most_loans: usize,
}

impl Screens {
    fn at(&self, place: usize, thin_file: bool, seen: u32) -> Screen {
        self.screens[(2 * place + usize::from(thin_file)) * self.most_loans + seen as usize]
    }
}

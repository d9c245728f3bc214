//! The double-entry ledger: every flow of money has a payer and a payee.

use crate::units::Money;
use crate::workers::at_a_time;
use rayon::prelude::*;

/// A party that pays or is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// All users.
    Users,
    /// The platform with this index.
    Platform(usize),
    /// The bank with this index.
    Bank(usize),
    /// The agency with this index.
    Agency(usize),
    /// The central bank.
    CentralBank,
    /// The treasury.
    Treasury,
    /// Shareholders of agencies that are no platforms.
    OutsideShareholders,
    /// Whoever is paid for funds, work and machines.
    Suppliers,
}

/// Kinds of party, in the order of [`PARTY_KINDS`].
pub const PARTY_KINDS: [&str; 8] = [
    "users",
    "platforms",
    "banks",
    "agencies",
    "central_bank",
    "treasury",
    "outside_shareholders",
    "suppliers",
];

impl Party {
    /// Index of its kind in [`PARTY_KINDS`].
    fn kind(self) -> usize {
        match self {
            Party::Users => 0,
            Party::Platform(_) => 1,
            Party::Bank(_) => 2,
            Party::Agency(_) => 3,
            Party::CentralBank => 4,
            Party::Treasury => 5,
            Party::OutsideShareholders => 6,
            Party::Suppliers => 7,
        }
    }
}

macro_rules! flows {
    ($($(#[$doc:meta])* $flow:ident = $name:literal),+ $(,)?) => {
        /// What money is paid for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flow { $($(#[$doc])* $flow),+ }

        /// Names of flows, in the order of [`Flow`].
        pub const FLOWS: [&str; [$($name),+].len()] = [$($name),+];
    };
}

flows! {
    /// Loans granted.
    PrincipalLent = "principal_lent",
    /// Instalments, and what is recovered from defaulters.
    PrincipalRepaid = "principal_repaid",
    /// Interest on loans.
    Interest = "interest",
    /// Cost of funding and operating loans, without commissions.
    Funding = "funding",
    /// Commissions for loans that platforms brought.
    Commission = "commission",
    /// Fees for data sold by platforms.
    DirectFee = "direct_fee",
    /// Fees for queries of agencies.
    AgencyFee = "agency_fee",
    /// Shares of agencies' fees.
    RevenueShare = "revenue_share",
    /// Payments to users for records delivered.
    UserPayment = "user_payment",
    /// Dividends of agencies.
    Dividend = "dividend",
    /// Fines.
    Fine = "fine",
    /// Platforms' cost of delivering.
    ComplianceCost = "compliance_cost",
    /// Platforms' and agencies' other cost.
    OperatingCost = "operating_cost",
    /// Cost of audits.
    AuditCost = "audit_cost",
}

/// Net flows of the month.
type Net = [Money; FLOWS.len()];

/// What some parties have and were paid.
#[derive(Clone, Debug)]
struct Accounts {
    /// Cash since the beginning.
    cash: Vec<Money>,
    net: Vec<Net>,
}

impl Accounts {
    fn new(parties: usize) -> Accounts {
        Accounts { cash: vec![Money::ZERO; parties], net: vec![Net::default(); parties] }
    }

    /// All of these, in one piece.
    fn as_mut(&mut self) -> AccountsMut<'_> {
        AccountsMut { cash: &mut self.cash, net: &mut self.net }
    }
}

/// The same, of neighbours.
struct AccountsMut<'a> {
    cash: &'a mut [Money],
    net: &'a mut [Net],
}

impl AccountsMut<'_> {
    #[inline]
    fn receive(&mut self, party: usize, flow: Flow, amount: Money) {
        self.cash[party] += amount;
        self.net[party][flow as usize] += amount;
    }
}

/// Flows of a month between kinds of party: payer, payee, flow.
type Between = [[[Money; FLOWS.len()]; PARTY_KINDS.len()]; PARTY_KINDS.len()];

/// Parties of which there is one each, all but platforms, banks and agencies: their accounts come before those of the others.
const SINGLE: usize = PARTY_KINDS.len() - 3;

/// All of a ledger but banks' accounts.
#[derive(Clone, Debug)]
struct Rest {
    platforms: usize,
    /// Everybody else's accounts.
    accounts: Accounts,
    between: Box<Between>,
}

impl Rest {
    /// Nothing yet, of so many parties, some of them platforms.
    fn new(platforms: usize, parties: usize) -> Rest {
        Rest { platforms, accounts: Accounts::new(parties), between: Box::default() }
    }

    /// The place of the account of a party that is no bank.
    #[inline]
    fn place(&self, party: Party) -> usize {
        match party {
            Party::Users => 0,
            Party::CentralBank => 1,
            Party::Treasury => 2,
            Party::OutsideShareholders => 3,
            Party::Suppliers => 4,
            Party::Platform(p) => SINGLE + p,
            Party::Agency(a) => SINGLE + self.platforms + a,
            Party::Bank(b) => unreachable!("bank {b} has an account among the banks'"),
        }
    }

    /// Adds what has been posted elsewhere.
    fn add(&mut self, other: &Rest) {
        let add = |sums: &mut [Money], more: &[Money]| sums.iter_mut().zip(more).for_each(|(s, m)| *s += *m);
        add(&mut self.accounts.cash, &other.accounts.cash);
        add(self.accounts.net.as_flattened_mut(), other.accounts.net.as_flattened());
        let between = self.between.as_flattened_mut().as_flattened_mut();
        add(between, other.between.as_flattened().as_flattened());
    }
}

/// A part of the ledger on which payments are entered: of some banks, and of everybody else.
pub struct Page<'a> {
    /// The first of the banks.
    first: usize,
    banks: AccountsMut<'a>,
    rest: &'a mut Rest,
}

impl Page<'_> {
    /// Books a payment of `amount`, which must not be negative.
    #[inline]
    pub fn post(&mut self, payer: Party, payee: Party, flow: Flow, amount: Money) {
        assert!(amount >= Money::ZERO, "{payer:?} can't pay {payee:?} a {flow:?} of {amount}");
        if amount == Money::ZERO {
            return;
        }
        self.receive(payer, flow, -amount);
        self.receive(payee, flow, amount);
        self.rest.between[payer.kind()][payee.kind()][flow as usize] += amount;
    }

    #[inline]
    fn receive(&mut self, party: Party, flow: Flow, amount: Money) {
        if let Party::Bank(b) = party {
            self.banks.receive(b - self.first, flow, amount);
        } else {
            let place = self.rest.place(party);
            self.rest.accounts.as_mut().receive(place, flow, amount);
        }
    }
}

/// Everybody's cash and the flows of the month.
#[derive(Clone, Debug)]
pub struct Ledger {
    banks: Accounts,
    rest: Rest,
}

impl Ledger {
    /// A ledger in which nobody has any cash.
    pub fn new(platforms: usize, banks: usize, agencies: usize) -> Ledger {
        Ledger { banks: Accounts::new(banks), rest: Rest::new(platforms, SINGLE + platforms + agencies) }
    }

    /// Forgets the flows of the month; cash stays.
    pub fn open_month(&mut self) {
        self.banks.net.fill(Net::default());
        self.rest.accounts.net.fill(Net::default());
        *self.rest.between = Default::default();
    }

    /// Books a payment of `amount`, which must not be negative.
    pub fn post(&mut self, payer: Party, payee: Party, flow: Flow, amount: Money) {
        let Ledger { banks, rest } = self;
        Page { first: 0, banks: banks.as_mut(), rest }.post(payer, payee, flow, amount);
    }

    /// Lets so many workers enter what each bank pays and is paid, side by side: each enters it on a page of its own, beside
    /// what else there is on the bank, and counts in something that starts as `nothing`. Returns the sum. All that is
    /// added up is whole numbers, so it does not matter who takes which bank; sums are added in the order of banks.
    pub fn post_by_bank<T: Send, C: Send>(
        &mut self,
        workers: usize,
        of_banks: impl IndexedParallelIterator<Item = T>,
        nothing: impl Fn() -> C + Sync,
        enter: impl Fn(usize, T, &mut Page, &mut C) + Sync,
        add: impl Fn(&mut C, C) + Sync,
    ) -> C {
        let Ledger { banks, rest } = self;
        assert_eq!(of_banks.len(), banks.cash.len(), "there is something on every bank");
        let at_a_time = at_a_time(banks.cash.len(), workers);
        // Boxed, as they go from one bank to the next by value.
        let none = || Box::new((Rest::new(rest.platforms, rest.accounts.cash.len()), nothing()));
        let accounts = banks.cash.par_chunks_mut(1).zip(banks.net.par_chunks_mut(1));
        let posted = (accounts.zip(of_banks).enumerate().with_min_len(at_a_time))
            .fold(none, |mut posted, (bank, ((cash, net), of_bank))| {
                let (rest, counted) = &mut *posted;
                let banks = AccountsMut { cash, net };
                enter(bank, of_bank, &mut Page { first: bank, banks, rest }, counted);
                posted
            })
            .reduce_with(|mut sum, more| {
                sum.0.add(&more.0);
                add(&mut sum.1, more.1);
                sum
            });
        let (posted, counted) = *posted.unwrap_or_else(none);
        rest.add(&posted);
        counted
    }

    /// What `party` received less what it paid for `flow` this month.
    pub fn net(&self, party: Party, flow: Flow) -> Money {
        let (accounts, place) = self.account(party);
        accounts.net[place][flow as usize]
    }

    /// The sum of [`Ledger::net`] over `flows`.
    pub fn net_of(&self, party: Party, flows: &[Flow]) -> Money {
        flows.iter().map(|flow| self.net(party, *flow)).sum()
    }

    /// What all parties paid for `flow` this month.
    pub fn total(&self, flow: Flow) -> Money {
        self.rest.between.iter().flatten().map(|flows| flows[flow as usize]).sum()
    }

    /// Cash of `party` since the beginning.
    pub fn cash(&self, party: Party) -> Money {
        let (accounts, place) = self.account(party);
        accounts.cash[place]
    }

    /// The sum of everybody's cash, which is 0 unless the program has a fault.
    pub fn imbalance(&self) -> Money {
        self.banks.cash.iter().chain(&self.rest.accounts.cash).copied().sum()
    }

    /// The month's flows between kinds of party that are not zero: payer, payee, flow, amount.
    pub fn flows(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str, Money)> {
        self.rest.between.iter().enumerate().flat_map(|(payer, payees)| {
            payees.iter().enumerate().flat_map(move |(payee, flows)| {
                let named = flows.iter().enumerate().filter(|(_, amount)| **amount != Money::ZERO);
                named
                    .map(move |(flow, amount)| (PARTY_KINDS[payer], PARTY_KINDS[payee], FLOWS[flow], *amount))
            })
        })
    }

    /// Where a party's account is.
    fn account(&self, party: Party) -> (&Accounts, usize) {
        match party {
            Party::Bank(b) => (&self.banks, b),
            other => (&self.rest.accounts, self.rest.place(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_posting_moves_cash_from_payer_to_payee() {
        let mut ledger = Ledger::new(2, 3, 1);
        ledger.post(Party::Bank(2), Party::Agency(0), Flow::AgencyFee, Money(500));
        ledger.post(Party::Agency(0), Party::Platform(1), Flow::RevenueShare, Money(75));
        assert_eq!(ledger.cash(Party::Bank(2)), Money(-500));
        assert_eq!(ledger.cash(Party::Agency(0)), Money(425));
        assert_eq!(ledger.net(Party::Platform(1), Flow::RevenueShare), Money(75));
        assert_eq!(ledger.net_of(Party::Agency(0), &[Flow::AgencyFee, Flow::RevenueShare]), Money(425));
        assert_eq!(ledger.imbalance(), Money::ZERO);
        assert_eq!(
            ledger.flows().collect::<Vec<_>>(),
            [
                ("banks", "agencies", "agency_fee", Money(500)),
                ("agencies", "platforms", "revenue_share", Money(75))
            ]
        );
        ledger.open_month();
        assert_eq!(ledger.total(Flow::AgencyFee), Money::ZERO);
        assert_eq!(ledger.cash(Party::Bank(2)), Money(-500));
    }

    /// However many enter payments, the ledger has them as if one had.
    #[test]
    fn banks_that_post_side_by_side_are_added_up() {
        let pays = [500, 0, 20, 3, 0, 7, 100].map(Money);
        let payee = |bank: usize| [Party::Agency(0), Party::Platform(1), Party::Users][bank % 3];
        let mut expected = Ledger::new(2, pays.len(), 1);
        expected.post(Party::Users, Party::Bank(3), Flow::Interest, Money(11));
        let start = expected.clone();
        for (bank, amount) in pays.into_iter().enumerate() {
            expected.post(Party::Bank(bank), payee(bank), Flow::DirectFee, amount);
            expected.post(Party::Users, Party::Bank(bank), Flow::Interest, amount * 2);
        }
        let all = |ledger: &Ledger| {
            let accounts = [&ledger.banks, &ledger.rest.accounts];
            let cash = accounts.map(|accounts| accounts.cash.clone());
            (cash, accounts.map(|accounts| accounts.net.clone()), ledger.rest.between.clone())
        };
        for workers in [1, 2, 3, 20] {
            let mut ledger = start.clone();
            let pages = AtomicUsize::new(0);
            let paid = ledger.post_by_bank(
                workers,
                pays.into_par_iter(),
                || {
                    pages.fetch_add(1, Ordering::Relaxed);
                    Money::ZERO
                },
                |bank, amount, page, paid| {
                    page.post(Party::Bank(bank), payee(bank), Flow::DirectFee, amount);
                    page.post(Party::Users, Party::Bank(bank), Flow::Interest, amount * 2);
                    *paid += amount;
                },
                |sum, more| *sum += more,
            );
            assert_eq!(paid, Money(630), "{workers} workers");
            assert_eq!(pages.into_inner() > 1, workers > 1, "{workers} workers");
            assert_eq!(all(&ledger), all(&expected), "{workers} workers");
        }
    }

    #[test]
    fn cash_from_nowhere_is_an_imbalance() {
        let mut ledger = Ledger::new(2, 3, 1);
        ledger.post(Party::Bank(2), Party::Agency(0), Flow::AgencyFee, Money(500));
        ledger.rest.accounts.cash[1] += Money(3);
        assert_eq!(ledger.imbalance(), Money(3));
    }

    #[test]
    #[should_panic(expected = "can't pay")]
    fn a_negative_payment_is_a_fault() {
        Ledger::new(1, 1, 1).post(Party::Users, Party::Suppliers, Flow::Funding, Money(-1));
    }
}

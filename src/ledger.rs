//! The double-entry ledger: every flow of money has a payer and a payee.

use crate::units::Money;

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

/// Cash of every party and the flows of the month.
#[derive(Clone, Debug)]
pub struct Ledger {
    platforms: usize,
    banks: usize,
    /// Cash since the beginning, by account.
    cash: Vec<Money>,
    /// Net flows of the month, by account and flow.
    net: Vec<[Money; FLOWS.len()]>,
    /// Flows of the month between kinds of party: payer, payee, flow.
    between: [[[Money; FLOWS.len()]; PARTY_KINDS.len()]; PARTY_KINDS.len()],
}

impl Ledger {
    /// A ledger in which nobody has any cash.
    pub fn new(platforms: usize, banks: usize, agencies: usize) -> Ledger {
        let accounts = platforms + banks + agencies + 5;
        Ledger {
            platforms,
            banks,
            cash: vec![Money::ZERO; accounts],
            net: vec![[Money::ZERO; FLOWS.len()]; accounts],
            between: Default::default(),
        }
    }

    /// Forgets the flows of the month; cash stays.
    pub fn open_month(&mut self) {
        self.net.fill([Money::ZERO; FLOWS.len()]);
        self.between = Default::default();
    }

    /// Books a payment of `amount`, which must not be negative.
    pub fn post(&mut self, payer: Party, payee: Party, flow: Flow, amount: Money) {
        assert!(amount >= Money::ZERO, "{payer:?} can't pay {payee:?} a {flow:?} of {amount}");
        if amount == Money::ZERO {
            return;
        }
        let (from, to) = (self.account(payer), self.account(payee));
        self.cash[from] -= amount;
        self.cash[to] += amount;
        self.net[from][flow as usize] -= amount;
        self.net[to][flow as usize] += amount;
        self.between[payer.kind()][payee.kind()][flow as usize] += amount;
    }

    /// What `party` received less what it paid for `flow` this month.
    pub fn net(&self, party: Party, flow: Flow) -> Money {
        self.net[self.account(party)][flow as usize]
    }

    /// The sum of [`Ledger::net`] over `flows`.
    pub fn net_of(&self, party: Party, flows: &[Flow]) -> Money {
        flows.iter().map(|flow| self.net(party, *flow)).sum()
    }

    /// What all parties paid for `flow` this month.
    pub fn total(&self, flow: Flow) -> Money {
        self.between.iter().flatten().map(|flows| flows[flow as usize]).sum()
    }

    /// Cash of `party` since the beginning.
    pub fn cash(&self, party: Party) -> Money {
        self.cash[self.account(party)]
    }

    /// The sum of everybody's cash, which is 0 unless the program has a fault.
    pub fn imbalance(&self) -> Money {
        self.cash.iter().copied().sum()
    }

    /// The month's flows between kinds of party that are not zero: payer, payee, flow, amount.
    pub fn flows(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str, Money)> {
        self.between.iter().enumerate().flat_map(|(payer, payees)| {
            payees.iter().enumerate().flat_map(move |(payee, flows)| {
                let named = flows.iter().enumerate().filter(|(_, amount)| **amount != Money::ZERO);
                named
                    .map(move |(flow, amount)| (PARTY_KINDS[payer], PARTY_KINDS[payee], FLOWS[flow], *amount))
            })
        })
    }

    fn account(&self, party: Party) -> usize {
        match party {
            Party::Users => 0,
            Party::CentralBank => 1,
            Party::Treasury => 2,
            Party::OutsideShareholders => 3,
            Party::Suppliers => 4,
            Party::Platform(p) => 5 + p,
            Party::Bank(b) => 5 + self.platforms + b,
            Party::Agency(a) => 5 + self.platforms + self.banks + a,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn cash_from_nowhere_is_an_imbalance() {
        let mut ledger = Ledger::new(2, 3, 1);
        ledger.post(Party::Bank(2), Party::Agency(0), Flow::AgencyFee, Money(500));
        ledger.cash[1] += Money(3);
        assert_eq!(ledger.imbalance(), Money(3));
    }

    #[test]
    #[should_panic(expected = "can't pay")]
    fn a_negative_payment_is_a_fault() {
        Ledger::new(1, 1, 1).post(Party::Users, Party::Suppliers, Flow::Funding, Money(-1));
    }
}

//! The central bank: what it has spent, and which amendments have come into force.

/// The central bank's state.
#[derive(Clone, Debug, PartialEq)]
pub struct CentralBank {
    /// By amendment of the scenario, what has become of it.
    pub amendments: Vec<AmendmentState>,
}

/// Where an amendment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AmendmentState {
    /// It has come into force.
    pub in_force: bool,
    /// It comes into force at the start of the next month.
    pub due: bool,
    /// Months in a row for which its condition has been met.
    pub months_met: u32,
}

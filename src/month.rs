//! One month of the world.

use crate::agents::users::serve_blocks;
use crate::credit::Lending;
use crate::repayment::Repayment;
use crate::timings::{Work, timed};
use crate::world::World;
use crate::{accounts, compliance, credit, delivery, exposure, repayment, rules, sourcing, supervision};

/// Steps the world by one month.
///
/// The order is an assumption. Rules come first, since everybody knows them; platforms move before
/// banks, since banks buy what there is; old loans are served before new ones are made, so that a
/// default bars the person from this month's loan; audits see what was sold; a breach loses what
/// is held at the end; accounts close last.
///
/// All choices read the state at the end of the month before.
pub fn step_month(world: &mut World) {
    timed(Work::Rules, || {
        accounts::open_month(world);
        rules::come_into_force(world);
    });
    timed(Work::Compliance, || compliance::choose(world));
    timed(Work::Delivery, || delivery::deliver(world));
    timed(Work::Sourcing, || sourcing::choose(world));
    repay_and_lend(world);
    timed(Work::Supervision, || supervision::supervise(world));
    timed(Work::Exposure, || exposure::expose(world));
    timed(Work::Accounts, || accounts::settle(world));
}

/// Repayment and credit. Lending looks at no other block and at no books, so each block goes through both
/// while it is at hand, and the books follow.
fn repay_and_lend(world: &mut World) {
    timed(Work::Loans, || {
        let (repayment, lending) = (Repayment::new(world), Lending::new(world));
        let World { blocks, desks, tallies, .. } = world;
        serve_blocks(blocks, desks, tallies, world.stop, |block, ahead, desk, tally| {
            repayment.serve(block, ahead, tally);
            lending.serve(block, ahead, desk, tally);
        });
    });
    timed(Work::Books, || {
        world.add_tallies();
        repayment::book(world);
        credit::book(world);
    });
}
